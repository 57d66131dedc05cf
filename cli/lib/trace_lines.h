/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the files share that print the events of traces: what comes behind the part of a
 * line that all events have.
 */
#ifndef HVT_LIB_TRACE_LINES_H
#define HVT_LIB_TRACE_LINES_H

#include <hvtrace/hvtrace.h>

#include "line.h"

void hvt_insn_text(struct hvt_line *l, const struct hvt_event *ev);
void hvt_flow_text(struct hvt_line *l, const struct hvt_event *ev);
void hvt_insn_json(struct hvt_line *l, const struct hvt_event *ev);
void hvt_flow_json(struct hvt_line *l, const struct hvt_event *ev);

/* ---- event_text.c ---- */

/* object:symbol+off, `width` columns wide at least */
void hvt_line_named(struct hvt_line *l, const struct hvt_symbol *s, uint64_t addr, size_t width);
/* The line of source that the instruction is of, when it is known. */
void hvt_line_source(struct hvt_line *l, const struct hvt_event *ev);
/* A value of memory: a number when it is short enough. */
void hvt_line_value(struct hvt_line *l, const uint8_t *bytes, uint32_t len);

/* ---- trace_json.c ---- */

/* The name of a kind of break; NULL: none that this reader knows. */
const char *hvt_flow_name(uint8_t what);
/* rax ... r15, rflags: the register of a bit of delta_mask */
const char *hvt_delta_name(unsigned int bit);

#endif
