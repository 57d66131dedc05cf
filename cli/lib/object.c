/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Mapped files, each once, by path and build-id; and what the log has of them (OBJECT and
 * SYMTAB sections), so that a name needs nothing but the log.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "debug_info.h"
#include "elf_file.h"
#include "symtab.h"

#define BUCKETS 1024u

struct hvt_objects {
	struct hvt_object *by_path[BUCKETS];
	struct hvt_object **by_id; /* those that an OBJECT section described */
	size_t n, cap;
};

struct hvt_objects *hvt_objects_new(void)
{
	return calloc(1, sizeof(struct hvt_objects));
}

void hvt_objects_free(struct hvt_objects *all)
{
	struct hvt_object *o, *next;
	size_t b;

	if (!all)
		return;
	for (b = 0; b < BUCKETS; b++) {
		for (o = all->by_path[b]; o; o = next) {
			next = o->next;
			hvt_symtab_free(o->symtab);
			hvt_debug_close(o->debug);
			free(o->label);
			free(o->path);
			free(o);
		}
	}
	free(all->by_id);
	free(all);
}

struct hvt_object *hvt_objects_get(struct hvt_objects *all, const char *path, size_t path_len,
				   const uint8_t *build_id, uint32_t id_len)
{
	struct hvt_object *o;
	const char *slash;
	size_t h = 5381, i;

	for (i = 0; i < path_len; i++)
		h = h * 33 + (uint8_t)path[i];
	h %= BUCKETS;
	for (o = all->by_path[h]; o; o = o->next)
		if (strlen(o->path) == path_len && !memcmp(o->path, path, path_len) &&
		    o->build_id_len == id_len && !memcmp(o->build_id, build_id, id_len))
			return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->path = hvt_copy_string(path, path_len);
	if (!o->path) {
		free(o);
		return NULL;
	}
	slash = o->path[0] == '[' ? NULL : strrchr(o->path, '/');
	o->base = slash && slash[1] ? slash + 1 : o->path;
	memcpy(o->build_id, build_id, id_len);
	o->build_id_len = id_len;
	o->next = all->by_path[h];
	all->by_path[h] = o;
	return o;
}

/* In place of what a file on this machine said, if it was asked before. */
static int take_segments(struct hvt_object *o, const uint8_t *segs, uint32_t nr)
{
	struct hvt_symtab *t = hvt_symtab_new();
	struct hvt_log_segment s;
	int rc = t ? 0 : -ENOMEM;
	uint32_t i;

	for (i = 0; i < nr && !rc; i++) {
		memcpy(&s, segs + i * sizeof(s), sizeof(s));
		rc = hvt_symtab_add_segment(t,
					    &(struct hvt_segment){ s.offset, s.filesz, s.vaddr,
								   s.memsz, s.prot & PROT_EXEC });
	}
	if (rc) {
		hvt_symtab_free(t);
		return rc;
	}
	/* names in it may be in use */
	t->old = o->symtab;
	o->symtab = t;
	o->tried = true;
	return 0;
}

int hvt_objects_add(struct hvt_objects *all, const uint8_t *payload, size_t len)
{
	const uint8_t *segs = payload + sizeof(struct hvt_log_object), *id;
	struct hvt_log_object h;
	struct hvt_object *o;
	const char *path;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, payload, sizeof(h));
	len -= sizeof(h);
	if (h.nr_segs > len / sizeof(struct hvt_log_segment))
		return -EBADMSG;
	len -= h.nr_segs * sizeof(struct hvt_log_segment);
	if (h.build_id_len > sizeof(o->build_id) || h.build_id_len > len ||
	    h.path_len > len - h.build_id_len)
		return -EBADMSG;
	/* the agent counts them */
	if (h.id != all->n + 1)
		return -EBADMSG;
	id = segs + h.nr_segs * sizeof(struct hvt_log_segment);
	path = (const char *)id + h.build_id_len;
	o = hvt_objects_get(all, path, strnlen(path, h.path_len), id, h.build_id_len);
	if (!o || hvt_grow((void **)&all->by_id, &all->cap, all->n, sizeof(struct hvt_object *)))
		return -ENOMEM;
	all->by_id[all->n++] = o;
	/* what the log lacks may be on this machine */
	return h.flags & HVT_OBJECT_UNREADABLE ? 0 : take_segments(o, segs, h.nr_segs);
}

/* DWARF 5, 7.6. False: it does not end before the table does. */
static bool take_uleb(const uint8_t **at, const uint8_t *end, uint64_t *v)
{
	unsigned int shift;

	*v = 0;
	for (shift = 0; *at < end && shift < 64; shift += 7) {
		*v |= (uint64_t)(**at & 0x7f) << shift;
		if (!(*(*at)++ & 0x80))
			return true;
	}
	return false;
}

static int take_names(struct hvt_symtab *t, const struct hvt_log_symtab *h, const uint8_t *at)
{
	const uint8_t *end = at + h->table_len;
	const char *s = hvt_symtab_add_strings(t, end, h->names_len), *s_end;
	uint64_t value = 0, delta;
	struct hvt_name name;
	uint32_t i;

	if (!s)
		return -ENOMEM;
	s_end = s + h->names_len;
	for (i = 0; i < h->nr; i++) {
		memset(&name, 0, sizeof(name));
		if (s >= s_end || !take_uleb(&at, end, &delta) ||
		    __builtin_add_overflow(value, delta, &value) ||
		    !take_uleb(&at, end, &name.size) || at++ == end)
			return -EBADMSG;
		name.value = value;
		name.raw = s;
		if (hvt_symtab_add_name(t, &name))
			return -ENOMEM;
		s += strlen(s) + 1;
	}
	return 0;
}

int hvt_objects_add_symtab(struct hvt_objects *all, const uint8_t *payload, size_t len)
{
	struct hvt_log_symtab h;
	struct hvt_symtab *t;

	if (len < sizeof(h))
		return -EBADMSG;
	memcpy(&h, payload, sizeof(h));
	len -= sizeof(h);
	if (!h.object || h.object > all->n || h.table_len > len || h.names_len > len - h.table_len)
		return -EBADMSG;
	t = all->by_id[h.object - 1]->symtab;
	if (!t || t->nr_names)
		return -EBADMSG;
	return take_names(t, &h, payload + sizeof(h));
}

const struct hvt_symtab *hvt_object_symtab(struct hvt_object *o, bool no_elf)
{
	if (!o->tried && !no_elf && o->path[0] == '/')
		o->symtab = hvt_elf_open(o->path, o->build_id, o->build_id_len);
	o->tried = true;
	return o->symtab;
}
