/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows that many records of a chunk share, each kept once and named by its number. */
#ifndef AGENT_DICT_H
#define AGENT_DICT_H

#include <stdint.h>

#define DICT_ROW  32u /* bytes, padded with zeros */
#define DICT_ROWS 32768u

struct dict {
	uint8_t row[DICT_ROWS][DICT_ROW];
	uint16_t slot[2 * DICT_ROWS]; /* 1 + row */
	uint32_t rows, last;
};

/* The number of a row, which is new or was there before. For DICT_ROWS of them there is room. */
uint16_t dict_row(struct dict *d, const void *row);
void dict_clear(struct dict *d);

#endif
