/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of lines that several commands print in the same way. */
#ifndef HVT_CLI_NAMES_H
#define HVT_CLI_NAMES_H

#include <hvtrace/hvtrace.h>

struct hvt_line;

const char *hvt_type_name(enum hvt_event_type type); /* "access", ... */
const char *hvt_access_name(uint8_t access);	     /* "read", "write", "rmw", "exec" */
const struct hvt_watch_fact *hvt_watch_of(const struct hvt_reader *r, uint32_t id);
/* How the user wrote the watch or the trace with this id; NULL: there is none. */
const char *hvt_spec_of(const struct hvt_reader *r, uint32_t id);

/* As hvt_print_escaped(), into a line. */
void hvt_put_escaped(struct hvt_line *l, const char *s);
/* "5.000002", of 6 or 9 decimals */
void hvt_put_seconds(struct hvt_line *l, uint64_t ns, int decimals);
/* "0x1f" up to 8 bytes, hexadecimal digits in memory order beyond; nothing for none. */
void hvt_put_value(struct hvt_line *l, const uint8_t *bytes, uint32_t len);
/* "file:line" of the source; nothing when it is not known */
void hvt_put_source(struct hvt_line *l, const struct hvt_event *ev);
/* "rax=0x1 rcx=0x2": what an instruction of a trace changed */
void hvt_put_registers(struct hvt_line *l, const struct hvt_event *ev);
/* "read:0x1000:8:0x5 rmw:0x2000:4:0x1:0x2": its operands, sizes and values */
void hvt_put_operands(struct hvt_line *l, const struct hvt_event *ev);
/* "object:name+0x1f", "object+0x1f" or the bare address, as the text of events has it */
void hvt_put_place(struct hvt_line *l, const struct hvt_symbol *s, uint64_t addr);

#endif
