/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a user may write for "this memory": the grammar, and which ranges are sane.
 * Text and numbers only; nothing here looks at the machine.
 */
#ifndef AGENT_SPEC_H
#define AGENT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

/* x86-64 with 4-level paging: the two halves of the canonical addresses. */
#define USER_END     0x0000800000000000ull
#define KERNEL_START 0xffff800000000000ull

/* Physical addresses have at most 52 bits (SDM vol. 3, 4.1.4). */
#define PHYSICAL_END 0x10000000000000ull

#define SPEC_NAME_MAX 512

struct spec {
	char object[4096];	 /* "" when not given */
	char sym[SPEC_NAME_MAX]; /* "" when an address was given */
	uint64_t addr;		 /* without sym: base plus offset; with sym: unused */
	uint64_t off;		 /* with sym */
	uint64_t len;		 /* 0 when not given */
	bool kernel;		 /* kernel:SYM, or an address in the kernel half */
};

/* ADDR|SYM[+OFF][,LEN]. Returns AGENT_OK, or AGENT_USAGE after complaining. */
int spec_parse(const char *text, struct spec *spec);

/* ADDR[+OFF][,LEN], physical. The same returns. */
int spec_parse_physical(const char *text, struct spec *spec);

/* A combination of the letters r, w and x to HVT_ACC_*. The same returns. */
int access_parse(const char *text, uint32_t *access);

/* 0x hex or decimal, the whole text, no sign, no overflow. */
bool number_parse(const char *text, uint64_t *value);

/*
 * Is [addr, addr + len) inside one canonical half, and len allowed? Returns AGENT_OK,
 * or AGENT_USAGE after complaining about text.
 */
int range_check(const char *text, uint64_t addr, uint64_t len);

#endif
