/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which mapped files events touched: their OBJECT and SYMTAB sections. What was mapped
 * where, in all processes that the log knows, and what the log has already.
 */
#ifndef AGENT_OBJECTS_H
#define AGENT_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf_syms.h"
#include "log_writer.h"

struct object {
	char *path; /* as MAP has it */
	uint8_t build_id[BUILD_ID_MAX];
	size_t build_id_len;
	size_t next;  /* of the same hash; NO_OBJECT: none */
	bool code;    /* somebody has mapped it to be executed */
	bool touched; /* by an event */
	uint32_t id;  /* in the log, when it is both; 0: not yet */
	int32_t pid;  /* who was first seen to touch it, and where */
	uint64_t addr;
};

#define OBJECT_PAGES 1024u

struct objects {
	struct log_writer *log;
	struct object *v;
	size_t nr, cap;
	size_t *queue; /* touched, in order; [written, nr_touched) is still to be written */
	size_t nr_touched, written;
	size_t *buckets;
	struct object_space **spaces; /* by pid */
	struct object_space *dead, **dead_end;
	size_t nr_dead;
	/* pages that need no looking up as long as nothing is mapped */
	struct {
		uint64_t page, change;
		uint32_t pid;
	} seen[OBJECT_PAGES];
	uint64_t change;
};

/* A file or [name] has been mapped. */
void objects_map(struct objects *o, const struct hvt_log_map *map, const uint8_t *id, size_t id_len,
		 const char *path);
/* The child has what its parent has. */
void objects_fork(struct objects *o, uint32_t parent, uint32_t child);
/* No more will be mapped; events may still come. */
void objects_exit(struct objects *o, uint32_t pid);

/* An event's address in user space: what is or was mapped there is to be written. */
void objects_see(struct objects *o, uint32_t pid, uint64_t addr);

/* Writes the sections of one object that was touched. False: none is left. */
bool objects_write_one(struct objects *o);

void objects_free(struct objects *o);

#endif
