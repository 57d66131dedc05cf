// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a program of somebody else's looks like: test_library.sh builds it against the
 * installed library. Prints the events of a log as JSON lines.
 */
#include <hvtrace/hvtrace.h>

int main(int argc, char **argv)
{
	struct hvt_log *log = argc > 1 ? hvt_log_open(argv[1], 0) : NULL;
	struct hvt_event ev;
	int rc;

	if (!log)
		return 2;
	while ((rc = hvt_log_event(log, &ev)) > 0)
		hvt_event_json(stdout, &ev);
	if (!rc)
		rc = hvt_reader_state(hvt_log_reader(log)) == HVT_LOG_COMPLETE ? 0 : 1;
	hvt_log_close(log);
	return rc;
}
