/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The process model: whose memory looked how, and when. A process has a list of images
 * (one per execve or fork, in time order); an image has the mappings that were seen in
 * it. Nothing is ever edited away, so a question about the past is answered with the
 * past: the youngest mapping at that time that holds the address wins.
 *
 * A forked image points to its parent's image and time instead of copying it.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS	  1024u
#define FORKS_MAX 64 /* how far a lookup follows forks of forks */
#define CACHE	  1024u

struct image {
	uint64_t ns;		/* valid from */
	struct image *parent;	/* forked from it at ns, or NULL */
	struct hvt_mapping **v; /* in ns order; each is its own allocation */
	size_t n, cap;
};

struct proc {
	struct proc *next;
	uint32_t pid;
	bool exited;
	struct image **v; /* in ns order */
	size_t n, cap;
};

/*
 * A lookup's answer, good for any time from `from` on as long as nothing was added: only
 * answers that no later fact contradicts are kept. "Nothing" is one, too.
 */
struct cached {
	const struct hvt_mapping *map;
	uint64_t page, from;
	size_t changes; /* 0: unused */
	uint32_t pid;
	bool below;
};

struct hvt_tasks {
	struct proc *procs[BUCKETS];
	struct hvt_objects *objects;
	size_t changes;
	struct cached cache[CACHE];
};

struct hvt_tasks *hvt_tasks_new(struct hvt_objects *objects)
{
	struct hvt_tasks *t = calloc(1, sizeof(*t));

	if (t)
		t->objects = objects;
	return t;
}

static struct proc *find_proc(struct hvt_tasks *t, uint32_t pid)
{
	struct proc *p = t->procs[pid % BUCKETS];

	while (p && p->pid != pid)
		p = p->next;
	return p;
}

static struct proc *get_proc(struct hvt_tasks *t, uint32_t pid)
{
	struct proc *p = find_proc(t, pid);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->pid = pid;
	p->next = t->procs[pid % BUCKETS];
	t->procs[pid % BUCKETS] = p;
	return p;
}

/* The image in force at ns; the first one when ns is before all. */
static struct image *image_at(struct proc *p, uint64_t ns)
{
	size_t i = p->n;

	while (i > 1 && p->v[i - 1]->ns > ns)
		i--;
	return i ? p->v[i - 1] : NULL;
}

static struct image *new_image(struct proc *p, uint64_t ns, struct image *parent)
{
	struct image *im;
	size_t i;

	if (hvt_grow((void **)&p->v, &p->cap, p->n, sizeof(*p->v)))
		return NULL;
	im = calloc(1, sizeof(*im));
	if (!im)
		return NULL;
	im->ns = ns;
	im->parent = parent;
	for (i = p->n; i && p->v[i - 1]->ns > ns; i--)
		p->v[i] = p->v[i - 1];
	p->v[i] = im;
	p->n++;
	p->exited = false;
	return im;
}

int hvt_tasks_add_task(struct hvt_tasks *t, const uint8_t *payload, size_t len)
{
	struct hvt_log_task h;
	struct image *from;
	struct proc *p, *parent;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, payload, sizeof(h));
	if (h.comm_len > len - sizeof(h))
		return -EBADMSG;
	t->changes++;
	p = get_proc(t, h.pid);
	if (!p)
		return -ENOMEM;
	switch (h.what) {
	case HVT_TASK_FORK:
		if (h.pid == h.ppid)
			return 0; /* a thread: same memory */
		parent = find_proc(t, h.ppid);
		from = parent ? image_at(parent, h.ns) : NULL;
		return new_image(p, h.ns, from) ? 0 : -ENOMEM;
	case HVT_TASK_EXEC:
		return new_image(p, h.ns, NULL) ? 0 : -ENOMEM;
	case HVT_TASK_SEEN:
		if (p->n && !p->exited)
			return 0;
		return new_image(p, h.ns, NULL) ? 0 : -ENOMEM;
	case HVT_TASK_EXIT:
		/* one thread of several ends without ending the memory */
		if (h.pid == h.tid)
			p->exited = true;
		return 0;
	default:
		return 0;
	}
}

int hvt_tasks_add_map(struct hvt_tasks *t, const uint8_t *payload, size_t len)
{
	const uint8_t *id, *path;
	struct hvt_mapping *map;
	struct hvt_log_map h;
	struct image *im;
	struct proc *p;
	size_t i;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, payload, sizeof(h));
	len -= sizeof(h);
	id = payload + sizeof(h);
	if (h.build_id_len > 64 || h.build_id_len > len || h.path_len > len - h.build_id_len ||
	    h.start >= h.end)
		return -EBADMSG;
	path = id + h.build_id_len;
	t->changes++;
	p = get_proc(t, h.pid);
	if (!p)
		return -ENOMEM;
	im = image_at(p, h.ns);
	if (!im)
		im = new_image(p, h.ns, NULL);
	if (!im || hvt_grow((void **)&im->v, &im->cap, im->n, sizeof(*im->v)))
		return -ENOMEM;
	map = calloc(1, sizeof(*map));
	if (!map)
		return -ENOMEM;
	map->ns = h.ns;
	map->start = h.start;
	map->end = h.end;
	map->offset = h.offset;
	map->prot = h.prot;
	if (h.path_len) {
		map->obj = hvt_objects_get(t->objects, (const char *)path,
					   strnlen((const char *)path, h.path_len), id,
					   h.build_id_len);
		if (!map->obj) {
			free(map);
			return -ENOMEM;
		}
	}
	for (i = im->n; i && im->v[i - 1]->ns > h.ns; i--)
		im->v[i] = im->v[i - 1];
	im->v[i] = map;
	im->n++;
	return 0;
}

/* The youngest mapping in im at ns that holds addr; else, if any, the oldest later one. */
static const struct hvt_mapping *holds(const struct image *im, uint64_t ns, uint64_t addr,
				       bool later)
{
	const struct hvt_mapping *found = NULL, *m;
	size_t i;

	for (i = im->n; i; i--) {
		m = im->v[i - 1];
		if (addr < m->start || addr >= m->end)
			continue;
		if (m->ns <= ns)
			return m;
		/* "mapped at this time or before": the log names it when it is first met */
		if (later)
			found = m;
	}
	return found;
}

/* The file mapping with the highest start at or below addr. */
static const struct hvt_mapping *under(const struct image *im, uint64_t addr)
{
	const struct hvt_mapping *found = NULL, *m;
	size_t i;

	for (i = im->n; i; i--) {
		m = im->v[i - 1];
		if (m->obj && m->obj->path[0] == '/' && m->start <= addr &&
		    (!found || m->start > found->start))
			found = m;
	}
	return found;
}

static const struct hvt_mapping *search(struct image *im, uint64_t ns, uint64_t addr, bool below)
{
	const struct hvt_mapping *found = NULL;
	int depth;

	for (depth = 0; im && !found && depth < FORKS_MAX; depth++) {
		found = below ? under(im, addr) : holds(im, ns, addr, depth == 0);
		if (im->ns < ns)
			ns = im->ns; /* what the parent mapped after the fork is not ours */
		im = im->parent;
	}
	return found;
}

const struct hvt_mapping *hvt_tasks_find(struct hvt_tasks *t, uint32_t pid, uint64_t ns,
					 uint64_t addr, bool below, bool *lasting)
{
	const struct hvt_mapping *map;
	uint64_t page = addr / HVT_PAGE;
	struct cached *c;
	struct image *im;
	struct proc *p;

	c = &t->cache[(page ^ pid * 31u ^ (below ? 512u : 0)) % CACHE];
	*lasting = true;
	if (c->changes && c->page == page && c->pid == pid && c->below == below &&
	    c->changes == t->changes && ns >= c->from)
		return c->map;
	p = find_proc(t, pid);
	im = p ? image_at(p, ns) : NULL;
	if (!im)
		return NULL;
	map = search(im, ns, addr, below);
	*lasting = im == p->v[p->n - 1] && map == search(im, UINT64_MAX, addr, below);
	if (*lasting) {
		c->map = map;
		c->page = page;
		c->from = ns;
		c->changes = t->changes;
		c->pid = pid;
		c->below = below;
	}
	return map;
}

void hvt_tasks_free(struct hvt_tasks *t)
{
	struct proc *p, *p_next;
	size_t b, i, j;

	if (!t)
		return;
	for (b = 0; b < BUCKETS; b++) {
		for (p = t->procs[b]; p; p = p_next) {
			p_next = p->next;
			for (i = 0; i < p->n; i++) {
				for (j = 0; j < p->v[i]->n; j++)
					free(p->v[i]->v[j]);
				free(p->v[i]->v);
				free(p->v[i]);
			}
			free(p->v);
			free(p);
		}
	}
	free(t);
}
