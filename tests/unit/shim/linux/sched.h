/* SPDX-License-Identifier: GPL-2.0-only */
/* See current.h. */
#include "../task.h"
