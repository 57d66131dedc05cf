// SPDX-License-Identifier: GPL-2.0-only
/*
 * between.c: between which instructions of a program the timer interrupts it.
 *   echo LO HI REP >.../parameters/range   code from LO up to HI, of BYTES at most; REP is
 *                                          the address of a string instruction in it
 * Read, it says "OFFSET COUNT" of each address that was interrupted, and "rep RCX COUNT" of
 * the string instruction with so much of it to do.
 */
#include <linux/module.h>
#include <linux/tracepoint.h>
#include <asm/irq_regs.h>

#define BYTES 256
#define REPS  8

static unsigned long lo, hi, rep;
static atomic_t at[BYTES], left[REPS];
static struct tracepoint *timer;

/* At local_timer_entry, in the interrupt. */
static void on_timer(void *data, int vector)
{
	const struct pt_regs *regs = get_irq_regs();

	if (!regs || !user_mode(regs) || regs->ip < lo || regs->ip >= hi)
		return;
	atomic_inc(&at[regs->ip - lo]);
	if (regs->ip == rep && regs->cx < REPS)
		atomic_inc(&left[regs->cx]);
}

static int set_range(const char *text, const struct kernel_param *kp)
{
	unsigned long first, end, string;

	if (sscanf(text, "%lx %lx %lx", &first, &end, &string) != 3 || end <= first ||
	    end - first > BYTES)
		return -EINVAL;
	memset(at, 0, sizeof(at));
	memset(left, 0, sizeof(left));
	rep = string;
	lo = first;
	hi = end;
	return 0;
}

static int say(char *buffer, const struct kernel_param *kp)
{
	int len = 0, i;

	for (i = 0; i < BYTES; i++)
		if (atomic_read(&at[i]))
			len += sysfs_emit_at(buffer, len, "%d %d\n", i, atomic_read(&at[i]));
	for (i = 0; i < REPS; i++)
		if (atomic_read(&left[i]))
			len += sysfs_emit_at(buffer, len, "rep %d %d\n", i, atomic_read(&left[i]));
	return len;
}

static const struct kernel_param_ops ops = { .set = set_range, .get = say };
module_param_cb(range, &ops, NULL, 0644);

static void find(struct tracepoint *tp, void *data)
{
	if (!strcmp(tp->name, "local_timer_entry"))
		timer = tp;
}

static int __init between_init(void)
{
	for_each_kernel_tracepoint(find, NULL);
	return timer ? tracepoint_probe_register(timer, on_timer, NULL) : -ENOENT;
}

static void __exit between_exit(void)
{
	tracepoint_probe_unregister(timer, on_timer, NULL);
	tracepoint_synchronize_unregister();
}

module_init(between_init);
module_exit(between_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hvtrace tests: where a program is interrupted");
