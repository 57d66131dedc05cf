// SPDX-License-Identifier: GPL-2.0-only
/* In the place of libFuzzer: runs each file of a directory once. Prints TAP. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "sections.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max)
{
	(void)data;
	(void)max;
	return size;
}

static void run(const char *dir, const char *name)
{
	static uint8_t data[1 << 20];
	char path[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		exit(2);
	n = fread(data, 1, sizeof(data), f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, n);
}

int main(int argc, char **argv)
{
	DIR *dir = argc > 1 ? opendir(argv[1]) : NULL;
	struct dirent *d;
	int n = 0;

	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		run(argv[1], d->d_name);
		printf("ok %d - %s\n", ++n, d->d_name);
	}
	printf("1..%d\n", n);
	return n ? 0 : 2;
}
