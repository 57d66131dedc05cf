// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event re-injection against the SDM, every combination of inputs. The expectations
 * are tables from volume 3: 6-4 and 6-5 (double fault), 25-18 (types), 26.2.1.3 and
 * 26.3.1.5 (what an entry accepts), 28.2.3 and 28.2.4 (what an exit saves).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "event.h"

#define VALID (1u << 31)
#define ERR   (1u << 11)
#define BIT12 (1u << 12)

static const u8 types[] = { 0, 2, 3, 4, 5, 6 };
#define TYPES (sizeof(types) / sizeof(*types))

/* Types that come from an instruction which must be skipped: it has a length. */
static bool software(u8 type)
{
	return type == 4 || type == 5 || type == 6;
}

static void test_replay(void **state)
{
	unsigned int t, vector, bits;

	(void)state;
	for (t = 0; t < TYPES; t++)
		for (vector = 0; vector < 256; vector++)
			for (bits = 0; bits < 8; bits++) {
				u32 info = vector | types[t] << 8 | (bits & 1 ? ERR : 0) |
					   (bits & 2 ? BIT12 : 0) | (bits & 4 ? VALID : 0);
				struct hvt_event e = hvt_event_replay(info, 0x1234, 3);

				if (!(bits & 4)) {
					assert_false(e.info & VALID);
					continue;
				}
				/* 26.2.1.3: bits 30:12 of the entry field are reserved */
				assert_int_equal(e.info & 0x7ffff000, 0);
				assert_int_equal(e.info & 0x7ff, vector | types[t] << 8);
				assert_int_equal(!!(e.info & ERR), bits & 1);
				assert_true(e.info & VALID);
				if (bits & 1)
					assert_int_equal(e.error, 0x1234);
				if (software(types[t]))
					assert_int_equal(e.insn_len, 3);
				assert_int_equal(hvt_event_is_soft(info), software(types[t]));
			}
}

/* Every interruptibility state x vectoring x unblocking. */
static void test_interruptibility(void **state)
{
	unsigned int intr, t, k;

	(void)state;
	for (intr = 0; intr < 32; intr++)
		for (t = 0; t < TYPES; t++)
			for (k = 0; k < 8; k++) {
				bool valid = k & 1, unblock = k & 2;
				u32 vec = (valid ? VALID : 0) | types[t] << 8 | 2 |
					  (k & 4 ? BIT12 : 0);
				u32 got = hvt_event_interruptibility(intr, vec, unblock);
				/* SMI and enclave bits are never ours to change */
				u32 want = intr;

				/*
				 * 28.2.4: with vectoring, "NMI unblocking due to IRET" is
				 * undefined. 26.3.1.5: an NMI cannot be injected with
				 * blocking by NMI, MOV SS or (on some CPUs) STI; an external
				 * interrupt not with STI or MOV SS.
				 */
				if (valid && types[t] == 2)
					want &= ~(8u | 2u | 1u);
				else if (valid && types[t] == 0)
					want &= ~(2u | 1u);
				else if (!valid && unblock)
					want |= 8;
				assert_int_equal(got, want);
			}
}

/* Table 6-4: 'c' contributory, 'p' page fault, '.' benign. */
static char class_of(u8 type, unsigned int vector)
{
	/* Only what the CPU raises counts: INT n, INT3, INTO and INTR are benign. */
	if (type != 3)
		return '.';
	switch (vector) {
	case 0:	 /* #DE */
	case 10: /* #TS */
	case 11: /* #NP */
	case 12: /* #SS */
	case 13: /* #GP */
	case 21: /* #CP */
		return 'c';
	case 14: /* #PF */
	case 20: /* #VE */
		return 'p';
	default:
		return '.';
	}
}

/* Table 6-5. */
static char outcome(char first, char second)
{
	if (first == '.')
		return '2'; /* handle serially */
	if (first == 'c')
		return second == 'c' ? 'd' : '2';
	return second == '.' ? '2' : 'd';
}

static void test_merge(void **state)
{
	unsigned int t, v1, v2, t2, valid;

	(void)state;
	for (t = 0; t < TYPES; t++)
		for (v1 = 0; v1 < 256; v1++)
			for (v2 = 0; v2 < 32; v2++)
				for (t2 = 0; t2 < TYPES; t2++)
					for (valid = 0; valid < 2; valid++) {
						u32 vec = v1 | types[t] << 8 | (valid ? VALID : 0);
						struct hvt_event e = {
							.info = v2 | types[t2] << 8 | ERR | VALID,
							.error = 0x55,
							.insn_len = 2,
						};
						struct hvt_event got = hvt_event_merge(vec, e);
						char second = class_of(types[t2], v2);
						char want = outcome(class_of(types[t], v1), second);

						/* "#DF, then contributory or #PF: shutdown" */
						if (types[t] == 3 && v1 == 8 && second != '.')
							want = 's';
						if (!valid)
							want = '2';
						if (want == '2') {
							assert_memory_equal(&got, &e, sizeof(e));
						} else if (want == 's') {
							assert_false(got.info & VALID);
						} else {
							assert_int_equal(got.info,
									 VALID | ERR | 3 << 8 | 8);
							assert_int_equal(got.error, 0);
						}
					}
}

/* 26.3.1.5, and one event an entry. */
static void test_nmi_ok(void **state)
{
	unsigned int intr, t, valid;

	(void)state;
	for (intr = 0; intr < 32; intr++)
		for (t = 0; t < TYPES; t++)
			for (valid = 0; valid < 2; valid++)
				assert_int_equal(
					hvt_event_nmi_ok(intr, (valid ? VALID : 0) | types[t] << 8),
					!valid && !(intr & 1) && !(intr & 2) && !(intr & 8));
}

/* Appendix C: exits that an instruction causes, and so could be completed by us. */
static bool by_instruction(u32 reason)
{
	static const u8 list[] = { 9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
				   22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 36, 39,
				   40, 46, 47, 50, 51, 53, 54, 55, 57, 58, 59, 60, 61,
				   63, 64, 66, 67, 68, 70, 72, 74, 76, 77, 78, 79, 80 };

	return memchr(list, reason, sizeof(list));
}

static void test_outcome(void **state)
{
	unsigned int reason, delivery, advanced, t, vector;

	(void)state;
	for (reason = 0; reason <= 80; reason++)
		for (delivery = 0; delivery < 2; delivery++)
			for (advanced = 0; advanced < 2; advanced++) {
				enum hvt_outcome want = HVT_OUT_DROPPED;

				if (!reason || (advanced && !by_instruction(reason)))
					continue;
				if (reason == 37) /* MTF: the boundary after it */
					want = HVT_OUT_RETIRED;
				else if (reason == 48)
					want = HVT_OUT_CONTINUE;
				else if (advanced)
					want = HVT_OUT_RETIRED;
				assert_int_equal(hvt_step_outcome(delivery, reason, 0, advanced),
						 want);
			}
	/*
	 * 25.2 and table 6-1: of what an exception exit reports, only INT1 (type 5,
	 * #DB), INT3 and INTO (type 6, #BP and #OF) are traps of the stepped
	 * instruction. Others are faults, or events that came before it. During a
	 * delivery no exception belongs to an instruction.
	 */
	for (delivery = 0; delivery < 2; delivery++)
		for (t = 0; t < TYPES; t++)
			for (vector = 0; vector < 32; vector++) {
				bool trap = !delivery &&
					    ((types[t] == 5 && vector == 1) ||
					     (types[t] == 6 && (vector == 3 || vector == 4)));
				u32 info = VALID | types[t] << 8 | vector;

				if (types[t] == 4 ||
				    (types[t] > 4 && vector != 1 && vector != 3 && vector != 4))
					continue; /* not reported by exits of reason 0 */
				if ((types[t] == 5) != (vector == 1) && types[t] > 4)
					continue;
				assert_int_equal(hvt_step_outcome(delivery, 0, info, false),
						 trap ? HVT_OUT_RETIRED : HVT_OUT_DROPPED);
				/* the error code and "unblocked by IRET" change nothing */
				assert_int_equal(hvt_step_outcome(delivery, 0, info | ERR | BIT12,
								  false),
						 trap ? HVT_OUT_RETIRED : HVT_OUT_DROPPED);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),	cmocka_unit_test(test_interruptibility),
		cmocka_unit_test(test_merge),	cmocka_unit_test(test_nmi_ok),
		cmocka_unit_test(test_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
