/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Under sudo the side that decodes foreign bytes does not stay root: once the agent and
 * the target run, the CLI becomes the user who typed the command.
 */
#include "cli.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool id_of(const char *name, unsigned int *id)
{
	const char *text = getenv(name);
	unsigned long v;
	char *end;

	if (!text || !*text || *text == '-')
		return false;
	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || *end || v >= UINT32_MAX)
		return false;
	*id = (unsigned int)v;
	return true;
}

bool hvt_invoking_user(unsigned int *uid, unsigned int *gid)
{
	return geteuid() == 0 && id_of("SUDO_UID", uid) && id_of("SUDO_GID", gid) && *uid != 0;
}

void hvt_drop_privileges(void)
{
	unsigned int uid, gid;

	if (!hvt_invoking_user(&uid, &gid))
		return;
	if (setgroups(0, NULL) || setgid(gid) || setuid(uid) || setuid(0) == 0)
		hvt_die(HVT_ERROR, "dropping privileges to user %u: %s; try: as root, without sudo",
			uid, strerror(errno));
}
