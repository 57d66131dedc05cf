/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Integer types for the pure files of root mode (insn, event, deliver, rings):
 * those build in the module and, for the unit tests, on any host.
 */
#ifndef HVT_ROOT_TYPES_H
#define HVT_ROOT_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
#endif

#endif
