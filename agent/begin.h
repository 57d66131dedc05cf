/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a session comes to life, whatever it arms: options that all have, and the order of
 * the steps up to the first thing that is armed.
 */
#ifndef AGENT_BEGIN_H
#define AGENT_BEGIN_H

#include <stdint.h>

#include "session.h"

struct begin_options {
	int32_t pid; /* 0: no target */
	int32_t tid; /* the target is the process of this thread; 0: it is pid */
	uint32_t ring_slots;
	int control_fd; /* -1: none */
};

/* The argument of -p, --ring-slots, --control-fd. AGENT_OK, or AGENT_USAGE after complaining. */
int begin_number(const char *option, const char *text, int32_t *pid);
int begin_slots(const char *text, uint32_t *slots);
int begin_control(const char *text, int *fd);

/*
 * What is needed before anything is looked up: root, the target, and what ends a session.
 * Sets the pid of a thread. AGENT_OK, or a code after complaining.
 */
int begin_target(struct session *s, struct begin_options *o);
/* The output and the device, when all else is known to be good. The same returns. */
int begin_device(struct session *s, const struct begin_options *o);
/* From the open device to an attached machine and the head of the log. The same returns. */
int begin_attached(struct session *s, const struct begin_options *o, int argc, char **argv);

#endif
