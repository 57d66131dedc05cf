/* SPDX-License-Identifier: GPL-2.0-only */
/* The Linux side of the module: what its files offer each other. */
#ifndef HVT_HV_H
#define HVT_HV_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include "vmx/vmx.h"

#define HVT_TICK_MS 10	/* how often readers are woken and root's health is looked at */

struct hvt_armed;

/* One open fd. */
struct hvt_file {
	struct list_head node;		/* hvt_files, under hvt_lock */
	struct list_head watches;	/* struct hvt_armed */
	struct list_head filters;	/* filters.c */
	struct list_head traces;	/* trace.c */
	wait_queue_head_t wait;
	int session;			/* index into hvt_m.session, -1: no rings */
	bool attached;			/* holds the machine attached until close */
	pid_t owner;
};

extern struct mutex hvt_lock;		/* attach state, files, watches */
extern struct list_head hvt_files;

/* cpu.c: all under hvt_lock */
int hvt_attach(struct hvt_blocked *why);
void hvt_detach(void);
bool hvt_attached(void);
u32 hvt_cpus_attached(void);
void hvt_check_broken(void);
extern struct hvt_blocked hvt_last_failure;
int hvt_cpu_init(void);
void hvt_cpu_exit(void);

/* caps.c */
int hvt_caps_check(struct hvt_vmx_config *c, struct hvt_blocked *why);
void hvt_block(struct hvt_blocked *why, u32 reason, const char *fmt, ...) __printf(3, 4);

/* host.c: a vcpu and all memory root needs on one CPU */
struct hvt_vcpu *hvt_vcpu_alloc(u32 cpu, const struct hvt_vmx_config *c);
void hvt_vcpu_free(struct hvt_vcpu *v);

/* session.c */
int hvt_session_create(struct hvt_file *f, u32 *slots, u32 flags);
void hvt_session_destroy(struct hvt_file *f);
bool hvt_session_has_data(const struct hvt_file *f);
int hvt_session_mmap(struct hvt_file *f, struct vm_area_struct *vma);

/* watch.c */
int hvt_watch_add(struct hvt_file *f, struct hvt_watch_add *a);
int hvt_watch_del(struct hvt_file *f, u32 id);
void hvt_watch_del_all(struct hvt_file *f);
void hvt_watch_pause(void);
void hvt_watch_resume(void);
int hvt_watch_info(struct hvt_watch_info *info);
u32 hvt_watch_count(void);
u32 hvt_next_id(void);
void hvt_exec_exit(void);

/* trace.c */
int hvt_trace_add(struct hvt_file *f, struct hvt_trace_add *a);
int hvt_trace_del(struct hvt_file *f, u32 id);
void hvt_trace_del_all(struct hvt_file *f);
void hvt_trace_pause(void);
void hvt_trace_resume(void);
int hvt_trace_info(struct hvt_trace_info *info);

/* threads.c */
void hvt_threads_exit(void);

/* filters.c */
int hvt_filter_add(struct hvt_file *f, struct hvt_filter *a);
int hvt_filter_info(struct hvt_filter *a);
struct hvt_filter_state *hvt_filter_find(struct hvt_file *f, u32 id);
void hvt_filter_free_all(struct hvt_file *f);

/* status.c */
void hvt_fill_status(struct hvt_status *s);
int hvt_fill_cpu_status(struct hvt_cpu_status *s);
void hvt_fill_clock(struct hvt_clock *c);
int hvt_fill_ksym(struct hvt_ksym *k);

/* dev.c */
int hvt_dev_init(void);
void hvt_dev_exit(void);

#endif
