/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* How symbols are written: see label.h. */
#include "label.h"

#include <stdlib.h>

#include "json.h"
#include "put.h"

void hvt_line_escaped(struct hvt_line *l, const char *s, size_t len)
{
	const char *end = s + len;
	size_t plain;

	for (;;) {
		plain = hvt_line_plain(s, (size_t)(end - s), '\\');
		hvt_line_put(l, s, plain);
		s += plain;
		if (s == end)
			return;
		if (*s == '\\') {
			hvt_line_lit(l, "\\\\");
		} else {
			hvt_line_lit(l, "\\x");
			hvt_line_hexn(l, (unsigned char)*s, 2);
		}
		s++;
	}
}

/* The kernel itself needs no object, an unknown address is bare. */
void hvt_label_text(struct hvt_line *l, const struct hvt_symbol *s)
{
	if (s->obj && !(s->kernel && !strcmp(s->obj, "[kernel]") && s->name)) {
		hvt_line_escaped(l, s->obj, strlen(s->obj));
		hvt_line_char(l, s->name ? ':' : '+');
	}
	if (s->name)
		hvt_line_escaped(l, s->name, strlen(s->name));
}

static uint32_t add_json(struct hvt_line *l, const char *s)
{
	size_t from = l->len;

	if (s)
		hvt_json_escape(l, s, strlen(s));
	return (uint32_t)(l->len - from);
}

struct hvt_label *hvt_label_new(const struct hvt_symbol *s)
{
	struct hvt_label head = { 0 }, *label = NULL;
	struct hvt_line l = { 0 };

	hvt_line_put(&l, &head, sizeof(head));
	hvt_label_text(&l, s);
	head.text_len = (uint32_t)(l.len - sizeof(head));
	head.sym_len = add_json(&l, s->name);
	head.raw_len = add_json(&l, hvt_is_demangled(s) ? s->raw : NULL);
	head.obj_len = add_json(&l, s->obj);
	hvt_line_pad(&l, l.len, HVT_PUT_BEYOND);
	if (l.len == HVT_PUT_BEYOND + sizeof(head) + head.text_len + head.sym_len + head.raw_len +
			     head.obj_len)
		label = (struct hvt_label *)l.p;
	if (label)
		memcpy(label, &head, sizeof(head));
	else
		free(l.p);
	return label;
}
