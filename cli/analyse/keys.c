/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of keys. A key is its text: what is printed alike is counted together. */
#include "keys.h"

#include <string.h>

#include "cli.h"
#include "lib/line.h"
#include "names.h"

struct hvt_key {
	const char *name;
	void (*put)(struct hvt_line *l, const struct hvt_reader *r, const struct hvt_event *ev);
};

#define KEY(name) \
	static void put_##name(struct hvt_line *l, const struct hvt_reader *r, \
			       const struct hvt_event *ev)

/* clang-format off */
KEY(comm)
{
	(void)r;
	hvt_put_escaped(l, ev->comm);
}

KEY(process)
{
	put_comm(l, r, ev);
	hvt_line_char(l, '/');
	hvt_line_dec(l, ev->pid);
}

KEY(thread)
{
	put_process(l, r, ev);
	hvt_line_char(l, '/');
	hvt_line_dec(l, ev->tid);
}

/* without the offset: the function, or the object when there is none */
KEY(symbol)
{
	struct hvt_symbol s = ev->ip_sym;

	(void)r;
	s.off = 0;
	if (s.name || !s.obj)
		hvt_put_place(l, &s, ev->ip);
	else
		hvt_put_escaped(l, s.obj);
}

KEY(insn)
{
	(void)r;
	hvt_put_place(l, &ev->ip_sym, ev->ip);
	hvt_line_put(l, "  ", 2);
	hvt_put_escaped(l, ev->text ? ev->text : ev->insn_len ? "(bad)" : "(no bytes)");
}

KEY(line)
{
	(void)r;
	if (ev->src_file)
		hvt_put_source(l, ev);
	else
		hvt_line_char(l, '?');
}

KEY(object)
{
	(void)r;
	hvt_put_escaped(l, ev->ip_sym.obj ? ev->ip_sym.obj : "?");
}

KEY(addr)
{
	(void)r;
	hvt_put_place(l, &ev->addr_sym, ev->physical ? ev->gpa : ev->addr);
}

KEY(page)
{
	(void)r;
	hvt_line_hex(l, (ev->physical ? ev->gpa : ev->addr) & ~0xfffull);
}

KEY(access)
{
	(void)r;
	hvt_line_str(l, hvt_access_name(ev->access));
}

KEY(cpu)
{
	(void)r;
	hvt_line_dec(l, ev->cpu);
}

KEY(watch)
{
	const char *spec = hvt_spec_of(r, ev->watch);

	hvt_line_dec(l, ev->watch);
	hvt_line_char(l, ' ');
	hvt_put_escaped(l, spec ? spec : "?");
}
/* clang-format on */

static const struct hvt_key keys[] = {
	{ "comm", put_comm },	  { "process", put_process }, { "thread", put_thread },
	{ "symbol", put_symbol }, { "insn", put_insn },	      { "object", put_object },
	{ "addr", put_addr },	  { "page", put_page },	      { "access", put_access },
	{ "cpu", put_cpu },	  { "watch", put_watch },     { "line", put_line },
};

void hvt_keys_parse(struct hvt_keys *k, const char *list)
{
	const char *at;
	size_t len, i;

	k->n = 0;
	for (at = list; at; at = at[len] ? at + len + 1 : NULL) {
		len = strcspn(at, ",");
		for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			if (strlen(keys[i].name) == len && !memcmp(keys[i].name, at, len))
				break;
		if (i == sizeof(keys) / sizeof(keys[0]) || k->n == HVT_KEYS_MAX)
			hvt_die(HVT_USAGE,
				"--sort %s: not at most %d of comm, process, thread, symbol, insn, "
				"line, object, addr, page, access, cpu, watch; try: "
				"--sort process,symbol",
				list, HVT_KEYS_MAX);
		k->v[k->n++] = &keys[i];
	}
}

const char *hvt_keys_name(const struct hvt_keys *k, size_t i)
{
	return k->v[i]->name;
}

bool hvt_keys_have(const struct hvt_keys *k, const char *name)
{
	size_t i;

	for (i = 0; i < k->n; i++)
		if (!strcmp(k->v[i]->name, name))
			return true;
	return false;
}

void hvt_keys_put(const struct hvt_keys *k, struct hvt_line *l, const struct hvt_reader *r,
		  const struct hvt_event *ev)
{
	size_t i;

	for (i = 0; i < k->n; i++) {
		k->v[i]->put(l, r, ev);
		hvt_line_char(l, '\t');
	}
}
