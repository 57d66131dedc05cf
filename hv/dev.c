// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/hvtrace: who may talk to the module, and the copying in and out. What the
 * commands do lives elsewhere.
 */
#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <asm/tsc.h>
#include "hv.h"

DEFINE_MUTEX(hvt_lock);
LIST_HEAD(hvt_files);

static void tick(struct work_struct *work);
static DECLARE_DELAYED_WORK(ticker, tick);

/* Root mode wakes nobody; this does, in guest context, while any fd is open. */
static void tick(struct work_struct *work)
{
	struct hvt_file *f;

	mutex_lock(&hvt_lock);
	hvt_check_broken();
	list_for_each_entry(f, &hvt_files, node)
		if (hvt_session_has_data(f) || READ_ONCE(hvt_m.broken))
			wake_up_interruptible(&f->wait);
	if (!list_empty(&hvt_files) || hvt_attached())
		schedule_delayed_work(&ticker, msecs_to_jiffies(HVT_TICK_MS));
	mutex_unlock(&hvt_lock);
}

static int hvt_open(struct inode *inode, struct file *file)
{
	struct hvt_file *f;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (security_locked_down(LOCKDOWN_DEV_MEM))
		return -EPERM;
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	f->session = -1;
	f->owner = task_tgid_nr(current);
	INIT_LIST_HEAD(&f->watches);
	INIT_LIST_HEAD(&f->filters);
	INIT_LIST_HEAD(&f->traces);
	init_waitqueue_head(&f->wait);
	mutex_lock(&hvt_lock);
	list_add_tail(&f->node, &hvt_files);
	schedule_delayed_work(&ticker, msecs_to_jiffies(HVT_TICK_MS));
	mutex_unlock(&hvt_lock);
	file->private_data = f;
	return nonseekable_open(inode, file);
}

static bool persist;	/* attached until DETACH, whoever is left */

static bool is_armed(const struct hvt_file *f)
{
	return !list_empty(&f->watches) || !list_empty(&f->traces);
}

/* Leave the machine as it was found once nobody wants it attached. */
static void detach_if_unused(void)
{
	struct hvt_file *f;

	list_for_each_entry(f, &hvt_files, node)
		if (f->attached || is_armed(f))
			return;
	if (!persist)
		hvt_detach();
}

static int hvt_release(struct inode *inode, struct file *file)
{
	struct hvt_file *f = file->private_data;
	bool used;

	mutex_lock(&hvt_lock);
	used = f->attached || is_armed(f);
	hvt_trace_del_all(f);
	hvt_watch_del_all(f);
	hvt_filter_free_all(f);
	hvt_session_destroy(f);
	list_del(&f->node);
	if (used)
		detach_if_unused();
	mutex_unlock(&hvt_lock);
	kfree(f);
	return 0;
}

static __poll_t hvt_poll(struct file *file, poll_table *wait)
{
	struct hvt_file *f = file->private_data;
	__poll_t ev = 0;

	poll_wait(file, &f->wait, wait);
	mutex_lock(&hvt_lock);
	if (hvt_session_has_data(f))
		ev |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(hvt_m.broken))
		ev |= EPOLLERR;
	mutex_unlock(&hvt_lock);
	return ev;
}

static int hvt_mmap(struct file *file, struct vm_area_struct *vma)
{
	int rc;

	mutex_lock(&hvt_lock);
	rc = hvt_session_mmap(file->private_data, vma);
	mutex_unlock(&hvt_lock);
	return rc;
}

struct caps_call {
	struct hvt_vmx_config c;
	struct hvt_blocked why;
};

static void caps_here(void *arg)
{
	struct caps_call *call = arg;

	hvt_caps_check(&call->c, &call->why);
}

/* Attach takes every CPU, so each is asked; the first that refuses is named. */
static void caps_everywhere(struct caps_call *call)
{
	int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		smp_call_function_single(cpu, caps_here, call, 1);
		if (call->why.reason)
			break;
	}
	cpus_read_unlock();
}

static int do_hello(struct hvt_hello *h)
{
	struct caps_call call = { };

	h->abi = HVT_ABI;
	h->nr_cpus = nr_cpu_ids;
	h->tsc_khz = tsc_khz;
	h->cpus_attached = hvt_cpus_attached();
	if (hvt_attached() && READ_ONCE(hvt_m.broken)) { /* a detach heals it */
		h->blocked = hvt_last_failure;
		h->blocked.reason = HVT_BLOCK_BROKEN;
		return 0;
	}
	if (h->cpus_attached)
		hvt_vmx_probe(&call.c, h->blocked.detail, sizeof(h->blocked.detail));
	else
		caps_everywhere(&call);
	if (call.why.reason)
		h->blocked = call.why;
	h->caps = h->blocked.reason ? 0 : call.c.caps;
	return 0;
}

static int do_attach(struct hvt_file *f, struct hvt_attach *a)
{
	int rc;

	if (a->flags & ~HVT_ATTACH_PERSIST)
		return -EINVAL;
	rc = hvt_attach(&a->blocked);
	if (rc)
		return rc;
	if (a->flags & HVT_ATTACH_PERSIST)
		persist = true;
	else
		f->attached = true;
	schedule_delayed_work(&ticker, msecs_to_jiffies(HVT_TICK_MS));
	return 0;
}

static int do_detach(void)
{
	struct hvt_file *f;

	list_for_each_entry(f, &hvt_files, node)
		if (is_armed(f))
			return -EBUSY;
	list_for_each_entry(f, &hvt_files, node)
		f->attached = false;
	persist = false;
	hvt_detach();
	return 0;
}

union arg {
	u32 size;
	struct hvt_hello hello;
	struct hvt_attach attach;
	struct hvt_status status;
	struct hvt_cpu_status cpu_status;
	struct hvt_rings rings;
	struct hvt_watch_add watch_add;
	struct hvt_watch_del watch_del;
	struct hvt_watch_info watch_info;
	struct hvt_ksym ksym;
	struct hvt_clock clock;
	struct hvt_filter filter;
	struct hvt_trace_add trace_add;
	struct hvt_trace_info trace_info;
};

static int run(struct hvt_file *f, unsigned int nr, union arg *a)
{
	switch (nr) {
	case _IOC_NR(HVT_IOC_HELLO):
		return do_hello(&a->hello);
	case _IOC_NR(HVT_IOC_ATTACH):
		return do_attach(f, &a->attach);
	case _IOC_NR(HVT_IOC_DETACH):
		return do_detach();
	case _IOC_NR(HVT_IOC_STATUS):
		hvt_fill_status(&a->status);
		if (persist)
			a->status.flags |= HVT_ST_PERSIST;
		return 0;
	case _IOC_NR(HVT_IOC_CPU_STATUS):
		return hvt_fill_cpu_status(&a->cpu_status);
	case _IOC_NR(HVT_IOC_RINGS):
		if (a->rings.flags & ~HVT_RINGS_NOT_MINE)
			return -EINVAL;
		a->rings.nr_cpus = nr_cpu_ids;
		return hvt_session_create(f, &a->rings.slots, a->rings.flags);
	case _IOC_NR(HVT_IOC_WATCH_ADD):
		return hvt_watch_add(f, &a->watch_add);
	case _IOC_NR(HVT_IOC_WATCH_DEL):
		return hvt_watch_del(f, a->watch_del.id);
	case _IOC_NR(HVT_IOC_WATCH_INFO):
		return hvt_watch_info(&a->watch_info);
	case _IOC_NR(HVT_IOC_KSYM):
		return a->ksym.pad ? -EINVAL : hvt_fill_ksym(&a->ksym);
	case _IOC_NR(HVT_IOC_CLOCK):
		hvt_fill_clock(&a->clock);
		return 0;
	case _IOC_NR(HVT_IOC_FILTER_ADD):
		return hvt_filter_add(f, &a->filter);
	case _IOC_NR(HVT_IOC_FILTER_INFO):
		return hvt_filter_info(&a->filter);
	case _IOC_NR(HVT_IOC_TRACE_ADD):
		return hvt_trace_add(f, &a->trace_add);
	case _IOC_NR(HVT_IOC_TRACE_DEL):
		return hvt_trace_del(f, a->watch_del.id);
	case _IOC_NR(HVT_IOC_TRACE_INFO):
		return hvt_trace_info(&a->trace_info);
	default:
		return -ENOTTY;
	}
}

static const u16 arg_size[] = {
	[_IOC_NR(HVT_IOC_HELLO)] = sizeof(struct hvt_hello),
	[_IOC_NR(HVT_IOC_ATTACH)] = sizeof(struct hvt_attach),
	[_IOC_NR(HVT_IOC_DETACH)] = 0,
	[_IOC_NR(HVT_IOC_STATUS)] = sizeof(struct hvt_status),
	[_IOC_NR(HVT_IOC_CPU_STATUS)] = sizeof(struct hvt_cpu_status),
	[_IOC_NR(HVT_IOC_RINGS)] = sizeof(struct hvt_rings),
	[_IOC_NR(HVT_IOC_WATCH_ADD)] = sizeof(struct hvt_watch_add),
	[_IOC_NR(HVT_IOC_WATCH_DEL)] = sizeof(struct hvt_watch_del),
	[_IOC_NR(HVT_IOC_WATCH_INFO)] = sizeof(struct hvt_watch_info),
	[_IOC_NR(HVT_IOC_KSYM)] = sizeof(struct hvt_ksym),
	[_IOC_NR(HVT_IOC_CLOCK)] = sizeof(struct hvt_clock),
	[_IOC_NR(HVT_IOC_FILTER_ADD)] = sizeof(struct hvt_filter),
	[_IOC_NR(HVT_IOC_FILTER_INFO)] = sizeof(struct hvt_filter),
	[_IOC_NR(HVT_IOC_TRACE_ADD)] = sizeof(struct hvt_trace_add),
	[_IOC_NR(HVT_IOC_TRACE_DEL)] = sizeof(struct hvt_watch_del),
	[_IOC_NR(HVT_IOC_TRACE_INFO)] = sizeof(struct hvt_trace_info),
};

/*
 * The command's size field is the caller's struct; a shorter one is zero-extended,
 * a longer one is taken when its unknown tail is zero (copy_struct_from_user).
 */
static long hvt_ioctl(struct file *file, unsigned int cmd, unsigned long uarg)
{
	void __user *u = (void __user *)uarg;
	unsigned int nr = _IOC_NR(cmd), usize = _IOC_SIZE(cmd), ksize;
	union arg *a;
	long rc;

	if (_IOC_TYPE(cmd) != 'h' || nr >= ARRAY_SIZE(arg_size))
		return -ENOTTY;
	if (!file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	ksize = arg_size[nr];
	a = kzalloc(sizeof(*a), GFP_KERNEL);
	if (!a)
		return -ENOMEM;
	rc = ksize ? copy_struct_from_user(a, ksize, u, usize) : 0;
	if (!rc && ksize && a->size != usize)
		rc = -EINVAL;
	if (!rc) {
		mutex_lock(&hvt_lock);
		rc = run(file->private_data, nr, a);
		mutex_unlock(&hvt_lock);
		if (copy_to_user(u, a, min(usize, ksize)) && !rc)
			rc = -EFAULT;
	}
	kfree(a);
	return rc;
}

static const struct file_operations fops = {
	.owner = THIS_MODULE,
	.open = hvt_open,
	.release = hvt_release,
	.poll = hvt_poll,
	.mmap = hvt_mmap,
	.unlocked_ioctl = hvt_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "hvtrace",
	.fops = &fops,
	.mode = 0600,
};

int hvt_dev_init(void)
{
	return misc_register(&misc);
}

void hvt_dev_exit(void)
{
	misc_deregister(&misc);
	cancel_delayed_work_sync(&ticker);
	hvt_exec_exit();
	hvt_threads_exit();
}
