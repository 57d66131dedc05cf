// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the sample log to standard output. mklog [BYTES]: only that many first bytes,
 * as a log that was cut short. mklog filtered: the one with a filter. mklog random SEED
 * [TRUTH]: a random one, and what its memory really held in the file TRUTH. mklog
 * hostile: one with bad names. mklog run BASE SEED CHANGE: a run of a program.
 * mklog marks: one with marks. mklog traced: one of instructions.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "logbuild.h"
#include "lograndom.h"
#include "logtrace.h"

int main(int argc, char **argv)
{
	struct logbuild lb = { 0 };
	bool number = argc > 1 && argv[1][0] >= '0' && argv[1][0] <= '9';
	bool machine = argc > 2 && !strcmp(argv[1], "random");
	FILE *truth = machine && argc > 3 ? fopen(argv[3], "w") : NULL;
	size_t n;

	if (argc > 1 && !strcmp(argv[1], "filtered"))
		lb_filtered(&lb);
	else if (argc > 1 && !strcmp(argv[1], "marks"))
		lb_marks(&lb);
	else if (argc > 1 && !strcmp(argv[1], "traced"))
		lb_traced(&lb);
	else if (argc > 1 && !strcmp(argv[1], "hostile"))
		lb_hostile(&lb);
	else if (argc > 4 && !strcmp(argv[1], "run"))
		lb_run(&lb, strtoul(argv[2], NULL, 0), (uint32_t)atoi(argv[3]), argv[4]);
	else if (machine)
		lb_random(&lb, strtoul(argv[2], NULL, 10), truth);
	else
		lb_sample(&lb);
	n = number ? strtoul(argv[1], NULL, 10) : lb.len;
	if (n > lb.len)
		n = lb.len;
	n = fwrite(lb.bytes, 1, n, stdout) == n ? 0 : 1;
	if (truth && fclose(truth))
		n = 1;
	lb_free(&lb);
	return (int)n;
}
