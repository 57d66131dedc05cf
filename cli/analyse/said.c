/* SPDX-License-Identifier: GPL-2.0-only */
/* Events kept as lines: see said.h. */
#include "said.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int hvt_said_add(struct hvt_said *s, const struct hvt_event *ev, uint64_t number, bool json)
{
	size_t cap = s->cap ? s->cap * 2 : 64, len;
	struct hvt_said_event *grown;
	char *line = NULL;
	FILE *out;

	if (s->n == s->cap) {
		grown = realloc(s->v, cap * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		s->v = grown;
		s->cap = cap;
	}
	out = open_memstream(&line, &len);
	if (!out)
		return -ENOMEM;
	if (json)
		hvt_event_json(out, ev);
	else
		hvt_event_text(out, ev);
	if (fclose(out) || !len) {
		free(line);
		return -ENOMEM;
	}
	line[len - 1] = '\0';
	s->v[s->n++] = (struct hvt_said_event){ .number = number, .line = line };
	return 0;
}

static int by_number(const void *key, const void *elem)
{
	uint64_t number = *(const uint64_t *)key;
	const struct hvt_said_event *e = elem;

	return number < e->number ? -1 : number > e->number;
}

struct hvt_said_event *hvt_said_find(const struct hvt_said *s, uint64_t number)
{
	return s->n ? bsearch(&number, s->v, s->n, sizeof(*s->v), by_number) : NULL;
}

void hvt_said_sweep(struct hvt_said *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		if (s->v[i].used) {
			s->v[n] = s->v[i];
			s->v[n++].used = false;
		} else {
			free(s->v[i].line);
		}
	}
	s->n = n;
}

void hvt_said_free(struct hvt_said *s)
{
	while (s->n)
		free(s->v[--s->n].line);
	free(s->v);
}
