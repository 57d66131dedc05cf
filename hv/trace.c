// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces of instructions: check what the user asks for, begin it, count it, and undo it when
 * the fd is closed.
 */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "trace.h"

static LIST_HEAD(hvt_traces);	/* of all fds, under hvt_lock */

#define KNOWN                                                                               \
	(HVT_TRACE_THREAD | HVT_TRACE_FOLLOW | HVT_TRACE_KERNEL | HVT_TRACE_REGS |          \
	 HVT_TRACE_MEM | HVT_TRACE_REPEAT | HVT_TRACE_BODY)

static bool is_user(u64 ip)
{
	return ip < TASK_SIZE_MAX;
}

/* A window of user code is found by the fetch of its first instruction. */
static int check_windows(const struct hvt_trace_add *a)
{
	u32 i;

	if (!is_user(a->from) || !is_user(a->to))
		return -EINVAL;
	if (a->nr_only > HVT_TRACE_RANGES || a->nr_skip > HVT_TRACE_RANGES - a->nr_only)
		return -EINVAL;
	for (i = 0; i < a->nr_only + a->nr_skip; i++)
		if (a->range[i].lo >= a->range[i].hi)
			return -EINVAL;
	return a->count > (1ull << 62) || a->after > (1ull << 62) ? -EINVAL : 0;
}

static int check(const struct hvt_trace_add *a)
{
	u32 not_body = HVT_TRACE_THREAD | HVT_TRACE_FOLLOW | HVT_TRACE_KERNEL | HVT_TRACE_REPEAT;

	if (a->flags & ~KNOWN)
		return -EINVAL;
	if (!(a->flags & HVT_TRACE_BODY))
		return a->pid <= 0 || a->addr || a->len ? -EINVAL : check_windows(a);
	if (a->pid || (a->flags & not_body) || a->from || a->to || a->on || a->nr_only || a->nr_skip)
		return -EINVAL;
	if (!a->len || is_user(a->addr) || a->addr + a->len - 1 < a->addr ||
	    a->addr + a->len - 1 >= (u64)-PAGE_SIZE)
		return -EINVAL;
	return check_windows(a);
}

/* The two kinds would each want the CPU for themselves. */
static bool meets_other_kind(u32 flags)
{
	struct hvt_traced *tr;

	list_for_each_entry(tr, &hvt_traces, all)
		if ((tr->t.flags ^ flags) & HVT_TRACE_BODY)
			return true;
	return false;
}

static void set_opens(struct hvt_armed *w, struct hvt_trace *t)
{
	WRITE_ONCE(w->now->w.opens, t);
	if (w->next)
		WRITE_ONCE(w->next->w.opens, t);
}

static int begin_threads(struct hvt_traced *tr)
{
	struct pid *id = find_get_pid(tr->pid);
	struct task_struct *task = get_pid_task(id, PIDTYPE_PID);
	int rc;

	put_pid(id);
	if (!task)
		return -ESRCH;
	rc = task->flags & PF_KTHREAD ? -EINVAL : hvt_threads_add(tr, task);
	put_task_struct(task);
	return rc;
}

static int begin_body(struct hvt_traced *tr)
{
	struct hvt_watch like = {
		.id = tr->t.id,
		.access = HVT_ACC_X,
		.session = tr->t.session,
		.va = tr->t.addr,
		.len = 1,
		.silent = true,
	};
	int rc;

	if (hvt_call_root(HVT_CALL_BODY, &tr->t))
		return -E2BIG;
	hvt_threads_bodies(1);
	tr->gate = hvt_inst_create(&like, NULL, &rc);
	if (tr->gate)
		return 0;
	hvt_threads_bodies(-1);
	hvt_call_root(HVT_CALL_NOBODY, &tr->t);
	return rc;
}

static void end(struct hvt_traced *tr)
{
	struct hvt_armed *w;

	list_for_each_entry(w, &hvt_watches, all)
		if (w->now->w.opens == &tr->t)
			set_opens(w, NULL);
	if (tr->gate) {
		hvt_inst_disarm(tr->gate);
		hvt_inst_free(tr->gate);
		hvt_threads_bodies(-1);
		hvt_call_root(HVT_CALL_NOBODY, &tr->t);
	}
	hvt_threads_del_all(tr);
	hvt_threads_put();
}

static struct hvt_traced *create(struct hvt_file *f, const struct hvt_trace_add *a)
{
	struct hvt_traced *tr = kzalloc(sizeof(*tr), GFP_KERNEL);
	struct hvt_trace *t;

	if (!tr)
		return NULL;
	t = &tr->t;
	INIT_LIST_HEAD(&tr->threads);
	tr->pid = a->pid;
	tr->owner = f->owner;
	tr->file = f;
	t->id = hvt_next_id();
	t->flags = a->flags;
	t->session = f->session;
	t->nr_only = a->nr_only;
	t->nr_skip = a->nr_skip;
	t->addr = a->addr;
	t->len = a->len;
	t->from = a->from;
	t->to = a->to;
	t->after = a->after;
	t->count = a->count;
	t->by_watch = a->on;
	memcpy(t->range, a->range, sizeof(t->range));
	return tr;
}

/*
 * -EINVAL bad request, or a kernel thread, -ESRCH no such process or thread, or it has exited,
 * -EBUSY a thread is in a trace already, or functions and threads at once, -E2BIG too many
 * functions, -ENOENT no such watch, -EFAULT the function's address is not mapped, -ENODEV not
 * attached, -ENOMEM, -EBADFD no rings.
 */
int hvt_trace_add(struct hvt_file *f, struct hvt_trace_add *a)
{
	struct hvt_armed *on = a->on ? hvt_watch_find(f, a->on) : NULL;
	struct hvt_traced *tr;
	int rc = hvt_cpus_attached() ? check(a) : -ENODEV;

	if (rc)
		return rc;
	if (f->session < 0)
		return -EBADFD;
	if (a->on && !on)
		return -ENOENT;
	if (meets_other_kind(a->flags))
		return -EBUSY;
	tr = create(f, a);
	if (!tr)
		return -ENOMEM;
	rc = hvt_threads_get();
	if (rc) {
		kfree(tr);
		return rc;
	}
	if (on)
		set_opens(on, &tr->t);
	rc = a->flags & HVT_TRACE_BODY ? begin_body(tr) : begin_threads(tr);
	if (rc) {
		end(tr);
		kfree(tr);
		return rc;
	}
	list_add_tail(&tr->node, &f->traces);
	list_add_tail(&tr->all, &hvt_traces);
	a->id = tr->t.id;
	a->threads = hvt_threads_count(tr);
	return 0;
}

static void remove_trace(struct hvt_traced *tr)
{
	list_del(&tr->node);
	list_del(&tr->all);
	end(tr);
	kfree(tr);
}

int hvt_trace_del(struct hvt_file *f, u32 id)
{
	struct hvt_traced *tr;

	list_for_each_entry(tr, &f->traces, node) {
		if (tr->t.id == id) {
			remove_trace(tr);
			return 0;
		}
	}
	return -ENOENT;
}

void hvt_trace_del_all(struct hvt_file *f)
{
	struct hvt_traced *tr, *next;

	list_for_each_entry_safe(tr, next, &f->traces, node)
		remove_trace(tr);
}

/* As of watches: nothing stays armed while the machine runs without VMX. */
void hvt_trace_pause(void)
{
	struct hvt_traced *tr;

	list_for_each_entry(tr, &hvt_traces, all)
		if (tr->gate)
			hvt_inst_unlink(tr->gate);
}

void hvt_trace_resume(void)
{
	struct hvt_traced *tr;

	list_for_each_entry(tr, &hvt_traces, all)
		if (tr->gate && hvt_inst_link(tr->gate))
			pr_err("hvtrace: trace %u could not be armed again\n", tr->t.id);
}

static bool is_over(const struct hvt_traced *tr)
{
	if (tr->gate)
		return tr->t.count && READ_ONCE(tr->t.bodies_done) >= tr->t.count;
	return !READ_ONCE(tr->t.running);
}

/* The @index-th trace of the machine, over all fds. */
int hvt_trace_info(struct hvt_trace_info *info)
{
	struct hvt_traced *tr;
	u32 i = 0;

	list_for_each_entry(tr, &hvt_traces, all) {
		if (i++ < info->index)
			continue;
		info->id = tr->t.id;
		info->flags = tr->t.flags;
		info->pid = tr->pid;
		info->owner = tr->owner;
		info->addr = tr->t.addr;
		info->len = tr->t.len;
		info->instructions = READ_ONCE(tr->t.instructions);
		info->unrecorded = READ_ONCE(tr->t.unrecorded);
		info->windows = READ_ONCE(tr->t.windows);
		info->threads = hvt_threads_count(tr);
		info->state = is_over(tr) ? HVT_TRACE_OVER : 0;
		return 0;
	}
	return -ENOENT;
}
