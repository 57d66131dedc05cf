/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event re-injection as pure functions: what an exit tells about an interrupted
 * event delivery, and what the next entry must inject. SDM volume 3, 25.9.2-3,
 * 25.8.3, 28.2.4; KVM's __vmx_complete_interrupts() is the known-good reading.
 */
#ifndef HVT_ROOT_EVENT_H
#define HVT_ROOT_EVENT_H

#include "types.h"

/* Interruption-information fields, as in the VMCS. */
struct hvt_event {
	u32 info;		/* bit 31: valid */
	u32 error;
	u32 insn_len;		/* software events only */
};

#define HVT_EV_VALID	   0x80000000u
#define HVT_EV_ERROR	   0x800u
#define HVT_EV_UNBLOCK_NMI 0x1000u
#define HVT_EV_TYPE(info)  (((info) >> 8) & 7)
#define HVT_EV_VECTOR(info) ((info) & 0xff)
#define HVT_EV_INFO(type, vector) (HVT_EV_VALID | ((u32)(type) << 8) | (vector))

enum { /* SDM table 25-18 */
	HVT_EV_INTR = 0,
	HVT_EV_NMI = 2,
	HVT_EV_EXCEPTION = 3,
	HVT_EV_SOFT_INTR = 4,
	HVT_EV_PRIV_SOFT = 5,
	HVT_EV_SOFT_EXCEPTION = 6,
};

#define HVT_BLOCK_STI	 1u
#define HVT_BLOCK_MOV_SS 2u
#define HVT_BLOCK_NMI	 8u

/* What to inject so that the delivery that @vec describes happens after all. */
struct hvt_event hvt_event_replay(u32 vec_info, u32 vec_error, u32 insn_len);

/* Has the CPU left the delivered event's return point already? Software events: the
 * instruction counts as executed once delivered. */
bool hvt_event_is_soft(u32 info);

/*
 * Interruptibility to write back before entering, after an exit with
 * IDT-vectoring @vec_info and, when that is invalid, "NMI unblocking due to IRET"
 * @nmi_unblock (bit 12 of qualification or interruption information).
 */
u32 hvt_event_interruptibility(u32 intr_state, u32 vec_info, bool nmi_unblock);

/*
 * An exception @exc met while delivering @vec (0: none): the event to inject, per
 * SDM table 6-5: the second, a double fault, or 0 info for a triple fault.
 */
struct hvt_event hvt_event_merge(u32 vec_info, struct hvt_event exc);

/* May an NMI be injected now, given interruptibility and a chosen event? */
bool hvt_event_nmi_ok(u32 intr_state, u32 chosen_info);

enum hvt_outcome {
	HVT_OUT_RETIRED,	/* commit the provisional records */
	HVT_OUT_DROPPED,	/* nothing executed: drop them, the instruction comes again */
	HVT_OUT_CONTINUE,	/* the step goes on */
};

/*
 * How an exit with basic @reason ends a step of @delivery (event delivery) or of an
 * instruction. @info is VM_EXIT_INTR_INFO for reason 0. @advanced: the handler of
 * an instruction exit completed it (RIP moved).
 */
enum hvt_outcome hvt_step_outcome(bool delivery, u32 reason, u32 info, bool advanced);

#endif
