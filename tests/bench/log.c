// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a log costs: bytes of each record on disk by column, and how many records a second
 * one core encodes as the agent does, decodes as the reader does, and counts by looking
 * at the columns that it needs. It asserts nothing. usage: log-bench FILE...
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chunk.h"
#include "index.h"
#include "internal.h"

/* Of CPU time: long enough to measure, short enough to wait for. */
#define SECONDS 1.0

struct events { /* all EVENTS sections of a log */
	struct hvt_section *head;
	uint8_t **payload;
	struct hvt_chunk **chunk;
	size_t n;
	uint64_t records, accesses, bytes;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "log-bench: %s; try: a log of hvtrace watch -o\n", what);
	exit(1);
}

static void *get(size_t len)
{
	void *p = malloc(len ? len : 1);

	if (!p)
		fail("out of memory");
	return p;
}

static void load(struct events *e, int fd)
{
	struct hvt_index idx = { 0 };
	struct hvt_columns c = { 0 };
	size_t i;

	memset(e, 0, sizeof(*e));
	if (hvt_index_load(&idx, fd))
		fail("no log");
	e->head = get(idx.n * sizeof(*e->head));
	e->payload = get(idx.n * sizeof(*e->payload));
	e->chunk = get(idx.n * sizeof(*e->chunk));
	for (i = 0; i < idx.n; i++) {
		struct hvt_section *s = &e->head[e->n];

		if (idx.v[i].type != HVT_SEC_EVENTS)
			continue;
		if (pread(fd, s, sizeof(*s), (off_t)idx.v[i].off) != sizeof(*s))
			fail("cut short");
		e->payload[e->n] = get(s->len);
		if (pread(fd, e->payload[e->n], s->len, (off_t)(idx.v[i].off + sizeof(*s))) !=
		    (ssize_t)s->len)
			fail("cut short");
		if (hvt_columns_open(&c, s, e->payload[e->n]) ||
		    hvt_chunk_decode(&c, s->cpu, &e->chunk[e->n]))
			fail("damaged");
		e->records += s->count;
		e->accesses += hvt_columns_rows(&c, HVT_TABLE_ACCESS);
		e->bytes += sizeof(*s) + ((s->len + 7) & ~7ull);
		e->n++;
	}
	hvt_columns_close(&c);
	hvt_index_free(&idx);
}

static void sizes(const struct events *e)
{
	static const char *const names[] = {
#define NAME(name, table, number, width, type, label) #name,
		HVT_FIELDS(NAME)
#undef NAME
	};
	uint64_t total[HVT_COLUMNS] = { 0 };
	struct hvt_columns c = { 0 };
	size_t i, k;

	for (i = 0; i < e->n; i++) {
		hvt_columns_open(&c, &e->head[i], e->payload[i]);
		for (k = 0; k < HVT_COLUMNS; k++)
			total[k] += c.column[k].head.len;
	}
	for (k = 0; k < HVT_COLUMNS; k++)
		if (total[k] * 100 > e->records)
			printf("  %-11s %6.2f\n", names[k], (double)total[k] / (double)e->records);
	hvt_columns_close(&c);
}

static uint64_t encoded; /* bytes */

static void seal(struct chunk *chunk, struct buf *payload)
{
	struct hvt_section s;

	chunk_seal(chunk, &s, payload);
	encoded += sizeof(s) + ((payload->len + 7) & ~7ull);
}

static void encode(const struct events *e)
{
	struct chunk *chunk = chunk_new(0);
	struct buf payload = { 0 };
	size_t i, at;

	encoded = 0;
	for (i = 0; i < e->n; i++) {
		for (at = 0; at < e->chunk[i]->len; at += e->chunk[i]->bytes[at + 1] * HVT_SLOT)
			if (!chunk_add(chunk, e->chunk[i]->bytes + at))
				seal(chunk, &payload);
	}
	seal(chunk, &payload);
	buf_free(&payload);
	chunk_free(chunk);
}

static void decode(const struct events *e)
{
	struct hvt_columns c = { 0 };
	struct hvt_chunk *chunk;
	size_t i;

	for (i = 0; i < e->n; i++) {
		hvt_columns_open(&c, &e->head[i], e->payload[i]);
		hvt_chunk_decode(&c, 0, &chunk);
		hvt_chunk_put(&c, chunk);
	}
	hvt_columns_close(&c);
}

static uint64_t wrote;

/* Writes to one page, by address and kind. */
static void count(const struct events *e)
{
	struct hvt_columns c = { 0 };
	const uint64_t *gla;
	const uint8_t *access;
	uint64_t page = 0;
	uint32_t n, k;
	size_t i;

	for (i = 0; i < e->n; i++) {
		hvt_columns_open(&c, &e->head[i], e->payload[i]);
		gla = hvt_column(&c, HVT_COLUMN_GLA, &n);
		access = hvt_column(&c, HVT_COLUMN_ACCESS, NULL);
		if (!page && n)
			page = gla[0] & ~0xfffull;
		for (k = 0; k < n; k++)
			wrote += (access[k] & HVT_ACC_W) && gla[k] - page < 0x1000;
	}
	hvt_columns_close(&c);
}

static void measure(const struct events *e, const char *what, void (*work)(const struct events *e))
{
	double start = now(), took;
	int n = 0;

	do {
		work(e);
		n++;
		took = now() - start;
	} while (took < SECONDS);
	printf("  %-11s %6.2f million records/s\n", what, (double)e->records * n / took / 1e6);
}

int main(int argc, char **argv)
{
	struct events e;
	int i, fd;

	for (i = 1; i < argc; i++) {
		fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			fail("no such file");
		load(&e, fd);
		printf("%s: %llu records, %llu of them accesses, %zu sections\n", argv[i],
		       (unsigned long long)e.records, (unsigned long long)e.accesses, e.n);
		if (!e.records)
			continue;
		printf("  %-11s %6.2f bytes a record on disk; of them columns of\n", "all",
		       (double)e.bytes / (double)e.records);
		sizes(&e);
		measure(&e, "encode", encode);
		printf("  %-11s %6.2f bytes a record\n", "encoded",
		       (double)encoded / (double)e.records);
		measure(&e, "decode", decode);
		measure(&e, "count", count);
		close(fd);
	}
	return 0;
}
