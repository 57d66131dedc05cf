// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which kernel addresses have their symbol in the log already, and the asking for the
 * others: once per symbol, not once per event.
 */
#include <stdlib.h>
#include <string.h>

#include "ksym_facts.h"

/*
 * The kernel image, the modules and BPF code are in the top 2 GiB (Documentation/arch/
 * x86/x86_64/mm.rst); nothing below has a name in kallsyms.
 */
#define NAMED_START 0xffffffff80000000ull

/* An address without a symbol stands for this many bytes around it. */
#define NAMELESS 16

/* Beyond this many ranges it starts over: some symbols come twice, memory stays bounded. */
#define RANGES_MAX (1u << 17)

/* The first range that ends above addr. */
static size_t find(const struct ksyms *k, uint64_t addr)
{
	size_t lo = 0, hi = k->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (k->known[mid].end > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void remember(struct ksyms *k, size_t at, struct ksym_range range)
{
	if (k->nr == RANGES_MAX) {
		k->nr = 0;
		at = 0;
	}
	if (k->nr == k->cap) {
		k->cap = k->cap ? k->cap * 2 : 256;
		k->known = xrealloc(k->known, k->cap * sizeof(*k->known));
	}
	memmove(k->known + at + 1, k->known + at, (k->nr - at) * sizeof(*k->known));
	k->known[at] = range;
	k->nr++;
	k->last = range;
}

static void write_symbol(struct ksyms *k, const struct hvt_ksym *sym, uint64_t len)
{
	struct hvt_log_ksym head = {
		.start = sym->start,
		.len = len,
		.name_len = (uint32_t)strnlen(sym->name, sizeof(sym->name)),
		.module_len = (uint32_t)strnlen(sym->module, sizeof(sym->module)),
	};
	struct hvt_section section = { .type = HVT_SEC_KSYM, .count = 1 };
	struct log_part parts[] = {
		{ &head, sizeof(head) },
		{ sym->name, head.name_len },
		{ sym->module, head.module_len },
	};

	log_section(k->log, &section, parts, 3);
}

void ksyms_see(struct ksyms *k, uint64_t addr)
{
	struct hvt_ksym sym = { .size = sizeof(sym), .addr = addr };
	struct ksym_range range;
	size_t at;

	if (addr < NAMED_START || (addr >= k->last.start && addr < k->last.end))
		return;
	at = find(k, addr);
	if (at < k->nr && addr >= k->known[at].start) {
		k->last = k->known[at];
		return;
	}

	if (k->lookup(k->ctx, &sym) == 0 && sym.name[0] && addr >= sym.start &&
	    addr - sym.start < sym.len) {
		range.start = sym.start;
		if (__builtin_add_overflow(sym.start, sym.len, &range.end))
			range.end = ~0ull;
		write_symbol(k, &sym, range.end - range.start);
	} else {
		range.start = addr & ~(uint64_t)(NAMELESS - 1);
		if (__builtin_add_overflow(range.start, NAMELESS, &range.end))
			range.end = ~0ull;
	}
	/* Keep the ranges apart: what is known already stays as it is. */
	if (at > 0 && range.start < k->known[at - 1].end)
		range.start = k->known[at - 1].end;
	if (at < k->nr && range.end > k->known[at].start)
		range.end = k->known[at].start;
	remember(k, at, range);
}

void ksyms_free(struct ksyms *k)
{
	free(k->known);
	k->known = NULL;
	k->nr = k->cap = 0;
}
