/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Notes of the user into the log while it is written: each session has a datagram socket
 * of the abstract name HVT_MARK_SOCKET and its process number. A datagram is the text of a
 * mark; the answer is an errno as one byte. Its name vanishes with the process, and the
 * kernel says who sends: root, and the user for whom sudo started the agent, may.
 */
#ifndef AGENT_MARK_H
#define AGENT_MARK_H

#include <stdint.h>
#include <sys/types.h>

#include "log_writer.h"

struct mark_socket {
	int fd;	     /* -1: none */
	uid_t owner; /* who may, besides root */
};

/* 0 or negative errno; m->fd is to be polled for input then. */
int mark_open(struct mark_socket *m);

/* Writes what has come as MARK sections. The largest tsc of them, 0: none. */
uint64_t mark_take(struct mark_socket *m, struct log_writer *log);

void mark_close(struct mark_socket *m);

#endif
