/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The text trace of Tenet, a trace explorer: a file for each thread, a line for each
 * instruction with what it left: the registers that it changed, the address of the next
 * one, the memory that it read and wrote. A new program in the thread, and a loss, behind
 * which registers are not known any more, begin a new file.
 */
#include "export.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyse/branch.h"
#include "analyse/by_thread.h"
#include "lib/line.h"

struct thread {
	struct hvt_thread is;
	unsigned int files;
	FILE *out;		   /* NULL: none now */
	uint64_t losses;	   /* that are behind it */
	bool pending;		   /* the last instruction has no line, ... */
	uint64_t next;		   /* ... and went there; 0: not known */
	uint32_t changed;	   /* it left these registers, by bit, ... */
	uint64_t value[16];	   /* ... so */
	struct hvt_line regs, mem; /* what it left, as text */
};

struct tenet {
	int dir, error;
	struct hvt_by_thread threads;
	uint64_t losses;
};

static void *begin(FILE *out, int dir)
{
	struct tenet *x = calloc(1, sizeof(*x));

	(void)out;
	if (!x)
		return NULL;
	x->dir = dir;
	x->threads.size = sizeof(struct thread);
	return x;
}

/* "101.log", then "101-2.log" */
static void open_file(struct tenet *x, struct thread *t)
{
	char name[64];
	int fd, n;

	n = snprintf(name, sizeof(name), "%" PRIu32, t->is.tid);
	if (!t->is.tid)
		n += snprintf(name + n, sizeof(name) - (size_t)n, "-cpu%" PRIu32, t->is.cpu);
	if (++t->files > 1)
		n += snprintf(name + n, sizeof(name) - (size_t)n, "-%u", t->files);
	snprintf(name + n, sizeof(name) - (size_t)n, ".log");
	fd = openat(x->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	t->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!t->out) {
		x->error = errno;
		if (fd >= 0)
			close(fd);
	}
}

static void put_registers(struct thread *t)
{
	static const char *const names[] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"
	};
	unsigned int i;

	for (i = 0; i < 16; i++) {
		if (!(t->changed & 1u << i))
			continue;
		hvt_line_str(&t->regs, names[i]);
		hvt_line_char(&t->regs, '=');
		hvt_line_hex(&t->regs, t->value[i]);
		hvt_line_char(&t->regs, ',');
	}
	t->changed = 0;
}

/* The line of the last instruction: behind it the thread is at ip. */
static void put_line(struct thread *t, uint64_t ip)
{
	put_registers(t);
	hvt_line_lit(&t->regs, "rip=");
	hvt_line_hex(&t->regs, ip);
	hvt_line_put(&t->regs, t->mem.p, t->mem.len);
	hvt_line_char(&t->regs, '\n');
	hvt_line_write(&t->regs, t->out);
	t->regs.len = t->mem.len = 0;
	t->pending = false;
}

static void close_file(struct tenet *x, struct thread *t)
{
	bool bad;

	if (!t->out)
		return;
	if (t->pending && t->next)
		put_line(t, t->next);
	t->changed = 0;
	t->mem.len = 0;
	bad = ferror(t->out);
	errno = 0;
	if ((fclose(t->out) || bad) && !x->error)
		x->error = errno ? errno : EIO;
	t->out = NULL;
}

/* Register i is what the thread goes on with. */
static void set_register(struct thread *t, unsigned int i, uint64_t value)
{
	t->changed |= 1u << i;
	t->value[i] = value;
}

static void put_memory(struct hvt_line *l, const char *what, uint64_t addr, const uint8_t *bytes,
		       uint32_t len)
{
	if (!bytes || !len)
		return;
	hvt_line_str(l, what);
	hvt_line_hex(l, addr);
	hvt_line_char(l, ':');
	hvt_line_bytes(l, bytes, len);
}

static void add_insn(struct tenet *x, struct thread *t, const struct hvt_event *ev)
{
	const struct hvt_operand_value *m;
	const uint64_t *value = ev->delta;
	uint32_t i;

	if (!t->out)
		open_file(x, t);
	if (!t->out)
		return;
	put_line(t, ev->ip);
	/* it has no flags */
	for (i = 0; i < 16; i++)
		if (ev->delta_mask & 1u << i)
			set_register(t, i, *value++);
	for (i = 0; i < ev->nr_mem; i++) {
		m = &ev->mem[i];
		if (m->access & HVT_ACC_R)
			put_memory(&t->mem, ",mr=", m->addr, m->old, m->len);
		if (m->access & HVT_ACC_W)
			put_memory(&t->mem, ",mw=", m->addr, m->new_, m->len);
	}
	t->pending = true;
	t->next = hvt_branch_of(ev->insn, ev->insn_len, ev->flags) == HVT_BRANCH_NONE ?
			  ev->ip + ev->insn_len :
			  0;
}

static void add_flow(struct tenet *x, struct thread *t, const struct hvt_event *ev)
{
	if (ev->what == HVT_FLOW_EXEC) {
		close_file(x, t);
		return;
	}
	if (!t->pending)
		return;
	/* RAX is that of the call until the call returns */
	if (ev->what == HVT_FLOW_RESUME && ev->flags & HVT_RF_SYSRET)
		set_register(t, 0, ev->arg[0]);
	if (ev->to)
		t->next = ev->to;
}

static void event(void *export, struct hvt_reader *r, const struct hvt_event *ev)
{
	struct tenet *x = export;
	struct thread *t;

	(void)r;
	if (ev->type == HVT_EV_LOST)
		x->losses++;
	if (x->error || (ev->type != HVT_EV_INSN && ev->type != HVT_EV_FLOW))
		return;
	t = hvt_by_thread_find(&x->threads, ev, 0);
	if (!t) {
		x->error = ENOMEM;
		return;
	}
	if (t->losses != x->losses)
		close_file(x, t);
	t->losses = x->losses;
	if (ev->type == HVT_EV_INSN)
		add_insn(x, t, ev);
	else
		add_flow(x, t, ev);
}

static int end(void *export, const struct hvt_reader *r)
{
	struct tenet *x = export;
	struct thread *t;
	size_t i;
	int error;

	(void)r;
	for (i = 0; i < x->threads.n; i++) {
		t = x->threads.v[i];
		close_file(x, t);
		free(t->regs.p);
		free(t->mem.p);
	}
	hvt_by_thread_free(&x->threads);
	error = x->error;
	free(x);
	return error;
}

const struct hvt_exporter hvt_export_tenet = {
	.name = "tenet",
	.directory = true,
	.instructions = true,
	.needs = HVT_TRACE_REGS | HVT_TRACE_MEM,
	.begin = begin,
	.event = event,
	.end = end,
};
