// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why the machine or the module said no, in words, with a remedy: one table of reasons
 * and one of errno values.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "blocked.h"
#include "buf.h"

/* clang-format off */
static const struct {
	const char *name, *why, *remedy;
	int code;
} reasons[] = {
	[HVT_BLOCK_NONE] = { "none", "nothing is in the way", "hvtrace attach", AGENT_ERROR },
	[HVT_BLOCK_NO_VMX] = { "no-vmx", "this CPU has no VMX (Intel VT-x)",
		"an Intel CPU with VT-x, or nested virtualisation in the outer hypervisor",
		AGENT_UNSUPPORTED },
	[HVT_BLOCK_FIRMWARE] = { "firmware", "VMX is switched off in the firmware",
		"enable VT-x (Intel Virtualization Technology) in the firmware setup",
		AGENT_UNSUPPORTED },
	[HVT_BLOCK_VMX_BUSY] = { "vmx-busy", "another hypervisor module holds VMX",
		"end its virtual machines and unload it", AGENT_UNSUPPORTED },
	[HVT_BLOCK_NO_EPT] = { "no-ept", "this CPU has no usable EPT",
		"a CPU with EPT, or nested EPT in the outer hypervisor", AGENT_UNSUPPORTED },
	[HVT_BLOCK_NO_MTF] = { "no-mtf", "this CPU has no monitor trap flag",
		"a CPU with the monitor trap flag, or an outer hypervisor that offers it",
		AGENT_UNSUPPORTED },
	[HVT_BLOCK_NO_CONTROL] = { "no-control", "a VMX control that hvtrace needs is missing",
		"a newer CPU, or an outer hypervisor that offers the control", AGENT_UNSUPPORTED },
	[HVT_BLOCK_CET] = { "cet", "control-flow enforcement (CR4.CET) is on",
		"boot with ibt=off nousershstk", AGENT_UNSUPPORTED },
	[HVT_BLOCK_FRED] = { "fred", "FRED event delivery (CR4.FRED) is on",
		"boot with fred=off", AGENT_UNSUPPORTED },
	[HVT_BLOCK_LOCKDOWN] = { "lockdown", "the kernel is locked down",
		"boot with Secure Boot off and without lockdown=", AGENT_UNSUPPORTED },
	[HVT_BLOCK_REBOOT] = { "reboot", "the machine is going down",
		"again after the reboot", AGENT_ERROR },
	[HVT_BLOCK_NO_MEMORY] = { "no-memory", "not enough memory for the page tables",
		"free some memory", AGENT_ERROR },
	[HVT_BLOCK_ENTRY] = { "entry", "VMXON or VM entry failed",
		"dmesg for the details, and report them", AGENT_ERROR },
	[HVT_BLOCK_BROKEN] = { "broken", "root mode failed earlier",
		"dmesg for the details, and hvtrace detach", AGENT_ERROR },
};
/* clang-format on */

#define NR_REASONS (sizeof(reasons) / sizeof(reasons[0]))

const char *blocked_name(uint32_t reason)
{
	return reason < NR_REASONS ? reasons[reason].name : "unknown";
}

int blocked_code(uint32_t reason)
{
	return reason < NR_REASONS ? reasons[reason].code : AGENT_UNSUPPORTED;
}

void blocked_why(const struct hvt_blocked *b, char *text, size_t size)
{
	size_t detail = strnlen(b->detail, sizeof(b->detail));

	if (detail)
		snprintf(text, size, "%.*s", (int)detail, b->detail);
	else if (b->reason < NR_REASONS)
		snprintf(text, size, "%s", reasons[b->reason].why);
	else
		snprintf(text, size, "reason %u, which this agent does not know", b->reason);
}

/* The module that most likely holds VMX, NULL when none of the known ones is loaded. */
static const char *vmx_holder(void)
{
	static const char *const names[] = { "kvm_intel", "vboxdrv", "vmmon" };
	const char *found = NULL;
	struct buf b = { 0 };
	size_t i;

	if (buf_read_file(&b, "/proc/modules", 4u << 20) == 0) {
		for (i = 0; i < 3 && !found; i++) {
			char line[32];

			snprintf(line, sizeof(line), "\n%s ", names[i]);
			if (!strncmp((char *)b.p, line + 1, strlen(line + 1)) ||
			    strstr((char *)b.p, line))
				found = names[i];
		}
	}
	buf_free(&b);
	return found;
}

void blocked_remedy(uint32_t reason, char *text, size_t size)
{
	const char *holder = reason == HVT_BLOCK_VMX_BUSY ? vmx_holder() : NULL;

	if (holder)
		snprintf(text, size, "modprobe -r %s", holder);
	else
		snprintf(text, size, "%s",
			 reason < NR_REASONS ? reasons[reason].remedy :
					       "an agent and a module of the same version");
}

int blocked_complain(const char *what, const struct hvt_blocked *b)
{
	char why[128], remedy[128], error[48] = "";

	blocked_why(b, why, sizeof(why));
	blocked_remedy(b->reason, remedy, sizeof(remedy));
	if (b->vmx_error)
		snprintf(error, sizeof(error), " (VM-instruction error %u)", b->vmx_error);
	return complain(blocked_code(b->reason), "%s: CPU %u: %s%s; try: %s", what, b->cpu, why,
			error, remedy);
}

/* clang-format off */
static const struct {
	enum module_call call;
	int err;
	const char *why;
	int code;
} errors[] = {
	{ CALL_OPEN, ENOENT, "no such device; try: modprobe hvtrace", AGENT_UNSUPPORTED },
	{ CALL_OPEN, ENXIO, "no such device; try: modprobe hvtrace", AGENT_UNSUPPORTED },
	{ CALL_OPEN, ENODEV, "no such device; try: modprobe hvtrace", AGENT_UNSUPPORTED },
	{ CALL_OPEN, EACCES, "permission denied; try: sudo hvtrace ...", AGENT_UNSUPPORTED },
	{ CALL_OPEN, EPERM, "the kernel refuses (no CAP_SYS_ADMIN here, or lockdown); try: "
		"hvtrace check, as root and outside of containers", AGENT_UNSUPPORTED },
	{ CALL_OPEN, EBUSY, "in use; try: hvtrace status", AGENT_ERROR },
	{ CALL_HELLO, ENOTTY, "not an hvtrace device; try: modprobe -r hvtrace && "
		"modprobe hvtrace", AGENT_ERROR },
	{ CALL_RINGS, EINVAL, "not a size for rings; try: a smaller power of two", AGENT_USAGE },
	{ CALL_RINGS, ENOMEM, "not enough memory for the rings; try: fewer --ring-slots",
		AGENT_ERROR },
	{ CALL_RINGS, E2BIG, "the rings are too big; try: fewer --ring-slots", AGENT_ERROR },
	{ CALL_MMAP, ENOMEM, "not enough memory to map the rings; try: fewer --ring-slots",
		AGENT_ERROR },
	{ CALL_DETACH, ENODEV, "not attached; try: hvtrace status", AGENT_ERROR },
	{ CALL_WATCH_ADD, EFAULT, "nothing is mapped at this kernel address; try: a mapped one",
		AGENT_ERROR },
	{ CALL_WATCH_ADD, ESRCH, "the process is gone; try: ps", AGENT_ERROR },
	{ CALL_WATCH_ADD, EINVAL, "the module refuses this range; try: another address or "
		"length", AGENT_USAGE },
	{ CALL_WATCH_ADD, ERANGE, "the range leaves the address space; try: a smaller length",
		AGENT_USAGE },
	{ CALL_WATCH_ADD, ENOSPC, "too many watches or watched pages; try: fewer, or smaller "
		"ones", AGENT_ERROR },
	{ CALL_WATCH_ADD, ENOMEM, "not enough memory for its page tables; try: a smaller range",
		AGENT_ERROR },
	{ CALL_WATCH_ADD, ENODEV, "the machine is not attached; try: hvtrace attach",
		AGENT_ERROR },
	{ CALL_WATCH_ADD, EOPNOTSUPP, "this CPU cannot watch that access alone; try: --access "
		"with r as well", AGENT_UNSUPPORTED },
	{ CALL_WATCH_ADD, EAGAIN, "the process is in the middle of an execve; try: later",
		AGENT_ERROR },
	{ CALL_WATCH_ADD, EIO, "root mode failed; try: dmesg", AGENT_ERROR },
	{ CALL_PHYS_ADD, EFAULT, "nothing lies at this physical address; try: /proc/iomem",
		AGENT_ERROR },
	{ CALL_PHYS_ADD, EINVAL, "the module refuses this physical range; try: /proc/iomem",
		AGENT_USAGE },
	{ CALL_PHYS_ADD, ERANGE, "this CPU has fewer physical addresses; try: /proc/iomem",
		AGENT_USAGE },
	{ CALL_PHYS_ADD, EOPNOTSUPP, "this CPU cannot watch that access alone; try: --access "
		"with r as well", AGENT_UNSUPPORTED },
	{ CALL_PHYS_ADD, ENOSPC, "too many watches or watched pages; try: fewer, or smaller "
		"ones", AGENT_ERROR },
	{ CALL_FILTER_ADD, EINVAL, "the module refuses this filter; try: fewer of its options",
		AGENT_USAGE },
	{ CALL_FILTER_ADD, ENOSPC, "too many filters; try: end other watches", AGENT_ERROR },
	{ CALL_FILTER_ADD, ENOMEM, "not enough memory for the filter; try: later", AGENT_ERROR },
	{ CALL_TRACE_ADD, ESRCH, "the process or thread is gone; try: ps -eL", AGENT_ERROR },
	{ CALL_TRACE_ADD, EBUSY, "one of its threads is traced already; try: hvtrace status",
		AGENT_ERROR },
	{ CALL_TRACE_ADD, EINVAL, "the module refuses this trace; try: fewer of its options",
		AGENT_USAGE },
	{ CALL_TRACE_ADD, ENODEV, "the machine is not attached; try: hvtrace attach", AGENT_ERROR },
	{ CALL_TRACE_ADD, ENOENT, "the watch of --on is gone; try: again", AGENT_ERROR },
	{ CALL_TRACE_ADD, ENOMEM, "not enough memory for the trace; try: fewer threads",
		AGENT_ERROR },
	{ CALL_TRACE_ADD, ENOSPC, "too many traces or threads; try: end other traces",
		AGENT_ERROR },
	{ CALL_TRACE_ADD, EOPNOTSUPP, "this CPU cannot trace that; try: hvtrace check",
		AGENT_UNSUPPORTED },
	{ CALL_TRACE_ADD, EIO, "root mode failed; try: dmesg", AGENT_ERROR },
	{ CALL_FUNCTION_ADD, EFAULT, "no code is mapped there; try: grep -w SYMBOL /proc/kallsyms",
		AGENT_ERROR },
	{ CALL_FUNCTION_ADD, EINVAL, "the module refuses this function; try: another symbol or "
		"range of kernel code", AGENT_USAGE },
	{ CALL_FUNCTION_ADD, EBUSY, "it is traced already; try: hvtrace status", AGENT_ERROR },
	{ CALL_FUNCTION_ADD, ENOMEM, "not enough memory for the trace; try: later", AGENT_ERROR },
	{ CALL_FUNCTION_ADD, ENOSPC, "too many traces; try: end other traces", AGENT_ERROR },
	{ CALL_FUNCTION_ADD, ENODEV, "the machine is not attached; try: hvtrace attach",
		AGENT_ERROR },
	{ CALL_FUNCTION_ADD, EOPNOTSUPP, "this CPU cannot trace that; try: hvtrace check",
		AGENT_UNSUPPORTED },
	{ CALL_FUNCTION_ADD, EIO, "root mode failed; try: dmesg", AGENT_ERROR },
};
/* clang-format on */

int module_complain(enum module_call call, const char *what, int err)
{
	size_t i;

	if (err < 0)
		err = -err;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].call == call && errors[i].err == err)
			return complain(errors[i].code, "%s: %s", what, errors[i].why);
	}
	if (err == EPERM)
		return complain(AGENT_UNSUPPORTED,
				"%s: the kernel refuses; try: sudo hvtrace ..., "
				"and hvtrace check for lockdown",
				what);
	if (err == ENOTTY)
		return complain(AGENT_ERROR,
				"%s: the loaded module does not know this; try: modprobe "
				"-r hvtrace && modprobe hvtrace",
				what);
	return complain(AGENT_ERROR, "%s: %s; try: dmesg", what, strerror(err));
}
