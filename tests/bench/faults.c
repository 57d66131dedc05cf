// SPDX-License-Identifier: GPL-2.0-only
/* Touches N fresh pages for the first time, each of which is one page fault. usage: faults N */
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE  4096ul
#define PAGES 4096ul /* at a time */

static char *fresh(void)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	if (p == MAP_FAILED || madvise(p, PAGES * PAGE, MADV_NOHUGEPAGE))
		exit(1);
	return p;
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1, i;
	volatile char *p = NULL;

	for (i = 0; i < n; i++) {
		if (i % PAGES == 0) {
			if (p)
				munmap((char *)p, PAGES * PAGE);
			p = fresh();
		}
		p[i % PAGES * PAGE] = 1;
	}
	return 0;
}
