// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filter options: lists, numbers and comparisons to a struct hvt_filter. Nothing here looks
 * at the machine but filter_check(), which asks whether the processes exist, and
 * filter_resolve(), which asks where their code is.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "code.h"
#include "filter.h"
#include "proc.h"
#include "spec.h"

#define CPUS_MAX (8 * sizeof(((struct hvt_filter *)0)->cpus))

/* Calls take() with each of the comma-separated parts of list, NUL-terminated. */
static int each_part(struct filter_want *w, const char *option, const char *list,
		     int (*take)(struct filter_want *w, const char *option, const char *part))
{
	const char *at = list, *end;
	int rc = AGENT_OK;

	for (; rc == AGENT_OK; at = end + 1) {
		char *part;

		end = at + strcspn(at, ",");
		part = xstrndup(at, (size_t)(end - at));
		rc = take(w, option, part);
		free(part);
		if (!*end)
			break;
	}
	return rc;
}

static int too_many(const char *option)
{
	return complain(AGENT_USAGE, "%s: more than %d; try: fewer", option, HVT_FILTER_LIST);
}

static int take_id(const char *option, const char *part, uint32_t *list, uint32_t *nr)
{
	uint64_t n;

	if (!number_parse(part, &n) || n > INT32_MAX)
		return complain(AGENT_USAGE, "%s %s: not a process or thread number; try: %s 1,2",
				option, part, option);
	if (*nr == HVT_FILTER_LIST)
		return too_many(option);
	list[(*nr)++] = (uint32_t)n;
	return AGENT_OK;
}

static int take_pid(struct filter_want *w, const char *option, const char *part)
{
	return take_id(option, part, w->f.pid, &w->f.nr_pids);
}

static int take_tid(struct filter_want *w, const char *option, const char *part)
{
	return take_id(option, part, w->f.tid, &w->f.nr_tids);
}

static int take_comm(struct filter_want *w, const char *option, const char *part)
{
	size_t len = strlen(part), max = sizeof(w->f.comm[0]) - 1;

	if (!len)
		return complain(AGENT_USAGE, "%s: an empty name; try: ps -e -o comm", option);
	if (len > max)
		return complain(AGENT_USAGE,
				"%s %s: the kernel keeps %zu bytes of a name; try: %s %.*s", option,
				part, max, option, (int)max, part);
	if (w->f.nr_comms == HVT_FILTER_LIST)
		return too_many(option);
	memcpy(w->f.comm[w->f.nr_comms++], part, len);
	return AGENT_OK;
}

/* N or N-M */
static int take_cpu(struct filter_want *w, const char *option, const char *part)
{
	char *first = xstrndup(part, strcspn(part, "-"));
	const char *dash = strchr(part, '-');
	uint64_t lo, hi;
	bool good = number_parse(first, &lo);

	free(first);
	hi = lo;
	if (good && dash)
		good = number_parse(dash + 1, &hi);
	if (!good || hi < lo || hi >= CPUS_MAX)
		return complain(AGENT_USAGE, "%s %s: not CPUs below %zu; try: %s 0,2-3", option,
				part, CPUS_MAX, option);
	for (; lo <= hi; lo++)
		w->f.cpus[lo / 64] |= 1ull << (lo % 64);
	w->f.flags |= HVT_FF_CPUS;
	return AGENT_OK;
}

static int take_value(struct filter_want *w, const char *arg)
{
	static const struct {
		const char *text;
		uint32_t op;
	} ops[] = {
		/* the longer ones first */
		{ "==", HVT_OP_EQ }, { "!=", HVT_OP_NE }, { "<=", HVT_OP_LE }, { ">=", HVT_OP_GE },
		{ "=", HVT_OP_EQ },  { "<", HVT_OP_LT },  { ">", HVT_OP_GT },  { "&", HVT_OP_AND },
	};
	const char *at = arg + strspn(arg, " ");
	uint64_t n;
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		size_t len = strlen(ops[i].text);

		if (strncmp(at, ops[i].text, len))
			continue;
		at += len;
		if (w->f.op)
			return complain(AGENT_USAGE, "--value %s: a second one; try: one", arg);
		if (number_parse(at + strspn(at, " "), &n)) {
			w->f.op = ops[i].op;
			w->f.value = n;
			return AGENT_OK;
		}
		return complain(AGENT_USAGE, "--value %s: not a 64-bit number; try: --value '%s 5'",
				arg, ops[i].text);
	}
	return complain(AGENT_USAGE, "--value %s: no comparison; try: --value '>= 5'", arg);
}

static int take_count(const char *option, const char *arg, __u64 *count)
{
	uint64_t n;

	if (!number_parse(arg, &n) || !n)
		return complain(AGENT_USAGE, "%s %s: not a positive number; try: %s 10", option,
				arg, option);
	*count = n;
	return AGENT_OK;
}

static int take_level(struct filter_want *w, uint32_t flag)
{
	w->f.flags |= flag;
	if ((w->f.flags & HVT_FF_USER) && (w->f.flags & HVT_FF_KERNEL))
		return complain(AGENT_USAGE, "--user --kernel: no access is by both; try: neither");
	return AGENT_OK;
}

static int take_code(struct filter_want *w, const char *arg)
{
	uint64_t lo, hi;

	w->code = xrealloc(w->code, (w->nr_code + 1) * sizeof(*w->code));
	w->code[w->nr_code++] = arg;
	return code_parse("--ip", arg, &lo, &hi);
}

int filter_take(struct filter_want *w, enum filter_option option, const char *arg)
{
	w->any = true;
	switch (option) {
	case FILTER_PID:
		return each_part(w, "--pid", arg, take_pid);
	case FILTER_TID:
		return each_part(w, "--tid", arg, take_tid);
	case FILTER_COMM:
		return each_part(w, "--comm", arg, take_comm);
	case FILTER_CPU:
		return each_part(w, "--cpu", arg, take_cpu);
	case FILTER_USER:
		return take_level(w, HVT_FF_USER);
	case FILTER_KERNEL:
		return take_level(w, HVT_FF_KERNEL);
	case FILTER_IP:
		return take_code(w, arg);
	case FILTER_CHANGED:
		w->f.flags |= HVT_FF_CHANGED;
		return AGENT_OK;
	case FILTER_VALUE:
		return take_value(w, arg);
	case FILTER_EVERY:
		return take_count("--every", arg, &w->f.every);
	case FILTER_LIMIT:
		return take_count("--limit", arg, &w->f.limit);
	}
	return AGENT_OK;
}

static int check_task(const char *option, uint32_t id, bool thread)
{
	struct proc_stat stat;
	int rc;

	if (!id)
		return AGENT_OK; /* the idle tasks */
	rc = proc_stat((int32_t)id, &stat);
	if (rc == -ENOENT || rc == -ESRCH)
		return complain(AGENT_ERROR,
				"%s %u: no such %s; try: --comm for one that is to come", option,
				id, thread ? "thread" : "process");
	if (rc)
		return complain(AGENT_ERROR, "%s %u: /proc: %s; try: as root with /proc mounted",
				option, id, strerror(-rc));
	if (!thread && (uint32_t)stat.tgid != id)
		return complain(AGENT_ERROR, "--pid %u: is a thread of process %d; try: --tid %u",
				id, stat.tgid, id);
	return AGENT_OK;
}

int filter_check(const struct filter_want *w)
{
	int rc = AGENT_OK;
	uint32_t i;

	for (i = 0; i < w->f.nr_pids && rc == AGENT_OK; i++)
		rc = check_task("--pid", w->f.pid[i], false);
	for (i = 0; i < w->f.nr_tids && rc == AGENT_OK; i++)
		rc = check_task("--tid", w->f.tid[i], true);
	return rc;
}

static int add_range(void *ctx, const char *text, uint64_t lo, uint64_t hi, int32_t pid)
{
	struct hvt_filter *f = ctx;
	struct hvt_filter_ip *last = f->nr_ips ? &f->ip[f->nr_ips - 1] : NULL;

	/* the mappings of one file often follow each other */
	if (last && last->pid == (uint32_t)pid && last->hi == lo) {
		last->hi = hi;
		return AGENT_OK;
	}
	if (f->nr_ips == HVT_FILTER_IPS)
		return complain(
			AGENT_ERROR,
			"--ip %s: more than %d pieces of code in all; try: --pid, for those "
			"of fewer processes",
			text, HVT_FILTER_IPS);
	f->ip[f->nr_ips++] = (struct hvt_filter_ip){ lo, hi, (uint32_t)pid, 0 };
	return AGENT_OK;
}

static void add_pid(int32_t **pid, size_t *nr, int32_t add)
{
	*pid = xrealloc(*pid, (*nr + 1) * sizeof(**pid));
	(*pid)[(*nr)++] = add;
}

/* Where user code is looked for: in *pid, *nr of them. True: in all that there are. */
static bool find_pids(const struct hvt_filter *f, int32_t target, int32_t **pid, size_t *nr)
{
	bool all = !f->nr_pids && !target;
	struct dirent *d;
	uint32_t i;
	DIR *dir;

	for (i = 0; i < f->nr_pids; i++) {
		if (f->pid[i])
			add_pid(pid, nr, (int32_t)f->pid[i]);
	}
	if (!f->nr_pids && target)
		add_pid(pid, nr, target);
	dir = all ? opendir("/proc") : NULL;
	while (dir && (d = readdir(dir)) != NULL) {
		if (isdigit((unsigned char)d->d_name[0]))
			add_pid(pid, nr, (int32_t)strtol(d->d_name, NULL, 10));
	}
	if (dir)
		closedir(dir);
	return all;
}

int filter_resolve(struct filter_want *w, int32_t target, const struct device *dev)
{
	struct code_look look = { .option = "--ip", .dev = dev, .add = add_range, .ctx = &w->f };
	int32_t *pid = NULL;
	int rc = AGENT_OK;
	size_t i;

	w->f.nr_ips = 0;
	if (w->nr_code)
		look.all = find_pids(&w->f, target, &pid, &look.nr_pids);
	look.pid = pid;
	for (i = 0; i < w->nr_code && rc == AGENT_OK; i++)
		rc = code_resolve(&look, w->code[i]);
	free(pid);
	return rc;
}

void filter_free(struct filter_want *w)
{
	free(w->code);
	w->code = NULL;
	w->nr_code = 0;
}
