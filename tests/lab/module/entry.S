/* SPDX-License-Identifier: GPL-2.0-only */
/* entry.S: hvtrace's own guest entry and exit, the thing under test. */
#include "../../../hv/vmx/vmx_entry.S"
