// SPDX-License-Identifier: GPL-2.0-only
/*
 * phys.c: one page that this program and the kernel (module hvt_mmio) use by different addresses.
 * Prints "ready PID" once the module has the page; at a line on standard input uses it, lets the
 * kernel use it, uses it again, and prints what it did itself as the module does.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint8_t *page;

static void say(char kind, unsigned off, unsigned size, uint64_t old, uint64_t new)
{
	unsigned i;

	printf("access 0 %c 0x0 0x%lx %u ", kind, (unsigned long)page + off, size);
	for (i = 0; i < size; i++)
		printf("%02x", (unsigned)(old >> (8 * i)) & 255);
	printf(" ");
	for (i = 0; i < size; i++)
		printf("%02x", (unsigned)(new >> (8 * i)) & 255);
	printf(" user\n");
}

/* @type at @off: stored, loaded, and exchanged by one instruction. */
#define USE(type, off, v) do {							\
	volatile type *p_ = (volatile type *)(page + (off));			\
	type was_, is_ = (type)(v);						\
	*p_ = is_;								\
	say('W', off, sizeof(type), 0, is_);					\
	is_ = *p_;								\
	say('R', off, sizeof(type), 0, is_);					\
	was_ = __atomic_exchange_n(p_, (type)~(v), __ATOMIC_SEQ_CST);		\
	say('X', off, sizeof(type), was_, (type)~(v));				\
} while (0)

static void use(uint64_t v)
{
	USE(uint8_t, 0x105, v);
	USE(uint16_t, 0x202, v);
	USE(uint32_t, 0x304, v);
	USE(uint64_t, 0x408, v);
	USE(uint64_t, 0x501, v);
}

int main(void)
{
	int module = open("/proc/hvt_mmio", O_RDWR);
	char line[64];

	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (module < 0 || page == MAP_FAILED)
		return 1;
	memset(page, 0, 4096);
	if (dprintf(module, "page %lx", (unsigned long)page) < 0)
		return 1;
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	use(0x1122334455667788);
	if (write(module, "ram", 3) != 3)
		return 1;
	use(0xa1b2c3d4e5f60718);
	printf("done\n");
	fflush(stdout);
	/* the page stays until the watch has ended */
	return !fgets(line, sizeof(line), stdin);
}
