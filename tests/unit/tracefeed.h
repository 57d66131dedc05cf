/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of a trace made up one at a time, fed to a call tree, for tests. Function A is at
 * 0xa000, B at 0xb000 and so on; kernel functions at the same places of the upper half.
 * Code below 0xa000 has no name.
 */
#ifndef TRACEFEED_H
#define TRACEFEED_H

#include <stddef.h>
#include <stdint.h>

#include "analyse/calls.h"

#define KERNEL 0xffffffff80000000ull

extern struct hvt_calls *calls;
extern uint32_t feed_tid, feed_body, feed_nest; /* of the next events */

int feed_setup(void **state);
int feed_teardown(void **state);
#define FEED_TEST(name) cmocka_unit_test_setup_teardown(test_##name, feed_setup, feed_teardown)

void insn(uint64_t ip, const char *bytes, size_t len);
/* Where they go is where the next event is. */
void nop(uint64_t ip);
void call(uint64_t ip);
void ret(uint64_t ip);
void jump(uint64_t ip);
void syscall_insn(uint64_t ip);

void flow(uint8_t what, uint64_t to, uint32_t number);
/* An interrupt or exception in front of the instruction at ip */
void broken(uint8_t what, uint64_t ip, uint8_t vector);
void lost(void);

/* The tree of thread i is: name:calls/self(children), with ~ before what was jumped to. */
void expect_of(size_t i, const char *want);

#endif
