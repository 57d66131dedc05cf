/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Small helpers on memory that every file of the library may use. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hvt_grow(void **v, size_t *cap, size_t n, size_t elem)
{
	size_t want;
	void *p;

	if (n < *cap)
		return 0;
	want = *cap ? *cap * 2 : 16;
	if (want < *cap || want > SIZE_MAX / elem)
		return -ENOMEM;
	p = realloc(*v, want * elem);
	if (!p)
		return -ENOMEM;
	*v = p;
	*cap = want;
	return 0;
}

void hvt_clear(void *p, size_t len)
{
	memset(p, 0, len);
}

char *hvt_copy_string(const void *bytes, size_t len)
{
	char *s = malloc(len + 1);

	if (!s)
		return NULL;
	if (len)
		memcpy(s, bytes, len);
	s[len] = '\0';
	return s;
}
