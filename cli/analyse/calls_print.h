/* SPDX-License-Identifier: GPL-2.0-only */
/* Call trees for people and for scripts. */
#ifndef HVT_CLI_CALLS_PRINT_H
#define HVT_CLI_CALLS_PRINT_H

#include <stdio.h>

struct hvt_call;
struct hvt_calls;
struct hvt_line;

/* What a node is called: printable ASCII. */
void hvt_put_call(struct hvt_line *l, const struct hvt_call *n);

/* An indented line for each node, a heading for each thread. */
void hvt_calls_text(FILE *out, struct hvt_calls *c);
/* A JSON object for each node, parents before their children. */
void hvt_calls_json(FILE *out, struct hvt_calls *c);

#endif
