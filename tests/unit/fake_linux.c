// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fake_cpu.c runs: a kernel of three pages (handlers of interrupts are in the second,
 * a function that sleeps and calls itself in the third), programs of chance in FAKE_PAGES
 * pages, and tasks that share them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fake_cpu.h"

#define STACKS 0xffff888000010000ull
#define KPAGES 3
#define NSTACKS (FAKE_TASKS + 1) /* the last is for NMIs: an entry by SYSCALL has the user's RSP */

struct fake_kernel kernel;
struct fake_task fake_task[FAKE_TASKS];
struct task_struct *fake_current;
struct hvt_vcpu *fake_v;
bool fake_kick, fake_told, fake_kicked;
struct hvt_rec_flow fake_tell;

static u64 cr3;
static struct fake_task *chosen;
static u64 at; /* where code is written */
static u8 *user_page[FAKE_PAGES], *kernel_page[KPAGES], *stack_page[NSTACKS];

u8 *fake_at(u64 va)
{
	u64 off = va & ~PAGE_MASK;

	if (va - FAKE_USER < FAKE_PAGES * PAGE_SIZE)
		return user_page[(va - FAKE_USER) >> 12] + off;
	if (va - FAKE_KERNEL < KPAGES * PAGE_SIZE)
		return kernel_page[(va - FAKE_KERNEL) >> 12] + off;
	if (va - STACKS < NSTACKS * PAGE_SIZE)
		return stack_page[(va - STACKS) >> 12] + off;
	return NULL;
}

u64 fake_gpa(u64 va)
{
	u8 *p = fake_at(va);

	if (!p)
		fail_msg("nothing is at %#llx", (unsigned long long)va);
	return __pa(p);
}

static u8 *map(u64 va)
{
	u64 *t = __va(cr3);
	u32 level;

	for (level = 4; level > 1; level--) {
		u64 *e = &t[(va >> (12 + 9 * (level - 1))) & 511];

		if (!*e)
			*e = __pa(fake_page()) | 7;
		t = __va(*e & 0x000ffffffffff000ull);
	}
	t[(va >> 12) & 511] = __pa(fake_page()) | 7;
	return __va(t[(va >> 12) & 511] & 0x000ffffffffff000ull);
}

/* ------------------------------------------------------------------ */
/* Code */

static u64 put(u32 n, const char *bytes)
{
	u64 was = at;
	u32 i;

	for (i = 0; i < n; i++)
		*fake_at(at++) = bytes[i];
	return was;
}
#define PUT(s) put(sizeof(s) - 1, s)

static void put_imm(s64 imm, u32 n)
{
	put(n, (const char *)&imm);
}

static void call(u64 to)
{
	PUT("\xe8");
	put_imm(to - at - 4, 4);
}

#define NOP4	 "\x0f\x1f\x40\x00"
#define NOP5	 "\x0f\x1f\x44\x00\x00"
#define IRET	 "\x48\xcf"
#define SYSRET	 "\x48\x0f\x07"
#define VMCALL	 "\x0f\x01\xc1"
#define EOI	 "\x0f\x30"
#define LOAD	 "\x8b\x03"
#define MOV_RAX	 "\x48\xc7\xc0"
#define SKIP_CALL "\x74\x05" /* JZ over a CALL */

static void build_kernel(void)
{
	u64 schedule;

	at = FAKE_KERNEL + 0x40;
	schedule = PUT("\xfa" NOP4);
	kernel.switch_call = PUT(VMCALL);
	PUT("\x90" NOP4 NOP5 NOP4 "\x90\x90" NOP5); /* windows may close here */
	PUT("\x0f\x01\xf8\x90\xc3");
	kernel.fork_return = PUT(NOP4 SYSRET);
	at = FAKE_KERNEL + 2 * PAGE_SIZE + 0x300;
	kernel.function = PUT(NOP5 LOAD SKIP_CALL);
	call(schedule);
	PUT("\xfb" "\x74\x07" SKIP_CALL);
	call(kernel.function);
	PUT("\x90\xc3");
	at = FAKE_KERNEL + 0x140;
	kernel.syscall = PUT("\x65\x48\x8b\x24\x25");
	put_imm(0x1000, 4);
	PUT("\xfb" NOP4);
	kernel.tell_call = PUT(VMCALL);
	PUT(LOAD SKIP_CALL);
	call(kernel.function);
	PUT(SKIP_CALL);
	call(schedule);
	PUT("\xfb" NOP5 LOAD "\xfa" MOV_RAX);
	put_imm(-11, 4);
	PUT(SYSRET);
	kernel.int80 = PUT("\xfb" NOP4 "\xfa" MOV_RAX);
	put_imm(77, 4);
	PUT(IRET);
	kernel.ud = PUT("\x90\x48\x83\x04\x24\x02" NOP4 IRET);
	kernel.bp = PUT(NOP4 IRET);
	kernel.pf = PUT("\x90" SKIP_CALL);
	call(schedule);
	PUT("\x48\x83\xc4\x08" IRET);
	at = FAKE_KERNEL + PAGE_SIZE + 0x80;
	kernel.nmi = PUT(NOP5 "\x90" IRET);
	kernel.interrupt = PUT(NOP4 EOI);
	kernel.kick_call = PUT(VMCALL);
	PUT(SKIP_CALL);
	call(schedule);
	PUT("\x90" IRET);
}

u64 fake_nmi_stack(void)
{
	return STACKS + NSTACKS * PAGE_SIZE;
}

u64 fake_handler(u32 vector)
{
	switch (vector) {
	case 2:
		return kernel.nmi;
	case 3:
		return kernel.bp;
	case 6:
		return kernel.ud;
	case 14:
		return kernel.pf;
	case 0x80:
		return kernel.int80;
	default:
		return kernel.interrupt;
	}
}

static const struct {
	u8 n, odds;
	const char *bytes;
} user_code[] = {
	{ 1, 4, "\x90" }, { 4, 6, NOP4 },	{ 5, 8, NOP5 },	 { 3, 6, "\x48\xff\xc0" },
	{ 7, 4, "\x48\x81\xc3\x07\x01\x00\x00" },		 { 2, 3, LOAD },
	{ 2, 2, "\x0f\x05" }, { 1, 1, "\xcc" }, { 2, 1, "\xcd\x80" }, { 2, 1, "\x0f\x0b" },
	{ 2, 1, "\x0f\xa2" }, { 5, 6, "\xe9\0\0\0" },
};

#define MAX_INSNS (FAKE_PAGES * PAGE_SIZE)
static u64 starts[MAX_INSNS];
static u32 nstarts;

static u32 first_from(u64 va)
{
	u32 k;

	for (k = 0; k + 1 < nstarts && starts[k] < va;)
		k++;
	return k;
}

static void build_program(void)
{
	u64 end = FAKE_USER + FAKE_PAGES * PAGE_SIZE - 16;
	u32 i, pick, total = 0;

	for (i = 0; i < sizeof(user_code) / sizeof(user_code[0]); i++)
		total += user_code[i].odds;
	nstarts = 0;
	for (at = FAKE_USER; at < end;) {
		pick = fake_rnd() % total;
		for (i = 0; pick >= user_code[i].odds; i++)
			pick -= user_code[i].odds;
		starts[nstarts++] = at;
		put(user_code[i].n, user_code[i].bytes);
	}
	PUT("\xe9");
	put_imm((s64)FAKE_USER - (s64)at - 4, 4);
	/* Jumps go near, or to an end of a page, or anywhere. */
	for (i = 0; i < nstarts; i++) {
		u32 k = (i + 1 + fake_rnd() % 12) % nstarts;

		if (*fake_at(starts[i]) != 0xe9)
			continue;
		if (fake_rnd() % 3 == 0) {
			k = first_from(FAKE_USER + (fake_rnd() % FAKE_PAGES + 1) * PAGE_SIZE - 24);
		} else if (fake_rnd() % 3 == 0) {
			k = fake_rnd() % nstarts;
		}
		at = starts[i] + 1;
		put_imm((s64)starts[k] - (s64)at - 4, 4);
	}
}

/* The start of an instruction of the programs; of one that is often come by. */
u64 fake_start(void)
{
	return starts[fake_rnd() % nstarts];
}

u64 fake_hot_start(void)
{
	u64 edge = FAKE_USER + (fake_rnd() % FAKE_PAGES + 1) * PAGE_SIZE - 24;

	return starts[(first_from(edge) + fake_rnd() % 3) % nstarts];
}

/* ------------------------------------------------------------------ */

struct fake_task *fake_this(void)
{
	return (struct fake_task *)fake_current;
}

static void new_task(u32 i)
{
	struct fake_task *t = &fake_task[i];

	memset(t, 0, sizeof(*t));
	t->task.pid = 101 + i;
	t->task.tgid = 100 + i / 2;
	t->kstack = STACKS + (i + 1) * PAGE_SIZE;
	t->user_rip = fake_start();
	t->user_rsp = 0x7ffffff0;
	t->rsp = t->kstack - 64;
	memcpy(fake_at(t->rsp), &kernel.fork_return, 8); /* for schedule()'s RET */
}

/* The last task runs, in user mode; fake_reset() was before. */
void fake_boot(u64 seed)
{
	u32 i;

	fake_reset(seed);
	cr3 = __pa(fake_page());
	for (i = 0; i < FAKE_PAGES; i++)
		user_page[i] = map(FAKE_USER + i * PAGE_SIZE);
	for (i = 0; i < KPAGES; i++)
		kernel_page[i] = map(FAKE_KERNEL + i * PAGE_SIZE);
	for (i = 0; i < NSTACKS; i++)
		stack_page[i] = map(STACKS + i * PAGE_SIZE);
	build_kernel();
	build_program();
	for (i = 0; i < FAKE_TASKS; i++)
		new_task(i);
	hvt_m.levels = 4;
	hvt_m.phys_limit = FAKE_PHYS;
	hvt_m.ncpu = 1;
	fake_v = hvt_m.vcpu[0] = fake_vcpu(0);
	fake_v->tr.len = calloc(HVT_LEN_CACHE, sizeof(struct hvt_len));
	fake_v->form = calloc(HVT_FORM_CACHE, sizeof(struct hvt_form_known));
	fake_v->record = calloc(1, HVT_RECORD);
	fake_v->arena = calloc(1, HVT_ARENA);
	for (i = 0; i < HVT_STEP_PAGES; i++)
		fake_v->snap[i] = fake_page();
	fake_cpu_reset();
	fake_vmcs[GUEST_CR3] = fake_v->host_cr3 = cr3;
	fake_launch_rip = fake_task[FAKE_TASKS - 1].user_rip;
	fake_vmcs[GUEST_RSP] = fake_task[FAKE_TASKS - 1].user_rsp;
	fake_vmcs[GUEST_SS_AR_BYTES] = 3 << 5;
	fake_current = &fake_task[FAKE_TASKS - 1].task;
	chosen = NULL;
	fake_kick = false;
	fake_tell.what = 0;
}

void fake_halt(void)
{
	free(fake_v->tr.len);
	free(fake_v->form);
	free(fake_v->record);
	free(fake_v->arena);
	free(fake_v);
	hvt_m.vcpu[0] = NULL;
}

static bool bodies(void)
{
	return hvt_m.body_trace[0];
}

static void set_call(u64 nr, void *arg)
{
	fake_v->regs.gpr[0] = HVT_CALL_MAGIC;
	fake_v->regs.gpr[1] = nr;
	fake_v->regs.gpr[2] = (u64)arg;
}

/* As hv/threads.c's tell_switch(). */
static bool tell_switch(u64 nr, struct fake_task *next)
{
	if (!next->thread && !fake_v->tr.thread && !fake_v->tr.switching && !bodies())
		return false;
	fake_v->call_switch.thread = next->thread;
	fake_v->call_switch.task = next;
	set_call(nr, &fake_v->call_switch);
	return true;
}

bool fake_vmcall(u64 ip)
{
	void *arg;
	u64 nr;

	if (ip == kernel.switch_call) {
		chosen = &fake_task[fake_rnd() % FAKE_TASKS];
		return chosen != fake_this() && tell_switch(HVT_CALL_SWITCH, chosen);
	}
	if (ip == kernel.kick_call) {
		if (!fake_kick)
			return false;
		fake_kick = false;
		nr = saw_kick(&arg);
		if (nr) {
			set_call(nr, arg);
			return true;
		}
		fake_kicked = true;
		return tell_switch(HVT_CALL_KICK, fake_this());
	}
	if (!fake_tell.what || !fake_this()->thread)
		return false;
	fake_v->call_flow = fake_tell;
	fake_tell.what = 0;
	fake_told = true;
	set_call(HVT_CALL_FLOW, &fake_v->call_flow);
	return true;
}

void fake_switch(void)
{
	struct fake_task *was = fake_this(), *next = chosen;

	chosen = NULL;
	if (!next || next == was)
		return;
	was->rsp = fake_vmcs[GUEST_RSP];
	memcpy(was->gpr, fake_v->regs.gpr, sizeof(was->gpr));
	fake_vmcs[GUEST_RSP] = next->rsp;
	memcpy(fake_v->regs.gpr, next->gpr, sizeof(next->gpr));
	fake_current = &next->task;
	saw_switch(was, next);
}
