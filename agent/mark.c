// SPDX-License-Identifier: GPL-2.0-only
/* Notes of the user into the log: see mark.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "mark.h"

/* Of one call: records come first. */
#define MARKS_AT_ONCE 16

static uint64_t mono_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

int mark_open(struct mark_socket *m)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const char *sudo = getenv("SUDO_UID");
	int on = 1, n, rc;

	m->owner = sudo ? (uid_t)strtoul(sudo, NULL, 10) : 0;
	m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (m->fd < 0)
		return -errno;
	/* abstract: behind a NUL, and it has no NUL at its end (unix(7)) */
	n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, HVT_MARK_SOCKET "%d", getpid());
	if (!setsockopt(m->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) &&
	    !bind(m->fd, (struct sockaddr *)&a,
		  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)))
		return 0;
	rc = -errno;
	mark_close(m);
	return rc;
}

/* One datagram. Its length; negative when there is none. Who: pid 0 when the kernel is mute. */
static ssize_t receive(int fd, char *text, struct ucred *who, struct sockaddr_un *from,
		       socklen_t *from_len)
{
	union {
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec v = { text, HVT_MARK_MAX };
	struct msghdr h = { .msg_name = from,
			    .msg_namelen = sizeof(*from),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n = recvmsg(fd, &h, MSG_DONTWAIT);

	memset(who, 0, sizeof(*who));
	if (n < 0)
		return -1;
	*from_len = h.msg_namelen;
	for (c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(who, CMSG_DATA(c), sizeof(*who));
	return n;
}

static uint64_t write_mark(struct log_writer *log, const struct ucred *who, const char *text,
			   size_t len)
{
	struct hvt_log_mark mark = { .ns = mono_now(),
				     .tsc = __rdtsc(),
				     .uid = who->uid,
				     .pid = (uint32_t)who->pid,
				     .text_len = (uint32_t)len };
	struct hvt_section head = { .type = HVT_SEC_MARK, .count = 1 };
	struct log_part parts[] = { { &mark, sizeof(mark) }, { text, len } };

	log_section(log, &head, parts, 2);
	return mark.tsc;
}

uint64_t mark_take(struct mark_socket *m, struct log_writer *log)
{
	char text[HVT_MARK_MAX], answer;
	struct sockaddr_un from;
	socklen_t from_len;
	struct ucred who;
	uint64_t tsc = 0;
	ssize_t len;
	int i;

	for (i = 0; i < MARKS_AT_ONCE; i++) {
		len = receive(m->fd, text, &who, &from, &from_len);
		if (len < 0)
			break;
		answer = who.pid && (!who.uid || who.uid == m->owner) ? 0 : EPERM;
		if (!answer)
			tsc = write_mark(log, &who, text, (size_t)len);
		/* A sender that has no name, or has gone, wants none. */
		sendto(m->fd, &answer, 1, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&from,
		       from_len);
	}
	return tsc;
}

void mark_close(struct mark_socket *m)
{
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}
