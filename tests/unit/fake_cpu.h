/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CPU in VMX non-root operation, for the whole of root mode: it interprets the little of
 * x86 that fake_linux.c's system and programs are made of, from their bytes, and exits as
 * the controls in its VMCS say. Chance decides when interrupts come, what faults and which
 * way a JZ goes. What really happens it tells to saw_*(), which the test has.
 */
#ifndef HVT_FAKE_CPU_H
#define HVT_FAKE_CPU_H

#include "fake.h"
#include "shim/task.h"

enum fake_op {
	OP_NOP, OP_JMP, OP_JZ, OP_CALL, OP_RET, OP_INC, OP_ADD, OP_LOAD, OP_MOV_RAX, OP_STACK,
	OP_STI, OP_CLI, OP_EOI, OP_SYSCALL, OP_SYSRET, OP_IRET, OP_INT3, OP_INT80, OP_UD2,
	OP_SKIP2, OP_DROP, OP_CPUID, OP_VMCALL, OP_SWITCH,
};

struct fake_insn {
	u64 ip;
	s64 imm;
	u8 bytes[15], len;
	bool user;
	u8 op;
};

struct fake_task {
	struct task_struct task; /* first */
	struct hvt_thread *thread; /* NULL: not traced */
	u64 gpr[16], rsp, kstack;
	u64 user_rip, user_rsp;
};

#define FAKE_TASKS 3

/* Where things are; linear addresses. */
struct fake_kernel {
	u64 syscall, int80, interrupt, nmi, ud, pf, bp, fork_return;
	u64 switch_call, kick_call, tell_call; /* VMCALLs of the module's */
	u64 function;			       /* that a system call calls */
};

extern struct fake_kernel kernel;
extern struct fake_task fake_task[FAKE_TASKS];
extern struct hvt_vcpu *fake_v;
extern u64 fake_vmcs[0x8000];
extern u64 fake_cr2;
extern u64 fake_launch_rip; /* where the guest is when it is launched */

#define FAKE_USER   0x400000ull
#define FAKE_PAGES  6
#define FAKE_KERNEL 0xffffffff81000000ull

/* fake_cpu.c */
struct fake_odds {
	u32 interrupt, nmi, withdrawn, fault, branch; /* one in so many */
};
extern struct fake_odds fake_odds;
extern u64 fake_left; /* instructions until it stops */
void fake_cpu_reset(void);
bool fake_user(void);
void fake_decode(u64 ip, bool user, struct fake_insn *x);

/* fake_linux.c */
void fake_boot(u64 seed);
void fake_halt(void);
u64 fake_start(void), fake_hot_start(void);
u64 fake_gpa(u64 va);
u8 *fake_at(u64 va);
struct fake_task *fake_this(void);
u64 fake_handler(u32 vector);
u64 fake_nmi_stack(void);
bool fake_vmcall(u64 ip); /* arguments are set: exit; false: it is not called now */
void fake_switch(void);
extern bool fake_kick;		    /* the next interrupt's handler looks anew */
extern struct hvt_rec_flow fake_tell; /* by the next system call of a traced task */
extern bool fake_told, fake_kicked;   /* ... by the VMCALL that has just retired */

/* the test */
void saw_fetch(u64 ip, bool user);
void saw_retired(const struct fake_insn *x); /* the VMCS has what comes after it */
void saw_interrupt(u32 vector);
void saw_fault(u32 vector, u32 error);
void saw_switch(struct fake_task *from, struct fake_task *to);
void saw_record(const struct hvt_rec *r);
/* Before the handler looks: what is traced may be changed. Not 0: this call instead. */
u64 saw_kick(void **arg);

#endif
