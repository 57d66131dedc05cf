// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program of somebody else's looks like: test_library.sh builds it against the
 * installed library. Prints the events of a log as JSON lines.
 */
#include <fcntl.h>
#include <unistd.h>

#include <hvtrace/hvtrace.h>

int main(int argc, char **argv)
{
	struct hvt_reader *r = hvt_reader_new(0);
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1, n;
	struct hvt_event ev;

	if (!r || fd < 0)
		return 2;
	do {
		n = hvt_reader_read(r, fd);
		while (hvt_reader_next(r, &ev))
			hvt_event_json(stdout, &ev);
	} while (n > 0);
	n = hvt_reader_state(r) == HVT_LOG_COMPLETE ? 0 : 1;
	hvt_reader_free(r);
	close(fd);
	return n;
}
