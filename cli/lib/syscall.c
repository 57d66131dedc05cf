/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/* Names of system calls, as the headers of the kernel have them that this was built with. */
#include "internal.h"

#include "syscalls.h"

const char *hvt_syscall_name(uint32_t number, bool ia32)
{
	if (ia32)
		return number < sizeof(syscalls_32) / sizeof(*syscalls_32) ? syscalls_32[number] :
									     NULL;
	return number < sizeof(syscalls_64) / sizeof(*syscalls_64) ? syscalls_64[number] : NULL;
}
