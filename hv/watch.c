// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watches: check what the user asks for, arm it, count it, and undo it when the fd is
 * closed. How memory is armed is arm.c's, what execve does exec.c's.
 */
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "arm.h"

LIST_HEAD(hvt_watches);
static u32 next_id = 1;
static u32 nwatches;

/* The watch that status asked for last: it asks for the next one next. NULL: from the start. */
static struct hvt_armed *last_told;
static u32 last_index;

u32 hvt_watch_count(void)
{
	return nwatches;
}

/* Watches and traces are numbered together: a record names either by its id. */
u32 hvt_next_id(void)
{
	return next_id++;
}

static int check_range(const struct hvt_watch_add *a)
{
	u64 last = a->addr + a->len - 1;

	if (!a->access || a->access & ~(HVT_ACC_R | HVT_ACC_W | HVT_ACC_X))
		return -EINVAL;
	if (a->flags & ~(HVT_WATCH_PHYS | HVT_WATCH_COALESCE))
		return -EINVAL;
	if (!a->len || a->len > HVT_WATCH_MAX || last < a->addr)
		return -EINVAL;
	if (a->pid < 0)
		return -EINVAL;
	if (a->flags & HVT_WATCH_PHYS)
		return !a->pid && last < 1ull << min_t(u32, hvt_m.maxphyaddr, 48) ? 0 : -EINVAL;
	if (a->pid)
		return last < TASK_SIZE_MAX ? 0 : -EINVAL;
	/* The top page would make the range's end wrap; nothing is mapped there. */
	if (a->addr < PAGE_OFFSET && a->addr < (u64)-(1ll << 47))
		return -EINVAL;
	return last < (u64)-PAGE_SIZE ? 0 : -EINVAL;
}

/* A run has no value of its own, and none of its iterations may be left out. */
static int check_filter(const struct hvt_watch_add *a, const struct hvt_filter_state *st)
{
	if (a->filter && !st)
		return -ENOENT;
	if (st && (a->flags & HVT_WATCH_COALESCE) &&
	    (st->f.op || (st->f.flags & HVT_FF_CHANGED) || st->f.every > 1 || st->f.limit))
		return -EINVAL;
	return 0;
}

/* The process's memory and its struct pid, both with references. */
static int get_memory(struct hvt_armed *w, struct task_struct *task, struct mm_struct **mm)
{
	*mm = get_task_mm(task);
	w->process = get_pid(task_tgid(task));
	if (*mm)
		return 0;
	return task->flags & PF_KTHREAD ? -EINVAL : -ESRCH;
}

static struct task_struct *get_task(s32 nr)
{
	struct pid *id = find_get_pid(nr);
	struct task_struct *task = get_pid_task(id, PIDTYPE_PID);

	put_pid(id);
	return task;
}

static void free_armed(struct hvt_armed *w)
{
	put_pid(w->process);
	kfree(w);
}

static int arm_memory(struct hvt_armed *w, const struct hvt_watch *like, struct task_struct *task)
{
	struct mm_struct *mm = NULL;
	int rc = task ? get_memory(w, task, &mm) : 0;

	if (rc)
		return rc;
	w->now = hvt_inst_create(like, mm, &rc);
	if (mm)
		mmput(mm);
	return rc;
}

/*
 * An execve holds its process's cred_guard_mutex from before it comes to exec.c until the
 * new address space is the process's: past exec.c the watch would be on one that is about
 * to go. Its other side takes hvt_lock inside of that mutex: do not wait for it here.
 */
static int arm(struct hvt_armed *w, const struct hvt_watch *like)
{
	struct task_struct *task;
	int rc = -EAGAIN;

	if (!w->pid)
		return arm_memory(w, like, NULL);
	task = get_task(w->pid);
	if (!task)
		return -ESRCH;
	if (mutex_trylock(&task->signal->cred_guard_mutex)) {
		rc = arm_memory(w, like, task);
		mutex_unlock(&task->signal->cred_guard_mutex);
	}
	put_task_struct(task);
	return rc;
}

/*
 * -EINVAL bad range or access, or a kernel thread's memory, -ESRCH no such process, or it has
 * exited, -ENOENT no such filter, -EFAULT kernel address not mapped, -ENODEV not attached,
 * -ENOMEM, -EBADFD no rings, -EAGAIN the process is in the middle of an execve.
 */
int hvt_watch_add(struct hvt_file *f, struct hvt_watch_add *a)
{
	struct hvt_filter_state *filter = hvt_filter_find(f, a->filter);
	struct hvt_watch like = {
		.access = a->access,
		.session = f->session,
		.phys = a->flags & HVT_WATCH_PHYS,
		.coalesce = a->flags & HVT_WATCH_COALESCE,
		.va = a->addr,
		.len = a->len,
		.filter = filter,
	};
	struct hvt_armed *w;
	int rc = hvt_cpus_attached() ? check_range(a) : -ENODEV;

	if (!rc)
		rc = check_filter(a, filter);
	if (rc)
		return rc;
	if (f->session < 0)
		return -EBADFD;
	w = kzalloc(sizeof(*w), GFP_KERNEL);
	if (!w)
		return -ENOMEM;
	like.id = hvt_next_id();
	w->pid = a->pid;
	w->owner = f->owner;
	w->flags = a->flags;
	/* Before the memory is looked up: an execve that comes then must not be missed. */
	rc = w->pid ? hvt_exec_get() : 0;
	if (rc) {
		free_armed(w);
		return rc;
	}
	rc = arm(w, &like);
	if (rc) {
		if (w->pid)
			hvt_exec_put();
		free_armed(w);
		return rc;
	}
	nwatches++;
	list_add_tail(&w->node, &f->watches);
	list_add_tail(&w->all, &hvt_watches);
	a->id = w->now->w.id;
	a->pages_mapped = w->now->w.mapped;
	return 0;
}

static void remove_watch(struct hvt_armed *w)
{
	list_del(&w->node);
	list_del(&w->all);
	last_told = NULL;
	nwatches--;
	if (w->pid) {
		hvt_exec_forget(w);
		hvt_exec_put();
	}
	hvt_inst_disarm(w->now);
	hvt_inst_free(w->now);
	free_armed(w);
}

/* The one of @f with this id, or NULL. */
struct hvt_armed *hvt_watch_find(struct hvt_file *f, u32 id)
{
	struct hvt_armed *w;

	list_for_each_entry(w, &f->watches, node)
		if (w->now->w.id == id)
			return w;
	return NULL;
}

int hvt_watch_del(struct hvt_file *f, u32 id)
{
	struct hvt_armed *w = hvt_watch_find(f, id);

	if (!w)
		return -ENOENT;
	remove_watch(w);
	return 0;
}

void hvt_watch_del_all(struct hvt_file *f)
{
	struct hvt_armed *w, *next;

	list_for_each_entry_safe(w, next, &f->watches, node)
		remove_watch(w);
}

/*
 * The machine is about to run without VMX for a while, where no guard sees what Linux
 * does to page tables: nothing may stay armed that is not translated anew after it.
 */
void hvt_watch_pause(void)
{
	struct hvt_armed *w;

	hvt_exec_settle();
	list_for_each_entry(w, &hvt_watches, all) {
		hvt_inst_unlink(w->now);
		if (w->next)
			hvt_inst_unlink(w->next);
	}
}

static void resume(struct hvt_inst *i)
{
	if (hvt_inst_link(i))
		pr_err("hvtrace: watch %u could not be armed again\n", i->w.id);
}

void hvt_watch_resume(void)
{
	struct hvt_armed *w;

	hvt_exec_settle(); /* first what has been executed meanwhile */
	list_for_each_entry(w, &hvt_watches, all) {
		resume(w->now);
		if (w->next)
			resume(w->next);
	}
}

static void add_counts(struct hvt_watch_info *info, const struct hvt_inst *i)
{
	info->pages_mapped += READ_ONCE(i->w.mapped);
	info->hits += READ_ONCE(i->w.hits);
	info->filtered += READ_ONCE(i->w.filtered);
	info->near += hvt_inst_near(i);
	info->remaps += READ_ONCE(i->w.remaps);
}

static void fill_info(struct hvt_watch_info *info, const struct hvt_armed *w)
{
	info->id = w->now->w.id;
	info->access = w->now->w.access;
	info->pid = w->pid;
	info->owner = w->owner;
	info->addr = w->now->w.va;
	info->len = w->now->w.len;
	info->flags = w->flags;
	info->filter = w->now->w.filter ? w->now->w.filter->f.id : 0;
	info->pages_mapped = 0;
	info->hits = w->hits;
	info->filtered = w->filtered;
	info->near = w->near;
	info->remaps = w->remaps;
	add_counts(info, w->now);
	if (w->next)
		add_counts(info, w->next);
}

/* The @index-th watch of the machine, over all fds. */
int hvt_watch_info(struct hvt_watch_info *info)
{
	struct hvt_armed *w = list_first_entry(&hvt_watches, struct hvt_armed, all);
	u32 i = 0;

	if (last_told && last_index <= info->index) {
		w = last_told;
		i = last_index;
	}
	list_for_each_entry_from(w, &hvt_watches, all) {
		if (i++ < info->index)
			continue;
		last_told = w;
		last_index = info->index;
		fill_info(info, w);
		return 0;
	}
	return -ENOENT;
}
