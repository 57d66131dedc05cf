// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root decoder against the CPU: for each encoding it claims to know, run the
 * instruction with its operands at page borders and see which bytes it touches.
 *
 *   an operand that ends with its page, next page absent       must not fault
 *   one byte further (or its alignment)                        must fault there
 *   an operand that starts with its page, previous page absent must not fault
 *   one byte before                                            must fault there
 *   read-only page                                faults if and only if it writes
 *   other contents, same outcome                  if and only if it does not read
 *
 * All pages but those of the listed operands are absent all the time, so an operand
 * that is missing in the list faults, too.
 */
#include <asm/prctl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "insn.h"
#include "native.h"
#include "root_insn_gen.h"

#define KNOB_IP	   16 /* after the registers: RIP, for RIP-relative operands */
#define KNOB_MOFFS 17 /* the address in the instruction */
#define KNOBS	   18

static struct {
	u64 samples, ops, values, illegal, protected, aligned, unplaced, failures;
} count;

static bool decode(struct sample *s)
{
	struct hvt_insn_ctx cx = {
		.gpr = s->gpr,
		.ip = s->ip,
		.gs_base = GS_BASE,
		.bits = 64,
		.cpl = 3,
	};

	return hvt_insn_decode(s->b, 15, &cx, &s->insn);
}

static bool in_arena(const struct hvt_insn_op *op)
{
	return op->addr >= ARENA + 8192 && op->addr + op->size <= ARENA + (PAGES - 2) * 4096;
}

/* Operands lie where they can be moved around without meeting each other. */
static bool well_placed(const struct sample *s)
{
	unsigned int i, j;

	for (i = 0; i < s->insn.nops; i++) {
		if (!in_arena(&s->insn.op[i]))
			return false;
		for (j = 0; j < i; j++) {
			s64 d = s->insn.op[i].addr / 4096 - s->insn.op[j].addr / 4096;

			if (d > -3 && d < 3)
				return false;
		}
	}
	return true;
}

/* Move operand @i to @addr, and no other, by changing one register (or knob). */
static bool place(struct sample *s, unsigned int i, u64 addr)
{
	struct hvt_insn want = s->insn;
	unsigned int knob, k;
	u64 delta = addr - want.op[i].addr, moffs;

	want.op[i].addr = addr;
	for (knob = 0; knob < KNOBS; knob++) {
		struct sample t = *s;

		if (knob == KNOB_MOFFS && !t.moffs_at)
			continue;
		if (knob < 16) {
			t.gpr[knob] += delta;
		} else if (knob == KNOB_IP) {
			t.ip += delta;
		} else {
			memcpy(&moffs, t.b + t.moffs_at, 8);
			moffs += delta;
			memcpy(t.b + t.moffs_at, &moffs, 8);
		}
		if (!decode(&t) || t.insn.len != want.len || t.insn.nops != want.nops)
			continue;
		for (k = 0; k < want.nops; k++)
			if (t.insn.op[k].addr != want.op[k].addr ||
			    t.insn.op[k].size != want.op[k].size)
				break;
		if (k == want.nops) {
			*s = t;
			return true;
		}
	}
	return false;
}

static void protect(u64 first, u64 last, int prot)
{
	first &= ~4095ull;
	last |= 4095;
	if (mprotect((void *)first, last + 1 - first, prot))
		abort();
}

/*
 * Run @s with just its operands' pages present; of operand @skip only the page of
 * byte @keep, with @prot. @fill: contents of that operand, or NULL.
 */
static void run(const struct sample *s, struct native *n, unsigned int skip, u64 keep, int prot,
		const u8 *fill, u8 *after)
{
	unsigned int i;

	for (i = 0; i < s->insn.nops; i++) {
		const struct hvt_insn_op *op = &s->insn.op[i];
		u64 target = NATIVE_PAD;

		protect(op->addr, op->addr + op->size - 1, PROT_READ | PROT_WRITE);
		memset((void *)op->addr, 0, op->size);
		if (i == skip && fill)
			memcpy((void *)op->addr, fill, op->size);
		else if (op->size == 8 && op->access == HVT_OP_R)
			memcpy((void *)op->addr, &target, 8);
		if (i == skip) {
			protect(op->addr, op->addr + op->size - 1, PROT_NONE);
			protect(keep, keep, prot);
		}
	}
	memcpy(n->gpr, s->gpr, sizeof(n->gpr));
	n->ip = s->ip;
	n->insn = s->b;
	n->len = s->insn.len;
	native_run(n);
	if (after) {
		memset(after, 0, 512);
		memcpy(after, (void *)s->insn.op[skip].addr, s->insn.op[skip].size);
	}
	for (i = 0; i < s->insn.nops; i++)
		protect(s->insn.op[i].addr, s->insn.op[i].addr + s->insn.op[i].size - 1, PROT_NONE);
}

static bool executed(const struct sample *s, const struct native *n)
{
	if (n->trap == TRAP_DE)
		return true;
	return n->trap == TRAP_BP &&
	       (n->end_ip == s->ip + s->insn.len + 1 || n->end_ip == NATIVE_PAD + 1);
}

static void failure(const struct sample *s, unsigned int i, const char *what,
		    const struct native *n)
{
	unsigned int k;

	if (count.failures++ > 40)
		return;
	for (k = 0; k < s->insn.len; k++)
		fprintf(stderr, "%02x ", s->b[k]);
	fprintf(stderr, "operand %u of %u (%u at %#llx size %u): %s; trap %d ip +%lld", i,
		s->insn.nops, s->insn.op[i].access, (unsigned long long)s->insn.op[i].addr,
		s->insn.op[i].size, what, n->trap, (long long)(n->end_ip - s->ip));
	if (n->trap == TRAP_PF)
		fprintf(stderr, " %s at %#llx", n->fault_write ? "write" : "read",
			(unsigned long long)n->fault_addr);
	fprintf(stderr, "\n");
}

/* Shifted by @by over a border at @border: the byte beyond must be touched. */
static void test_beyond(const struct sample *base, unsigned int i, u64 border, bool up)
{
	static const int steps[] = { 1, 16, 32, 512 };
	struct native n;
	unsigned int k;

	for (k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
		struct sample s = *base;
		const struct hvt_insn_op *op = &s.insn.op[i];
		u64 by = steps[k], lo, hi;

		if (!place(&s, i, up ? border - op->size + by : border - by)) {
			count.unplaced++;
			return;
		}
		run(&s, &n, i, up ? border - 1 : border, PROT_READ | PROT_WRITE, NULL, NULL);
		if (n.trap == TRAP_GP) {
			count.aligned++;
			continue; /* has to be aligned: move it further */
		}
		lo = up ? border : border - by;
		hi = up ? border + by : border;
		if (n.trap != TRAP_PF || n.fault_addr < lo || n.fault_addr >= hi)
			failure(&s, i,
				up ? "does not touch its last byte" :
				     "does not touch its first byte",
				&n);
		return;
	}
}

/* Other values for the registers that are not part of an address (but RCX counts). */
static void perturb(struct sample *s)
{
	unsigned int r;

	for (r = 0; r < 16; r++) {
		struct sample t = *s;

		t.gpr[r] ^= gen_rnd() << 8;
		if (r != 1 && decode(&t) && !memcmp(&t.insn, &s->insn, sizeof(t.insn)))
			*s = t;
	}
}

static void test_direction(const struct sample *base, unsigned int i)
{
	struct sample other = *base, *s = &other;
	const struct hvt_insn_op *op = &s->insn.op[i];
	static struct native n[2];
	static u8 fill[512], after[2][512];
	bool depends = false;
	unsigned int t, k, m;

	run(s, &n[0], i, op->addr, PROT_READ, NULL, NULL);
	if (op->access & HVT_OP_W ? n[0].trap != TRAP_PF || !n[0].fault_write : !executed(s, &n[0]))
		failure(s, i, "wrong direction", &n[0]);
	if (!(op->access & HVT_OP_W))
		return;
	for (t = 0; t < 16 && !depends; t++) {
		if (t)
			perturb(s);
		for (m = 0; m < 2; m++) {
			for (k = 0; k < op->size; k++)
				fill[k] = gen_rnd();
			run(s, &n[m], i, op->addr, PROT_READ | PROT_WRITE, fill, after[m]);
		}
		depends = memcmp(n[0].out, n[1].out, sizeof(n[0].out)) ||
			  n[0].flags != n[1].flags || n[0].trap != n[1].trap ||
			  memcmp(n[0].fp, n[1].fp, sizeof(n[0].fp)) ||
			  memcmp(after[0], after[1], op->size);
	}
	if (depends != !!(op->access & HVT_OP_R))
		failure(s, i, depends ? "reads" : "does not read", &n[1]);
}

/* Is the operand's value in the register, or immediate, that the decoder names? */
static void test_value(const struct sample *s, unsigned int i)
{
	const struct hvt_insn_op *op = &s->insn.op[i];
	bool store = op->access == HVT_OP_W;
	u8 fill[64], after[512], held[64] = { 0 };
	static struct native n;
	unsigned int k;

	if (op->value == HVT_VAL_NONE)
		return;
	if (op->value == HVT_VAL_OTHER) {
		if (s->insn.nops != 2 || s->insn.op[!i].value != HVT_VAL_OTHER)
			failure(s, i, "has no other operand", &n);
		return;
	}
	for (k = 0; k < sizeof(fill); k++)
		fill[k] = gen_rnd();
	run(s, &n, i, op->addr, PROT_READ | PROT_WRITE, fill, after);
	if (!executed(s, &n))
		return;
	count.values++;
	switch (op->value) {
	case HVT_VAL_GPR:
		memcpy(held, store ? &s->gpr[op->reg] : &n.out[op->reg], 8);
		break;
	case HVT_VAL_GPR_HIGH:
		held[0] = (store ? s->gpr[op->reg] : n.out[op->reg]) >> 8;
		break;
	case HVT_VAL_IMM:
		memcpy(held, &s->insn.imm, 8);
		break;
	case HVT_VAL_VEC:
		memcpy(held, n.fp + 160 + 16 * op->reg, 16);
		memcpy(held + 16, n.fp + 576 + 16 * op->reg, 16);
		break;
	}
	if (memcmp(held, store ? after : fill, op->size))
		failure(s, i, "its value is not where it is said to be", &n);
}

static void test_operand(const struct sample *base, unsigned int i)
{
	struct sample s = *base;
	u64 page = (s.insn.op[i].addr + 2048) & ~4095ull;
	u32 size = s.insn.op[i].size;
	static struct native n;

	count.ops++;
	if (!place(&s, i, page - size)) {
		count.unplaced++;
		return;
	}
	run(&s, &n, i, page - 1, PROT_READ | PROT_WRITE, NULL, NULL);
	if (n.trap == TRAP_UD) {
		count.illegal++;
		return;
	}
	if (n.trap == TRAP_GP) {
		count.protected ++;
		return;
	}
	if (!executed(&s, &n)) {
		failure(&s, i, "touches more than is listed, or has another length", &n);
		return;
	}
	test_beyond(&s, i, page, true);
	test_direction(&s, i);
	if (!place(&s, i, page)) {
		count.unplaced++;
		return;
	}
	run(&s, &n, i, page, PROT_READ | PROT_WRITE, NULL, NULL);
	if (!executed(&s, &n))
		failure(&s, i, "touches more than is listed", &n);
	test_value(&s, i);
	test_beyond(&s, i, page, false);
}

static const char prefix_bytes[] = "\x66\x67\xf2\xf3\xf0\x26\x2e\x36\x3e\x64\x65";

static void test_encoding(const struct encoding *e, unsigned int form)
{
	struct sample s;
	unsigned int i, t;

	/* Descriptor tables are emulated by Linux under UMIP. Prefixes are not opcodes. */
	if (!e->vex &&
	    (e->map == 1 ? e->op < 2 :
			   !e->map && (e->op >> 4 == 4 || (e->op && strchr(prefix_bytes, e->op)))))
		return;
	/* FXSAVE faults on the end of its area, which it leaves alone: test_root_insn_xsave.c */
	if (!e->vex && e->map == 1 && e->op == 0xae && e->reg < 2)
		return;
	for (t = 0; t < 8; t++) {
		memset(&s, 0, sizeof(s));
		gen_encode(&s, e, form);
		if (!decode(&s) || !s.insn.nops)
			return;
		if (well_placed(&s))
			break;
	}
	if (t == 8) {
		count.unplaced++;
		return;
	}
	count.samples++;
	for (i = 0; i < s.insn.nops; i++)
		test_operand(&s, i);
}

static void run_legacy(void)
{
	unsigned int map, op, p, reg;

	for (map = 0; map < 4; map++)
		for (op = 0; op < 256; op++)
			for (p = 0; p < GEN_PREFIXES; p++)
				for (reg = 0; reg < 8; reg++) {
					struct encoding e = gen_prefixes[p];

					e.map = map;
					e.op = op;
					e.reg = reg;
					test_encoding(&e, (reg + p + op) % 5);
				}
}

static void run_vex(void)
{
	unsigned int map, op, k;

	for (map = 1; map < 4; map++)
		for (op = 0; op < 256; op++)
			for (k = 0; k < 16 * 3; k++) {
				struct encoding e = {
					.vex = true,
					.map = map,
					.op = op,
					.pp = k & 3,
					.l = k & 4,
					.rex_w = k & 8,
					.reg = 1 + (k >> 4),
				};

				test_encoding(&e, (k + op) % 5);
			}
}

/* A REP string instruction with count 0 touches nothing. */
static void run_rep_0(void)
{
	static const u8 ops[] = { 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf };
	static struct native n;
	unsigned int i;

	for (i = 0; i < 2 * sizeof(ops); i++) {
		struct sample s = { .b = { i & 1 ? 0xf2 : 0xf3, ops[i / 2] } };

		gen_registers(&s);
		s.ip = NATIVE_CODE + 8192;
		s.gpr[1] = 0;
		if (!decode(&s) || s.insn.nops)
			failure(&s, 0, "has operands", &n);
		run(&s, &n, ~0u, 0, 0, NULL, NULL);
		if (!executed(&s, &n))
			failure(&s, 0, "touches memory", &n);
	}
}

static int child(void)
{
	alarm(120);
	native_init();
	if (mmap((void *)ARENA, PAGES * 4096, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != (void *)ARENA)
		return 97;
	if (syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE))
		return 96;
	run_rep_0();
	run_legacy();
	run_vex();
	printf("# %llu encodings, %llu operands: %llu values, %llu not on this CPU, %llu refused "
	       "(#GP), %llu unplaced\n",
	       (unsigned long long)count.samples, (unsigned long long)count.ops,
	       (unsigned long long)count.values,
	       (unsigned long long)count.illegal, (unsigned long long)count.protected,
	       (unsigned long long)count.unplaced);
	fflush(stdout);
	if (count.failures)
		return 1;
	return count.samples > 5000 && count.values > 1000 ? 0 : 2;
}

static void test_oracle(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
