// SPDX-License-Identifier: GPL-2.0-only
/*
 * The agent's own mark socket and log writer, without a machine: says "ready" on standard
 * error, takes COUNT marks, writes the log to standard output. marklog COUNT
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "logbuild.h"
#include "mark.h"

int main(int argc, char **argv)
{
	struct log_writer log = { .fd = STDOUT_FILENO };
	struct logbuild lb = { 0 };
	struct mark_socket m;
	int left = argc > 1 ? atoi(argv[1]) : 1;

	if (mark_open(&m))
		return 1;
	lb_header(&lb, 1);
	lb_clock(&lb, 1, 1, 1000000);
	if (write(STDOUT_FILENO, lb.bytes, lb.len) != (ssize_t)lb.len)
		return 1;
	fputs("ready\n", stderr);
	while (left > 0) {
		struct pollfd p = { m.fd, POLLIN, 0 };

		if (poll(&p, 1, 20000) != 1)
			return 1;
		if (mark_take(&m, &log))
			left--;
	}
	mark_close(&m);
	log_finish(&log);
	log_free(&log);
	lb.len = 0;
	lb_end(&lb, HVT_END_STOP);
	if (write(STDOUT_FILENO, lb.bytes, lb.len) != (ssize_t)lb.len)
		return 1;
	lb_free(&lb);
	return 0;
}
