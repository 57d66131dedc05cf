/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Values of JSON, into a line: what the files that print events as objects share. Keys are
 * literals that go out with the punctuation around them.
 */
#ifndef HVT_LIB_JSON_LINE_H
#define HVT_LIB_JSON_LINE_H

#include <string.h>

#include <hvtrace/hvtrace.h>

#include "json.h"
#include "label.h"
#include "line.h"
#include "origin.h"
#include "put.h"

/* Every object begins with its type, so each other member has a comma before it. */
#define JSON_KEY(l, key) hvt_line_lit(l, ",\"" key "\":")

static inline void json_null(struct hvt_line *l)
{
	hvt_line_lit(l, "null");
}

static inline void json_truth(struct hvt_line *l, bool v)
{
	if (v)
		hvt_line_lit(l, "true");
	else
		hvt_line_lit(l, "false");
}

static inline void json_hex(struct hvt_line *l, uint64_t v)
{
	hvt_line_char(l, '"');
	hvt_line_hex(l, v);
	hvt_line_char(l, '"');
}

static inline void json_bytes(struct hvt_line *l, const uint8_t *p, size_t len)
{
	hvt_line_char(l, '"');
	hvt_line_bytes(l, p, len);
	hvt_line_char(l, '"');
}

static inline void json_string(struct hvt_line *l, const char *s)
{
	if (!s) {
		json_null(l);
		return;
	}
	hvt_line_char(l, '"');
	hvt_json_escape(l, s, strlen(s));
	hvt_line_char(l, '"');
}

static inline void json_access_name(struct hvt_line *l, uint8_t access)
{
	static const char *const names[] = { "\"rmw\"", "\"read\"", "\"write\"", "\"rmw\"" };

	hvt_line_str(l, access & HVT_ACC_X ? "\"exec\"" : names[access & 3]);
}

static inline void json_value(struct hvt_line *l, const uint8_t *p, uint32_t len)
{
	if (!len || !p) {
		json_null(l);
		return;
	}
	if (len > 8) {
		json_bytes(l, p, len);
		return;
	}
	json_hex(l, hvt_load(p, len));
}

/* "name+0x1f"; known: what the name is in JSON, or NULL */
static inline void json_plus(struct hvt_line *l, const char *name, uint64_t off, const char *known,
			     size_t len)
{
	if (!name) {
		json_null(l);
		return;
	}
	hvt_line_char(l, '"');
	if (known)
		hvt_line_put(l, known, len);
	else
		hvt_json_escape(l, name, strlen(name));
	hvt_line_char(l, '+');
	hvt_line_hex(l, off);
	hvt_line_char(l, '"');
}

static inline void json_symbol(struct hvt_line *l, const struct hvt_symbol *s)
{
	const struct hvt_label *b = s->label;

	json_plus(l, s->name, s->off, b ? b->bytes + b->text_len : NULL, b ? b->sym_len : 0);
}

static inline void json_raw_symbol(struct hvt_line *l, const struct hvt_symbol *s)
{
	const struct hvt_label *b = s->label;

	json_plus(l, s->raw, s->off, b ? b->bytes + b->text_len + b->sym_len : NULL,
		  b ? b->raw_len : 0);
}

static inline void json_object(struct hvt_line *l, const struct hvt_symbol *s)
{
	const struct hvt_label *b = s->label;

	if (!b || !s->obj) {
		json_string(l, s->obj);
		return;
	}
	hvt_line_char(l, '"');
	hvt_line_put(l, b->bytes + b->text_len + b->sym_len + b->raw_len, b->obj_len);
	hvt_line_char(l, '"');
}

/* The instruction: text and bytes. */
static inline void json_code(struct hvt_line *l, const struct hvt_event *ev)
{
	JSON_KEY(l, "insn");
	if (ev->text) { /* the decoder's words, no stranger's */
		hvt_line_char(l, '"');
		hvt_line_str(l, ev->text);
		hvt_line_char(l, '"');
	} else {
		json_null(l);
	}
	JSON_KEY(l, "bytes");
	if (ev->insn_len)
		json_bytes(l, ev->insn, ev->insn_len);
	else
		json_null(l);
}

static inline void json_source(struct hvt_line *l, const struct hvt_event *ev)
{
	JSON_KEY(l, "line");
	hvt_line_char(l, '"');
	hvt_json_escape(l, ev->src_file, strlen(ev->src_file));
	hvt_line_char(l, ':');
	hvt_line_dec(l, ev->src_line);
	hvt_line_char(l, '"');
}

/* Where the instruction is, and what. */
static inline void json_from(struct hvt_line *l, const struct hvt_event *ev)
{
	const struct hvt_origin *o = ev->origin;

	if (o)
		hvt_line_put(l, o->bytes + o->place_len + o->insn_len, o->json_len);
	else
		hvt_json_origin(l, ev);
	if (ev->src_file)
		json_source(l, ev);
}

static inline void json_task(struct hvt_line *l, const struct hvt_event *ev)
{
	JSON_KEY(l, "pid");
	hvt_line_dec(l, ev->pid);
	JSON_KEY(l, "tid");
	hvt_line_dec(l, ev->tid);
}

static inline void json_who(struct hvt_line *l, const struct hvt_event *ev)
{
	json_task(l, ev);
	JSON_KEY(l, "comm");
	json_string(l, ev->comm);
}

#endif
