// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users may type to choose accesses, and the filter that it becomes; code by its name
 * in this very process; what lies at a physical address.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hvtrace/filter_text.h>

#include "agent.h"
#include "device.h"
#include "code.h"
#include "filter.h"
#include "iomem.h"
#include "kallsyms.h"
#include "spec.h"

struct option {
	enum filter_option what;
	const char *arg;
};

static int take(struct filter_want *w, const struct option *o, size_t n)
{
	int rc = AGENT_OK;
	size_t i;

	memset(w, 0, sizeof(*w));
	for (i = 0; i < n && rc == AGENT_OK; i++)
		rc = filter_take(w, o[i].what, o[i].arg);
	return rc;
}

/* All of them at once; the text says what was understood. */
static void options(void **state)
{
	static const struct option all[] = {
		{ FILTER_PID, "1,0x2" },
		{ FILTER_PID, "0" },
		{ FILTER_TID, "7" },
		{ FILTER_COMM, "sh,a b" },
		{ FILTER_CPU, "0,2-4,63" },
		{ FILTER_CPU, "64,511" },
		{ FILTER_USER, NULL },
		{ FILTER_CHANGED, NULL },
		{ FILTER_VALUE, "  <= 0x10" },
		{ FILTER_EVERY, "3" },
		{ FILTER_LIMIT, "18446744073709551615" },
	};
	char text[HVT_FILTER_TEXT];
	struct filter_want w;

	(void)state;
	assert_int_equal(take(&w, all, sizeof(all) / sizeof(all[0])), AGENT_OK);
	assert_true(w.any);
	assert_int_equal(w.f.nr_pids, 3);
	assert_true(w.f.pid[0] == 1 && w.f.pid[1] == 2 && w.f.pid[2] == 0);
	assert_int_equal(w.f.nr_comms, 2);
	assert_string_equal(w.f.comm[1], "a b");
	assert_true(w.f.cpus[0] == (1ull | 0x1c | 1ull << 63) && w.f.cpus[1] == 1);
	assert_true(w.f.cpus[7] == 1ull << 63);
	assert_int_equal(w.f.flags, HVT_FF_USER | HVT_FF_CPUS | HVT_FF_CHANGED);
	assert_true(w.f.op == HVT_OP_LE && w.f.value == 16 && w.f.limit == UINT64_MAX);
	hvt_filter_text(&w.f, text);
	assert_string_equal(text, "pid=1,2,0 tid=7 comm=sh,a\\x20b cpu=0,2-4,63-64,511 user "
				  "value<=0x10 changed every=3 limit=18446744073709551615");
	filter_free(&w);
	memset(&w, 0, sizeof(w));
	hvt_filter_text(&w.f, text);
	assert_string_equal(text, "all");
}

static void values(void **state)
{
	static const struct {
		const char *arg;
		uint32_t op;
		uint64_t value;
	} good[] = {
		{ "==5", HVT_OP_EQ, 5 },
		{ "= 5", HVT_OP_EQ, 5 },
		{ "!= 0", HVT_OP_NE, 0 },
		{ "<  7", HVT_OP_LT, 7 },
		{ "<=0xff", HVT_OP_LE, 255 },
		{ "> 1", HVT_OP_GT, 1 },
		{ ">= 10", HVT_OP_GE, 10 },
		{ "&0x80", HVT_OP_AND, 128 },
		{ "== 18446744073709551615", HVT_OP_EQ, UINT64_MAX },
	};
	struct filter_want w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		memset(&w, 0, sizeof(w));
		assert_int_equal(filter_take(&w, FILTER_VALUE, good[i].arg), AGENT_OK);
		assert_int_equal(w.f.op, good[i].op);
		assert_true(w.f.value == good[i].value);
	}
}

/* The longest text of all: every list full, every byte escaped. */
static void longest_text(void **state)
{
	char text[HVT_FILTER_TEXT];
	struct hvt_filter f;
	uint32_t i;

	(void)state;
	memset(&f, 0xff, sizeof(f));
	f.nr_pids = f.nr_tids = f.nr_comms = HVT_FILTER_LIST;
	f.nr_ips = HVT_FILTER_IPS;
	for (i = 0; i < 8; i++)
		f.cpus[i] = 0x5555555555555555ull;
	hvt_filter_text(&f, text);
	assert_true(strlen(text) < sizeof(text) - 1);
	assert_non_null(strstr(text, ",510 user kernel ip="));
	assert_string_equal(text + strlen(text) - 20, "18446744073709551615");
	/* counts that lie do not lead it beyond its lists */
	memset(&f, 0xff, sizeof(f));
	hvt_filter_text(&f, text);
	for (i = 0; text[i]; i++)
		assert_true(text[i] >= ' ' && text[i] < 0x7f);
}

static void missing_tasks(void **state)
{
	struct filter_want w = { 0 };
	char arg[32];

	(void)state;
	snprintf(arg, sizeof(arg), "%d,0", getpid());
	assert_int_equal(filter_take(&w, FILTER_PID, arg), AGENT_OK);
	assert_int_equal(filter_take(&w, FILTER_TID, arg), AGENT_OK);
	assert_int_equal(filter_check(&w), AGENT_OK);
	assert_int_equal(filter_take(&w, FILTER_TID, "4194304"), AGENT_OK);
	assert_int_equal(filter_check(&w), AGENT_ERROR);
	w.f.nr_tids = 0;
	assert_int_equal(filter_take(&w, FILTER_PID, "4194304"), AGENT_OK);
	assert_int_equal(filter_check(&w), AGENT_ERROR);
}

static void code_syntax(void **state)
{
	static const char *const names[] = {
		"kernel",    "ext4",	    "libc.so.6",      "libstdc++.so.6", "/bin/a,b+c",
		"tick+0x10", "kernel:tick", "libc.so.6:puts", "main,16",	"a-b",
	};
	uint64_t lo, hi;
	size_t i;

	(void)state;
	assert_int_equal(code_parse("--ip", "0x1000-0x2000", &lo, &hi), AGENT_OK);
	assert_true(lo == 0x1000 && hi == 0x2000);
	assert_int_equal(code_parse("--ip", "0xffffffff81000000,16", &lo, &hi), AGENT_OK);
	assert_true(lo == 0xffffffff81000000 && hi == 0xffffffff81000010);
	assert_int_equal(code_parse("--ip", "4096", &lo, &hi), AGENT_OK);
	assert_true(lo == 4096 && hi == 4097);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(code_parse("--ip", names[i], &lo, &hi), AGENT_OK);
		assert_true(!hi);
	}
}

void filter_test_function(void);

void __attribute__((noinline)) filter_test_function(void)
{
	__asm__ volatile("nop");
}

static bool has_code(const struct hvt_filter *f, const void *code, uint32_t pid)
{
	uint64_t at = (uintptr_t)code;
	uint32_t i;

	for (i = 0; i < f->nr_ips; i++) {
		if (f->ip[i].lo <= at && at < f->ip[i].hi && f->ip[i].pid == pid)
			return true;
	}
	return false;
}

static int resolve_one(struct filter_want *w, const char *code, int32_t pid)
{
	struct device none = { .fd = -1 };
	int rc;

	memset(w, 0, sizeof(*w));
	rc = filter_take(w, FILTER_IP, code);
	if (rc == AGENT_OK)
		rc = filter_resolve(w, pid, &none);
	filter_free(w);
	return rc;
}

/* Names of this process: its program, a library, a symbol, an instruction. */
static void code_of_a_process(void **state)
{
	pid_t (*volatile in_libc)(void) = getppid;
	uint32_t pid = (uint32_t)getpid();
	const char *here = (const char *)filter_test_function;
	struct filter_want w;

	(void)state;
	assert_int_equal(resolve_one(&w, "test_agent_filter", getpid()), AGENT_OK);
	assert_true(has_code(&w.f, here, pid));
	assert_false(has_code(&w.f, (void *)in_libc, pid) || has_code(&w.f, &w, pid));
	assert_int_equal(resolve_one(&w, "libc.so.6", getpid()), AGENT_OK);
	assert_true(has_code(&w.f, (void *)in_libc, pid));
	assert_false(has_code(&w.f, here, pid));
	assert_int_equal(resolve_one(&w, "filter_test_function", getpid()), AGENT_OK);
	assert_int_equal(w.f.nr_ips, 1);
	assert_true(w.f.ip[0].lo == (uintptr_t)here && w.f.ip[0].hi > w.f.ip[0].lo);
	assert_true(w.f.ip[0].hi < w.f.ip[0].lo + 4096);
	assert_int_equal(resolve_one(&w, "filter_test_function+1", getpid()), AGENT_OK);
	assert_true(w.f.ip[0].lo == (uintptr_t)here + 1 && w.f.ip[0].hi == w.f.ip[0].lo + 1);
	assert_int_equal(resolve_one(&w, "libc.so.6:getppid", getpid()), AGENT_OK);
	assert_true(w.f.nr_ips == 1 && has_code(&w.f, (void *)in_libc, pid));
	assert_int_equal(resolve_one(&w, "libnothing.so.1", getpid()), AGENT_ERROR);
	assert_int_equal(resolve_one(&w, "libc.so.6:no_such_symbol", getpid()), AGENT_ERROR);
	/* of nobody in particular: of this process among others */
	assert_int_equal(resolve_one(&w, "test_agent_filter:filter_test_function", 0), AGENT_OK);
	assert_true(has_code(&w.f, here, pid));
}

static void too_much_code(void **state)
{
	struct device none = { .fd = -1 };
	struct filter_want w = { 0 };
	static char text[HVT_FILTER_IPS + 2][32];
	int i;

	(void)state;
	for (i = 0; i < HVT_FILTER_IPS; i++) {
		snprintf(text[i], sizeof(text[i]), "0x%x", 0x1000 + 16 * i);
		assert_int_equal(filter_take(&w, FILTER_IP, text[i]), AGENT_OK);
	}
	assert_int_equal(filter_resolve(&w, 0, &none), AGENT_OK);
	assert_int_equal(w.f.nr_ips, HVT_FILTER_IPS);
	/* what follows another piece is one with it */
	snprintf(text[i], sizeof(text[i]), "0x%x", 0x1001 + 16 * (i - 1));
	assert_int_equal(filter_take(&w, FILTER_IP, text[i]), AGENT_OK);
	assert_int_equal(filter_resolve(&w, 0, &none), AGENT_OK);
	assert_int_equal(w.f.nr_ips, HVT_FILTER_IPS);
	assert_int_equal(filter_take(&w, FILTER_IP, "0x9000"), AGENT_OK);
	assert_int_equal(filter_resolve(&w, 0, &none), AGENT_ERROR);
	filter_free(&w);
}

static void modules(void **state)
{
	static const char text[] = "ffffffff81000000 T _stext\n"
				   "ffffffffc0002000 t middle\t[my_mod]\n"
				   "ffffffffc0001000 t first\t[my_mod]\n"
				   "ffffffffc0000000 d data\t[my_mod]\n"
				   "ffffffffc0003000 T last\t[my_mod]\n"
				   "ffffffffc0004000 r rodata\t[my_mod]\n"
				   "ffffffffc0005000 t other\t[my_mod2]\n"
				   "ffffffffc0006000 t other\t[y_mod]\n";
	uint64_t first, last;
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd[1]);
	assert_int_equal(kallsyms_module(fd[0], "my-mod", &first, &last), 0);
	assert_true(first == 0xffffffffc0001000 && last == 0xffffffffc0003000);
	close(fd[0]);
}

static void physical(void **state)
{
	static const char text[] = "00000000-00000fff : Reserved\n"
				   "00001000-1fffffff : System RAM\n"
				   "  01000000-01ffffff : Kernel code\n"
				   "fed00000-fed003ff : HPET 0\n"
				   "  fed00000-fed003ff : PNP0103:00\n"
				   "not a line\n"
				   "  100000000-1ffffffff : a:b : c";
	static const struct {
		uint64_t addr, start, len;
		const char *name;
	} want[] = {
		{ 0xfff, 0, 0x1000, "Reserved" },
		{ 0x1000, 0x1000, 0x1ffff000, "" },
		{ 0x1800000, 0x1000000, 0x1000000, "Kernel code" },
		{ 0xfed000f0, 0xfed00000, 0x400, "HPET 0" },
		{ 0xfed00400, 0, 0, "" },
		{ 0x1ffffffff, 0x100000000, 0x100000000, "a:b : c" },
	};
	struct spec spec;
	struct iomem io;
	char copy[sizeof(text)];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		memcpy(copy, text, sizeof(text));
		iomem_parse(copy, want[i].addr, &io);
		assert_string_equal(io.name, want[i].name);
		assert_true(io.start == want[i].start && io.len == want[i].len);
	}
	assert_int_equal(spec_parse_physical("0xfed00000+0xf0,4", &spec), AGENT_OK);
	assert_true(spec.addr == 0xfed000f0 && spec.len == 4 && !spec.sym[0]);
	/* no hole in the middle, as linear addresses have */
	assert_int_equal(spec_parse_physical("0x800000000000", &spec), AGENT_OK);
	assert_int_equal(spec_parse_physical("0xffffffffffff8,8", &spec), AGENT_OK);
	assert_int_equal(spec_parse_physical("0xffffffffffff8,9", &spec), AGENT_USAGE);
	assert_int_equal(spec_parse_physical("0xffffffffffffffff", &spec), AGENT_USAGE);
	assert_int_equal(spec_parse_physical("HPET", &spec), AGENT_USAGE);
	assert_int_equal(spec_parse_physical("", &spec), AGENT_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options),	 cmocka_unit_test(values),
		cmocka_unit_test(longest_text),	 cmocka_unit_test(missing_tasks),
		cmocka_unit_test(code_syntax),	 cmocka_unit_test(code_of_a_process),
		cmocka_unit_test(too_much_code), cmocka_unit_test(modules),
		cmocka_unit_test(physical),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
