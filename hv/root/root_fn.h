/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions of root mode, by file. Callers are in root mode on vcpu @v's CPU. */
#ifndef HVT_ROOT_FN_H
#define HVT_ROOT_FN_H

#include "root.h"

/* loop.c */
asmlinkage int hvt_root_main(struct hvt_vcpu *v, u64 rsp);
asmlinkage void hvt_root_exception(struct hvt_vcpu *v, u64 *frame);
void hvt_crash_leave(struct hvt_vcpu *v, u32 kind);

/*
 * leave.c: take this CPU out of VMX and go on as the guest. Does not return, which
 * is not said to the compiler because objtool would not believe it.
 */
void hvt_leave(struct hvt_vcpu *v);

/* exit_cpu.c: return true when the instruction was completed (RIP moved) */
bool hvt_exit_instruction(struct hvt_vcpu *v, u32 reason);
void hvt_exit_exception(struct hvt_vcpu *v, u32 info);
void hvt_skip_instruction(struct hvt_vcpu *v);
void hvt_take_back(struct hvt_supply *s);

/* inject.c */
u32 hvt_take_vectoring(struct hvt_vcpu *v, bool unblock);
void hvt_inject_exception(struct hvt_vcpu *v, u8 vector, bool has_error, u32 error);
void hvt_choose_injection(struct hvt_vcpu *v);
void hvt_injected(struct hvt_vcpu *v);

/* exit_ept.c */
void hvt_exit_ept(struct hvt_vcpu *v, u64 qual, u32 vec_info);

/* step.c */
void hvt_set_controls(struct hvt_vcpu *v);
bool hvt_step_lock(struct hvt_vcpu *v);
void hvt_step_enter(struct hvt_vcpu *v);
void hvt_step_retire(struct hvt_vcpu *v);
void hvt_step_drop(struct hvt_vcpu *v);

/* exact.c */
void hvt_note_context(struct hvt_vcpu *v);
bool hvt_decode(struct hvt_vcpu *v);
bool hvt_begin_exact(struct hvt_vcpu *v);

/* decode.c */
bool hvt_decode_at(struct hvt_vcpu *v, u64 ip, u16 flags, const u64 *gpr, const u8 *insn,
		   u32 got, struct hvt_insn *out);

/* collect.c */
void hvt_collect(struct hvt_vcpu *v, u64 gla, u32 size, u8 access, u8 op);
void hvt_collect_page(struct hvt_vcpu *v, const struct hvt_prov *at);
void hvt_collect_store(struct hvt_vcpu *v, struct hvt_prov *p);
void hvt_capture_old(struct hvt_vcpu *v);

/* account.c */
struct hvt_values {
	u8 *old, *new;			/* in memory order */
	u32 len;			/* bytes known, from the first one of the access */
	bool have_old;
};
struct hvt_verdict {
	u8 plain;			/* sessions that want it even of a run */
	u8 sessions;			/* who is to hear of it ... */
	struct hvt_watch *watch[HVT_SESSIONS]; /* ... as touching this one first */
};
void hvt_account(struct hvt_vcpu *v, const struct hvt_prov *p, const struct hvt_values *val,
		 struct hvt_verdict *out);

/* device.c */
bool hvt_device_value(struct hvt_vcpu *v, const struct hvt_prov *p, u8 *out);

/* run.c */
void hvt_run_add(struct hvt_vcpu *v, const struct hvt_prov *p, const struct hvt_values *val,
		 struct hvt_verdict *who, u64 tsc);
void hvt_run_end(struct hvt_vcpu *v);
u8 hvt_run_sessions(const struct hvt_vcpu *v);

/* emit.c */
void hvt_emit_access(struct hvt_vcpu *v, const struct hvt_prov *p, u64 tsc);
void hvt_emit_run(struct hvt_vcpu *v, const struct hvt_run *run, u64 tsc);
void hvt_emit_remap(struct hvt_vcpu *v, struct hvt_watch *w, u64 va, u64 old_gpa, u64 new_gpa);
u64 hvt_emit_begin(struct hvt_vcpu *v, u8 sessions);
void hvt_emit_end(struct hvt_vcpu *v, u8 sessions);
void hvt_emit_rec(struct hvt_vcpu *v, u32 session, struct hvt_rec *rec);

/* guest_mem.c */
u64 hvt_translate(u64 cr3, u64 gla);
bool hvt_read_phys(void *dst, u64 gpa, u32 n);
u32 hvt_read_linear(u64 cr3, u64 gla, u8 *buf, u32 n);
u32 hvt_fetch(u64 cr3, u64 ip, u8 *buf);
bool hvt_guest_read_ram(u64 gla, u8 *out, u32 n);

/* pages.c */
struct hvt_page *hvt_page_find(u64 gfn);
void hvt_ref_link(struct hvt_ref *ref, u64 gfn);
void hvt_ref_unlink(struct hvt_ref *ref);
bool hvt_is_device(u64 gpa);

/* All sets of references that overlap bytes [lo, hi) of a page, each once, by their first. */
struct hvt_set_iter {
	const struct hvt_page *page;
	struct hvt_ref *ref;		/* where to go on */
	u32 lo, hi, bin, last;
	s8 order;
	bool few;
};
struct hvt_ref *hvt_sets_first(struct hvt_set_iter *it, const struct hvt_page *p, u32 lo, u32 hi);
struct hvt_ref *hvt_sets_next(struct hvt_set_iter *it);

#define hvt_for_each_set(r, it, p, lo, hi) \
	for ((r) = hvt_sets_first(it, p, lo, hi); (r); (r) = hvt_sets_next(it))

/* Of a set's first reference and each one after it. */
static __always_inline struct hvt_ref *hvt_set_next(const struct hvt_ref *r)
{
	return r->first ? r->same : r->next;
}

/* trace.c */
static __always_inline bool hvt_tracing_steps(const struct hvt_vcpu *v)
{
	return v->tr.mode == HVT_TRACE_STEP || v->tr.mode == HVT_TRACE_INTR ||
	       v->tr.mode == HVT_TRACE_NEAR;
}
bool hvt_trace_fetch(struct hvt_vcpu *v, u64 gpa);
void hvt_trace_retired(struct hvt_vcpu *v);
void hvt_trace_stopped(struct hvt_vcpu *v, u32 reason);
void hvt_trace_entry(struct hvt_vcpu *v); /* not in HVT_TRACE_OFF */
void hvt_trace_open_window(struct hvt_vcpu *v, struct hvt_trace *t);
void hvt_trace_set(struct hvt_vcpu *v, enum hvt_trace_mode mode);
bool hvt_trace_kernel(const struct hvt_thread *t);
static __always_inline bool hvt_trace_records_kernel(const struct hvt_thread *t)
{
	return t->trace->flags & (HVT_TRACE_KERNEL | HVT_TRACE_BODY);
}
void hvt_trace_still_away(struct hvt_vcpu *v);

/* trace_say.c */
void hvt_say_interrupt(struct hvt_vcpu *v, u8 vector);
void hvt_say_exception(struct hvt_vcpu *v);
void hvt_say_resume(struct hvt_vcpu *v);
void hvt_say_call(struct hvt_vcpu *v);
void hvt_say_return(struct hvt_vcpu *v, u64 ip);
void hvt_say_end(struct hvt_vcpu *v, u64 to);
bool hvt_is_iret(const struct hvt_trace_insn *x);

/* trace_task.c: what Linux tells of tasks */
void hvt_trace_switch(struct hvt_vcpu *v, const struct hvt_call_switch *c, bool now);
bool hvt_trace_switched(struct hvt_vcpu *v);
void hvt_trace_told(struct hvt_vcpu *v, const struct hvt_rec_flow *f);

/* trace_look.c: the instruction that is next */
void hvt_trace_where(struct hvt_vcpu *v);
void hvt_trace_look(struct hvt_vcpu *v);

/* trace_emit.c */
void hvt_trace_emit_insn(struct hvt_vcpu *v);
void hvt_trace_emit_flow(struct hvt_vcpu *v, struct hvt_rec_flow *f);

/* body.c */
void hvt_body_fetch(struct hvt_vcpu *v);
bool hvt_body_entered(struct hvt_thread *b);
bool hvt_body_returned(const struct hvt_thread *b);
void hvt_body_end(struct hvt_thread *b);
struct hvt_thread *hvt_body_of(const void *task);
u64 hvt_body_add(struct hvt_vcpu *v, struct hvt_trace *t);
u64 hvt_body_del(struct hvt_vcpu *v, struct hvt_trace *t);

/* apic.c */
void hvt_apic_send_nmi(u32 apic_id);
u8 hvt_apic_in_service(void);

/* lazy.c */
void hvt_lazy_reset(struct hvt_vcpu *v);
void hvt_lazy_set(struct hvt_vcpu *v, u64 gpa);
bool hvt_lazy_open(struct hvt_vcpu *v, u64 gpa);

/* view.c */
bool hvt_ept_restrict(u64 gpa, u8 deny);
bool hvt_ept_mapped(u64 gpa);
void hvt_step_view_reset(struct hvt_vcpu *v);
void hvt_step_view_open(struct hvt_vcpu *v, u64 gpa);
void hvt_ept_flush(void);
void hvt_view_set(struct hvt_vcpu *v, enum hvt_view view);

/* follow.c: callers have stopped the other CPUs */
void hvt_follow(struct hvt_vcpu *v, struct hvt_watch *w, u64 va, u64 va_end);
void hvt_follow_dirty(struct hvt_vcpu *v, const struct hvt_dirty *d);
void hvt_unfollow(struct hvt_vcpu *v, struct hvt_watch *w);

/* stop.c */
bool hvt_stop_others(struct hvt_vcpu *v);
void hvt_start_others(struct hvt_vcpu *v);
bool hvt_park(struct hvt_vcpu *v);
void hvt_nmi_arrived(struct hvt_vcpu *v);

/* vmx_entry.S */
void hvt_unblock_nmi(void);
void hvt_leave_iret(struct guest_regs *regs, u64 *iret_frame);
int hvt_rdmsr_safe(u32 msr, u64 *value);
int hvt_wrmsr_safe(u32 msr, u64 value);
int hvt_xsetbv_safe(u32 index, u64 value);
int hvt_copy_safe(void *dst, const void *src, u64 n);
int hvt_load_safe(u64 *dst, const void *src);
u64 hvt_load_entry(const void *src);

static __always_inline u64 hvt_rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}

typedef u64 __attribute__((may_alias, aligned(1))) hvt_word;

/* Whole pages by string instructions, records by words: those have no start-up cost. */
static __always_inline void hvt_zero(void *p, u64 n)
{
	hvt_word *w = p;
	u64 i;

	if (n >= 512) {
		asm volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(0) : "memory");
		return;
	}
	for (i = 0; i < n / 8; i++)
		w[i] = 0;
	for (i = n & ~7ull; i < n; i++)
		((volatile u8 *)p)[i] = 0;
}

static __always_inline void hvt_copy(void *dst, const void *src, u64 n)
{
	const hvt_word *s = src;
	hvt_word *d = dst;
	u64 i;

	if (__builtin_constant_p(n) && n % 8 == 0 && n <= 128) {
#pragma GCC unroll 16
		for (i = 0; i < n / 8; i++)
			d[i] = s[i];
		return;
	}
	if (n >= 512) {
		asm volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
		return;
	}
	for (i = 0; i < n / 8; i++)
		d[i] = s[i];
	for (i = n & ~7ull; i < n; i++)
		((u8 *)dst)[i] = ((const u8 *)src)[i];
}

static __always_inline void hvt_pause(void)
{
	asm volatile("pause" : : : "memory");
}

/* A value the consumer or another CPU changes. */
static __always_inline void hvt_count(u64 *counter)
{
	asm volatile("lock incq %0" : "+m"(*counter));
}

#endif
