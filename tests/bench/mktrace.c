// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes a log of the first N instructions of a command on standard output, as a trace of
 * it would be: the instructions are real, seen by single-stepping it with ptrace, and so
 * are its maps; the times between them are made up, an exit's cost with some noise.
 * usage: mktrace N COMMAND [ARG...]
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"
#include "logtrace.h"
#include "xorshift.h"

#define ROUND_RECORDS 65536u
#define EXIT_TICKS    2500u /* of an exit and a step, of 2.5 GHz */
#define START_NS      5000000000ull

struct trace {
	struct logbuild log, records;
	struct hvt_decoder *decoder;
	int pid;
	uint64_t seq, tsc, round;
	char maps[1u << 16]; /* as they were told last */
};

static void end_round(struct trace *t)
{
	if (t->records.len)
		lb_section(&t->log, HVT_SEC_EVENTS, 0, t->records.bytes, t->records.len);
	lb_round(&t->log, t->tsc + 1);
	t->records.len = 0;
	t->round = t->seq;
}

static void flush(struct trace *t)
{
	if (fwrite(t->log.bytes, 1, t->log.len, stdout) != t->log.len)
		exit(1);
	t->log.len = 0;
}

/* Marsaglia, Xorshift RNGs. The sum of four: a bell, as cache misses and the like make it. */
static uint32_t noise(void)
{
	static uint64_t x = 88172645463325252ull;

	x = xorshift(x);
	return (x & 127) + (x >> 16 & 127) + (x >> 32 & 127) + (x >> 48 & 127);
}

/* MAP sections of the files that are mapped now and were not before. */
static void tell_maps(struct trace *t)
{
	unsigned long long start, end, offset;
	char path[64], now[sizeof(t->maps)], old[sizeof(t->maps)], prot[5], file[4096], *line;
	char *rest = now;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", t->pid);
	f = fopen(path, "re");
	if (!f)
		return;
	n = fread(now, 1, sizeof(now) - 1, f);
	fclose(f);
	now[n] = '\0';
	strcpy(old, t->maps);
	strcpy(t->maps, now);
	while ((line = strsep(&rest, "\n")) && *line) {
		file[0] = '\0';
		if (strstr(old, line) ||
		    sscanf(line, "%llx-%llx %4s %llx %*s %*s %4095s", &start, &end, prot, &offset,
			   file) < 4 ||
		    !file[0])
			continue;
		lb_map(&t->log, START_NS + t->tsc, (uint32_t)t->pid, start, end, offset,
		       (prot[0] == 'r' ? PROT_READ : 0) | (prot[1] == 'w' ? PROT_WRITE : 0) |
			       (prot[2] == 'x' ? PROT_EXEC : 0),
		       file, NULL, 0);
	}
}

/* Up to 15 bytes at addr: an instruction may be the last thing that is mapped. */
static size_t fetch(const struct trace *t, uint64_t addr, uint8_t out[15])
{
	size_t len = 15, page = 4096 - addr % 4096;
	struct iovec to = { out, len }, from = { (void *)(uintptr_t)addr, len };
	ssize_t n = process_vm_readv(t->pid, &to, 1, &from, 1, 0);

	if (n >= 0 || page >= len)
		return n < 0 ? 0 : (size_t)n;
	to.iov_len = from.iov_len = page;
	n = process_vm_readv(t->pid, &to, 1, &from, 1, 0);
	return n < 0 ? 0 : (size_t)n;
}

static void put_flow(struct trace *t, uint8_t what, uint64_t ip, uint64_t to, uint32_t number,
		     const uint64_t *arg)
{
	struct hvt_rec_flow f = lb_flow(t->seq++, t->tsc, what);

	f.pid = f.tid = (uint32_t)t->pid;
	f.ip = ip;
	f.to = to;
	f.code = number;
	if (what == HVT_FLOW_RESUME)
		f.h.flags |= HVT_RF_SYSRET;
	memcpy(f.arg, arg, sizeof(f.arg));
	lb_bytes(&t->records, &f, sizeof(f));
	t->tsc += EXIT_TICKS + noise();
}

static void put_insn(struct trace *t, uint64_t ip, const uint8_t *bytes, size_t len)
{
	struct hvt_rec_insn in = lb_insn(t->seq++, t->tsc, ip);
	const struct hvt_insn *decoded;

	in.pid = in.tid = (uint32_t)t->pid;
	memset(in.insn, 0, sizeof(in.insn));
	memcpy(in.insn, bytes, len);
	decoded = hvt_decode(t->decoder, ip, 0, in.insn, len);
	in.insn_len = (uint8_t)(decoded ? decoded->len : len);
	memset(in.insn + in.insn_len, 0, sizeof(in.insn) - in.insn_len);
	lb_bytes(&t->records, &in, sizeof(in));
	t->tsc += EXIT_TICKS + noise();
}

/* One instruction; false: there are no more. */
static bool step(struct trace *t)
{
	static const uint64_t none[6];
	struct user_regs_struct r;
	uint64_t ip, args[6] = { 0 };
	uint8_t bytes[15] = { 0 };
	uint32_t number;
	size_t len;
	bool call;
	int status;

	if (ptrace(PTRACE_GETREGS, t->pid, NULL, &r))
		return false;
	ip = r.rip;
	len = fetch(t, ip, bytes);
	call = len >= 2 && bytes[0] == 0x0f && bytes[1] == 0x05;
	number = (uint32_t)r.rax;
	if (call)
		memcpy(args, (uint64_t[6]){ r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9 }, sizeof(args));
	if (ptrace(PTRACE_SINGLESTEP, t->pid, NULL, NULL) || waitpid(t->pid, &status, 0) < 0)
		return false;
	put_insn(t, ip, bytes, len);
	if (call)
		put_flow(t, HVT_FLOW_SYSCALL, ip, 0, number, args);
	if (!WIFSTOPPED(status)) {
		put_flow(t, HVT_FLOW_EXIT, 0, 0, (uint32_t)status, none);
		return false;
	}
	if (call && !ptrace(PTRACE_GETREGS, t->pid, NULL, &r)) {
		args[0] = r.rax;
		put_flow(t, HVT_FLOW_RESUME, 0, r.rip, number, args);
		tell_maps(t);
	}
	if (t->seq - t->round >= ROUND_RECORDS) {
		end_round(t);
		flush(t);
	}
	return true;
}

static int start(char **command)
{
	int pid = fork(), out = pid ? -1 : open("/dev/null", O_WRONLY);

	if (pid)
		return pid;
	dup2(out, STDOUT_FILENO);
	if (!ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		execvp(command[0], command);
	_exit(127);
}

int main(int argc, char **argv)
{
	static struct trace t = { .tsc = 1000 };
	const struct hvt_log_trace trace = { .id = 5 };
	struct hvt_log_task task = { .ns = START_NS, .what = HVT_TASK_SEEN };
	uint64_t n = argc > 2 ? strtoull(argv[1], NULL, 0) : 0;
	int status;

	t.decoder = hvt_decoder_new();
	if (!n || !t.decoder)
		return 2;
	t.pid = start(argv + 2);
	if (waitpid(t.pid, &status, 0) < 0 || !WIFSTOPPED(status))
		return 1;
	ptrace(PTRACE_SETOPTIONS, t.pid, NULL, (void *)(uintptr_t)PTRACE_O_EXITKILL);
	lb_header(&t.log, 1);
	lb_clock(&t.log, 1000, START_NS, 2500000);
	lb_trace(&t.log, &trace, NULL, argv[2]);
	lb_section(&t.log, HVT_SEC_ARMED, 0, NULL, 0);
	task.pid = task.tid = (uint32_t)t.pid;
	lb_task_with(&t.log, &task, argv[2]);
	tell_maps(&t);
	while (n-- && step(&t))
		;
	end_round(&t);
	lb_end(&t.log, HVT_END_TARGET);
	flush(&t);
	hvt_decoder_free(t.decoder);
	return 0;
}
