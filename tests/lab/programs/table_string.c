/* cflags: -Wall -Wextra -fno-pie -no-pie */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * String instructions: every element of every iteration, in order. See table.h. The model
 * below is the pseudocode of the SDM ("MOVS" and its kin, "REP"), one element a step.
 */
#define ARENA_PAGES 110
#include "table.h"

#define DF 0x400

static uint64_t value(const uint8_t *p, int size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

/* string.op: which; .rep: 0, 'r' REP, 'e' REPE, 'n' REPNE; .elem: bytes of an element. */
static int strings(const struct tcase *t, const uint8_t *at, struct acc *acc)
{
	static uint8_t copy[4 * PAGE];
	long si = t->reg[RSI].how ? (long)t->reg[RSI].v : 0x100, di = (long)t->reg[RDI].v;
	int size = t->string.elem, n = 0;
	int by = t->reg[FLAGS].v & DF ? -size : size;
	long count = t->string.rep ? (long)t->reg[RCX].v : 1;
	uint64_t rax = t->reg[RAX].how == MEMORY ? value(at + t->reg[RAX].v, size) :
						    value((void *)&t->reg[RAX].v, size);
	uint8_t *mem = copy + at_of(t);

	memcpy(copy, at - at_of(t), pages_of(t) * PAGE);
	for (int step = 0; step < count; step++) {
		bool load = strchr("mlc", t->string.op), store = strchr("ms", t->string.op);
		uint64_t v = load ? value(mem + si, size) : rax;
		bool equal = v == value(mem + di, size);

		if (load)
			acc[n++] = (struct acc){ si, size, ACC_R, false, step, 0, false };
		if (store) {
			acc[n++] = (struct acc){ di, size, ACC_W, true, step, v, false };
			memcpy(mem + di, &v, size);
		} else if (t->string.op != 'l') { /* CMPS, SCAS */
			acc[n++] = (struct acc){ di, size, ACC_R, false, step, 0, false };
		}
		if ((t->string.rep == 'e' && !equal) || (t->string.rep == 'n' && equal))
			break;
		si += load ? by : 0;
		di += t->string.op != 'l' ? by : 0;
	}
	return n;
}

#define STRING(id, text, op, rep, elem, regs, ...)                                             \
	CASE(id, text, .string = { op, rep, elem }, .model = strings, REG(regs), __VA_ARGS__)
#define UP(n)	[RCX] = V(n)
#define DOWN(n) [RCX] = V(n), [FLAGS] = V(DF | 0x202)
#define COPY8(from) { (from), M(0) }, { (from) + 8, M(8) }, { (from) + 16, M(16) }

/* --- single */
STRING(movsb, "movsb", 'm', 0, 1, UP(9), .pages = 1)
STRING(movsw, "movsw", 'm', 0, 2, DOWN(9), .pages = 1)
STRING(movsl, "movsl", 'm', 0, 4, UP(9), .pages = 1)
STRING(movsq, "movsq", 'm', 0, 8, DOWN(9), .pages = 1)
STRING(stosb, "stosb", 's', 0, 1, ARG(UP(9), [RAX] = V(0x1234)), .pages = 1)
STRING(stosq, "stosq", 's', 0, 8, ARG(DOWN(9), [RAX] = V(0x1234567890abcdef)), .pages = 1)
STRING(lodsb, "lodsb", 'l', 0, 1, UP(9), .pages = 1)
STRING(lodsl, "lodsl", 'l', 0, 4, UP(9), .pages = 1)
STRING(cmpsw, "cmpsw", 'c', 0, 2, UP(9), .pages = 1)
STRING(cmpsq, "cmpsq", 'c', 0, 8, DOWN(9), .pages = 1)
STRING(scasb, "scasb", 'a', 0, 1, UP(9), .pages = 1)
STRING(scasq, "scasq", 'a', 0, 8, UP(9), .pages = 1)

/* --- REP, count 0 included */
STRING(rep_movsb, "rep movsb", 'm', 'r', 1, UP(7), .pages = 1)
STRING(rep_movsw, "rep movsw", 'm', 'r', 2, UP(5), .pages = 1)
STRING(rep_movsl, "rep movsl", 'm', 'r', 4, DOWN(5), .pages = 1)
STRING(rep_movsq, "rep movsq", 'm', 'r', 8, UP(9), .pages = 1)
STRING(rep_movsq_down, "rep movsq", 'm', 'r', 8, DOWN(9), .pages = 1)
STRING(rep_movs_0, "rep movsq", 'm', 'r', 8, UP(0), .pages = 1)
STRING(rep_movs_1, "rep movsq", 'm', 'r', 8, UP(1), .pages = 1)
STRING(rep_movs_addr32, "addr32 rep movsl", 'm', 'r', 4, UP(3), .pages = 1)
STRING(rep_movs_overlap, "rep movsb", 'm', 'r', 1, ARG(UP(20), [RSI] = P(0), [RDI] = P(1)),
       .pages = 1)
STRING(rep_movs_overlap_q, "rep movsq", 'm', 'r', 8, ARG(DOWN(6), [RSI] = P(0), [RDI] = P(-3)),
       .pages = 1)
STRING(rep_movs_same, "rep movsl", 'm', 'r', 4, ARG(UP(3), [RSI] = P(0), [RDI] = P(0)), .pages = 1)
STRING(rep_stosb, "rep stosb", 's', 'r', 1, ARG(UP(11), [RAX] = V(0x55)), .pages = 1)
STRING(rep_stosq, "rep stosq", 's', 'r', 8, ARG(DOWN(6), [RAX] = V(0)), .pages = 1)
STRING(rep_stos_0, "rep stosb", 's', 'r', 1, ARG(UP(0), [RAX] = V(0x55)), .pages = 1)
STRING(rep_lodsw, "rep lodsw", 'l', 'r', 2, UP(4), .pages = 1)
STRING(rep_lods_0, "rep lodsw", 'l', 'r', 2, UP(0), .pages = 1)

/* --- REPE and REPNE: to the end, to a difference, to a match, not at all */
STRING(repe_cmps_all, "repe cmpsq", 'c', 'e', 8, UP(3), .mem = { COPY8(0x100) })
STRING(repe_cmps_ends, "repe cmpsb", 'c', 'e', 1, UP(60), .mem = { COPY8(0x100) })
STRING(repe_cmps_first, "repe cmpsl", 'c', 'e', 4, UP(8), .pages = 1)
STRING(repe_cmps_0, "repe cmpsl", 'c', 'e', 4, UP(0), .pages = 1)
STRING(repne_cmps, "repne cmpsw", 'c', 'n', 2, UP(12), .mem = { { 0x110, M(0x10) } })
STRING(repne_cmps_down, "repne cmpsb", 'c', 'n', 1,
       ARG(DOWN(30), [RSI] = P(0x120), [RDI] = P(0x20)), .mem = { { 0x110, M(0x10) } })
STRING(repne_scasb, "repne scasb", 'a', 'n', 1, ARG(UP(50), [RAX] = M(19)), .pages = 1)
STRING(repne_scasq, "repne scasq", 'a', 'n', 8, ARG(UP(50), [RAX] = M(40)), .pages = 1)
STRING(repne_scas_no, "repne scasl", 'a', 'n', 4, ARG(UP(5), [RAX] = V(0)), .pages = 1)
STRING(repe_scasw, "repe scasw", 'a', 'e', 2, ARG(UP(50), [RAX] = V(0x7777)),
       .mem = { { 0, V(0x7777777777777777) } })
STRING(repe_scas_0, "repe scasw", 'a', 'e', 2, UP(0), .pages = 1)

/* --- two pages: source and destination on one each, both watched or one of them */
#define TWO [RSI] = P(PAGE + 8)
STRING(two_movsq, "movsq", 'm', 0, 8, ARG(UP(9), TWO), .pages = 2)
STRING(two_cmpsl, "cmpsl", 'c', 0, 4, ARG(UP(9), TWO), .pages = 2)
STRING(two_rep_movsb, "rep movsb", 'm', 'r', 1, ARG(UP(12), TWO), .pages = 2)
STRING(two_rep_movsq, "rep movsq", 'm', 'r', 8, ARG(DOWN(12), TWO), .pages = 2)
STRING(two_rep_cmps, "repne cmpsb", 'c', 'n', 1, ARG(UP(6), TWO), .pages = 2)
STRING(two_movs_source, "rep movsl", 'm', 'r', 4, ARG(UP(6), TWO), .pages = 2,
       .watch = { { PAGE, 2 * PAGE } })
STRING(two_movs_destination, "rep movsl", 'm', 'r', 4, ARG(UP(6), TWO), .pages = 2,
       .watch = { { 0, PAGE } })
STRING(two_cmps_source, "repne cmpsw", 'c', 'n', 2, ARG(UP(6), TWO), .pages = 2,
       .watch = { { PAGE, 2 * PAGE } })
STRING(two_cmps_destination, "repne cmpsw", 'c', 'n', 2, ARG(UP(6), TWO), .pages = 2,
       .watch = { { 0, PAGE } })

/* --- over a page's end, aligned and not, upwards and downwards */
#define OVER .pages = 2, .at = PAGE - 19
STRING(over_rep_stosq, "rep stosq", 's', 'r', 8, ARG(UP(5), [RAX] = V(-1)), OVER)
STRING(over_rep_stosb, "rep stosb", 's', 'r', 1,
       ARG(DOWN(30), [RAX] = V(0x1ff), [RDI] = P(25)), OVER)
STRING(over_rep_movsq, "rep movsq", 'm', 'r', 8, ARG(UP(5), [RSI] = P(-0x100)), OVER)
STRING(over_rep_movsl_source, "rep movsl", 'm', 'r', 4, ARG(UP(9), [RSI] = P(0), [RDI] = P(-0x200)),
       OVER)
STRING(over_rep_lodsl, "rep lodsl", 'l', 'r', 4, ARG(UP(9), [RSI] = P(0)), OVER)
STRING(over_rep_scas, "repne scasl", 'a', 'n', 4, ARG(UP(9), [RAX] = V(1)), OVER)
STRING(over_into_watched, "rep stosl", 's', 'r', 4, ARG(UP(9), [RAX] = V(1)), OVER,
       .watch = { { PAGE, 2 * PAGE } })
STRING(over_out_of_watched, "rep stosl", 's', 'r', 4, ARG(UP(9), [RAX] = V(1)), OVER,
       .watch = { { 0, PAGE } })
STRING(over_part, "rep movsb", 'm', 'r', 1, ARG(UP(40), [RSI] = P(-0x100)), OVER,
       .watch = { { PAGE - 7, PAGE + 5 } })
