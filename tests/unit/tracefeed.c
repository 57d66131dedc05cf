// SPDX-License-Identifier: GPL-2.0-only
/* Made up events: see tracefeed.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracefeed.h"

struct hvt_calls *calls;
uint32_t feed_tid, feed_body, feed_nest;

static void name(uint64_t ip, struct hvt_symbol *sym)
{
	static const char *const names[] = { "A", "B", "C", "D", "E", "F" };

	sym->kernel = ip >= KERNEL;
	sym->obj = sym->kernel ? "[kernel]" : "prog";
	if ((ip & 0xffff) < 0xa000)
		return;
	sym->name = names[((ip & 0xffff) - 0xa000) >> 12];
	sym->off = ip & 0xfff;
}

static struct hvt_event event(enum hvt_event_type type)
{
	struct hvt_event ev = {
		.type = type, .watch = 5, .pid = 7, .tid = feed_tid, .body = feed_body
	};

	strcpy(ev.comm, "prog");
	ev.nest = (uint8_t)feed_nest;
	return ev;
}

void insn(uint64_t ip, const char *bytes, size_t len)
{
	struct hvt_event ev = event(HVT_EV_INSN);

	ev.ip = ip;
	ev.flags = ip >= KERNEL ? 0 : HVT_RF_USER;
	name(ip, &ev.ip_sym);
	memcpy(ev.insn, bytes, len);
	ev.insn_len = (uint8_t)len;
	assert_int_equal(hvt_calls_add(calls, NULL, &ev), 0);
}

void nop(uint64_t ip)
{
	insn(ip, "\x90", 1);
}

void call(uint64_t ip)
{
	insn(ip, "\xe8\0\0\0\0", 5);
}

void ret(uint64_t ip)
{
	insn(ip, "\xc3", 1);
}

void jump(uint64_t ip)
{
	insn(ip, "\xff\xe0", 2);
}

void syscall_insn(uint64_t ip)
{
	insn(ip, "\x0f\x05", 2);
}

void flow(uint8_t what, uint64_t to, uint32_t number)
{
	struct hvt_event ev = event(HVT_EV_FLOW);

	ev.what = what;
	ev.to = to;
	ev.number = number;
	ev.vector = (uint8_t)number;
	if (to)
		name(to, &ev.to_sym);
	assert_int_equal(hvt_calls_add(calls, NULL, &ev), 0);
}

void broken(uint8_t what, uint64_t ip, uint8_t vector)
{
	struct hvt_event ev = event(HVT_EV_FLOW);

	ev.what = what;
	ev.ip = ip;
	ev.vector = vector;
	name(ip, &ev.ip_sym);
	assert_int_equal(hvt_calls_add(calls, NULL, &ev), 0);
}

void lost(void)
{
	struct hvt_event ev = { .type = HVT_EV_LOST, .count = 3 };

	assert_int_equal(hvt_calls_add(calls, NULL, &ev), 0);
}

static void put(char *out, size_t room, const struct hvt_call *n)
{
	static const char *const kinds[] = { "", "", "~", "sys", "int", "exc", "sig" };
	size_t len = strlen(out);

	if (n->sym.name)
		snprintf(out + len, room - len, "%s%s", kinds[n->kind], n->sym.name);
	else
		snprintf(out + len, room - len, "%s%llx", kinds[n->kind],
			 (unsigned long long)n->entry);
	len = strlen(out);
	snprintf(out + len, room - len, ":%llu/%llu", (unsigned long long)n->calls,
		 (unsigned long long)n->self);
	if (!n->child)
		return;
	strcat(out, "(");
	for (n = n->child; n; n = n->next) {
		put(out, room, n);
		strcat(out, n->next ? " " : ")");
	}
}

void expect_of(size_t i, const char *want)
{
	const struct hvt_call_thread *t = hvt_calls_thread(calls, i);
	const struct hvt_call *n;
	char got[4096] = "";

	assert_non_null(t);
	for (n = t->root->child; n; n = n->next) {
		put(got, sizeof(got), n);
		if (n->next)
			strcat(got, " ");
	}
	assert_string_equal(got, want);
}

int feed_setup(void **state)
{
	(void)state;
	calls = hvt_calls_new();
	feed_tid = 7;
	feed_body = feed_nest = 0;
	return !calls;
}

int feed_teardown(void **state)
{
	(void)state;
	hvt_calls_free(calls);
	return 0;
}
