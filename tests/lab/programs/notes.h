/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notes.h: what a program notes about its own accesses to watched memory, for the judges
 * outside (tests/lab/smp/judge.py) to compare with the events.
 */
#ifndef NOTES_H
#define NOTES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { R = 1, W = 2, X = 4 };	/* access */
enum { OLD = 1, NEW = 2 };	/* known: values that the program itself has seen */

/* One access. Of values longer than 8 bytes the first 8 are noted. */
struct note {
	uint32_t addr;
	uint8_t size, access, known, moved; /* moved: the other half of a MOVS follows */
	uint64_t old, new;
};

/* A file of notes: the number of threads; of each its tid, how many, and they. */
static inline int save_notes(FILE *f, uint32_t tid, const struct note *note, uint32_t count)
{
	return fwrite(&tid, sizeof(tid), 1, f) != 1 || fwrite(&count, sizeof(count), 1, f) != 1 ||
	       fwrite(note, sizeof(*note), count, f) != count;
}

#endif
