/* SPDX-License-Identifier: GPL-2.0-only */
/* stdout's end: what could not be written must not look like success. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int hvt_flush(void)
{
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	return errno ? errno : EIO;
}

int hvt_finish_output(int code)
{
	int rc = hvt_flush();

	if (!rc || rc == EPIPE) /* a reader that has seen enough is no error */
		return code;
	hvt_warn("standard output: %s; try: another place for it", strerror(rc));
	return HVT_ERROR;
}
