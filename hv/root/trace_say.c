// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is said of a traced thread between its instructions: who broke their sequence, and
 * where it goes on. Nothing is said of a thread whose instructions are not recorded then.
 */
#include "root_fn.h"

#define VEC_DB 1
#define VEC_PF 14
#define DR6_BS (1u << 14)

static void say(struct hvt_vcpu *v, struct hvt_rec_flow *f)
{
	if (v->tr.thread && v->tr.thread->flowing)
		hvt_trace_emit_flow(v, f);
}

/* Of the kernel's, to those alone who have asked for its code. */
static void say_broken(struct hvt_vcpu *v, struct hvt_rec_flow *f, bool user)
{
	if (user || (v->tr.thread && hvt_trace_records_kernel(v->tr.thread)))
		say(v, f);
}

/* Before the instruction that tr.insn is about. */
void hvt_say_interrupt(struct hvt_vcpu *v, u8 vector)
{
	struct hvt_rec_flow f = {
		.ip = v->tr.insn.ip,
		.what = HVT_FLOW_INTERRUPT,
		.vector = vector,
	};

	say_broken(v, &f, v->tr.insn.flags & HVT_RF_USER);
}

static bool is_trap(u32 info)
{
	if (HVT_EV_VECTOR(info) != VEC_DB || HVT_EV_TYPE(info) != HVT_EV_EXCEPTION)
		return hvt_event_is_soft(info);
	return hvt_read_dr6() & DR6_BS;
}

void hvt_say_exception(struct hvt_vcpu *v)
{
	u32 info = v->inject.info;
	const struct hvt_trace_insn *x = &v->tr.insn;
	struct hvt_thread *t = v->tr.thread;
	struct hvt_rec_flow f = {
		.ip = x->ip,
		.what = HVT_FLOW_EXCEPTION,
		.vector = HVT_EV_VECTOR(info),
		.code = info & HVT_EV_ERROR ? v->inject.error : 0,
		.insn_len = x->len ? x->len : x->got,
	};
	u32 i;

	f.h.flags = x->flags;
	if (f.vector == VEC_PF)
		f.arg[0] = hvt_read_cr2();
	if (is_trap(info)) {
		f.h.flags |= HVT_RF_TRAP;
		if (f.vector == VEC_DB && !hvt_event_is_soft(info))
			f.insn_len = 0; /* of what came before, which nobody tells */
	}
	for (i = 0; i < f.insn_len; i++)
		f.insn[i] = x->insn[i];
	say_broken(v, &f, x->flags & HVT_RF_USER);
	if (t)
		t->nest++;
}

/* The CPU goes on with user code at RIP. */
void hvt_say_resume(struct hvt_vcpu *v)
{
	struct hvt_thread *t = v->tr.thread;
	struct hvt_rec_flow f = {
		.what = HVT_FLOW_RESUME,
		.to = vmcs_readl(GUEST_RIP),
	};

	if (t->in_call && f.to == t->call_ret) {
		f.h.flags |= HVT_RF_SYSRET | (t->call32 ? HVT_RF_CODE32 : 0);
		f.code = t->nr;
		f.arg[0] = v->regs.gpr[0];
	}
	t->in_call = false;
	t->away = HVT_HERE;
	t->nest = 0;
	t->fresh = true;
	say(v, &f);
}

/* Prefixes that SYSCALL and INT may have: REX, and those that change nothing. */
static u32 opcode_at(const struct hvt_trace_insn *x)
{
	u32 i;

	for (i = 0; i + 1 < x->got; i++) {
		u8 b = x->insn[i];

		if ((b & 0xf0) != 0x40 && b != 0x66 && b != 0x67 && b != 0xf2 && b != 0xf3 &&
		    (b & 0xe7) != 0x26 && (b & 0xfe) != 0x64)
			break;
	}
	return i;
}

/* INT n, which has retired: an exception of the instruction's own making. */
static void say_int(struct hvt_vcpu *v, u8 vector)
{
	const struct hvt_trace_insn *x = &v->tr.insn;
	struct hvt_rec_flow f = {
		.h = { .flags = x->flags | HVT_RF_TRAP },
		.ip = x->ip,
		.what = HVT_FLOW_EXCEPTION,
		.vector = vector,
		.insn_len = x->len,
	};
	u32 i;

	for (i = 0; i < f.insn_len; i++)
		f.insn[i] = x->insn[i];
	say(v, &f);
	v->tr.thread->nest++;
}

/* The instruction has just led into the kernel: was it a system call? SDM, Linux's ABI. */
void hvt_say_call(struct hvt_vcpu *v)
{
	static const u8 reg64[6] = { 7, 6, 2, 10, 8, 9 }, reg32[6] = { 3, 1, 2, 6, 7, 5 };
	const struct hvt_trace_insn *x = &v->tr.insn;
	const u8 *op = x->insn + opcode_at(x);
	struct hvt_thread *t = v->tr.thread;
	struct hvt_rec_flow f = { .ip = x->ip, .what = HVT_FLOW_SYSCALL };
	bool fast = op[0] == 0x0f && op[1] == 0x05;
	u32 i;

	if (op[0] == 0xcd && op[1] != 0x80)
		say_int(v, op[1]);
	if (!fast && !(op[0] == 0xcd && op[1] == 0x80) && !(op[0] == 0x0f && op[1] == 0x34))
		return;
	t->call32 = !fast || (x->flags & HVT_RF_CODE32);
	t->in_call = true;
	t->nr = f.code = v->regs.gpr[0];
	t->call_ret = x->ip + x->len;
	for (i = 0; i < 6; i++)
		f.arg[i] = t->call32 ? (u32)v->regs.gpr[reg32[i]] : v->regs.gpr[reg64[i]];
	f.h.flags = t->call32 ? HVT_RF_CODE32 : 0;
	say(v, &f);
}

bool hvt_is_iret(const struct hvt_trace_insn *x)
{
	return x->insn[opcode_at(x)] == 0xcf;
}

/* Back from a handler: of an exception by the IRET at @ip, or of an interrupt (0). */
void hvt_say_return(struct hvt_vcpu *v, u64 ip)
{
	struct hvt_thread *t = v->tr.thread;
	struct hvt_rec_flow f = {
		.ip = ip,
		.what = HVT_FLOW_RETURN,
		.to = vmcs_readl(GUEST_RIP),
	};

	t->fresh = true;
	say_broken(v, &f, false);
}

/* The next instruction, at @to, is not recorded. */
void hvt_say_end(struct hvt_vcpu *v, u64 to)
{
	struct hvt_rec_flow f = { .what = HVT_FLOW_END, .to = to };

	hvt_trace_emit_flow(v, &f);
	v->tr.thread->flowing = false;
}
