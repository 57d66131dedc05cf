// SPDX-License-Identifier: GPL-2.0-only
/*
 * Putting CPUs under VMX and taking them out: through the hotplug state machine,
 * which visits every online CPU, rolls back when one fails, and comes again for
 * CPUs that go online or offline later. Suspend and reboot leave first.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/ioport.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/suspend.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/msr.h>
#include "hv.h"
#include "root/root_fn.h"

static int hp_state = -1;		/* of the hotplug state machine */
static bool going_down;			/* reboot: no more launches */
static bool suspended;			/* launched again after resume */
static struct hvt_vmx_config config;
struct hvt_blocked hvt_last_failure;

static void write_cr4(unsigned long v)
{
	/* Not through Linux's shadow: it must not learn of VMXE. */
	asm volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}

static void vmx_off(struct hvt_vcpu *v)
{
	vmx_vmclear(v->vmcs_pa);
	vmx_vmxoff();
	write_cr4(native_read_cr4() & ~X86_CR4_VMXE);
}

static int fail(struct hvt_blocked *why, int rc, const char *what)
{
	u64 error = 0;

	if (rc == 1)
		vmx_vmread(VM_INSTRUCTION_ERROR, &error);
	hvt_block(why, HVT_BLOCK_ENTRY, "%s: %s", what,
		  rc == 3 ? "invalid guest state" : error ? hvt_vmx_error_name(error) : "no status");
	why->vmx_error = error;
	return -EIO;
}

/* Interrupts off. Returns 0 as a guest. */
static int launch(struct hvt_vcpu *v, struct hvt_blocked *why)
{
	int rc;

	v->leave = false;
	v->step.mode = HVT_STEP_NONE;
	v->tr = (struct hvt_tracer){ .len = v->tr.len }; /* the scheduler tells who is here */
	memset(&v->crash, 0, sizeof(v->crash));
	write_cr4(native_read_cr4() | X86_CR4_VMXE);
	rc = vmx_vmxon(v->vmxon_pa);
	if (rc) {
		write_cr4(native_read_cr4() & ~X86_CR4_VMXE);
		return fail(why, 2, "VMXON failed");
	}
	rc = vmx_vmclear(v->vmcs_pa);
	if (!rc)
		rc = vmx_vmptrld(v->vmcs_pa);
	if (!rc)
		rc = hvt_vmcs_setup(v, &config);
	if (rc) {
		fail(why, rc, "VMCS set-up failed");
		vmx_off(v);
		return -EIO;
	}
	v->lazy_trap = HVT_GPA_NONE;
	hvt_lazy_reset(v);
	/* Point of no return: from here on this code runs as a guest, or failed. */
	rc = hvt_launch(v);
	if (rc) {
		fail(why, rc, "VM entry failed");
		vmx_off(v);
		return -EIO;
	}
	v->launched = true;
	hvt_call(HVT_CALL_ENTERED, 0);
	return 0;
}

static int cpu_up_vmx(unsigned int cpu)
{
	struct hvt_blocked why = { 0 };
	struct hvt_vmx_config here;
	struct hvt_vcpu *v;
	unsigned long flags;
	int rc;

	if (going_down)
		return 0;
	if (cpu >= HVT_MAX_CPUS) {
		hvt_block(&hvt_last_failure, HVT_BLOCK_NO_CONTROL, "CPU ids above %d",
			  HVT_MAX_CPUS - 1);
		return -E2BIG;
	}
	v = hvt_m.vcpu[cpu];
	if (!v)
		v = hvt_vcpu_alloc(cpu, &config);
	if (!v) {
		hvt_block(&hvt_last_failure, HVT_BLOCK_NO_MEMORY, "no memory for this CPU");
		return -ENOMEM;
	}
	hvt_m.vcpu[cpu] = v;
	if (hvt_m.ncpu <= cpu)
		hvt_m.ncpu = cpu + 1;
	local_irq_save(flags);
	rc = hvt_caps_check(&here, &why);
	if (!rc)
		rc = launch(v, &why);
	local_irq_restore(flags);
	if (rc)
		hvt_last_failure = why;
	return rc;
}

static int cpu_down_vmx(unsigned int cpu)
{
	struct hvt_vcpu *v = hvt_m.vcpu[cpu];
	unsigned long flags;
	bool nmi;

	if (!v || !v->launched)
		return 0;
	local_irq_save(flags);
	hvt_call(HVT_CALL_LEAVE, 0);
	nmi = v->nmi_pending || v->regs.nmi_seen;
	v->nmi_pending = false;
	v->regs.nmi_seen = 0;
	if (nmi)
		asm volatile("int $2"); /* one that came while in root mode */
	local_irq_restore(flags);
	return 0;
}

static int ram_end(struct resource *res, void *end)
{
	*(u64 *)end = max_t(u64, *(u64 *)end, res->end + 1);
	return 0;
}

static void report_crash(struct hvt_vcpu *v)
{
	static const char *const kind[] = {
		[HVT_CRASH_ENTRY] = "VM entry failed",
		[HVT_CRASH_GUEST_STATE] = "VM entry failed: invalid guest state",
		[HVT_CRASH_EXIT] = "unexpected VM exit",
		[HVT_CRASH_EXCEPTION] = "exception in root mode",
		[HVT_CRASH_EPT] = "EPT misconfiguration or hole",
	};
	struct hvt_crash *c = &v->crash;

	hvt_block(&hvt_last_failure, HVT_BLOCK_BROKEN, "%s", kind[c->kind]);
	hvt_last_failure.cpu = v->cpu;
	hvt_last_failure.vmx_error = c->vmx_error;
	pr_err("hvtrace: CPU %u left VMX: %s (%s %u, rc %u), exit reason 0x%x qualification 0x%llx, vector %llu error 0x%llx, rip %pS, cr2 0x%llx\n",
	       v->cpu, kind[c->kind], hvt_vmx_error_name(c->vmx_error), c->vmx_error, c->rc,
	       c->exit_reason, c->qualification, c->vector, c->error, (void *)c->rip, c->cr2);
}

/* Say once why root mode gave up. */
static void report_broken(void)
{
	u32 i;

	if (!READ_ONCE(hvt_m.broken))
		return;
	memset(&hvt_last_failure, 0, sizeof(hvt_last_failure));
	for (i = 0; i < hvt_m.ncpu; i++)
		if (hvt_m.vcpu[i] && hvt_m.vcpu[i]->crash.kind)
			report_crash(hvt_m.vcpu[i]);
	if (!hvt_last_failure.reason) {
		hvt_block(&hvt_last_failure, HVT_BLOCK_BROKEN, "root mode ran out of memory");
		pr_err("hvtrace: root mode ran out of memory\n");
	}
}

static void free_machine(void)
{
	u32 i;

	for (i = 0; i < HVT_MAX_CPUS; i++) {
		hvt_vcpu_free(hvt_m.vcpu[i]);
		hvt_m.vcpu[i] = NULL;
	}
	hvt_m.ncpu = 0;
	kfree(hvt_m.hash);
	kfree(hvt_m.bins);
	hvt_m.hash = NULL;
	hvt_m.bins = NULL;
	hvt_ept_destroy();
}

/*
 * Linux has the code by which it is entered, and left to user code, in one section: around
 * where SYSCALL leads to. Other ways in that are near by tell how far it reaches; what is
 * further away (another hypervisor's, say) is left by that section, too.
 */
static void find_entry_code(void)
{
	u64 syscall = hvt_rdmsr(MSR_LSTAR) & PAGE_MASK, addr;
	u64 reach = HVT_ENTRY_PAGES / 2 * PAGE_SIZE;
	struct desc_ptr idt;
	gate_desc *gate;
	u32 i;

	store_idt(&idt);
	gate = (gate_desc *)idt.address;
	hvt_m.entry_lo = syscall;
	hvt_m.entry_hi = syscall + PAGE_SIZE;
	for (i = 0; i < (idt.size + 1) / sizeof(*gate); i++) {
		addr = gate_offset(&gate[i]) & PAGE_MASK;
		if (!gate[i].bits.p || addr - syscall + reach >= 2 * reach)
			continue;
		hvt_m.entry_lo = min(hvt_m.entry_lo, addr);
		hvt_m.entry_hi = max(hvt_m.entry_hi, addr + PAGE_SIZE);
	}
}

static int alloc_machine(void)
{
	int cpu;

	hvt_m.maxphyaddr = boot_cpu_data.x86_phys_bits;
	hvt_m.levels = native_read_cr4() & X86_CR4_LA57 ? 5 : 4;
	hvt_m.phys_limit = 0;
	walk_iomem_res_desc(IORES_DESC_NONE, IORESOURCE_SYSTEM_RAM | IORESOURCE_BUSY, 0, -1,
			    &hvt_m.phys_limit, ram_end);
	find_entry_code();
	hvt_m.broken = false;
	hvt_m.hash = kcalloc(1 << HVT_HASH_BITS, sizeof(*hvt_m.hash), GFP_KERNEL);
	hvt_m.bins = kcalloc(1 << HVT_HASH_BITS, sizeof(*hvt_m.bins), GFP_KERNEL);
	if (!hvt_m.hash || !hvt_m.bins || hvt_ept_create(config.caps))
		return -ENOMEM;
	for_each_online_cpu(cpu) {
		if (cpu >= HVT_MAX_CPUS)
			break; /* cpu_up_vmx() refuses it with the reason */
		hvt_m.vcpu[cpu] = hvt_vcpu_alloc(cpu, &config);
		if (!hvt_m.vcpu[cpu])
			return -ENOMEM;
		hvt_m.ncpu = max_t(u32, hvt_m.ncpu, cpu + 1);
	}
	return 0;
}

bool hvt_attached(void)
{
	return hp_state >= 0 || suspended;
}

u32 hvt_cpus_attached(void)
{
	u32 i, n = 0;

	for (i = 0; i < hvt_m.ncpu; i++)
		n += hvt_m.vcpu[i] && hvt_m.vcpu[i]->launched;
	return n;
}

static int enter_all(void)
{
	int rc = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "hvtrace:vmx", cpu_up_vmx, cpu_down_vmx);

	if (rc < 0)
		return rc;
	hp_state = rc;
	return 0;
}

static void leave_all(void)
{
	if (hp_state >= 0)
		cpuhp_remove_state(hp_state);
	hp_state = -1;
}

int hvt_attach(struct hvt_blocked *why)
{
	int rc;

	if (hvt_attached() && !READ_ONCE(hvt_m.broken))
		return 0;
	if (hvt_attached()) { /* its CPUs have left, or are about to */
		*why = hvt_last_failure;
		why->reason = HVT_BLOCK_BROKEN;
		return -EIO;
	}
	if (going_down) {
		hvt_block(why, HVT_BLOCK_REBOOT, "the machine is going down");
		return -ESHUTDOWN;
	}
	preempt_disable();
	rc = hvt_caps_check(&config, why);
	preempt_enable();
	if (rc)
		return rc;
	if (alloc_machine()) {
		free_machine();
		hvt_block(why, HVT_BLOCK_NO_MEMORY, "no memory");
		return -ENOMEM;
	}
	rc = enter_all();
	if (rc) {
		*why = hvt_last_failure;
		free_machine();
		pr_warn("hvtrace: attach failed on CPU %u: %s\n", why->cpu, why->detail);
		return rc;
	}
	__module_get(THIS_MODULE);
	pr_info("hvtrace: attached, %u CPUs under VMX\n", hvt_cpus_attached());
	return 0;
}

void hvt_detach(void)
{
	if (!hvt_attached())
		return;
	if (hp_state >= 0)
		report_broken();
	leave_all();
	suspended = false;
	free_machine();
	module_put(THIS_MODULE);
	pr_info("hvtrace: detached\n");
}

/* Root mode gave up on some CPU: take the others out too. Called by the ticker. */
void hvt_check_broken(void)
{
	if (!hvt_attached() || !READ_ONCE(hvt_m.broken) || hp_state < 0)
		return;
	report_broken();
	leave_all();
	suspended = true; /* memory stays until the last user is gone */
}

static int on_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	mutex_lock(&hvt_lock);
	going_down = true;
	leave_all();
	mutex_unlock(&hvt_lock);
	return NOTIFY_DONE;
}

static int on_pm(struct notifier_block *nb, unsigned long action, void *data)
{
	mutex_lock(&hvt_lock);
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
		if (hp_state >= 0) {
			hvt_trace_pause();
			hvt_watch_pause();
			leave_all();
			suspended = true;
		}
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
		if (suspended && !hvt_m.broken) {
			if (enter_all()) {
				pr_err("hvtrace: not attached again after resume: %s\n",
				       hvt_last_failure.detail);
				break;
			}
			suspended = false;
			hvt_watch_resume();
			hvt_trace_resume();
		}
		break;
	}
	mutex_unlock(&hvt_lock);
	return NOTIFY_DONE;
}

static struct notifier_block reboot_nb = { .notifier_call = on_reboot, .priority = INT_MAX };
static struct notifier_block pm_nb = { .notifier_call = on_pm };

int hvt_cpu_init(void)
{
	int rc = register_reboot_notifier(&reboot_nb);

	if (rc)
		return rc;
	rc = register_pm_notifier(&pm_nb);
	if (rc)
		unregister_reboot_notifier(&reboot_nb);
	return rc;
}

void hvt_cpu_exit(void)
{
	unregister_pm_notifier(&pm_nb);
	unregister_reboot_notifier(&reboot_nb);
}
