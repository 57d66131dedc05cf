/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where was it really? Root mode reports what it did not decode as BLIND: the first byte
 * of the page that the instruction touched, size unknown. Here the operands are computed
 * from the registers before the instruction, and only what touches a watch is kept.
 *
 * Two errors are possible and one is worse: an access that cannot be computed (gather,
 * XSAVE, far transfers) is kept when its page offset could be in a watch, and marked as
 * not exact. So is what capstone says of any instruction that insn_sure.c does not list.
 */
#include "internal.h"

#include <string.h>

static bool touches(struct hvt_watches *w, const struct hvt_rec_access *rec,
		    const struct hvt_guess *g)
{
	uint64_t page = rec->gla & ~(HVT_PAGE - 1);
	uint64_t first = g->addr > page ? g->addr : page;
	uint64_t end = g->addr + g->size;
	struct hvt_place p;
	uint32_t id;

	/* this record speaks for gla's page; another page of the operand has its own */
	if (end < g->addr || end > page + HVT_PAGE)
		end = page + HVT_PAGE;
	if (first >= end)
		return false;
	p = hvt_place_of(rec, first, end - first);
	return hvt_watches_touched(w, rec->h.watch, g->access, &p, &id, 1) != 0;
}

static bool on_page(const struct hvt_guess *g, uint64_t gla)
{
	uint64_t page = gla & ~(HVT_PAGE - 1);
	uint64_t last = g->addr + (g->size ? g->size - 1 : 0);

	return last >= g->addr && g->addr <= (page | (HVT_PAGE - 1)) && last >= page;
}

/* Event delivery pushes 5 or 6 quadwords below an aligned stack top (SDM vol. 3, 6.14.2). */
static bool delivery_frame(const struct hvt_rec_access *rec, struct hvt_guess *g)
{
	uint32_t with_error = 1u << 8 | 1u << 10 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14 |
			      1u << 17 | 1u << 21 | 1u << 29 | 1u << 30;
	bool error = rec->vector < 32 && (with_error >> rec->vector & 1);

	if (!(rec->access & HVT_ACC_W) || (rec->gla & 15) != 8)
		return false;
	g->size = error ? 48 : 40;
	g->addr = rec->gla + 8 - g->size;
	g->access = HVT_ACC_W;
	g->exact = true;
	return true;
}

/*
 * Keep the record if anything on gla's page that it may have touched is watched. @more: what
 * the instruction does besides the access that made the record.
 */
static int anywhere(struct hvt_watches *w, const struct hvt_rec_access *rec, uint8_t more,
		    struct hvt_guess *out)
{
	struct hvt_guess g = { .addr = rec->gla & ~(HVT_PAGE - 1),
			       .size = HVT_PAGE,
			       .access = rec->access | more };

	if (!touches(w, rec, &g))
		return 0;
	out->addr = rec->gla;
	out->size = 0;
	out->access = rec->access | more;
	out->exact = false;
	return 1;
}

int hvt_refine(struct hvt_watches *w, const struct hvt_insn *insn, const struct hvt_rec_access *rec,
	       const uint64_t *gpr, struct hvt_guess out[HVT_OPERANDS])
{
	bool partial = !insn || !insn->sure || !gpr, met = false;
	const struct hvt_operand *op;
	struct hvt_guess g;
	uint8_t more = 0;
	int n = 0;
	size_t i;

	if (rec->h.flags & HVT_RF_DELIVERY) {
		if (!delivery_frame(rec, &out[0]))
			return anywhere(w, rec, 0, out);
		return touches(w, rec, &out[0]);
	}
	if (rec->h.flags & HVT_RF_WALK)
		return anywhere(w, rec, 0, out);
	if (rec->access & HVT_ACC_X) {
		out[0].addr = rec->ip;
		out[0].size = insn ? insn->len : 1;
		out[0].access = HVT_ACC_X;
		out[0].exact = insn != NULL;
		return touches(w, rec, &out[0]);
	}
	for (i = 0; insn && i < insn->nr_ops; i++) {
		op = &insn->ops[i];
		if (!op->size || op->vector) {
			partial = true;
			more |= op->access;
			continue;
		}
		g.size = op->size;
		g.access = op->access;
		g.exact = insn->sure;
		if (!g.access || (insn->nr_ops == 1 && rec->access & ~g.access)) {
			g.access |= rec->access;
			g.exact = false;
		}
		if (op->segment || !gpr) {
			/* gla is the operand unless the operand began on the page before */
			g.addr = rec->gla;
			g.exact &= op->segment && insn->nr_ops == 1 && (rec->gla & (HVT_PAGE - 1));
			partial |= !g.exact;
		} else {
			g.addr = hvt_operand_addr(insn, op, gpr, rec->ip);
		}
		if (!on_page(&g, rec->gla))
			continue;
		met = true;
		if (touches(w, rec, &g))
			out[n++] = g;
	}
	/* an operand on this page explains the violation, unless there may be more of them */
	if (n || (met && !partial))
		return n;
	return anywhere(w, rec, more, out);
}
