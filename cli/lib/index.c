/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The index of a log that is a file. What the INDEX sections say is taken only when all
 * of it holds together; otherwise the section headers are walked, which is slower and
 * says the same.
 */
#include "index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "internal.h"

static uint32_t crc_of(const void *p, size_t len)
{
	return (uint32_t)crc32(0, p, (uInt)len);
}

/* All len bytes at off: 0, -ENODATA when the file ends before, or -errno. */
static int read_at(int fd, void *p, size_t len, uint64_t off)
{
	ssize_t n;

	for (; len; len -= (size_t)n, off += (uint64_t)n, p = (uint8_t *)p + n) {
		n = pread(fd, p, len, (off_t)off);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return n ? -errno : -ENODATA;
	}
	return 0;
}

static uint64_t padded(uint64_t len)
{
	return (len + 7) & ~7ull;
}

/* The header at off: 0, -EBADMSG when it is none of a section in `size` bytes, or -errno. */
static int read_head(int fd, uint64_t off, uint64_t size, struct hvt_section *s)
{
	int rc;

	if (off > size || size - off < sizeof(*s))
		return -EBADMSG;
	rc = read_at(fd, s, sizeof(*s), off);
	if (rc)
		return rc;
	if (s->hcrc != crc_of(s, offsetof(struct hvt_section, hcrc)) || s->len > HVT_SECTION_MAX ||
	    s->raw_len > HVT_SECTION_MAX || padded(s->len) > size - off - sizeof(*s))
		return -EBADMSG;
	return 0;
}

int hvt_index_note(struct hvt_index *idx, const struct hvt_section *s, uint64_t off)
{
	int rc;

	if (s->type == HVT_SEC_ROUND || s->type == HVT_SEC_INDEX || s->type == HVT_SEC_END)
		return 0;
	rc = hvt_grow((void **)&idx->v, &idx->cap, idx->n, sizeof(*idx->v));
	if (rc)
		return rc;
	idx->v[idx->n++] = (struct hvt_log_index_entry){
		.off = off,
		.type = s->type,
		.cpu = s->cpu,
		.count = s->count,
		.tsc_first = s->tsc_first,
		.tsc_last = s->tsc_last,
		.seq_first = s->seq_first,
	};
	return 0;
}

bool hvt_index_is(const struct hvt_index *idx, const struct hvt_section *s, const uint8_t *payload,
		  uint64_t prev, uint64_t *found)
{
	size_t bytes = idx->n * sizeof(*idx->v);
	struct hvt_log_index head;

	if (s->len < sizeof(head))
		return false;
	memcpy(&head, payload, sizeof(head));
	*found = head.prev;
	return head.prev == prev && s->count == idx->n && s->len == sizeof(head) + bytes &&
	       (!bytes || !memcmp(payload + sizeof(head), idx->v, bytes));
}

/* Where the first section is, and how long the file. */
static int begin(int fd, uint64_t *off, uint64_t *size)
{
	struct hvt_log_header h;
	struct stat st;
	int rc = fstat(fd, &st) ? -errno : read_at(fd, &h, sizeof(h), 0);

	if (rc)
		return rc == -ENODATA ? -EBADMSG : rc;
	if (memcmp(h.magic, HVT_LOG_MAGIC, sizeof(h.magic)) ||
	    h.crc != crc_of(&h, offsetof(struct hvt_log_header, crc)) ||
	    h.version != HVT_LOG_VERSION)
		return -EBADMSG;
	*off = h.header_len;
	*size = (uint64_t)st.st_size;
	return 0;
}

int hvt_index_walk(struct hvt_index *idx, int fd)
{
	uint64_t off, size;
	struct hvt_section s;
	int rc = begin(fd, &off, &size);

	idx->n = 0;
	idx->complete = false;
	while (!rc && !idx->complete) {
		rc = read_head(fd, off, size, &s);
		if (rc)
			return rc == -EBADMSG ? 0 : rc;
		rc = hvt_index_note(idx, &s, off);
		idx->complete = s.type == HVT_SEC_END;
		off += sizeof(s) + padded(s.len);
	}
	return rc;
}

/* The payload of the INDEX section at off, decompressed; *len bytes. NULL: not good, rc. */
static uint8_t *read_index(int fd, uint64_t off, uint64_t size, size_t *len, int *rc)
{
	uint8_t *stored = NULL, *plain;
	struct hvt_section s;

	*rc = read_head(fd, off, size, &s);
	if (*rc)
		return NULL;
	*len = s.raw_len;
	stored = malloc(s.len + 1);
	plain = malloc(s.raw_len + 1);
	if (!stored || !plain) {
		*rc = -ENOMEM;
		goto fail;
	}
	*rc = read_at(fd, stored, s.len, off + sizeof(s));
	if (*rc)
		goto fail;
	*rc = -EBADMSG;
	if (s.type != HVT_SEC_INDEX || s.crc != crc_of(stored, s.len) ||
	    s.raw_len < sizeof(struct hvt_log_index) || s.count > HVT_INDEX_ENTRIES ||
	    s.raw_len !=
		    sizeof(struct hvt_log_index) + s.count * sizeof(struct hvt_log_index_entry))
		goto fail;
	if (s.codec == HVT_CODEC_ZSTD) {
		if (ZSTD_decompress(plain, s.raw_len, stored, s.len) != s.raw_len)
			goto fail;
	} else if (s.codec == HVT_CODEC_PLAIN && s.len == s.raw_len) {
		memcpy(plain, stored, s.len);
	} else {
		goto fail;
	}
	*rc = 0;
	free(stored);
	return plain;
fail:
	free(stored);
	free(plain);
	return NULL;
}

static int add(struct hvt_index *idx, const uint8_t *payload, size_t len)
{
	struct hvt_log_index_entry e;
	size_t at;
	int rc;

	/* backwards: the whole is turned round when the first of the chain is there */
	for (at = len; at > sizeof(struct hvt_log_index); at -= sizeof(e)) {
		memcpy(&e, payload + at - sizeof(e), sizeof(e));
		if (idx->n && e.off >= idx->v[idx->n - 1].off)
			return -EBADMSG;
		rc = hvt_grow((void **)&idx->v, &idx->cap, idx->n, sizeof(*idx->v));
		if (rc)
			return rc;
		idx->v[idx->n++] = e;
	}
	return 0;
}

static int follow(struct hvt_index *idx, int fd, uint64_t size)
{
	uint8_t end[HVT_END_BYTES], *payload;
	struct hvt_log_index head;
	struct hvt_section s;
	struct hvt_log_end e;
	uint64_t off, below;
	size_t len, i;
	int rc;

	if (size < sizeof(end))
		return -EBADMSG;
	rc = read_at(fd, end, sizeof(end), size - sizeof(end));
	if (!rc)
		rc = read_head(fd, size - sizeof(end), size, &s);
	if (rc)
		return rc;
	memcpy(&e, end + sizeof(s), sizeof(e));
	if (s.type != HVT_SEC_END || s.len != sizeof(e) || s.crc != crc_of(&e, sizeof(e)) ||
	    !e.index)
		return -EBADMSG;
	for (off = e.index, below = size; off; off = head.prev) {
		if (off >= below)
			return -EBADMSG;
		below = off;
		payload = read_index(fd, off, size, &len, &rc);
		if (!payload)
			return rc;
		memcpy(&head, payload, sizeof(head));
		rc = add(idx, payload, len);
		free(payload);
		if (rc)
			return rc;
	}
	for (i = 0; i < idx->n / 2; i++) {
		struct hvt_log_index_entry swap = idx->v[i];

		idx->v[i] = idx->v[idx->n - 1 - i];
		idx->v[idx->n - 1 - i] = swap;
	}
	idx->complete = true;
	return 0;
}

int hvt_index_load(struct hvt_index *idx, int fd)
{
	uint64_t off, size;
	int rc = begin(fd, &off, &size);

	if (rc)
		return rc;
	idx->n = 0;
	rc = follow(idx, fd, size);
	return rc == -EBADMSG ? hvt_index_walk(idx, fd) : rc;
}

void hvt_index_free(struct hvt_index *idx)
{
	free(idx->v);
	memset(idx, 0, sizeof(*idx));
}
