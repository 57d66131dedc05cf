/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opens a file N times and reads it; the kernel's functions on that path are traced meanwhile.
 * usage: trace_open N FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long i, n = argc > 2 ? atol(argv[1]) : 0, sum = 0;
	char buffer[64];

	for (i = 0; i < n; i++) {
		int fd = open(argv[2], O_RDONLY);

		if (fd < 0)
			return 1;
		sum += read(fd, buffer, sizeof(buffer));
		close(fd);
	}
	printf("%ld\n", sum);
	return 0;
}
