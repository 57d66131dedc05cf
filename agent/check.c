// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvtrace-agent check: can this machine do it, and if not, the first reason and what to
 * do about it. The module knows best; without it, the CPU and the kernel say a part.
 */
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "blocked.h"
#include "buf.h"
#include "check.h"
#include "device.h"

#define CPUID_1_ECX_VMX (1u << 5)

struct verdict {
	const char *name; /* for scripts; NULL: it can */
	char why[192], remedy[128];
	int code;
};

bool lockdown_active(const char *text)
{
	const char *chosen = strchr(text, '[');

	return chosen && strncmp(chosen, "[none]", 6) != 0;
}

bool cpuinfo_has_flag(const char *text, const char *flag)
{
	const char *at = strstr(text, "\nflags"), *end;
	size_t len = strlen(flag);

	if (!at)
		return false;
	end = strchr(at + 1, '\n');
	while ((at = strstr(at, flag)) != NULL && (!end || at < end)) {
		if ((at[-1] == ' ' || at[-1] == '\t') && (at[len] == ' ' || at[len] == '\n'))
			return true;
		at += len;
	}
	return false;
}

static void set(struct verdict *v, const char *name, const char *why, const char *remedy)
{
	v->name = name;
	v->code = AGENT_UNSUPPORTED;
	snprintf(v->why, sizeof(v->why), "%s", why);
	snprintf(v->remedy, sizeof(v->remedy), "%s", remedy);
}

static void set_blocked(struct verdict *v, const struct hvt_blocked *b)
{
	char why[128 + 16], remedy[128];
	int n = 0;

	/* CPU 0 is asked first: what it lacks is named as what the machine lacks. */
	if (b->cpu)
		n = snprintf(why, sizeof(why), "CPU %u: ", b->cpu);
	blocked_why(b, why + n, sizeof(why) - (size_t)n);
	blocked_remedy(b->reason, remedy, sizeof(remedy));
	set(v, blocked_name(b->reason), why, remedy);
	v->code = blocked_code(b->reason);
}

static void set_reason(struct verdict *v, uint32_t reason)
{
	struct hvt_blocked b = { .reason = reason };

	set_blocked(v, &b);
}

/* Without the module: CPUID.1:ECX bit 5 is VMX (SDM Vol. 3, "Discovering support for VMX"). */
static bool cpu_blocks(struct verdict *v)
{
	unsigned int a, b, c, d;
	struct buf text = { 0 };
	bool hidden = false;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & CPUID_1_ECX_VMX)) {
		set_reason(v, HVT_BLOCK_NO_VMX);
		return true;
	}
	/* The kernel takes the flag away when the firmware has locked VMX out. */
	if (buf_read_file(&text, "/proc/cpuinfo", 16u << 20) == 0)
		hidden = !cpuinfo_has_flag((char *)text.p, "vmx");
	buf_free(&text);
	if (hidden)
		set_reason(v, HVT_BLOCK_FIRMWARE);
	return hidden;
}

static bool lockdown_blocks(struct verdict *v)
{
	struct buf text = { 0 };
	bool active = false;

	if (buf_read_file(&text, "/sys/kernel/security/lockdown", 4096) == 0)
		active = lockdown_active((char *)text.p);
	buf_free(&text);
	if (active)
		set_reason(v, HVT_BLOCK_LOCKDOWN);
	return active;
}

/* The module is there: its word counts. An attached machine hides VMX from CPUID. */
static int ask_module(struct verdict *v)
{
	struct device dev;
	int rc = device_open(&dev);

	if (rc)
		return rc;
	if (dev.hello.blocked.reason != HVT_BLOCK_NONE)
		set_blocked(v, &dev.hello.blocked);
	device_close(&dev);
	return AGENT_OK;
}

static void print_verdict(const struct verdict *v, bool json)
{
	struct buf b = { 0 };

	if (!json && !v->name) {
		puts("hvtrace can attach here");
	} else if (json) {
		buf_printf(&b, "{\"type\":\"check\",\"can_attach\":%s", v->name ? "false" : "true");
		if (v->name) {
			buf_printf(&b, ",\"reason\":\"%s\",\"why\":", v->name);
			buf_json(&b, v->why);
			buf_puts(&b, ",\"try\":");
			buf_json(&b, v->remedy);
		}
		buf_puts(&b, "}\n");
		fwrite(b.p, 1, b.len, stdout);
		buf_free(&b);
	}
}

int cmd_check(int argc, char **argv)
{
	struct verdict v = { 0 };
	bool json;
	int rc;

	rc = machine_options(argc, argv, &json);
	if (rc)
		return rc;
	if (access(HVT_DEVICE, F_OK) == 0) {
		if (geteuid() != 0)
			set(&v, "not-root", "not root", "sudo hvtrace check");
		else if (!lockdown_blocks(&v))
			rc = ask_module(&v);
	} else if (!cpu_blocks(&v) && !lockdown_blocks(&v)) {
		set(&v, "no-module", HVT_DEVICE ": no such device",
		    geteuid() == 0 ? "modprobe hvtrace" : "sudo modprobe hvtrace");
	}
	if (rc)
		return rc;
	print_verdict(&v, json);
	if (v.name && !json)
		return complain(v.code, "check: %s; try: %s", v.why, v.remedy);
	return finish_output(v.name ? v.code : AGENT_OK);
}
