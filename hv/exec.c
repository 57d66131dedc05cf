// SPDX-License-Identifier: GPL-2.0-only
/*
 * A watch on a process's address survives execve, which gives the process another
 * address space.
 *
 * Linux asks every binary format before it commits to the new space; ours declines, but
 * arms that space first, so that nothing the kernel or the new program does in it is
 * missed. When the exec has happened (tracepoint), the old one is let go at once. An
 * exec that fails leaves a space that nobody will ever use; the next one replaces it.
 */
#include <linux/binfmts.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>
#include <linux/workqueue.h>
#include <trace/events/sched.h>
#include "arm.h"

/* Between the two: what the tracepoint, which must not sleep, has to let go. */
struct hvt_change {
	struct list_head node;
	struct pid *process;		/* the watch's reference */
	struct hvt_armed *armed;
	struct hvt_inst *old;
	bool done;
};

static LIST_HEAD(changes);		/* added and removed under hvt_lock and changes_lock */
static DEFINE_SPINLOCK(changes_lock);
static u32 users;			/* watches on processes' memory */
static bool registered;
static struct tracepoint *exec_tracepoint;

static void finish(struct work_struct *work);
static DECLARE_WORK(finisher, finish);

static void forget(struct hvt_change *c)
{
	spin_lock(&changes_lock);
	list_del(&c->node);
	spin_unlock(&changes_lock);
	c->armed->change = NULL;
	kfree(c);
}

static void drop(struct hvt_inst *i)
{
	hvt_inst_disarm(i);
	hvt_inst_free(i);
}

/* What was counted in a space that goes stays counted. */
static void retire(struct hvt_armed *a, struct hvt_inst *i)
{
	hvt_inst_unlink(i);
	a->hits += i->w.hits;
	a->filtered += i->w.filtered;
	a->near += hvt_inst_near(i);
	a->remaps += i->w.remaps;
	drop(i);
}

/* The old space of @c is unlinked: the watch goes on in the new one. */
static void complete_change(struct hvt_change *c)
{
	struct hvt_armed *a = c->armed;

	forget(c);
	retire(a, a->now);
	a->now = a->next;
	a->next = NULL;
}

/* There was no memory for the watch when its process asked our format. */
static void catch_up(struct hvt_armed *a)
{
	struct task_struct *task = get_pid_task(a->process, PIDTYPE_TGID);
	struct mm_struct *mm = task ? get_task_mm(task) : NULL;
	struct hvt_inst *i;
	int rc;

	if (mm && mm != a->now->mm) {
		i = hvt_inst_create(&a->now->w, mm, &rc);
		if (i) {
			retire(a, a->now);
			a->now = i;
		}
	}
	if (mm)
		mmput(mm);
	if (task)
		put_task_struct(task);
}

void hvt_exec_settle(void)
{
	struct hvt_change *c, *next;
	struct hvt_armed *a;

	list_for_each_entry_safe(c, next, &changes, node)
		if (READ_ONCE(c->done))
			complete_change(c);
	list_for_each_entry(a, &hvt_watches, all)
		if (a->process && !a->next)
			catch_up(a);
}

static void finish(struct work_struct *work)
{
	mutex_lock(&hvt_lock);
	hvt_exec_settle();
	mutex_unlock(&hvt_lock);
}

static void on_exec(void *data, struct task_struct *task, pid_t old_pid,
		    struct linux_binprm *bprm)
{
	struct hvt_change *c;

	spin_lock(&changes_lock);
	list_for_each_entry(c, &changes, node) {
		if (c->process == task_tgid(task) && !c->done) {
			hvt_inst_unlink(c->old);
			WRITE_ONCE(c->done, true);
		}
	}
	spin_unlock(&changes_lock);
	schedule_work(&finisher);
}

static void arm_next(struct hvt_armed *a, struct mm_struct *mm)
{
	struct hvt_change *c = a->change;
	int rc;

	if (c && c->done) {
		complete_change(c); /* its worker has not come to it yet */
		c = NULL;
	}
	if (a->next && a->next->mm == mm)
		return; /* asked again, for an interpreter */
	if (a->next) {
		forget(c);
		retire(a, a->next);
		a->next = NULL;
	}
	c = kzalloc(sizeof(*c), GFP_KERNEL);
	if (c)
		a->next = hvt_inst_create(&a->now->w, mm, &rc);
	if (!a->next) {
		kfree(c);
		pr_warn("hvtrace: no memory: watch %u ends with this execve of %d\n",
			a->now->w.id, a->pid);
		return;
	}
	c->process = a->process;
	c->armed = a;
	c->old = a->now;
	a->change = c;
	spin_lock(&changes_lock);
	list_add_tail(&c->node, &changes);
	spin_unlock(&changes_lock);
}

static int load_binary(struct linux_binprm *bprm)
{
	struct hvt_armed *a;

	if (!READ_ONCE(users))
		return -ENOEXEC;
	mutex_lock(&hvt_lock);
	list_for_each_entry(a, &hvt_watches, all)
		if (a->process == task_tgid(current))
			arm_next(a, bprm->mm);
	mutex_unlock(&hvt_lock);
	return -ENOEXEC;
}

static struct linux_binfmt format = {
	.module = THIS_MODULE,
	.load_binary = load_binary,
};

static void find_tracepoint(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "sched_process_exec"))
		exec_tracepoint = tp;
}

/* A watch on a process's memory begins. */
int hvt_exec_get(void)
{
	int rc;

	if (users)
		goto out;
	if (!exec_tracepoint)
		for_each_kernel_tracepoint(find_tracepoint, NULL);
	rc = exec_tracepoint ? tracepoint_probe_register(exec_tracepoint, on_exec, NULL) : -ENOENT;
	if (rc)
		return rc;
	if (!registered)
		insert_binfmt(&format);
	registered = true;
out:
	WRITE_ONCE(users, users + 1);
	return 0;
}

/*
 * ... and has ended. The format stays until the module goes: an execve that is in it
 * goes on from its place in Linux's list.
 */
void hvt_exec_put(void)
{
	WRITE_ONCE(users, users - 1);
	if (users)
		return;
	tracepoint_probe_unregister(exec_tracepoint, on_exec, NULL);
	tracepoint_synchronize_unregister();
}

/* @a is about to be freed. */
void hvt_exec_forget(struct hvt_armed *a)
{
	if (a->change)
		forget(a->change);
	if (a->next)
		drop(a->next);
	a->next = NULL;
}

void hvt_exec_exit(void)
{
	if (registered)
		unregister_binfmt(&format);
	cancel_work_sync(&finisher);
}
