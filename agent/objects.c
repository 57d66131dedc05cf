// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which mapped files events touched. An event is from a little while ago, and there is no
 * news of munmap: all that was ever seen mapped at its address counts as touched. A file
 * too many costs some bytes of the log, one too few its names.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "object_file.h"

#define NO_OBJECT  SIZE_MAX
#define BUCKETS	   1024u
#define RANGES_MAX 8192u /* of one process; then the older half is forgotten */
#define DEAD_MAX   256u	 /* exited processes whose last events may be in a ring */

struct range {
	uint64_t start, end;
	size_t obj; /* NO_OBJECT: [heap] and the like */
};

/* What one process has mapped, the youngest last. */
struct object_space {
	struct object_space *next, *next_dead;
	uint32_t pid;
	bool dead, queued; /* exited; among the dead, although its number may live again */
	struct range *v;
	size_t nr, cap;
};

static size_t find_object(struct objects *o, const char *path, const uint8_t *id, size_t id_len)
{
	uint32_t h = 5381;
	const char *c;
	size_t i;

	if (!o->buckets) {
		o->buckets = xrealloc(NULL, BUCKETS * sizeof(*o->buckets));
		for (i = 0; i < BUCKETS; i++)
			o->buckets[i] = NO_OBJECT;
	}
	for (c = path; *c; c++)
		h = h * 33 + (unsigned char)*c;
	h %= BUCKETS;
	for (i = o->buckets[h]; i != NO_OBJECT; i = o->v[i].next) {
		if (o->v[i].build_id_len == id_len && !strcmp(o->v[i].path, path) &&
		    (!id_len || !memcmp(o->v[i].build_id, id, id_len)))
			return i;
	}
	if (o->nr == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 64;
		o->v = xrealloc(o->v, o->cap * sizeof(*o->v));
	}
	memset(&o->v[o->nr], 0, sizeof(*o->v));
	o->v[o->nr].path = xstrndup(path, strlen(path));
	if (id_len)
		memcpy(o->v[o->nr].build_id, id, id_len);
	o->v[o->nr].build_id_len = id_len;
	o->v[o->nr].next = o->buckets[h];
	o->buckets[h] = o->nr;
	return o->nr++;
}

static struct object_space *find_space(struct objects *o, uint32_t pid)
{
	struct object_space *s = o->spaces ? o->spaces[pid % BUCKETS] : NULL;

	while (s && s->pid != pid)
		s = s->next;
	return s;
}

static struct object_space *live_space(struct objects *o, uint32_t pid)
{
	struct object_space *s = find_space(o, pid);

	if (s) {
		s->dead = false;
		return s;
	}
	if (!o->spaces) {
		o->spaces = xrealloc(NULL, BUCKETS * sizeof(struct object_space *));
		memset(o->spaces, 0, BUCKETS * sizeof(struct object_space *));
		o->dead_end = &o->dead;
	}
	s = xrealloc(NULL, sizeof(*s));
	memset(s, 0, sizeof(*s));
	s->pid = pid;
	s->next = o->spaces[pid % BUCKETS];
	o->spaces[pid % BUCKETS] = s;
	return s;
}

static void add_range(struct object_space *s, uint64_t start, uint64_t end, size_t obj)
{
	size_t i;

	/* The segments of a file are neighbours; mapped again, it is where it was. */
	for (i = s->nr; i; i--) {
		struct range *r = &s->v[i - 1];

		if (r->obj != obj || start > r->end || end < r->start)
			continue;
		r->start = start < r->start ? start : r->start;
		r->end = end > r->end ? end : r->end;
		return;
	}
	if (s->nr == RANGES_MAX) {
		s->nr /= 2;
		memmove(s->v, s->v + s->nr, s->nr * sizeof(*s->v));
	}
	if (s->nr == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->nr++] = (struct range){ start, end, obj };
}

static void touch(struct objects *o, size_t i, uint32_t pid, uint64_t addr)
{
	struct object *obj = &o->v[i];

	if (obj->id)
		return;
	obj->touched = true;
	obj->pid = (int32_t)pid;
	obj->addr = addr;
	if (!obj->code)
		return;
	o->queue = xrealloc(o->queue, (o->nr_touched + 1) * sizeof(*o->queue));
	o->queue[o->nr_touched++] = i;
	obj->id = (uint32_t)o->nr_touched;
}

void objects_map(struct objects *o, const struct hvt_log_map *map, const uint8_t *id, size_t id_len,
		 const char *path)
{
	size_t i = NO_OBJECT;

	if (path[0] == '/' || !strcmp(path, "[vdso]"))
		i = find_object(o, path, id, id_len);
	o->change++;
	add_range(live_space(o, map->pid), map->start, map->end, i);
	/*
	 * Only what somebody has mapped as code has symbols. Data is left alone: to read it
	 * would be an access to what may be watched.
	 */
	if (i == NO_OBJECT || !(map->prot & PROT_EXEC) || o->v[i].code)
		return;
	o->v[i].code = true;
	if (o->v[i].touched)
		touch(o, i, (uint32_t)o->v[i].pid, o->v[i].addr);
}

void objects_fork(struct objects *o, uint32_t parent, uint32_t child)
{
	const struct object_space *from = find_space(o, parent);
	struct object_space *s;
	size_t i;

	if (!from || parent == child)
		return;
	o->change++;
	s = live_space(o, child);
	for (i = 0; i < from->nr; i++)
		add_range(s, from->v[i].start, from->v[i].end, from->v[i].obj);
}

static void forget(struct objects *o, struct object_space *dead)
{
	struct object_space **at = &o->spaces[dead->pid % BUCKETS];

	while (*at != dead)
		at = &(*at)->next;
	*at = dead->next;
	free(dead->v);
	free(dead);
	o->change++;
}

void objects_exit(struct objects *o, uint32_t pid)
{
	struct object_space *s = find_space(o, pid), *oldest;

	if (!s)
		return;
	s->dead = true;
	if (s->queued)
		return;
	s->queued = true;
	*o->dead_end = s;
	o->dead_end = &s->next_dead;
	if (o->nr_dead++ < DEAD_MAX)
		return;
	oldest = o->dead;
	o->dead = oldest->next_dead;
	o->nr_dead--;
	oldest->next_dead = NULL;
	oldest->queued = false;
	if (oldest->dead)
		forget(o, oldest);
}

static void look_up(struct objects *o, uint32_t pid, uint64_t addr)
{
	const struct object_space *s = find_space(o, pid);
	const struct range *below = NULL;
	bool held = false;
	size_t i;

	for (i = 0; s && i < s->nr; i++) {
		const struct range *r = &s->v[i];

		if (addr < r->start)
			continue;
		if (addr < r->end) {
			held = true;
			if (r->obj != NO_OBJECT)
				touch(o, r->obj, pid, addr);
		} else if (r->obj != NO_OBJECT && (!below || r->start > below->start)) {
			below = r;
		}
	}
	/* .bss lies in anonymous memory behind its file */
	if (!held && below)
		touch(o, below->obj, pid, addr);
}

void objects_see(struct objects *o, uint32_t pid, uint64_t addr)
{
	uint64_t page = addr >> 12;
	size_t slot = (page ^ page >> 10 ^ pid * 31u) % OBJECT_PAGES;

	if (addr >> 63 || !o->spaces)
		return;
	if (o->seen[slot].page == page && o->seen[slot].pid == pid &&
	    o->seen[slot].change == o->change)
		return;
	o->seen[slot].page = page;
	o->seen[slot].pid = pid;
	o->seen[slot].change = o->change;
	look_up(o, pid, addr);
}

bool objects_write_one(struct objects *o)
{
	if (o->written == o->nr_touched)
		return false;
	object_write(o->log, &o->v[o->queue[o->written++]]);
	return true;
}

void objects_free(struct objects *o)
{
	struct object_space *s, *next;
	size_t i;

	for (i = 0; o->spaces && i < BUCKETS; i++) {
		for (s = o->spaces[i]; s; s = next) {
			next = s->next;
			free(s->v);
			free(s);
		}
	}
	for (i = 0; i < o->nr; i++)
		free(o->v[i].path);
	free(o->v);
	free(o->queue);
	free(o->buckets);
	free(o->spaces);
	memset(o, 0, sizeof(*o));
}
