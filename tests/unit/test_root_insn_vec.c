// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root decoder's masked and EVEX operands against the CPU. One page is present,
 * and each instruction that the decoder knows is run with its operands
 *
 *   ending where the page ends                      must not fault
 *   one byte further (or its alignment)             must fault there, in the direction
 *   beginning where the page begins                 must not fault
 *   one byte before                                 must fault there
 *   inside, bytes not listed changed                must do the same
 *   inside, a store                                 must write all that is listed, no more
 *
 * under masks from none to all: so a hole in the list is a byte the CPU does not touch.
 * Gathers and scatters have each lane in a page of its own, which is taken away.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "insn.h"
#include "native.h"
#include "vec.h"
#include "xorshift.h"

#define ARENA 0x20000000ull
#define PAGES 64
#define PAGE  (ARENA + 32 * 4096) /* the one that is present */
#define BASE  (PAGE + 2048)
#define KNOB  3 /* RBX is the base register */

struct sample {
	u8 b[16];
	unsigned int base; /* register */
	u64 gpr[16];
	struct hvt_insn insn;
};

static struct {
	u64 known, ops, values, illegal, failures;
} count;

static u64 seed = 0x2545f4914f6cdd1dull;
static struct native n[2];

static u64 rnd(void)
{
	seed = xorshift(seed);
	return seed >> 8;
}

static bool decode(struct sample *s)
{
	struct hvt_insn_ctx cx = { .gpr = s->gpr, .ip = NATIVE_CODE, .bits = 64, .cpl = 3 };

	return hvt_insn_decode(s->b, 15, &cx, &s->insn);
}

static void failure(const struct sample *s, const char *what, const struct native *r)
{
	unsigned int k;

	if (count.failures++ > 40)
		return;
	for (k = 0; k < s->insn.len; k++)
		fprintf(stderr, "%02x ", s->b[k]);
	fprintf(stderr, "(%u operands", s->insn.nops);
	for (k = 0; k < s->insn.nops; k++)
		fprintf(stderr, ", %u at %#llx size %u", s->insn.op[k].access,
			(unsigned long long)s->insn.op[k].addr, s->insn.op[k].size);
	fprintf(stderr, "): %s; trap %d", what, r->trap);
	if (r->trap == TRAP_PF)
		fprintf(stderr, " %s at %#llx", r->fault_write ? "write" : "read",
			(unsigned long long)r->fault_addr);
	fprintf(stderr, "\n");
}

static void run(const struct sample *s, struct native *r)
{
	memcpy(r->gpr, s->gpr, sizeof(r->gpr));
	r->ip = NATIVE_CODE;
	r->insn = s->b;
	r->len = s->insn.len;
	native_run(r);
}

static bool executed(const struct sample *s, const struct native *r)
{
	return r->trap == TRAP_BP && r->end_ip == NATIVE_CODE + s->insn.len + 1;
}

#define lowest(s) ((s)->insn.op[0].addr)
#define last(s)	  ((s)->insn.op[(s)->insn.nops - 1])
#define end(s)	  (last(s).addr + last(s).size)

/* Move all operands by @by. False: the decoder does not follow. */
static bool move(struct sample *s, u64 by)
{
	u64 was = lowest(s);
	unsigned int nops = s->insn.nops;

	s->gpr[s->base] += by;
	return decode(s) && s->insn.nops == nops && lowest(s) == was + by;
}

static void test_border(const struct sample *base, bool up)
{
	static const u64 steps[] = { 1, 16, 32, 64 };
	u64 by = up ? PAGE + 4096 - end(base) : PAGE - lowest(base);
	struct sample s = *base;
	unsigned int i;

	if (!move(&s, by)) {
		failure(&s, "cannot be moved", &n[0]);
		return;
	}
	run(&s, &n[0]);
	if (n[0].trap != TRAP_GP && !executed(&s, &n[0]))
		failure(&s, up ? "touches more than its last byte" : "touches more than its first",
			&n[0]);
	for (i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct sample t = s;

		if (!move(&t, up ? steps[i] : -steps[i]))
			failure(&t, "cannot be moved", &n[0]);
		run(&t, &n[0]);
		if (n[0].trap == TRAP_GP)
			continue;
		if (n[0].trap != TRAP_PF || n[0].fault_addr - (up ? PAGE + 4096 : PAGE - 64) >= 64)
			failure(&t, up ? "does not touch its last byte" :
					 "does not touch its first byte", &n[0]);
		else if (n[0].fault_write != (t.insn.op[0].access == HVT_OP_W))
			failure(&t, "wrong direction", &n[0]);
		return;
	}
}

static bool in_list(const struct sample *s, u64 addr)
{
	unsigned int i;

	for (i = 0; i < s->insn.nops; i++)
		if (addr - s->insn.op[i].addr < s->insn.op[i].size)
			return true;
	return false;
}

static void test_contents(const struct sample *s)
{
	bool store = s->insn.op[0].access == HVT_OP_W;
	u8 *mem = (u8 *)BASE - 256, fill[2][512], after[2][512];
	unsigned int i, k;

	for (i = 0; i < 512; i++) {
		bool inside = in_list(s, (u64)mem + i);

		fill[0][i] = rnd();
		fill[1][i] = store || !inside ? ~fill[0][i] : fill[0][i];
	}
	for (k = 0; k < 2; k++) {
		memcpy(mem, fill[k], 512);
		run(s, &n[k]);
		memcpy(after[k], mem, 512);
		if (n[k].trap == TRAP_GP)
			return;
	}
	for (i = 0; i < 512; i++) {
		if (!store || !in_list(s, (u64)mem + i)) {
			if (after[0][i] != fill[0][i] || after[1][i] != fill[1][i]) {
				failure(s, "writes more than is listed", &n[0]);
				return;
			}
		} else if (after[0][i] != after[1][i]) {
			failure(s, "does not write all that is listed", &n[0]);
			return;
		}
	}
	if (s->insn.op[0].value == HVT_VAL_VEC) {
		const struct hvt_insn_op *op = &s->insn.op[0];

		count.values++;
		if (memcmp((store ? after[0] : fill[0]) + (op->addr - (u64)mem),
			   store ? vec_reg[op->reg] : n[0].vec_out[op->reg], op->size))
			failure(s, "its value is not in that register", &n[0]);
	}
	if (memcmp(n[0].vec_out, n[1].vec_out, sizeof(n[0].vec_out)) ||
	    memcmp(n[0].mask_out, n[1].mask_out, sizeof(n[0].mask_out)) ||
	    memcmp(n[0].out, n[1].out, sizeof(n[0].out)) || n[0].flags != n[1].flags)
		failure(s, "reads more than is listed", &n[0]);
}

/* @suppresses: elements that the mask excludes do not fault. MASKMOVDQU's may. */
static void test_sample(struct sample *s, bool suppresses)
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		s->gpr[i] = 0x1111 * i;
	s->gpr[s->base] = BASE;
	if (!decode(s))
		return;
	count.known++;
	count.ops += s->insn.nops;
	if (!s->insn.nops) {
		s->gpr[s->base] = ARENA + 4096;
		run(s, &n[0]);
		if (n[0].trap == TRAP_UD)
			count.illegal++;
		else if (!executed(s, &n[0]) && suppresses)
			failure(s, "touches memory, or has another length", &n[0]);
		return;
	}
	run(s, &n[0]);
	if (n[0].trap == TRAP_UD) {
		count.illegal++;
		return;
	}
	if (!executed(s, &n[0]) && n[0].trap != TRAP_GP)
		failure(s, "touches more than is listed, or has another length", &n[0]);
	if (suppresses || end(s) - lowest(s) == 16) {
		test_border(s, true);
		test_border(s, false);
	}
	test_contents(s);
}

static void registers(void)
{
	static const u64 masks[8] = {
		~0ull, ~0ull, 0, 0x5555555555555555, 1,
		0x8080808080808080, 0xf0c3a55a3cf00ff6, 0x7ffffffe7ffe7e7e,
	};
	unsigned int i, k;

	memcpy(vec_mask, masks, sizeof(masks));
	for (i = 0; i < 32; i++)
		for (k = 0; k < 64; k++)
			vec_reg[i][k] = rnd();
	for (i = 0; i < 8; i++)
		for (k = 0; k < 8; k++)
			vec_mmx[i][k] = rnd();
}

/* EVEX, disp8 of 2: what it counts in is part of what is tested. */
static unsigned int put_evex(u8 *b, unsigned int map, unsigned int op, unsigned int sel,
			     unsigned int aaa, unsigned int reg)
{
	unsigned int i = 0;

	b[i++] = 0x62;
	b[i++] = 0xf0 | map;
	b[i++] = 0x7c | (sel & 3) | (sel & 4 ? 0x80 : 0);	   /* vvvv: register 0 */
	b[i++] = 0x08 | aaa | (sel >> 3 & 3) << 5 | (sel & 32) >> 1; /* L'L, b */
	b[i++] = op;
	b[i++] = 0x40 | reg << 3 | KNOB;
	b[i++] = 2;
	b[i++] = 0x11; /* an immediate, maybe */
	return i;
}

static u64 run_gathers(bool evex);

static u64 run_evex(void)
{
	unsigned int map, op, sel, aaa, reg;

	for (map = 1; map < 4; map++)
		for (op = 0; op < 256; op++)
			for (sel = 0; sel < 64; sel++) {
				bool group = map == 1 && op >= 0x71 && op <= 0x73;

				for (aaa = 0; aaa < 8; aaa++)
					for (reg = group ? 0 : 1; reg < (group ? 8 : 2); reg++) {
						struct sample s = { .base = KNOB };

						put_evex(s.b, map, op, sel, aaa, reg);
						test_sample(&s, true);
						/* zeroing: the third byte's top bit */
						s.b[3] |= 0x80;
						test_sample(&s, true);
					}
			}
	return run_gathers(true);
}

/* VMASKMOV, VPMASKMOV by register 6; MASKMOVDQU and its VEX form by register 7. */
static u64 run_maskmov(void)
{
	static const u8 ops[] = { 0x2c, 0x2d, 0x2e, 0x2f, 0x8c, 0x8e };
	unsigned int i, k, wl;

	for (k = 0; k < 64; k++) {
		for (i = 0; i < 64; i++)
			vec_reg[6][i] = vec_reg[7][i] = k < 2 ? -k : rnd();
		for (i = 0; i < sizeof(ops); i++)
			for (wl = 0; wl < 4; wl++) {
				struct sample s = { .base = KNOB,
						    .b = { 0xc4, 0xe2, 0, ops[i], 0x48 | KNOB, 2 } };

				s.b[2] = (wl & 1 ? 0x80 : 0) | (wl & 2 ? 4 : 0) | (~6 & 15) << 3 | 1;
				test_sample(&s, true);
			}
		test_sample(&(struct sample){ .base = 7, .b = { 0x66, 0x0f, 0xf7, 0xcf } }, false);
		test_sample(&(struct sample){ .base = 7, .b = { 0xc5, 0xf9, 0xf7, 0xcf } }, false);
		test_sample(&(struct sample){ .base = 7, .b = { 0x0f, 0xf7, 0xcd } }, false);
	}
	return run_gathers(false);
}

static void present(u64 addr, int prot)
{
	if (mprotect((void *)(addr & ~4095ull), 4096, prot))
		_exit(97);
}

/* After the instruction, or in its middle: what the mask says of each operand. */
static bool lane_done(const struct sample *s, const struct native *r, unsigned int op)
{
	u8 reg[32][64];
	u64 mask[8];
	bool done;

	memcpy(reg, vec_reg, sizeof(reg));
	memcpy(mask, vec_mask, sizeof(mask));
	memcpy(vec_reg, r->vec_out, sizeof(reg));
	memcpy(vec_mask, r->mask_out, sizeof(mask));
	done = hvt_insn_lane_done(&s->insn, op);
	memcpy(vec_reg, reg, sizeof(reg));
	memcpy(vec_mask, mask, sizeof(mask));
	return done;
}

static void test_gather(struct sample *s, u8 access, u64 *partial)
{
	unsigned int i, k;

	s->base = KNOB;
	for (i = 0; i < 16; i++)
		s->gpr[i] = 0x1111 * i;
	s->gpr[KNOB] = BASE;
	if (!decode(s)) {
		failure(s, "is not known", &n[0]);
		return;
	}
	count.known++;
	count.ops += s->insn.nops;
	for (i = 0; i < s->insn.nops; i++) {
		if (s->insn.op[i].access != access)
			failure(s, "wrong direction", &n[0]);
		if (hvt_insn_lane_done(&s->insn, i))
			failure(s, "is done before it begins", &n[0]);
		present(s->insn.op[i].addr, PROT_READ | PROT_WRITE);
	}
	run(s, &n[0]);
	if (n[0].trap == TRAP_UD)
		count.illegal++;
	else if (!executed(s, &n[0]))
		failure(s, "touches more than is listed, or has another length", &n[0]);
	for (i = 0; n[0].trap != TRAP_UD && i < s->insn.nops; i++) {
		const struct hvt_insn_op *o = &s->insn.op[i];

		if (executed(s, &n[0]) && !lane_done(s, &n[0], i))
			failure(s, "has retired, but a lane is not done", &n[0]);
		present(o->addr, PROT_NONE);
		run(s, &n[1]);
		present(o->addr, PROT_READ | PROT_WRITE);
		if (n[1].trap != TRAP_PF || n[1].fault_addr != o->addr ||
		    n[1].fault_write != (access == HVT_OP_W)) {
			failure(s, "does not touch a lane", &n[1]);
			continue;
		}
		if (lane_done(s, &n[1], i))
			failure(s, "the lane that faulted is done", &n[1]);
		for (k = 0; k < i; k++) {
			if (!lane_done(s, &n[1], k))
				failure(s, "a lane below the one that faulted is not done", &n[1]);
			++*partial;
		}
	}
	for (i = 0; i < s->insn.nops; i++)
		present(s->insn.op[i].addr, PROT_NONE);
}

/* Indices into @reg, times 4, such that each lane ends with a page of its own. */
static void indices(unsigned int reg, unsigned int step, unsigned int elem)
{
	unsigned int i, shift = rnd() % 16;

	for (i = 0; i < 64 / step; i++) {
		u64 page = ARENA + (4 + 3 * ((i * 5 + shift) % 16)) * 4096;
		s64 idx = (s64)(page + 4096 - elem - BASE) / 4;

		memcpy(vec_reg[reg] + i * step, &idx, step);
	}
}

static u64 run_gathers(bool evex)
{
	unsigned int op, wl, k, i, scatter;
	u64 partial = 0;

	present(PAGE, PROT_NONE);
	for (scatter = 0; scatter < (evex ? 2 : 1); scatter++)
		for (op = 0x90; op <= 0x93; op++)
			for (wl = 0; wl < (evex ? 6 : 4); wl++)
				for (k = 1; k < 8; k++) {
					struct sample s = { 0 };
					bool w = wl & 1;
					unsigned int i2 = 0;

					indices(evex ? 20 : 5, op & 1 ? 8 : 4, w ? 8 : 4);
					for (i = 0; i < 64; i++)
						vec_reg[6][i] = k < 3 ? 1 - k : rnd();
					if (evex) {
						s.b[i2++] = 0x62;
						s.b[i2++] = 0xf2;
						s.b[i2++] = 0x7d | (w ? 0x80 : 0);
						s.b[i2++] = k | (wl >> 1) << 5; /* V': 16 and up */
					} else {
						s.b[i2++] = 0xc4;
						s.b[i2++] = 0xe2;
						s.b[i2++] = (w ? 0x80 : 0) | (wl & 2 ? 4 : 0) |
							    (~6 & 15) << 3 | 1;
					}
					s.b[i2++] = op + 16 * scatter;
					s.b[i2++] = 0x0c;
					s.b[i2++] = 0x80 | (evex ? 4 : 5) << 3 | KNOB;
					test_gather(&s, scatter ? HVT_OP_W : HVT_OP_R, &partial);
				}
	present(PAGE, PROT_READ | PROT_WRITE);
	return partial;
}

static int child(unsigned int need, u64 (*job)(void))
{
	u64 extra;

	alarm(250);
	native_init();
	if (native_vectors() < need)
		return 77;
	if (mmap((void *)ARENA, PAGES * 4096, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)ARENA)
		return 3;
	present(PAGE, PROT_READ | PROT_WRITE);
	registers();
	extra = job();
	printf("# %llu encodings, %llu operands, %llu values: %llu not on this CPU, %llu lanes "
	       "done before a fault\n",
	       (unsigned long long)count.known, (unsigned long long)count.ops,
	       (unsigned long long)count.values, (unsigned long long)count.illegal,
	       (unsigned long long)extra);
	fflush(stdout);
	return count.failures ? 1 : count.known > 100 && count.illegal < count.known / 2 ? 0 : 2;
}

static void in_child(unsigned int need, u64 (*job)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(child(need, job));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		printf("# SKIP: this CPU has no vectors of %u bytes\n", need);
		skip();
	}
	assert_int_equal(status, 0);
}

static void test_evex(void **state)
{
	(void)state;
	in_child(64, run_evex);
}

static void test_vex(void **state)
{
	(void)state;
	in_child(32, run_maskmov);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vex),
		cmocka_unit_test(test_evex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
