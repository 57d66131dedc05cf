/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Works on `cell` while it is stepped and trapped, by itself and by others. What it notes
 * about its own accesses goes to FILE (notes.h); what it prints is the same every time.
 * usage: event_step FILE itself | traps | parent | waits N
 *   itself  sets TF and notes where each trap comes
 *   traps   INT3, ICEBP and more in `traps`, to be watched for execution
 *   parent  is stepped by its child with ptrace()
 *   waits   until there is a file `go`, which whoever debugs it makes, then runs `body` N times
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include "notes_one.h"

#define TF 0x100u

uint64_t cell[512] __attribute__((aligned(4096)));

#define LINE(insn) "77: " insn "\n\t.pushsection .rodata; .quad 77b; .popsection\n\t"

/*
 * Accesses to cell around what is special to a stepping CPU. No SYSCALL: the simulator
 * traps behind it inside the kernel, which complains.
 */
asm(".pushsection .text; .balign 4096; .globl body; .type body, @function\n"
    "body:\n\t"
    "movq cell(%rip), %rax\n\t"
    "incq cell(%rip)\n\t"
    "pushq cell(%rip)\n\t"
    "popq cell+8(%rip)\n\t"
    "movl %ss, %eax\n\t"
    "movl %eax, %ss\n\t" /* no trap behind this one */
    "movq cell(%rip), %rdx\n\t"
    "leaq cell(%rip), %rsi\n\t"
    "leaq cell+64(%rip), %rdi\n\t"
    "movl $3, %ecx\n\t"
    "rep movsb\n\t"
    "xorl %eax, %eax\n\t"
    "pushq %rbx\n\t"
    "cpuid\n\t"
    "popq %rbx\n\t"
    "movl $5, %eax\n\t"
    "lock xaddq %rax, cell(%rip)\n\t"
    "call body_leaf\n\t"
    ".globl body_end; .size body, . - body\n"
    "body_end:\n\t"
    "ret\n"
    "body_leaf:\n\t"
    "decq cell(%rip)\n\t"
    "ret\n"
    ".popsection");

/* Its lines, each a fetch from a watched page; traps_lines are their addresses. */
asm(".pushsection .rodata; .balign 8; traps_lines: .popsection\n"
    ".pushsection .text; .balign 4096; .globl traps; .type traps, @function\n"
    "traps:\n\t"
    LINE("incq cell(%rip)")
    LINE("int3")
    LINE("incq cell(%rip)")
    LINE(".byte 0xf1") /* ICEBP */
    LINE("movl $110, %eax")
    LINE("syscall")
    LINE("pushq %rbx")
    LINE("xorl %eax, %eax")
    LINE("cpuid")
    LINE("popq %rbx")
    LINE("movl $20, %eax")
    LINE("int $0x80")
    LINE("movl %ss, %eax")
    LINE("movl %eax, %ss")
    LINE("incq cell(%rip)")
    LINE("pushfq")
    LINE("popfq")
    LINE("ret")
    ".size traps, . - traps; .popsection\n"
    ".pushsection .rodata; traps_lines_end: .popsection");

extern void body(void), traps(void);
extern const uint8_t body_end[];
extern const uint64_t traps_lines[], traps_lines_end[];

/* The accesses of one run of body, in order. */
static void note_body(uint64_t *v)
{
	int i;

	note_at(cell, 8, R, OLD, *v, 0);
	note_at(cell, 8, R | W, OLD | NEW, *v, *v + 1);
	++*v;
	note_at(cell, 8, R, OLD, *v, 0);
	note_at(cell + 1, 8, W, NEW, 0, *v);
	note_at(cell, 8, R, OLD, *v, 0);
	for (i = 0; i < 3; i++) {
		note_at((uint8_t *)cell + i, 1, R, OLD, *v >> 8 * i, 0);
		note_at((uint8_t *)cell + 64 + i, 1, W, NEW, 0, *v >> 8 * i);
	}
	note_at(cell, 8, R | W, OLD | NEW, *v, *v + 5);
	*v += 5;
	note_at(cell, 8, R | W, OLD | NEW, *v, *v - 1);
	--*v;
}

static uint64_t seen[4096];
static volatile uint32_t nseen;
static const char *seen_as;

static void on_trap(int sig, siginfo_t *si, void *ctx)
{
	const greg_t *g = ((ucontext_t *)ctx)->uc_mcontext.gregs;

	(void)sig;
	if (nseen < 4096)
		seen[nseen++] = (uint64_t)g[REG_RIP] | (uint64_t)(si->si_code & 0xff) << 56;
}

static void print_seen(uint64_t base)
{
	uint32_t i;

	printf("%s %u", seen_as, nseen);
	for (i = 0; i < nseen; i++)
		printf(" %lx/%lu", (unsigned long)((seen[i] & ~(0xfful << 56)) - base),
		       (unsigned long)(seen[i] >> 56));
	putchar('\n');
}

static void stepping_itself(void)
{
	uint64_t v = 0;
	int i;

	seen_as = "steps";
	sigaction(SIGTRAP, &(struct sigaction){ .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO },
		  NULL);
	for (i = 0; i < 3; i++) {
		note_body(&v);
		asm volatile("pushfq; orl %0, (%%rsp); popfq; call body;"
			     "pushfq; andl %1, (%%rsp); popfq"
			     : : "i"(TF), "i"(~TF)
			     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory");
	}
	print_seen((uint64_t)body);
}

static void trapping(void)
{
	const uint64_t *line;
	uint64_t v = 0;
	int i;

	seen_as = "traps";
	sigaction(SIGTRAP, &(struct sigaction){ .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO },
		  NULL);
	for (i = 0; i < 3; i++) {
		for (line = traps_lines; line < traps_lines_end; line++) {
			const uint8_t *code = (const uint8_t *)*line;
			uint64_t next = line + 1 < traps_lines_end ? line[1] : *line + 1;

			note_at(code, (uint8_t)(next - *line), X, 0, 0, 0);
			if (code[0] == 0x48 && code[1] == 0xff) { /* INCQ */
				note_at(cell, 8, R | W, OLD | NEW, v, v + 1);
				v++;
			}
		}
		asm volatile("call traps" : : : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "cc",
			     "memory");
	}
	print_seen((uint64_t)traps);
}

/* The child: steps its parent by ptrace() through body, and looks at cell now and then. */
static int step_parent(int go, int said)
{
	struct user_regs_struct regs;
	pid_t parent = getppid();
	uint64_t sum = 0;
	int status, in = 0, looks = 0;

	if (ptrace(PTRACE_SEIZE, parent, 0, 0) || ptrace(PTRACE_INTERRUPT, parent, 0, 0) ||
	    waitpid(parent, &status, 0) != parent || write(go, "x", 1) != 1)
		return 1;
	seen_as = "stepped";
	while (in < 3) {
		if (ptrace(PTRACE_SINGLESTEP, parent, 0, 0) || waitpid(parent, &status, 0) != parent ||
		    !WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, parent, 0, &regs))
			return 2;
		if (regs.rip < (uint64_t)body || regs.rip > (uint64_t)body_end)
			continue;
		seen[nseen++] = regs.rip;
		if (regs.rip == (uint64_t)body_end)
			in++;
		else if (nseen % 4 == 0 && ++looks)
			sum += (uint64_t)ptrace(PTRACE_PEEKDATA, parent, cell, 0);
	}
	print_seen((uint64_t)body);
	printf("looked %d times, saw %lu\n", looks, (unsigned long)sum);
	fflush(stdout);
	return ptrace(PTRACE_DETACH, parent, 0, 0) || write(said, "x", 1) != 1;
}

static void stepped(void)
{
	int go[2], said[2], i, status;
	uint64_t v = 0;
	char byte;
	pid_t child;

	if (pipe(go) || pipe(said))
		abort();
	child = fork();
	if (!child)
		_exit(step_parent(go[1], said[1]));
	prctl(PR_SET_PTRACER, child, 0, 0, 0);
	while (read(go[0], &byte, 1) != 1)
		if (errno != EINTR)
			abort();
	for (i = 0; i < 3; i++) {
		note_body(&v);
		body();
	}
	if (read(said[0], &byte, 1) != 1 || waitpid(child, &status, 0) != child || status)
		abort();
}

/*
 * For a debugger that comes from outside once FILE is there: before, who arms the watches
 * may be this process's tracer. Being the tracer is not enough: strace seizes first and
 * stops with another call. strace looks at what is written.
 */
static void waiting(const char *file, long n)
{
	int null = open("/dev/null", O_WRONLY);
	uint64_t v = 0;

	if (null < 0 || save(file))
		abort();
	while (access("go", F_OK))
		usleep(1000);
	for (; n; n--) {
		note_body(&v);
		body();
		getppid();
	}
	if (write(null, cell, 8) != 8)
		abort();
	printf("%lu\n", (unsigned long)cell[0]);
	note_at(cell, 8, R, OLD, v, 0);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	if (argc == 3 && !strcmp(argv[2], "itself"))
		stepping_itself();
	else if (argc == 3 && !strcmp(argv[2], "traps"))
		trapping();
	else if (argc == 3 && !strcmp(argv[2], "parent"))
		stepped();
	else if (argc == 4 && !strcmp(argv[2], "waits"))
		waiting(argv[1], atol(argv[3]));
	else
		return 2;
	return save(argv[1]);
}
