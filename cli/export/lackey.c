/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory trace of valgrind --tool=lackey --trace-mem=yes, which cache simulators read:
 * "I  address,size" of the instruction, then its loads, stores and modifications.
 * Addresses are linear. A loss is a line of the kind that valgrind puts between: ==pid==.
 */
#include "export.h"

#include <inttypes.h>
#include <stdlib.h>

struct lackey {
	FILE *out;
	uint64_t tsc, ip; /* of the last instruction that has its line */
	uint32_t cpu;
	bool any;
};

static void *begin(FILE *out, int dir)
{
	struct lackey *l = calloc(1, sizeof(*l));

	(void)dir;
	if (l)
		l->out = out;
	return l;
}

/* The accesses of one instruction have one time, and follow each other. */
static bool same_instruction(struct lackey *l, const struct hvt_event *ev)
{
	bool same = l->any && l->tsc == ev->tsc && l->ip == ev->ip && l->cpu == ev->cpu;

	l->any = true;
	l->tsc = ev->tsc;
	l->ip = ev->ip;
	l->cpu = ev->cpu;
	return same;
}

static const char kinds[] = { [HVT_ACC_R] = 'L', [HVT_ACC_W] = 'S', [HVT_ACC_R | HVT_ACC_W] = 'M' };

/* Of a trace, with its operands when it has them. */
static void instruction(FILE *out, const struct hvt_event *ev)
{
	uint32_t i;

	fprintf(out, "I  %08" PRIx64 ",%u\n", ev->ip, ev->insn_len ? ev->insn_len : 1);
	for (i = 0; i < ev->nr_mem; i++)
		fprintf(out, " %c %08" PRIx64 ",%" PRIu32 "\n",
			kinds[ev->mem[i].access & (HVT_ACC_R | HVT_ACC_W)], ev->mem[i].addr,
			ev->mem[i].size);
}

static void event(void *export, struct hvt_reader *r, const struct hvt_event *ev)
{
	struct lackey *l = export;
	bool same;

	(void)r;
	if (ev->type == HVT_EV_LOST)
		fprintf(l->out,
			"==%" PRIu32 "== %" PRIu64 " accesses on CPU %" PRIu32 " were lost\n",
			ev->pid, ev->count, ev->cpu);
	if (ev->type == HVT_EV_MARK) {
		fprintf(l->out, "==%" PRIu32 "== ", ev->pid);
		hvt_print_escaped(l->out, ev->mark, SIZE_MAX);
		fputc('\n', l->out);
	}
	if (ev->type == HVT_EV_INSN)
		instruction(l->out, ev);
	if (ev->type != HVT_EV_ACCESS)
		return;
	same = same_instruction(l, ev);
	if (ev->access & HVT_ACC_X) {
		fprintf(l->out, "I  %08" PRIx64 ",%u\n", ev->addr, ev->size ? ev->size : 1);
		return;
	}
	if (!same && ev->insn_len)
		fprintf(l->out, "I  %08" PRIx64 ",%u\n", ev->ip, ev->insn_len);
	/* of an access of unknown size the first byte is known to have been touched */
	fprintf(l->out, " %c %08" PRIx64 ",%u\n", kinds[hvt_export_access(ev)], ev->addr,
		ev->size ? ev->size : 1);
}

static int end(void *export, const struct hvt_reader *r)
{
	(void)r;
	free(export);
	return 0;
}

const struct hvt_exporter hvt_export_lackey = {
	.name = "lackey",
	.begin = begin,
	.event = event,
	.end = end,
};
