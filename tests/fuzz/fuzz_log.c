// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the reader with logs of which everything but the checksums may be wrong: as a
 * stream, printed in each format, as a file with seeks, and by verify. Mutations keep to a
 * section, so that what is behind it stays a log.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <hvtrace/hvtrace.h>

#include "sections.h"

#define LOG_MAX (1u << 20)

static FILE *nowhere(void)
{
	static FILE *f;

	if (!f)
		f = fopen("/dev/null", "we");
	return f;
}

static bool count(const struct hvt_task_fact *task, void *arg)
{
	*(size_t *)arg += strlen(task->comm);
	return true;
}

static void as_stream(const uint8_t *log, size_t size)
{
	struct hvt_reader *r = hvt_reader_new(HVT_READER_NO_SYMBOLS);
	struct hvt_mmiotrace m = { 0 };
	struct hvt_symbol sym;
	struct hvt_event ev;
	size_t at, n;

	if (!r)
		abort();
	/* in pieces of many lengths */
	for (at = 0, n = 1; at < size; at += n, n = n * 7 % 4093) {
		if (n > size - at)
			n = size - at;
		if (hvt_reader_feed(r, log + at, n))
			break;
		while (hvt_reader_next(r, &ev)) {
			hvt_event_text(nowhere(), &ev);
			hvt_event_json(nowhere(), &ev);
			hvt_event_mmiotrace(nowhere(), &m, r, &ev);
			hvt_reader_symbol(r, ev.pid, ev.ns, ev.cr3, &sym);
			if (sym.name)
				hvt_print_escaped(nowhere(), sym.name, SIZE_MAX);
		}
	}
	hvt_reader_finish(r);
	while (hvt_reader_next(r, &ev))
		hvt_event_text(nowhere(), &ev);
	n = 0;
	hvt_reader_tasks(r, hvt_reader_stats(r)->last_ns, count, &n);
	hvt_reader_free(r);
}

static void as_file(const uint8_t *log, size_t size)
{
	struct hvt_log *l = hvt_log_open(fuzz_file(log, size), HVT_READER_NO_SYMBOLS);
	uint64_t half, ns = 0;
	struct hvt_event ev;
	int i;

	if (!l)
		return;
	half = hvt_log_records(l) / 2;
	if (!hvt_log_seek_record(l, half))
		for (i = 0; i < 8 && hvt_log_event(l, &ev) > 0; i++)
			ns = ev.ns;
	if (!hvt_log_seek_ns(l, ns))
		for (i = 0; i < 8 && hvt_log_event(l, &ev) > 0;)
			i++;
	if (!hvt_log_seek_seq(l, 1, half))
		for (i = 0; i < 8 && hvt_log_event(l, &ev) > 0;)
			i++;
	hvt_log_close(l);
}

static void verify(const uint8_t *log, size_t size)
{
	int fd = open(fuzz_file(log, size), O_RDONLY | O_CLOEXEC);
	struct hvt_verdict verdict;

	if (fd < 0)
		abort();
	hvt_verify(fd, &verdict);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t log[LOG_MAX];

	if (size > sizeof(log))
		return 0;
	memcpy(log, data, size);
	fuzz_seal(log, size);
	as_stream(log, size);
	/* these make many readers, which is slow: not of each input */
	if (crc32(0, log, (uInt)size) % 4 == 0) {
		as_file(log, size);
		verify(log, size);
	}
	return 0;
}

/* A section's payload, or its header, is mutated; or the section is left out or doubled. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t n, at, len, payload, room, rest;
	struct hvt_section s;

	for (n = 0; fuzz_section(data, size, n, &len);)
		n++;
	at = n ? fuzz_section(data, size, seed % n, &len) : 0;
	if (!at || seed / n % 8 == 0)
		return LLVMFuzzerMutate(data, size, max);
	rest = size - at - len;
	if (seed / n % 8 == 1) {
		memmove(data + at, data + at + len, rest);
		return size - len;
	}
	if (seed / n % 8 == 2 && size + len <= max) {
		memmove(data + at + len, data + at, rest + len);
		return size + len;
	}
	if (seed / n % 8 == 3) {
		LLVMFuzzerMutate(data + at, sizeof(s), sizeof(s));
		return size;
	}
	memcpy(&s, data + at, sizeof(s));
	if (s.len > 4096 || size + 64 > max)
		return LLVMFuzzerMutate(data, size, max);
	/* a little longer at most; what is behind it moves */
	room = (s.len + 32 + 7) & ~7ull;
	memmove(data + at + sizeof(s) + room, data + at + len, rest);
	payload = LLVMFuzzerMutate(data + at + sizeof(s), s.len, s.len + 32);
	len = (payload + 7) & ~7ull;
	memset(data + at + sizeof(s) + payload, 0, len - payload);
	memmove(data + at + sizeof(s) + len, data + at + sizeof(s) + room, rest);
	s.len = s.raw_len = payload;
	memcpy(data + at, &s, sizeof(s));
	return at + sizeof(s) + len + rest;
}
