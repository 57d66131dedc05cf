/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/hvtrace: opening it, shaking hands, mapping the rings. All ioctls of the agent
 * go through here.
 */
#ifndef AGENT_DEVICE_H
#define AGENT_DEVICE_H

#include <stdint.h>

#include <hvtrace/log.h>
#include <hvtrace/uapi.h>

#include "drain.h"

struct device {
	int fd;
	struct hvt_hello hello;
	struct ring *rings; /* by CPU number, hello.nr_cpus of them */
};

/* One line and AGENT_UNSUPPORTED unless we have a chance to open the device. */
int require_root(const char *what);

/* ioctl without EINTR; 0 or a negative errno. */
int device_ioctl(const struct device *dev, unsigned long cmd, void *arg);

/* Opens and greets. AGENT_OK, or a code after complaining. */
int device_open(struct device *dev);
/* Makes and maps the rings; slots 0: the module's choice. The same returns. */
int device_rings(struct device *dev, uint32_t slots);
/* flags: HVT_ATTACH_*. The same returns. */
int device_attach(const struct device *dev, uint32_t flags);
int device_clock(const struct device *dev, struct hvt_log_clock *clock);
/* Closes the fd, which ends all that it armed. */
void device_close(struct device *dev);

#endif
