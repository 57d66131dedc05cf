// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe.c: what a program can see of the CPU: descriptor tables, CPUID, which signal
 * a VMX instruction gives, whether its I/O permission works, whether KVM does.
 * usage: probe tables|cpuid|insns|ioport|kvm
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/kvm.h>

static sigjmp_buf back;

static void on_fault(int signo)
{
	siglongjmp(back, signo);
}

static void faults_come_back(void)
{
	struct sigaction sa = { .sa_handler = on_fault };

	sigaction(SIGILL, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGTRAP, &sa, NULL);
}

#define SHOW(what, ...)                                                             \
	do {                                                                        \
		int signo = sigsetjmp(back, 1);                                     \
		if (!signo)                                                         \
			asm volatile(__VA_ARGS__);                                  \
		printf("%s: %s\n", what, signo ? strsignal(signo) : "done");        \
	} while (0)

static int insns(void)
{
	static uint64_t m[2];

	faults_come_back();
	SHOW("vmcall", "vmcall" : : "a"(0), "b"(0), "c"(0), "d"(0));
	SHOW("vmcall with hvtrace's number", "vmcall" : : "a"(0x0065636172747668), "c"(2), "d"(0));
	SHOW("vmlaunch", "vmlaunch");
	SHOW("vmresume", "vmresume");
	SHOW("vmxoff", "vmxoff");
	SHOW("vmxon", "vmxon %0" : : "m"(m[0]));
	SHOW("vmclear", "vmclear %0" : : "m"(m[0]));
	SHOW("vmptrld", "vmptrld %0" : : "m"(m[0]));
	SHOW("vmptrst", "vmptrst %0" : "=m"(m[0]));
	SHOW("vmread", "vmread %0, %1" : : "r"(0x681eul), "r"(0ul));
	SHOW("vmwrite", "vmwrite %0, %1" : : "r"(0ul), "r"(0x681eul));
	SHOW("invept", "invept %0, %1" : : "m"(m), "r"(2ul));
	SHOW("invvpid", "invvpid %0, %1" : : "m"(m), "r"(2ul));
	SHOW("vmfunc", "vmfunc" : : "a"(0), "c"(0));
	SHOW("getsec", "getsec" : : "a"(0));
	SHOW("xsetbv", "xsetbv" : : "a"(1), "c"(0), "d"(0));
	SHOW("invd", "invd");
	SHOW("hlt", "hlt");
	SHOW("rdmsr", "rdmsr" : : "c"(0x3a) : "eax", "edx");
	SHOW("rdtscp", "rdtscp" : : : "eax", "ecx", "edx");
	SHOW("ud2", "ud2");
	SHOW("int3", "int3");
	return 0;
}

struct table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static int tables(void)
{
	struct table gdt = { 0 }, idt = { 0 };
	unsigned long tr = 0, ldt = 0, msw = 0;

	asm volatile("sgdt %0" : "=m"(gdt));
	asm volatile("sidt %0" : "=m"(idt));
	asm volatile("str %0" : "=r"(tr));
	asm volatile("sldt %0" : "=r"(ldt));
	asm volatile("smsw %0" : "=r"(msw));
	printf("gdt limit %x, idt %llx limit %x, tr %lx, ldt %lx, msw %lx\n", gdt.limit,
	       (unsigned long long)idt.base, idt.limit, tr, ldt, msw & ~8ul);
	return 0;
}

static void leaves(unsigned int from, unsigned int to)
{
	unsigned int leaf, sub, a, b, c, d;

	for (leaf = from; leaf <= to; leaf++) {
		for (sub = 0; sub < (leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd ? 4 : 1); sub++) {
			__cpuid_count(leaf, sub, a, b, c, d);
			printf("%x.%u: %08x %08x %08x %08x\n", leaf, sub, a, b, c, d);
		}
	}
}

static int cpuid(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set); /* APIC ids differ */
	sched_setaffinity(0, sizeof(set), &set);
	leaves(0, __get_cpuid_max(0, NULL));
	leaves(0x40000000, 0x40000001);
	leaves(0x80000000, __get_cpuid_max(0x80000000, NULL));
	return 0;
}

/* The permission bitmap lies behind the first 0x68 bytes of the TSS. */
static int ioport(void)
{
	int i, signo;

	faults_come_back();
	signo = sigsetjmp(back, 1);
	if (!signo)
		inb(0x61);
	printf("without permission: %s\n", signo ? strsignal(signo) : "done");
	if (ioperm(0x61, 1, 1)) {
		perror("ioperm");
		return 1;
	}
	signo = sigsetjmp(back, 1);
	for (i = 0; !signo && i < 50; i++) {
		inb(0x61);
		usleep(100); /* another task's TSS state comes and goes */
	}
	printf("with permission: %s\n", signo ? strsignal(signo) : "done");
	signo = sigsetjmp(back, 1);
	if (!signo)
		inb(0x62);
	printf("beside it: %s\n", signo ? strsignal(signo) : "done");
	return 0;
}

/* Keep a virtual machine open until SIGTERM. */
static int kvm(void)
{
	int dev = open("/dev/kvm", O_RDWR), vm;

	vm = dev < 0 ? -1 : ioctl(dev, KVM_CREATE_VM, 0);
	printf("kvm: %s\n", vm < 0 ? strerror(errno) : "created");
	fflush(stdout);
	if (vm < 0)
		return 1;
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "tables"))
		return tables();
	if (!strcmp(what, "cpuid"))
		return cpuid();
	if (!strcmp(what, "insns"))
		return insns();
	if (!strcmp(what, "ioport"))
		return ioport();
	if (!strcmp(what, "kvm"))
		return kvm();
	fprintf(stderr, "usage: probe tables|cpuid|insns|ioport|kvm\n");
	return 2;
}
