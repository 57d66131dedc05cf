/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user space can tell about why a machine cannot attach, without the module.
 */
#ifndef AGENT_CHECK_H
#define AGENT_CHECK_H

#include <stdbool.h>

/* "[none] integrity": is anything but none chosen? */
bool lockdown_active(const char *text);

/* Has the text of /proc/cpuinfo this flag for its first CPU? */
bool cpuinfo_has_flag(const char *text, const char *flag);

#endif
