/* SPDX-License-Identifier: GPL-2.0-only */
/* The fake kernel's handlers of interrupts do nothing for anybody. */
#define in_task() 1
