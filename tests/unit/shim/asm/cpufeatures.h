/* SPDX-License-Identifier: GPL-2.0-only */
/* See shim.h. */
#define X86_FEATURE_VMX (4 * 32 + 5)
