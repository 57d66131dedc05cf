/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of VM-exit reasons (SDM Vol. 3, appendix C).
 */
#ifndef AGENT_EXIT_NAMES_H
#define AGENT_EXIT_NAMES_H

/* NULL when this agent has no name for it. */
const char *exit_reason_name(unsigned int reason);

#endif
