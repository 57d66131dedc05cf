// SPDX-License-Identifier: GPL-2.0-only
/* OBJECT and SYMTAB sections in memory, for tests. */
#include "logobjects.h"

#include <string.h>
#include <sys/mman.h>

void lo_object(struct logbuild *lb, uint32_t id, uint32_t flags, uint64_t len, const char *path,
	       const uint8_t *build_id, size_t id_len)
{
	struct hvt_log_object h = { .id = id,
				    .flags = flags,
				    .nr_segs = len ? 1 : 0,
				    .build_id_len = (uint32_t)id_len,
				    .path_len = (uint32_t)strlen(path) };
	struct hvt_log_segment s = { .filesz = len, .memsz = len, .prot = PROT_READ | PROT_EXEC };
	struct logbuild p = { 0 };

	lb_bytes(&p, &h, sizeof(h));
	lb_bytes(&p, &s, len ? sizeof(s) : 0);
	lb_bytes(&p, build_id, id_len);
	lb_bytes(&p, path, h.path_len);
	lb_section(lb, HVT_SEC_OBJECT, 0, p.bytes, p.len);
	lb_free(&p);
}

static void uleb(struct logbuild *p, uint64_t v)
{
	uint8_t byte;

	for (; v >> 7; v >>= 7) {
		byte = (uint8_t)(v | 0x80);
		lb_bytes(p, &byte, 1);
	}
	byte = (uint8_t)v;
	lb_bytes(p, &byte, 1);
}

void lo_symtab(struct logbuild *lb, uint32_t object, const struct lo_symbol *syms, size_t nr)
{
	struct logbuild p = { 0 }, table = { 0 }, names = { 0 };
	struct hvt_log_symtab h = { .object = object, .nr = (uint32_t)nr };
	size_t i;

	for (i = 0; i < nr; i++) {
		uleb(&table, syms[i].value - (i ? syms[i - 1].value : 0));
		uleb(&table, syms[i].size);
		lb_bytes(&table, &syms[i].info, 1);
		lb_bytes(&names, syms[i].name, strlen(syms[i].name) + 1);
	}
	h.table_len = (uint32_t)table.len;
	h.names_len = (uint32_t)names.len;
	lb_bytes(&p, &h, sizeof(h));
	lb_bytes(&p, table.bytes, table.len);
	lb_bytes(&p, names.bytes, names.len);
	lb_section(lb, HVT_SEC_SYMTAB, 0, p.bytes, p.len);
	lb_free(&names);
	lb_free(&table);
	lb_free(&p);
}
