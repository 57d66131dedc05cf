/* SPDX-License-Identifier: GPL-2.0-only */
/* See apic.h. */
#include "../apic.h"
