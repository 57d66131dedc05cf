/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the bytes of perf side-band records to TASK and MAP facts. No perf file, no
 * mmap: buffers in, facts out.
 */
#ifndef AGENT_PERF_PARSE_H
#define AGENT_PERF_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "facts.h"

/*
 * The trailer that sample_id_all adds for TID | TIME | CPU (perf_event_open(2)):
 * u32 pid, tid; u64 time; u32 cpu, res.
 */
#define PERF_TRAILER 24u

/*
 * Translates whole records, back to back, of all CPUs, in the order of their time.
 * Returns 0, or -EPROTO when the bytes are no records; those before are translated.
 */
int perf_translate(struct facts *f, const uint8_t *bytes, size_t len);

#endif
