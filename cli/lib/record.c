/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Is a record what it says? Everything that other files read from a record was bounded
 * here first: after hvt_record_check() its fixed part and the parts that its flags
 * announce lie inside its slots.
 */
#include "internal.h"

#include <string.h>

static size_t check_access(const uint8_t *rec, size_t size)
{
	struct hvt_rec h;
	struct hvt_rec_wide w;
	size_t at = sizeof(struct hvt_rec_access);

	if (size < at)
		return 0;
	memcpy(&h, rec, sizeof(h));
	if (h.flags & HVT_RF_REGS)
		at += 16 * sizeof(uint64_t);
	if (h.flags & HVT_RF_RUN)
		at += sizeof(struct hvt_rec_run);
	if (h.flags & HVT_RF_WIDE) {
		if (at + sizeof(w) > size)
			return 0;
		memcpy(&w, rec + at, sizeof(w));
		at += sizeof(w) + 2 * (size_t)w.len;
	}
	return at <= size ? size : 0;
}

size_t hvt_record_check(const uint8_t *rec, size_t avail)
{
	struct hvt_rec h;
	size_t size;

	if (avail < sizeof(h))
		return 0;
	memcpy(&h, rec, sizeof(h));
	size = (size_t)h.nslots * HVT_SLOT;
	if (!size || size > avail)
		return 0;
	if (h.type == HVT_REC_ACCESS)
		return check_access(rec, size);
	/* LOST and REMAP fit one slot; unknown types are passed over by their length */
	return size;
}
