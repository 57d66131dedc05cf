/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The -o file: the very bytes of the stream. It is opened before anything is armed, but
 * what it held before is kept until there is something to replace it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watch.h"

static struct hvt_tee *open_tee;

static void at_exit(void)
{
	hvt_tee_close(open_tee);
}

void hvt_tee_open(struct hvt_tee *t, const char *path)
{
	unsigned int uid, gid;

	memset(t, 0, sizeof(*t));
	t->path = path;
	t->fd = -1;
	if (!path)
		return;
	if (!strcmp(path, "-")) {
		if (isatty(STDOUT_FILENO))
			hvt_die(HVT_USAGE,
				"-o -: a log is not for terminals; try: -o FILE, or a pipe");
		t->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		t->begun = true;
	} else {
		t->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);
		t->fresh = t->fd >= 0;
		if (t->fd < 0 && errno == EEXIST)
			t->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (t->fd < 0)
		hvt_die(HVT_ERROR, "%s: %s; try: -o another file", path, strerror(errno));
	open_tee = t;
	atexit(at_exit);
	/* under sudo what we create belongs to the one who typed the command */
	if (t->fresh && hvt_invoking_user(&uid, &gid) && fchown(t->fd, uid, gid))
		hvt_warn("%s: %s; try: chown it yourself", path, strerror(errno));
}

bool hvt_tee_write(struct hvt_tee *t, const void *bytes, size_t len)
{
	const char *p = bytes;
	struct stat st;
	ssize_t n;

	if (!t->path || t->failed)
		return !t->failed;
	if (!t->begun) {
		t->begun = true;
		/* not on pipes and devices */
		if (!fstat(t->fd, &st) && S_ISREG(st.st_mode) && ftruncate(t->fd, 0))
			goto fail;
	}
	while (len) {
		n = write(t->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			goto fail;
		p += n;
		len -= (size_t)n;
		t->bytes += (uint64_t)n;
	}
	return true;
fail:
	t->failed = true;
	/* a consumer of -o - that has seen enough is no error */
	if (errno != EPIPE)
		hvt_warn("%s: %s; try: room for it (what was written is readable)", t->path,
			 strerror(errno));
	return false;
}

bool hvt_tee_close(struct hvt_tee *t)
{
	if (t->fd < 0)
		return true;
	if (t->fresh && !t->begun)
		unlink(t->path); /* it holds nothing: better none than an empty log */
	if (close(t->fd) && !t->failed) {
		hvt_warn("%s: %s; try: check the disk", t->path, strerror(errno));
		t->failed = true;
	}
	t->fd = -1;
	return !t->failed;
}
