/* cflags: -Wall -Wextra -O1 */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory whose page table has nothing else in it, for a watch on that page table: prints
 * "PAGE_TABLE MEMORY PAGES", waits for a line, touches the pages, prints "done".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE  (2ul << 20)
#define PAGE  4096
#define PAGES 16

int main(void)
{
	char *at = mmap((void *)0x700000000000, HUGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	int fd = open("/proc/hvt_table", O_WRONLY), n;
	FILE *f = fopen("/proc/hvt_table", "r");
	uint64_t table;
	char text[64];

	if (at == MAP_FAILED || fd < 0 || !f)
		return 2;
	for (n = 0; n < PAGES - 1; n++)
		at[n * PAGE] = 1;
	n = snprintf(text, sizeof(text), "walk %lx", (unsigned long)at);
	if (write(fd, text, n) != n ||
	    fscanf(f, "{\"page\":%*u,\"gdt\":%*u,\"idt\":%*u,\"tss\":%*u,\"page_table\":%lu}",
		   &table) != 1)
		return 3;
	printf("%lu %lu %d\n", table, (unsigned long)at, PAGES);
	if (fflush(stdout) || !fgets(text, sizeof(text), stdin))
		return 4;
	for (n = 0; n < PAGES; n++) /* the last one is not there yet */
		at[n * PAGE + 8] += 1;
	return puts("done") < 0;
}
