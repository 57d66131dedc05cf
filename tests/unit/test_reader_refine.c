// SPDX-License-Identifier: GPL-2.0-only
/* Where was a BLIND access really? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "logbuild.h"
#include "readlog.h"

static void add_watch(struct hvt_watches *w, uint32_t access, uint64_t addr, uint64_t len)
{
	const struct hvt_filters none = { 0 };
	struct hvt_log_watch h = { .id = 1, .access = access, .pid = 100, .addr = addr, .len = len };

	assert_int_equal(hvt_watches_add(w, &none, (const uint8_t *)&h, sizeof(h)), 0);
}

struct blind {
	const char *bytes;
	unsigned int len;
	uint64_t rdi, rsi, rsp, gla;
	uint8_t access;
	/* expected */
	int n;
	uint64_t addr;
	uint32_t size;
	uint8_t got; /* HVT_ACC_*; UNSURE: not exact */
};

#define UNSURE 0x80

/* One watch, 8 bytes at 0x6008, read and write. */
static const struct blind blinds[] = {
	/* mov [rdi], eax: before, touching, inside, behind */
	{ "\x89\x07", 2, 0x6000, 0, 0, 0x6000, HVT_ACC_W, 0, 0, 0, 0 },
	{ "\x89\x07", 2, 0x6005, 0, 0, 0x6005, HVT_ACC_W, 1, 0x6005, 4, HVT_ACC_W },
	{ "\x89\x07", 2, 0x600c, 0, 0, 0x600c, HVT_ACC_W, 1, 0x600c, 4, HVT_ACC_W },
	{ "\x89\x07", 2, 0x6010, 0, 0, 0x6010, HVT_ACC_W, 0, 0, 0, 0 },
	/* add [rdi], eax seen as a write: it also reads */
	{ "\x01\x07", 2, 0x6008, 0, 0, 0x6008, HVT_ACC_W, 1, 0x6008, 4, HVT_ACC_R | HVT_ACC_W },
	/* movaps [rdi], xmm0 */
	{ "\x0f\x29\x07", 3, 0x6000, 0, 0, 0x6000, HVT_ACC_W, 1, 0x6000, 16, HVT_ACC_W },
	/* movsb: source and destination on the page; only one on the watch, then both */
	{ "\xa4", 1, 0x6100, 0x6008, 0, 0x6008, HVT_ACC_R, 1, 0x6008, 1, HVT_ACC_R },
	{ "\xa4", 1, 0x6009, 0x6100, 0, 0x6100, HVT_ACC_R, 1, 0x6009, 1, HVT_ACC_W },
	{ "\xa4", 1, 0x6009, 0x6008, 0, 0x6008, HVT_ACC_R, 2, 0x6009, 1, HVT_ACC_W },
	/* push [rdi]: the stack is on the page, the operand is not */
	{ "\xff\x37", 2, 0x9000, 0, 0x6010, 0x6008, HVT_ACC_W, 1, 0x6008, 8, HVT_ACC_W },
	{ "\xff\x37", 2, 0x9000, 0, 0x6020, 0x6018, HVT_ACC_W, 0, 0, 0, 0 },
	/* call rax, ret, pop rbx */
	{ "\xff\xd0", 2, 0, 0, 0x6010, 0x6008, HVT_ACC_W, 1, 0x6008, 8, HVT_ACC_W },
	{ "\xc3", 1, 0, 0, 0x600c, 0x600c, HVT_ACC_R, 1, 0x600c, 8, HVT_ACC_R },
	{ "\x5b", 1, 0, 0, 0x6001, 0x6001, HVT_ACC_R, 1, 0x6001, 8, HVT_ACC_R },
	/* mov [rip + 0x100], eax at 0x5f08 (6 bytes): 0x600e */
	{ "\x89\x05\x00\x01\x00\x00", 6, 0, 0, 0, 0x600e, HVT_ACC_W, 1, 0x600e, 4, HVT_ACC_W },
	/* mov [rdi + rsi*4 - 8], eax */
	{ "\x89\x44\xb7\xf8", 4, 0x6000, 4, 0, 0x6008, HVT_ACC_W, 1, 0x6008, 4, HVT_ACC_W },
	/* mov [edi], eax: the high half of rdi does not count */
	{ "\x67\x89\x07", 3, 0xdead00006008, 0, 0, 0x6008, HVT_ACC_W, 1, 0x6008, 4, HVT_ACC_W },
	/* mov [rdi], eax that crosses into the watched page: only the bytes there matter */
	{ "\x48\x89\x07", 3, 0x5ffc, 0, 0, 0x6000, HVT_ACC_W, 0, 0, 0, 0 },
	/* mov gs:[0x10], eax: the base is not recorded, gla is where it went */
	{ "\x65\x89\x04\x25\x10\x00\x00\x00", 8, 0, 0, 0, 0x600a, HVT_ACC_W, 1, 0x600a, 4,
	  HVT_ACC_W },
	{ "\x65\x89\x04\x25\x10\x00\x00\x00", 8, 0, 0, 0, 0x6020, HVT_ACC_W, 0, 0, 0, 0 },
	/* movups [rdi], xmm0; sete [rdi]; movnti [rdi], eax: capstone 4 has loads */
	{ "\x0f\x11\x07", 3, 0x6004, 0, 0, 0x6004, HVT_ACC_W, 1, 0x6004, 16, HVT_ACC_W },
	{ "\x0f\x94\x07", 3, 0x6008, 0, 0, 0x6008, HVT_ACC_W, 1, 0x6008, 1, HVT_ACC_W },
	{ "\x0f\xc3\x07", 3, 0x6008, 0, 0, 0x6008, HVT_ACC_W, 1, 0x6008, 4, HVT_ACC_W },
	/* test [rdi], eax, xchg, cmpxchg: and the kinds of these */
	{ "\x85\x07", 2, 0x6008, 0, 0, 0x6008, HVT_ACC_R, 1, 0x6008, 4, HVT_ACC_R },
	{ "\x87\x07", 2, 0x6008, 0, 0, 0x6008, HVT_ACC_R, 1, 0x6008, 4, HVT_ACC_R | HVT_ACC_W },
	{ "\x0f\xb1\x07", 3, 0x6008, 0, 0, 0x6008, HVT_ACC_R, 1, 0x6008, 4, HVT_ACC_R | HVT_ACC_W },
	/* cmp [rdi], eax, where something wrote: it was not this operand, or not this alone */
	{ "\x39\x07", 2, 0x6008, 0, 0, 0x6008, HVT_ACC_W, 1, 0x6008, 4,
	  HVT_ACC_R | HVT_ACC_W | UNSURE },
	/* fxsave [rdi]: 512 bytes, not all of which it writes */
	{ "\x0f\xae\x07", 3, 0x5f00, 0, 0, 0x6000, HVT_ACC_W, 1, 0x5f00, 512, HVT_ACC_W | UNSURE },
	/* xsave [rdi], xsaveopt, xrstor: not computable, so kept and said to be inexact */
	{ "\x0f\xae\x27", 3, 0x6100, 0, 0, 0x6100, HVT_ACC_W, 1, 0x6100, 0, HVT_ACC_R | HVT_ACC_W },
	{ "\x0f\xae\x37", 3, 0x6100, 0, 0, 0x6300, HVT_ACC_R, 1, 0x6300, 0, HVT_ACC_R | HVT_ACC_W },
	{ "\x0f\xae\x2f", 3, 0x6100, 0, 0, 0x6300, HVT_ACC_R, 1, 0x6300, 0, HVT_ACC_R },
	/* bytes that are no instruction: the same */
	{ "\x0f\xff\xff", 3, 0x6100, 0, 0, 0x6100, HVT_ACC_W, 1, 0x6100, 0, HVT_ACC_W },
};

static void test_refine(void **state)
{
	struct hvt_decoder *d = hvt_decoder_new();
	struct hvt_guess out[HVT_OPERANDS];
	struct hvt_watches w = { 0 };
	const struct hvt_insn *insn;
	struct hvt_rec_access rec;
	const struct blind *b;
	uint64_t gpr[16] = { 0 };
	size_t i;
	int n;

	(void)state;
	assert_non_null(d);
	add_watch(&w, HVT_ACC_R | HVT_ACC_W, 0x6008, 8);
	for (i = 0; i < sizeof(blinds) / sizeof(*blinds); i++) {
		b = &blinds[i];
		rec = lb_access(0, 1, b->gla);
		rec.h.flags |= HVT_RF_BLIND | HVT_RF_REGS;
		rec.ip = 0x5f08;
		rec.size = 0;
		rec.access = b->access;
		gpr[7] = b->rdi;
		gpr[6] = b->rsi;
		gpr[4] = b->rsp;
		memcpy(rec.insn, b->bytes, b->len);
		insn = hvt_decode(d, rec.ip, rec.h.flags, rec.insn, b->len);
		n = hvt_refine(&w, insn, &rec, gpr, out);
		if (n != b->n)
			fail_msg("case %zu: %d accesses, not %d", i, n, b->n);
		if (!n)
			continue;
		if (out[0].addr != b->addr || out[0].size != b->size ||
		    out[0].access != (b->got & ~UNSURE))
			fail_msg("case %zu: 0x%llx,%u access %u", i,
				 (unsigned long long)out[0].addr, out[0].size, out[0].access);
		assert_int_equal(out[0].exact, b->size != 0 && !(b->got & UNSURE));
	}
	hvt_watches_free(&w);
	hvt_decoder_free(d);
}

/*
 * What capstone does not know all about: kept, whether the operand that it lists is in the
 * watch or behind it, and never called exact.
 */
static void test_unsure(void **state)
{
	static const struct {
		const char *what, *bytes;
		uint8_t len;
		uint32_t mode;
	} insns[] = {
		{ "lss eax, [rdi]", "\x0f\xb2\x07", 3, 0 },
		{ "lgs rax, [rdi]", "\x48\x0f\xb5\x07", 4, 0 },
		{ "les eax, [edi]", "\xc4\x07", 2, HVT_RF_CODE32 },
		{ "lcall [rdi]", "\xff\x1f", 2, 0 },
		{ "ljmp [rdi]", "\xff\x2f", 2, 0 },
		{ "retf", "\xcb", 1, 0 },
		{ "iretq", "\x48\xcf", 2, 0 },
		{ "enter", "\xc8\x10\x00\x02", 4, 0 },
		{ "pusha", "\x60", 1, HVT_RF_CODE32 },
		{ "lar eax, [rdi]", "\x0f\x02\x07", 3, 0 },
		{ "verw [rdi]", "\x0f\x00\x2f", 3, 0 },
		{ "arpl [edi], ax", "\x63\x07", 2, HVT_RF_CODE32 },
		{ "mov ds, [rdi]", "\x8e\x1f", 2, 0 },
		{ "push fs in 32-bit code", "\x0f\xa0", 2, HVT_RF_CODE32 },
		{ "pop gs", "\x0f\xa9", 2, 0 },
		{ "call [rdi] with 66", "\x66\xff\x17", 3, 0 },
		{ "mov [bx + di], ax in 16-bit code", "\x89\x01", 2, HVT_RF_CODE16 },
		{ "movsd xmm0, [rdi] with a late prefix", "\xf2\x3e\x0f\x10\x07", 5, 0 },
		{ "kmovw [rdi], k1", "\xc5\xf8\x91\x0f", 4, 0 },
		{ "kmovq k1, [rdi]", "\xc4\xe1\xf8\x90\x0f", 5, 0 },
		{ "vmaskmovps [rdi]", "\xc4\xe2\x79\x2e\x07", 5, 0 },
		{ "vmovups [rdi]{k1}, zmm0", "\x62\xf1\x7c\x49\x11\x07", 6, 0 },
		{ "vaddps zmm0, zmm0, [rdi]{1to16}", "\x62\xf1\x7c\x58\x58\x07", 6, 0 },
		{ "vextractf64x4 [rdi]{k1}, zmm0", "\x62\xf3\xfd\x49\x1b\x07\x01", 7, 0 },
		{ "maskmovq", "\x0f\xf7\xc1", 3, 0 },
		{ "xsaveopt [rdi]", "\x0f\xae\x37", 3, 0 },
		{ "fnsave [rdi]", "\xdd\x37", 2, 0 },
		{ "bts [rdi], eax", "\x0f\xab\x07", 3, 0 },
	};
	struct hvt_decoder *d = hvt_decoder_new();
	struct hvt_guess out[HVT_OPERANDS];
	struct hvt_watches w = { 0 };
	const struct hvt_insn *insn;
	struct hvt_rec_access rec;
	uint64_t gpr[16] = { 0 };
	size_t i, behind;
	int n;

	(void)state;
	assert_non_null(d);
	add_watch(&w, HVT_ACC_R | HVT_ACC_W, 0x6008, 8);
	for (i = 0; i < sizeof(insns) / sizeof(*insns); i++)
		for (behind = 0; behind < 2; behind++) {
			gpr[7] = behind ? 0x6018 : 0x6008;
			gpr[4] = gpr[7] + 8;
			rec = lb_access(0, 1, gpr[7]);
			rec.h.flags |= HVT_RF_BLIND | HVT_RF_REGS | insns[i].mode;
			rec.size = 0;
			rec.access = HVT_ACC_W;
			memcpy(rec.insn, insns[i].bytes, insns[i].len);
			insn = hvt_decode(d, rec.ip, rec.h.flags, rec.insn, insns[i].len);
			n = hvt_refine(&w, insn, &rec, gpr, out);
			if (n < 1)
				fail_msg("%s, %zu: left out", insns[i].what, behind);
			while (n--)
				if (out[n].exact)
					fail_msg("%s, %zu: exact", insns[i].what, behind);
		}
	hvt_watches_free(&w);
	hvt_decoder_free(d);
}

/* One whose size root does not know, by an instruction of these bytes. */
static struct hvt_rec_access blind(uint64_t seq, uint64_t tsc, uint64_t addr, const char *insn,
				   uint8_t len)
{
	struct hvt_rec_access a = lb_access(seq, tsc, addr);

	a.h.flags |= HVT_RF_BLIND;
	a.size = 0;
	memcpy(a.insn, insn, len);
	a.insn_len = len;
	return a;
}

/* The records as a log with one watch, in a reader. */
static struct hvt_reader *read_records(struct logbuild *lb, const struct logbuild *rec,
				       uint32_t access, uint64_t addr, uint64_t len)
{
	lb_header(lb, 1);
	lb_watch(lb, 1, access, 100, addr, len, "x");
	lb_section(lb, HVT_SEC_EVENTS, 0, rec->bytes, rec->len);
	lb_end(lb, HVT_END_STOP);
	return read_log(lb, HVT_READER_NO_SYMBOLS);
}

/*
 * Stores of every size around a watch through the whole reader: what comes out is what
 * the model says, with the bytes that were written.
 */
static void test_blind_stores(void **state)
{
	static const struct {
		const char *bytes;
		uint8_t len, size;
	} stores[] = { { "\x88\x07", 2, 1 },
		       { "\x66\x89\x07", 3, 2 },
		       { "\x89\x07", 2, 4 },
		       { "\x48\x89\x07", 3, 8 },
		       { "\x0f\x11\x07", 3, 16 } };
	struct logbuild lb = { 0 }, rec = { 0 };
	uint8_t old[64], new_[64];
	uint64_t gpr[16] = { 0 }, addr, seq = 0, expect = 0;
	struct hvt_rec_access a;
	struct hvt_reader *r;
	struct hvt_event ev;
	uint32_t i, k;

	(void)state;
	for (i = 0; i < sizeof(old); i++) {
		old[i] = (uint8_t)i;
		new_[i] = (uint8_t)(i + 100);
	}
	for (i = 0; i < 5; i++)
		for (addr = 0x6000; addr < 0x6030; addr++) {
			a = blind(seq, 100 + seq, addr, stores[i].bytes, stores[i].len);
			gpr[7] = addr;
			/* root keeps a window of bytes from gla on */
			lb_record(&rec, &a, gpr, 0, old + (addr - 0x6000), new_ + (addr - 0x6000),
				  16);
			seq++;
			expect += addr < 0x6018 && addr + stores[i].size > 0x6010;
		}
	r = read_records(&lb, &rec, HVT_ACC_W, 0x6010, 8);
	for (k = 0; hvt_reader_next(r, &ev); k++) {
		assert_true(ev.addr < 0x6018 && ev.addr + ev.size > 0x6010);
		assert_true(ev.exact);
		assert_int_equal(ev.val_len, ev.size);
		assert_int_equal(ev.val_off, 0);
		assert_memory_equal(ev.new_, new_ + (ev.addr - 0x6000), ev.size);
	}
	assert_int_equal(k, expect);
	assert_int_equal(hvt_reader_stats(r)->near, seq - expect);
	hvt_reader_free(r);
	lb_free(&lb);
	lb_free(&rec);
}

/* One store over two watched pages: two records, one event. */
static void test_crossing(void **state)
{
	struct logbuild lb = { 0 }, rec = { 0 };
	uint64_t gpr[16] = { 0 };
	struct hvt_rec_access a;
	struct hvt_reader *r;
	struct hvt_event ev;
	int i, n = 0;

	(void)state;
	gpr[7] = 0x6ffc;
	for (i = 0; i < 6; i++) {
		a = blind((uint64_t)i, 100 + (uint64_t)i / 2, i % 2 ? 0x7000 : 0x6ffc,
			  "\x48\x89\x07", 3);
		lb_record(&rec, &a, gpr, 0, "old.", "new.", 4);
	}
	r = read_records(&lb, &rec, HVT_ACC_W, 0x6ff0, 32);
	for (; hvt_reader_next(r, &ev); n++) {
		assert_int_equal(ev.addr, 0x6ffc);
		assert_int_equal(ev.size, 8);
	}
	assert_int_equal(n, 3);
	hvt_reader_free(r);
	lb_free(&lb);
	lb_free(&rec);
}

/* The upper part was touched first: the place is exact, the values begin where root's do. */
static void test_upper_first(void **state)
{
	struct logbuild lb = { 0 }, rec = { 0 };
	uint64_t gpr[16] = { [7] = 0x6010 };
	struct hvt_rec_access a = blind(0, 100, 0x6014, "\x48\x89\x07", 3);
	struct hvt_reader *r;
	struct hvt_event ev;

	(void)state;
	lb_record(&rec, &a, gpr, 0, "old.behind..", "new.behind..", 12);
	r = read_records(&lb, &rec, HVT_ACC_W, 0x6010, 8);
	assert_true(hvt_reader_next(r, &ev));
	assert_true(ev.exact);
	assert_int_equal(ev.addr, 0x6010);
	assert_int_equal(ev.size, 8);
	assert_int_equal(ev.val_off, 4);
	assert_int_equal(ev.val_len, 4);
	assert_memory_equal(ev.old, "old.", 4);
	assert_memory_equal(ev.new_, "new.", 4);
	assert_false(hvt_reader_next(r, &ev));
	hvt_reader_free(r);
	lb_free(&lb);
	lb_free(&rec);
}

/* Root saw the load of an ADD only: it has no new value. */
static void test_load_of_rmw(void **state)
{
	struct logbuild lb = { 0 }, rec = { 0 };
	uint64_t gpr[16] = { [7] = 0x6010 };
	struct hvt_rec_access a = blind(0, 100, 0x6010, "\x48\x01\x07", 3);
	struct hvt_reader *r;
	struct hvt_event ev;

	(void)state;
	a.access = HVT_ACC_R;
	lb_record(&rec, &a, gpr, 0, "the old.", "the old.", 8);
	r = read_records(&lb, &rec, HVT_ACC_R | HVT_ACC_W, 0x6010, 8);
	assert_true(hvt_reader_next(r, &ev));
	assert_int_equal(ev.access, HVT_ACC_R | HVT_ACC_W);
	assert_int_equal(ev.size, 8);
	assert_int_equal(ev.val_len, 0);
	hvt_reader_free(r);
	lb_free(&lb);
	lb_free(&rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refine),	     cmocka_unit_test(test_unsure),
		cmocka_unit_test(test_blind_stores), cmocka_unit_test(test_crossing),
		cmocka_unit_test(test_upper_first),  cmocka_unit_test(test_load_of_rmw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
