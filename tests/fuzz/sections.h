/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers share: logs whose checksums are right, so that what lies behind them
 * gets fuzzed, and files that are memory.
 */
#ifndef FUZZ_SECTIONS_H
#define FUZZ_SECTIONS_H

#include <stddef.h>
#include <stdint.h>

#include <hvtrace/log.h>

/* libFuzzer's */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* The CRCs of the header and of each section that is there as a whole, made right. */
void fuzz_seal(uint8_t *log, size_t size);

/* Offset and size (with header and padding) of the n-th whole section; 0: there is none. */
size_t fuzz_section(const uint8_t *log, size_t size, size_t n, size_t *len);

/* Append a section behind `at` bytes of a log. The new length. */
size_t fuzz_put(uint8_t *log, size_t at, uint32_t type, const void *payload, size_t len);

/* A path that opens these bytes as a file; the same one each time. */
const char *fuzz_file(const uint8_t *data, size_t size);

#endif
