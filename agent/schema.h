/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two JSON texts at the start of a log: what its structs look like, and where it
 * was made.
 */
#ifndef AGENT_SCHEMA_H
#define AGENT_SCHEMA_H

#include <hvtrace/uapi.h>

#include "buf.h"

void schema_json(struct buf *b);
void host_json(struct buf *b, const struct hvt_hello *hello, int argc, char **argv);

#endif
