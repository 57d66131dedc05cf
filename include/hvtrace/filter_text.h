/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * A filter as one line of text, for status (the agent) and info (the reader): printable
 * ASCII whatever the filter holds. Header only, since the two share no object.
 */
#ifndef HVTRACE_FILTER_TEXT_H
#define HVTRACE_FILTER_TEXT_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <hvtrace/uapi.h>

/* Longer than any filter's text. */
#define HVT_FILTER_TEXT 8192

struct hvt_filter_out {
	char *p;
	size_t left;
};

static inline void __attribute__((format(printf, 2, 3)))
hvt_filter_put(struct hvt_filter_out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(o->p, o->left, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= o->left)
		n = o->left ? (int)o->left - 1 : 0;
	o->p += n;
	o->left -= (size_t)n;
}

static inline void hvt_filter_numbers(struct hvt_filter_out *o, const char *what, const uint32_t *v,
				      uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n && i < HVT_FILTER_LIST; i++)
		hvt_filter_put(o, "%s%u", i ? "," : what, v[i]);
}

static inline void hvt_filter_comms(struct hvt_filter_out *o, const struct hvt_filter *f)
{
	uint32_t i, k;

	for (i = 0; i < f->nr_comms && i < HVT_FILTER_LIST; i++) {
		hvt_filter_put(o, "%s", i ? "," : " comm=");
		for (k = 0; k < sizeof(f->comm[i]) && f->comm[i][k]; k++) {
			unsigned char c = (unsigned char)f->comm[i][k];

			hvt_filter_put(o, c > ' ' && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", c);
		}
	}
}

static inline int hvt_filter_has_cpu(const struct hvt_filter *f, unsigned int cpu)
{
	return f->cpus[cpu / 64] >> (cpu % 64) & 1;
}

static inline void hvt_filter_cpus(struct hvt_filter_out *o, const struct hvt_filter *f)
{
	unsigned int nr = 8 * sizeof(f->cpus), i, last;
	const char *before = " cpu=";

	for (i = 0; i < nr; i = last + 1) {
		last = i;
		if (!hvt_filter_has_cpu(f, i))
			continue;
		while (last + 1 < nr && hvt_filter_has_cpu(f, last + 1))
			last++;
		hvt_filter_put(o, last > i ? "%s%u-%u" : "%s%u", before, i, last);
		before = ",";
	}
}

static inline void hvt_filter_ips(struct hvt_filter_out *o, const struct hvt_filter *f)
{
	uint32_t i;

	for (i = 0; i < f->nr_ips && i < HVT_FILTER_IPS; i++) {
		hvt_filter_put(o, "%s0x%llx-0x%llx",
			       i ? "," : " ip=", (unsigned long long)f->ip[i].lo,
			       (unsigned long long)f->ip[i].hi);
		if (f->ip[i].pid)
			hvt_filter_put(o, "/%u", f->ip[i].pid);
	}
}

/*
 * "pid=1,2 comm=sh user ip=0x10-0x20/7 value>=0x5 changed every=2 limit=9": all tests that
 * are present, an ip's process behind the slash. Into text[HVT_FILTER_TEXT]; "all" when
 * nothing is tested.
 */
static inline void hvt_filter_text(const struct hvt_filter *f, char *text)
{
	static const char *const ops[] = { "", "==", "!=", "<", "<=", ">", ">=", "&" };
	struct hvt_filter_out o = { text, HVT_FILTER_TEXT };

	/* each test begins with a blank: the first one's is removed at the end */
	text[0] = '\0';
	hvt_filter_numbers(&o, " pid=", f->pid, f->nr_pids);
	hvt_filter_numbers(&o, " tid=", f->tid, f->nr_tids);
	hvt_filter_comms(&o, f);
	if (f->flags & HVT_FF_CPUS)
		hvt_filter_cpus(&o, f);
	if (f->flags & HVT_FF_USER)
		hvt_filter_put(&o, " user");
	if (f->flags & HVT_FF_KERNEL)
		hvt_filter_put(&o, " kernel");
	hvt_filter_ips(&o, f);
	if (f->op != HVT_OP_NONE && f->op < sizeof(ops) / sizeof(ops[0]))
		hvt_filter_put(&o, " value%s0x%llx", ops[f->op], (unsigned long long)f->value);
	if (f->flags & HVT_FF_CHANGED)
		hvt_filter_put(&o, " changed");
	if (f->every > 1)
		hvt_filter_put(&o, " every=%llu", (unsigned long long)f->every);
	if (f->limit)
		hvt_filter_put(&o, " limit=%llu", (unsigned long long)f->limit);
	if (text[0])
		__builtin_memmove(text, text + 1, __builtin_strlen(text));
	else
		hvt_filter_put(&o, "all");
}

#endif
