/* cflags: -O1 -fno-stack-protector */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Touches memory in the ways that a tracer gets wrong, once each and in order, and
 * says what it did, one line a touch: "NAME ADDRESS SIZE KIND OLD NEW". The
 * addresses are those of globals, so that a watch finds them by name.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096

/* Two adjacent pages, both to be watched: `edge` is where they meet. */
uint8_t pages[2 * PAGE] __attribute__((aligned(PAGE)));
uint64_t src __attribute__((aligned(PAGE)));
uint8_t src_pad[PAGE - 8];
uint64_t dst __attribute__((aligned(PAGE)));
uint8_t dst_pad[PAGE - 8];
uint8_t buffer[64] __attribute__((aligned(PAGE)));
uint8_t buffer_pad[PAGE - 64];

static void said(const char *name, void *p, int size, const char *kind, uint64_t old, uint64_t new)
{
	printf("%s 0x%lx %d %s 0x%lx 0x%lx\n", name, (unsigned long)p, size, kind, old, new);
}

int main(void)
{
	uint8_t *edge = pages + PAGE;
	uint64_t v;
	int fd, p[2];

	*(volatile uint8_t *)pages = 0;
	*(volatile uint8_t *)edge = 0;

	/* one instruction over two watched pages */
	v = 0x1122334455667788;
	asm volatile("movq %0, (%1)" : : "r"(v), "r"(edge - 3) : "memory");
	said("cross-write", edge - 3, 8, "write", 0, v);
	asm volatile("movq (%1), %0" : "=r"(v) : "r"(edge - 3) : "memory");
	said("cross-read", edge - 3, 8, "read", v, v);
	asm volatile("lock addl $1, (%0)" : : "r"(edge - 2) : "memory");
	said("cross-rmw", edge - 2, 4, "rmw", 0x44556677, 0x44556678);

	/* two operands on two watched pages */
	src = 0xabcdef;
	said("src-init", &src, 8, "write", 0, 0xabcdef);
	asm volatile("movsq" : : "S"(&src), "D"(&dst) : "memory");
	said("movs-src", &src, 8, "read", 0xabcdef, 0xabcdef);
	said("movs-dst", &dst, 8, "write", 0, 0xabcdef);

	/* the kernel, on our behalf */
	if (pipe(p) || write(p[1], "hello, kernel", 13) != 13)
		return 1;
	if (read(p[0], buffer, 13) != 13 || memcmp(buffer, "hello, kernel", 13))
		return 2;
	fd = open("/dev/zero", O_RDONLY);
	if (fd < 0 || read(fd, buffer, 16) != 16)
		return 3;
	fflush(stdout);
	return 0;
}
