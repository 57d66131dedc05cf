/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving up what a running session does not need.
 */
#ifndef AGENT_PRIVILEGE_H
#define AGENT_PRIVILEGE_H

/* 0 or a negative errno; on failure nothing that is needed is lost. */
int privilege_drop(void);

#endif
