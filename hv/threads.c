// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which threads are traced, and telling root mode when one of them gets a CPU, makes
 * another, gets a signal, executes a program, or ends: by tracepoints, whose functions run
 * in the thread concerned (or, of a switch, in the one before it).
 *
 * A thread is known by its task_struct: its ids change when one that is no leader executes
 * a program. What the tracepoints look up they find under RCU; it changes under
 * threads_lock. Root mode holds a pointer to an entry on the CPU of its task alone, so that
 * an entry may go once that CPU has been told.
 */
#include <linux/hashtable.h>
#include <linux/list.h>
#include <linux/pid.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>
#include <trace/events/sched.h>
#include <trace/events/signal.h>
#include "trace.h"

struct entry {
	struct hlist_node hash;
	struct list_head node;		/* hvt_traced.threads, or gone */
	struct hvt_traced *of;
	struct task_struct *task;	/* with a reference */
	struct hvt_thread t;
};

static DEFINE_HASHTABLE(entries, 8);
static DEFINE_SPINLOCK(threads_lock);
static LIST_HEAD(gone);			/* ended; freed by the worker */
static u32 users, nbodies;

static void bury(struct work_struct *work);
static DECLARE_WORK(burier, bury);

static struct entry *find(const struct task_struct *task)
{
	struct entry *e;

	hash_for_each_possible_rcu(entries, e, hash, (unsigned long)task)
		if (e->task == task)
			return e;
	return NULL;
}

/* This CPU's, when it is under VMX. Preemption is off. */
static struct hvt_vcpu *this_vcpu(void)
{
	u32 cpu = smp_processor_id();
	struct hvt_vcpu *v = cpu < HVT_MAX_CPUS ? READ_ONCE(hvt_m.vcpu[cpu]) : NULL;

	return v && v->launched ? v : NULL;
}

/* Interrupts are off, or nothing that interrupts calls this. */
static void tell_switch(u64 nr, struct task_struct *next)
{
	struct hvt_vcpu *v = this_vcpu();
	struct entry *e;

	if (!v)
		return;
	e = find(next);
	if (!e && !v->tr.thread && !v->tr.switching && !READ_ONCE(nbodies))
		return;
	v->call_switch.thread = e ? &e->t : NULL;
	v->call_switch.task = next;
	hvt_call(nr, (u64)&v->call_switch);
}

static void on_switch(void *data, bool preempt, struct task_struct *prev,
		      struct task_struct *next, unsigned int prev_state)
{
	tell_switch(HVT_CALL_SWITCH, next);
}

static void look(void *unused)
{
	rcu_read_lock();
	tell_switch(HVT_CALL_KICK, current);
	rcu_read_unlock();
}

/* About the current task. */
static void tell(u8 what, u32 code, u64 to, u64 arg0, u64 arg1)
{
	struct hvt_vcpu *v;
	unsigned long flags;

	local_irq_save(flags);
	v = this_vcpu();
	if (v) {
		v->call_flow = (struct hvt_rec_flow){
			.what = what,
			.code = code,
			.to = to,
			.arg = { arg0, arg1 },
		};
		hvt_call(HVT_CALL_FLOW, (u64)&v->call_flow);
	}
	local_irq_restore(flags);
}

static struct entry *new_entry(struct hvt_traced *tr, struct task_struct *task, gfp_t gfp)
{
	struct entry *e = kzalloc(sizeof(*e), gfp);

	if (!e)
		return NULL;
	e->of = tr;
	e->task = task;
	e->t.trace = &tr->t;
	e->t.task = task;
	e->t.window = tr->t.from || tr->t.by_watch ? HVT_WINDOW_CLOSED : HVT_WINDOW_OPEN;
	return e;
}

/* 0, -EBUSY: it is in a trace, -ESRCH: it, or its trace, is about to end. The entry is taken over by 0. */
static int insert(struct entry *e)
{
	int rc = 0;

	spin_lock(&threads_lock);
	if (find(e->task)) {
		rc = -EBUSY;
	} else if (e->of->ending || (e->task->flags & PF_EXITING)) {
		rc = -ESRCH; /* on_exit() may have been */
	} else {
		get_task_struct(e->task);
		hash_add_rcu(entries, &e->hash, (unsigned long)e->task);
		list_add_tail(&e->node, &e->of->threads);
		e->of->nthreads++;
		xadd(&e->of->t.running, 1);
		if (e->t.window == HVT_WINDOW_OPEN)
			e->of->t.windows++;
	}
	spin_unlock(&threads_lock);
	return rc;
}

static void on_fork(void *data, struct task_struct *parent, struct task_struct *child)
{
	struct entry *p = find(parent), *e;

	if (!p || !(p->of->t.flags & HVT_TRACE_FOLLOW))
		return;
	e = new_entry(p->of, child, GFP_ATOMIC);
	if (!e)
		pr_warn("hvtrace: no memory: thread %d is not traced\n", child->pid);
	else if (insert(e))
		kfree(e);
}

static void on_exec(void *data, struct task_struct *task, pid_t old_pid,
		    struct linux_binprm *bprm)
{
	if (find(task))
		tell(HVT_FLOW_EXEC, 0, 0, 0, 0);
}

static void on_signal(void *data, int sig, struct kernel_siginfo *info, struct k_sigaction *ka)
{
	bool handled = ka->sa.sa_handler != SIG_DFL && ka->sa.sa_handler != SIG_IGN;
	/* A group that is killed gets one that nobody has filled: a number, not a pointer. */
	bool said = info != SEND_SIG_NOINFO && info != SEND_SIG_PRIV;
	bool fault = said && info->si_code > 0 &&
		     (sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE ||
		      sig == SIGTRAP);

	if (find(current))
		tell(HVT_FLOW_SIGNAL, sig, handled ? (u64)ka->sa.sa_handler : 0,
		     said ? (s64)info->si_code : 0, fault ? (u64)info->si_addr : 0);
}

/* Under threads_lock; the thread's exit and the trace's end may both come here. */
static void remove(struct entry *e)
{
	if (!hash_hashed(&e->hash))
		return;
	hash_del_rcu(&e->hash);
	list_move_tail(&e->node, &gone);
	e->of->nthreads--;
}

static void on_exit(void *data, struct task_struct *task)
{
	struct entry *e = find(task);

	if (!e)
		return;
	tell(HVT_FLOW_EXIT, task->exit_code, 0, 0, 0);
	spin_lock(&threads_lock);
	remove(e);
	spin_unlock(&threads_lock);
	schedule_work(&burier);
}

static void bury(struct work_struct *work)
{
	struct entry *e, *next;
	LIST_HEAD(all);

	spin_lock(&threads_lock);
	list_splice_init(&gone, &all);
	spin_unlock(&threads_lock);
	if (list_empty(&all))
		return;
	tracepoint_synchronize_unregister(); /* who has looked it up is done with it */
	list_for_each_entry_safe(e, next, &all, node) {
		put_task_struct(e->task);
		kfree(e);
	}
}

/* ------------------------------------------------------------------ */

static struct probe {
	const char *name;
	void *function;
	struct tracepoint *tp;
} probes[] = {
	{ "sched_switch", on_switch },	     { "sched_process_fork", on_fork },
	{ "sched_process_exec", on_exec },   { "sched_process_exit", on_exit },
	{ "signal_deliver", on_signal },
};

static void find_tracepoint(struct tracepoint *tp, void *data)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(probes); i++)
		if (!strcmp(tp->name, probes[i].name))
			probes[i].tp = tp;
}

static void unregister(u32 n)
{
	while (n--)
		tracepoint_probe_unregister(probes[n].tp, probes[n].function, NULL);
	tracepoint_synchronize_unregister();
}

/* A trace begins. */
int hvt_threads_get(void)
{
	u32 i;
	int rc;

	if (!users) {
		for_each_kernel_tracepoint(find_tracepoint, NULL);
		for (i = 0; i < ARRAY_SIZE(probes); i++) {
			rc = probes[i].tp ? tracepoint_probe_register(probes[i].tp,
								      probes[i].function, NULL)
					  : -ENOENT;
			if (rc) {
				unregister(i);
				return rc;
			}
		}
	}
	users++;
	return 0;
}

void hvt_threads_put(void)
{
	if (!--users)
		unregister(ARRAY_SIZE(probes));
}

/* The next thread of @leader's process that is not traced yet, with a reference. */
static struct task_struct *untraced(struct task_struct *leader)
{
	struct task_struct *task, *found = NULL;

	rcu_read_lock();
	for_each_thread(leader, task) {
		if (!(task->flags & PF_EXITING) && !find(task)) {
			found = task;
			get_task_struct(found);
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

static int add_one(struct hvt_traced *tr, struct task_struct *task)
{
	struct entry *e = new_entry(tr, task, GFP_KERNEL);
	int rc = e ? insert(e) : -ENOMEM;

	if (rc)
		kfree(e);
	return rc;
}

/* All threads, also those that come while this looks: the one that makes them may not be traced yet. */
static int add_process(struct hvt_traced *tr, struct task_struct *leader)
{
	struct task_struct *task;
	int rc;

	rc = add_one(tr, leader);
	while ((!rc || rc == -ESRCH) && (task = untraced(leader))) {
		rc = add_one(tr, task);
		put_task_struct(task);
	}
	if (rc == -ESRCH && tr->nthreads)
		rc = 0;
	return rc;
}

int hvt_threads_add(struct hvt_traced *tr, struct task_struct *task)
{
	int rc = tr->t.flags & HVT_TRACE_THREAD ? add_one(tr, task)
						: add_process(tr, task->group_leader);

	/* Those that are on a CPU now are not chosen again before long. */
	if (!rc)
		on_each_cpu(look, NULL, 1);
	return rc;
}

void hvt_threads_del_all(struct hvt_traced *tr)
{
	struct entry *e, *next;

	spin_lock(&threads_lock);
	tr->ending = true;
	list_for_each_entry_safe(e, next, &tr->threads, node)
		remove(e);
	spin_unlock(&threads_lock);
	on_each_cpu(look, NULL, 1);
	bury(NULL);
	flush_work(&burier); /* entries of it that the worker has taken */
}

u32 hvt_threads_count(const struct hvt_traced *tr)
{
	return READ_ONCE(tr->nthreads);
}

/* Bodies are begun and found by root mode alone, which then wants to hear of each switch. */
void hvt_threads_bodies(int by)
{
	WRITE_ONCE(nbodies, nbodies + by);
}

void hvt_threads_exit(void)
{
	cancel_work_sync(&burier);
	bury(NULL);
}
