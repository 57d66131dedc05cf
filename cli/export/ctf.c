/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Common Trace Format, version 1.8: what babeltrace2 and Trace Compass read. A
 * directory with one stream for each CPU and their description. The fields written here
 * are those of ctf_metadata.c, in that order, little-endian, not aligned.
 */
#include "ctf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"

struct ctf {
	int dir, error; /* error: the first errno */
	uint32_t nr_streams;
	struct ctf_stream *streams; /* by CPU, opened when it has an event */
	bool have_uuid;
	uint8_t uuid[CTF_UUID_SIZE];
	uint64_t last; /* time of the event before, of any CPU */
};

static void *begin(FILE *out, int dir)
{
	struct ctf *c = calloc(1, sizeof(*c));

	(void)out;
	if (c)
		c->dir = dir;
	return c;
}

static void u8(FILE *f, uint8_t v)
{
	fputc(v, f);
}

static void u32(FILE *f, uint32_t v)
{
	fwrite(&v, sizeof(v), 1, f);
}

static void u64(FILE *f, uint64_t v)
{
	fwrite(&v, sizeof(v), 1, f);
}

/*
 * A string ends with NUL and is ASCII: other bytes as \xNN, a backslash as two. None is
 * empty: in the place of an empty one babeltrace2 2.0.4 shows one that it read before.
 */
static void string(FILE *f, const char *s)
{
	hvt_print_escaped(f, s && s[0] ? s : "?", SIZE_MAX);
	u8(f, 0);
}

static void symbol(FILE *f, const struct hvt_symbol *s)
{
	if (!s->name) {
		string(f, NULL);
		return;
	}
	hvt_print_escaped(f, s->name, SIZE_MAX);
	fprintf(f, "+0x%llx", (unsigned long long)s->off);
	u8(f, 0);
}

static void value(FILE *f, const uint8_t *bytes, uint32_t len)
{
	uint64_t v = 0;

	if (!bytes || !len) {
		u8(f, CTF_UNKNOWN);
	} else if (len <= sizeof(v)) {
		memcpy(&v, bytes, len);
		u8(f, CTF_NUMBER);
		u64(f, v);
	} else {
		u8(f, CTF_BYTES);
		u32(f, len);
		fwrite(bytes, 1, len, f);
	}
}

static void access_fields(FILE *f, const struct hvt_event *ev)
{
	uint32_t i;

	u64(f, ev->seq);
	u64(f, ev->tsc);
	u32(f, ev->pid);
	u32(f, ev->tid);
	string(f, ev->comm);
	u8(f, hvt_export_access(ev));
	u64(f, ev->addr);
	u32(f, ev->size);
	u64(f, ev->gpa);
	u32(f, ev->val_off);
	value(f, ev->old, ev->val_len);
	value(f, ev->new_, ev->val_len);
	symbol(f, &ev->addr_sym);
	string(f, ev->addr_sym.obj);
	u64(f, ev->ip);
	symbol(f, &ev->ip_sym);
	string(f, ev->ip_sym.obj);
	u64(f, ev->ip_sym.obj_off);
	string(f, ev->text);
	u8(f, !!(ev->flags & HVT_RF_USER));
	u8(f, ev->exact);
	u8(f, !!(ev->flags & HVT_RF_DEVICE));
	u8(f, !!(ev->flags & HVT_RF_WALK));
	u8(f, !!(ev->flags & HVT_RF_DELIVERY));
	u8(f, ev->vector);
	u64(f, ev->flags & HVT_RF_RUN ? ev->run_count : 0);
	u32(f, ev->flags & HVT_RF_RUN ? ev->run_elem : 0);
	u8(f, ev->flags & HVT_RF_RUN && ev->run_down);
	u64(f, ev->cr3);
	u64(f, ev->order);
	u32(f, ev->nr_watches);
	for (i = 0; i < ev->nr_watches; i++)
		u32(f, ev->watches[i]);
}

static void lost_fields(FILE *f, const struct hvt_event *ev)
{
	u64(f, ev->seq);
	u64(f, ev->tsc);
	u64(f, ev->count);
}

static void remap_fields(FILE *f, const struct hvt_event *ev)
{
	u64(f, ev->seq);
	u64(f, ev->tsc);
	u32(f, ev->pid);
	u32(f, ev->tid);
	u32(f, ev->watch);
	u64(f, ev->addr);
	u64(f, ev->old_gpa);
	u64(f, ev->new_gpa);
}

static void mark_fields(FILE *f, const struct hvt_event *ev)
{
	u64(f, ev->tsc);
	u32(f, ev->pid);
	u32(f, ev->uid);
	string(f, ev->mark);
}

/* The stream of this CPU, opened now if it must be; NULL after an error. */
static struct ctf_stream *stream_of(struct ctf *c, const struct hvt_reader *r, uint32_t cpu)
{
	if (c->error)
		return NULL;
	if (!c->streams) {
		c->nr_streams = hvt_reader_header(r)->nr_cpus;
		c->streams = calloc(c->nr_streams, sizeof(*c->streams));
		if (!c->streams)
			c->error = ENOMEM;
	}
	if (c->error || cpu >= c->nr_streams)
		return NULL;
	if (!c->streams[cpu].file)
		c->error = ctf_stream_open(&c->streams[cpu], c->dir, cpu);
	return c->error ? NULL : &c->streams[cpu];
}

static void event(void *export, struct hvt_reader *r, const struct hvt_event *ev)
{
	struct ctf *c = export;
	struct ctf_stream *s = stream_of(c, r, ev->cpu);

	if (!s)
		return;
	if (!c->have_uuid)
		ctf_uuid(r, c->uuid);
	c->have_uuid = true;
	/*
	 * Events come in the order of their TSC. Their nanoseconds can go back where a CLOCK
	 * section corrects the ones before it, which no CTF stream may.
	 */
	if (ev->ns > c->last)
		c->last = ev->ns;
	switch (ev->type) {
	case HVT_EV_ACCESS:
		ctf_stream_event(s, c->last, CTF_ACCESS, c->uuid);
		access_fields(s->file, ev);
		break;
	case HVT_EV_LOST:
		ctf_stream_discard(s, ev->count);
		ctf_stream_event(s, c->last, CTF_LOST, c->uuid);
		lost_fields(s->file, ev);
		break;
	case HVT_EV_REMAP:
		ctf_stream_event(s, c->last, CTF_REMAP, c->uuid);
		remap_fields(s->file, ev);
		break;
	case HVT_EV_INSN: /* they have exports of their own */
	case HVT_EV_FLOW:
		break;
	case HVT_EV_MARK:
		ctf_stream_event(s, c->last, CTF_MARK, c->uuid);
		mark_fields(s->file, ev);
		break;
	}
}

static int end(void *export, const struct hvt_reader *r)
{
	struct ctf *c = export;
	int rc = c->error, err;
	uint32_t i;

	for (i = 0; i < c->nr_streams && c->streams; i++) {
		err = c->streams[i].file ? ctf_stream_close(&c->streams[i]) : 0;
		if (!rc)
			rc = err;
	}
	if (!c->have_uuid)
		ctf_uuid(r, c->uuid);
	err = ctf_metadata(c->dir, r, c->uuid);
	free(c->streams);
	free(c);
	return rc ? rc : err;
}

const struct hvt_exporter hvt_export_ctf = {
	.name = "ctf",
	.directory = true,
	.begin = begin,
	.event = event,
	.end = end,
};
