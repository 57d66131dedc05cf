// SPDX-License-Identifier: GPL-2.0-only
/* Facts for user space: state, counters, clock, kernel symbol names. */
#include <linux/ioport.h>
#include <linux/kallsyms.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <asm/tsc.h>
#include "hv.h"

#define EPT_LARGE BIT_ULL(7)
#define EPT_ADDR  GENMASK_ULL(51, 12)

static bool mapped_by_4k(u64 pa)
{
	u64 *t = hvt_m.ept.armed, e;
	int level;

	for (level = 4; level > 1; level--) {
		e = t[(pa >> (12 + 9 * (level - 1))) & 511];
		if (!(e & VMX_EPT_RWX_MASK) || (e & EPT_LARGE))
			return false;
		t = __va(e & EPT_ADDR);
	}
	return true;
}

static int add_ram(struct resource *res, void *arg)
{
	struct hvt_status *s = arg;
	u64 pa, end = res->end + 1, next;

	s->ram_bytes += end - res->start;
	for (pa = res->start; pa < end; pa = next) {
		next = min_t(u64, end, (pa | (SZ_2M - 1)) + 1);
		if (mapped_by_4k(pa))
			s->ram_4k_bytes += next - pa;
	}
	return 0;
}

void hvt_fill_status(struct hvt_status *s)
{
	u32 i;

	s->flags = hvt_attached() ? HVT_ST_ATTACHED : 0;
	s->nr_cpus = nr_cpu_ids;
	s->cpus_attached = hvt_cpus_attached();
	for (i = 0; i < HVT_SESSIONS; i++)
		s->sessions += hvt_m.session[i].ring != NULL;
	s->watches = hvt_watch_count();
	if (READ_ONCE(hvt_m.broken)) {
		s->flags |= HVT_ST_BROKEN;
		s->blocked = hvt_last_failure;
	}
	if (!hvt_attached())
		return;
	s->pages_watched = hvt_m.ept.pages_restricted;
	hvt_ept_count(&s->leaves_1g, &s->leaves_2m, &s->leaves_4k);
	walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, -1, s,
			    add_ram);
}

int hvt_fill_cpu_status(struct hvt_cpu_status *s)
{
	struct hvt_vcpu *v;

	if (s->cpu >= nr_cpu_ids)
		return -ENOENT;
	v = s->cpu < HVT_MAX_CPUS ? hvt_m.vcpu[s->cpu] : NULL;
	if (!v)
		return 0;
	s->attached = v->launched;
	memcpy(s->exits, v->exits, sizeof(s->exits));
	s->steps = v->steps;
	s->steps_retired = v->steps_retired;
	s->steps_dropped = v->steps_dropped;
	s->lock_retries = v->lock_retries;
	s->rendezvous = v->rendezvous;
	return 0;
}

/* TSC and clocks of the same moment: the tightest of a few tries. */
void hvt_fill_clock(struct hvt_clock *c)
{
	u64 best = ~0ull, before, after, mono, real;
	int i;

	for (i = 0; i < 8; i++) {
		before = rdtsc_ordered();
		mono = ktime_get_ns();
		real = ktime_get_real_ns();
		after = rdtsc_ordered();
		if (after - before >= best)
			continue;
		best = after - before;
		c->tsc = before + (after - before) / 2;
		c->mono_ns = mono;
		c->real_ns = real;
	}
	c->tsc_khz = tsc_khz;
}

/*
 * sprint_symbol() gives "name+0xoff/0xlen [module]", or the bare address when it
 * knows no name: -ENOENT then.
 */
int hvt_fill_ksym(struct hvt_ksym *k)
{
	char *buf = kmalloc(KSYM_SYMBOL_LEN, GFP_KERNEL), *plus, *slash, *mod, *end;
	unsigned long long off = 0, len = 0;
	int rc = -ENOENT;

	if (!buf)
		return -ENOMEM;
	sprint_symbol(buf, k->addr);
	mod = strstr(buf, " [");
	if (mod) {
		*mod = 0;
		mod += 2;
		end = strpbrk(mod, " ]");
		if (end)
			*end = 0;
		strscpy(k->module, mod, sizeof(k->module));
	}
	plus = strrchr(buf, '+');
	slash = plus ? strchr(plus, '/') : NULL;
	if (!slash)
		goto out;
	*slash = 0;
	*plus = 0;
	if (kstrtoull(plus + 1, 16, &off) || kstrtoull(slash + 1, 16, &len))
		goto out;
	strscpy(k->name, buf, sizeof(k->name));
	k->start = k->addr - off;
	k->len = len;
	rc = 0;
out:
	kfree(buf);
	return rc;
}
