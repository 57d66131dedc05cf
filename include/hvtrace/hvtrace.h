/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The reader API (libhvtrace): hvtrace log bytes in, decoded and named events out.
 *
 * The reader does no I/O on the log of its own unless hvt_reader_read() is called:
 * feed it bytes as they come (file, pipe, socket), take events until it has no more,
 * feed again. It trusts no length, count or CRC in the stream.
 *
 * Ownership: everything a function returns or puts into an event belongs to the
 * reader. Pointers in an event are valid until the next call of hvt_reader_next()
 * or hvt_reader_free(). One reader must not be used by two threads at once.
 *
 * Units: addresses are guest-linear bytes, times are CLOCK_MONOTONIC nanoseconds,
 * tsc is in raw TSC ticks.
 */
#ifndef HVTRACE_HVTRACE_H
#define HVTRACE_HVTRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <hvtrace/log.h>
#include <hvtrace/rows.h>
#include <hvtrace/uapi.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hvt_reader;

/* What a stream turned out to be. */
enum hvt_log_state {
	HVT_LOG_OPEN = 0, /* more bytes may come */
	HVT_LOG_COMPLETE, /* the END section was read */
	HVT_LOG_CUT,	  /* the bytes ended before END; all events before are good */
	HVT_LOG_DAMAGED,  /* a CRC or a length is wrong; all events before are good */
	HVT_LOG_FOREIGN,  /* not an hvtrace log */
	HVT_LOG_NEWER,	  /* a log version that this reader does not know yet */
	HVT_LOG_OLDER,	  /* ... and one that it no longer knows */
};

struct hvt_label;
struct hvt_origin;

/* A named address. With no name, obj and obj_off still say where it is if known. */
struct hvt_symbol {
	/*
	 * NULL: unknown. Of C++ and Rust demangled; raw is what the symbol table has. Any
	 * bytes but NUL: escape before printing.
	 */
	const char *name, *raw;
	uint64_t off;	  /* from the symbol's first byte */
	const char *obj;  /* base name of the file, "[kernel]", a module, "[vdso]"; or NULL */
	uint64_t obj_off; /* offset in the object's file; 0 for the kernel */
	bool kernel;
	const struct hvt_label *label; /* the reader's: name and obj as they print, or NULL */
};

enum hvt_event_type {
	HVT_EV_ACCESS = HVT_REC_ACCESS,
	HVT_EV_LOST = HVT_REC_LOST,
	HVT_EV_REMAP = HVT_REC_REMAP,
	HVT_EV_INSN = HVT_REC_INSN,
	HVT_EV_FLOW = HVT_REC_FLOW,
	HVT_EV_MARK = 0x100 | HVT_SEC_MARK, /* of no CPU: cpu and seq are 0 */
};

#define HVT_EVENT_WATCHES 16

/* A memory operand of a traced instruction. NULL values: not known, or none of that kind. */
struct hvt_operand_value {
	uint64_t addr;
	uint32_t size, len; /* len: bytes at old and at new_ */
	uint8_t access;	    /* HVT_ACC_* */
	const uint8_t *old, *new_;
};

struct hvt_event {
	enum hvt_event_type type;
	uint32_t cpu;
	uint32_t flags; /* HVT_RF_* */
	uint64_t seq, tsc, ns;
	uint32_t watch;			     /* first watch it touches, 0: none named */
	uint32_t watches[HVT_EVENT_WATCHES]; /* all that it overlaps, at most this many */
	uint32_t nr_watches;
	uint32_t pid, tid;

	/* HVT_EV_ACCESS */
	char comm[17];	/* NUL-terminated, any bytes: escape before printing */
	uint8_t access; /* HVT_ACC_* */
	uint8_t vector; /* with HVT_RF_DELIVERY */
	bool exact;	/* addr, size and access are exact, not root's guess */
	bool physical;	/* of a watch on physical memory: addr_sym is about gpa */
	uint64_t addr, gpa, cr3, ip, order;
	uint32_t size;		   /* bytes; 0: unknown */
	uint32_t val_off;	   /* of the first value byte, from addr */
	uint32_t val_len;	   /* bytes at old and at new_; 0: not recorded */
	const uint8_t *old, *new_; /* in memory order; NULL: not known (devices) */
	uint64_t run_count;	   /* with HVT_RF_RUN: iterations, ... */
	uint32_t run_elem;	   /* ... bytes of each, ... */
	bool run_down;		   /* ... towards lower addresses */
	const uint64_t *gpr;	   /* 16 registers before the instruction, or NULL */
	uint8_t insn_len;	   /* of insn[] */
	uint8_t insn[15];
	const char *text; /* the disassembled instruction, or NULL */
	struct hvt_symbol ip_sym, addr_sym;
	/* with HVT_READER_LINES, as of hvt_reader_line(); NULL: not known */
	const char *src_file;
	uint32_t src_line;
	/* the reader's: the members from ip to text, and ip_sym, as they print; or NULL */
	const struct hvt_origin *origin;

	/* HVT_EV_LOST: records seq .. seq + count - 1 of this CPU */
	uint64_t count;

	/* HVT_EV_REMAP: addr is the first byte of the page; HVT_GPA_NONE: not mapped */
	uint64_t old_gpa, new_gpa;

	/*
	 * HVT_EV_INSN: pid, tid, comm, ip, insn_len, insn, text, ip_sym, and these. watch is
	 * the trace's id.
	 */
	uint32_t body;	       /* of a function's trace: the n-th entry, from 1; else 0 */
	uint8_t nest;	       /* interrupts and exceptions that are being handled around it */
	uint32_t delta_mask;   /* registers that it changed: 0..15 general, 16 RFLAGS */
	const uint64_t *delta; /* their values after it, the lowest first */
	uint32_t nr_mem;       /* memory operands, ... */
	const struct hvt_operand_value *mem;
	bool mem_known; /* ... and these are all */

	/*
	 * HVT_EV_FLOW: pid, tid, comm, body, nest, insn_len, insn, text, ip_sym, and these; ip
	 * as struct hvt_rec_flow says
	 */
	uint8_t what;	     /* enum hvt_flow; vector is HVT_VECTOR_NONE if not known */
	uint32_t number;     /* error code, system call, signal, status: by what */
	uint64_t to;	     /* where control goes; 0: not known */
	const uint64_t *arg; /* 6 */
	const char *name;    /* of the system call or the signal; NULL: it has none */
	struct hvt_symbol to_sym;

	/* HVT_EV_MARK, by pid */
	uint32_t uid;
	const char *mark; /* NUL-terminated, any bytes: escape before printing */
};

struct hvt_reader_stats {
	uint64_t bytes; /* fed, up to the last whole section */
	uint64_t sections;
	uint64_t event_bytes;  /* of the sections that hold records */
	uint64_t records;      /* of all types */
	uint64_t accesses;     /* events given out, ... */
	uint64_t instructions; /* ... those of traces, ... */
	uint64_t flows;	       /* ... and what broke their sequence */
	uint64_t near;	       /* records that refinement showed not to touch a watch */
	uint64_t filtered;     /* accesses that refinement showed not to pass their filter */
	uint64_t lost;	       /* records that LOST records account for */
	uint64_t gaps;	       /* records missing from a CPU's sequence without a LOST */
	uint64_t remaps;
	uint64_t agent_lost;	 /* sum of the STAT section's lost */
	uint64_t agent_produced; /* sum of the STAT section's produced */
	bool have_stat;
	uint32_t end_reason;	    /* enum hvt_end_reason, 0 before END */
	uint64_t first_ns, last_ns; /* of the events given out */
};

/* A watch as the log describes it. */
struct hvt_watch_fact {
	uint32_t id, access;
	int32_t pid;
	uint64_t addr, len;
	uint32_t flags;			 /* HVT_WATCH_* */
	const struct hvt_filter *filter; /* NULL: none */
	const char *spec;		 /* as the user wrote it, NUL-terminated, any bytes */
	uint64_t hits;			 /* accesses given out that overlap it */
};

/* A trace as the log describes it. */
struct hvt_trace_fact {
	uint32_t id, flags; /* HVT_TRACE_* */
	int32_t pid;
	uint64_t addr, len, from, to, after, count;
	uint32_t on, nr_only, nr_skip;
	const struct hvt_trace_range *range; /* nr_only, then nr_skip */
	const char *spec;		     /* as the user wrote it, NUL-terminated, any bytes */
	uint64_t instructions;		     /* given out */
};

#define HVT_READER_NO_SYMBOLS  (1u << 0) /* open no ELF files: what the log lacks has no name */
#define HVT_READER_NO_DEMANGLE (1u << 1) /* names as symbol tables have them */
#define HVT_READER_LINES       (1u << 2) /* events have the line of source of their ip */

/* NULL when out of memory or when capstone cannot be set up. */
struct hvt_reader *hvt_reader_new(unsigned int flags);
void hvt_reader_free(struct hvt_reader *r);

/*
 * Append len bytes of the stream. 0, or -ENOMEM (the reader is then unusable but for
 * hvt_reader_free). A bad stream is no error here: see hvt_reader_state(). Bytes after
 * the end of the log are ignored.
 */
int hvt_reader_feed(struct hvt_reader *r, const void *bytes, size_t len);

/* The stream has ended: lets out the events that waited for the next ROUND. */
int hvt_reader_finish(struct hvt_reader *r);

/*
 * One read() of fd, fed. The number of bytes, 0 at the end of the file (the reader is
 * finished then), or -errno.
 */
int hvt_reader_read(struct hvt_reader *r, int fd);

/* 1: *ev is the next event in (tsc, order, cpu, seq) order. 0: none until more is fed. */
int hvt_reader_next(struct hvt_reader *r, struct hvt_event *ev);

enum hvt_log_state hvt_reader_state(const struct hvt_reader *r);

/* One English clause that explains the state, never NULL. */
const char *hvt_reader_why(const struct hvt_reader *r);

/* An ARMED section was read: all watches named so far are armed. */
bool hvt_reader_armed(const struct hvt_reader *r);

const struct hvt_reader_stats *hvt_reader_stats(const struct hvt_reader *r);

/* The log's header, or NULL before it was read. */
const struct hvt_log_header *hvt_reader_header(const struct hvt_reader *r);

/* The i-th watch in log order, NULL behind the last. */
const struct hvt_watch_fact *hvt_reader_watch(const struct hvt_reader *r, size_t i);

/* The watch with this id, or NULL. */
const struct hvt_watch_fact *hvt_reader_find_watch(const struct hvt_reader *r, uint32_t id);

/* The i-th trace in log order, NULL behind the last. */
const struct hvt_trace_fact *hvt_reader_trace(const struct hvt_reader *r, size_t i);

/* The i-th CLOCK section, by time, NULL behind the last: ties tsc, mono_ns and real_ns. */
const struct hvt_log_clock *hvt_reader_clock(const struct hvt_reader *r, size_t i);

/* The HOST section's JSON text, NUL-terminated, any bytes; NULL when there is none. */
const char *hvt_reader_host(const struct hvt_reader *r);

/* CLOCK_MONOTONIC ns of a TSC value by the CLOCK sections so far; 0 without any. */
uint64_t hvt_reader_tsc_to_ns(const struct hvt_reader *r, uint64_t tsc);

/* What lies at addr in pid's memory (the kernel's in its half) at ns, as of the log so far. */
void hvt_reader_name(struct hvt_reader *r, uint32_t pid, uint64_t ns, uint64_t addr,
		     struct hvt_symbol *sym);

/*
 * What a log proves about itself. Wrong is what no good log can hold; VALUE alone may have
 * a cause that no log can see.
 */
enum hvt_flaw_kind {
	HVT_FLAW_SECTION = 0, /* a section's header miscounts it, or bytes follow END */
	HVT_FLAW_GAP,	      /* records are missing without a LOST */
	HVT_FLAW_REPEAT,      /* a sequence number came twice or went back */
	HVT_FLAW_TIME,	      /* a CPU's tsc went back */
	HVT_FLAW_ROUND,	      /* a record came after a ROUND that said all before it were out */
	HVT_FLAW_STAT,	      /* the agent's counts are not those of the records */
	HVT_FLAW_ORDER,	      /* a page's ranks are not in the order of time */
	HVT_FLAW_PLACE,	      /* a record's two addresses are not one byte of a page */
	HVT_FLAW_VALUE,	      /* a byte's old value is not the last one known: not proven */
	HVT_FLAW_KINDS,
};

#define HVT_FLAWS_KEPT 4

struct hvt_flaw {
	uint32_t cpu;
	uint64_t seq, tsc; /* of the record; of a SECTION flaw seq is the section's type */
	uint64_t gpa;	   /* ORDER: of the page; PLACE, VALUE: of the byte */
	uint64_t expected, found;
};

struct hvt_verdict {
	enum hvt_log_state state;
	char why[160]; /* as hvt_reader_why() */
	uint64_t count[HVT_FLAW_KINDS];
	struct hvt_flaw first[HVT_FLAW_KINDS][HVT_FLAWS_KEPT];

	uint64_t bytes, sections, rounds;
	uint64_t records, lost;	      /* records there, and those that LOST records account for */
	uint64_t instructions, flows; /* of the records: those of traces */
	uint32_t cpus, stated;	      /* CPUs with records; with counts in the STAT section */
	uint64_t pages, ranks;	      /* pages with records; pairs of their ranks compared */

	/* values, in bytes: what a record found is what the one before it left there */
	uint64_t links;	 /* so it is */
	uint64_t differ; /* it is not: HVT_FLAW_VALUE */
	uint64_t voided; /* not comparable: a loss, a remap or an unseen value in between */
	/* values, in records: outside of the chain */
	uint64_t unvalued; /* no values, or read from two pages that were not locked at once */
	uint64_t unplaced; /* through another address of a page, not known of which */
	uint64_t in_loss;  /* while another record was lost, or a run of another CPU went on */

	uint32_t traces, watches;
	uint32_t filtered;  /* have a filter: accesses pass unseen */
	uint32_t read_only; /* of reads: writes pass unseen */
};

/*
 * Read the log in fd, from its start and twice: fd must be a file. 0, or -errno (-ESPIPE
 * when it is no file, -ENOMEM). A bad log is no error: see the verdict.
 */
int hvt_verify(int fd, struct hvt_verdict *verdict);

/* One English clause that says what a kind of flaw is, never NULL. */
const char *hvt_flaw_name(enum hvt_flaw_kind kind);

/* One line for people; bytes that a terminal could act on are escaped as \xNN. */
void hvt_event_text(FILE *out, const struct hvt_event *ev);

/* One JSON object and a newline: ASCII-safe UTF-8 whatever bytes the event holds. */
void hvt_event_json(FILE *out, const struct hvt_event *ev);

/* What the lines of one mmiotrace text have in common; zeroed before the first. */
struct hvt_mmiotrace {
	bool begun;
	size_t maps; /* watches that have their MAP line */
};

/*
 * One event as lines of the kernel's mmiotrace log (Documentation/trace/mmiotrace.rst).
 * ev NULL: the end, UNMAP lines. r is the reader that gave the event out.
 */
void hvt_event_mmiotrace(FILE *out, struct hvt_mmiotrace *m, const struct hvt_reader *r,
			 const struct hvt_event *ev);

/* ------------------------------------------------------------------ */
/*
 * Questions about any moment that the log tells of, not only about events. What a reader
 * knows is what was fed to it; hvt_log_facts() knows all of a file.
 */

/* What lay at a linear address of a process (of any, in the kernel's half) at ns. */
void hvt_reader_symbol(struct hvt_reader *r, uint32_t pid, uint64_t ns, uint64_t addr,
		       struct hvt_symbol *sym);
/*
 * The line of source that the instruction at a linear address of a process was of at ns: its
 * number from 1, and in *file the name that debug information has, NUL-terminated, any bytes,
 * the reader's until hvt_reader_free(). 0 and NULL: not known. -ENOSYS and NULL: the library
 * was built without libdw.
 *
 * Which file was mapped there is what the log says. Its debug information is read from it, or
 * from its debug file (by build-id, or the name in .gnu_debuglink), on this machine; what has
 * another build-id than the log's is not used, nor is a file that has none. Of the kernel
 * nothing is known. HVT_READER_NO_SYMBOLS: no file is opened.
 */
int hvt_reader_line(struct hvt_reader *r, uint32_t pid, uint64_t ns, uint64_t addr,
		    const char **file);
/* The file whose image lies at an address. Pointers are the reader's until it is freed. */
struct hvt_module_fact {
	const char *path; /* NUL-terminated, any bytes; "[kernel]", a module's name, "[vdso]" */
	const uint8_t *build_id;
	uint32_t build_id_len; /* 0: none, or not known */
	bool kernel;
	uint64_t base, end; /* of its image in memory; of the kernel: 0, not known */
	uint64_t first;	    /* the link-time address of what is at base */
};

/* That at a linear address of a process (of any, in the kernel's half) at ns; false: none. */
bool hvt_reader_module(struct hvt_reader *r, uint32_t pid, uint64_t ns, uint64_t addr,
		       struct hvt_module_fact *m);
/* What lies at a physical address: a device, or a part of memory. */
void hvt_reader_physical_symbol(struct hvt_reader *r, uint64_t gpa, struct hvt_symbol *sym);

/*
 * Disassemble up to 15 bytes at ip; flags: HVT_RF_CODE32, HVT_RF_CODE16 or 0. The text is
 * valid until the next call with this reader; NULL: it is no instruction.
 */
const char *hvt_reader_insn(struct hvt_reader *r, uint64_t ip, uint32_t flags, const uint8_t *bytes,
			    size_t len);

struct hvt_task_fact {
	uint32_t pid, tid, ppid; /* ppid: who forked it, 0: not known */
	uint64_t since_ns;	 /* when it was forked or first met */
	const char *comm;	 /* NUL-terminated, any bytes; the reader's until more is fed */
};

/*
 * The threads that there were at ns, by pid and tid: each(task, arg) until it returns
 * false. 0 or -ENOMEM.
 */
int hvt_reader_tasks(const struct hvt_reader *r, uint64_t ns,
		     bool (*each)(const struct hvt_task_fact *task, void *arg), void *arg);

/* ------------------------------------------------------------------ */
/*
 * A log in a file: a reader that can begin anywhere. Records are counted from 0 in the one
 * order, (tsc, cpu, seq), those included that have no event. A place is found through the
 * index, or through the sections' headers where there is none; then what stands before it
 * and is not an event is read, and the events from there on.
 */
struct hvt_log;

/*
 * The log in a file, at its first event. NULL with errno: ESPIPE when it is no file (use
 * a reader). What is wrong with the log is no error here: hvt_log_reader() has its state.
 * flags: HVT_READER_*.
 */
struct hvt_log *hvt_log_open(const char *path, unsigned int flags);
void hvt_log_close(struct hvt_log *log);

#define HVT_SELECT_CPU	  (1u << 0)
#define HVT_SELECT_PID	  (1u << 1)
#define HVT_SELECT_TID	  (1u << 2)
#define HVT_SELECT_ACCESS (1u << 3) /* one of these HVT_ACC_* */
#define HVT_SELECT_ADDR	  (1u << 4) /* it shares a byte with addr_len bytes at addr */
#define HVT_SELECT_IP	  (1u << 5) /* the instruction begins in ip_len bytes at ip */
#define HVT_SELECT_WATCH  (1u << 6) /* it touches this watch, or is of this trace */
#define HVT_SELECT_BEFORE (1u << 7) /* the log ends at before_ns */

/* Which events are wanted: all tests in flags must pass. */
struct hvt_selection {
	uint32_t flags; /* HVT_SELECT_* */
	uint32_t cpu, pid, tid, watch, access;
	uint64_t addr, addr_len, ip, ip_len;
	uint64_t before_ns;
};

/*
 * Give out only these from now on, from the first one on; NULL: all. With HVT_SELECT_CPU
 * nothing of other CPUs is read, and records count on this CPU alone. 0 or -errno.
 */
int hvt_log_select(struct hvt_log *log, const struct hvt_selection *selection);

/* 1: *ev is the next event, as of hvt_reader_next(). 0: there is none. -errno. */
int hvt_log_event(struct hvt_log *log, struct hvt_event *ev);

/*
 * The next event will be the first one, the first one at or after ns, that of the n-th
 * record, that of record seq of a CPU; or the first one behind it. 0 or -errno.
 */
int hvt_log_rewind(struct hvt_log *log);
int hvt_log_seek_ns(struct hvt_log *log, uint64_t ns);
int hvt_log_seek_record(struct hvt_log *log, uint64_t n);
int hvt_log_seek_seq(struct hvt_log *log, uint32_t cpu, uint64_t seq);

/*
 * The number of the record that the last event came of; of a mark: of the last event before
 * it, 0 when there was none.
 */
uint64_t hvt_log_record(const struct hvt_log *log);
/* How many records there are. */
uint64_t hvt_log_records(struct hvt_log *log);

/*
 * The reader behind it, valid until the next seek: what it knows is what stands before its
 * place. And one that knows all but events, valid until hvt_log_close(); NULL: no memory.
 */
struct hvt_reader *hvt_log_reader(struct hvt_log *log);
struct hvt_reader *hvt_log_facts(struct hvt_log *log);

/* Print any bytes up to len or NUL on a terminal: non-printables as \xNN, \ as \\. */
void hvt_print_escaped(FILE *out, const char *s, size_t len);

#ifdef __cplusplus
}
#endif

#endif
