/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Built without libdw: no lines of source. */
#include "debug_info.h"

bool hvt_debug_available(void)
{
	return false;
}

struct hvt_debug *hvt_debug_open(const char *path, const uint8_t *id, size_t id_len)
{
	(void)path;
	(void)id;
	(void)id_len;
	return NULL;
}

void hvt_debug_close(struct hvt_debug *d)
{
	(void)d;
}

int hvt_debug_line(struct hvt_debug *d, uint64_t vaddr, const char **file)
{
	(void)d;
	(void)vaddr;
	(void)file;
	return 0;
}

void hvt_debug_each_line(struct hvt_debug *d,
			 bool (*each)(uint64_t vaddr, uint64_t end, const char *file, int line,
				      void *arg),
			 void *arg)
{
	(void)d;
	(void)each;
	(void)arg;
}

int hvt_debug_each_function(struct hvt_debug *d,
			    bool (*each)(const struct hvt_debug_copy *copy, void *arg), void *arg)
{
	(void)d;
	(void)each;
	(void)arg;
	return 0;
}
