/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A CTF data stream: packets one behind the other, each with its own times, size, number
 * and count of discarded events, so that a reader can seek and knows what is missing. A
 * header is written when its packet begins and again, now right, when it ends.
 */
#include "ctf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CTF_MAGIC   0xc1fc1fc1u
#define PACKET_SIZE 65536u

/* packet.header and packet.context of the metadata */
struct packet_head {
	uint32_t magic;
	uint8_t uuid[CTF_UUID_SIZE];
	uint64_t begin, end;
	uint64_t content_size, packet_size; /* bits */
	uint64_t packet_seq_num, events_discarded;
	uint32_t cpu_id;
} __attribute__((packed));

int ctf_stream_open(struct ctf_stream *s, int dir, uint32_t cpu)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "cpu_%u", cpu);
	fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return errno;
	*s = (struct ctf_stream){ .cpu = cpu, .packet = CTF_NO_PACKET };
	s->file = fdopen(fd, "w+");
	if (s->file)
		return 0;
	close(fd);
	return ENOMEM;
}

static void end_packet(struct ctf_stream *s)
{
	struct packet_head h;
	off_t end = ftello(s->file);

	if (s->packet == CTF_NO_PACKET)
		return;
	if (end < 0 || fseeko(s->file, (off_t)s->packet, SEEK_SET) ||
	    fread(&h, sizeof(h), 1, s->file) != 1)
		return;
	h.end = s->last;
	h.content_size = h.packet_size = ((uint64_t)end - s->packet) * 8;
	fseeko(s->file, (off_t)s->packet, SEEK_SET);
	fwrite(&h, sizeof(h), 1, s->file);
	fseeko(s->file, end, SEEK_SET);
	s->packet = CTF_NO_PACKET;
}

static void begin_packet(struct ctf_stream *s, uint64_t ns, const uint8_t uuid[CTF_UUID_SIZE])
{
	struct packet_head h = { .magic = CTF_MAGIC,
				 .begin = ns,
				 .packet_seq_num = s->packets++,
				 .events_discarded = s->discarded,
				 .cpu_id = s->cpu };

	memcpy(h.uuid, uuid, CTF_UUID_SIZE);
	s->packet = (uint64_t)ftello(s->file);
	fwrite(&h, sizeof(h), 1, s->file);
}

void ctf_stream_event(struct ctf_stream *s, uint64_t ns, enum ctf_event_id id,
		      const uint8_t uuid[CTF_UUID_SIZE])
{
	uint8_t type = (uint8_t)id;

	if (s->packet != CTF_NO_PACKET && (uint64_t)ftello(s->file) - s->packet >= PACKET_SIZE)
		end_packet(s);
	if (s->packet == CTF_NO_PACKET)
		begin_packet(s, ns, uuid);
	s->last = ns;
	fwrite(&type, sizeof(type), 1, s->file);
	fwrite(&ns, sizeof(ns), 1, s->file);
}

/* What a packet counts was discarded between the end of the one before it and its own. */
void ctf_stream_discard(struct ctf_stream *s, uint64_t count)
{
	end_packet(s);
	s->discarded += count;
}

int ctf_stream_close(struct ctf_stream *s)
{
	int rc = 0;

	errno = 0;
	end_packet(s);
	if (fflush(s->file) || ferror(s->file))
		rc = errno ? errno : EIO;
	if (fclose(s->file) && !rc)
		rc = errno;
	return rc;
}
