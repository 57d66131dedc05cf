// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvt_verify(): logs of a machine that is simulated here, which must be proved, and the
 * same with one thing wrong, which must be found. test_reader_chain.c has the values.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verify_log.h"

/* Two CPUs increment one word in turns, n times; a round after each `every` of them. */
static void counting(struct vlog *l, uint64_t n, uint64_t every)
{
	struct hvt_rec_access a;
	uint64_t i;

	vl_begin(l, 2);
	lb_watch(&l->lb, 1, HVT_ACC_W, 100, 0x404010, 8, "counter");
	for (i = 0; i < n; i++) {
		a = vl_access(l, i % 2, 0x404010, 8, HVT_ACC_R | HVT_ACC_W);
		a.old = i;
		a.new_ = i + 1;
		vl_put(l, i % 2, &a);
		if (i % every == every - 1)
			vl_round(l);
	}
}

static void test_clean(void **state)
{
	struct hvt_verdict v;
	struct vlog l;

	(void)state;
	counting(&l, 1000, 7);
	vl_end(&l, &v);
	vl_expect_good(&v);
	assert_int_equal(v.records, 1000);
	assert_int_equal(v.cpus, 2);
	assert_int_equal(v.stated, 2);
	assert_int_equal(v.ranks, 999);
	assert_int_equal(v.pages, 1);
	assert_int_equal(v.links, 999 * 8);
	assert_true(v.rounds > 100);
}

/* One thing wrong in the middle of a log that is good otherwise. */
static void spoil(enum hvt_flaw_kind kind, struct hvt_verdict *v)
{
	struct hvt_rec_access a;
	struct vlog l;

	counting(&l, 100, kind == HVT_FLAW_TIME ? 1000 : 9);
	a = vl_access(&l, 0, 0x404010, 8, HVT_ACC_R | HVT_ACC_W);
	a.old = 100;
	a.new_ = 101;
	switch (kind) {
	case HVT_FLAW_GAP:
		a.h.seq += 3;
		break;
	case HVT_FLAW_REPEAT:
		a.h.seq--;
		break;
	case HVT_FLAW_TIME: /* behind the CPU's own last, not behind the last round */
		a.h.tsc = l.tsc[0] - 1;
		break;
	case HVT_FLAW_ORDER: /* the rank of the one before, on another CPU */
		a.order--;
		break;
	case HVT_FLAW_PLACE:
		a.gpa++;
		a.size = 1;
		a.old = a.new_ = 0;
		break;
	case HVT_FLAW_VALUE:
		a.old ^= 0x0100;
		break;
	default:
		break;
	}
	if (kind == HVT_FLAW_ROUND) {
		vl_round(&l);
		lb_round(&l.lb, a.h.tsc + 1);
	}
	vl_put(&l, 0, &a);
	if (kind == HVT_FLAW_STAT)
		l.stat[1].consumed--;
	vl_end(&l, v);
}

static void test_each_flaw(void **state)
{
	const enum hvt_flaw_kind kinds[] = { HVT_FLAW_GAP,   HVT_FLAW_REPEAT, HVT_FLAW_TIME,
					     HVT_FLAW_ROUND, HVT_FLAW_STAT,   HVT_FLAW_ORDER,
					     HVT_FLAW_PLACE, HVT_FLAW_VALUE };
	struct hvt_verdict v;
	const struct hvt_flaw *f;
	size_t i;
	int k;

	(void)state;
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		spoil(kinds[i], &v);
		for (k = 0; k < HVT_FLAW_KINDS; k++) {
			/* a record out of its place in time is not at its place in the order */
			if (kinds[i] == HVT_FLAW_TIME &&
			    (k == HVT_FLAW_ORDER || k == HVT_FLAW_VALUE))
				continue;
			if (v.count[k] != (k == (int)kinds[i]))
				fail_msg("flaw %d: %llu of kind %d", kinds[i],
					 (unsigned long long)v.count[k], k);
		}
		f = &v.first[kinds[i]][0];
		if (kinds[i] != HVT_FLAW_STAT) {
			assert_int_equal(f->cpu, 0);
			assert_true(f->seq >= 49 && f->seq <= 53);
		}
		assert_true(f->expected != f->found);
	}
	/* the byte that differs, and what it was */
	assert_int_equal(v.first[HVT_FLAW_VALUE][0].gpa, VL_GPA(0x404011));
	assert_int_equal(v.first[HVT_FLAW_VALUE][0].expected, 0);
	assert_int_equal(v.first[HVT_FLAW_VALUE][0].found, 1);
	assert_int_equal(v.differ, 1);
}

/* Each of the three numbers, off by one in each direction. */
static void test_stat(void **state)
{
	struct hvt_verdict v;
	struct vlog l;
	uint64_t *n;
	int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		counting(&l, 20, 5);
		n = i / 2 == 0 ? &l.stat[1].produced :
		    i / 2 == 1 ? &l.stat[1].consumed :
				 &l.stat[1].lost;
		*n += i % 2 ? 1 : -1ull;
		/* and one where the sum still holds */
		if (i / 2)
			l.stat[1].produced += i % 2 ? 1 : -1ull;
		vl_end(&l, &v);
		assert_int_equal(v.count[HVT_FLAW_STAT], 1);
		assert_int_equal(v.first[HVT_FLAW_STAT][0].cpu, 1);
	}
	counting(&l, 20, 5);
	l.no_stat = true;
	vl_end(&l, &v);
	assert_int_equal(v.count[HVT_FLAW_STAT], 0);
	assert_int_equal(v.stated, 0);
}

static void test_sections(void **state)
{
	struct hvt_verdict v;
	struct hvt_section s;
	struct vlog l;
	size_t at;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		counting(&l, 10, 100);
		vl_flush(&l, 0);
		at = l.last_section;
		memcpy(&s, l.lb.bytes + at, sizeof(s));
		s.tsc_first += i == 0;
		s.tsc_last -= i == 1;
		s.seq_first += i == 2;
		s.count += i == 3;
		memcpy(l.lb.bytes + at, &s, sizeof(s));
		lb_reseal(&l.lb, at);
		vl_end(&l, &v);
		/* of another count it cannot be said which records are meant */
		assert_int_equal(v.state, i < 3 ? HVT_LOG_COMPLETE : HVT_LOG_DAMAGED);
		assert_int_equal(v.count[HVT_FLAW_SECTION], i < 3);
	}
	counting(&l, 10, 100);
	l.trailing = true;
	vl_end(&l, &v);
	assert_int_equal(v.count[HVT_FLAW_SECTION], 1);
	assert_int_equal(v.state, HVT_LOG_COMPLETE);
}

/* Cut anywhere or a byte changed anywhere: never complete without a flaw, never a crash. */
static void test_damage(void **state)
{
	struct hvt_verdict v;
	struct vlog l;
	size_t i, len;

	(void)state;
	counting(&l, 6, 3);
	vl_finish(&l);
	len = l.lb.len;
	for (i = 0; i < len; i += 3) {
		l.lb.len = i;
		vl_verify(&l, &v);
		assert_int_not_equal(v.state, HVT_LOG_COMPLETE);
		l.lb.len = len;
		l.lb.bytes[i] ^= 0x10;
		vl_verify(&l, &v);
		/* the padding behind a section is not summed */
		assert_true(v.state != HVT_LOG_COMPLETE || v.records == 6);
		l.lb.bytes[i] ^= 0x10;
	}
	vl_verify(&l, &v);
	vl_expect_good(&v);
	vl_free(&l);
}

/* Payloads that are hostile with right checksums: an answer, whatever it is, and no crash. */
static void test_hostile(void **state)
{
	static const uint8_t values[] = { 0xff, 0x00, 0x7f, 0x80, 0x01 };
	struct hvt_section s;
	struct hvt_verdict v;
	size_t off, at;
	struct vlog l;
	uint8_t keep;

	(void)state;
	memset(&l, 0, sizeof(l));
	lb_sample(&l.lb);
	for (off = sizeof(struct hvt_log_header); off < l.lb.len;
	     off += sizeof(s) + ((s.len + 7) & ~7ull)) {
		memcpy(&s, l.lb.bytes + off, sizeof(s));
		for (at = 0; at < s.len; at++) {
			keep = l.lb.bytes[off + sizeof(s) + at];
			l.lb.bytes[off + sizeof(s) + at] = values[at % sizeof(values)];
			lb_reseal(&l.lb, off);
			vl_verify(&l, &v);
			l.lb.bytes[off + sizeof(s) + at] = keep;
			lb_reseal(&l.lb, off);
		}
	}
	vl_verify(&l, &v);
	assert_int_equal(v.state, HVT_LOG_COMPLETE);
	vl_free(&l);
}

/*
 * CPU 0 loses ten increments; its LOST comes when a later one fits, after records that
 * CPU 1 made meanwhile. None of those is wrong, none of them is proved.
 */
static void test_loss(void **state)
{
	struct hvt_rec_access a;
	struct hvt_verdict v;
	struct vlog l;
	uint64_t i, value = 10;

	(void)state;
	counting(&l, 10, 100);
	for (i = 0; i < 20; i++, value++) {
		a = vl_access(&l, i % 2, 0x404010, 8, HVT_ACC_R | HVT_ACC_W);
		a.old = value;
		a.new_ = value + 1;
		if (i % 2)
			vl_put(&l, 1, &a);
		else
			vl_lose(&l, 0);
	}
	vl_lost(&l, 0);
	for (i = 0; i < 10; i++, value++) {
		a = vl_access(&l, 0, 0x404010, 8, HVT_ACC_R | HVT_ACC_W);
		a.old = value;
		a.new_ = value + 1;
		vl_put(&l, 0, &a);
	}
	vl_end(&l, &v);
	vl_expect_good(&v);
	assert_int_equal(v.lost, 10);
	/* CPU 1's 10, its last before them (after CPU 0's last), CPU 0's at the LOST's tsc */
	assert_int_equal(v.in_loss, 10 + 1 + 1);
	assert_int_equal(v.links, 8 * 8 + 8 * 8);
	assert_int_equal(v.voided, 8);
}

/* A loss that no later record ends lasts until the end of the log. */
static void test_loss_at_the_end(void **state)
{
	struct hvt_rec_access a;
	struct hvt_verdict v;
	struct vlog l;
	uint64_t i;

	(void)state;
	counting(&l, 10, 100);
	vl_lose(&l, 0);
	vl_lost(&l, 0);
	for (i = 0; i < 5; i++) {
		a = vl_access(&l, 1, 0x404010, 8, HVT_ACC_R | HVT_ACC_W);
		a.old = a.new_ = 77;
		vl_put(&l, 1, &a);
	}
	vl_end(&l, &v);
	vl_expect_good(&v);
	assert_int_equal(v.in_loss, 5 + 1); /* CPU 1's last before it came after CPU 0's last */
	assert_int_equal(v.links, 8 * 8);
}

static void test_not_a_file(void **state)
{
	struct hvt_verdict v;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(hvt_verify(fds[0], &v), -ESPIPE);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),	   cmocka_unit_test(test_each_flaw),
		cmocka_unit_test(test_stat),	   cmocka_unit_test(test_sections),
		cmocka_unit_test(test_damage),	   cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_loss),	   cmocka_unit_test(test_loss_at_the_end),
		cmocka_unit_test(test_not_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
