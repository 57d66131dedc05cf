// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a log in which process 100 has a part of a file mapped, and an access by each of
 * some instructions in it. BUILD-ID is in hexadecimal, - for none; with "object" the log has
 * the file's segment, which is all of it at address 0.
 * usage: linelog PATH BUILD-ID START LENGTH OFFSET object|- IP...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "logobjects.h"

static size_t parse_id(const char *text, uint8_t *id, size_t max)
{
	size_t n;

	for (n = 0; n < max && strlen(text) >= 2; n++, text += 2)
		if (sscanf(text, "%2hhx", &id[n]) != 1)
			break;
	return n;
}

int main(int argc, char **argv)
{
	struct logbuild lb = { 0 }, records = { 0 };
	uint64_t start, len, off;
	uint8_t id[64];
	size_t id_len;
	int i, rc;

	if (argc < 7)
		return 2;
	id_len = parse_id(argv[2], id, sizeof(id));
	start = strtoull(argv[3], NULL, 0);
	len = strtoull(argv[4], NULL, 0);
	off = strtoull(argv[5], NULL, 0);
	lb_header(&lb, 1);
	lb_clock(&lb, 1000, 5000000000ull, 2400000);
	lb_watch(&lb, 1, HVT_ACC_W, 100, 0x404000, 4096, "x");
	lb_section(&lb, HVT_SEC_ARMED, 0, NULL, 0);
	lb_task(&lb, 5000000000ull, HVT_TASK_SEEN, 100, 1);
	lb_map(&lb, 5000000000ull, 100, start, start + len, off, PROT_READ | PROT_EXEC, argv[1], id,
	       id_len);
	if (!strcmp(argv[6], "object"))
		lo_object(&lb, 1, 0, off + len, argv[1], id, id_len);
	for (i = 7; i < argc; i++) {
		struct hvt_rec_access a = lb_access((uint64_t)i - 7, 2000 + (uint64_t)i, 0x404000);

		a.ip = strtoull(argv[i], NULL, 0);
		lb_record(&records, &a, NULL, 0, "old.", "new.", 4);
	}
	lb_section(&lb, HVT_SEC_EVENTS, 0, records.bytes, records.len);
	lb_end(&lb, HVT_END_STOP);
	rc = fwrite(lb.bytes, 1, lb.len, stdout) == lb.len && !fflush(stdout) ? 0 : 1;
	lb_free(&records);
	lb_free(&lb);
	return rc;
}
