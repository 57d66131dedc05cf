/* SPDX-License-Identifier: GPL-2.0-only */
/* Which memory, which event: see where.h. */
#include "where.h"

#include <string.h>

#include "cli.h"
#include "input.h"

void hvt_where_parse(struct hvt_where *w, const char *text)
{
	size_t body = strcspn(text, ","), n = body;
	const char *end = text + body, *plus;

	w->text = text;
	if (*end == ',' && (!hvt_parse_number(end + 1, &w->len, &end) || *end || !w->len ||
			    w->len > HVT_MEMORY_MAX))
		hvt_die(HVT_USAGE, "%s: its length is not 1 to %u; try: ADDR,8", text,
			HVT_MEMORY_MAX);
	if (hvt_parse_number(text, &w->addr, &end) && end == text + body)
		return;
	plus = memrchr(text, '+', body);
	w->addr = 0;
	if (plus && hvt_parse_number(plus + 1, &w->addr, &end) && end == text + body)
		n = (size_t)(plus - text);
	else
		w->addr = 0;
	w->name_len = n;
	if (!n)
		hvt_die(HVT_USAGE,
			"ADDR: it is empty; try: 0x404010,8 or the name of a watch and +8");
}

void hvt_where_pid(struct hvt_where *w, const char *text)
{
	const char *end;
	uint64_t pid;

	if (!hvt_parse_number(text, &pid, &end) || *end || pid > INT32_MAX)
		hvt_die(HVT_USAGE, "-p %s: not a process id; try: a number", text);
	w->pid = (int32_t)pid;
}

void hvt_which_parse(struct hvt_which *w, const char *text)
{
	const char *end;
	bool good = hvt_parse_number(text, &w->n, &end);
	uint64_t cpu = w->n;

	w->by_seq = good && *end == ':';
	if (w->by_seq)
		good = cpu <= UINT32_MAX && hvt_parse_number(end + 1, &w->n, &end);
	w->cpu = (uint32_t)cpu;
	if (!good || *end || (!w->by_seq && !w->n))
		hvt_die(HVT_USAGE,
			"%s: not an event; try: its number from 1 (script --fields event,...), or "
			"CPU:SEQ",
			text);
}

bool hvt_is_which(const struct hvt_which *w, const struct hvt_event *ev, uint64_t number)
{
	if (!w->by_seq)
		return number == w->n;
	return ev->type != HVT_EV_MARK && ev->cpu == w->cpu && ev->seq == w->n;
}

/* Does the watch have the place? Then *addr is it. */
static bool has(const struct hvt_watch_fact *f, const struct hvt_where *w, uint64_t *addr)
{
	if (w->physical && !(f->flags & HVT_WATCH_PHYS))
		return false;
	if (w->pid >= 0 && f->pid != w->pid)
		return false;
	*addr = w->addr;
	if (w->name_len) {
		if (strcspn(f->spec, ",") != w->name_len || memcmp(f->spec, w->text, w->name_len))
			return false;
		*addr = f->addr + w->addr;
	}
	return *addr - f->addr < f->len && *addr >= f->addr;
}

void hvt_where_find(struct hvt_where *w, const struct hvt_reader *r)
{
	const struct hvt_watch_fact *f, *found = NULL;
	uint64_t addr = 0, at, left = 0;
	size_t i;

	for (i = 0; (f = hvt_reader_watch(r, i)); i++) {
		if (!has(f, w, &at))
			continue;
		if (found && (found->pid != f->pid || addr != at ||
			      (found->flags ^ f->flags) & HVT_WATCH_PHYS))
			hvt_die(HVT_ERROR,
				"%s: watches of several memories have it; try: -p PID, or --phys",
				w->text);
		found = f;
		addr = at;
		if (f->addr + f->len - at > left)
			left = f->addr + f->len - at;
	}
	if (!found)
		hvt_die(HVT_ERROR, "%s: no watch covers it; try: hvtrace info shows all watches",
			w->text);
	w->space.pid = found->pid;
	w->space.physical = found->flags & HVT_WATCH_PHYS;
	w->addr = addr;
	if (!w->len)
		w->len = left < HVT_WHERE_LEN ? left : HVT_WHERE_LEN;
	if (w->addr + (w->len - 1) < w->addr)
		w->len = 0 - w->addr;
}
