/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Marks, between the events by time. They are in no CPU's records: the next event is taken
 * first and held while there are marks before it. When there is none a mark goes out as
 * soon as no record before it can come.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "line.h"

int hvt_marks_add(struct hvt_marks *m, const uint8_t *payload, size_t len)
{
	struct hvt_mark *mark;
	struct hvt_log_mark h;
	int rc;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, payload, sizeof(h));
	if (h.text_len > len - sizeof(h))
		return -EBADMSG;
	rc = hvt_grow((void **)&m->v, &m->cap, m->n, sizeof(*m->v));
	if (rc)
		return rc;
	mark = &m->v[m->n];
	mark->h = h;
	mark->text = hvt_copy_string(payload + sizeof(h), h.text_len);
	if (!mark->text)
		return -ENOMEM;
	m->n++;
	return 0;
}

void hvt_marks_free(struct hvt_marks *m)
{
	while (m->n)
		free(m->v[--m->n].text);
	free(m->v);
}

static void give(struct hvt_reader *r, const struct hvt_mark *mark, struct hvt_event *ev)
{
	memset(ev, 0, sizeof(*ev));
	ev->type = HVT_EV_MARK;
	ev->tsc = mark->h.tsc;
	ev->ns = hvt_clocks_ns(&r->clocks, mark->h.tsc);
	if (!ev->ns)
		ev->ns = mark->h.ns;
	ev->pid = mark->h.pid;
	ev->uid = mark->h.uid;
	ev->mark = mark->text;
	r->marks.pos++;
}

int hvt_marks_next(struct hvt_reader *r, struct hvt_event *ev)
{
	const struct hvt_mark *mark = r->marks.pos < r->marks.n ? &r->marks.v[r->marks.pos] : NULL;
	struct hvt_marks *m = &r->marks;

	if (!mark && !m->holding) {
		if (!hvt_next_event(r, ev))
			return 0;
		r->given = r->stats.records;
		return 1;
	}
	if (!m->holding) {
		m->holding = hvt_next_event(r, &m->held);
		m->held_records = r->stats.records;
	}
	if (mark && (m->holding ? mark->h.tsc <= m->held.tsc :
				  mark->h.tsc < m->before || r->state != HVT_LOG_OPEN)) {
		give(r, mark, ev);
		return 1;
	}
	if (!m->holding)
		return 0;
	*ev = m->held;
	r->given = m->held_records;
	m->holding = false;
	return 1;
}

void hvt_mark_json(FILE *out, const struct hvt_event *ev)
{
	struct hvt_json j;

	hvt_json_begin(&j, out);
	hvt_json_str(&j, "type", "mark");
	hvt_json_u64(&j, "ns", ev->ns);
	hvt_json_u64(&j, "tsc", ev->tsc);
	hvt_json_u64(&j, "pid", ev->pid);
	hvt_json_u64(&j, "uid", ev->uid);
	hvt_json_str(&j, "text", ev->mark);
	hvt_json_end(&j);
}

void hvt_mark_text(FILE *out, const struct hvt_event *ev)
{
	fprintf(out, "%6llu.%06llu mark by %u/%u: ", (unsigned long long)(ev->ns / 1000000000),
		(unsigned long long)(ev->ns / 1000 % 1000000), ev->uid, ev->pid);
	hvt_print_escaped(out, ev->mark, SIZE_MAX);
	putc('\n', out);
}
