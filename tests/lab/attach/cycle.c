// SPDX-License-Identifier: GPL-2.0-only
/*
 * cycle.c: attaches and detaches N times, with a moment for others in between: what
 * `hvtrace attach` and `hvtrace detach` do, without starting two programs for each.
 * usage: cycle N CPUS
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <hvtrace/uapi.h>

static int fail(int n, const char *what, const char *why)
{
	printf("cycle %d: %s: %s\n", n, what, why);
	return 1;
}

/* Status 0: the module says that @cpus are attached. */
static int attached_is(int fd, int n, unsigned int cpus)
{
	struct hvt_status st = { .size = sizeof(st) };
	char text[64];

	if (ioctl(fd, HVT_IOC_STATUS, &st))
		return fail(n, "status", strerror(errno));
	snprintf(text, sizeof(text), "%u CPUs attached, want %u", st.cpus_attached, cpus);
	return st.cpus_attached == cpus ? 0 : fail(n, "status", text);
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[1]) : 0, n, fd;
	unsigned int cpus = argc > 2 ? (unsigned int)atoi(argv[2]) : 0;

	fd = open(HVT_DEVICE, O_RDWR);
	if (fd < 0 || rounds <= 0)
		return fail(0, HVT_DEVICE, strerror(errno));
	for (n = 1; n <= rounds; n++) {
		struct hvt_attach a = { .size = sizeof(a), .flags = HVT_ATTACH_PERSIST };

		if (ioctl(fd, HVT_IOC_ATTACH, &a))
			return fail(n, "attach", a.blocked.detail);
		if (attached_is(fd, n, cpus))
			return 1;
		usleep(200);
		if (ioctl(fd, HVT_IOC_DETACH))
			return fail(n, "detach", strerror(errno));
		if (attached_is(fd, n, 0))
			return 1;
		usleep(200);
	}
	return 0;
}
