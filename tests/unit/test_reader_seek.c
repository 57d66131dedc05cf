// SPDX-License-Identifier: GPL-2.0-only
/*
 * A log in a file, read from any place: what follows a seek is what follows that place in
 * a reading from the start, with an index, without one, and with one that lies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hvtrace/hvtrace.h>

#include "logbuild.h"

#define CPUS	 3u
#define SECTIONS 12u
#define RECORDS	 17u /* in each */
#define KIP	 0xffffffff81000100ull

struct seen {
	uint32_t type, cpu;
	uint64_t seq, tsc, ns, record;
	char sym[32];
};

struct all {
	struct seen v[CPUS * SECTIONS * RECORDS];
	size_t n;
};

enum variant { INDEXED, NO_INDEX, CUT, LYING, VARIANTS };

/* Every seventh record is of an instruction that did not touch a watch: it has no event. */
static void add_record(struct logbuild *cpu, uint64_t seq, uint64_t tsc)
{
	struct hvt_rec_access a = lb_access(seq, tsc, 0x404000 + seq % 8 * 4);
	uint64_t gpr[16] = { 0 };

	a.ip = KIP;
	if (seq % 7 == 3) {
		a.h.flags |= HVT_RF_BLIND;
		a.size = 0;
		gpr[7] = 0x404f00;
		a.gla = 0x404f00;
		lb_record(cpu, &a, gpr, 0, NULL, NULL, 0);
	} else {
		lb_record(cpu, &a, NULL, 0, NULL, NULL, 0);
	}
}

static void put_index(struct logbuild *lb)
{
	struct hvt_log_end end = { .reason = HVT_END_STOP, .index = lb->len };
	struct hvt_log_index head = { 0 };
	struct hvt_log_index_entry e;
	struct logbuild payload = { 0 };
	struct hvt_section s;
	size_t at;

	lb_bytes(&payload, &head, sizeof(head));
	for (at = sizeof(struct hvt_log_header); at < lb->len;
	     at += sizeof(s) + ((s.len + 7) & ~7ull)) {
		memcpy(&s, lb->bytes + at, sizeof(s));
		if (s.type == HVT_SEC_ROUND)
			continue;
		e = (struct hvt_log_index_entry){ at, s.type,	   s.cpu,      s.count,
						  0,  s.tsc_first, s.tsc_last, s.seq_first };
		lb_bytes(&payload, &e, sizeof(e));
	}
	at = lb->len;
	lb_section(lb, HVT_SEC_INDEX, 0, payload.bytes, payload.len);
	memcpy(&s, lb->bytes + at, sizeof(s));
	s.count = (uint32_t)((payload.len - sizeof(head)) / sizeof(e));
	memcpy(lb->bytes + at, &s, sizeof(s));
	lb_reseal(lb, at);
	lb_section(lb, HVT_SEC_END, 0, &end, sizeof(end));
	lb_free(&payload);
}

/*
 * Sections of the CPUs overlap in time; a name for what comes next, and a clock that corrects
 * the one before it, stand between them.
 */
static void make(struct logbuild *lb)
{
	uint64_t seq[CPUS] = { 0 }, tsc = 1000, last[CPUS] = { 0 };
	struct logbuild cpu = { 0 };
	uint32_t s, c, i;
	char name[16];

	lb_header(lb, CPUS);
	lb_clock(lb, 900, 5000000000ull, 3000000);
	lb_watch(lb, 1, HVT_ACC_R | HVT_ACC_W, 100, 0x404000, 0x40, "x");
	for (s = 0; s < SECTIONS; s++, tsc += 4000) {
		snprintf(name, sizeof(name), "name%u", s);
		lb_ksym(lb, KIP - s, 16, name, "");
		for (c = 0; c < CPUS; c++) {
			for (i = 0; i < RECORDS; i++, seq[c]++) {
				last[c] = tsc + 97 * c + i * (150 + 40 * c);
				if (i == 9 && s == 4)
					lb_lost(&cpu, seq[c], last[c], 1);
				else
					add_record(&cpu, seq[c], last[c]);
			}
			lb_section(lb, HVT_SEC_EVENTS, c, cpu.bytes, cpu.len);
			lb_free(&cpu);
		}
		lb_round(lb, tsc + 4000);
		if (s == 5)
			lb_clock(lb, tsc + 4000, 5000009000ull, 3000000);
	}
}

static struct hvt_log *open_variant(enum variant variant)
{
	char path[] = "/tmp/hvtrace-seek-XXXXXX";
	struct logbuild lb = { 0 };
	struct hvt_log *log;
	int fd = mkstemp(path);
	size_t index;

	assert_true(fd >= 0);
	make(&lb);
	index = lb.len;
	if (variant == NO_INDEX)
		lb_end(&lb, HVT_END_STOP);
	else if (variant != CUT)
		put_index(&lb);
	if (variant == LYING) {
		/* good CRCs, entries that point between sections */
		memset(lb.bytes + index + sizeof(struct hvt_section) + 200, 0x11, 100);
		lb_reseal(&lb, index);
	}
	assert_int_equal(write(fd, lb.bytes, lb.len), (ssize_t)lb.len);
	close(fd);
	lb_free(&lb);
	log = hvt_log_open(path, HVT_READER_NO_SYMBOLS);
	unlink(path);
	assert_non_null(log);
	return log;
}

static bool next(struct hvt_log *log, struct seen *s)
{
	struct hvt_event ev;
	int rc = hvt_log_event(log, &ev);

	assert_true(rc >= 0);
	if (!rc)
		return false;
	memset(s, 0, sizeof(*s));
	s->type = ev.type;
	s->cpu = ev.cpu;
	s->seq = ev.seq;
	s->tsc = ev.tsc;
	s->ns = ev.ns;
	s->record = hvt_log_record(log);
	if (ev.ip_sym.name)
		snprintf(s->sym, sizeof(s->sym), "%s", ev.ip_sym.name);
	return true;
}

static void read_all(struct hvt_log *log, struct all *all)
{
	for (all->n = 0; next(log, &all->v[all->n]); all->n++)
		;
}

/* The next events are those from i on. */
static void follows(struct hvt_log *log, const struct all *all, size_t i)
{
	struct seen s;
	int k;

	for (k = 0; k < 4 && i < all->n; k++, i++) {
		assert_true(next(log, &s));
		assert_memory_equal(&s, &all->v[i], sizeof(s));
	}
	if (k < 4)
		assert_false(next(log, &s));
}

static struct all everything;

static int setup(void **state)
{
	struct hvt_log *log = open_variant(NO_INDEX);

	(void)state;
	read_all(log, &everything);
	assert_int_equal(hvt_reader_state(hvt_log_reader(log)), HVT_LOG_COMPLETE);
	hvt_log_close(log);
	return 0;
}

static void test_order(void **state)
{
	size_t i, records = 0;

	(void)state;
	/* the ones that have no event count as records */
	for (i = 1; i < everything.n; i++) {
		assert_true(everything.v[i].tsc >= everything.v[i - 1].tsc);
		assert_true(everything.v[i].record > everything.v[i - 1].record);
		records += everything.v[i].record - everything.v[i - 1].record > 1;
	}
	assert_true(records > 10);
	assert_int_equal(everything.v[everything.n - 1].record, CPUS * SECTIONS * RECORDS - 1);
}

static void test_seek(void **state)
{
	struct hvt_log *log;
	enum variant v;
	uint64_t n;
	size_t i;

	(void)state;
	for (v = 0; v < VARIANTS; v++) {
		log = open_variant(v);
		assert_int_equal(hvt_log_records(log), CPUS * SECTIONS * RECORDS);
		follows(log, &everything, 0);
		for (n = 0; n <= CPUS * SECTIONS * RECORDS; n += 5) {
			for (i = 0; i < everything.n && everything.v[i].record < n;)
				i++;
			assert_int_equal(hvt_log_seek_record(log, n), 0);
			follows(log, &everything, i);
		}
		for (n = 4999999990ull; n < 5000018000ull; n += 217) {
			for (i = 0; i < everything.n && everything.v[i].ns < n;)
				i++;
			assert_int_equal(hvt_log_seek_ns(log, n), 0);
			follows(log, &everything, i);
		}
		for (n = 0; n < SECTIONS * RECORDS; n += 3) {
			for (i = 0; i < everything.n &&
				    (everything.v[i].cpu != n % CPUS || everything.v[i].seq < n);)
				i++;
			assert_int_equal(hvt_log_seek_seq(log, n % CPUS, n), 0);
			follows(log, &everything, i);
		}
		assert_int_equal(hvt_log_rewind(log), 0);
		follows(log, &everything, 0);
		hvt_log_close(log);
	}
}

static void test_state(void **state)
{
	struct hvt_log *log = open_variant(CUT);
	struct hvt_event ev;

	(void)state;
	assert_int_equal(hvt_log_seek_record(log, 500), 0);
	while (hvt_log_event(log, &ev) > 0)
		;
	assert_int_equal(hvt_reader_state(hvt_log_reader(log)), HVT_LOG_CUT);
	hvt_log_close(log);
	log = open_variant(INDEXED);
	assert_int_equal(hvt_log_seek_ns(log, UINT64_MAX), 0);
	assert_int_equal(hvt_log_event(log, &ev), 0);
	assert_int_equal(hvt_reader_state(hvt_log_reader(log)), HVT_LOG_COMPLETE);
	hvt_log_close(log);
}

static void test_select(void **state)
{
	struct hvt_selection cpu = { .flags = HVT_SELECT_CPU, .cpu = 1 };
	struct hvt_selection two = { .flags = HVT_SELECT_ADDR | HVT_SELECT_BEFORE,
				     .addr = 0x404006,
				     .addr_len = 4 };
	struct hvt_log *log = open_variant(INDEXED);
	struct hvt_event ev;
	size_t i, n = 0;

	(void)state;
	assert_int_equal(hvt_log_select(log, &cpu), 0);
	assert_int_equal(hvt_log_records(log), SECTIONS * RECORDS);
	for (i = 0; i < everything.n; i++) {
		if (everything.v[i].cpu != 1)
			continue;
		assert_int_equal(hvt_log_event(log, &ev), 1);
		assert_int_equal(ev.cpu, 1);
		assert_int_equal(ev.seq, everything.v[i].seq);
		assert_int_equal(hvt_log_record(log), everything.v[i].seq);
	}
	assert_int_equal(hvt_log_event(log, &ev), 0);
	assert_int_equal(hvt_log_seek_record(log, 100), 0);
	assert_int_equal(hvt_log_event(log, &ev), 1);
	assert_true(ev.cpu == 1 && ev.seq >= 100 && ev.seq <= 102);

	two.before_ns = everything.v[everything.n / 2].ns;
	assert_int_equal(hvt_log_select(log, &two), 0);
	while (hvt_log_event(log, &ev) > 0) {
		assert_true(ev.ns < two.before_ns);
		assert_true(ev.addr == 0x404004 || ev.addr == 0x404008);
		n++;
	}
	assert_true(n > 20);
	hvt_log_close(log);
}

static void mark(struct logbuild *lb, uint64_t tsc)
{
	struct hvt_log_mark h = { .tsc = tsc };

	lb_section(lb, HVT_SEC_MARK, 0, &h, sizeof(h));
}

/* A mark is of no record: it has the number of the event before it. */
static void test_marks(void **state)
{
	static const struct {
		uint64_t tsc, record;
		uint32_t type;
	} want[] = { { 1005, 0, HVT_EV_MARK },	 { 1010, 0, HVT_EV_ACCESS },
		     { 1011, 0, HVT_EV_MARK },	 { 1012, 0, HVT_EV_MARK },
		     { 1020, 1, HVT_EV_ACCESS }, { 1050, 4, HVT_EV_ACCESS },
		     { 1055, 4, HVT_EV_MARK },	 { 1060, 5, HVT_EV_ACCESS },
		     { 1070, 5, HVT_EV_MARK } };
	const size_t n = sizeof(want) / sizeof(want[0]);
	char path[] = "/tmp/hvtrace-seek-XXXXXX";
	struct logbuild lb = { 0 }, cpu = { 0 };
	int fd = mkstemp(path);
	struct hvt_event ev;
	struct hvt_log *log;
	uint64_t seq, from;
	size_t i;

	(void)state;
	assert_true(fd >= 0);
	lb_header(&lb, 1);
	lb_clock(&lb, 900, 5000000000ull, 3000000);
	lb_watch(&lb, 1, HVT_ACC_R | HVT_ACC_W, 100, 0x404000, 0x40, "x");
	/* those of seq 2 and 3 are lost with their events: they were near */
	for (seq = 0; seq < 6; seq++) {
		struct hvt_rec_access a = lb_access(seq, 1010 + 10 * seq, 0x404000);
		uint64_t gpr[16] = { [7] = 0x404f00 };

		if (seq == 2 || seq == 3) {
			a.h.flags |= HVT_RF_BLIND;
			a.size = 0;
			a.gla = 0x404f00;
		}
		lb_record(&cpu, &a, gpr, 0, NULL, NULL, 0);
	}
	for (i = 0; i < n; i++)
		if (want[i].type == HVT_EV_MARK)
			mark(&lb, want[i].tsc);
	lb_section(&lb, HVT_SEC_EVENTS, 0, cpu.bytes, cpu.len);
	lb_round(&lb, 2000);
	lb_end(&lb, HVT_END_STOP);
	assert_int_equal(write(fd, lb.bytes, lb.len), (ssize_t)lb.len);
	close(fd);
	log = hvt_log_open(path, HVT_READER_NO_SYMBOLS);
	unlink(path);
	assert_non_null(log);
	for (i = 0; i < n; i++) {
		assert_int_equal(hvt_log_event(log, &ev), 1);
		assert_int_equal(ev.type, want[i].type);
		assert_int_equal(ev.tsc, want[i].tsc);
		assert_int_equal(hvt_log_record(log), want[i].record);
	}
	/* a seek goes to the record, not to a mark in front of it */
	for (from = 1; from < 6; from++) {
		for (i = 0; want[i].type == HVT_EV_MARK || want[i].record < from;)
			i++;
		assert_int_equal(hvt_log_seek_record(log, from), 0);
		for (; i < n; i++) {
			assert_int_equal(hvt_log_event(log, &ev), 1);
			assert_int_equal(ev.tsc, want[i].tsc);
			assert_int_equal(hvt_log_record(log), want[i].record);
		}
		assert_int_equal(hvt_log_event(log, &ev), 0);
	}
	hvt_log_close(log);
	lb_free(&lb);
	lb_free(&cpu);
}

static bool take_task(const struct hvt_task_fact *t, void *text)
{
	sprintf((char *)text + strlen(text), "%u/%u<%u:%s ", t->pid, t->tid, t->ppid, t->comm);
	return true;
}

static void task(struct logbuild *lb, uint64_t ns, uint32_t what, uint32_t pid, uint32_t tid,
		 uint32_t ppid, const char *comm)
{
	struct hvt_log_task h = { .ns = ns,
				  .what = what,
				  .pid = pid,
				  .tid = tid,
				  .ppid = ppid,
				  .ptid = ppid,
				  .comm_len = (uint32_t)strlen(comm) };
	struct logbuild p = { 0 };

	lb_bytes(&p, &h, sizeof(h));
	lb_bytes(&p, comm, h.comm_len);
	lb_section(lb, HVT_SEC_TASK, 0, p.bytes, p.len);
	lb_free(&p);
}

static void test_questions(void **state)
{
	static const struct {
		uint64_t ns;
		const char *tasks;
	} times[] = {
		{ 5, "1/1<0:init 10/10<0:sh " },
		{ 20, "1/1<0:init 10/10<0:sh 11/11<10:sh " },
		{ 35, "1/1<0:init 10/10<0:sh 11/11<10:ls 11/12<10:ls " },
		{ 50, "1/1<0:init 10/10<0:sh " },
		{ 70, "1/1<0:init 10/10<0:sh 11/11<1:init " },
	};
	static const uint8_t insn[] = { 0x89, 0x07 };
	struct hvt_reader *r = hvt_reader_new(HVT_READER_NO_SYMBOLS);
	struct logbuild lb = { 0 };
	struct hvt_symbol sym;
	char text[256];
	size_t i;

	(void)state;
	lb_header(&lb, 1);
	task(&lb, 10, HVT_TASK_SEEN, 10, 10, 0, "sh");
	task(&lb, 20, HVT_TASK_FORK, 11, 11, 10, "");
	task(&lb, 30, HVT_TASK_EXEC, 11, 11, 0, "ls");
	task(&lb, 35, HVT_TASK_FORK, 11, 12, 10, "ls");
	task(&lb, 40, HVT_TASK_EXIT, 11, 12, 0, "");
	task(&lb, 50, HVT_TASK_EXIT, 11, 11, 0, "");
	task(&lb, 60, HVT_TASK_SEEN, 1, 1, 0, "init"); /* met late */
	task(&lb, 70, HVT_TASK_FORK, 11, 11, 1, "init");
	lb_ksym(&lb, KIP, 16, "function", "module");
	lb_ksym(&lb, 0xfed00000, 0x400, "HPET 0", "");
	assert_int_equal(hvt_reader_feed(r, lb.bytes, lb.len), 0);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		text[0] = '\0';
		assert_int_equal(hvt_reader_tasks(r, times[i].ns, take_task, text), 0);
		assert_string_equal(text, times[i].tasks);
	}
	hvt_reader_symbol(r, 0, 5, KIP + 3, &sym);
	assert_string_equal(sym.name, "function");
	assert_string_equal(sym.obj, "module");
	assert_int_equal(sym.off, 3);
	hvt_reader_physical_symbol(r, 0xfed000f0, &sym);
	assert_string_equal(sym.name, "HPET 0");
	assert_string_equal(hvt_reader_insn(r, KIP, 0, insn, 2), "mov dword ptr [rdi], eax");
	assert_null(hvt_reader_insn(r, KIP, 0, insn, 1));
	hvt_reader_free(r);
	lb_free(&lb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),	  cmocka_unit_test(test_seek),
		cmocka_unit_test(test_state),	  cmocka_unit_test(test_select),
		cmocka_unit_test(test_questions), cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
