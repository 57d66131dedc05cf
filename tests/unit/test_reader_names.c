// SPDX-License-Identifier: GPL-2.0-only
/*
 * Symbol tables in the log, and names that were made to be read: demangled C++ and Rust.
 * Both are strangers' bytes.
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
#include "readlog.h"

static void reads(const char *raw, const char *want)
{
	char *got = hvt_demangle(raw);

	if (!want)
		assert_null(got);
	else if (!got)
		fail_msg("%s: no %s", raw, want);
	else
		assert_string_equal(got, want);
	free(got);
}

/* What they are is from the Itanium C++ ABI, and from rustc's documentation of v0. */
static void demangling(void **state)
{
	(void)state;
	reads("_ZN9wikipedia7article6formatEv", "wikipedia::article::format()");
	reads("_ZNSt6vectorIiSaIiEE9push_backERKi",
	      "std::vector<int, std::allocator<int> >::push_back(int const&)");
	reads("_ZTV3foo", "vtable for foo");
	reads("_RNvC6_123foo3bar", "123foo::bar");
	reads("_RNvCs1234_7mycrate7example", "mycrate::example");
	reads("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad");
	reads("main", NULL);
	reads("_start", NULL);
	reads("_Z", NULL);
	reads("_ZN9wikipedia", NULL);
	reads("", NULL);
}

/* f(A<int, int>, A<the first, the first>, A<the second, ...>: each as long as all before. */
static void doubling(char *raw, unsigned int levels)
{
	size_t at = (size_t)sprintf(raw, "_Z1f1AIiiE");
	unsigned int i;
	char id;

	for (i = 0; i < levels; i++) {
		id = (char)(i < 10 ? '0' + i : 'A' + i - 10);
		at += (size_t)sprintf(raw + at, "S_IS%c_S%c_E", id, id);
	}
}

static void bombs(void **state)
{
	char raw[1000];

	(void)state;
	doubling(raw, 2);
	reads(raw, "f(A<int, int>, A<A<int, int>, A<int, int> >, A<A<A<int, int>, A<int, int> >, "
		   "A<A<int, int>, A<int, int> > >)");
	doubling(raw, 34);
	reads(raw, NULL);
	memset(raw, 'P', sizeof(raw) - 1);
	memcpy(raw, "_Z1f", 4);
	raw[sizeof(raw) - 2] = 'i';
	raw[sizeof(raw) - 1] = '\0';
	free(hvt_demangle(raw));
}

static void any_bytes(void **state)
{
	static const char letters[] = "NSTILEKRvCsP0123456789_XCYMBFabchiGDJt\xff\x1b$.";
	unsigned int seed = 3, round, i, n;
	char raw[200], *got;

	(void)state;
	for (round = 0; round < 100000; round++) {
		n = 2 + (unsigned int)rand_r(&seed) % 60;
		for (i = 2; i < n; i++)
			raw[i] = letters[(unsigned int)rand_r(&seed) % (sizeof(letters) - 1)];
		raw[0] = '_';
		raw[1] = round & 1 ? 'Z' : 'R';
		raw[n] = '\0';
		got = hvt_demangle(raw);
		assert_true(!got || strlen(got) <= 4096);
		free(got);
	}
}

#define MAP 0x400000ull

/* Names of all kinds at MAP; the text and the JSON of one access from each. */
static char *print(unsigned int flags)
{
	const struct lo_symbol syms[] = {
		{ 0x00, 0x10, "_ZN3foo3barEv", 0x12 },
		{ 0x10, 0x10, "\x1b[2J\xff\xc3\xa4\"\\\n", 0x12 },
		{ 0x20, 0x10, "_ZN3foo3barEv\xff", 0x12 },
		{ 0x30, 0x10, "_RNvCs1234_7mycrate7example", 0x12 },
	};
	struct logbuild lb = { 0 }, cpu = { 0 };
	struct hvt_rec_access a;
	struct hvt_reader *r;
	struct hvt_event ev;
	char *out = NULL;
	size_t size = 0;
	uint64_t i;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(f);
	lb_header(&lb, 1);
	lb_clock(&lb, 0, 0, 1000000);
	lb_map(&lb, 1, 100, MAP, MAP + 0x1000, 0, 5, "/x/\xfeprog", NULL, 0);
	lo_object(&lb, 1, 0, 0x1000, "/x/\xfeprog", NULL, 0);
	lo_symtab(&lb, 1, syms, 4);
	for (i = 0; i < 4; i++) {
		a = lb_access(i, 10 + i, MAP + 0x10 * i);
		a.h.watch = 0;
		a.ip = MAP + 0x10 * i + 1;
		lb_record(&cpu, &a, NULL, 0, NULL, NULL, 0);
	}
	lb_section(&lb, HVT_SEC_EVENTS, 0, cpu.bytes, cpu.len);
	lb_end(&lb, HVT_END_STOP);
	r = read_log(&lb, HVT_READER_NO_SYMBOLS | flags);
	while (hvt_reader_next(r, &ev)) {
		hvt_event_text(f, &ev);
		hvt_event_json(f, &ev);
	}
	hvt_reader_free(r);
	fclose(f);
	lb_free(&lb);
	lb_free(&cpu);
	return out;
}

static void printed(void **state)
{
	char *out = print(0), *c;

	(void)state;
	for (c = out; *c; c++)
		assert_true((*c >= 0x20 && *c < 0x7f) || *c == '\n');
	assert_non_null(strstr(out, "\\xfeprog:foo::bar() "));
	assert_non_null(strstr(out, "\"sym\":\"foo::bar()+0x1\",\"sym_raw\":\"_ZN3foo3barEv+0x1\","
				    "\"obj\":\"\\ufffdprog\""));
	assert_non_null(strstr(out, "\"addr_sym\":\"mycrate::example+0x0\",\"addr_sym_raw\":"
				    "\"_RNvCs1234_7mycrate7example+0x0\",\"addr_obj\""));
	/* what is no name of C++ is as it was, and has no second name */
	assert_non_null(strstr(out, ":\\x1b[2J\\xff\\xc3\\xa4\"\\\\\\x0a+0x1 "));
	assert_non_null(
		strstr(out, "\"sym\":\"\\u001b[2J\\ufffd\\u00e4\\\"\\\\\\u000a+0x1\",\"obj\""));
	assert_non_null(strstr(out, ":_ZN3foo3barEv\\xff+0x1 "));
	free(out);
	out = print(HVT_READER_NO_DEMANGLE);
	assert_non_null(strstr(out, "prog:_ZN3foo3barEv "));
	assert_null(strstr(out, "::"));
	assert_null(strstr(out, "raw"));
	free(out);
}

/* Sections that are whole and wrong: refused or taken, never read past their end. */
static void hostile_sections(void **state)
{
	const struct lo_symbol syms[] = { { 5, 300, "one", 0x12 }, { 1000, 1, "two", 0 } };
	unsigned int seed = 9, round, i, refused = 0;
	struct logbuild lb = { 0 };
	size_t symtab, n, len;
	struct hvt_section s;
	struct hvt_objects *o;
	uint8_t *object, *table;

	(void)state;
	lo_object(&lb, 1, 0, 0x1000, "/x/prog", (const uint8_t *)"id", 2);
	symtab = lb.len;
	lo_symtab(&lb, 1, syms, 2);
	for (round = 0; round < 30000; round++) {
		o = hvt_objects_new();
		assert_non_null(o);
		/* each on the heap, at its exact size, for the sanitizer to see */
		memcpy(&s, lb.bytes, sizeof(s));
		object = malloc(s.len);
		assert_non_null(object);
		memcpy(object, lb.bytes + sizeof(s), s.len);
		if (round & 1)
			object[(unsigned int)rand_r(&seed) % s.len] = (uint8_t)rand_r(&seed);
		n = round % 5 ? s.len : (unsigned int)rand_r(&seed) % s.len;
		object = realloc(object, n ? n : 1);
		refused += hvt_objects_add(o, object, n) != 0;
		memcpy(&s, lb.bytes + symtab, sizeof(s));
		len = s.len;
		table = malloc(len);
		assert_non_null(table);
		memcpy(table, lb.bytes + symtab + sizeof(s), len);
		for (i = (unsigned int)rand_r(&seed) % 3; i; i--)
			table[(unsigned int)rand_r(&seed) % len] = (uint8_t)rand_r(&seed);
		refused += hvt_objects_add_symtab(o, table, len) != 0;
		free(object);
		free(table);
		hvt_objects_free(o);
	}
	assert_true(refused > 5000);
	lb_free(&lb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(demangling),	    cmocka_unit_test(bombs),
		cmocka_unit_test(any_bytes),	    cmocka_unit_test(printed),
		cmocka_unit_test(hostile_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
