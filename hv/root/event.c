// SPDX-License-Identifier: GPL-2.0-only
/* Event re-injection, pure: see event.h. */
#include "event.h"

#define VEC_DB 1
#define VEC_BP 3
#define VEC_OF 4
#define VEC_DF 8
#define VEC_PF 14

struct hvt_event hvt_event_replay(u32 vec_info, u32 vec_error, u32 insn_len)
{
	struct hvt_event e = { 0, 0, 0 };

	if (!(vec_info & HVT_EV_VALID))
		return e;
	/* Bit 12 is undefined here and reserved in the entry field. */
	e.info = vec_info & ~HVT_EV_UNBLOCK_NMI & 0x80000fff;
	if (vec_info & HVT_EV_ERROR)
		e.error = vec_error;
	if (hvt_event_is_soft(vec_info))
		e.insn_len = insn_len;
	return e;
}

bool hvt_event_is_soft(u32 info)
{
	u32 type = HVT_EV_TYPE(info);

	return type == HVT_EV_SOFT_INTR || type == HVT_EV_PRIV_SOFT ||
	       type == HVT_EV_SOFT_EXCEPTION;
}

u32 hvt_event_interruptibility(u32 intr_state, u32 vec_info, bool nmi_unblock)
{
	if (vec_info & HVT_EV_VALID) {
		/*
		 * What was being delivered is not blocked, and its delivery ends the
		 * shadow of STI and MOV SS: an entry refuses such an injection.
		 */
		switch (HVT_EV_TYPE(vec_info)) {
		case HVT_EV_NMI:
			return intr_state & ~(HVT_BLOCK_NMI | HVT_BLOCK_MOV_SS | HVT_BLOCK_STI);
		case HVT_EV_INTR:
			return intr_state & ~(HVT_BLOCK_MOV_SS | HVT_BLOCK_STI);
		default:
			return intr_state;
		}
	}
	/* A faulting IRET has unblocked NMIs too early: block them again. */
	return nmi_unblock ? intr_state | HVT_BLOCK_NMI : intr_state;
}

/* SDM table 6-4: 0 benign, 1 contributory, 2 page fault */
static int exc_class(u32 info)
{
	u32 v = HVT_EV_VECTOR(info);

	if (HVT_EV_TYPE(info) != HVT_EV_EXCEPTION)
		return 0;
	if (v == VEC_PF || v == 20)
		return 2;
	return v == 0 || (v >= 10 && v <= 13) || v == 21;
}

struct hvt_event hvt_event_merge(u32 vec_info, struct hvt_event exc)
{
	struct hvt_event df = { HVT_EV_INFO(HVT_EV_EXCEPTION, VEC_DF) | HVT_EV_ERROR, 0, 0 };
	struct hvt_event none = { 0, 0, 0 };
	int first, second;

	if (!(vec_info & HVT_EV_VALID))
		return exc;
	first = exc_class(vec_info);
	second = exc_class(exc.info);
	if (HVT_EV_TYPE(vec_info) == HVT_EV_EXCEPTION && HVT_EV_VECTOR(vec_info) == VEC_DF)
		return second ? none : exc;
	if ((first == 1 && second == 1) || (first == 2 && second))
		return df;
	return exc;
}

bool hvt_event_nmi_ok(u32 intr_state, u32 chosen_info)
{
	return !(chosen_info & HVT_EV_VALID) &&
	       !(intr_state & (HVT_BLOCK_NMI | HVT_BLOCK_MOV_SS | HVT_BLOCK_STI));
}

enum hvt_outcome hvt_step_outcome(bool delivery, u32 reason, u32 info, bool advanced)
{
	u32 vector = HVT_EV_VECTOR(info);

	switch (reason) {
	case 37: /* monitor trap flag */
		return HVT_OUT_RETIRED;
	case 48: /* EPT violation: another page of the same instruction */
		return HVT_OUT_CONTINUE;
	case 0:
		/* Traps: INT3, INTO and ICEBP have executed; every other exception
		 * that exits while MTF is set is a fault (MTF outranks trap #DB). */
		if (!delivery && hvt_event_is_soft(info) &&
		    (vector == VEC_BP || vector == VEC_OF || vector == VEC_DB))
			return HVT_OUT_RETIRED;
		return HVT_OUT_DROPPED;
	case 1: /* external interrupt: not acknowledged, nothing executed */
	case 2:
	case 3:
	case 8: /* NMI window */
		return HVT_OUT_DROPPED;
	default: /* an instruction that always exits: CPUID, RDMSR, ... */
		return advanced ? HVT_OUT_RETIRED : HVT_OUT_DROPPED;
	}
}
