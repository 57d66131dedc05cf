/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * The contract between the hvtrace module and user space: ioctls on
 * /dev/hvtrace, the per-CPU rings and the records in them.
 *
 * Rules (Documentation/process/botching-up-ioctls.rst): fixed-size types,
 * explicit padding that must be zero, every struct starts with its own size and
 * grows at the end only, unknown commands give -ENOTTY. Addresses are virtual
 * (guest-linear) unless a name says gpa. All integers are little-endian.
 */
#ifndef HVTRACE_UAPI_H
#define HVTRACE_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define HVT_DEVICE "/dev/hvtrace"
#define HVT_ABI    1

/* ------------------------------------------------------------------ */
/* Why a machine cannot be attached. Order is the order of the checks. */

enum hvt_block {
	HVT_BLOCK_NONE = 0,
	HVT_BLOCK_NO_VMX,	/* CPUID.1:ECX.VMX is 0 (or not an Intel-style CPU) */
	HVT_BLOCK_FIRMWARE,	/* IA32_FEATURE_CONTROL: locked without VMX, or not locked */
	HVT_BLOCK_VMX_BUSY,	/* CR4.VMXE already set: another hypervisor module */
	HVT_BLOCK_NO_EPT,	/* no EPT, or EPT without 4-level/WB/INVEPT */
	HVT_BLOCK_NO_MTF,	/* no monitor trap flag */
	HVT_BLOCK_NO_CONTROL,	/* another required VMX control is missing */
	HVT_BLOCK_CET,		/* CR4.CET is set */
	HVT_BLOCK_FRED,		/* CR4.FRED is set */
	HVT_BLOCK_LOCKDOWN,	/* kernel lockdown (integrity or above) */
	HVT_BLOCK_REBOOT,	/* the machine is going down: no more launches */
	HVT_BLOCK_NO_MEMORY,
	HVT_BLOCK_ENTRY,	/* VMXON or VM entry failed; see vmx_error */
	HVT_BLOCK_BROKEN,	/* root mode failed earlier; reload the module */
};

/* Where and why an attach (or HELLO's dry run) stopped. */
struct hvt_blocked {
	__u32 reason;		/* enum hvt_block */
	__u32 cpu;		/* the CPU that refused */
	__u32 vmx_error;	/* VM-instruction error (SDM 31.4), 0 if none */
	__u32 pad;
	char detail[112];	/* one English clause, NUL-terminated */
};

/* ------------------------------------------------------------------ */
/* ioctls */

#define HVT_CAP_EXEC_ONLY	(1u << 0) /* execute-only EPT leaves */
#define HVT_CAP_MBEC		(1u << 1) /* mode-based execute control */
#define HVT_CAP_EPT_1G		(1u << 2)
#define HVT_CAP_EPT_2M		(1u << 3)
#define HVT_CAP_UNRESTRICTED	(1u << 4)

struct hvt_hello {
	__u32 size;
	__u32 abi;		/* out: HVT_ABI */
	__u64 caps;		/* out: HVT_CAP_* */
	__u32 nr_cpus;		/* out: CPU ids are below this */
	__u32 cpus_attached;	/* out: how many run under VMX now */
	__u64 tsc_khz;		/* out */
	struct hvt_blocked blocked; /* out: the first reason that blocks attach */
};

#define HVT_ATTACH_PERSIST (1u << 0) /* outlives the fd, until DETACH */

struct hvt_attach {
	__u32 size;
	__u32 flags;
	struct hvt_blocked blocked; /* out, filled when the ioctl fails */
};

#define HVT_ST_ATTACHED	 (1u << 0)
#define HVT_ST_PERSIST	 (1u << 1)
#define HVT_ST_BROKEN	 (1u << 2)

struct hvt_status {
	__u32 size;
	__u32 flags;		/* out: HVT_ST_* */
	__u32 nr_cpus;
	__u32 cpus_attached;
	__u32 sessions;		/* open fds that own rings */
	__u32 watches;
	__u64 ram_bytes;	/* RAM that EPT maps ... */
	__u64 ram_4k_bytes;	/* ... of it by 4 KiB leaves (while watched) */
	__u64 leaves_1g, leaves_2m, leaves_4k; /* in the ARMED view */
	__u64 pages_watched;	/* restricted leaves */
	struct hvt_blocked blocked; /* the last failure, when BROKEN */
};

#define HVT_EXIT_REASONS 80 /* SDM appendix C; higher numbers count as 79 */

struct hvt_cpu_status {
	__u32 size;
	__u32 cpu;		/* in */
	__u32 attached;
	__u32 pad;
	__u64 exits[HVT_EXIT_REASONS];
	__u64 steps;		/* MTF steps begun */
	__u64 steps_retired;	/* ... that retired */
	__u64 steps_dropped;	/* ... that something else ended */
	__u64 lock_retries;	/* page lock was taken by another CPU */
	__u64 rendezvous;	/* times this CPU stopped the others */
};

struct hvt_rings {
	__u32 size;
	__u32 slots;		/* in: 64-byte slots per CPU, a power of two; 0: default; out: as made */
	__u32 nr_cpus;		/* out */
	__u32 flags;		/* HVT_RINGS_* */
};

/*
 * Loads and fetches of watched process memory by the process that opened the fd are its
 * own work: count them as filtered.
 */
#define HVT_RINGS_NOT_MINE (1u << 0)

#define HVT_ACC_R 1u
#define HVT_ACC_W 2u
#define HVT_ACC_X 4u

/* WATCH_ADD is -EAGAIN while the process is in the middle of an execve. */
struct hvt_watch_add {
	__u32 size;
	__u32 access;		/* HVT_ACC_* */
	__s32 pid;		/* whose memory; 0: the kernel's */
	__u32 id;		/* out: machine-wide id, from 1 */
	__u64 addr;
	__u64 len;		/* bytes, 1 .. HVT_WATCH_MAX */
	__u64 pages_mapped;	/* out: pages of it that are mapped now */
	__u32 flags;		/* HVT_WATCH_* */
	__u32 filter;		/* id from FILTER_ADD of the same fd; 0: none */
};
#define HVT_WATCH_MAX (1ull << 28)

#define HVT_WATCH_PHYS	   (1u << 0) /* addr is guest-physical, RAM or device; pid is 0 */
#define HVT_WATCH_COALESCE (1u << 1) /* one record for each run of a REP string instruction */

/*
 * Which of the accesses to a watch are recorded. All tests that are present must pass;
 * a list passes when one of its items does. One filter may serve many watches: every
 * and limit then count over all of them. It lives until its fd is closed.
 */
#define HVT_FILTER_LIST 16
#define HVT_FILTER_IPS	64

#define HVT_FF_USER    (1u << 0) /* CPL 3 only ... */
#define HVT_FF_KERNEL  (1u << 1) /* ... CPL 0 only; not both */
#define HVT_FF_CPUS    (1u << 2) /* cpus counts */
#define HVT_FF_CHANGED (1u << 3) /* a watched byte has another value afterwards */

enum hvt_filter_op {
	HVT_OP_NONE = 0,
	HVT_OP_EQ,
	HVT_OP_NE,
	HVT_OP_LT,
	HVT_OP_LE,
	HVT_OP_GT,
	HVT_OP_GE,
	HVT_OP_AND,		/* value & operand is not 0 */
};

struct hvt_filter_ip {
	__u64 lo, hi;		/* [lo, hi): address of the instruction */
	__u32 pid;		/* of that process; 0: of any */
	__u32 pad;
};

struct hvt_filter {
	__u32 size;
	__u32 id;		/* out for FILTER_ADD, in for FILTER_INFO */
	__u32 flags;		/* HVT_FF_* */
	/*
	 * What the accessed bytes inside the watch hold after the access, as an unsigned
	 * little-endian number of their own length, compared with value. An access
	 * whose value or extent root does not know passes; the reader tests it again.
	 */
	__u32 op;		/* enum hvt_filter_op */
	__u64 value;
	__u64 every;		/* record each n-th that passes; 0 and 1: all */
	__u64 limit;		/* record so many, then none; 0: no limit */
	__u32 nr_pids, nr_tids, nr_comms, nr_ips;
	__u32 pid[HVT_FILTER_LIST]; /* of the accessor: tgid, 0: the idle tasks */
	__u32 tid[HVT_FILTER_LIST];
	char comm[HVT_FILTER_LIST][16]; /* whole names, NUL-padded */
	__u64 cpus[8];		/* bit n: CPU n */
	struct hvt_filter_ip ip[HVT_FILTER_IPS];
	__u64 passed;		/* out, FILTER_INFO: recorded so far */
};

struct hvt_watch_del {
	__u32 size;
	__u32 id;
};

struct hvt_watch_info {
	__u32 size;
	__u32 index;		/* in: 0, 1, ... until -ENOENT */
	__u32 id, access;
	__s32 pid;
	__s32 owner;		/* tgid that armed it */
	__u64 addr, len;
	__u64 pages_mapped;
	__u64 hits;		/* accesses that touched it and were recorded */
	__u64 near;		/* accesses to its pages that did not touch it */
	__u64 remaps;
	__u64 filtered;		/* accesses that touched it and did not pass its filter */
	__u32 flags;		/* HVT_WATCH_* */
	__u32 filter;		/* id, 0: none */
};

struct hvt_ksym {
	__u32 size;
	__u32 pad;
	__u64 addr;		/* in */
	__u64 start;		/* out: the symbol's first address */
	__u64 len;		/* out: its length in bytes */
	char name[512];		/* out */
	char module[64];	/* out: "" for the kernel itself */
};

struct hvt_clock {
	__u32 size;
	__u32 pad;
	__u64 tsc;		/* taken between two reads of mono_ns */
	__u64 mono_ns;		/* CLOCK_MONOTONIC */
	__u64 real_ns;		/* CLOCK_REALTIME */
	__u64 tsc_khz;
};

#define HVT_IOC_HELLO	   _IOWR('h', 0x00, struct hvt_hello)
#define HVT_IOC_ATTACH	   _IOWR('h', 0x01, struct hvt_attach)
#define HVT_IOC_DETACH	   _IO('h', 0x02) /* -EBUSY while anything is armed */
#define HVT_IOC_STATUS	   _IOWR('h', 0x03, struct hvt_status)
#define HVT_IOC_CPU_STATUS _IOWR('h', 0x04, struct hvt_cpu_status)
#define HVT_IOC_RINGS	   _IOWR('h', 0x05, struct hvt_rings)
#define HVT_IOC_WATCH_ADD  _IOWR('h', 0x06, struct hvt_watch_add)
#define HVT_IOC_WATCH_DEL  _IOWR('h', 0x07, struct hvt_watch_del)
#define HVT_IOC_WATCH_INFO _IOWR('h', 0x08, struct hvt_watch_info)
#define HVT_IOC_KSYM	   _IOWR('h', 0x09, struct hvt_ksym)
#define HVT_IOC_CLOCK	   _IOWR('h', 0x0a, struct hvt_clock)
#define HVT_IOC_FILTER_ADD  _IOWR('h', 0x0b, struct hvt_filter)
#define HVT_IOC_FILTER_INFO _IOWR('h', 0x0c, struct hvt_filter) /* any fd's */
#define HVT_IOC_TRACE_ADD  _IOWR('h', 0x0d, struct hvt_trace_add)
#define HVT_IOC_TRACE_DEL  _IOWR('h', 0x0e, struct hvt_watch_del)
#define HVT_IOC_TRACE_INFO _IOWR('h', 0x0f, struct hvt_trace_info) /* any fd's */

/* ------------------------------------------------------------------ */
/*
 * Rings: one per CPU and session, single producer (root mode), single consumer.
 * mmap offsets; HEAD and DATA are read-only, TAIL is one writable page.
 *
 * head and tail are free-running slot counts; slot n lives at data[n % slots].
 * The consumer loads head with acquire, reads [tail, head), then stores tail with
 * release. A record never spans more slots than hvt_rec.nslots and may wrap.
 */
#define HVT_SLOT 64
#define HVT_MMAP_STRIDE	   (1ull << 36)
#define HVT_MMAP_HEAD(cpu) ((cpu) * HVT_MMAP_STRIDE)
#define HVT_MMAP_TAIL(cpu) ((cpu) * HVT_MMAP_STRIDE + (1ull << 34))
#define HVT_MMAP_DATA(cpu) ((cpu) * HVT_MMAP_STRIDE + (2ull << 34))

struct hvt_ring_head {
	__u64 head;		/* slots published */
	__u64 produced;		/* records produced, lost ones included */
	__u64 lost;		/* records lost because the ring was full */
	/*
	 * Non-zero while a record is being made: no later record of this CPU has a
	 * smaller tsc. Lets the consumer say "all before T is out" (see log.h ROUND).
	 */
	__u64 inflight_tsc;
};

struct hvt_ring_tail {
	__u64 tail;		/* slots consumed; hostile values are clamped */
};

/* ------------------------------------------------------------------ */
/* Records */

enum hvt_rec_type {
	HVT_REC_ACCESS = 1,
	HVT_REC_LOST = 2,
	HVT_REC_REMAP = 3,
	HVT_REC_INSN = 4,
	HVT_REC_FLOW = 5,
};

/* Start of each record. seq counts per CPU and session, lost records included. */
struct hvt_rec {
	__u8 type;		/* enum hvt_rec_type */
	__u8 nslots;		/* 64-byte slots of the whole record */
	__u16 flags;		/* HVT_RF_* */
	__u32 watch;		/* id of the first watch it touches, 0 if none */
	__u64 seq;
	__u64 tsc;
};

/* hvt_rec.flags of an access */
#define HVT_RF_REGS	(1u << 0) /* 16 general registers before the instruction follow */
#define HVT_RF_WIDE	(1u << 1) /* values longer than 8 bytes follow */
#define HVT_RF_DELIVERY (1u << 2) /* by event delivery; vector says which */
#define HVT_RF_WALK	(1u << 3) /* by the CPU's page walker; gla is what was translated */
#define HVT_RF_BLIND	(1u << 4) /* operand not decoded in root: gla is where it first
				   * touched the page, size 0; the reader refines it */
#define HVT_RF_USER	(1u << 5) /* CPL 3 */
#define HVT_RF_CODE32	(1u << 6) /* CS.L = 0, CS.D = 1 */
#define HVT_RF_CODE16	(1u << 7) /* CS.L = 0, CS.D = 0 */
#define HVT_RF_NOINSN	(1u << 8) /* instruction bytes could not be read */
#define HVT_RF_CLIPPED	(1u << 9) /* size exceeds the values that follow */
#define HVT_RF_DEVICE	(1u << 10) /* device memory: new_ is what was read or written, old
				    * is not known (reading it would act on the device) */
#define HVT_RF_NOVALUE	(1u << 11) /* neither old nor new_ is known */
#define HVT_RF_RUN	(1u << 12) /* a run of a REP string instruction, coalesced: gla is
				    * the lowest byte of it, size that of all of it; the
				    * values are those of its first bytes in memory */

/*
 * One access, written when its instruction (or event delivery) has retired.
 * 128 bytes; then, by flags: REGS: __u64 gpr[16] in encoding order (rax rcx rdx rbx
 * rsp rbp rsi rdi r8..r15); RUN: struct hvt_rec_run; WIDE: struct hvt_rec_wide with
 * its bytes.
 */
struct hvt_rec_access {
	struct hvt_rec h;
	__u64 ip;
	__u64 gla;		/* first byte accessed */
	__u64 gpa;		/* where that byte was */
	__u64 cr3;
	__u32 pid, tid;		/* tgid and tid in the initial pid namespace; 0: idle */
	__u64 old, new_;	/* zero-extended, when !(flags & WIDE) */
	__u8 insn[15];
	__u8 insn_len;		/* valid bytes in insn[]: the length when decoded */
	char comm[16];
	__u32 size;		/* bytes accessed; 0: see HVT_RF_BLIND */
	__u8 access;		/* HVT_ACC_*; R|W is a read-modify-write */
	__u8 vector;		/* with HVT_RF_DELIVERY */
	__u16 pad;
	__u64 order;		/* rank in the total order of this page's retirements */
};

struct hvt_rec_wide {
	__u32 off;		/* of the first value byte, from gla */
	__u32 len;		/* bytes of each value; old[len] and new[len] follow */
};

struct hvt_rec_run {
	__u64 count;		/* iterations */
	__u32 elem;		/* bytes of each */
	__u32 down;		/* 1: from high addresses to low (RFLAGS.DF) */
};

/* seq is that of the first lost record; the next record has seq + count. */
struct hvt_rec_lost {
	struct hvt_rec h;
	__u64 count;
	__u64 pad[4];
};

#define HVT_GPA_NONE (~0ull)

/* The translation of a watched page changed. */
struct hvt_rec_remap {
	struct hvt_rec h;
	__u64 va;		/* first byte of the page */
	__u64 old_gpa, new_gpa;	/* HVT_GPA_NONE: not mapped */
	__u32 pid, tid;		/* who changed it */
	__u64 pad;
};

#include "uapi_trace.h"

#endif
