/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What the files of libhvtrace share: the parts of a reader. Nothing here is
 * installed; only hvtrace.h and rows.h are public. No file in this room writes to a terminal
 * except through the FILE that it is given.
 */
#ifndef HVT_LIB_INTERNAL_H
#define HVT_LIB_INTERNAL_H

#include <hvtrace/hvtrace.h>

#include "columns.h"
#include "records.h"
#include "span.h"

#define HVT_PAGE 4096ull

/* Make room for one more element behind n. 0 or -ENOMEM; *v and *cap change. */
int hvt_grow(void **v, size_t *cap, size_t n, size_t elem);

/* memset to 0, not inlined: of some hundred bytes that is a rep stos, slower than a call. */
void hvt_clear(void *p, size_t len);

/* A NUL-terminated copy of len bytes (cut at the first NUL by its users), or NULL. */
char *hvt_copy_string(const void *bytes, size_t len);

/* ---- clock.c: TSC to CLOCK_MONOTONIC ---- */

struct hvt_clocks {
	struct hvt_log_clock *v;
	size_t n, cap;
};

int hvt_clocks_add(struct hvt_clocks *c, const struct hvt_log_clock *clock);
uint64_t hvt_clocks_ns(const struct hvt_clocks *c, uint64_t tsc);
void hvt_clocks_free(struct hvt_clocks *c);

/* ---- ksym.c: kernel names from KSYM sections ---- */

struct hvt_ksym_name {
	uint64_t start, len;
	size_t age; /* later ones win */
	char *name, *module;
	char *shown; /* demangled; NULL: not yet, or it is name as it is */
	bool tried;  /* to demangle it */
	struct hvt_label *label;
};

struct hvt_ksyms {
	struct hvt_ksym_name *v;
	size_t n, cap;
	bool sorted;
};

int hvt_ksyms_add(struct hvt_ksyms *k, const uint8_t *payload, size_t len);
/* The one that holds addr, or NULL; narrows the span to where it is so. */
struct hvt_ksym_name *hvt_ksyms_find(struct hvt_ksyms *k, uint64_t addr, struct hvt_span *span);
void hvt_ksyms_free(struct hvt_ksyms *k);

/* ---- demangle.c ---- */

/* How a C++ or Rust name reads: to be freed. NULL: it is none, or no memory. */
char *hvt_demangle(const char *raw);

/* ---- object.c: mapped files ---- */

struct hvt_object { /* a mapped file, by path and build-id */
	struct hvt_object *next;
	struct hvt_symtab *symtab; /* NULL: none, or not asked for yet */
	bool tried;
	struct hvt_debug *debug; /* the same */
	bool debug_tried;
	char *path;
	const char *base; /* in path */
	uint8_t build_id[64];
	uint32_t build_id_len;
	struct hvt_label *label; /* of an address without a symbol */
};

struct hvt_objects;

struct hvt_objects *hvt_objects_new(void);
void hvt_objects_free(struct hvt_objects *all);
/* The one with this path and build-id (64 bytes at most), made if need be. NULL: no memory. */
struct hvt_object *hvt_objects_get(struct hvt_objects *all, const char *path, size_t path_len,
				   const uint8_t *build_id, uint32_t id_len);
/* OBJECT and SYMTAB sections. */
int hvt_objects_add(struct hvt_objects *all, const uint8_t *payload, size_t len);
int hvt_objects_add_symtab(struct hvt_objects *all, const uint8_t *payload, size_t len);
/* Its segments and symbols, from this machine's file if the log has none; or NULL. */
const struct hvt_symtab *hvt_object_symtab(struct hvt_object *o, bool no_elf);

/* ---- task.c: whose memory looked how, and when ---- */

struct hvt_mapping {
	uint64_t ns, start, end, offset;
	uint32_t prot;
	struct hvt_object *obj; /* NULL: anonymous */
};

struct hvt_tasks;

/* objects outlive it. */
struct hvt_tasks *hvt_tasks_new(struct hvt_objects *objects);
void hvt_tasks_free(struct hvt_tasks *t);
int hvt_tasks_add_task(struct hvt_tasks *t, const uint8_t *payload, size_t len);
int hvt_tasks_add_map(struct hvt_tasks *t, const uint8_t *payload, size_t len);

/*
 * The mapping that held addr in pid at ns, or the file mapping that addr follows when
 * below is set (bss lies in anonymous memory behind its file). NULL: not known. *lasting:
 * the same for any time from ns on, until something is added.
 */
const struct hvt_mapping *hvt_tasks_find(struct hvt_tasks *t, uint32_t pid, uint64_t ns,
					 uint64_t addr, bool below, bool *lasting);

/* ---- process.c ---- */

struct hvt_process_fact { /* a TASK section */
	uint64_t ns;
	size_t age; /* in the order of the stream */
	uint32_t what, ptid;
	struct hvt_task_fact task;
};

struct hvt_comm_thread;

struct hvt_processes {
	struct hvt_process_fact *v;
	size_t n, cap;
	struct hvt_comm_thread **threads; /* comm.c */
};

int hvt_processes_add(struct hvt_processes *p, const uint8_t *payload, size_t len);
void hvt_processes_free(struct hvt_processes *p);

/* ---- comm.c ---- */

/* p->v[fact] is new. 0 or -ENOMEM. */
int hvt_comms_add(struct hvt_processes *p, size_t fact);
/* What a thread was called at ns, "" when that is not known; p's until it is freed. */
const char *hvt_comm_at(const struct hvt_processes *p, uint32_t pid, uint32_t tid, uint64_t ns);
void hvt_comms_free(struct hvt_processes *p);

/* ---- syscall.c ---- */

/* NULL: no such number. */
const char *hvt_syscall_name(uint32_t number, bool ia32);

/* ---- symbol.c ---- */

/*
 * An address and those around it resolved, for any time from `from` on, as long as no fact
 * is added that names could come from.
 */
struct hvt_resolved {
	uint64_t addr, from;
	struct hvt_span span;
	size_t changes; /* 1 + those then; 0: unused */
	uint32_t pid;
	struct hvt_symbol sym;
};

#define HVT_RESOLVED	   8192u /* a power of two; 0.8 MB when all are used ... */
#define HVT_RESOLVED_BLOCK 128u	 /* ... and so many of them allocated at a time */

struct hvt_symbols {
	struct hvt_ksyms ksyms;
	struct hvt_objects *objects;
	struct hvt_tasks *tasks;
	size_t changes; /* facts so far */
	bool no_elf, no_demangle;
	bool lines;			/* of source are wanted */
	struct hvt_label *kernel_label; /* of an address without a symbol */
	bool uncached;			/* for tests */
	struct hvt_resolved
		*resolved[HVT_RESOLVED / HVT_RESOLVED_BLOCK]; /* NULL: none of a block yet */
};

/* A section that names come from: KSYM, TASK, MAP, OBJECT or SYMTAB. 0, -EBADMSG or -ENOMEM. */
int hvt_symbols_add(struct hvt_symbols *s, uint32_t type, const uint8_t *payload, size_t len);
/*
 * What it says of the symbols stays as long as s: names are never taken back. True: it is so
 * for any time from ns on, while s->changes is what it is now.
 */
bool hvt_symbols_resolve(struct hvt_symbols *s, uint32_t pid, uint64_t ns, uint64_t addr,
			 struct hvt_symbol *sym);
void hvt_symbols_free(struct hvt_symbols *s);
/* The same for a physical address: the device or memory that lies there. */
void hvt_symbols_physical(struct hvt_symbols *s, uint64_t gpa, struct hvt_symbol *sym);

/* ---- origin.c ---- */

/* The name of an instruction, kept beside it. All 0: not asked for yet. */
struct hvt_site {
	uint64_t from;
	size_t changes; /* 1 + those then; 0: to be asked again */
	uint32_t pid;
	struct hvt_symbol sym;
	struct hvt_origin *origin; /* of sym; NULL: not made yet */
};

/* Sets ev's ip_sym and origin; what else there is of the instruction is in it already. */
void hvt_site_name(struct hvt_symbols *s, struct hvt_site *site, struct hvt_event *ev);
void hvt_site_clear(struct hvt_site *site);

/* ---- insn.c: capstone ---- */

struct hvt_operand {
	uint8_t base, index; /* HVT_REG_* */
	uint8_t base_bits, index_bits;
	uint8_t scale;
	uint8_t access; /* HVT_ACC_*; 0: capstone does not know */
	bool segment;	/* fs or gs: its base is not in the record */
	bool vector;	/* gather or scatter: many addresses */
	uint32_t size;	/* 0: not known */
	int64_t disp;
};

#define HVT_REG_NONE 255
#define HVT_REG_IP   254
#define HVT_REG_ZERO 253
#define HVT_OPERANDS 4

struct hvt_insn {
	uint8_t len;	/* 0: not decodable */
	uint8_t nr_ops; /* memory operands */
	uint8_t addr_bits;
	bool sure; /* it touches no other memory, and sizes and accesses are right */
	struct hvt_site site;
	struct hvt_operand ops[HVT_OPERANDS];
	char text[192]; /* capstone's mnemonic[32] and op_str[160] */
};

struct hvt_decoder;

struct hvt_decoder *hvt_decoder_new(void);
void hvt_decoder_free(struct hvt_decoder *d);
#define HVT_INSN_BYTES 15u
/*
 * The instruction at ip of len bytes, HVT_INSN_BYTES of which can be read in any case; mode by
 * HVT_RF_CODE32/16. NULL: not decodable. Cached.
 */
struct hvt_insn *hvt_decode(struct hvt_decoder *d, uint64_t ip, uint32_t flags,
			    const uint8_t *bytes, size_t len);

/* insn_sure.c: is it? Then accesses are set right. ops[] holds the explicit operands. */
struct cs_insn;
bool hvt_insn_sure(const struct cs_insn *cs, struct hvt_insn *insn);

/* Where operand op of insn lies, with the registers before the instruction. */
uint64_t hvt_operand_addr(const struct hvt_insn *insn, const struct hvt_operand *op,
			  const uint64_t gpr[16], uint64_t ip);

/* ---- filter.c ---- */

struct hvt_filters {
	struct hvt_filter **v; /* watches point to them */
	size_t n, cap;
};

int hvt_filters_add(struct hvt_filters *f, const uint8_t *payload, size_t len);
/* The one with this id, or NULL. */
const struct hvt_filter *hvt_filters_find(const struct hvt_filters *f, uint32_t id);
void hvt_filters_free(struct hvt_filters *f);

/*
 * Do the bytes [first, last] of an access pass the tests of values? True when they are not
 * known.
 */
bool hvt_filter_values(const struct hvt_filter *f, const struct hvt_event *ev, uint64_t first,
		       uint64_t last);

/* ---- watch.c ---- */

struct hvt_watches {
	struct hvt_watch_fact *v;
	size_t n, cap;
	bool ids_grow, any_phys;
	struct hvt_watch_index *index; /* watch_index.c */
};

/* Which bytes an access touched, and the record's tie between linear and physical. */
struct hvt_place {
	uint64_t addr, size; /* linear */
	uint64_t gla, gpa;   /* of one byte of it */
	uint32_t pid;	     /* who did it */
	/* offsets in gla's page, of which the record's own watch has one */
	uint16_t seen_first, seen_last;
};

/* Of [addr, addr + size) of a record's access. */
struct hvt_place hvt_place_of(const struct hvt_rec_access *rec, uint64_t addr, uint64_t size);

enum hvt_meet {
	HVT_APART,
	HVT_MEET,
	HVT_MAY_MEET, /* nobody can say: through another address, or physical unknown */
};

int hvt_watches_add(struct hvt_watches *w, const struct hvt_filters *filters,
		    const uint8_t *payload, size_t len);
void hvt_watches_free(struct hvt_watches *w);
struct hvt_watch_fact *hvt_watches_search(const struct hvt_watches *w, uint32_t id);

/* The one with this id, or NULL. Mostly ids grow and have no gaps. */
static inline struct hvt_watch_fact *hvt_watches_find(const struct hvt_watches *w, uint32_t id)
{
	size_t i = w->n ? id - w->v[0].id : 0;

	if (w->ids_grow && i < w->n && w->v[i].id == id)
		return &w->v[i];
	return hvt_watches_search(w, id);
}

/*
 * Positions in v, ascending, of the watches that touch linear addresses [first, last]:
 * how many, -E2BIG when there are more than max, -ENOMEM.
 */
int hvt_watches_between(struct hvt_watches *w, uint64_t first, uint64_t last, size_t *found,
			size_t max);
/* Is no other watch on a linear address of this one? */
bool hvt_watch_alone(struct hvt_watches *w, const struct hvt_watch_fact *f);
/* Does the access touch the watch? With HVT_MEET [*first, *last] of p are inside. */
enum hvt_meet hvt_watch_meets(const struct hvt_watch_fact *w, const struct hvt_place *p,
			      uint64_t *first, uint64_t *last);
/*
 * Ids of the watches with a wanted access that p touches, the record's own watch `own` at
 * the front if it is one of them. How many (at most max).
 */
uint32_t hvt_watches_touched(struct hvt_watches *w, uint32_t own, uint32_t access,
			     const struct hvt_place *p, uint32_t *ids, uint32_t max);

/* ---- trace.c ---- */

struct hvt_traces {
	struct hvt_trace_fact *v;
	size_t n, cap;
};

int hvt_traces_add(struct hvt_traces *t, const uint8_t *payload, size_t len);
/* The one with this id, or NULL. */
struct hvt_trace_fact *hvt_traces_find(const struct hvt_traces *t, uint32_t id);
void hvt_traces_free(struct hvt_traces *t);

/* ---- refine.c ---- */

struct hvt_guess {
	uint64_t addr;
	uint32_t size;
	uint8_t access;
	bool exact;
};

/*
 * Where a HVT_RF_BLIND access really was: fills out[] and returns how many accesses of
 * the instruction touch a watch (0: none, the record is near).
 */
int hvt_refine(struct hvt_watches *w, const struct hvt_insn *insn, const struct hvt_rec_access *rec,
	       const uint64_t *gpr, struct hvt_guess out[HVT_OPERANDS]);

/* ---- reader.c, log.c, event.c ---- */

struct hvt_cpu_seq {
	uint64_t next;
	bool seen;
	/* the last access that crossed a page, to know its second half */
	uint64_t cross_seq, cross_tsc, cross_addr, cross_page;
	uint32_t cross_size;
};

/* ---- mark.c ---- */

struct hvt_mark {
	struct hvt_log_mark h;
	char *text;
};

struct hvt_marks {
	struct hvt_mark *v; /* in the order of the stream, which is that of time */
	size_t n, cap, pos;
	uint64_t before; /* no record with a smaller tsc comes any more */
	struct hvt_event held;
	uint64_t held_records; /* up to and with that of held */
	bool holding;
};

int hvt_marks_add(struct hvt_marks *m, const uint8_t *payload, size_t len);
void hvt_marks_free(struct hvt_marks *m);
/* The next event or mark, as hvt_reader_next(). */
int hvt_marks_next(struct hvt_reader *r, struct hvt_event *ev);
void hvt_mark_text(FILE *out, const struct hvt_event *ev);
void hvt_mark_json(FILE *out, const struct hvt_event *ev);

#define HVT_INT80_SLOTS 64u

struct hvt_reader {
	enum hvt_log_state state;
	char why[160];
	uint8_t *buf; /* bytes not yet consumed: [pos, len) */
	size_t pos, len, cap;
	uint64_t consumed; /* offset in the stream of buf[pos] */
	size_t skip;	   /* bytes of a longer header to pass over */
	bool have_header, armed, finished, broken;
	struct hvt_log_header header;
	struct hvt_cpu_seq *cpus;
	char *host;
	struct hvt_clocks clocks;
	struct hvt_symbols symbols;
	struct hvt_processes processes;
	struct hvt_filters filters;
	struct hvt_watches watches;
	struct hvt_traces traces;
	struct hvt_merge merge;
	struct hvt_marks marks;
	uint8_t *raw; /* a section's payload, decompressed */
	size_t raw_room;
	void *zstd;
	struct hvt_decoder *decoder;
	struct hvt_reader_stats stats;
	uint64_t given; /* records up to and with that of the last event, marks left out */

	/* sees each good section and its plain payload: 0, -EBADMSG or -ENOMEM */
	int (*tap)(void *arg, const struct hvt_section *s, const uint8_t *payload);
	void *tap_arg;

	/* accesses that refinement made of one record, still to be given out */
	struct hvt_guess guesses[HVT_OPERANDS];
	int nr_guesses, next_guess;
	struct hvt_pending current;

	struct hvt_operand_value *operands; /* of the instruction given out */
	size_t cap_operands;
	uint32_t int80[HVT_INT80_SLOTS]; /* threads whose system call was an INT 0x80 */
};

/* The next event out of what the merge has let out, as hvt_reader_next(). */
int hvt_next_event(struct hvt_reader *r, struct hvt_event *ev);

/* ---- event_trace.c: the event of an INSN record (-1: no memory), of a FLOW record ---- */

int hvt_insn_event(struct hvt_reader *r, const uint8_t *rec, struct hvt_event *ev);
void hvt_flow_event(struct hvt_reader *r, const uint8_t *rec, struct hvt_event *ev);

/* Consume whole sections from r->buf. 0 or -ENOMEM. */
int hvt_log_parse(struct hvt_reader *r);

/* As hvt_merge_next(), but for malformed sections: they end the log. */
int hvt_log_next(struct hvt_reader *r, const struct hvt_pending **given, int max);

#endif
