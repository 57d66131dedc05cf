// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the sample log to standard output. mklog [BYTES]: only that many first bytes,
 * as a log that was cut short. mklog filtered: the one with a filter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logbuild.h"

int main(int argc, char **argv)
{
	struct logbuild lb = { 0 };
	size_t n;

	if (argc > 1 && !strcmp(argv[1], "filtered"))
		lb_filtered(&lb);
	else
		lb_sample(&lb);
	n = argc > 1 && argv[1][0] != 'f' ? strtoul(argv[1], NULL, 10) : lb.len;
	if (n > lb.len)
		n = lb.len;
	n = fwrite(lb.bytes, 1, n, stdout) == n ? 0 : 1;
	lb_free(&lb);
	return (int)n;
}
