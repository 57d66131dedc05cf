/* SPDX-License-Identifier: GPL-2.0-only */
/* Two runs compared: see streams.h. */
#include "streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct hvt_stream *stream_of(struct hvt_streams *s, const char *name, size_t len)
{
	long row = hvt_tally_add(&s->names, name, len, 0, 0);
	struct hvt_stream *grown;
	size_t cap = s->cap ? s->cap * 2 : 64;

	if (row < 0)
		return NULL;
	if ((size_t)row >= s->cap) {
		grown = realloc(s->v, cap * sizeof(*grown));
		if (!grown)
			return NULL;
		memset(grown + s->cap, 0, (cap - s->cap) * sizeof(*grown));
		s->v = grown;
		s->cap = cap;
	}
	return &s->v[row];
}

static void matched(struct hvt_streams *s, struct hvt_stream *st, struct hvt_element *e)
{
	free(st->context[HVT_CONTEXT - 1]);
	memmove(st->context + 1, st->context, (HVT_CONTEXT - 1) * sizeof(st->context[0]));
	st->context[0] = e;
	st->matched++;
	s->matched++;
}

int hvt_streams_take(struct hvt_streams *s, int side, const char *name, size_t name_len,
		     const char *line, size_t len, uint64_t number)
{
	struct hvt_stream *st = stream_of(s, name, name_len);
	struct hvt_element *e, *other;

	if (!st)
		return -ENOMEM;
	if (st->diverged && st->first[side])
		return 0;
	e = malloc(sizeof(*e) + len + 1);
	if (!e)
		return -ENOMEM;
	e->next = NULL;
	e->number = number;
	memcpy(e->line, line, len);
	e->line[len] = '\0';
	other = st->diverged ? NULL : st->first[!side];
	if (other && !strcmp(other->line, e->line)) {
		st->first[!side] = other->next;
		free(other);
		matched(s, st, e);
		return 0;
	}
	st->diverged |= other != NULL;
	if (st->first[side])
		st->last[side]->next = e;
	else
		st->first[side] = e;
	st->last[side] = e;
	return 0;
}

size_t hvt_streams_finish(struct hvt_streams *s, const bool ended[HVT_SIDES],
			  const struct hvt_stream **first)
{
	uint64_t at, earliest = UINT64_MAX;
	struct hvt_stream *st;
	size_t i, n = 0;

	*first = NULL;
	for (i = 0; i < s->names.n; i++) {
		st = &s->v[i];
		st->diverged |= (st->first[HVT_A] && ended[HVT_B]) ||
				(st->first[HVT_B] && ended[HVT_A]);
		if (!st->diverged)
			continue;
		n++;
		at = st->first[HVT_A] ? st->first[HVT_A]->number : st->first[HVT_B]->number;
		if (at < earliest) {
			earliest = at;
			*first = st;
		}
	}
	return n;
}

const char *hvt_stream_name(const struct hvt_streams *s, const struct hvt_stream *stream)
{
	return s->names.rows[stream - s->v].key;
}

void hvt_streams_free(struct hvt_streams *s)
{
	struct hvt_element *e;
	size_t i, k;

	for (i = 0; i < s->names.n && i < s->cap; i++) {
		for (k = 0; k < HVT_SIDES; k++)
			while ((e = s->v[i].first[k])) {
				s->v[i].first[k] = e->next;
				free(e);
			}
		for (k = 0; k < HVT_CONTEXT; k++)
			free(s->v[i].context[k]);
	}
	free(s->v);
	hvt_tally_free(&s->names);
}
