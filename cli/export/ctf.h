/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the CTF exporter: events (ctf.c), packets and the metadata file. */
#ifndef HVT_EXPORT_CTF_H
#define HVT_EXPORT_CTF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <hvtrace/hvtrace.h>

enum ctf_event_id { CTF_ACCESS = 0, CTF_LOST, CTF_REMAP, CTF_MARK };

/* The tags of enum value_kind in the metadata. */
enum ctf_value_kind { CTF_UNKNOWN = 0, CTF_NUMBER, CTF_BYTES };

/* ---- ctf_stream.c: one file for each CPU, a sequence of packets ---- */

struct ctf_stream {
	FILE *file;
	uint32_t cpu;
	uint64_t packet;	     /* where the open packet begins; CTF_NO_PACKET: none is open */
	uint64_t begin, last;	     /* times of its events */
	uint64_t packets, discarded; /* so far */
};

#define CTF_NO_PACKET UINT64_MAX
#define CTF_UUID_SIZE 16

/* 0 or errno. */
int ctf_stream_open(struct ctf_stream *s, int dir, uint32_t cpu);
/* The header of an event; its fields are to be written behind it to s->file. */
void ctf_stream_event(struct ctf_stream *s, uint64_t ns, enum ctf_event_id id,
		      const uint8_t uuid[CTF_UUID_SIZE]);
/* From here on `count` more events are known to be lost. */
void ctf_stream_discard(struct ctf_stream *s, uint64_t count);
/* 0 or errno of anything that went wrong. */
int ctf_stream_close(struct ctf_stream *s);

/* ---- ctf_metadata.c ---- */

/* The trace's identity: the same for the same log, others for others. */
void ctf_uuid(const struct hvt_reader *r, uint8_t uuid[CTF_UUID_SIZE]);
/* 0 or errno. */
int ctf_metadata(int dir, const struct hvt_reader *r, const uint8_t uuid[CTF_UUID_SIZE]);

#endif
