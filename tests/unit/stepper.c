// SPDX-License-Identifier: GPL-2.0-only
/* A program under PTRACE_SINGLESTEP: which stop means what. See stepper.h. */
#include "stepper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"

#define RECORDS_MAX	 (4u << 20) /* bytes of a section, before it is compressed */
#define EVENT_OF(status) ((status) >> 16)

struct step_thread {
	struct step_thread *next;
	int pid, tid;
	bool begun;
	bool fresh;  /* stopped in front of rip by something else than a step */
	bool called; /* the system call of the step is in the log */
	int signal;  /* that was delivered with the step */
	siginfo_t info;
	struct user_regs_struct before; /* the step */
	uint8_t insn[HVT_INSN_BYTES];
	size_t insn_len;
	struct step_operands operands;
};

static void flush(struct stepper *s, size_t at_least)
{
	if (s->records.len <= at_least)
		return;
	lb_section(s->log, HVT_SEC_EVENTS, 0, s->records.bytes, s->records.len);
	lb_round(s->log, s->tsc);
	s->records.len = 0;
}

static void put_insn(struct stepper *s, struct step_thread *t, const struct user_regs_struct *after)
{
	struct hvt_rec_insn in = lb_insn(s->seq++, s->tsc++, t->before.rip);
	uint64_t old[17], now[17], changed[17];
	const struct hvt_insn *decoded;
	uint32_t mask = 0, n = 0, i;

	in.h.watch = STEP_TRACE;
	in.pid = (uint32_t)t->pid;
	in.tid = (uint32_t)t->tid;
	memcpy(in.insn, t->insn, sizeof(in.insn));
	decoded = hvt_decode(s->decoder, in.ip, 0, t->insn, t->insn_len);
	in.insn_len = decoded ? decoded->len : (uint8_t)t->insn_len;
	if (s->trace_flags & HVT_TRACE_REGS) {
		in.h.flags |= HVT_RF_DELTA;
		step_registers(&t->before, old);
		step_registers(after, now);
		for (i = 0; i < 17; i++)
			if (old[i] != now[i]) {
				mask |= 1u << i;
				changed[n++] = now[i];
			}
	}
	if (s->trace_flags & HVT_TRACE_MEM) {
		in.h.flags |= HVT_RF_MEM;
		step_operands_after(t->pid, &t->operands);
	}
	lb_insn_record(&s->records, &in, mask, changed, t->operands.v, t->operands.nr,
		       t->operands.exact);
	flush(s, RECORDS_MAX);
}

static struct hvt_rec_flow flow_of(struct stepper *s, const struct step_thread *t, uint8_t what)
{
	struct hvt_rec_flow f = lb_flow(s->seq++, s->tsc++, what);

	f.h.watch = STEP_TRACE;
	f.pid = (uint32_t)t->pid;
	f.tid = (uint32_t)t->tid;
	return f;
}

static void put_flow(struct stepper *s, const struct hvt_rec_flow *f)
{
	lb_bytes(&s->records, f, sizeof(*f));
}

static void put_arrival(struct stepper *s, const struct step_thread *t, uint8_t what, uint64_t to)
{
	struct hvt_rec_flow f = flow_of(s, t, what);

	f.to = to;
	put_flow(s, &f);
}

static bool is_syscall(const struct step_thread *t)
{
	return t->insn_len >= 2 && t->insn[0] == 0x0f && t->insn[1] == 0x05;
}

/* The instruction that enters the kernel, and with what it does so. */
static void put_syscall(struct stepper *s, struct step_thread *t)
{
	struct user_regs_struct inside = t->before;
	struct hvt_rec_flow f;

	/* all that the instruction itself does */
	inside.rcx = t->before.rip + 2;
	inside.r11 = t->before.eflags;
	put_insn(s, t, &inside);
	f = flow_of(s, t, HVT_FLOW_SYSCALL);
	f.ip = t->before.rip;
	memcpy(f.insn, t->insn, 2);
	f.insn_len = 2;
	f.code = (uint32_t)t->before.rax;
	f.arg[0] = t->before.rdi;
	f.arg[1] = t->before.rsi;
	f.arg[2] = t->before.rdx;
	f.arg[3] = t->before.r10;
	f.arg[4] = t->before.r8;
	f.arg[5] = t->before.r9;
	put_flow(s, &f);
	t->called = true;
}

static void put_sysret(struct stepper *s, struct step_thread *t,
		       const struct user_regs_struct *after)
{
	struct hvt_rec_flow f = flow_of(s, t, HVT_FLOW_RESUME);
	int64_t result = (int64_t)after->rax;

	f.to = after->rip;
	/* what a signal interrupts has no result yet; what a handler returns to had one */
	if (t->before.rax != SYS_rt_sigreturn && !(result <= -512 && result >= -516)) {
		f.h.flags |= HVT_RF_SYSRET;
		f.code = (uint32_t)t->before.rax;
		f.arg[0] = after->rax;
	}
	put_flow(s, &f);
	if (t->before.rax == SYS_mmap || t->before.rax == SYS_mprotect)
		step_maps(s, t->pid);
}

/* Is there a handler for it? */
static bool is_caught(int pid, int signal)
{
	unsigned long long caught = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "SigCgt: %llx", &caught) == 1)
			break;
	if (f)
		fclose(f);
	return caught >> (signal - 1) & 1;
}

/* Who is stepped is in the kernel for the fault, or for whatever brought the signal. */
static void put_cause(struct stepper *s, struct step_thread *t)
{
	static const uint8_t vectors[] = {
		[SIGFPE] = 0, [SIGILL] = 6, [SIGSEGV] = 14, [SIGBUS] = 14
	};
	bool fault = t->info.si_code > 0 && (t->signal == SIGFPE || t->signal == SIGILL ||
					     t->signal == SIGSEGV || t->signal == SIGBUS);
	struct hvt_rec_flow f;

	f = flow_of(s, t, fault ? HVT_FLOW_EXCEPTION : HVT_FLOW_INTERRUPT);
	f.ip = t->before.rip;
	if (fault) {
		f.vector = vectors[t->signal];
		f.arg[0] = f.vector == 14 ? (uint64_t)(uintptr_t)t->info.si_addr : 0;
		memcpy(f.insn, t->insn, sizeof(f.insn));
		f.insn_len = (uint8_t)t->insn_len;
	}
	put_flow(s, &f);
}

static void put_signal(struct stepper *s, struct step_thread *t, uint64_t to)
{
	struct hvt_rec_flow f;

	put_cause(s, t);
	f = flow_of(s, t, HVT_FLOW_SIGNAL);
	f.code = (uint32_t)t->signal;
	f.to = to;
	f.arg[0] = (uint64_t)t->info.si_code;
	f.arg[1] = t->info.si_code > 0 ? (uint64_t)(uintptr_t)t->info.si_addr : 0;
	put_flow(s, &f);
	if (to)
		put_arrival(s, t, HVT_FLOW_RESUME, to);
}

/* The step's trap: the instruction has retired, or the signal's handler was entered. */
static void stepped(struct stepper *s, struct step_thread *t)
{
	struct user_regs_struct now;

	if (ptrace(PTRACE_GETREGS, t->tid, 0, &now))
		return;
	if (t->signal && is_caught(t->pid, t->signal)) {
		put_signal(s, t, now.rip);
	} else if (t->fresh && now.rip == t->before.rip) {
		/* the trap of the system call that the stop was in */
	} else if (is_syscall(t)) {
		if (!t->called)
			put_syscall(s, t);
		put_sysret(s, t, &now);
	} else {
		put_insn(s, t, &now);
	}
}

/* A signal comes: what was to be stepped has not been, unless it is a call that it ends. */
static void signalled(struct stepper *s, struct step_thread *t, int signal)
{
	struct user_regs_struct now;

	if (!ptrace(PTRACE_GETREGS, t->tid, 0, &now) && now.rip != t->before.rip && !t->fresh &&
	    is_syscall(t) && !t->signal) {
		if (!t->called)
			put_syscall(s, t);
		put_sysret(s, t, &now);
	}
	t->signal = signal;
	ptrace(PTRACE_GETSIGINFO, t->tid, 0, &t->info);
}

static struct step_thread *thread_of(struct stepper *s, int tid)
{
	struct step_thread *t;
	struct proc_stat stat;

	for (t = s->threads; t; t = t->next)
		if (t->tid == tid)
			return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		abort();
	t->tid = t->pid = tid;
	if (!proc_stat(tid, &stat))
		t->pid = stat.tgid;
	t->next = s->threads;
	s->threads = t;
	return t;
}

static void forget(struct stepper *s, struct step_thread *t)
{
	struct step_thread **at = &s->threads;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	free(t);
}

static void ended(struct stepper *s, struct step_thread *t, int status)
{
	struct hvt_rec_flow f;

	if (is_syscall(t) && !t->called && WIFEXITED(status) && !t->signal && !t->fresh)
		put_syscall(s, t);
	if (t->signal)
		put_signal(s, t, 0);
	f = flow_of(s, t, HVT_FLOW_EXIT);
	f.code = (uint32_t)status;
	put_flow(s, &f);
	forget(s, t);
}

static void step(struct stepper *s, struct step_thread *t)
{
	if (!ptrace(PTRACE_GETREGS, t->tid, 0, &t->before)) {
		t->insn_len = step_read(t->tid, t->before.rip, t->insn, sizeof(t->insn));
		memset(t->insn + t->insn_len, 0, sizeof(t->insn) - t->insn_len);
		if (s->trace_flags & HVT_TRACE_MEM)
			step_operands_before(s, t->tid, &t->before, t->insn, t->insn_len,
					     &t->operands);
	}
	if (!t->begun) {
		t->begun = true;
		put_arrival(s, t, HVT_FLOW_BEGIN, t->before.rip);
	}
	ptrace(PTRACE_SINGLESTEP, t->tid, 0, t->signal);
}

static void event(struct stepper *s, struct step_thread *t, int what)
{
	struct user_regs_struct now;
	unsigned long child = 0;

	if (!t->called && is_syscall(t))
		put_syscall(s, t);
	if (what == PTRACE_EVENT_EXEC) {
		step_task(s, HVT_TASK_EXEC, t->pid, t->tid, 0);
		step_maps(s, t->pid);
		put_arrival(s, t, HVT_FLOW_EXEC, 0);
		if (!ptrace(PTRACE_GETREGS, t->tid, 0, &now))
			put_arrival(s, t, HVT_FLOW_RESUME, now.rip);
		t->called = false;
	} else if (!ptrace(PTRACE_GETEVENTMSG, t->tid, 0, &child) && child) {
		step_task(s, HVT_TASK_FORK, thread_of(s, (int)child)->pid, (int)child, t->pid);
	}
}

/* One stop of a thread; then it goes on. */
static void stopped(struct stepper *s, struct step_thread *t, int status)
{
	bool was_call = false;

	if (!t->begun) {
		t->fresh = true; /* SIGSTOP of a new one, SIGTRAP of the first exec */
	} else if (EVENT_OF(status)) {
		event(s, t, EVENT_OF(status));
		was_call = EVENT_OF(status) != PTRACE_EVENT_EXEC;
		t->fresh = !was_call;
		t->signal = 0;
	} else if (WSTOPSIG(status) == SIGTRAP) {
		stepped(s, t);
		t->called = t->fresh = false;
		t->signal = 0;
	} else {
		signalled(s, t, WSTOPSIG(status));
		t->called = t->fresh = false;
	}
	if (was_call) /* it is still in there: what it was is what it will have done */
		ptrace(PTRACE_SINGLESTEP, t->tid, 0, 0);
	else
		step(s, t);
}

static bool start(struct stepper *s, char **argv)
{
	const long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0, options)) {
		fprintf(stderr, "steplog: %s: cannot be run under ptrace\n", argv[0]);
		return false;
	}
	step_task(s, HVT_TASK_SEEN, pid, pid, 0);
	step_maps(s, pid);
	stopped(s, thread_of(s, pid), status);
	return true;
}

bool step_program(struct stepper *s, char **argv)
{
	struct hvt_log_trace trace = { .id = STEP_TRACE,
				       .flags = HVT_TRACE_FOLLOW | s->trace_flags };
	struct step_thread *first, *t;
	int status, tid, root;

	s->decoder = hvt_decoder_new();
	if (!s->decoder)
		abort();
	lb_header(s->log, 1);
	lb_clock(s->log, 0, 0, 1000000);
	lb_trace(s->log, &trace, NULL, argv[0]);
	if (!start(s, argv))
		return false;
	root = s->threads->tid;
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		t = thread_of(s, tid);
		if (WIFSTOPPED(status)) {
			stopped(s, t, status);
			continue;
		}
		if (tid == root)
			s->status = status;
		ended(s, t, status);
	}
	while ((first = s->threads))
		forget(s, first);
	flush(s, 0);
	lb_end(s->log, HVT_END_TARGET);
	lb_free(&s->records);
	build_ids_free(&s->ids);
	hvt_decoder_free(s->decoder);
	return true;
}
