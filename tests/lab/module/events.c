// SPDX-License-Identifier: GPL-2.0-only
/*
 * events.c: kernel code on memory to be watched, with interrupts where they matter.
 * Each test runs when its parameter is written and says when read what it saw:
 *   shadow  instructions behind STI and MOV SS, an interrupt pending: it comes behind them
 *   idle    per-CPU words that timers count up while their CPUs idle
 */
#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/timer.h>

/* Not static: kallsyms must have the name. */
u64 hvt_events_cell[PAGE_SIZE / 8] __aligned(PAGE_SIZE);

enum { BEFORE, AFTER, KINDS };

static unsigned int came[KINDS], rounds;
static u64 expected;

/* In the interrupt: has the instruction in the shadow been executed? */
static void on_interrupt(struct irq_work *work)
{
	came[READ_ONCE(hvt_events_cell[0]) == expected ? AFTER : BEFORE]++;
}

static struct irq_work interrupt = IRQ_WORK_INIT_HARD(on_interrupt);

static noinline void behind_sti(u64 *to)
{
	asm volatile("sti; incq (%0); nop; nop" : : "r"(to) : "cc", "memory");
}

/* The shadow of STI covers MOV SS, whose own covers the store. */
static noinline void behind_mov_ss(u64 *to)
{
	asm volatile("mov %%ss, %%eax; sti; mov %%eax, %%ss; incq (%0); nop; nop"
		     : : "r"(to) : "eax", "cc", "memory");
}

static noinline void behind_sti_two_pages(u64 *from, u64 *to)
{
	asm volatile("sti; movsq; nop; nop" : "+S"(from), "+D"(to) : : "memory");
}

static void one_round(unsigned int kind)
{
	u64 *cell = hvt_events_cell;
	u64 next;

	local_irq_disable();
	next = expected + 1;
	if (kind == 2)
		cell[8] = next;
	WRITE_ONCE(expected, next);
	irq_work_queue(&interrupt); /* an IPI to this CPU: pending from here on */
	switch (kind) {
	case 0:
		behind_sti(cell);
		break;
	case 1:
		behind_mov_ss(cell);
		break;
	default:
		behind_sti_two_pages(cell + 8, cell);
	}
	while (irq_work_is_busy(&interrupt))
		cpu_relax();
}

static int run_shadow(const char *text, const struct kernel_param *kp)
{
	unsigned int n, i;
	int rc = kstrtouint(text, 0, &n);

	if (rc)
		return rc;
	came[BEFORE] = came[AFTER] = 0;
	rounds = n;
	preempt_disable();
	hvt_events_cell[0] = expected = 0;
	for (i = 0; i < n; i++)
		one_round(i % 3);
	preempt_enable();
	return 0;
}

static int say_shadow(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%u rounds, interrupt before %u, behind %u\n", rounds,
			  came[BEFORE], came[AFTER]);
}

static const struct kernel_param_ops shadow_ops = { .set = run_shadow, .get = say_shadow };
module_param_cb(shadow, &shadow_ops, NULL, 0644);

/* --- per-CPU words */
struct ticker {
	struct timer_list timer;
	struct completion done;
	unsigned int left;
};

static DEFINE_PER_CPU_ALIGNED(u64, hvt_events_ticks);
static DEFINE_PER_CPU(struct ticker, tickers);

static void on_tick(struct timer_list *timer)
{
	struct ticker *t = container_of(timer, struct ticker, timer);

	this_cpu_inc(hvt_events_ticks);
	if (--t->left)
		mod_timer(timer, jiffies + 1);
	else
		complete(&t->done);
}

static int run_idle(const char *text, const struct kernel_param *kp)
{
	unsigned int n, cpu;
	int rc = kstrtouint(text, 0, &n);

	if (rc || !n)
		return rc ? rc : -EINVAL;
	for_each_online_cpu(cpu) {
		struct ticker *t = per_cpu_ptr(&tickers, cpu);

		timer_setup(&t->timer, on_tick, TIMER_PINNED);
		init_completion(&t->done);
		t->left = n;
		t->timer.expires = jiffies + 1;
		add_timer_on(&t->timer, cpu);
	}
	for_each_online_cpu(cpu)
		wait_for_completion(&per_cpu_ptr(&tickers, cpu)->done);
	return 0;
}

/* The address of each CPU's word and what is in it. */
static int say_idle(char *buffer, const struct kernel_param *kp)
{
	unsigned int cpu;
	int len = 0;

	for_each_online_cpu(cpu)
		len += sysfs_emit_at(buffer, len, "0x%lx %llu\n",
				     (unsigned long)per_cpu_ptr(&hvt_events_ticks, cpu),
				     per_cpu(hvt_events_ticks, cpu));
	return len;
}

static const struct kernel_param_ops idle_ops = { .set = run_idle, .get = say_idle };
module_param_cb(idle, &idle_ops, NULL, 0644);

/* The timers have ended by themselves before a write to `idle` returned. */
static void __exit events_exit(void)
{
}

static int __init events_init(void)
{
	return 0;
}

module_init(events_init);
module_exit(events_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("hvtrace tests: interrupts around watched kernel memory");
