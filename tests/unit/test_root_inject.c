// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the next entry delivers, over attempts to enter that may not come to be: each
 * event that is due is delivered once, none takes the place of another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake.h"

#define INFO  fake_vmcs32[VM_ENTRY_INTR_INFO_FIELD]
#define TIMER (HVT_EV_INFO(HVT_EV_INTR, 0xec))
#define NMI   (HVT_EV_INFO(HVT_EV_NMI, 2))
#define PF    (HVT_EV_INFO(HVT_EV_EXCEPTION, 14) | HVT_EV_ERROR)

static u32 dropped;

/* step.c's: what a machine check does to a step. */
void hvt_step_drop(struct hvt_vcpu *v)
{
	v->step.mode = HVT_STEP_NONE;
	dropped++;
}

static struct hvt_vcpu *start(void)
{
	static struct hvt_vcpu cpu;

	memset(fake_vmcs32, 0, sizeof(fake_vmcs32));
	memset(&cpu, 0, sizeof(cpu));
	cpu.step.mode = HVT_STEP_NONE;
	dropped = 0;
	return &cpu;
}

/* The guest ran; the CPU clears the valid bit on exit (SDM 25.8.3). */
static u32 enter(struct hvt_vcpu *v)
{
	u32 info = INFO;

	INFO &= ~HVT_EV_VALID;
	hvt_injected(v);
	return info & HVT_EV_VALID ? info : 0;
}

static bool window(const struct hvt_vcpu *v)
{
	return v->ctl_cpu & CPU_BASED_NMI_WINDOW_EXITING;
}

static void interrupted(struct hvt_vcpu *v, u32 info)
{
	fake_vmcs32[IDT_VECTORING_INFO_FIELD] = info;
	hvt_take_vectoring(v, false);
	fake_vmcs32[IDT_VECTORING_INFO_FIELD] = 0;
}

static void delivered_again(void **state)
{
	struct hvt_vcpu *v = start();

	(void)state;
	fake_vmcs32[IDT_VECTORING_ERROR_CODE] = 6;
	interrupted(v, PF);
	hvt_choose_injection(v);
	assert_int_equal(fake_vmcs32[VM_ENTRY_EXCEPTION_ERROR_CODE], 6);
	assert_int_equal(enter(v), PF);
	hvt_choose_injection(v);
	assert_int_equal(enter(v), 0);
}

/* An NMI for the guest prevents the entry that was to deliver an interrupt. */
static void nmi_before_entry(void **state)
{
	struct hvt_vcpu *v = start();

	(void)state;
	interrupted(v, TIMER);
	hvt_choose_injection(v);
	v->nmi_pending = true;
	hvt_choose_injection(v);
	assert_true(window(v));
	assert_int_equal(enter(v), TIMER);
	hvt_choose_injection(v);
	assert_int_equal(enter(v), NMI);
	assert_false(window(v) || v->nmi_pending);
}

static void machine_check_before_entry(void **state)
{
	struct hvt_vcpu *v = start();

	(void)state;
	interrupted(v, TIMER);
	hvt_choose_injection(v);
	v->mc_seen = 1;
	v->step.mode = HVT_STEP_DELIVERY;
	hvt_choose_injection(v);
	assert_int_equal(dropped, 0);
	assert_int_equal(enter(v), TIMER);
	hvt_choose_injection(v);
	assert_int_equal(dropped, 1);
	assert_int_equal(enter(v), HVT_EV_INFO(HVT_EV_EXCEPTION, 18));
}

/* A step's MTF would come right behind the delivery: the NMI waits for its end. */
static void nmi_waits_for_step(void **state)
{
	struct hvt_vcpu *v = start();

	(void)state;
	v->step.mode = HVT_STEP_INSN;
	v->nmi_pending = true;
	hvt_choose_injection(v);
	assert_int_equal(enter(v), 0);
	v->step.mode = HVT_STEP_NONE;
	hvt_choose_injection(v);
	assert_int_equal(enter(v), NMI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delivered_again),
		cmocka_unit_test(nmi_before_entry),
		cmocka_unit_test(machine_check_before_entry),
		cmocka_unit_test(nmi_waits_for_step),
	};

	return cmocka_run_group_tests_name("root: injection", tests, NULL, NULL);
}
