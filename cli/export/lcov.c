/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coverage by lines of source, as the tracefile of lcov's geninfo(1): for each file that
 * debug information names all its functions and lines with code, and how often each was
 * executed. Debug information is that of the files on this machine which are the log's.
 */
#include "export.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/cover.h"
#include "analyse/hits.h"
#include "cli.h"
#include "lib/debug_info.h"
#include "lib/internal.h"

/* A line, or with a name a copy of a function that is declared there. */
struct fact {
	const char *file, *name;
	int line;
	bool ran;      /* of a function: some of the copy was executed */
	size_t module; /* of a function: where it is */
	uint64_t entry;
	uint64_t count; /* of a copy that is called: how often it was entered */
};

struct lcov {
	FILE *out;
	struct hvt_cover *cover;
	struct fact *facts;
	size_t n, cap;
	struct hvt_debug **open; /* whose strings the facts have */
	size_t nr_open, cap_open;
	const struct hvt_hits *hits; /* of the module that is looked at */
	bool no_memory;
};

static void *begin(FILE *out, int dir)
{
	struct lcov *x = calloc(1, sizeof(*x));

	(void)dir;
	if (!hvt_debug_available())
		hvt_die(HVT_UNSUPPORTED, "export: lcov: this hvtrace was built without libdw; "
					 "try: a build where libdw-dev is");
	if (!x)
		return NULL;
	x->out = out;
	x->cover = hvt_cover_new();
	if (!x->cover) {
		free(x);
		return NULL;
	}
	return x;
}

static void no_memory(void)
{
	hvt_die(HVT_ERROR, "export: no memory for the lines; try: a shorter trace");
}

static void event(void *export, struct hvt_reader *r, const struct hvt_event *ev)
{
	struct lcov *x = export;

	if (hvt_cover_add(x->cover, r, ev))
		no_memory();
}

static bool add_fact(struct lcov *x, const struct fact *f)
{
	if (hvt_grow((void **)&x->facts, &x->cap, x->n, sizeof(*f))) {
		x->no_memory = true;
		return false;
	}
	x->facts[x->n++] = *f;
	return true;
}

static bool add_line(uint64_t vaddr, uint64_t end, const char *file, int line, void *arg)
{
	struct lcov *x = arg;
	const struct fact f = { .file = file,
				.line = line,
				.count = hvt_hits_max(x->hits, vaddr, end) };

	return add_fact(x, &f);
}

static bool add_copy(const struct hvt_debug_copy *copy, void *arg)
{
	struct lcov *x = arg;
	struct fact f = { .file = copy->file,
			  .name = copy->name,
			  .line = copy->line,
			  .module = x->nr_open,
			  .entry = copy->entry };
	size_t i;

	if (!copy->inlined)
		f.count = hvt_hits_max(x->hits, copy->entry, copy->entry + 1);
	for (i = 0; i < copy->nr_ranges && !f.ran; i++)
		f.ran = hvt_hits_max(x->hits, copy->ranges[i].begin, copy->ranges[i].end) > 0;
	return add_fact(x, &f);
}

static void add_module(struct lcov *x, const struct hvt_cover_module *m,
		       const struct hvt_cover_block *blocks, size_t n)
{
	struct hvt_hits hits = { 0 };
	struct hvt_debug *d;

	d = m->kernel ? NULL : hvt_debug_open(m->path, m->build_id, m->build_id_len);
	if (!d)
		return;
	if (hvt_grow((void **)&x->open, &x->cap_open, x->nr_open, sizeof(struct hvt_debug *)) ||
	    hvt_hits_make(&hits, m, blocks, n))
		no_memory();
	x->open[x->nr_open++] = d;
	x->hits = &hits;
	if (hvt_debug_each_function(d, add_copy, x))
		no_memory();
	hvt_debug_each_line(d, add_line, x);
	hvt_hits_free(&hits);
	if (x->no_memory)
		no_memory();
}

/* By file; functions first, by line and name. */
static int by_place(const struct fact *x, const struct fact *y)
{
	int rc = strcmp(x->file, y->file);

	if (rc)
		return rc;
	if (!x->name != !y->name)
		return x->name ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->name ? strcmp(x->name, y->name) : 0;
}

static int by_place_and_entry(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;
	int rc = by_place(x, y);

	if (rc)
		return rc;
	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/*
 * A line has code in several places: what was executed most often is how often it was. A
 * function is entered through each of its copies; units share those that linkers merge.
 */
static size_t merge(struct fact *v, size_t n)
{
	struct fact *last, before;
	size_t i, out = 0;

	for (i = 0; i < n; before = v[i++]) {
		last = out ? &v[out - 1] : NULL;
		if (!last || by_place(last, &v[i])) {
			v[out++] = v[i];
			continue;
		}
		if (v[i].name && by_place_and_entry(&before, &v[i]))
			last->count += v[i].count;
		else if (v[i].count > last->count)
			last->count = v[i].count;
		last->ran |= v[i].ran;
	}
	return out;
}

/* What was not called, but executed: inlined, or the trace began inside of it. */
static uint64_t executed(const struct fact *f)
{
	return f->count ? f->count : f->ran;
}

/*
 * The lines: those with code, and with a function's count the one that it is declared in, where
 * lcov wants it to be. v[0 .. functions) are the functions.
 */
static void put_lines(FILE *out, const struct fact *v, size_t functions, size_t n)
{
	size_t f = 0, l = functions, found = 0, hit = 0;
	uint64_t count;
	int line;

	while (f < functions || l < n) {
		line = l == n || (f < functions && v[f].line < v[l].line) ? v[f].line : v[l].line;
		for (count = 0; f < functions && v[f].line == line; f++)
			if (executed(&v[f]) > count)
				count = executed(&v[f]);
		for (; l < n && v[l].line == line; l++)
			if (v[l].count > count)
				count = v[l].count;
		fprintf(out, "DA:%d,%" PRIu64 "\n", line, count);
		found++;
		hit += count ? 1 : 0;
	}
	fprintf(out, "LF:%zu\nLH:%zu\n", found, hit);
}

/* v[0 .. n): the lines and functions of one file. */
static void put_file(FILE *out, const struct fact *v, size_t n)
{
	size_t functions = 0, i, hit = 0;

	fputs("TN:\nSF:", out);
	hvt_print_escaped(out, v->file, SIZE_MAX);
	fputc('\n', out);
	while (functions < n && v[functions].name)
		functions++;
	for (i = 0; i < functions; i++) {
		fprintf(out, "FN:%d,", v[i].line);
		hvt_print_escaped(out, v[i].name, SIZE_MAX);
		fputc('\n', out);
	}
	for (i = 0; i < functions; i++) {
		hit += executed(&v[i]) ? 1 : 0;
		fprintf(out, "FNDA:%" PRIu64 ",", executed(&v[i]));
		hvt_print_escaped(out, v[i].name, SIZE_MAX);
		fputc('\n', out);
	}
	fprintf(out, "FNF:%zu\nFNH:%zu\n", functions, hit);
	put_lines(out, v, functions, n);
	fputs("end_of_record\n", out);
}

static void put_files(struct lcov *x)
{
	size_t first, next;

	if (x->n)
		qsort(x->facts, x->n, sizeof(*x->facts), by_place_and_entry);
	x->n = merge(x->facts, x->n);
	for (first = 0; first < x->n; first = next) {
		for (next = first; next < x->n; next++)
			if (strcmp(x->facts[next].file, x->facts[first].file) != 0)
				break;
		put_file(x->out, x->facts + first, next - first);
	}
}

static int end(void *export, const struct hvt_reader *r)
{
	struct lcov *x = export;
	const struct hvt_cover_module *m;
	const struct hvt_cover_block *b;
	size_t nr_modules, nr_blocks, i, first = 0, next;

	if (hvt_cover_finish(x->cover))
		no_memory();
	m = hvt_cover_modules(x->cover, &nr_modules);
	b = hvt_cover_blocks(x->cover, &nr_blocks);
	for (i = 0; i < nr_modules; i++, first = next) {
		for (next = first; next < nr_blocks && b[next].module == i; next++)
			;
		add_module(x, &m[i], b + first, next - first);
	}
	if (!x->nr_open && hvt_reader_state(r) == HVT_LOG_COMPLETE)
		hvt_die(HVT_ERROR, "export: lcov: no file of the trace has debug information here; "
				   "try: where the files are, or their debug packages");
	put_files(x);
	for (i = 0; i < x->nr_open; i++)
		hvt_debug_close(x->open[i]);
	hvt_cover_free(x->cover);
	free(x->open);
	free(x->facts);
	free(x);
	return 0;
}

const struct hvt_exporter hvt_export_lcov = {
	.name = "lcov",
	.instructions = true,
	.begin = begin,
	.event = event,
	.end = end,
};
