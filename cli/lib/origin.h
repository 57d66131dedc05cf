/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where an access comes from, or what a trace ran, as it is written: the instruction and its
 * name, made once for each instruction. An event without one is written the same way, only
 * slower.
 */
#ifndef HVT_LIB_ORIGIN_H
#define HVT_LIB_ORIGIN_H

#include <hvtrace/hvtrace.h>

#include "line.h"

struct hvt_origin {
	uint32_t place_len, insn_len; /* of a line of text: the name, then the instruction */
	uint32_t json_len;	      /* the members of JSON */
	char bytes[];		      /* one after the other, and HVT_PUT_BEYOND more */
};

/* What its parts are, by their definition (event_text.c, event_json.c). */
void hvt_text_place(struct hvt_line *l, const struct hvt_event *ev);
void hvt_text_insn(struct hvt_line *l, const struct hvt_event *ev);
void hvt_json_origin(struct hvt_line *l, const struct hvt_event *ev);

#endif
