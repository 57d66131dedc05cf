/* cflags: -Wall -Wextra -fno-pie -no-pie */
/* SPDX-License-Identifier: GPL-2.0-only */
/* The cases of table_exec.c with their data watched as well. */
#define WATCHED (ACC_R | ACC_W | ACC_X)
#include "table_exec.c"
