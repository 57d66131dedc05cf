// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nothing that the reader remembers may show: random logs, in which files are mapped over
 * each other, processes fork, exec and come again, and symbol tables arrive late, print the
 * same with all that is kept between events as without.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "logobjects.h"
#include "logtrace.h"
#include "readlog.h"

#define PIDS	4u
#define OBJECTS 5u
#define BASE	0x400000ull
#define KERNEL	0xffffffff81000000ull

static unsigned int seed;

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand_r(&seed) % n;
}

struct log {
	struct logbuild lb, cpu;
	uint64_t ns, seq;
	uint32_t written; /* objects with their sections */
};

static void path_of(char path[32], uint32_t object)
{
	snprintf(path, 32, "/x/file%u", object);
}

static void add_object(struct log *log)
{
	const struct lo_symbol syms[] = {
		{ 0x10, 0x100, "_ZN3foo3barEv", 0x12 },
		{ 0x80, 8, "inside", 0x12 },
		{ 0x400, 0, "label", 0 },
		{ 0x1000, 0x2000, "a \"b\"\xff\x1b[", 0x12 },
		{ 0x3000, 0x800, "_RNvC4file3run", 0x12 },
	};
	char path[32];

	if (log->written == OBJECTS)
		return;
	path_of(path, log->written);
	lo_object(&log->lb, ++log->written, 0, 0x3900, path, (const uint8_t *)"id", 2);
	if (below(8))
		lo_symtab(&log->lb, log->written, syms, sizeof(syms) / sizeof(syms[0]));
}

static void add_map(struct log *log, uint64_t ns)
{
	uint64_t start = BASE + below(4) * 0x1000ull;
	char path[32];

	path_of(path, below(OBJECTS));
	/* sometimes memory of no file */
	lb_map(&log->lb, ns, below(PIDS), start, start + 0x1000 * (1 + below(4)),
	       below(3) * 0x1000ull, below(2) ? 5 : 3, below(6) ? path : "[heap]",
	       (const uint8_t *)"id", below(9) ? 2 : 0);
}

static void add_fact(struct log *log)
{
	/* what is told is of a little before, or of the time of an event to come */
	uint64_t ns = log->ns + below(40) - 20;

	switch (below(8)) {
	case 0:
		lb_task(&log->lb, ns, HVT_TASK_FORK, below(PIDS), below(PIDS));
		break;
	case 1:
		lb_task(&log->lb, ns, HVT_TASK_EXEC, below(PIDS), 0);
		break;
	case 2:
		lb_task(&log->lb, ns, below(2) ? HVT_TASK_EXIT : HVT_TASK_SEEN, below(PIDS), 0);
		break;
	case 3:
		add_object(log);
		break;
	case 4:
		lb_ksym(&log->lb, KERNEL + below(4) * 0x100ull, 0x100 * (1 + below(2)),
			below(2) ? "_RNvC6kernel3new" : "plain", below(2) ? "" : "mod\\ule");
		break;
	default:
		add_map(log, ns);
	}
}

static uint64_t address(void)
{
	return below(4) ? BASE + below(9) * 0x800ull + below(4) * 0x80ull :
			  KERNEL + below(6) * 0x80ull;
}

static const char *const insns[] = { "\x89\x07\x90\x90", "\x8b\x07\x90\x90", "\x48\x89\x07\x90",
				     "\x0f\x0b\x06\x07" };

static void add_traced(struct log *log)
{
	struct hvt_rec_insn in = lb_insn(log->seq, log->ns, below(9) ? address() : 0);
	struct hvt_rec_flow f = lb_flow(log->seq++, log->ns, HVT_FLOW_EXCEPTION);

	in.pid = f.pid = below(PIDS);
	in.tid = f.tid = 64 + below(3);
	memcpy(in.insn, insns[below(4)], 4);
	in.insn_len = (uint8_t)(1 + below(4));
	in.h.flags = (uint16_t)(below(4) ? HVT_RF_USER : HVT_RF_CODE32);
	if (!below(9))
		in.h.flags |= HVT_RF_NOINSN;
	f.ip = in.ip;
	f.h.flags = in.h.flags;
	memcpy(f.insn, in.insn, sizeof(f.insn));
	f.insn_len = in.insn_len;
	if (below(4))
		lb_insn_record(&log->cpu, &in, 0, NULL, NULL, 0, 0);
	else
		lb_bytes(&log->cpu, &f, sizeof(f));
}

static void add_event(struct log *log)
{
	struct hvt_rec_access a = lb_access(log->seq++, log->ns, address());
	uint64_t gpr[16] = { 0 };

	a.ip = address();
	a.pid = below(PIDS);
	a.tid = 64 + below(3);
	a.access = (uint8_t)(1 + below(3));
	snprintf(a.comm, sizeof(a.comm), "%s%u", below(3) ? "prog" : "\x1b\"\xc3", below(2));
	a.h.watch = below(3);
	memcpy(a.insn, insns[below(4)], 4);
	a.insn_len = (uint8_t)(1 + below(4));
	a.h.flags = (uint16_t)(below(4) ? HVT_RF_USER : HVT_RF_CODE32);
	if (!below(4)) {
		a.h.flags |= HVT_RF_BLIND;
		gpr[7] = a.gla;
	}
	lb_record(&log->cpu, &a, below(2) ? gpr : NULL, 0, NULL, NULL, 0);
}

static void make(struct log *log)
{
	unsigned int round, i;

	memset(log, 0, sizeof(*log));
	log->ns = 1000;
	lb_header(&log->lb, 1);
	lb_clock(&log->lb, 0, 0, 1000000);
	lb_watch(&log->lb, 1, 3, 1, BASE, 0x3000, "one");
	lb_watch(&log->lb, 2, below(2) ? 3 : 2, 1, BASE + 0x1000 * below(4), 0x800, "two");
	for (round = 0; round < 30; round++) {
		for (i = below(4); i; i--)
			add_fact(log);
		for (i = below(40); i; i--) {
			log->ns += below(3);
			if (below(3))
				add_event(log);
			else
				add_traced(log);
		}
		lb_section(&log->lb, HVT_SEC_EVENTS, 0, log->cpu.bytes, log->cpu.len);
		log->cpu.len = 0;
		lb_round(&log->lb, log->ns + 1);
	}
	lb_end(&log->lb, HVT_END_STOP);
}

static void print_event(FILE *f, const struct hvt_event *ev, bool json)
{
	(json ? hvt_event_json : hvt_event_text)(f, ev);
}

/* Fed in pieces as a pipe brings them, so that events come between the facts. */
static char *print(const struct log *log, bool cached, bool json, size_t piece)
{
	FILE *nowhere = fopen("/dev/null", "w");
	struct hvt_reader *r = hvt_reader_new(HVT_READER_NO_SYMBOLS);
	struct hvt_event ev, other;
	char *out = NULL;
	size_t size = 0, at, n;
	FILE *f = open_memstream(&out, &size);

	assert_true(r && f && nowhere);
	r->symbols.uncached = !cached;
	for (at = 0; at < log->lb.len; at += n) {
		n = log->lb.len - at < piece ? log->lb.len - at : piece;
		assert_int_equal(hvt_reader_feed(r, log->lb.bytes + at, n), 0);
		while (hvt_reader_next(r, &ev)) {
			if (!cached) {
				/* takes the place of what is kept of this thread's name */
				other = ev;
				other.comm[0] ^= 1;
				print_event(nowhere, &other, json);
			}
			print_event(f, &ev, json);
		}
		if (!cached) {
			hvt_decoder_free(r->decoder);
			r->decoder = hvt_decoder_new();
			assert_non_null(r->decoder);
		}
	}
	assert_int_equal(hvt_reader_state(r), HVT_LOG_COMPLETE);
	hvt_reader_free(r);
	fclose(nowhere);
	fclose(f);
	return out;
}

static unsigned int lines_with(const char *text, const char *what)
{
	unsigned int n = 0;

	while ((text = strstr(text, what)) != NULL) {
		text += strlen(what);
		n++;
	}
	return n;
}

static void random_logs(void **state)
{
	unsigned int round, objects = 0, demangled = 0, unnamed = 0;
	struct log log;
	char *kept, *anew;
	int json;

	(void)state;
	for (round = 0; round < 60; round++) {
		seed = round;
		make(&log);
		for (json = 0; json < 2; json++) {
			kept = print(&log, true, json, round & 1 ? 999 : log.lb.len);
			anew = print(&log, false, json, round & 1 ? 999 : log.lb.len);
			assert_string_equal(kept, anew);
			objects += lines_with(kept, "file");
			demangled += lines_with(kept, "foo::bar()");
			unnamed += lines_with(kept, "\"sym\":null");
			free(kept);
			free(anew);
		}
		lb_free(&log.lb);
		lb_free(&log.cpu);
	}
	/* the logs are not about nothing */
	assert_true(objects > 1000 && demangled > 100 && unnamed > 100);
}

/*
 * The same address before and after another file is mapped there, after execve, and after
 * the number's next process: asked in turns, as events of two CPUs may come.
 */
static void changing_maps(void **state)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} want[] = { { 15, "old" }, { 25, "new" }, { 15, "old" }, { 35, NULL },
		     { 45, "old" }, { 25, "new" }, { 45, "old" }, { 35, NULL } };
	const struct lo_symbol olds = { 0, 0x1000, "old", 0x12 }, news = { 0, 0x1000, "new", 0x12 };
	struct logbuild lb = { 0 };
	struct hvt_symbol sym;
	struct hvt_reader *r;
	size_t i;

	(void)state;
	lb_header(&lb, 1);
	lo_object(&lb, 1, 0, 0x1000, "/old", NULL, 0);
	lo_symtab(&lb, 1, &olds, 1);
	lo_object(&lb, 2, 0, 0x1000, "/new", NULL, 0);
	lo_symtab(&lb, 2, &news, 1);
	lb_task(&lb, 5, HVT_TASK_SEEN, 7, 1);
	lb_map(&lb, 10, 7, BASE, BASE + 0x1000, 0, 5, "/old", NULL, 0);
	lb_map(&lb, 20, 7, BASE, BASE + 0x1000, 0, 5, "/new", NULL, 0);
	lb_task(&lb, 30, HVT_TASK_EXEC, 7, 7);
	lb_task(&lb, 39, HVT_TASK_EXIT, 7, 7);
	lb_task(&lb, 40, HVT_TASK_SEEN, 7, 1);
	lb_map(&lb, 41, 7, BASE, BASE + 0x1000, 0, 5, "/old", NULL, 0);
	r = read_log(&lb, HVT_READER_NO_SYMBOLS);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		hvt_symbols_resolve(&r->symbols, 7, want[i].ns, BASE + 8, &sym);
		if (want[i].name)
			assert_string_equal(sym.name, want[i].name);
		else
			assert_null(sym.name);
	}
	hvt_reader_free(r);
	lb_free(&lb);
}

static void same_symbol(const struct hvt_symbol *kept, const struct hvt_symbol *anew)
{
	if (kept->name)
		assert_string_equal(kept->name, anew->name);
	else
		assert_null(anew->name);
	if (kept->obj)
		assert_string_equal(kept->obj, anew->obj);
	else
		assert_null(anew->obj);
	assert_int_equal(kept->off, anew->off);
	assert_int_equal(kept->obj_off, anew->obj_off);
	assert_int_equal(kept->kernel, anew->kernel);
}

/*
 * An answer is kept for the bytes around it: to the byte, whichever is asked first. Symbols
 * lie in each other and side by side, are without a size, and their segments leave gaps.
 */
static void every_byte(void **state)
{
	struct hvt_reader *kept, *anew;
	struct hvt_symbol a, b;
	unsigned int round, i, named = 0;
	struct lo_symbol syms[40];
	struct logbuild lb;
	uint64_t value, addr;

	(void)state;
	for (round = 0; round < 20; round++) {
		seed = round;
		memset(&lb, 0, sizeof(lb));
		lb_header(&lb, 1);
		for (i = 0, value = 0; i < 40; i++) {
			syms[i] =
				(struct lo_symbol){ value, below(5) ? below(300) : 0, "sym", 0x12 };
			value += below(3) ? below(8) : below(700);
		}
		lo_object(&lb, 1, 0, 0x1000 + below(0x1000), "/file", NULL, 0);
		lo_symtab(&lb, 1, syms, 40);
		lb_task(&lb, 5, HVT_TASK_SEEN, 7, 1);
		lb_map(&lb, 10, 7, BASE, BASE + 0x2000, 0, below(2) ? 5 : 3, "/file", NULL, 0);
		for (i = 0; i < 30; i++)
			lb_ksym(&lb, KERNEL + below(0x2000), below(200), "name", "");
		kept = hvt_reader_new(HVT_READER_NO_SYMBOLS);
		anew = hvt_reader_new(HVT_READER_NO_SYMBOLS);
		assert_true(kept && anew);
		anew->symbols.uncached = true;
		assert_int_equal(hvt_reader_feed(kept, lb.bytes, lb.len), 0);
		assert_int_equal(hvt_reader_feed(anew, lb.bytes, lb.len), 0);
		for (i = 0; i < 20000; i++) {
			addr = (below(2) ? BASE : KERNEL) - 0x400 + below(0x3800);
			hvt_symbols_resolve(&kept->symbols, 7, 20, addr, &a);
			hvt_symbols_resolve(&anew->symbols, 7, 20, addr, &b);
			same_symbol(&a, &b);
			named += a.name != NULL;
		}
		hvt_reader_free(kept);
		hvt_reader_free(anew);
		lb_free(&lb);
	}
	assert_true(named > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_logs),
		cmocka_unit_test(changing_maps),
		cmocka_unit_test(every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
