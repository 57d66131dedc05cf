/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What programs do to find out whether somebody debugs them, timing aside; each check prints its
 * name, `pass` or `FAIL`, and what it saw, which is the same whenever nobody does.
 * usage: antidebug
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TF 0x100ul
#define RF 0x10000ul
#define AC 0x40000ul

static void say(const char *name, bool good, unsigned long seen)
{
	printf("%s: %s %#lx\n", name, good ? "pass" : "FAIL", seen);
}

/* --- what a handler sees */
static volatile int came, came_code;
static volatile uint64_t at, flags, trapno, error, fault_at;
static volatile int skip; /* bytes to leave out */

static void on_signal(int sig, siginfo_t *si, void *ctx)
{
	greg_t *g = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	came = came == 0 ? sig : -1;
	came_code = si->si_code;
	at = (uint64_t)g[REG_RIP];
	flags = (uint64_t)g[REG_EFL];
	trapno = (uint64_t)g[REG_TRAPNO];
	error = (uint64_t)g[REG_ERR];
	fault_at = (uint64_t)si->si_addr;
	g[REG_RIP] += skip;
	g[REG_EFL] &= (greg_t)~(TF | AC);
}

static void expect(int sig, int bytes)
{
	sigaction(sig, &(struct sigaction){ .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO }, NULL);
	came = 0;
	skip = bytes;
}

/* The code, with label 1 in it, raises SIG once, seen `where` bytes behind 1, TF being tf. */
#define RAISES(name, sig, bytes, text, where, tf)                                                \
	do {                                                                                     \
		uint64_t here;                                                                   \
		expect(sig, bytes);                                                              \
		asm volatile("leaq 1f(%%rip), %0\n\t" text : "=&r"(here)                         \
			     : : "rax", "rcx", "rdx", "cc", "memory");                           \
		say(name, came == (sig) && at == here + (where) && (flags & TF) == (tf),         \
		    (unsigned long)(flags & (RF | TF)) << 16 | trapno << 12 | (error & 0xff) << 4 | \
			    (uint64_t)(came_code & 15));                                         \
	} while (0)

static void exceptions(void)
{
	RAISES("int3", SIGTRAP, 0, "1: int3", 1, 0);
	RAISES("int 3, two bytes", SIGTRAP, 0, "1: .byte 0xcd, 3", 2, 0);
	RAISES("icebp", SIGTRAP, 0, "1: .byte 0xf1", 1, 0);
	RAISES("int 0x2d", SIGSEGV, 2, "1: int $0x2d", 0, 0);
	RAISES("int 1, two bytes", SIGSEGV, 2, "1: int $1", 0, 0);
	RAISES("ud2", SIGILL, 2, "1: ud2", 0, 0);
	RAISES("hlt", SIGSEGV, 1, "1: hlt", 0, 0);
	RAISES("in", SIGSEGV, 1, "xorl %%edx, %%edx; 1: inb %%dx, %%al", 0, 0);
	RAISES("read of 0", SIGSEGV, 2, "xorl %%ecx, %%ecx; 1: movb (%%rcx), %%al", 0, 0);
	RAISES("division by 0", SIGFPE, 2, "xorl %%ecx, %%ecx; 1: divl %%ecx", 0, 0);
	RAISES("prefixes before int3", SIGTRAP, 0, "1: rep; .byte 0xcc", 2, 0);
	RAISES("lock on a register", SIGILL, 3, "1: .byte 0xf0, 0x01, 0xc0", 0, 0);
	RAISES("vmcall", SIGILL, 3, "1: .byte 0x0f, 0x01, 0xc1", 0, 0);
	RAISES("misaligned under AC", SIGBUS, 3,
	       "pushq %%rsp; popq %%rcx; pushfq; orl $0x40000, (%%rsp); popfq; 1: movl -7(%%rcx), %%eax", 0, 0);
	RAISES("step by TF", SIGTRAP, 0, "pushfq; orl $0x100, (%%rsp); popfq; nop; 1: nop; nop", 0, TF);
	RAISES("step by TF, mov ss", SIGTRAP, 0,
	       "movl %%ss, %%eax; pushfq; orl $0x100, (%%rsp); popfq; movl %%eax, %%ss; nop; 1: nop", 0, TF);
	RAISES("step by TF, int 0x80", SIGTRAP, 0,
	       /* INT and IRET trap not: the instruction behind does */
	       "pushq %%r8; pushq %%r9; pushq %%r10; pushq %%r11; movl $20, %%eax\n\t"
	       "pushfq; orl $0x100, (%%rsp); popfq; int $0x80; 1:\n\t"
	       "popq %%r11; popq %%r10; popq %%r9; popq %%r8", 2, TF);
}

/* --- flags as they can be read */
static void pushed_flags(void)
{
	uint64_t f, all = 0, r11;
	int i;

	for (i = 0; i < 100; i++) {
		asm volatile("pushfq; popq %0" : "=r"(f));
		all |= f;
	}
	say("pushfq", !(all & TF), all & (TF | RF));
	asm volatile("movl %%ss, %%eax; movl %%eax, %%ss; pushfq; popq %0" : "=r"(f) : : "rax");
	say("mov ss; pushfq", !(f & TF), f & (TF | RF));
	asm volatile("pushfw; popw %w0" : "=r"(f) : "0"(0ul));
	say("pushfw", !(f & TF), f & TF);
	asm volatile("pushfq; popfq; pushfq; popq %0" : "=r"(f));
	say("popfq; pushfq", !(f & TF), f & (TF | RF));
	asm volatile("syscall" : "=a"(f) : "a"(SYS_getppid) : "rcx", "r11", "memory");
	asm volatile("syscall; movq %%r11, %1" : "=a"(f), "=r"(r11) : "a"(SYS_getpid) : "rcx", "r11", "memory");
	say("r11 behind syscall", !(r11 & TF), r11 & (TF | RF));
	say("syscall's result", (pid_t)f == getpid(), 0);
	expect(SIGUSR1, 0);
	raise(SIGUSR1);
	say("flags of a signal frame", came == SIGUSR1 && !(flags & TF), flags & (TF | RF));
}

/* 32-bit code, which has POP SS: pushes its flags behind it. */
static void pop_ss(void)
{
	static const uint8_t code[] = { 0x16, 0x17, 0x9c, 0x58, 0xcb }; /* PUSH SS; POP SS; PUSHF; POP EAX; RETF */
	uint8_t *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct { uint32_t ip; uint16_t cs; } __attribute__((packed)) *target = (void *)(low + 4000);
	uint64_t f;

	if (low == MAP_FAILED)
		abort();
	memcpy(low, code, sizeof(code));
	target->ip = (uint32_t)(uintptr_t)low;
	target->cs = 0x23;
	/* a far call of 32-bit code pushes 8 bytes with this operand size, which its RETF pops */
	asm volatile("movq %%rsp, %%rbx; leaq 8000(%1), %%rsp; lcall *(%2); movq %%rbx, %%rsp"
		     : "=a"(f) : "r"(low), "r"(target) : "rbx", "memory", "cc");
	say("pop ss; pushf (32-bit)", !(f & TF), f & (TF | RF) & 0xffffffff);
	munmap(low, 8192);
}

/* --- what the kernel says */
static long status_field(const char *field, int base)
{
	static char text[8192];
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *p;

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	p = strstr(text, field);
	return p ? (long)strtoull(p + strlen(field), NULL, base) : -1;
}

static unsigned long entries(const char *path)
{
	DIR *d = opendir(path);
	unsigned long n = 0;

	while (d && readdir(d))
		n++;
	closedir(d);
	return n;
}

static unsigned long hash(const void *p, size_t n)
{
	unsigned long h = 5381;
	size_t i;

	for (i = 0; i < n; i++)
		h = h * 33 + ((const volatile uint8_t *)p)[i];
	return h;
}

static void kernel_says(void)
{
	static const char *const fields[] = { "SigBlk:", "SigIgn:", "SigPnd:", "ShdPnd:", "Seccomp:", "NoNewPrivs:" };
	unsigned long h = 0;
	size_t i;
	char **e;

	say("TracerPid", status_field("TracerPid:", 10) == 0, 0);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		say(fields[i], true, (unsigned long)status_field(fields[i], 16));
	say("open files", true, entries("/proc/self/fd"));
	say("threads", entries("/proc/self/task") == 3, 0);
	for (e = environ; *e; e++)
		h = h * 33 + hash(*e, strlen(*e));
	say("environment", true, h);
	say("a file descriptor that is not there", close(98) == -1, 0);
}

/* --- ptrace() of its own */
extern const uint8_t walk[], walk_call[], walk_end[];
volatile uint64_t walk_cell = 1;

asm(".pushsection .text; .globl walk, walk_call, walk_end\n"
    "walk:\n\tmovl $2, %ecx\n1:\tincq walk_cell(%rip)\n\tloop 1b\n"
    "walk_call:\n\tcall 2f\n"
    "walk_end:\n\tret\n2:\tpushfq\n\tpopq %rax\n\tret\n.popsection");

static uint64_t peek(pid_t pid, size_t off)
{
	return (uint64_t)ptrace(PTRACE_PEEKUSER, pid, off, NULL);
}

#define RIP offsetof(struct user, regs.rip)
#define DR(n) offsetof(struct user, u_debugreg[n])

static bool stops(pid_t pid, int sig)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == sig;
}

/* A child that lets itself be traced and then runs walk. */
static pid_t traced_child(bool *good)
{
	pid_t pid = fork();

	if (!pid) {
		*good = !ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(*good ? SIGSTOP : SIGKILL);
		((void (*)(void))walk)();
		_exit(5);
	}
	*good = stops(pid, SIGSTOP);
	return pid;
}

static bool ends(pid_t pid, int code)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == code;
}

static void ptraces(void)
{
	unsigned long seen = 0;
	bool good;
	int i, n = 0, status;
	pid_t pid = traced_child(&good), parent = getpid();

	say("PTRACE_TRACEME", good, 0);
	/* from walk on by hardware breakpoint, then by steps */
	good = !ptrace(PTRACE_POKEUSER, pid, DR(0), walk) && !ptrace(PTRACE_POKEUSER, pid, DR(7), 1ul) &&
	       !ptrace(PTRACE_CONT, pid, NULL, NULL) && stops(pid, SIGTRAP) && peek(pid, RIP) == (uint64_t)walk;
	say("ptrace: breakpoint register", good, peek(pid, DR(6)) & 0xf00f);
	ptrace(PTRACE_POKEUSER, pid, DR(7), 0ul);
	for (i = 0; i < 20 && peek(pid, RIP) != (uint64_t)walk_end; i++) {
		if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) || !stops(pid, SIGTRAP))
			break;
		seen = seen * 31 + peek(pid, RIP) - (uint64_t)walk;
		n++;
	}
	say("ptrace: steps", n == 9, seen);
	/* what is seen of TF is the kernel's business */
	say("ptrace: flags of the stepped", true, peek(pid, offsetof(struct user, regs.rax)) & TF);
	say("ptrace: goes on", !ptrace(PTRACE_CONT, pid, NULL, NULL) && ends(pid, 5), 0);

	pid = traced_child(&good); /* a write to walk_cell; 8 bytes */
	ptrace(PTRACE_POKEUSER, pid, DR(1), &walk_cell);
	ptrace(PTRACE_POKEUSER, pid, DR(7), 0x900004ul);
	for (i = 0; i < 2; i++)
		good = good && !ptrace(PTRACE_CONT, pid, NULL, NULL) && stops(pid, SIGTRAP) &&
		       peek(pid, RIP) == (uint64_t)walk + 12;
	say("ptrace: watch register", good && (peek(pid, DR(6)) & 15) == 2, peek(pid, DR(6)) & 0xf00f);
	say("ptrace: goes on from there", !ptrace(PTRACE_CONT, pid, NULL, NULL) && ends(pid, 5), 0);

	pid = fork(); /* its child as its tracer: nobody else can be it then */
	if (!pid) {
		good = !ptrace(PTRACE_SEIZE, parent, NULL, NULL) &&
		       !ptrace(PTRACE_INTERRUPT, parent, NULL, NULL) &&
		       waitpid(parent, &status, 0) == parent && WIFSTOPPED(status) &&
		       !ptrace(PTRACE_DETACH, parent, NULL, NULL);
		_exit(good);
	}
	say("traced by its child", ends(pid, 1), 0);
}

/* --- its own code */
static uint64_t stamps[64];

static void own_code(void)
{
	extern const uint8_t __executable_start[];
	unsigned long before = hash(__executable_start, 4096) + hash(walk, 64), h;
	uint32_t got, lo, hi;
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i, fd;
	bool up = true;
	static uint8_t file[1 << 21];
	ssize_t n;

	((void (*)(void))walk)();
	h = hash(__executable_start, 4096) + hash(walk, 64);
	say("its code's checksum", h == before, 0);
	fd = open("/proc/self/exe", O_RDONLY);
	n = read(fd, file, sizeof(file));
	close(fd);
	/* the text segment begins on a page of the file */
	say("its code is that of its file", n > 0x2000 && !memcmp(file + 0x1000, (void *)0x401000, 4096), 0);
	/* MOVB $2, 1(%rip): the MOV EAX, 1 behind it; RET */
	memcpy(page, "\xc6\x05\x01\x00\x00\x00\x02\xb8\x01\x00\x00\x00\xc3", 13);
	asm volatile("call *%1" : "=a"(got) : "r"(page) : "memory", "cc");
	say("code changed right ahead", got == 2, got);
	for (i = 0; i < 64; i++) {
		asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
		stamps[i] = (uint64_t)hi << 32 | lo;
		up = up && (!i || stamps[i] > stamps[i - 1]);
	}
	say("rdtsc goes up", up, 0);
}

static void blocked_trap(void)
{
	sigset_t set, pending;
	struct timespec a, b;
	volatile int i, x = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (i = 0; i < 100; i++)
		x += i;
	sigpending(&pending);
	say("SIGTRAP blocked, none pending", !sigismember(&pending, SIGTRAP), 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	clock_gettime(CLOCK_MONOTONIC, &a);
	clock_gettime(CLOCK_MONOTONIC, &b);
	say("vDSO clock", b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec), 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	kernel_says();
	pushed_flags();
	pop_ss();
	exceptions();
	ptraces();
	own_code();
	blocked_trap();
	say("TracerPid at the end", status_field("TracerPid:", 10) == 0, 0);
	return 0;
}
