/* SPDX-License-Identifier: GPL-2.0-only */
/* What accesses can be counted by: hvtrace report --sort. */
#ifndef HVT_CLI_KEYS_H
#define HVT_CLI_KEYS_H

#include <stdbool.h>

#include <hvtrace/hvtrace.h>

#define HVT_KEYS_MAX 8

struct hvt_line;
struct hvt_key;

struct hvt_keys {
	const struct hvt_key *v[HVT_KEYS_MAX];
	size_t n;
};

/* "a,b". Exits when there is no such key. */
void hvt_keys_parse(struct hvt_keys *k, const char *list);
bool hvt_keys_have(const struct hvt_keys *k, const char *name);
const char *hvt_keys_name(const struct hvt_keys *k, size_t i);

/* The access's keys as printable ASCII, each with a tab behind it. */
void hvt_keys_put(const struct hvt_keys *k, struct hvt_line *l, const struct hvt_reader *r,
		  const struct hvt_event *ev);

#endif
