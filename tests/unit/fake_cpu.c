// SPDX-License-Identifier: GPL-2.0-only
/* See fake_cpu.h. SDM volume 3, 26.5.2 (MTF), 26.1 to 26.3 (exits), 6.14 (delivery). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake_cpu.h"
#include "shim/apic.h"
#include "shim/asm/processor-flags.h"

#define F(field) fake_vmcs[field]
#define USER	 (1ull << 10)
#define VEC_BP	 3
#define VEC_UD	 6
#define VEC_PF	 14

u64 fake_vmcs[0x8000], fake_cr2, fake_left, fake_launch_rip;
struct fake_odds fake_odds;
static u64 dr6;
static u32 isr[8], irr; /* irr: the vector that is pending, or 0 */
static bool nmi;
static u32 stuck;

/* clang-format off */
const u8 hvt_rdmsr_insn[1], hvt_wrmsr_insn[1], hvt_xsetbv_insn[1], hvt_copy_insn[1];
const u8 hvt_load_insn[1], hvt_entry_insn[1], hvt_fixup[1], hvt_fixup_entry[1], hvt_launched[1];
/* clang-format on */

static bool one_in(u32 n)
{
	return n && fake_rnd() % n == 0;
}

bool fake_user(void)
{
	return VMX_AR_DPL(F(GUEST_SS_AR_BYTES)) == 3;
}

static void set_user(bool user)
{
	F(GUEST_SS_AR_BYTES) = user ? 3 << 5 : 0;
}

void fake_cpu_reset(void)
{
	memset(fake_vmcs, 0, sizeof(fake_vmcs));
	memset(isr, 0, sizeof(isr));
	irr = 0;
	nmi = false;
	F(GUEST_CS_AR_BYTES) = VMX_AR_L_MASK;
	F(GUEST_LDTR_AR_BYTES) = VMX_AR_UNUSABLE_MASK;
	F(GUEST_RFLAGS) = X86_EFLAGS_IF;
	F(EPT_POINTER) = hvt_m.ept.eptp_armed;
}

/* ------------------------------------------------------------------ */
/* Memory */

static u64 load(u64 va)
{
	u64 value;

	memcpy(&value, fake_at(va), 8);
	return value;
}

static void store(u64 va, u64 value)
{
	memcpy(fake_at(va), &value, 8);
}

static u64 pop(void)
{
	u64 value = load(F(GUEST_RSP));

	F(GUEST_RSP) += 8;
	return value;
}

static void push(u64 value)
{
	F(GUEST_RSP) -= 8;
	store(F(GUEST_RSP), value);
}

static int leave(u32 reason)
{
	F(VM_EXIT_REASON) = reason;
	return 0;
}

static u64 permissions(u64 va)
{
	return fake_ept_walk(__va(F(EPT_POINTER)), fake_gpa(va));
}

/* False: the exit is prepared. */
static bool may(u64 va, u32 access)
{
	u64 e = permissions(va), need = access;

	if (access == HVT_ACC_X && hvt_m.ept.mbec && fake_user())
		need = USER;
	if (e & need)
		return true;
	F(EXIT_QUALIFICATION) = access | (e & 7) << 3 | EPT_VIOLATION_GVA_IS_VALID |
				EPT_VIOLATION_GVA_TRANSLATED;
	F(GUEST_PHYSICAL_ADDRESS) = fake_gpa(va);
	F(GUEST_LINEAR_ADDRESS) = va;
	return false;
}

/* ------------------------------------------------------------------ */
/* Events */

static u8 isr_top(void)
{
	u32 i;

	for (i = 256; i--;)
		if (isr[i / 32] & 1u << i % 32)
			return i;
	return HVT_VECTOR_NONE;
}

static void set_isr(u32 vector, bool on)
{
	isr[vector / 32] &= ~(1u << vector % 32);
	isr[vector / 32] |= (u32)on << vector % 32;
}

/* False: an EPT violation came, which the exit's fields tell. */
static bool deliver(u32 info, u32 error, u32 len)
{
	u64 rip = F(GUEST_RIP), rsp = F(GUEST_RSP), flags = F(GUEST_RFLAGS), sp = rsp;
	u32 type = HVT_EV_TYPE(info), vector = HVT_EV_VECTOR(info);
	bool user = fake_user(), soft = hvt_event_is_soft(info);
	struct fake_insn x;

	if (type == HVT_EV_NMI)
		sp = fake_nmi_stack();
	else if (user)
		sp = fake_this()->kstack;
	sp &= ~15ull;
	if (!may(sp - 8, HVT_ACC_W)) {
		F(IDT_VECTORING_INFO_FIELD) = info;
		F(IDT_VECTORING_ERROR_CODE) = error;
		F(VM_EXIT_INSTRUCTION_LEN) = len;
		return false;
	}
	if (!(info & HVT_EV_ERROR))
		error = 0;
	if (soft)
		fake_decode(rip, user, &x);
	else if (type == HVT_EV_EXCEPTION)
		saw_fault(vector, error);
	else
		saw_interrupt(vector);
	F(GUEST_RSP) = sp;
	push(0);
	push(rsp);
	push(flags);
	push(user ? 3 : 0);
	push(rip + (soft ? len : 0));
	if (info & HVT_EV_ERROR)
		push(error);
	set_user(false);
	F(GUEST_RIP) = fake_handler(vector);
	F(GUEST_RFLAGS) &= ~X86_EFLAGS_IF;
	if (type == HVT_EV_NMI)
		F(GUEST_INTERRUPTIBILITY_INFO) |= HVT_BLOCK_NMI;
	if (soft)
		saw_retired(&x);
	return true;
}

/* ------------------------------------------------------------------ */
/* Execution */

enum { RAN, FAULTED, EXITED };

static int exception(const struct fake_insn *x, u32 type, u32 vector, bool has_error, u32 error)
{
	u32 info = HVT_EV_INFO(type, vector) | (has_error ? HVT_EV_ERROR : 0);

	if (F(EXCEPTION_BITMAP) & 1u << vector) {
		F(VM_EXIT_INTR_INFO) = info;
		F(VM_EXIT_INTR_ERROR_CODE) = error;
		F(VM_EXIT_INSTRUCTION_LEN) = x->len;
		F(EXIT_QUALIFICATION) = vector == VEC_PF ? fake_v->regs.gpr[3] : 0;
		return leave(EXIT_REASON_EXCEPTION_NMI), EXITED;
	}
	if (vector == VEC_PF)
		fake_cr2 = fake_v->regs.gpr[3];
	return deliver(info, error, x->len) ? FAULTED : (leave(EXIT_REASON_EPT_VIOLATION), EXITED);
}

static void iret(void)
{
	u64 rip = pop(), cs = pop(), flags = pop(), rsp = pop();

	F(GUEST_RIP) = rip;
	F(GUEST_RFLAGS) = flags;
	F(GUEST_RSP) = rsp;
	set_user(cs & 3);
	F(GUEST_INTERRUPTIBILITY_INFO) &= ~HVT_BLOCK_NMI;
}

static void syscall(const struct fake_insn *x)
{
	fake_this()->user_rip = x->ip + x->len;
	fake_this()->user_rsp = F(GUEST_RSP);
	F(GUEST_RIP) = kernel.syscall;
	F(GUEST_RFLAGS) &= ~X86_EFLAGS_IF;
	set_user(false);
}

static void sysret(void)
{
	F(GUEST_RIP) = fake_this()->user_rip;
	F(GUEST_RSP) = fake_this()->user_rsp;
	F(GUEST_RFLAGS) = X86_EFLAGS_IF;
	set_user(true);
}

/* What it touches on the stack. */
static bool stack_may(const struct fake_insn *x)
{
	switch (x->op) {
	case OP_CALL:
		return may(F(GUEST_RSP) - 8, HVT_ACC_W);
	case OP_SKIP2:
		return may(F(GUEST_RSP), HVT_ACC_W);
	case OP_RET:
	case OP_IRET:
		return may(F(GUEST_RSP), HVT_ACC_R);
	default:
		return true;
	}
}

static int execute(const struct fake_insn *x)
{
	u64 next = x->ip + x->len, *gpr = fake_v->regs.gpr;

	switch (x->op) {
	case OP_LOAD:
		if (one_in(fake_odds.fault))
			return exception(x, HVT_EV_EXCEPTION, VEC_PF, true, x->user ? 4 : 0);
		break;
	case OP_UD2:
		return exception(x, HVT_EV_EXCEPTION, VEC_UD, false, 0);
	case OP_INT3:
		return exception(x, HVT_EV_SOFT_EXCEPTION, VEC_BP, false, 0);
	case OP_INT80:
		if (!deliver(HVT_EV_INFO(HVT_EV_SOFT_INTR, 0x80), 0, x->len))
			return leave(EXIT_REASON_EPT_VIOLATION), EXITED;
		return RAN; /* told by deliver() */
	case OP_CPUID:
	case OP_VMCALL:
		if (x->op == OP_VMCALL && !fake_vmcall(x->ip))
			break;
		F(VM_EXIT_INSTRUCTION_LEN) = x->len;
		F(GUEST_RIP) = next;
		saw_retired(x); /* as root will have it */
		F(GUEST_RIP) = x->ip;
		leave(x->op == OP_CPUID ? EXIT_REASON_CPUID : EXIT_REASON_VMCALL);
		return EXITED;
	default:
		break;
	}
	F(GUEST_RIP) = next;
	switch (x->op) {
	case OP_JMP:
		F(GUEST_RIP) += x->imm;
		break;
	case OP_JZ:
		F(GUEST_RIP) += one_in(fake_odds.branch) ? x->imm : 0;
		break;
	case OP_CALL:
		push(next);
		F(GUEST_RIP) += x->imm;
		break;
	case OP_RET:
		F(GUEST_RIP) = pop();
		break;
	case OP_INC:
		gpr[0]++;
		break;
	case OP_ADD:
		gpr[3] += x->imm;
		break;
	case OP_MOV_RAX:
		gpr[0] = x->imm;
		break;
	case OP_STACK:
		F(GUEST_RSP) = fake_this()->kstack;
		break;
	case OP_STI:
		F(GUEST_RFLAGS) |= X86_EFLAGS_IF;
		break;
	case OP_CLI:
		F(GUEST_RFLAGS) &= ~X86_EFLAGS_IF;
		break;
	case OP_EOI:
		if (isr_top() != HVT_VECTOR_NONE)
			set_isr(isr_top(), false);
		break;
	case OP_SYSCALL:
		syscall(x);
		break;
	case OP_SYSRET:
		sysret();
		break;
	case OP_IRET:
		iret();
		break;
	case OP_SKIP2:
		store(F(GUEST_RSP), load(F(GUEST_RSP)) + 2);
		break;
	case OP_DROP:
		F(GUEST_RSP) += 8;
		break;
	case OP_SWITCH:
		saw_retired(x);
		fake_switch();
		return RAN;
	default:
		break;
	}
	saw_retired(x);
	return RAN;
}

/* Chance, at an instruction's boundary. */
static void happen(void)
{
	nmi |= one_in(fake_odds.nmi);
	if (!irr && one_in(fake_odds.interrupt))
		irr = 0x30 + fake_rnd() % 0xc0;
}

/* True: an exit. */
static bool external(bool *stepped)
{
	u64 shadow = HVT_BLOCK_STI | HVT_BLOCK_MOV_SS;

	if (nmi) {
		nmi = false;
		F(VM_EXIT_INTR_INFO) = HVT_EV_INFO(HVT_EV_NMI, 2);
		return leave(EXIT_REASON_EXCEPTION_NMI), true;
	}
	if ((F(CPU_BASED_VM_EXEC_CONTROL) & CPU_BASED_NMI_WINDOW_EXITING) &&
	    !(F(GUEST_INTERRUPTIBILITY_INFO) & (shadow | HVT_BLOCK_NMI)))
		return leave(EXIT_REASON_NMI_WINDOW), true;
	if (irr && (F(PIN_BASED_VM_EXEC_CONTROL) & PIN_BASED_EXT_INTR_MASK)) {
		if (++stuck > 8)
			fail_msg("an interrupt exits again and again, and nothing runs");
		return leave(EXIT_REASON_EXTERNAL_INTERRUPT), true;
	}
	stuck = 0;
	if (irr && (F(GUEST_RFLAGS) & X86_EFLAGS_IF) && irr > (isr_top() + 1u) % 256) {
		u32 vector = irr;

		irr = 0;
		set_isr(vector, true);
		if (!deliver(HVT_EV_INFO(HVT_EV_INTR, vector), 0, 0))
			return leave(EXIT_REASON_EPT_VIOLATION), true;
		*stepped = true;
	}
	return false;
}

static int run(void)
{
	bool mtf = F(CPU_BASED_VM_EXEC_CONTROL) & CPU_BASED_MONITOR_TRAP_FLAG, stepped = false;
	u32 inject = F(VM_ENTRY_INTR_INFO_FIELD), i;

	F(IDT_VECTORING_INFO_FIELD) = 0;
	F(VM_ENTRY_INTR_INFO_FIELD) &= ~(u64)HVT_EV_VALID;
	if (inject & HVT_EV_VALID) {
		if (!deliver(inject, F(VM_ENTRY_EXCEPTION_ERROR_CODE), F(VM_ENTRY_INSTRUCTION_LEN)))
			return leave(EXIT_REASON_EPT_VIOLATION);
		stepped = true;
	}
	for (;;) {
		struct fake_insn x;

		if (mtf && stepped)
			return leave(EXIT_REASON_MONITOR_TRAP_FLAG);
		happen();
		stepped = false;
		if (external(&stepped))
			return 0;
		if (stepped)
			continue;
		if (!fake_left || !--fake_left) {
			fake_v->leave = true;
			fake_launch_rip = F(GUEST_RIP);
			return leave(EXIT_REASON_NMI_WINDOW);
		}
		fake_decode(F(GUEST_RIP), fake_user(), &x);
		saw_fetch(x.ip, x.user);
		for (i = 0; i < x.len; i++)
			if (!may(x.ip + i, HVT_ACC_X))
				return leave(EXIT_REASON_EPT_VIOLATION);
		if (!stack_may(&x))
			return leave(EXIT_REASON_EPT_VIOLATION);
		if (execute(&x) == EXITED)
			return 0;
		stepped = true;
	}
}

int vmx_vmlaunch(struct guest_regs *regs)
{
	assert_ptr_equal(regs, &fake_v->regs);
	if (F(GUEST_RIP) == (u64)hvt_launched)
		F(GUEST_RIP) = fake_launch_rip;
	return run();
}

int vmx_vmresume(struct guest_regs *regs)
{
	if (F(VM_EXIT_REASON) == EXIT_REASON_EXTERNAL_INTERRUPT && one_in(fake_odds.withdrawn))
		irr = 0;
	return vmx_vmlaunch(regs);
}

/* ------------------------------------------------------------------ */
/* What root mode calls */

/* clang-format off */
u64 vmcs_read64(unsigned long field) { return F(field); }
int vmcs_write64(unsigned long field, u64 value) { F(field) = value; return 0; }
u32 vmcs_read32(unsigned long field) { return F(field); }
int vmcs_write32(unsigned long field, u32 value) { F(field) = value; return 0; }
u64 vmcs_readl(unsigned long field) { return F(field); }
int vmcs_writel(unsigned long field, u64 value) { F(field) = value; return 0; }
int vmx_vmread(unsigned long field, u64 *value) { *value = F(field); return 0; }
int vmx_vmxoff(void) { return 0; }
int vmx_vmclear(u64 pa) { return 0; }
int vmx_invvpid(unsigned long type, u16 vpid, u64 linear) { return 0; }
u64 hvt_read_cr2(void) { return fake_cr2; }
void hvt_write_cr2(u64 value) { fake_cr2 = value; }
u64 hvt_read_dr6(void) { return dr6; }
void hvt_write_dr6(u64 value) { dr6 = value; }
void hvt_unblock_nmi(void) { }
int hvt_wrmsr_safe(u32 msr, u64 value) { return 0; }
int hvt_xsetbv_safe(u32 index, u64 value) { return 1; }
int hvt_copy_safe(void *dst, const void *src, u64 n) { memcpy(dst, src, n); return 0; }
int hvt_load_safe(u64 *dst, const void *src) { memcpy(dst, src, 8); return 0; }
u64 hvt_load_entry(const void *src) { u64 e; memcpy(&e, src, 8); return e; }
bool hvt_vec_read(unsigned int reg, u8 out[64]) { return false; }
bool hvt_mmx_read(unsigned int reg, u8 out[8]) { return false; }
bool hvt_mask_read(unsigned int reg, u64 *out) { return false; }
bool hvt_xstate_read(struct hvt_xstate *out) { return false; }
bool hvt_xcomp_read(unsigned int i, struct hvt_xcomp *out) { return false; }
void hvt_leave(struct hvt_vcpu *v) { }
u64 hvt_emit_begin(struct hvt_vcpu *v, u8 sessions) { return 0; }
void hvt_emit_end(struct hvt_vcpu *v, u8 sessions) { }
void hvt_emit_rec(struct hvt_vcpu *v, u32 session, struct hvt_rec *r) { saw_record(r); }
void hvt_emit_access(struct hvt_vcpu *v, const struct hvt_prov *p, u64 tsc) { }
void hvt_emit_remap(struct hvt_vcpu *v, struct hvt_watch *w, u64 va, u64 old, u64 new) { }
void hvt_run_end(struct hvt_vcpu *v) { }
u8 hvt_run_sessions(const struct hvt_vcpu *v) { return 0; }
/* clang-format on */

bool hvt_guest_read(u64 addr, void *dst, u32 n)
{
	if (!fake_at(addr) || !fake_at(addr + n - 1))
		return false;
	while (n--)
		((u8 *)dst)[n] = *fake_at(addr + n);
	return true;
}

int hvt_rdmsr_safe(u32 msr, u64 *value)
{
	u32 word = msr - APIC_BASE_MSR - (APIC_ISR >> 4);

	*value = msr == MSR_IA32_APICBASE ? X2APIC_ENABLE : word < 8 ? isr[word] : 0;
	return 0;
}
