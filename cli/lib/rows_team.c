/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Sections do not depend on each other: threads take the next ones until none is left. */
#include "rows.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define TAKEN 4u /* sections at a time: neighbours, whose rows are near each other */

struct team {
	struct hvt_rows *rows;
	pthread_mutex_t lock;
	uint64_t next; /* section; with lock, as all that follows */
	const void *bad;
	int rc;
};

/* The first one of the next sections, as many as there are when none is left. */
static uint64_t take(struct team *t)
{
	uint64_t first;

	pthread_mutex_lock(&t->lock);
	first = t->next;
	t->next += first < t->rows->nr_sections ? TAKEN : 0;
	pthread_mutex_unlock(&t->lock);
	return first;
}

/* A malformed section keeps nobody from the others: which one is the first must not be chance. */
static void failed(struct team *t, const struct hvt_rows_section *s, int rc)
{
	pthread_mutex_lock(&t->lock);
	if (rc == -EBADMSG && (!t->bad || s->bytes < t->bad))
		t->bad = s->bytes;
	if (rc != -EBADMSG)
		t->next = t->rows->nr_sections;
	if (!t->rc || rc != -EBADMSG)
		t->rc = rc;
	pthread_mutex_unlock(&t->lock);
}

static void *work(void *arg)
{
	struct team *t = arg;
	struct hvt_rows_worker *w = calloc(1, sizeof(*w));
	const struct hvt_rows_section *s = t->rows->sections;
	uint64_t i, n, all = t->rows->nr_sections;
	int rc;

	if (!w) {
		failed(t, NULL, -ENOMEM);
		return NULL;
	}
	w->rows = t->rows;
	while ((i = take(t)) < all)
		for (n = 0; n < TAKEN && i < all; n++, i++) {
			rc = hvt_rows_section_put(w, &s[i]);
			if (rc)
				failed(t, &s[i], rc);
		}
	hvt_rows_worker_close(w);
	free(w);
	return NULL;
}

int hvt_rows_load(struct hvt_rows *rows)
{
	struct team t = { .rows = rows, .lock = PTHREAD_MUTEX_INITIALIZER };
	uint64_t useful = (rows->nr_sections + TAKEN - 1) / TAKEN;
	uint32_t n, begun = 0;
	pthread_t *others;

	n = rows->threads < useful ? rows->threads : (uint32_t)useful;
	others = n > 1 ? calloc(n - 1, sizeof(*others)) : NULL;
	/* fewer threads only take longer */
	while (others && begun < n - 1 && !pthread_create(&others[begun], NULL, work, &t))
		begun++;
	work(&t);
	while (begun)
		pthread_join(others[--begun], NULL);
	free(others);
	pthread_mutex_destroy(&t.lock);
	rows->bad = t.rc == -EBADMSG ? t.bad : NULL;
	return t.rc;
}
