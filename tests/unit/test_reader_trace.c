// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces: what the agent takes of an instruction's record, what becomes of it in the
 * reader, and that neither believes what a record says of itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hvtrace/hvtrace.h>

#include "chunk.h"
#include "logbuild.h"
#include "logtrace.h"
#include "readlog.h"

/* The first event of this kind behind the last one that was asked for. */
static void next(struct hvt_reader *r, enum hvt_event_type type, struct hvt_event *ev)
{
	do {
		assert_int_equal(hvt_reader_next(r, ev), 1);
	} while (ev->type != type);
}

static void operands(void **state)
{
	struct logbuild lb = { 0 };
	struct hvt_reader *r;
	struct hvt_event ev;

	(void)state;
	lb_traced(&lb);
	r = read_whole(&lb);
	next(r, HVT_EV_INSN, &ev);
	assert_string_equal(ev.text, "mov rbp, rsp");
	assert_int_equal(ev.watch, 5);
	assert_int_equal(ev.pid, 100);
	assert_int_equal(ev.tid, 101);
	assert_true(ev.flags & HVT_RF_USER);
	assert_string_equal(ev.ip_sym.obj, "prog");
	assert_int_equal(ev.nr_watches, 0);
	next(r, HVT_EV_INSN, &ev);
	assert_null(ev.text);
	assert_int_equal(ev.insn_len, 1);
	next(r, HVT_EV_INSN, &ev);
	next(r, HVT_EV_INSN, &ev); /* add dword ptr [rdi], 1 */
	assert_int_equal(ev.delta_mask, 0x10001);
	assert_int_equal(ev.delta[0], 0x1122334455667788ull);
	assert_int_equal(ev.delta[1], 0x246);
	assert_int_equal(ev.nr_mem, 1);
	assert_true(ev.mem_known);
	assert_int_equal(ev.mem[0].addr, 0x404010);
	assert_int_equal(ev.mem[0].len, 4);
	assert_memory_equal(ev.mem[0].old, "\1\0\0\0", 4);
	assert_memory_equal(ev.mem[0].new_, "\2\0\0\0", 4);
	next(r, HVT_EV_INSN, &ev); /* movsb */
	assert_int_equal(ev.delta_mask, 0);
	assert_int_equal(ev.nr_mem, 2);
	assert_memory_equal(ev.mem[0].old, "r", 1);
	assert_null(ev.mem[0].new_);
	assert_null(ev.mem[1].old);
	assert_memory_equal(ev.mem[1].new_, "w", 1);
	next(r, HVT_EV_INSN, &ev); /* vmovups: more bytes than are known */
	assert_int_equal(ev.mem[0].size, 64);
	assert_int_equal(ev.mem[0].len, 32);
	assert_memory_equal(ev.mem[0].new_, "0123456789abcdefABCDEFGHIJKLMNO", 32);
	next(r, HVT_EV_INSN, &ev); /* xsave: none are */
	assert_false(ev.mem_known);
	assert_int_equal(ev.mem[0].size, 4096);
	assert_null(ev.mem[0].old);
	assert_null(ev.mem[0].new_);
	next(r, HVT_EV_INSN, &ev);
	assert_int_equal(ev.delta_mask, 0x1ffff);
	assert_int_equal(ev.delta[3], 3);
	assert_int_equal(ev.delta[16], 0x202);
	assert_int_equal(ev.insn_len, 0);
	assert_null(ev.text);
	hvt_reader_free(r);
	lb_free(&lb);
}

static void flows(void **state)
{
	struct logbuild lb = { 0 };
	struct hvt_reader *r;
	struct hvt_event ev;

	(void)state;
	lb_traced(&lb);
	r = read_whole(&lb);
	next(r, HVT_EV_FLOW, &ev);
	assert_int_equal(ev.what, HVT_FLOW_BEGIN);
	assert_int_equal(ev.to, 0x401000);
	assert_string_equal(ev.to_sym.obj, "prog");
	next(r, HVT_EV_FLOW, &ev);
	assert_int_equal(ev.what, HVT_FLOW_SYSCALL);
	assert_string_equal(ev.name, "write");
	assert_int_equal(ev.arg[1], 0x404000);
	assert_int_equal(ev.arg[5], ~0ull);
	next(r, HVT_EV_FLOW, &ev);
	assert_int_equal(ev.what, HVT_FLOW_RESUME);
	assert_string_equal(ev.name, "write");
	assert_int_equal(ev.arg[0], 6);
	next(r, HVT_EV_FLOW, &ev); /* INT 0x80: other numbers, at its end as well */
	assert_string_equal(ev.name, "open");
	next(r, HVT_EV_FLOW, &ev);
	assert_string_equal(ev.name, "open");
	next(r, HVT_EV_FLOW, &ev);
	assert_int_equal(ev.what, HVT_FLOW_INTERRUPT);
	assert_int_equal(ev.vector, 0xec);
	next(r, HVT_EV_FLOW, &ev); /* not of a system call */
	assert_int_equal(ev.what, HVT_FLOW_RESUME);
	assert_null(ev.name);
	next(r, HVT_EV_FLOW, &ev);
	assert_int_equal(ev.what, HVT_FLOW_EXCEPTION);
	assert_int_equal(ev.number, 6);
	assert_string_equal(ev.text, "mov dword ptr [rdi], eax");
	next(r, HVT_EV_FLOW, &ev);
	assert_true(ev.flags & HVT_RF_TRAP);
	next(r, HVT_EV_FLOW, &ev);
	assert_int_equal(ev.what, HVT_FLOW_SIGNAL);
	assert_string_equal(ev.name, "SEGV");
	next(r, HVT_EV_FLOW, &ev);
	assert_null(ev.name);
	hvt_reader_free(r);
	lb_free(&lb);
}

/* Names come from the process table as it was. */
static void names(void **state)
{
	static const char *const comms[] = { "worker\x1b\xff and its", "renamed" };
	struct logbuild lb = { 0 };
	struct hvt_reader *r;
	struct hvt_event ev;
	size_t n = 0;

	(void)state;
	lb_traced(&lb);
	r = read_whole(&lb);
	while (hvt_reader_next(r, &ev)) {
		if (ev.type == HVT_EV_LOST)
			continue;
		assert_string_equal(ev.comm, comms[ev.ns >= 5000000000ull + 2050]);
		n += ev.pid == 200; /* the child has its parent's name until it gets one */
	}
	assert_int_equal(n, 1);
	assert_int_equal(hvt_reader_stats(r)->instructions, 12);
	assert_int_equal(hvt_reader_stats(r)->flows, 20);
	assert_int_equal(hvt_reader_stats(r)->lost, 3);
	assert_int_equal(hvt_reader_stats(r)->gaps, 0);
	hvt_reader_free(r);
	lb_free(&lb);
}

static void facts(void **state)
{
	const struct hvt_trace_range many[HVT_TRACE_RANGES + 1] = { { 0 } };
	struct hvt_log_trace bad = { .id = 1, .nr_only = HVT_TRACE_RANGES, .nr_skip = 1 };
	const struct hvt_trace_fact *t;
	struct logbuild lb = { 0 };
	struct hvt_reader *r;
	struct hvt_event ev;
	size_t off;

	(void)state;
	lb_traced(&lb);
	r = read_whole(&lb);
	t = hvt_reader_trace(r, 0);
	assert_non_null(t);
	assert_int_equal(t->id, 5);
	assert_string_equal(t->spec, "-p 100 \x1b");
	assert_int_equal(t->range[1].lo, 0x401100);
	assert_int_equal(t->count, 9);
	while (hvt_reader_next(r, &ev))
		;
	assert_int_equal(t->instructions, 10);
	assert_int_equal(hvt_reader_trace(r, 1)->instructions, 2);
	assert_null(hvt_reader_trace(r, 2));
	hvt_reader_free(r);

	/* more ranges than there may be; ranges and a spec that are not there */
	lb.len = 0;
	lb_header(&lb, 1);
	off = lb.len;
	lb_trace(&lb, &bad, many, "x");
	r = read_whole(&lb);
	assert_int_equal(hvt_reader_state(r), HVT_LOG_DAMAGED);
	hvt_reader_free(r);
	bad.nr_skip = 0;
	bad.nr_only = 1;
	lb.len = off;
	lb_trace(&lb, &bad, many, "x");
	r = read_whole(&lb);
	assert_int_equal(hvt_reader_state(r), HVT_LOG_CUT);
	assert_int_equal(hvt_reader_trace(r, 0)->nr_only, 1);
	hvt_reader_free(r);
	((struct hvt_log_trace *)(lb.bytes + off + sizeof(struct hvt_section)))->nr_skip = 1;
	lb_reseal(&lb, off);
	r = read_whole(&lb);
	assert_int_equal(hvt_reader_state(r), HVT_LOG_DAMAGED);
	hvt_reader_free(r);
	lb_free(&lb);
}

static void selected(void **state)
{
	char path[] = "/tmp/hvtrace-trace-XXXXXX";
	struct hvt_selection s = { .flags = HVT_SELECT_IP, .ip = 0x401000, .ip_len = 0x10 };
	struct logbuild lb = { 0 };
	struct hvt_verdict v;
	struct hvt_log *log;
	struct hvt_event ev;
	int fd = mkstemp(path), n = 0;

	(void)state;
	lb_traced(&lb);
	assert_int_equal(write(fd, lb.bytes, lb.len), lb.len);
	log = hvt_log_open(path, HVT_READER_NO_SYMBOLS);
	assert_non_null(log);
	assert_int_equal(hvt_log_select(log, &s), 0);
	for (; hvt_log_event(log, &ev) == 1; n += ev.type == HVT_EV_INSN)
		assert_true(ev.type == HVT_EV_LOST || (ev.ip >= 0x401000 && ev.ip < 0x401010));
	assert_int_equal(n, 6);
	s = (struct hvt_selection){ .flags = HVT_SELECT_WATCH, .watch = 6 };
	assert_int_equal(hvt_log_select(log, &s), 0);
	for (n = 0; hvt_log_event(log, &ev) == 1; n++)
		assert_int_equal(ev.watch, 6);
	assert_int_equal(n, 6);
	hvt_log_close(log);

	/* they are records as others are; they touch no page */
	assert_int_equal(hvt_verify(fd, &v), 0);
	assert_int_equal(v.instructions, 12);
	assert_int_equal(v.flows, 20);
	assert_int_equal(v.records, 32);
	assert_int_equal(v.traces, 2);
	assert_int_equal(v.pages, 0);
	for (n = 0; n < HVT_FLAW_KINDS; n++)
		assert_int_equal(v.count[n], 0);
	close(fd);
	unlink(path);
	lb_free(&lb);
}

/* What a ring may hold is not what the module would write. */
static void refused(void **state)
{
	const uint64_t values[17] = { 0 };
	const struct lb_mem mem = { { .addr = 1, .size = 8, .len = 8, .access = 3 },
				    "oldoldol",
				    "newnewne" };
	struct hvt_rec_insn in = lb_insn(1, 1, 1);
	struct hvt_rec_flow flow = lb_flow(1, 1, 1);
	struct hvt_rec_delta *delta;
	struct hvt_rec_mems *mems;
	struct hvt_rec_mem *m;
	struct logbuild lb = { 0 };

	(void)state;
	in.h.flags = HVT_RF_DELTA | HVT_RF_MEM;
	lb_insn_record(&lb, &in, 1, values, &mem, 1, 1);
	assert_true(chunk_takes(lb.bytes));
	delta = (struct hvt_rec_delta *)(lb.bytes + sizeof(in));
	mems = (struct hvt_rec_mems *)((uint8_t *)delta + sizeof(*delta) + 8);
	m = (struct hvt_rec_mem *)(mems + 1);

	delta->mask = 0x20000; /* a register that there is not */
	assert_false(chunk_takes(lb.bytes));
	delta->mask = 0x1ffff; /* values that are not there: the operands are elsewhere then */
	assert_false(chunk_takes(lb.bytes));
	delta->mask = 1;
	mems->nr = 3;
	assert_false(chunk_takes(lb.bytes));
	mems->nr = UINT32_MAX;
	assert_false(chunk_takes(lb.bytes));
	mems->nr = 1;
	m->len = 12;
	assert_true(chunk_takes(lb.bytes));
	m->len = 64;
	assert_false(chunk_takes(lb.bytes));
	m->len = UINT16_MAX;
	assert_false(chunk_takes(lb.bytes));
	m->len = 8;
	m->access = 0;
	assert_false(chunk_takes(lb.bytes));
	m->access = HVT_ACC_X;
	assert_false(chunk_takes(lb.bytes));
	m->access = 3;
	lb.bytes[1] = 1; /* slots */
	assert_false(chunk_takes(lb.bytes));
	lb.bytes[1] = 0;
	assert_false(chunk_takes(lb.bytes));
	flow.h.nslots = 1;
	assert_false(chunk_takes((const uint8_t *)&flow));
	flow.h.nslots = 2;
	assert_true(chunk_takes((const uint8_t *)&flow));
	lb_free(&lb);
}

/* Columns that lie under good checksums: whatever comes out can be printed. */
static void lies(void **state)
{
	struct logbuild lb = { 0 }, copy = { 0 };
	size_t section[64], n = 0, at, i, k;
	FILE *nowhere = fopen("/dev/null", "w");
	unsigned int seed = 1, given = 0;
	struct hvt_reader *r;
	struct hvt_section s;
	struct hvt_event ev;

	(void)state;
	lb_traced(&lb);
	for (at = sizeof(struct hvt_log_header); at < lb.len;
	     at += sizeof(s) + (s.len + 7) / 8 * 8) {
		memcpy(&s, lb.bytes + at, sizeof(s));
		if (s.type == HVT_SEC_EVENTS || s.type == HVT_SEC_TRACE)
			section[n++] = at;
	}
	for (i = 0; i < 20000; i++) {
		copy.len = 0;
		lb_bytes(&copy, lb.bytes, lb.len);
		at = section[(size_t)rand_r(&seed) % n];
		memcpy(&s, lb.bytes + at, sizeof(s));
		for (k = 1 + (size_t)rand_r(&seed) % 3; k; k--)
			copy.bytes[at + sizeof(s) + (size_t)rand_r(&seed) % s.len] =
				(uint8_t)rand_r(&seed);
		lb_reseal(&copy, at);
		r = read_whole(&copy);
		while (hvt_reader_next(r, &ev)) {
			hvt_event_json(nowhere, &ev);
			hvt_event_text(nowhere, &ev);
			given++;
		}
		hvt_reader_free(r);
	}
	assert_true(given > 20000);
	fclose(nowhere);
	lb_free(&lb);
	lb_free(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operands), cmocka_unit_test(flows),	cmocka_unit_test(names),
		cmocka_unit_test(facts),    cmocka_unit_test(selected), cmocka_unit_test(refused),
		cmocka_unit_test(lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
