/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everything that root mode works on. The files in hv/ allocate and fill it, root
 * reads and changes it; no function of Linux is called from here (tests/root-rules
 * proves it). All of it lives in the direct map or in the module image and is
 * never moved while the machine is attached.
 */
#ifndef HVT_ROOT_H
#define HVT_ROOT_H

#include <linux/atomic.h>
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <asm/desc_defs.h>
#include <asm/processor.h>
#include <hvtrace/uapi.h>
#include "../vmx/vmx_ops.h"
#include "asm.h"
#include "event.h"
#include "insn.h"
#include "regs.h"
#include "trace.h"

#define HVT_MAX_CPUS	 512
#define HVT_SESSIONS	 8	/* open fds with rings */
#define HVT_STEP_PAGES	 40	/* gather: 16 lanes over 2 pages each, and then some */
#define HVT_STEP_TABLES	 (1 + 3 * HVT_STEP_PAGES)
#define HVT_HASH_BITS	 16	/* of both hashes: pages, and bins of references */
#define HVT_VALUE_MAX	 512	/* bytes of value kept of one access */
#define HVT_ARENA	 4096	/* old values of one step */
#define HVT_RECORD	 8192

/* ------------------------------------------------------------------ */
/* What is watched. Changed only by a CPU that has stopped all others. */

struct hvt_watch;

enum hvt_ref_kind { HVT_REF_DATA, HVT_REF_GUARD };

/*
 * A watch's interest in bytes [lo, hi) of a guest-physical page. DATA: its own
 * bytes. GUARD: the page-table entries that translate them; a write there makes
 * root translate [va, va_end) anew.
 */
struct hvt_ref {
	struct hvt_ref *next, **pprev;	/* first ones: of a bin; others: of a set (pages.c) */
	struct hvt_ref *page_next, **page_pprev; /* first ones of the same page */
	struct hvt_ref *same;		/* of a first one: the others of its set */
	struct hvt_ref *todo;		/* follow.c: to be translated anew */
	struct hvt_watch *watch;
	struct hvt_page *page;		/* NULL: not linked */
	u64 va, va_end;
	u64 since;			/* page->accesses when it was linked */
	u64 touched;			/* of those since, how many touched it */
	u16 lo, hi;
	u16 bin;
	u8 kind;
	u8 level;			/* of the guarded table */
	bool first;			/* stands for its set */
};

#define HVT_BIN_ORDERS 13		/* bins of 1, 2, 4 ... 4096 bytes */

struct hvt_page {
	u64 gfn;
	struct hvt_page *next;		/* hash chain, or free list */
	struct hvt_ref *sets;		/* the first ref of each */
	u64 order;			/* retirements so far: a total order */
	u64 accesses;			/* to watched and other bytes; atomically added to */
	u32 nsets;
	u32 norder[HVT_BIN_ORDERS];	/* sets by the size of their bin */
	u32 naccess[3], nguards;	/* refs that want reads, writes, fetches; guards */
	u32 nsession[HVT_SESSIONS];	/* data refs by who is told */
	u32 lock;			/* cpu + 1 of the CPU whose step holds it */
	u8 sessions;			/* bit per session that watches anything here */
	u8 deny;			/* HVT_ACC_* that the ARMED view must not allow */
	bool device;			/* not RAM: reading it would act on the device */
};

struct hvt_filter_state {
	struct hvt_filter f;
	u64 seen;			/* passed all tests; atomically added to */
	u64 taken;			/* ... and counted against f.limit */
};

#define HVT_REF_CHUNK 32		/* the last one is as long as it must be */

struct hvt_watch {
	u32 id;
	u8 access;			/* HVT_ACC_* */
	u8 session;			/* index into hvt_machine.session */
	u8 levels;			/* 4 or 5: depth of its page tables */
	bool linked;
	bool phys;			/* va is guest-physical, there are no guards */
	bool process;			/* of a process's memory, not the kernel's */
	bool coalesce;
	u64 root_gpa;			/* top-level page table of its address space */
	u64 va, len;
	u64 first_page;			/* va >> 12 */
	u32 npages;
	u32 nguards;
	struct hvt_ref **data;		/* npages, in chunks of HVT_REF_CHUNK */
	struct hvt_ref **guard;		/* nguards, likewise, by level: see follow.c */
	u32 guard_base[6];		/* first guard of level n (1..5) */
	u64 mapped;			/* pages of it that are mapped */
	u64 near;			/* of refs that were unlinked: see hvt_ref_near() */
	u64 hits, filtered, remaps;	/* atomically added to */
	struct hvt_filter_state *filter; /* NULL: none */
	struct hvt_trace *opens;	/* whose windows its accesses open; NULL: none */
	bool silent;			/* no records: it is there for a trace */
};

static __always_inline struct hvt_ref *hvt_data_ref(const struct hvt_watch *w, u32 i)
{
	return &w->data[i / HVT_REF_CHUNK][i % HVT_REF_CHUNK];
}

static __always_inline struct hvt_ref *hvt_guard_ref(const struct hvt_watch *w, u32 i)
{
	return &w->guard[i / HVT_REF_CHUNK][i % HVT_REF_CHUNK];
}

/* Accesses to the ref's page that did not touch it; approximate while they go on. */
static __always_inline u64 hvt_ref_near(const struct hvt_ref *r)
{
	const struct hvt_page *p = READ_ONCE(r->page);
	u64 not = READ_ONCE(r->since) + READ_ONCE(r->touched); /* before what it is part of */
	u64 all = p ? READ_ONCE(p->accesses) : 0;

	return all > not ? all - not : 0;
}

/* ------------------------------------------------------------------ */
/* Rings */

struct hvt_ring {
	u32 slots;			/* power of two */
	u32 pad;
	void **page;			/* slots * 64 / 4096 pages */
	struct hvt_ring_head *head;	/* mapped read-only by the consumer */
	struct hvt_ring_tail *tail;	/* mapped writable by the consumer: hostile */
	u64 pos;			/* private copy of head */
	u64 seq;			/* of the next record */
	u64 lost, lost_seq;		/* of the gap being made */
	u64 lost_total;
};

struct hvt_session {
	struct hvt_ring *ring;		/* one per CPU id; NULL: slot is free */
	u32 ignored;			/* tgid whose accesses are not recorded; 0: none */
};

/* ------------------------------------------------------------------ */
/* One step: from the violation to retirement (or to what came instead) */

enum hvt_step_mode { HVT_STEP_NONE, HVT_STEP_INSN, HVT_STEP_DELIVERY };

/* A part of an access in one page; page is NULL when nobody watches that kind there. */
struct hvt_span {
	struct hvt_page *page;
	u32 lo, hi;			/* bytes of the page */
};

/* A record in the making. */
struct hvt_prov {
	u64 gla, gpa, gpa2;		/* gpa2: of the bytes in the second page */
	u32 size, len1;			/* len1: bytes in the first page */
	u16 flags;			/* HVT_RF_* */
	u8 access;
	u8 op;				/* of the instruction's operands; HVT_NO_OP: other */
	bool hit;			/* touches a watch; else it only counts as near */
	u8 sessions;			/* of a hit: bit per session that may hear of it */
	struct hvt_span span[2];
	struct hvt_ref *only;		/* the one ref that it touches, NULL: look them up */
	u8 only_part;			/* ... and the span where */
	struct hvt_page *page;		/* the one that ranks it */
	u16 old_off, old_len;		/* in the arena */
	s16 snap;			/* blind: index of the page snapshot, else -1 */
};
#define HVT_NO_OP 0xff

/* Iterations of a REP string instruction that become one record: run.c. */
struct hvt_run {
	u8 sessions;			/* 0: none */
	u8 access;
	u16 flags;
	u32 elem, down;
	u64 gla, gpa, size, count, order;
	struct hvt_watch *watch[HVT_SESSIONS];
	u32 len;			/* value bytes in old and new */
	u8 *old, *new;			/* HVT_VALUE_MAX each */
};
#define HVT_RUNS 2			/* operands of a string instruction */

/* The last remap record, to say it once for many watches of a page. */
struct hvt_said {
	u64 stop, va, old_gpa, new_gpa;
	u32 session;
};

struct hvt_dirty {			/* guarded bytes that the step may write */
	u64 gfn;
	u64 was;			/* if all of it is in one entry: that */
	u16 lo, hi;
};
#define HVT_STEP_DIRTY 16

struct hvt_step {
	u8 mode;			/* enum hvt_step_mode */
	bool blind;			/* in the STEP view, pages are opened one by one */
	bool stopped;			/* holds the rendezvous */
	u8 insn_len;			/* bytes in insn[] */
	u8 vector;
	bool has_error;
	u32 nprov, nlock, nsnap, ndirty;
	u32 arena_used;
	u64 ip, rip, cr3;		/* ip: linear */
	u64 near_gla, near_gpa;		/* the violation's page; HVT_GPA_NONE: not known */
	u16 mode_flags;			/* HVT_RF_USER, CODE32, CODE16, NOINSN */
	bool rep;			/* a string instruction that may go on after it retires */
	bool down;			/* ... towards lower addresses */
	bool fetch;			/* its page is not executable in ARMED */
	u8 insn[16];
	struct hvt_insn dec;		/* valid in an exact step */
	u64 gpr[16];			/* before the instruction */
	struct hvt_prov prov[HVT_STEP_PAGES];
	struct hvt_page *lock[HVT_STEP_PAGES];
	struct hvt_dirty dirty[HVT_STEP_DIRTY];
};

/* ------------------------------------------------------------------ */

/*
 * NOUSER is ARMED without permission to execute user pages (mode-based execute control, SDM
 * 29.3.3.2). LAZY is the same but for pages that were found to hold no wanted code; or it is
 * ARMED without permission to execute one page.
 */
enum hvt_view {
	HVT_VIEW_ARMED,
	HVT_VIEW_OPEN,
	HVT_VIEW_STEP,
	HVT_VIEW_NOUSER,
	HVT_VIEW_LAZY,
};

/* Why a CPU left VMX by itself; read by Linux (hv/cpu.c). */
struct hvt_crash {
	u32 kind;			/* enum hvt_crash_kind, 0: none */
	u32 rc;				/* of the failed entry */
	u32 vmx_error;
	u32 exit_reason;
	u64 vector, error, rip, cr2, qualification;
};

enum hvt_crash_kind {
	HVT_CRASH_NONE,
	HVT_CRASH_ENTRY,		/* VMLAUNCH/VMRESUME failed */
	HVT_CRASH_GUEST_STATE,		/* entry failed on guest state (exit bit 31) */
	HVT_CRASH_EXIT,			/* an exit that cannot happen did */
	HVT_CRASH_EXCEPTION,		/* root mode faulted */
	HVT_CRASH_EPT,			/* EPT misconfiguration or a hole */
};

struct hvt_call_switch {
	struct hvt_thread *thread;	/* NULL: not traced */
	void *task;
};

/* An instruction that was decoded here before, by what it is found by. */
struct hvt_form_known {
	u64 ip, lo, hi;			/* its linear address and its 15 bytes */
	struct hvt_form form;
};
#define HVT_FORM_CACHE 256

struct hvt_vcpu {
	struct guest_regs regs;		/* first: vmx_entry.S */
	struct hvt_vcpu *self;
	u64 stack_top;
	u8 mc_seen;

	u8 active;			/* under VMX: takes part in rendezvous */
	u8 launched;			/* Linux's view: hvt_call() is allowed */
	u8 leave;			/* the loop is to end */
	u32 cpu, apic_id;

	/* stop.c */
	u32 park, parked, nmi_expected;

	/* events waiting for injection: written to the VMCS just before entry */
	struct hvt_event inject;
	bool nmi_pending;

	u8 view;			/* enum hvt_view */
	u8 base;			/* the one between steps: ARMED, NOUSER or LAZY */
	u32 ctl_pin, ctl_cpu;		/* what the VMCS holds now */
	u32 exc_bitmap;
	u64 eptp_step;
	struct hvt_step step;
	struct hvt_form_known *form;	/* HVT_FORM_CACHE */
	bool stop_next;			/* the coming step needs the others stopped */
	u64 *step_table[HVT_STEP_TABLES];
	u32 step_tables_used;
	u64 eptp_lazy;
	u64 *lazy_table[HVT_LAZY_TABLES];
	u64 lazy_trap;			/* the page that LAZY notices, HVT_TRAP_ENTRY, or HVT_GPA_NONE */
	u32 lazy_tables_used;
	struct hvt_tracer tr;
	struct hvt_call_switch call_switch; /* arguments of calls from tracepoints here */
	struct hvt_rec_flow call_flow;
	void *snap[HVT_STEP_PAGES];
	u8 *arena;			/* HVT_ARENA bytes */
	struct hvt_run run[HVT_RUNS];
	struct hvt_said said;
	u8 *record;			/* a record being built, and its values: HVT_RECORD */

	u64 exits[HVT_EXIT_REASONS];
	u64 steps, steps_retired, steps_dropped, lock_retries, rendezvous;
	struct hvt_crash crash;

	/* set up by Linux */
	u64 vmxon_pa, vmcs_pa, msr_bitmap_pa;
	u64 host_cr3;
	bool kpti;
	struct desc_struct *gdt_rw;	/* Linux's writable GDT of this CPU */
	struct desc_struct *gdt;	/* root's own */
	gate_desc *idt;
	struct x86_hw_tss *tss;
	u16 tr_sel;
};

/* The EPT roots and what is needed to change ARMED. */
struct hvt_ept {
	u64 *open, *armed, *nouser;	/* top-level tables */
	u64 eptp_open, eptp_armed, eptp_nouser;
	bool exec_only;
	bool mbec;			/* user and supervisor execution are two permissions */
	void *free;			/* pages for splitting, linked by their first word */
	u64 nfree;
	u64 pages_restricted;
	u64 tables;			/* private tables in ARMED */
	u64 split_2m, split_1g;		/* large leaves that are split now */
};

struct hvt_machine {
	struct hvt_vcpu *vcpu[HVT_MAX_CPUS];
	u32 ncpu;			/* ids below this */
	u32 stop_lock;			/* stop.c: cpu + 1 of the CPU that stopped the others */
	bool broken;
	u8 maxphyaddr;
	u8 levels;			/* of guest page tables: 4, or 5 with CR4.LA57 */
	u64 phys_limit;			/* first physical address without a direct map */
	u64 entry_lo, entry_hi;		/* pages through which Linux is entered and left; 0: not known */
	struct hvt_ept ept;
	struct hvt_page **hash;		/* 1 << HVT_HASH_BITS */
	struct hvt_ref **bins;		/* 1 << HVT_HASH_BITS */
	struct hvt_page *free_pages;
	u64 order_floor;		/* no page that is not watched had a higher order */
	struct hvt_session session[HVT_SESSIONS];
	struct hvt_trace *body_trace[HVT_BODY_TRACES];
	struct hvt_thread body[HVT_BODIES];
};

extern struct hvt_machine hvt_m;

static_assert(offsetof(struct hvt_vcpu, regs) == 0);
static_assert(offsetof(struct guest_regs, host_rsp) == HVT_REGS_HOST_RSP);
static_assert(offsetof(struct guest_regs, nmi_seen) == HVT_REGS_NMI_SEEN);
static_assert(offsetof(struct guest_regs, no_entry) == HVT_REGS_NO_ENTRY);
static_assert(offsetof(struct hvt_vcpu, self) == HVT_VCPU_SELF);
static_assert(offsetof(struct hvt_vcpu, stack_top) == HVT_VCPU_STACK_TOP);
static_assert(offsetof(struct hvt_vcpu, mc_seen) == HVT_VCPU_MC_SEEN);
static_assert(HOST_RSP == HVT_HOST_RSP_FIELD);

/* Calls from Linux, in guest context, by hvt_call(); each returns a u64. */
enum hvt_call_nr {
	HVT_CALL_ENTERED = 1,	/* this CPU was launched: takes part in stops */
	HVT_CALL_LEAVE,		/* this CPU leaves VMX */
	HVT_CALL_LINK,		/* struct hvt_call_range *: translate and arm */
	HVT_CALL_UNLINK,	/* struct hvt_watch *: disarm */
	HVT_CALL_SUPPLY,	/* struct hvt_supply *: give memory to root */
	HVT_CALL_RECLAIM,	/* struct hvt_supply *: take as much back */
	HVT_CALL_SWITCH,	/* struct hvt_call_switch *: the scheduler has chosen */
	HVT_CALL_KICK,		/* the same, and it is that one already */
	HVT_CALL_FLOW,		/* struct hvt_rec_flow *: said of the thread on this CPU */
	HVT_CALL_BODY,		/* struct hvt_trace *: traced from now on */
	HVT_CALL_NOBODY,	/* struct hvt_trace *: ... no more */
};

/*
 * Memory that root links into its free lists, or took out of them. Call arguments
 * live in the direct map, never on Linux's (vmalloc'ed) stack.
 */
struct hvt_supply {
	struct hvt_page *pages;		/* linked by next */
	void *tables;			/* EPT tables, linked by their first word */
	u64 npages, ntables;
};

struct hvt_call_range {
	struct hvt_watch *watch;
	u64 va, va_end;
};

asmlinkage u64 hvt_call(u64 nr, u64 arg);
asmlinkage int hvt_launch(struct hvt_vcpu *v);

#endif
