// SPDX-License-Identifier: GPL-2.0-only
/* Sealed logs and files in memory: see sections.h. */
#include "sections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

static uint32_t crc(const void *p, size_t len)
{
	return (uint32_t)crc32(0, p, (uInt)len);
}

size_t fuzz_section(const uint8_t *log, size_t size, size_t n, size_t *len)
{
	size_t at = sizeof(struct hvt_log_header);
	struct hvt_section s;

	for (;; at += *len, n--) {
		if (size < at + sizeof(s))
			return 0;
		memcpy(&s, log + at, sizeof(s));
		if (s.len > size - at - sizeof(s))
			return 0;
		*len = sizeof(s) + ((s.len + 7) & ~7ull);
		if (*len > size - at)
			return 0;
		if (!n)
			return at;
	}
}

void fuzz_seal(uint8_t *log, size_t size)
{
	struct hvt_log_header h;
	struct hvt_section s;
	size_t at, len, n;

	if (size < sizeof(h))
		return;
	memcpy(&h, log, sizeof(h));
	h.crc = crc(&h, offsetof(struct hvt_log_header, crc));
	memcpy(log, &h, sizeof(h));
	for (n = 0; (at = fuzz_section(log, size, n, &len)); n++) {
		memcpy(&s, log + at, sizeof(s));
		s.crc = crc(log + at + sizeof(s), s.len);
		s.hcrc = crc(&s, offsetof(struct hvt_section, hcrc));
		memcpy(log + at, &s, sizeof(s));
	}
}

size_t fuzz_put(uint8_t *log, size_t at, uint32_t type, const void *payload, size_t len)
{
	struct hvt_section s = { .type = type, .len = len, .raw_len = len };

	memcpy(log + at, &s, sizeof(s));
	memcpy(log + at + sizeof(s), payload, len);
	memset(log + at + sizeof(s) + len, 0, (8 - len % 8) % 8);
	return at + sizeof(s) + ((len + 7) & ~7ull);
}

const char *fuzz_file(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char path[32];

	if (fd < 0)
		fd = memfd_create("fuzz", 0);
	if (fd < 0 || ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}
