// SPDX-License-Identifier: GPL-2.0-only
/* Fuzzes what names addresses with a mapped file that is anything but a good ELF. */
#include <stdlib.h>
#include <string.h>

#include <hvtrace/hvtrace.h>

#include "sections.h"

#define BASE 0x400000ull

/* A log of one process that has mapped the file, once as code and once as data. */
static size_t make_log(uint8_t *log, const char *path)
{
	struct hvt_log_header h = {
		.version = HVT_LOG_VERSION, .header_len = sizeof(h), .abi = HVT_ABI, .nr_cpus = 1
	};
	struct hvt_log_task task = { .what = HVT_TASK_SEEN, .pid = 1, .tid = 1 };
	struct {
		struct hvt_log_map map;
		char path[32];
	} map = { .map = { .start = BASE,
			   .end = BASE + 0x100000,
			   .pid = 1,
			   .prot = 5,
			   .path_len = (uint32_t)strlen(path) } };
	size_t at = sizeof(h), len = sizeof(map.map) + map.map.path_len;

	memcpy(h.magic, HVT_LOG_MAGIC, sizeof(h.magic));
	memcpy(log, &h, sizeof(h));
	memcpy(map.path, path, map.map.path_len);
	at = fuzz_put(log, at, HVT_SEC_TASK, &task, sizeof(task));
	at = fuzz_put(log, at, HVT_SEC_MAP, &map, len);
	map.map.start = BASE + 0x100000;
	map.map.end = BASE + 0x101000;
	map.map.offset = 0x1000;
	map.map.prot = 3;
	at = fuzz_put(log, at, HVT_SEC_MAP, &map, len);
	fuzz_seal(log, at);
	return at;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	(void)seed;
	return LLVMFuzzerMutate(data, size, max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hvt_reader *r = hvt_reader_new(0);
	static FILE *nowhere;
	struct hvt_symbol sym;
	uint8_t log[1024];
	uint64_t addr;

	if (!nowhere)
		nowhere = fopen("/dev/null", "we");
	if (!r || hvt_reader_feed(r, log, make_log(log, fuzz_file(data, size))))
		abort();
	/* inside, at the ends, and where the bss may be */
	for (addr = BASE - 8; addr < BASE + 0x104000; addr += addr < BASE + 0x2000 ? 72 : 4088) {
		hvt_reader_symbol(r, 1, 1, addr, &sym);
		if (sym.name)
			hvt_print_escaped(nowhere, sym.name, SIZE_MAX);
		if (sym.obj)
			hvt_print_escaped(nowhere, sym.obj, SIZE_MAX);
	}
	hvt_reader_free(r);
	return 0;
}
