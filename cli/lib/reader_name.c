/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Names for addresses that are in no event: pointers among the values. */
#include "internal.h"

void hvt_reader_name(struct hvt_reader *r, uint32_t pid, uint64_t ns, uint64_t addr,
		     struct hvt_symbol *sym)
{
	hvt_symbols_resolve(&r->symbols, pid, ns, addr, sym);
}
