/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One event as one line for people. Names come from strangers (comm, symbols, paths):
 * nothing that a terminal could act on goes out unescaped.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <hvtrace/hvtrace.h>

void hvt_print_escaped(FILE *out, const char *s, size_t len)
{
	unsigned char c;

	for (; len && *s; s++, len--) {
		c = (unsigned char)*s;
		if (c == '\\')
			fputs("\\\\", out);
		else if (c >= 0x20 && c < 0x7f)
			fputc(c, out);
		else
			fprintf(out, "\\x%02x", c);
	}
}

static void text(FILE *out, const char *s)
{
	hvt_print_escaped(out, s, SIZE_MAX);
}

/* object:symbol+off; the kernel itself needs no object, an unknown address is bare */
static void named(FILE *out, const struct hvt_symbol *s, uint64_t addr)
{
	if (s->obj && !(s->kernel && !strcmp(s->obj, "[kernel]") && s->name)) {
		text(out, s->obj);
		fputc(s->name ? ':' : '+', out);
	}
	if (s->name) {
		text(out, s->name);
		if (s->off)
			fprintf(out, "+0x%" PRIx64, s->off);
	} else if (s->obj && !s->kernel) {
		fprintf(out, "0x%" PRIx64, s->obj_off);
	} else {
		fprintf(out, "0x%" PRIx64, addr);
	}
}

/* named(), padded with spaces to a column width */
static void named_column(FILE *out, const struct hvt_symbol *s, uint64_t addr, int width)
{
	char *buf = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&buf, &len);

	if (!mem) {
		named(out, s, addr);
		return;
	}
	named(mem, s, addr);
	fclose(mem);
	fprintf(out, "%-*s", width, buf);
	free(buf);
}

static void value(FILE *out, const uint8_t *bytes, uint32_t len)
{
	uint64_t v = 0;
	uint32_t i;

	if (len <= 8) {
		for (i = len; i; i--)
			v = v << 8 | bytes[i - 1];
		fprintf(out, "0x%" PRIx64, v);
		return;
	}
	for (i = 0; i < len; i++)
		fprintf(out, "%02x", bytes[i]);
}

static void values(FILE *out, const struct hvt_event *ev)
{
	if (ev->access & HVT_ACC_X)
		return;
	if (!ev->val_len) {
		fputs("?", out);
		return;
	}
	if (ev->val_off || ev->val_len != ev->size)
		fprintf(out, "[+%" PRIu32 ",%" PRIu32 "] ", ev->val_off, ev->val_len);
	value(out, ev->old, ev->val_len);
	if (!(ev->access & HVT_ACC_W))
		return;
	fputs(" -> ", out);
	value(out, ev->new_, ev->val_len);
}

static void head(FILE *out, const struct hvt_event *ev)
{
	fprintf(out, "%6" PRIu64 ".%06" PRIu64 " [%03" PRIu32 "] ", ev->ns / 1000000000,
		ev->ns / 1000 % 1000000, ev->cpu);
}

static void access_line(FILE *out, const struct hvt_event *ev)
{
	static const char *const names[] = { "-", "R", "W", "RW" };
	char *buf = NULL;
	size_t len = 0;
	FILE *mem;

	/* comm pid/tid, right-aligned as perf does: escape first, then measure */
	mem = open_memstream(&buf, &len);
	if (!mem)
		return;
	text(mem, ev->comm);
	fclose(mem);
	fprintf(out, "%16s ", buf);
	free(buf);
	buf = NULL;
	fprintf(out, "%7" PRIu32 "/%-7" PRIu32 " %-2s ", ev->pid, ev->tid,
		ev->access & HVT_ACC_X ? "X" : names[ev->access & 3]);
	named_column(out, &ev->addr_sym, ev->addr, 24);
	if (ev->size)
		fprintf(out, " %2" PRIu32 " ", ev->size);
	else
		fputs("  ? ", out);
	mem = open_memstream(&buf, &len);
	if (!mem)
		return;
	values(mem, ev);
	fclose(mem);
	fprintf(out, " %-24s  ", buf);
	free(buf);
	named_column(out, &ev->ip_sym, ev->ip, 28);
	fputs("  ", out);
	if (ev->flags & HVT_RF_DELIVERY)
		fprintf(out, "(delivery of vector %u) ", ev->vector);
	if (ev->flags & HVT_RF_WALK)
		fputs("(page walk) ", out);
	text(out, ev->text ? ev->text : ev->insn_len ? "(bad)" : "(no bytes)");
	fputc('\n', out);
}

static void gpa(FILE *out, uint64_t gpa)
{
	if (gpa == HVT_GPA_NONE)
		fputs("unmapped", out);
	else
		fprintf(out, "gpa 0x%" PRIx64, gpa);
}

void hvt_event_text(FILE *out, const struct hvt_event *ev)
{
	head(out, ev);
	switch (ev->type) {
	case HVT_EV_ACCESS:
		access_line(out, ev);
		break;
	case HVT_EV_LOST:
		fprintf(out, "lost %" PRIu64 " events on CPU %" PRIu32 "\n", ev->count, ev->cpu);
		break;
	case HVT_EV_REMAP:
		fprintf(out, "remap of watch %" PRIu32 " page 0x%" PRIx64 " by %" PRIu32 "/%" PRIu32 ": ",
			ev->watch, ev->addr, ev->pid, ev->tid);
		gpa(out, ev->old_gpa);
		fputs(" -> ", out);
		gpa(out, ev->new_gpa);
		fputc('\n', out);
		break;
	}
}
