/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVT_SHIM_TASK_H
#define HVT_SHIM_TASK_H

struct task_struct {
	int pid, tgid;
};

extern struct task_struct *fake_current;
#define current fake_current

#endif
