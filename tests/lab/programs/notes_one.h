/* SPDX-License-Identifier: GPL-2.0-only */
/* notes_one.h: the notes of a program with one thread that counts. */
#ifndef NOTES_ONE_H
#define NOTES_ONE_H

#include "notes.h"

#define NOTES (1 << 20)

static struct note notes[NOTES];
static uint32_t nnotes;

static inline void note_at(const void *p, uint8_t size, uint8_t access, uint8_t known, uint64_t old,
			   uint64_t new)
{
	if (nnotes == NOTES)
		abort();
	notes[nnotes++] = (struct note){ (uint32_t)(uintptr_t)p, size, access, known, 0, old, new };
}

static inline int save(const char *file)
{
	FILE *f = fopen(file, "w");
	uint32_t one = 1;

	return !f || fwrite(&one, sizeof(one), 1, f) != 1 ||
	       save_notes(f, (uint32_t)gettid(), notes, nnotes) || fclose(f);
}

#endif
