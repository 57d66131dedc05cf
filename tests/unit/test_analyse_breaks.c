// SPDX-License-Identifier: GPL-2.0-only
/* Calls, and what breaks the sequence of instructions: the kernel, windows, losses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tracefeed.h"

static void test_syscall(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	syscall_insn(0xa000);
	flow(HVT_FLOW_SYSCALL, 0, 1);
	flow(HVT_FLOW_RESUME, 0xa002, 1);
	syscall_insn(0xa002);
	flow(HVT_FLOW_SYSCALL, 0, 2);
	nop(KERNEL | 0xb000);
	call(KERNEL | 0xb001);
	ret(KERNEL | 0xc000);
	insn(KERNEL | 0xb006, "\x48\x0f\x07", 3);
	flow(HVT_FLOW_RESUME, 0xa004, 2);
	nop(0xa004);
	expect_of(0, "A:1/3(sys1:1/0 sys2:1/0(B:1/3(C:1/1)))");
}

static void test_signal(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000); /* interrupted before the first instruction of B */
	flow(HVT_FLOW_INTERRUPT, 0, 0xec);
	flow(HVT_FLOW_SIGNAL, 0xc000, 10);
	flow(HVT_FLOW_RESUME, 0xc000, 0);
	call(0xc000);
	ret(0xd000);
	ret(0xc005);
	syscall_insn(0xe000);
	flow(HVT_FLOW_SYSCALL, 0, 15);
	flow(HVT_FLOW_RESUME, 0xb000, 0);
	ret(0xb000);
	nop(0xa005);
	expect_of(0, "A:1/2(siga:1/0(C:1/2(D:1/1) E:1/1(sysf:1/0)) B:1/1)");
}

/* One that a function's first instruction raises, and one behind the return to another */
static void test_faults(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	broken(HVT_FLOW_EXCEPTION, 0xb000, 14);
	flow(HVT_FLOW_SIGNAL, 0xc000, 11);
	flow(HVT_FLOW_RESUME, 0xc000, 0);
	syscall_insn(0xc000);
	flow(HVT_FLOW_SYSCALL, 0, 15);
	flow(HVT_FLOW_RESUME, 0xb000, 0);
	ret(0xb000);
	broken(HVT_FLOW_INTERRUPT, 0xa005, 0xec);
	flow(HVT_FLOW_SIGNAL, 0xd000, 12);
	flow(HVT_FLOW_RESUME, 0xd000, 0);
	syscall_insn(0xd000);
	flow(HVT_FLOW_SYSCALL, 0, 15);
	flow(HVT_FLOW_RESUME, 0xa005, 0);
	nop(0xa005);
	expect_of(0, "A:1/2(B:1/1(sigb:1/0(C:1/1(sysf:1/0))) sigc:1/0(D:1/1(sysf:1/0)))");
}

/* One that arrives while another returns, and one in a handler */
static void test_signals(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	nop(0xa000);
	flow(HVT_FLOW_SIGNAL, 0xb000, 10);
	flow(HVT_FLOW_RESUME, 0xb000, 0);
	nop(0xb000);
	flow(HVT_FLOW_SIGNAL, 0xc000, 12);
	flow(HVT_FLOW_RESUME, 0xc000, 0);
	syscall_insn(0xc000);
	flow(HVT_FLOW_SYSCALL, 0, 15);
	flow(HVT_FLOW_RESUME, 0xb001, 0);
	syscall_insn(0xb001);
	flow(HVT_FLOW_SYSCALL, 0, 15);
	flow(HVT_FLOW_SIGNAL, 0xd000, 11);
	flow(HVT_FLOW_RESUME, 0xd000, 0);
	syscall_insn(0xd000);
	flow(HVT_FLOW_SYSCALL, 0, 15);
	flow(HVT_FLOW_RESUME, 0xa001, 0);
	nop(0xa001);
	flow(HVT_FLOW_SIGNAL, 0, 9);
	expect_of(0, "A:1/2(siga:1/0(B:1/2(sigc:1/0(C:1/1(sysf:1/0)) sysf:1/0)) "
		     "sigb:1/0(D:1/1(sysf:1/0)) sig9:1/0)");
}

/* Two at once: the second one's handler begins, and returns to the first one's. */
static void test_signals_at_once(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	nop(0xa000);
	flow(HVT_FLOW_SIGNAL, 0xb000, 10);
	flow(HVT_FLOW_SIGNAL, 0xc000, 12);
	flow(HVT_FLOW_RESUME, 0xc000, 0);
	syscall_insn(0xc000);
	flow(HVT_FLOW_SYSCALL, 0, 15);
	flow(HVT_FLOW_RESUME, 0xb000, 0);
	syscall_insn(0xb000);
	flow(HVT_FLOW_SYSCALL, 0, 15);
	flow(HVT_FLOW_RESUME, 0xa001, 0);
	nop(0xa001);
	expect_of(0, "A:1/2(siga:1/0(sigc:1/0(C:1/1(sysf:1/0)) B:1/1(sysf:1/0)))");
}

/* SIG_IGN is 1, and no code is there. */
static void test_ignored_signal(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	flow(HVT_FLOW_SIGNAL, 1, 17);
	flow(HVT_FLOW_RESUME, 0xb000, 0);
	ret(0xb000);
	nop(0xa005);
	expect_of(0, "A:1/2(sig11:1/0 B:1/1)");
}

/* The kernel's way to a handler is traced, too. */
static void test_signal_in_kernel(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	syscall_insn(0xa000);
	flow(HVT_FLOW_SYSCALL, 0, 1);
	call(KERNEL | 0xd000);
	flow(HVT_FLOW_SIGNAL, 0xb000, 10);
	ret(KERNEL | 0xe010);
	nop(KERNEL | 0xd005);
	flow(HVT_FLOW_RESUME, 0xb000, 0);
	syscall_insn(0xb000);
	flow(HVT_FLOW_SYSCALL, 0, 15);
	nop(KERNEL | 0xd000);
	flow(HVT_FLOW_RESUME, 0xa002, 0);
	nop(0xa002);
	expect_of(0, "A:1/2(sys1:1/0(D:1/1) siga:1/0(E:0/1 D:0/1 B:1/1(sysf:1/0(D:1/1))))");
}

static void test_siglongjmp(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	nop(0xb000);
	flow(HVT_FLOW_EXCEPTION, 0, 14);
	flow(HVT_FLOW_SIGNAL, 0xc000, 11);
	flow(HVT_FLOW_RESUME, 0xc000, 0);
	jump(0xc000);
	nop(0xa020);
	call(0xa021);
	ret(0xd000);
	nop(0xa026);
	expect_of(0, "A:1/4(B:1/1(sigb:1/0(C:1/1)) D:1/1)");
}

/* Interrupts are frames of what they execute; those of which nothing is seen are not there. */
static void test_interrupts(void **state)
{
	(void)state;
	feed_body = 1;
	flow(HVT_FLOW_BEGIN, KERNEL | 0xa000, 0);
	call(KERNEL | 0xa000);
	flow(HVT_FLOW_INTERRUPT, 0, 0xec);
	feed_nest = 1;
	call(KERNEL | 0xd000);
	flow(HVT_FLOW_EXCEPTION, 0, 14);
	feed_nest = 2;
	insn(KERNEL | 0xf000, "\x48\xcf", 2);
	flow(HVT_FLOW_RETURN, KERNEL | 0xe000, 0);
	feed_nest = 1;
	ret(KERNEL | 0xe000);
	insn(KERNEL | 0xd005, "\x48\xcf", 2);
	flow(HVT_FLOW_RETURN, KERNEL | 0xb000, 0);
	feed_nest = 0;
	flow(HVT_FLOW_INTERRUPT, 0, 0xed);
	flow(HVT_FLOW_RETURN, KERNEL | 0xb000, 0);
	ret(KERNEL | 0xb000);
	ret(KERNEL | 0xa005);
	flow(HVT_FLOW_END, 0, 0);
	feed_body = 2;
	flow(HVT_FLOW_BEGIN, KERNEL | 0xa000, 0);
	ret(KERNEL | 0xa000);
	expect_of(0, "A:2/3(intec:1/0(D:1/2(exce:1/0(F:1/1) E:1/1)) B:1/1)");
}

/* The end of an interrupt was lost: how deep it is says that it is over. */
static void test_lost_return(void **state)
{
	(void)state;
	feed_body = 1;
	flow(HVT_FLOW_BEGIN, KERNEL | 0xa000, 0);
	nop(KERNEL | 0xa000);
	flow(HVT_FLOW_INTERRUPT, 0, 0xec);
	feed_nest = 1;
	nop(KERNEL | 0xd000);
	lost();
	feed_nest = 0;
	nop(KERNEL | 0xa003);
	expect_of(0, "A:1/2(intec:1/0(D:1/1))");
}

/* --skip: what is called there is a leaf, what calls back is nested in it. */
static void test_skipped(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	flow(HVT_FLOW_END, 0xe000, 0);
	flow(HVT_FLOW_BEGIN, 0xc000, 0);
	ret(0xc000);
	flow(HVT_FLOW_END, 0xe010, 0);
	flow(HVT_FLOW_BEGIN, 0xa005, 0);
	nop(0xa005);
	call(0xa006);
	jump(0xb000);
	flow(HVT_FLOW_END, 0xe000, 0);
	flow(HVT_FLOW_BEGIN, 0xa00b, 0);
	nop(0xa00b);
	expect_of(0, "A:1/4(E:1/0(C:1/1) B:1/1(~E:1/0))");
}

/* A window that ends and opens again says nothing of what was between. */
static void test_windows(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa010, 0);
	call(0xa010);
	nop(0xb000);
	flow(HVT_FLOW_END, 0, 0);
	flow(HVT_FLOW_BEGIN, 0xb000, 0);
	ret(0xb000);
	nop(0xc010);
	expect_of(0, "A:0/1(B:1/1) B:1/1 C:0/1");
}

static void test_loss(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	call(0xb000);
	nop(0xc000);
	lost();
	nop(0xa005); /* all of them have returned */
	call(0xa006);
	nop(0xb000);
	lost();
	nop(0xd010); /* nothing is known of D */
	ret(0xd011);
	nop(0xb001);
	expect_of(0, "A:1/3(B:2/2(C:1/1)) D:0/2 B:0/1");
}

static void test_exec(void **state)
{
	(void)state;
	flow(HVT_FLOW_BEGIN, 0xa000, 0);
	call(0xa000);
	syscall_insn(0xb000);
	flow(HVT_FLOW_SYSCALL, 0, 59);
	flow(HVT_FLOW_EXEC, 0, 0);
	flow(HVT_FLOW_RESUME, 0xa000, 0);
	nop(0xa000);
	expect_of(0, "A:2/2(B:1/1(sys3b:1/0))");
}

static void test_threads(void **state)
{
	(void)state;
	call(0xa000);
	feed_tid = 8;
	call(0xc000);
	feed_tid = 7;
	ret(0xb000);
	feed_tid = 8;
	ret(0xd000);
	feed_tid = 7;
	nop(0xa005);
	expect_of(0, "A:1/2(B:1/1)");
	expect_of(1, "C:1/1(D:1/1)");
	assert_null(hvt_calls_thread(calls, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FEED_TEST(syscall),
		FEED_TEST(signal),
		FEED_TEST(faults),
		FEED_TEST(signals),
		FEED_TEST(signals_at_once),
		FEED_TEST(ignored_signal),
		FEED_TEST(signal_in_kernel),
		FEED_TEST(siglongjmp),
		FEED_TEST(interrupts),
		FEED_TEST(lost_return),
		FEED_TEST(skipped),
		FEED_TEST(windows),
		FEED_TEST(loss),
		FEED_TEST(exec),
		FEED_TEST(threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
