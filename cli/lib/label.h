/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * How a symbol is written, all but its offset: made once, for it is written again and
 * again. A symbol without a label is written the same way, only slower.
 */
#ifndef HVT_LIB_LABEL_H
#define HVT_LIB_LABEL_H

#include <hvtrace/hvtrace.h>

#include "line.h"

struct hvt_label {
	uint32_t text_len;	   /* "object:name", or what is before a nameless address */
	uint32_t sym_len;	   /* name between the quotes of JSON, ... */
	uint32_t raw_len, obj_len; /* ... the raw name and the object */
	char bytes[];		   /* one after the other, and HVT_PUT_BEYOND more */
};

/* NULL: no memory. */
struct hvt_label *hvt_label_new(const struct hvt_symbol *s);

/* What the label's text is, by its definition. */
void hvt_label_text(struct hvt_line *l, const struct hvt_symbol *s);

/* Put len bytes, those that a terminal could act on as \xNN, \ as \\. */
void hvt_line_escaped(struct hvt_line *l, const char *s, size_t len);

/* Is there a raw name that differs from the one that is shown? */
static inline bool hvt_is_demangled(const struct hvt_symbol *s)
{
	return s->raw && s->raw != s->name;
}

#endif
