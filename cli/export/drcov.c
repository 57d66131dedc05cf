/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coverage as DynamoRIO's drcov writes it, version 2 with a module table of version 2:
 * what Lighthouse and its kin read. Each block once; its offset counts from where its
 * module's image begins.
 */
#include "export.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyse/cover.h"
#include "cli.h"

/* bb_entry_t */
struct entry {
	uint32_t start;
	uint16_t size, module;
};

struct drcov {
	FILE *out;
	struct hvt_cover *cover;
};

static void *begin(FILE *out, int dir)
{
	struct drcov *d = calloc(1, sizeof(*d));

	(void)dir;
	if (!d)
		return NULL;
	d->out = out;
	d->cover = hvt_cover_new();
	if (!d->cover) {
		free(d);
		return NULL;
	}
	return d;
}

static void no_memory(void)
{
	hvt_die(HVT_ERROR, "export: no memory for the blocks; try: a shorter trace");
}

static void event(void *export, struct hvt_reader *r, const struct hvt_event *ev)
{
	struct drcov *d = export;

	if (hvt_cover_add(d->cover, r, ev))
		no_memory();
}

static void module_table(struct drcov *d)
{
	const struct hvt_cover_module *m;
	size_t n, i;

	m = hvt_cover_modules(d->cover, &n);
	fprintf(d->out,
		"DRCOV VERSION: 2\nDRCOV FLAVOR: drcov\nModule Table: version 2, count %zu\n"
		"Columns: id, base, end, entry, checksum, timestamp, path\n",
		n);
	for (i = 0; i < n; i++) {
		fprintf(d->out,
			"%3zu, 0x%016" PRIx64 ", 0x%016" PRIx64
			", 0x0000000000000000, 0x00000000, 0x00000000, ",
			i, m[i].base, m[i].end);
		hvt_print_escaped(d->out, m[i].path, SIZE_MAX);
		fputc('\n', d->out);
	}
}

/* How many entries a block takes: sizes have 16 bits. */
static size_t entries_of(const struct hvt_cover_block *b)
{
	return (size_t)((b->size + UINT16_MAX - 1) / UINT16_MAX);
}

static void put_block(FILE *out, const struct hvt_cover_block *b)
{
	struct entry e = { .module = (uint16_t)b->module };
	uint64_t at;

	for (at = 0; at < b->size; at += e.size) {
		e.start = (uint32_t)(b->off + at);
		e.size = (uint16_t)(b->size - at < UINT16_MAX ? b->size - at : UINT16_MAX);
		fwrite(&e, sizeof(e), 1, out);
	}
}

static int end(void *export, const struct hvt_reader *r)
{
	struct drcov *d = export;
	const struct hvt_cover_block *b;
	size_t n, i, entries = 0;

	(void)r;
	if (hvt_cover_finish(d->cover))
		no_memory();
	module_table(d);
	b = hvt_cover_blocks(d->cover, &n);
	for (i = 0; i < n; i++)
		entries += entries_of(&b[i]);
	fprintf(d->out, "BB Table: %zu bbs\n", entries);
	for (i = 0; i < n; i++)
		put_block(d->out, &b[i]);
	hvt_cover_free(d->cover);
	free(d);
	return 0;
}

const struct hvt_exporter hvt_export_drcov = {
	.name = "drcov",
	.instructions = true,
	.begin = begin,
	.event = event,
	.end = end,
};
