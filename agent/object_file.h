/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From what was mapped to the file behind it, for as long as anything leads there, and
 * its OBJECT and SYMTAB sections.
 */
#ifndef AGENT_OBJECT_FILE_H
#define AGENT_OBJECT_FILE_H

#include "objects.h"

/* Writes both sections of the object. */
void object_write(struct log_writer *log, const struct object *obj);

#endif
