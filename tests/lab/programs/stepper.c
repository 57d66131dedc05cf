/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The truth about which instructions a program executes: runs it under PTRACE_SINGLESTEP, at
 * fixed addresses, with all threads and processes that it makes.
 * usage: stepper [-b] [-r] OUT PROGRAM [ARG...]
 * Of the n-th thread that it meets:
 *   OUT.n        the addresses of its retired instructions, 8 bytes each
 *   OUT.n.bytes  with -b: the 16 bytes that were there before each of them
 *   OUT.n.regs   with -r: rax rcx rdx rbx rsp rbp rsi rdi r8..r15 rflags before each of them, 8 bytes each
 *   OUT.n.events a line for each of these, with how many instructions had retired before:
 *                AT syscall NR RESULT ARG... (a call that returned to the instruction behind it),
 *                0 thread TID, AT signal N IP, AT handler ADDRESS, AT exec, AT exit STATUS
 * A REP string instruction counts once for each iteration, one that faults does not count.
 * Not for programs with MOV SS, behind which there is no trap, or that block SIGTRAP, which then
 * loses its handler.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4096
#define BYTES	16
#define REGS	17

/* si_code of the stop at a handler's first instruction: ptrace_notify(SIGTRAP) */
#define CODE_HANDLER SIGTRAP

struct thread {
	pid_t tid;
	uint64_t ip;	/* of the instruction to be executed next */
	bool restart;	/* a system call has asked to be restarted: ip may still go back to it */
	uint64_t count;
	FILE *ips, *bytes, *regs, *events;
	int mem;
	uint8_t code[BYTES];
	uint64_t reg[REGS];
};

static struct thread threads[THREADS];
static unsigned int nthreads;
static const char *out;
static bool want_bytes, want_regs;

static void die(const char *what)
{
	perror(what);
	exit(125);
}

static FILE *create(unsigned int n, const char *end)
{
	char name[4096];
	FILE *f;

	snprintf(name, sizeof(name), "%s.%u%s", out, n, end);
	f = fopen(name, "w");
	if (!f)
		die(name);
	return f;
}

static struct thread *find(pid_t tid)
{
	unsigned int i;

	for (i = nthreads; i-- > 0;)
		if (threads[i].tid == tid)
			return &threads[i];
	return NULL;
}

static void say(struct thread *t, const char *what, uint64_t value)
{
	fprintf(t->events, "%lu %s %lu\n", t->count, what, value);
}

static struct thread *create_thread(pid_t tid)
{
	struct thread *t = &threads[nthreads];

	if (nthreads == THREADS)
		die("too many threads");
	t->tid = tid;
	t->mem = -1;
	t->ips = create(nthreads, "");
	t->events = create(nthreads, ".events");
	if (want_bytes)
		t->bytes = create(nthreads, ".bytes");
	if (want_regs)
		t->regs = create(nthreads, ".regs");
	nthreads++;
	say(t, "thread", (uint64_t)tid);
	return t;
}

static void end_thread(struct thread *t)
{
	fclose(t->ips);
	fclose(t->events);
	if (t->bytes)
		fclose(t->bytes);
	if (t->regs)
		fclose(t->regs);
	if (t->mem >= 0)
		close(t->mem);
	t->tid = 0;
}

static void look(struct thread *t)
{
	errno = 0;
	t->ip = (uint64_t)ptrace(PTRACE_PEEKUSER, t->tid, offsetof(struct user, regs.rip), NULL);
	if (errno)
		die("ptrace: rip");
}

static void look_at_code(struct thread *t)
{
	char name[64];

	memset(t->code, 0, BYTES);
	if (t->mem < 0) {
		snprintf(name, sizeof(name), "/proc/%d/mem", t->tid);
		t->mem = open(name, O_RDONLY | O_CLOEXEC);
	}
	if (pread(t->mem, t->code, BYTES, (off_t)t->ip) > 0)
		return;
	/* the page behind is not mapped, or this one: then it faults */
	if (pread(t->mem, t->code, 4096 - t->ip % 4096, (off_t)t->ip) < 0)
		memset(t->code, 0, BYTES);
}

static void look_at_registers(struct thread *t)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, t->tid, NULL, &r))
		die("ptrace: registers");
	memcpy(t->reg, (uint64_t[REGS]){ r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi, r.r8,
		r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.eflags }, sizeof(t->reg));
}

/* Before the next step: what it will find. */
static void prepare(struct thread *t)
{
	if (t->bytes)
		look_at_code(t);
	if (t->regs)
		look_at_registers(t);
}

static void executed(struct thread *t)
{
	uint64_t ip = t->ip - (t->restart ? 2 : 0);

	if (fwrite(&ip, sizeof(ip), 1, t->ips) != 1 ||
	    (t->bytes && fwrite(t->code, BYTES, 1, t->bytes) != 1) ||
	    (t->regs && fwrite(t->reg, sizeof(t->reg), 1, t->regs) != 1))
		die("write");
	t->count++;
}

/* Behind a system call: what it was, and whether it may be executed again. */
static void returned(struct thread *t)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, t->tid, NULL, &r))
		die("ptrace: registers");
	if ((int64_t)r.orig_rax < 0)
		return; /* rt_sigreturn, or a trap of another kind */
	t->restart = (int64_t)r.rax <= -512 && (int64_t)r.rax >= -516;
	fprintf(t->events, "%lu syscall %llu %lld %llu %llu %llu %llu %llu %llu\n", t->count,
		r.orig_rax, (long long)r.rax, r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9);
}

/* A stop for a signal: which one to pass on. */
static int signalled(struct thread *t, int sig)
{
	uint64_t was = t->ip;
	siginfo_t si;

	if (ptrace(PTRACE_GETSIGINFO, t->tid, NULL, &si))
		die("ptrace: signal");
	if (sig == SIGTRAP && (si.si_code == TRAP_TRACE || si.si_code == TRAP_BRKPT)) {
		executed(t);
		t->restart = false;
		look(t);
		if (si.si_code == TRAP_BRKPT)
			returned(t);
		return 0;
	}
	look(t);
	if (sig == SIGTRAP && si.si_code == CODE_HANDLER) {
		t->restart = false;
		say(t, "handler", t->ip);
		return 0;
	}
	/* a fault leaves it where it is; INT3 and the like have been executed */
	if (t->ip != was) {
		uint64_t next = t->ip;

		t->ip = was;
		executed(t);
		t->ip = next;
		t->restart = false;
		returned(t); /* a SIGTRAP that was pending hides the one behind the call that sent it */
	}
	fprintf(t->events, "%lu signal %d %lu\n", t->count, sig, t->ip);
	return sig;
}

static void stopped(struct thread *t, int status)
{
	int sig = 0;

	if (status >> 16 == PTRACE_EVENT_EXEC) {
		say(t, "exec", 0);
		if (t->mem >= 0) /* the old program's */
			close(t->mem);
		t->mem = -1;
	} else if (status >> 16 == 0)
		sig = signalled(t, WSTOPSIG(status));
	if (status >> 16 == 0)
		prepare(t);
	if (ptrace(PTRACE_SINGLESTEP, t->tid, NULL, sig) && errno != ESRCH)
		die("ptrace: step");
}

static void start(char **argv)
{
	const long options = PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	struct thread *t;
	int status;
	pid_t pid = fork();

	if (!pid) {
		personality(ADDR_NO_RANDOMIZE);
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		execvp(argv[0], argv);
		die(argv[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, options))
		die("start");
	t = create_thread(pid);
	look(t);
	prepare(t);
	if (ptrace(PTRACE_SINGLESTEP, pid, NULL, 0))
		die("ptrace: step");
}

/* It has ended: by exit(), whose instruction no trap follows, or by a signal. */
static void ended(struct thread *t, int status)
{
	if (WIFEXITED(status))
		executed(t);
	say(t, "exit", (uint64_t)status);
	end_thread(t);
}

int main(int argc, char **argv)
{
	int status, result = 0;
	pid_t tid, main_tid;

	for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
		want_bytes |= !strcmp(argv[1], "-b");
		want_regs |= !strcmp(argv[1], "-r");
	}
	if (argc < 3)
		return 2;
	out = argv[1];
	start(argv + 2);
	main_tid = threads[0].tid;
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		struct thread *t = find(tid);

		if (!WIFSTOPPED(status)) {
			if (t)
				ended(t, status);
			if (tid == main_tid)
				result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			continue;
		}
		if (!t) { /* its first stop, a SIGSTOP that is the tracer's */
			t = create_thread(tid);
			look(t);
			status = PTRACE_EVENT_STOP << 16;
			prepare(t);
		}
		stopped(t, status);
	}
	return result;
}
