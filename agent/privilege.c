// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving up what a running session does not need. The device asks for the capabilities
 * that its fd was opened with; what is kept is for /proc and files of other processes.
 */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "privilege.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38 /* since Linux 5.8 */
#endif

int privilege_drop(void)
{
	/*
	 * SYS_PTRACE: /proc/PID of any user. SYS_ADMIN: map_files, and the device in case
	 * its checks change. DAC_READ_SEARCH: build-ids of files that are not ours.
	 */
	static const unsigned int keep[] = {
		CAP_SYS_PTRACE, CAP_SYSLOG, CAP_PERFMON, CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH,
	};
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3],
		want[_LINUX_CAPABILITY_U32S_3];
	size_t i;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (syscall(SYS_capget, &head, data))
		return -errno;
	memset(want, 0, sizeof(want));
	for (i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		want[keep[i] / 32].permitted |= 1u << (keep[i] % 32);
		want[keep[i] / 32].effective |= 1u << (keep[i] % 32);
	}
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		/* A capability that we or this kernel never had cannot be kept. */
		want[i].permitted &= data[i].permitted;
		want[i].effective &= want[i].permitted;
	}
	return syscall(SYS_capset, &head, want) ? -errno : 0;
}
