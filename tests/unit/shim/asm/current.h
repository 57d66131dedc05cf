/* SPDX-License-Identifier: GPL-2.0-only */
/* The task that the guest's kernel runs as: fake_linux.c. */
#include "../task.h"
