// SPDX-License-Identifier: GPL-2.0-only
/*
 * From what was mapped to the file behind it: the process may have unmapped it or be gone,
 * the file may be deleted, replaced, or in another mount namespace. A file is used only if
 * it is the mapping's own, or has its build-id.
 *
 * Reading it may wait for a disk, not for the traced: FUSE keeps files of an unprivileged
 * user from root (Documentation/filesystems/fuse.rst, allow_other).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elf_table.h"
#include "object_file.h"

#define VDSO_MAX 65536

/* Is the entry's path the object's? The kernel marks what was deleted since. */
static bool same_path(const char *entry, const char *path)
{
	size_t len = strlen(path);

	return !strncmp(entry, path, len) && (!entry[len] || !strcmp(entry + len, " (deleted)"));
}

static bool right_build_id(const struct object *obj, int fd)
{
	uint8_t id[BUILD_ID_MAX];

	return elf_build_id(fd, id) == obj->build_id_len &&
	       !memcmp(id, obj->build_id, obj->build_id_len);
}

/* The file of a mapping that is there now. */
static int open_mapping(const struct object *obj)
{
	struct maps maps;
	int fd = maps_read(&maps, obj->pid);
	size_t i;

	if (fd)
		return fd;
	fd = -ENOENT;
	for (i = 0; i < maps.nr && fd < 0; i++) {
		if (!same_path(maps.e[i].path, obj->path))
			continue;
		fd = proc_open_mapped(obj->pid, &maps.e[i]);
		if (fd >= 0 && !right_build_id(obj, fd)) {
			close(fd);
			fd = -ENOENT;
		}
	}
	maps_free(&maps);
	return fd;
}

/* A file of that name, in the process's root or ours, which its build-id must prove. */
static int open_path(const struct object *obj)
{
	char path[4200];
	int i, fd;

	for (i = 0; i < 2 && obj->build_id_len; i++) {
		if (i)
			snprintf(path, sizeof(path), "%s", obj->path);
		else
			snprintf(path, sizeof(path), "/proc/%d/root%s", obj->pid, obj->path);
		fd = open_regular(path);
		if (fd >= 0 && right_build_id(obj, fd))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -ENOENT;
}

/*
 * The vDSO is in no file. All 64-bit processes have ours; those of 32 bits have theirs
 * below 4 GiB.
 */
static int open_vdso(const struct object *obj)
{
	const void *image = (const void *)getauxval(AT_SYSINFO_EHDR);
	int fd;

	if (!image || !(obj->addr >> 32))
		return -ENOENT;
	fd = memfd_create("vdso", MFD_CLOEXEC);
	/* How many pages it has is not told: write(2) stops where they end. */
	if (fd >= 0 && write(fd, image, VDSO_MAX) <= 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

static int open_object(const struct object *obj)
{
	int fd;

	if (!strcmp(obj->path, "[vdso]"))
		return open_vdso(obj);
	fd = open_mapping(obj);
	return fd >= 0 ? fd : open_path(obj);
}

static void read_file(const struct object *obj, struct elf_table *t)
{
	int fd = open_object(obj), debug;

	if (fd < 0) {
		t->flags = HVT_OBJECT_UNREADABLE;
		return;
	}
	elf_table_segments(t, fd);
	if (t->nr_segs)
		elf_table_symbols(t, fd);
	if (t->flags & HVT_OBJECT_STRIPPED) {
		debug = elf_open_debug(fd, obj->pid);
		if (debug >= 0) {
			elf_table_symbols(t, debug);
			t->flags |= HVT_OBJECT_DEBUG;
			close(debug);
		}
	}
	elf_table_sort(t);
	close(fd);
}

void object_write(struct log_writer *log, const struct object *obj)
{
	struct hvt_log_object head = { .id = obj->id,
				       .build_id_len = (uint32_t)obj->build_id_len,
				       .path_len = (uint32_t)strlen(obj->path) };
	struct hvt_section section = { .type = HVT_SEC_OBJECT, .count = 1 };
	struct hvt_log_symtab symtab = { .object = obj->id };
	struct buf table = { 0 }, names = { 0 };
	struct elf_table t = { 0 };

	read_file(obj, &t);
	head.flags = t.flags;
	head.nr_segs = (uint32_t)t.nr_segs;
	log_section(log, &section,
		    (struct log_part[]){ { &head, sizeof(head) },
					 { t.segs, t.nr_segs * sizeof(*t.segs) },
					 { obj->build_id, obj->build_id_len },
					 { obj->path, head.path_len } },
		    4);
	if (t.nr_syms) {
		elf_table_encode(&t, &table, &names);
		symtab.nr = (uint32_t)t.nr_syms;
		symtab.table_len = (uint32_t)table.len;
		symtab.names_len = (uint32_t)names.len;
		section.type = HVT_SEC_SYMTAB;
		log_section(log, &section,
			    (struct log_part[]){ { &symtab, sizeof(symtab) },
						 { table.p, table.len },
						 { names.p, names.len } },
			    3);
	}
	buf_free(&table);
	buf_free(&names);
	elf_table_free(&t);
}
