// SPDX-License-Identifier: GPL-2.0-only
/*
 * A log names its events without the files: what the agent writes of a real program, read
 * by the real reader with the file there, deleted, and replaced. And ELF files made to
 * hurt whoever reads them.
 */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <hvtrace/hvtrace.h>

#include "elf_table.h"
#include "facts.h"
#include "logbuild.h"
#include "readlog.h"
#include "test_agent_log.h"

/* Of main, a static function, data, .bss, a library, the vDSO. */
enum { MAIN, HIDDEN, ANSWER, MANY, PUTS, VDSO, ADDRS };

static const char program[] =
	"#include <dlfcn.h>\n#include <stdio.h>\n#include <unistd.h>\n"
	"long answer = 42, many[4096];\nstatic void *hidden(void) { return (void *)hidden; }\n"
	"int main(void)\n{\n"
	"\tprintf(\"%p %p %p %p %p %p\\n\", (void *)main, hidden(), (void *)&answer,"
	" (void *)&many[4095], (void *)puts,"
	" dlsym(dlopen(\"linux-vdso.so.1\", RTLD_LAZY | RTLD_NOLOAD), \"__vdso_time\"));\n"
	"\tfflush(stdout);\n\tfor (;;)\n\t\tpause();\n}\n";

struct victim {
	char dir[64], exe[128];
	pid_t pid;
	uint64_t ns; /* when its maps were told */
	unsigned long long at[ADDRS];
};

static void run(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	assert_int_equal(system(cmd), 0);
}

static void start(struct victim *v, const char *flags)
{
	FILE *f;
	int fd[2], i;

	snprintf(v->dir, sizeof(v->dir), "/tmp/hvtrace-objects-XXXXXX");
	assert_non_null(mkdtemp(v->dir));
	snprintf(v->exe, sizeof(v->exe), "%s/prog.c", v->dir);
	f = fopen(v->exe, "w");
	assert_non_null(f);
	fputs(program, f);
	assert_int_equal(fclose(f), 0);
	run("cd %s && cc %s -o prog prog.c", v->dir, flags);
	snprintf(v->exe, sizeof(v->exe), "%s/prog", v->dir);
	assert_int_equal(pipe(fd), 0);
	v->pid = fork();
	assert_true(v->pid >= 0);
	if (!v->pid) {
		dup2(fd[1], 1);
		close(fd[0]);
		execl(v->exe, v->exe, (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	f = fdopen(fd[0], "r");
	assert_non_null(f);
	for (i = 0; i < 6; i++)
		assert_int_equal(fscanf(f, "%llx", &v->at[i]), 1);
	fclose(f);
}

static void end(struct victim *v)
{
	if (v->pid) {
		kill(v->pid, SIGKILL);
		waitpid(v->pid, NULL, 0);
	}
	v->pid = 0;
}

/* What the agent writes about accesses by and to what the victim told. */
static void agent_sections(struct victim *v, bool replaced, bool gone, struct buf *out)
{
	char path[] = "/tmp/hvtrace-objects-XXXXXX";
	struct log_writer log = { .fd = mkstemp(path) };
	struct facts f = { .log = &log, .objects.log = &log };
	uint32_t pid = (uint32_t)v->pid;
	int i, round;

	assert_true(log.fd >= 0);
	unlink(path);
	facts_snapshot(&f, pid);
	v->ns = mono_ns();
	if (replaced)
		run("cp %s %s.away && rm %s && cp /bin/true %s", v->exe, v->exe, v->exe, v->exe);
	if (gone)
		end(v);
	/* once is enough */
	for (round = 0; round < 2; round++) {
		for (i = 0; i < ADDRS; i++)
			objects_see(&f.objects, pid, v->at[i]);
		assert_int_equal(objects_write_one(&f.objects), !round);
		while (objects_write_one(&f.objects))
			;
	}
	if (replaced)
		run("mv %s.away %s", v->exe, v->exe);
	assert_int_equal(log_finish(&log), 0);
	assert_int_equal(lseek(log.fd, 0, SEEK_SET), 0);
	assert_int_equal(buf_read_fd(out, log.fd, 1u << 30), 0);
	close(log.fd);
	log_free(&log);
	facts_free(&f);
}

/* Lines of text, then of JSON, of accesses from each of nr places to each. */
static char *decode(const struct victim *v, uint32_t pid, const struct buf *sections, bool tables,
		    int nr, unsigned int flags)
{
	struct logbuild lb = { 0 }, cpu = { 0 };
	struct hvt_rec_access a;
	struct hvt_reader *r;
	struct hvt_event ev;
	char *out = NULL;
	size_t size = 0;
	struct walk w;
	int type, i;
	FILE *f = open_memstream(&out, &size);

	assert_non_null(f);
	lb_header(&lb, 1);
	lb_clock(&lb, 1000, v->ns, 1000000);
	walk_start(&w, sections, false);
	while ((type = walk_next(&w)) != 0) {
		if (tables || (type != HVT_SEC_OBJECT && type != HVT_SEC_SYMTAB))
			lb_section(&lb, (uint32_t)type, 0, w.payload, w.s.len);
	}
	for (i = 0; i < nr * nr; i++) {
		a = lb_access((uint64_t)i, 2000 + (uint64_t)i, v->at[i / nr] + (uint64_t)i % 5);
		a.h.watch = 0;
		a.ip = v->at[i % nr];
		a.pid = a.tid = pid;
		lb_record(&cpu, &a, NULL, 0, NULL, NULL, 0);
	}
	lb_section(&lb, HVT_SEC_EVENTS, 0, cpu.bytes, cpu.len);
	lb_end(&lb, HVT_END_STOP);
	for (i = 0; i < 2; i++) {
		r = read_log(&lb, flags);
		assert_int_equal(hvt_reader_state(r), HVT_LOG_COMPLETE);
		while (hvt_reader_next(r, &ev))
			(i ? hvt_event_json : hvt_event_text)(f, &ev);
		hvt_reader_free(r);
	}
	fclose(f);
	lb_free(&cpu);
	lb_free(&lb);
	return out;
}

static void is(const char *want, char *got)
{
	assert_string_equal(got, want);
	free(got);
}

/* replaced: the file is, between mapping and looking. gone: the process is. */
static void same_names(const char *flags, bool replaced, bool gone)
{
	struct buf sections = { 0 };
	struct victim v = { 0 };
	char *all, *files;
	uint32_t pid;

	start(&v, flags);
	pid = (uint32_t)v.pid;
	agent_sections(&v, replaced, gone, &sections);
	end(&v);

	all = decode(&v, pid, &sections, true, ADDRS, HVT_READER_NO_SYMBOLS);
	assert_non_null(strstr(all, " prog:main "));
	assert_non_null(strstr(all, "\"sym\":\"hidden+0x0\",\"obj\":\"prog\""));
	assert_non_null(strstr(all, "prog:answer+0x"));
	assert_non_null(strstr(all, "prog:many+0x7ff"));
	assert_non_null(strstr(all, "libc.so.6:_IO_puts"));
	assert_non_null(strstr(all, "[vdso]:__vdso_time"));
	is(all, decode(&v, pid, &sections, true, ADDRS, 0));
	/* this machine's files say the same, but of the vDSO, which is none */
	files = decode(&v, pid, &sections, true, VDSO, HVT_READER_NO_SYMBOLS);
	is(files, decode(&v, pid, &sections, false, VDSO, 0));

	run("cp /bin/true %s", v.exe);
	is(all, decode(&v, pid, &sections, true, ADDRS, 0));
	run("rm %s", v.exe);
	is(all, decode(&v, pid, &sections, true, ADDRS, 0));
	free(files);
	files = decode(&v, pid, &sections, false, VDSO, 0);
	assert_null(strstr(files, "prog:main"));
	run("rm -r %s", v.dir);
	free(files);
	free(all);
	buf_free(&sections);
}

static void without_binaries(void **state)
{
	(void)state;
	same_names("-fPIE -pie", false, false);
	same_names("-fPIE -pie -g -O2", false, false);
	/* by its build-id, when nothing else leads to it */
	same_names("-fPIE -pie -Wl,--build-id", false, true);
	/* map_files, the way to a file without a name, is root's */
	if (geteuid() == 0)
		same_names("-fPIE -pie -Wl,--build-id=none", true, false);
}

/* A child has what its parent had, and what was told of it last. */
static void spaces(void **state)
{
	struct hvt_log_map map = { .start = 0x1000, .end = 0x2000, .pid = 7, .prot = PROT_EXEC };
	struct objects o = { 0 };
	uint32_t pid;

	(void)state;
	objects_see(&o, 7, 0x1000);
	objects_map(&o, &map, NULL, 0, "/a");
	objects_see(&o, 8, 0x1000); /* nobody's */
	assert_int_equal(o.nr_touched, 0);
	objects_fork(&o, 7, 8);
	map.start = 0x2000;
	map.end = 0x5000;
	objects_map(&o, &map, NULL, 0, "[heap]");
	map.start = 0x8000;
	map.end = 0x9000;
	objects_map(&o, &map, NULL, 0, "/b");
	objects_see(&o, 7, 0x2000); /* held, by what has no file */
	objects_see(&o, 7, 0xfff);
	objects_see(&o, 7, ~0ull);
	assert_int_equal(o.nr_touched, 0);
	objects_see(&o, 7, 0x9100); /* behind /b */
	assert_int_equal(o.nr_touched, 1);
	assert_string_equal(o.v[o.queue[0]].path, "/b");
	objects_see(&o, 8, 0x8000); /* not the child's: behind /a */
	assert_int_equal(o.nr_touched, 2);
	assert_string_equal(o.v[o.queue[1]].path, "/a");
	/* the same page again, after something else was mapped over it */
	map.pid = 8;
	objects_map(&o, &map, (const uint8_t *)"id", 2, "/b");
	objects_see(&o, 8, 0x8000);
	assert_int_equal(o.nr_touched, 3);
	assert_int_equal(o.v[o.queue[2]].build_id_len, 2);

	/* the last events of those that have exited come late, but not as late as that */
	objects_exit(&o, 8);
	map.pid = 9;
	objects_map(&o, &map, NULL, 0, "/c");
	objects_exit(&o, 9);
	objects_map(&o, &map, NULL, 0, "/d"); /* the number lives again */
	for (pid = 100; pid < 1000; pid++) {
		objects_fork(&o, 7, pid);
		objects_exit(&o, pid);
	}
	assert_true(o.nr_dead < 300);
	objects_see(&o, 9, 0x8000);
	assert_int_equal(o.nr_touched, 5);
	objects_free(&o);
}

/* What nobody has mapped as code is not read: to do so would be an access to it. */
static void data(void **state)
{
	struct hvt_log_map map = { .start = 0x1000, .end = 0x2000, .pid = 7, .prot = PROT_READ };
	struct objects o = { 0 };

	(void)state;
	objects_map(&o, &map, NULL, 0, "/dev/zero (deleted)");
	map.start = 0x8000;
	map.end = 0x9000;
	objects_map(&o, &map, NULL, 0, "/lib");
	objects_see(&o, 7, 0x1000);
	objects_see(&o, 7, 0x8000);
	assert_int_equal(o.nr_touched, 0);
	/* the loader has touched the file before it maps its code */
	map.start = 0x9000;
	map.end = 0xa000;
	map.prot = PROT_READ | PROT_EXEC;
	objects_map(&o, &map, NULL, 0, "/lib");
	assert_int_equal(o.nr_touched, 1);
	assert_string_equal(o.v[o.queue[0]].path, "/lib");
	assert_int_equal(o.v[o.queue[0]].addr, 0x8000);
	objects_see(&o, 7, 0x9000);
	objects_see(&o, 7, 0x1000);
	assert_int_equal(o.nr_touched, 1);
	objects_free(&o);
}

static int file_of(const void *bytes, size_t len, off_t size)
{
	char path[] = "/tmp/hvtrace-hostile-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(pwrite(fd, bytes, len, 0), (ssize_t)len);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static void table_of(struct elf_table *t, int fd)
{
	memset(t, 0, sizeof(*t));
	elf_table_segments(t, fd);
	elf_table_symbols(t, fd);
	elf_table_sort(t);
	close(fd);
}

/* An ELF file of nothing but symbols: nr of them, all with the name at the start of strings. */
static int symbol_file(uint64_t nr, uint64_t strings, unsigned int tables)
{
	struct {
		Elf64_Ehdr e;
		Elf64_Shdr sh[1024];
	} h = { .e = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				    1 },
		       .e_type = ET_DYN,
		       .e_machine = EM_X86_64,
		       .e_version = 1,
		       .e_shoff = offsetof(__typeof__(h), sh),
		       .e_ehsize = sizeof(Elf64_Ehdr),
		       .e_shentsize = sizeof(Elf64_Shdr),
		       .e_shnum = (Elf64_Half)(2 + tables) } };
	Elf64_Sym *syms = calloc(nr, sizeof(*syms));
	uint64_t at = sizeof(h) + strings, i;
	char *text = malloc(strings);
	int fd;

	assert_true(syms && text && tables <= 1022);
	memset(text, 'x', strings);
	h.sh[1] = (Elf64_Shdr){ .sh_type = SHT_STRTAB, .sh_offset = sizeof(h), .sh_size = strings };
	for (i = 0; i < tables; i++)
		h.sh[2 + i] = (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
					    .sh_offset = at,
					    .sh_size = nr * sizeof(*syms),
					    .sh_link = 1,
					    .sh_entsize = sizeof(*syms) };
	for (i = 0; i < nr; i++)
		syms[i] = (Elf64_Sym){ .st_value = i, .st_info = STT_FUNC, .st_shndx = 1 };
	fd = file_of(&h, sizeof(h), (off_t)(at + nr * sizeof(*syms)));
	assert_int_equal(pwrite(fd, text, strings, sizeof(h)), (ssize_t)strings);
	assert_int_equal(pwrite(fd, syms, nr * sizeof(*syms), (off_t)at),
			 (ssize_t)(nr * sizeof(*syms)));
	free(syms);
	free(text);
	return fd;
}

static void limits(void **state)
{
	struct elf_table t;

	(void)state;
	table_of(&t, symbol_file(1000, 10, 1));
	assert_int_equal(t.nr_syms, 999);
	assert_int_equal(t.flags, 0);
	elf_table_free(&t);
	/* names that share their bytes: 100,000 of 1 MiB each */
	table_of(&t, symbol_file(100000, 1u << 20, 1));
	assert_true(t.nr_syms < 33 && t.names.len <= ELF_TABLE_NAMES_MAX);
	assert_int_equal(t.flags, HVT_OBJECT_CUT);
	elf_table_free(&t);
	/* a thousand tables */
	table_of(&t, symbol_file(1000, 10, 1000));
	assert_int_equal(t.nr_syms, 999);
	elf_table_free(&t);
	/* too many symbols, too many names */
	table_of(&t, symbol_file(ELF_TABLE_SYMS_MAX + 1, 10, 1));
	assert_true(!t.nr_syms && t.flags == HVT_OBJECT_CUT);
	elf_table_free(&t);
	table_of(&t, symbol_file(10, ELF_TABLE_STRINGS_MAX + 1ull, 1));
	assert_true(!t.nr_syms && t.flags == HVT_OBJECT_CUT);
	elf_table_free(&t);
}

/* A sparse file whose counts are as large as it is. */
static void sparse(void **state)
{
	struct {
		Elf64_Ehdr e;
		Elf64_Shdr sh;
	} h = { .e = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				    1 },
		       .e_type = ET_DYN,
		       .e_machine = EM_X86_64,
		       .e_version = 1,
		       .e_shoff = sizeof(Elf64_Ehdr),
		       .e_phoff = sizeof(Elf64_Ehdr),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_shentsize = sizeof(Elf64_Shdr) },
		.sh = { .sh_size = 1u << 30, .sh_info = 1u << 30 } };
	uint8_t id[BUILD_ID_MAX];
	struct elf_table t;
	int fd;

	(void)state;
	fd = file_of(&h, sizeof(h), 1ll << 37);
	assert_null(elf_open(fd));
	assert_int_equal(elf_build_id(fd, id), 0);
	table_of(&t, fd);
	assert_true(!t.nr_segs && !t.nr_syms);
	h.e.e_shnum = 1;
	h.e.e_phnum = PN_XNUM;
	fd = file_of(&h, sizeof(h), 1ll << 37);
	assert_null(elf_open(fd));
	close(fd);
	elf_table_free(&t);
}

/* Damaged copies of this very program: any table, no crash, and one that can be read back. */
static void damaged(void **state)
{
	int in = open("/proc/self/exe", O_RDONLY), round;
	static uint8_t whole[1 << 24], bytes[1 << 24];
	unsigned int seed = 5;
	struct elf_table t;
	size_t len, i, where;

	(void)state;
	assert_true(in >= 0);
	for (len = 0; len < sizeof(whole); len += i) {
		ssize_t got = read(in, whole + len, sizeof(whole) - len);

		assert_true(got >= 0);
		i = (size_t)got;
		if (!got)
			break;
	}
	close(in);
	for (round = 0; round < 150; round++) {
		memcpy(bytes, whole, len);
		for (i = 0; i < 40; i++) {
			/* the header, the section headers at the end, anywhere */
			where = i % 3 == 0 ? (size_t)rand_r(&seed) % 1024 :
				i % 3 == 1 ? len - 1 - (size_t)rand_r(&seed) % 3000 :
					     (size_t)rand_r(&seed) % len;
			bytes[where] ^= (uint8_t)(1u << (rand_r(&seed) % 8));
		}
		memcpy(bytes, whole, 20);
		table_of(&t, file_of(bytes, len, (off_t)len));
		for (i = 1; i < t.nr_syms; i++)
			assert_true(t.syms[i - 1].value <= t.syms[i].value);
		elf_table_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_binaries),
		cmocka_unit_test(spaces),
		cmocka_unit_test(data),
		cmocka_unit_test(limits),
		cmocka_unit_test(sparse),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
