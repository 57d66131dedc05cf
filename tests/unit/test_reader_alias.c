// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to watched memory through another address: the record's own watch tells which of
 * its pages that can have been, and only what is watched there was touched.
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
#include "logbuild.h"

#define ALIAS 0xffff888000123000ull /* of one of the pages 0x6000 and 0x7000 */
#define NONE \
	{ \
		0 \
	}

struct alias {
	uint32_t own, off, size, flags; /* the record; off in the page */
	uint32_t operand;		/* of a blind one: its offset in the page */
	uint32_t ids[4];		/* expected; none: there is no event */
};

/*
 * Watch 1 is 0x6ff0 to 0x7017, 2 and 3 are one byte of each page at offset 0x20, 4 and 5 at
 * 0x10, 6 is 8 bytes that begin on the first page's last byte, and 7 three pages from there.
 */
static const struct hvt_log_watch watches[] = {
	{ .id = 1, .addr = 0x6ff0, .len = 40 },	  { .id = 2, .addr = 0x6020, .len = 1 },
	{ .id = 3, .addr = 0x7020, .len = 1 },	  { .id = 4, .addr = 0x6010, .len = 1 },
	{ .id = 5, .addr = 0x7010, .len = 1 },	  { .id = 6, .addr = 0x6fff, .len = 8 },
	{ .id = 7, .addr = 0x6fff, .len = 8200 },
};

static const struct alias aliases[] = {
	/* decoded by root: 1 has offset 0x10 on the second page, the whole of which is of 7 */
	{ 1, 0x10, 4, 0, 0, { 1, 5, 7 } },
	/* 1 has offset 0xff8 on the first page, of which 7 has the last byte */
	{ 1, 0xff8, 4, 0, 0, { 1 } },
	{ 1, 0xffc, 4, 0, 0, { 1, 6, 7 } },
	/* blind, behind all that 1 has on the second page: so it is the first one */
	{ 1, 0x20, 0, HVT_RF_BLIND, 0x20, { 2 } },
	{ 1, 0x1c, 0, HVT_RF_BLIND, 0x20, { 2 } },
	{ 1, 0x20, 0, HVT_RF_BLIND, 0x30, NONE },
	/* before it: nobody knows */
	{ 1, 0x10, 0, HVT_RF_BLIND, 0x10, { 1, 4, 5, 7 } },
	/* 6 has no byte from 0x10 on but on the first page */
	{ 6, 0x10, 0, HVT_RF_BLIND, 0x10, { 4 } },
	/* a watch of one page */
	{ 3, 0x18, 0, HVT_RF_BLIND, 0x20, { 3, 7 } },
	{ 3, 0x18, 0, HVT_RF_BLIND, 0x10, { 1, 5, 7 } },
};

static void test_alias(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		const struct alias *c = &aliases[i];
		struct logbuild lb = { 0 }, rec = { 0 };
		uint64_t gpr[16] = { [7] = ALIAS + c->operand };
		struct hvt_rec_access a = lb_access(0, 100, ALIAS + c->off);
		struct hvt_reader *r = hvt_reader_new(HVT_READER_NO_SYMBOLS);
		struct hvt_event ev;

		assert_non_null(r);
		a.h.watch = c->own;
		a.h.flags = c->flags;
		a.size = c->size;
		a.pid = 200;
		if (c->flags & HVT_RF_BLIND)
			memcpy(a.insn, "\x88\x07", a.insn_len = 2); /* mov [rdi], al */
		lb_record(&rec, &a, c->flags & HVT_RF_BLIND ? gpr : NULL, 0, "old.", "new.",
			  c->size);
		lb_header(&lb, 1);
		for (k = 0; k < sizeof(watches) / sizeof(watches[0]); k++) {
			struct hvt_log_watch w = watches[k];

			w.access = HVT_ACC_W;
			w.pid = 100;
			lb_watch_with(&lb, &w, "x");
		}
		lb_section(&lb, HVT_SEC_EVENTS, 0, rec.bytes, rec.len);
		lb_end(&lb, HVT_END_STOP);
		assert_int_equal(hvt_reader_feed(r, lb.bytes, lb.len), 0);
		if (!hvt_reader_next(r, &ev)) {
			if (c->ids[0])
				fail_msg("case %zu: no event", i);
		} else {
			for (k = 0; k < 4 && c->ids[k]; k++)
				if (k >= ev.nr_watches || ev.watches[k] != c->ids[k])
					fail_msg("case %zu: watch %zu is not %u", i, k, c->ids[k]);
			if (!k || ev.nr_watches != k)
				fail_msg("case %zu: %u watches, the last one %u", i, ev.nr_watches,
					 ev.watches[ev.nr_watches - 1]);
		}
		hvt_reader_free(r);
		lb_free(&lb);
		lb_free(&rec);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_alias) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
