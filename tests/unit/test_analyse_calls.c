// SPDX-License-Identifier: GPL-2.0-only
/* Calls out of instructions alone: each way that they can move control. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tracefeed.h"

static void test_nested(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	nop(0xa000);
	call(0xa001);
	nop(0xb000);
	call(0xb001);
	ret(0xc000);
	ret(0xb006);
	call(0xa006);
	ret(0xb000);
	nop(0xa00b);
	expect_of(0, "A:1/4(B:2/4(C:1/1))");
	assert_int_equal(hvt_calls_thread(calls, 0)->root->total, 9);
}

static void test_recursion(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	call(0xa000);
	ret(0xa000);
	ret(0xa005);
	ret(0xa005);
	expect_of(0, "A:1/2(A:1/2(A:1/1))");
}

/* call +0; pop: and the way that position independent code of 32 bits learns its place */
static void test_call_next(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	nop(0xa005);
	call(0xa006);
	ret(0xb000);
	nop(0xa00b);
	expect_of(0, "A:1/4(B:1/1)");
}

/* ... but a function may begin right behind the call of it */
static void test_call_neighbour(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xaff0, 0);
	call(0xaffb);
	ret(0xb000);
	expect_of(0, "A:0/1(B:1/1)");
}

/* An indirect call through a return: call 1f; ...; 1: mov %rax, (%rsp); ret */
static void test_retpoline(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	call(0xb000);
	nop(0xb010);
	ret(0xb011);
	nop(0xc000);
	ret(0xc001);
	nop(0xa005);
	expect_of(0, "A:1/2(B:1/3(~C:1/2))");
}

static void test_longjmp(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000); /* setjmp */
	ret(0xb000);
	call(0xa005);
	call(0xc000);
	call(0xd000);
	jump(0xe000); /* longjmp */
	nop(0xa005);
	call(0xa006);
	ret(0xb000);
	nop(0xa00b);
	expect_of(0, "A:1/5(B:2/2 C:1/1(D:1/1(E:1/1)))");
}

static void test_tail(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	jump(0xb000);
	jump(0xc000);
	ret(0xd000);
	nop(0xa005);
	expect_of(0, "A:1/2(B:1/1(~C:1/1(~D:1/1)))");
}

/* A state machine of tail calls is not as deep as it is long. */
static void test_tails_in_turn(void **state)
{
	int i;

	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	for (i = 0; i < 100; i++) {
		jump(0xb000);
		jump(0xc000);
	}
	ret(0xb000);
	nop(0xa005);
	expect_of(0, "A:1/2(B:101/101(~C:100/100))");
}

/* A part of a function that the compiler put elsewhere */
static void test_cold_part(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	jump(0xb000);
	jump(0xc000);
	ret(0xb010);
	nop(0xa005);
	expect_of(0, "A:1/2(B:1/2(~C:1/1))");
}

static void test_jumps_inside(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	insn(0xa000, "\x75\x10", 2);
	jump(0xa012);
	nop(0xa100);
	insn(0xa101, "\xf3\xa4", 2);
	insn(0xa101, "\xf3\xa4", 2);
	jump(0xa103);
	nop(0xa000);
	expect_of(0, "A:1/7");
}

/* push; ret, which is a jump */
static void test_pushed_return(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	ret(0xb000);
	ret(0xc000);
	nop(0xa005);
	expect_of(0, "A:1/2(B:1/1(~C:1/1))");
}

static void test_no_names(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0x1000, 0);
	call(0x1000);
	jump(0x2000);
	call(0x2010);
	ret(0x3000);
	call(0x2015);
	jump(0x3000);
	ret(0xa000); /* jumped to through a linkage table */
	ret(0x201a);
	nop(0x1005);
	expect_of(0, "1000:0/2(2000:1/4(3000:2/2(~A:1/1)))");
}

/* Deeper than anybody wants to see, and than any stack is. */
static void test_depth(void **state)
{
	const struct hvt_call *n;
	uint32_t deepest = 0;
	uint64_t sum = 0;
	int i;

	(void)state;
	for (i = 0; i < 300000; i++)
		call(0xa000);
	for (i = 0; i < 300000; i++)
		ret(i ? 0xa005 : 0xa000);
	for (n = hvt_calls_thread(calls, 0)->root; n; n = hvt_call_after(n)) {
		deepest = n->depth > deepest ? n->depth : deepest;
		sum += n->self;
	}
	assert_int_equal(deepest, HVT_CALL_DEPTH);
	assert_int_equal(sum, 600000);
	assert_int_equal(hvt_calls_thread(calls, 0)->root->total, 600000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FEED_TEST(nested),	   FEED_TEST(recursion),     FEED_TEST(call_next),
		FEED_TEST(call_neighbour), FEED_TEST(retpoline),     FEED_TEST(longjmp),
		FEED_TEST(tail),	   FEED_TEST(tails_in_turn), FEED_TEST(cold_part),
		FEED_TEST(jumps_inside),   FEED_TEST(pushed_return), FEED_TEST(no_names),
		FEED_TEST(depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
