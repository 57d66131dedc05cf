/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Lines of pages in memory and aside: see verify_bytes.h. */
#include "verify_bytes.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES 64u /* of a page */

size_t hvt_vstore_limit = 64u << 20;

void hvt_vstore_init(struct hvt_vstore *s)
{
	memset(s, 0, sizeof(*s));
	TAILQ_INIT(&s->used);
	s->limit = hvt_vstore_limit;
	s->fd = -1;
}

void hvt_vstore_close(struct hvt_vstore *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static uint32_t count(const struct hvt_vbytes *b)
{
	return (uint32_t)__builtin_popcountll(b->present);
}

static off_t place_of(const struct hvt_vbytes *b)
{
	return (off_t)((b->place - 1) * LINES * sizeof(*b->v));
}

static int nameless_file(const char *dir)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/hvtrace-XXXXXX", dir), fd;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* Is there a file to put lines into? Where it is on a disk, first. */
static bool have_file(struct hvt_vstore *s)
{
	const char *dir = getenv("TMPDIR");

	if (s->fd < 0 && dir && *dir)
		s->fd = nameless_file(dir);
	if (s->fd < 0)
		s->fd = nameless_file("/var/tmp");
	if (s->fd < 0)
		s->fd = nameless_file("/tmp");
	return s->fd >= 0;
}

static void forget(struct hvt_vstore *s, struct hvt_vbytes *b)
{
	if (!b->v)
		return;
	TAILQ_REMOVE(&s->used, b, order);
	s->bytes -= b->cap * sizeof(*b->v);
	free(b->v);
	b->v = NULL;
	b->cap = 0;
}

static bool put_aside(struct hvt_vstore *s, struct hvt_vbytes *b)
{
	ssize_t len = (ssize_t)(count(b) * sizeof(*b->v));

	if (!b->place)
		b->place = ++s->places;
	if (pwrite(s->fd, b->v, (size_t)len, place_of(b)) != len)
		return false;
	forget(s, b);
	b->aside = true;
	return true;
}

/* v[] with room for n lines, which it may not have yet. */
static bool make_room(struct hvt_vstore *s, struct hvt_vbytes *b, uint32_t n)
{
	uint32_t cap = b->cap ? b->cap : 1;
	struct hvt_vline *v;

	if (n <= b->cap)
		return true;
	while (cap < n)
		cap *= 2;
	v = realloc(b->v, cap * sizeof(*v));
	if (!v)
		return false;
	if (!b->v)
		TAILQ_INSERT_HEAD(&s->used, b, order);
	s->bytes += (cap - b->cap) * sizeof(*v);
	b->v = v;
	b->cap = cap;
	return true;
}

int hvt_vbytes_use(struct hvt_vstore *s, struct hvt_vbytes *b)
{
	struct hvt_vbytes *last;
	ssize_t len;

	if (b->aside) {
		len = (ssize_t)(count(b) * sizeof(*b->v));
		if (!make_room(s, b, count(b)) ||
		    pread(s->fd, b->v, (size_t)len, place_of(b)) != len)
			return -1;
		b->aside = false;
	} else if (b->v && b != TAILQ_FIRST(&s->used)) {
		TAILQ_REMOVE(&s->used, b, order);
		TAILQ_INSERT_HEAD(&s->used, b, order);
	}
	while (s->bytes > s->limit) {
		last = TAILQ_LAST(&s->used, hvt_vused);
		if (last == b)
			break;
		/* without a place for them they stay */
		if (!have_file(s) || !put_aside(s, last))
			s->limit = SIZE_MAX;
	}
	return 0;
}

void hvt_vbytes_drop(struct hvt_vstore *s, struct hvt_vbytes *b)
{
	forget(s, b);
	b->present = 0;
	b->aside = false;
}

/* How many lines are before line i. */
static uint32_t before(const struct hvt_vbytes *b, uint32_t i)
{
	return (uint32_t)__builtin_popcountll(b->present & ((1ull << i) - 1));
}

/* Line i, NULL when it was not added yet. */
static struct hvt_vline *line_of(const struct hvt_vbytes *b, uint32_t i)
{
	return b->present >> i & 1 ? &b->v[before(b, i)] : NULL;
}

/* Line i, added if need be. NULL: no memory. */
static struct hvt_vline *add_line(struct hvt_vstore *s, struct hvt_vbytes *b, uint32_t i)
{
	struct hvt_vline *line = line_of(b, i);
	uint32_t n = count(b), at;

	if (line)
		return line;
	if (!make_room(s, b, n + 1))
		return NULL;
	at = before(b, i);
	line = &b->v[at];
	memmove(line + 1, line, (n - at) * sizeof(*line));
	memset(line, 0, sizeof(*line));
	b->present |= 1ull << i;
	return line;
}

void hvt_vbytes_make_stale(struct hvt_vbytes *b)
{
	uint32_t i;

	for (i = 0; i < count(b); i++) {
		b->v[i].stale |= b->v[i].known;
		b->v[i].known = 0;
	}
}

/* Bits [off, off + n) of a line's map. */
static uint64_t bits(uint32_t off, uint32_t n)
{
	return (n < HVT_VLINE ? (1ull << n) - 1 : ~0ull) << off;
}

static uint64_t covered(const uint64_t *map, uint32_t off)
{
	return map ? map[off / HVT_VLINE] : ~0ull;
}

/* How many of n bytes from off on are in off's line. */
static uint32_t in_line(uint32_t off, uint32_t n)
{
	uint32_t left = HVT_VLINE - off % HVT_VLINE;

	return n < left ? n : left;
}

/* Those of the bytes in `which` that are not as they are known, as bits. */
static uint64_t differing(const struct hvt_vline *line, uint64_t which, uint32_t off,
			  const uint8_t *bytes)
{
	uint64_t left, bad = 0;
	uint32_t i;

	for (left = which; left; left &= left - 1) {
		i = (uint32_t)__builtin_ctzll(left);
		if (line->value[i] != bytes[i - off])
			bad |= 1ull << i;
	}
	return bad;
}

uint32_t hvt_vbytes_check(struct hvt_vbytes *b, const uint64_t *map, uint32_t off,
			  const uint8_t *bytes, uint32_t n, uint8_t *known,
			  struct hvt_verdict *verdict)
{
	uint32_t done, k, at, first = n;
	uint64_t asked, bad, which;
	struct hvt_vline *line;

	for (done = 0; done < n; done += k, off += k) {
		k = in_line(off, n - done);
		at = off % HVT_VLINE;
		line = line_of(b, off / HVT_VLINE);
		if (!line)
			continue;
		asked = bits(at, k) & covered(map, off);
		which = asked & line->known;
		bad = differing(line, which, at, bytes + done);
		verdict->links += (uint32_t)__builtin_popcountll(which & ~bad);
		verdict->differ += (uint32_t)__builtin_popcountll(bad);
		if (bad && first == n) {
			first = done + (uint32_t)__builtin_ctzll(bad) - at;
			*known = line->value[__builtin_ctzll(bad)];
		}
		which = asked & ~line->known & line->stale;
		verdict->voided += (uint32_t)__builtin_popcountll(which);
		line->stale &= ~which;
	}
	return first;
}

int hvt_vbytes_set(struct hvt_vstore *s, struct hvt_vbytes *b, const uint64_t *map, uint32_t off,
		   const uint8_t *bytes, uint32_t n)
{
	struct hvt_vline *line;
	uint64_t left, which;
	uint32_t done, k, at;

	for (done = 0; done < n; done += k, off += k) {
		k = in_line(off, n - done);
		at = off % HVT_VLINE;
		which = bits(at, k) & covered(map, off);
		if (!which)
			continue;
		line = add_line(s, b, off / HVT_VLINE);
		if (!line)
			return -1;
		for (left = which; left; left &= left - 1)
			line->value[__builtin_ctzll(left)] =
				bytes[done + (uint32_t)__builtin_ctzll(left) - at];
		line->known |= which;
		line->stale &= ~which;
	}
	return 0;
}

void hvt_vbytes_forget(struct hvt_vbytes *b, uint32_t off, uint32_t n)
{
	struct hvt_vline *line;
	uint64_t which;
	uint32_t k;

	for (; n; n -= k, off += k) {
		k = in_line(off, n);
		line = line_of(b, off / HVT_VLINE);
		which = line ? bits(off % HVT_VLINE, k) & line->known : 0;
		if (!which)
			continue;
		line->known &= ~which;
		line->stale |= which;
	}
}
