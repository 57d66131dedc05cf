/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of lines: see names.h. */
#include "names.h"

#include <string.h>

#include "lib/line.h"
#include "lib/trace_lines.h"

const char *hvt_type_name(enum hvt_event_type type)
{
	switch (type) {
	case HVT_EV_ACCESS:
		return "access";
	case HVT_EV_LOST:
		return "lost";
	case HVT_EV_REMAP:
		return "remap";
	case HVT_EV_MARK:
		return "mark";
	case HVT_EV_INSN:
		return "insn";
	case HVT_EV_FLOW:
		return "flow";
	}
	return "other";
}

const char *hvt_access_name(uint8_t access)
{
	static const char *const names[] = { "rmw", "read", "write", "rmw" };

	return access & HVT_ACC_X ? "exec" : names[access & (HVT_ACC_R | HVT_ACC_W)];
}

const struct hvt_watch_fact *hvt_watch_of(const struct hvt_reader *r, uint32_t id)
{
	const struct hvt_watch_fact *w;
	size_t i;

	for (i = 0; id && (w = hvt_reader_watch(r, i)); i++)
		if (w->id == id)
			return w;
	return NULL;
}

const char *hvt_spec_of(const struct hvt_reader *r, uint32_t id)
{
	const struct hvt_watch_fact *w = hvt_watch_of(r, id);
	const struct hvt_trace_fact *t;
	size_t i;

	for (i = 0; !w && id && (t = hvt_reader_trace(r, i)); i++)
		if (t->id == id)
			return t->spec;
	return w ? w->spec : NULL;
}

void hvt_put_escaped(struct hvt_line *l, const char *s)
{
	unsigned char c;

	for (; *s; s++) {
		c = (unsigned char)*s;
		if (c == '\\') {
			hvt_line_put(l, "\\\\", 2);
		} else if (c >= 0x20 && c < 0x7f) {
			hvt_line_char(l, (char)c);
		} else {
			hvt_line_put(l, "\\x", 2);
			hvt_line_hexn(l, c, 2);
		}
	}
}

void hvt_put_seconds(struct hvt_line *l, uint64_t ns, int decimals)
{
	uint64_t part = ns % 1000000000, unit = 100000000;

	hvt_line_dec(l, ns / 1000000000);
	hvt_line_char(l, '.');
	for (; decimals; decimals--, unit /= 10)
		hvt_line_char(l, (char)('0' + part / unit % 10));
}

void hvt_put_value(struct hvt_line *l, const uint8_t *bytes, uint32_t len)
{
	uint64_t v = 0;
	uint32_t i;

	if (!bytes || !len)
		return;
	if (len > 8) {
		hvt_line_bytes(l, bytes, len);
		return;
	}
	for (i = len; i; i--)
		v = v << 8 | bytes[i - 1];
	hvt_line_hex(l, v);
}

void hvt_put_place(struct hvt_line *l, const struct hvt_symbol *s, uint64_t addr)
{
	/* the kernel itself needs no object */
	if (s->obj && !(s->kernel && s->name && !strcmp(s->obj, "[kernel]"))) {
		hvt_put_escaped(l, s->obj);
		hvt_line_char(l, s->name ? ':' : '+');
	}
	if (!s->name) {
		hvt_line_hex(l, s->obj && !s->kernel ? s->obj_off : addr);
		return;
	}
	hvt_put_escaped(l, s->name);
	if (s->off) {
		hvt_line_char(l, '+');
		hvt_line_hex(l, s->off);
	}
}

void hvt_put_source(struct hvt_line *l, const struct hvt_event *ev)
{
	if (!ev->src_file)
		return;
	hvt_put_escaped(l, ev->src_file);
	hvt_line_char(l, ':');
	hvt_line_dec(l, ev->src_line);
}

void hvt_put_registers(struct hvt_line *l, const struct hvt_event *ev)
{
	uint32_t mask = ev->delta_mask, i;

	for (i = 0; mask; mask &= mask - 1, i++) {
		if (i)
			hvt_line_char(l, ' ');
		hvt_line_str(l, hvt_delta_name((unsigned int)__builtin_ctz(mask)));
		hvt_line_char(l, '=');
		hvt_line_hex(l, ev->delta[i]);
	}
}

void hvt_put_operands(struct hvt_line *l, const struct hvt_event *ev)
{
	const struct hvt_operand_value *o = ev->mem;
	uint32_t i;

	for (i = 0; i < ev->nr_mem; i++, o++) {
		if (i)
			hvt_line_char(l, ' ');
		hvt_line_str(l, hvt_access_name(o->access));
		hvt_line_char(l, ':');
		hvt_line_hex(l, o->addr);
		hvt_line_char(l, ':');
		hvt_line_dec(l, o->size);
		if (o->old)
			hvt_line_char(l, ':');
		hvt_put_value(l, o->old, o->len);
		if (o->new_)
			hvt_line_char(l, ':');
		hvt_put_value(l, o->new_, o->len);
	}
}
