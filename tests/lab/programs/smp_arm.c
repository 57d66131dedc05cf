/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arms a watch on ADDR,LEN of process PID and disarms it again, at once and a little later
 * by turns, until that process has no memory any more, reaped or not. Nobody reads its
 * rings. Prints how often, and how many of these watches were hit; makes the file ENOUGH
 * when that were 20.
 * usage: smp_arm PID ADDR LEN ENOUGH
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../../include/hvtrace/uapi.h"

#define ENOUGH 20

static int was_hit(int fd, unsigned int id)
{
	struct hvt_watch_info info = { .size = sizeof(info) };

	for (; !ioctl(fd, HVT_IOC_WATCH_INFO, &info); info.index++)
		if (info.id == id)
			return info.hits > 0;
	return 0;
}

/* The target may be one for a moment; this one is for sure. */
static int refuses_a_zombie(int fd, struct hvt_watch_add add)
{
	siginfo_t ended;

	add.pid = fork();
	if (!add.pid)
		_exit(0);
	if (add.pid < 0 || waitid(P_PID, (id_t)add.pid, &ended, WEXITED | WNOWAIT)) {
		perror("smp_arm: a child");
		return 0;
	}
	if (ioctl(fd, HVT_IOC_WATCH_ADD, &add) < 0 && errno == ESRCH)
		return 1;
	perror("smp_arm: WATCH_ADD of a zombie");
	return 0;
}

int main(int argc, char **argv)
{
	struct hvt_rings rings = { .size = sizeof(rings), .slots = 4096 };
	struct hvt_attach attach = { .size = sizeof(attach) };
	struct hvt_watch_del del = { .size = sizeof(del) };
	struct hvt_watch_add add = { .size = sizeof(add), .access = HVT_ACC_R | HVT_ACC_W };
	unsigned long cycles = 0, hit = 0;
	int fd = open(HVT_DEVICE, O_RDWR);

	if (argc != 5 || fd < 0 || ioctl(fd, HVT_IOC_ATTACH, &attach) ||
	    ioctl(fd, HVT_IOC_RINGS, &rings)) {
		perror("smp_arm");
		return 1;
	}
	add.pid = atoi(argv[1]);
	add.addr = strtoull(argv[2], NULL, 0);
	add.len = strtoull(argv[3], NULL, 0);
	while (!ioctl(fd, HVT_IOC_WATCH_ADD, &add)) {
		del.id = add.id;
		if (cycles & 1)
			usleep(500);
		if (was_hit(fd, add.id) && ++hit == ENOUGH && creat(argv[4], 0600) < 0) {
			perror(argv[4]);
			return 1;
		}
		if (ioctl(fd, HVT_IOC_WATCH_DEL, &del)) {
			perror("smp_arm: WATCH_DEL");
			return 1;
		}
		cycles++;
		usleep(500); /* each stops all CPUs: let them get on */
	}
	if (errno != ESRCH) {
		perror("smp_arm: WATCH_ADD");
		return 1;
	}
	printf("%lu %lu\n", cycles, hit);
	return !refuses_a_zombie(fd, add);
}
