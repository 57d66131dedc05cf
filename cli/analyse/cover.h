/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which code was executed, and how often: the blocks that a trace's instructions make, by
 * the files that they are in. A block is a sequence of instructions that follow each other
 * in memory and were executed one after the other; it ends with one that may go elsewhere.
 */
#ifndef HVT_CLI_COVER_H
#define HVT_CLI_COVER_H

#include <hvtrace/hvtrace.h>

struct hvt_cover_module {
	char *path;
	uint8_t build_id[64];
	uint32_t build_id_len;
	bool kernel;
	uint64_t base, end, first; /* as of struct hvt_module_fact; of the kernel as executed */
};

struct hvt_cover_block {
	size_t module;
	uint64_t off; /* of its first byte, from the module's base */
	uint64_t size, count;
};

struct hvt_cover;

struct hvt_cover *hvt_cover_new(void);
void hvt_cover_free(struct hvt_cover *c);

/* The next event of the log, of any type. 0 or -ENOMEM. */
int hvt_cover_add(struct hvt_cover *c, struct hvt_reader *r, const struct hvt_event *ev);

/* All of them: by module and offset. Nothing may be added afterwards. 0 or -ENOMEM. */
int hvt_cover_finish(struct hvt_cover *c);
const struct hvt_cover_module *hvt_cover_modules(const struct hvt_cover *c, size_t *n);
const struct hvt_cover_block *hvt_cover_blocks(const struct hvt_cover *c, size_t *n);

#endif
