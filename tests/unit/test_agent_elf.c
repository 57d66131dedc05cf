// SPDX-License-Identifier: GPL-2.0-only
/*
 * Symbol lookup against real files: this test's own process and its libraries, and
 * programs that the compiler makes on the spot (static, position independent).
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <hvtrace/uapi.h>

#include "agent.h"
#include "elf_syms.h"
#include "proc.h"
#include "resolve.h"

extern char agent_test_global[24];
char agent_test_global[24] = "here";
static volatile int agent_test_local = 7;
extern __thread volatile int agent_test_tls;
__thread volatile int agent_test_tls;

static int resolve(const char *text, uint32_t access, int32_t pid, struct want *w)
{
	int rc;

	memset(w, 0, sizeof(*w));
	w->text = text;
	w->access = access;
	rc = spec_parse(text, &w->spec);
	return rc ? rc : resolve_all(w, 1, pid);
}

static void own_variables(void **state)
{
	struct want w;

	(void)state;
	agent_test_local++;
	agent_test_tls = agent_test_local;
	assert_int_equal(resolve("agent_test_global", HVT_ACC_W, getpid(), &w), AGENT_OK);
	assert_true(w.addr == (uintptr_t)agent_test_global);
	assert_int_equal(w.len, sizeof(agent_test_global));
	assert_false(w.kernel);
	assert_int_equal(resolve("agent_test_global+20", HVT_ACC_W, getpid(), &w), AGENT_OK);
	assert_true(w.addr == (uintptr_t)agent_test_global + 20);
	assert_int_equal(w.len, 4);
	assert_int_equal(resolve("agent_test_global+24", HVT_ACC_W, getpid(), &w), AGENT_USAGE);
	assert_int_equal(resolve("agent_test_global+24,2", HVT_ACC_W, getpid(), &w), AGENT_OK);
	assert_int_equal(w.len, 2);
	assert_int_equal(resolve("agent_test_local", HVT_ACC_R, getpid(), &w), AGENT_OK);
	assert_true(w.addr == (uintptr_t)&agent_test_local);
	assert_int_equal(w.len, 4);
}

static void refused(void **state)
{
	struct want w;

	(void)state;
	assert_int_equal(resolve("agent_test_tls", HVT_ACC_R, getpid(), &w), AGENT_ERROR);
	assert_int_equal(resolve("no_such_symbol", HVT_ACC_R, getpid(), &w), AGENT_ERROR);
	assert_int_equal(resolve("libc:no_such_symbol", HVT_ACC_R, getpid(), &w), AGENT_ERROR);
	assert_int_equal(resolve("libnothing:environ", HVT_ACC_R, getpid(), &w), AGENT_ERROR);
	/* Nobody's memory, and somebody's object without a process. */
	assert_int_equal(resolve("0x1000", HVT_ACC_R, 0, &w), AGENT_USAGE);
	assert_int_equal(resolve("libc:environ", HVT_ACC_R, 0, &w), AGENT_USAGE);
	/* The largest offset goes around. */
	assert_int_equal(resolve("agent_test_global+0xffffffffffffffff,8", HVT_ACC_R, getpid(), &w),
			 AGENT_OK);
	assert_int_equal(resolve("agent_test_global+0x7fff00000000,8", HVT_ACC_R, getpid(), &w),
			 AGENT_USAGE);
}

static void addresses(void **state)
{
	char text[64];
	struct want w;

	(void)state;
	snprintf(text, sizeof(text), "%p", (void *)&agent_test_global);
	assert_int_equal(resolve(text, HVT_ACC_R, getpid(), &w), AGENT_OK);
	assert_true(!w.kernel && w.addr == (uintptr_t)&agent_test_global && w.len == 8);
	assert_false(w.wait);
	/* Nothing is mapped in the first page, nor all the way up from here: may yet come. */
	assert_int_equal(resolve("0x10", HVT_ACC_R, getpid(), &w), AGENT_OK);
	assert_true(w.wait && w.unmapped == 0x10);
	snprintf(text, sizeof(text), "%p,0x10000000", (void *)&agent_test_global);
	assert_int_equal(resolve(text, HVT_ACC_R, getpid(), &w), AGENT_OK);
	assert_true(w.wait && w.unmapped > (uintptr_t)&agent_test_global);
	/* A symbol is not longer than its file. */
	assert_int_equal(resolve("agent_test_global,0x10000000", HVT_ACC_R, getpid(), &w),
			 AGENT_ERROR);
	assert_int_equal(resolve("0xffff888000000000", HVT_ACC_R, getpid(), &w), AGENT_OK);
	assert_true(w.kernel && w.len == 8);
	assert_int_equal(resolve("0xffff888000000000,3", HVT_ACC_R, 0, &w), AGENT_OK);
	assert_true(w.kernel && w.len == 3);
}

/* A function of libc: through the loader's own answer. */
static void library_function(void **state)
{
	pid_t (*volatile fn)(void) = getppid;
	struct want w;

	(void)state;
	assert_int_equal(resolve("libc:getppid", HVT_ACC_X, getpid(), &w), AGENT_OK);
	assert_true(w.addr == (uintptr_t)fn);
	assert_true(w.len > 0 && w.len < 4096);
}

/* The copy relocation in the executable wins over libc's own. */
static void copied_variable(void **state)
{
	struct want w;

	(void)state;
	assert_non_null(environ);
	assert_int_equal(resolve("environ", HVT_ACC_R, getpid(), &w), AGENT_OK);
	assert_int_equal(w.len, sizeof(char *));
}

static const char program[] =
	"#include <stdio.h>\n#include <unistd.h>\n"
	"long answer = 42;\nextern long *first(void), *second(void);\n"
	"int main(void)\n{\n\tprintf(\"%p %p %p\\n\", (void *)&answer, (void *)first(),"
	" (void *)second());\n\tfflush(stdout);\n\tfor (;;)\n\t\tpause();\n}\n";
static const char part1[] = "static long twin = 1;\nlong *first(void)\n{\n\treturn &twin;\n}\n";
static const char part2[] = "static long twin = 2;\nlong *second(void)\n{\n\treturn &twin;\n}\n";

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Compiles with flags, runs, looks symbols up while it runs; deleted: after unlink. */
static void run_program(const char *dir, const char *flags, bool deleted)
{
	unsigned long long answer, first, second;
	char cmd[1024], exe[256];
	struct want w;
	int fd[2];
	pid_t pid;
	FILE *out;

	snprintf(cmd, sizeof(cmd), "cd %s && cc %s -o prog main.c a.c b.c", dir, flags);
	assert_int_equal(system(cmd), 0);
	snprintf(exe, sizeof(exe), "%s/prog", dir);
	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(fd[1], 1);
		close(fd[0]);
		execl(exe, exe, (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	out = fdopen(fd[0], "r");
	assert_non_null(out);
	assert_int_equal(fscanf(out, "%llx %llx %llx", &answer, &first, &second), 3);
	fclose(out);
	if (deleted)
		assert_int_equal(unlink(exe), 0);

	assert_int_equal(target_check(pid), AGENT_OK);
	assert_int_equal(resolve("answer", HVT_ACC_R, pid, &w), AGENT_OK);
	assert_true(w.addr == answer && w.len == sizeof(long));
	assert_int_equal(resolve("prog:answer", HVT_ACC_R, pid, &w), AGENT_OK);
	assert_true(w.addr == answer);
	assert_int_equal(resolve("twin", HVT_ACC_R, pid, &w), AGENT_ERROR);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(target_check(pid), AGENT_ERROR);
	assert_int_equal(resolve("answer", HVT_ACC_R, pid, &w), AGENT_ERROR);
}

static void programs(void **state)
{
	char dir[] = "/tmp/hvtrace-elf-XXXXXX", cmd[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	write_file(dir, "main.c", program);
	write_file(dir, "a.c", part1);
	write_file(dir, "b.c", part2);
	run_program(dir, "-no-pie", false);
	run_program(dir, "-fPIE -pie", false);
	run_program(dir, "-static", false);
	run_program(dir, "-static-pie", false);
	/* map_files, the way to a deleted file, is root's. */
	if (geteuid() == 0)
		run_program(dir, "-fPIE -pie", true);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
}

static void build_id(void **state)
{
	uint8_t id[BUILD_ID_MAX];
	size_t i, len = 0;
	struct maps maps;

	(void)state;
	assert_int_equal(maps_read(&maps, getpid()), 0);
	for (i = 0; i < maps.nr; i++) {
		int fd;

		if (!strstr(maps.e[i].path, "libc.so"))
			continue;
		fd = proc_open_mapped(getpid(), &maps.e[i]);
		assert_true(fd >= 0);
		len = elf_build_id(fd, id);
		close(fd);
		break;
	}
	assert_int_equal(len, 20);
	maps_free(&maps);
}

/* Damaged copies of this very program: any answer, no crash. */
static void damaged_files(void **state)
{
	struct map_entry map = { .start = 0x400000, .end = 0x500000 };
	int in = open("/proc/self/exe", O_RDONLY), fd, round;
	unsigned int seed = 2;
	uint8_t *bytes, id[BUILD_ID_MAX];
	char path[] = "/tmp/hvtrace-bad-XXXXXX";
	ssize_t len;

	(void)state;
	bytes = malloc(1 << 16);
	assert_non_null(bytes);
	len = read(in, bytes, 1 << 16);
	assert_true(len > 4096);
	close(in);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	for (round = 0; round < 300; round++) {
		size_t keep = (size_t)rand_r(&seed) % (size_t)len, i;
		struct elf_sym sym = { 0 };
		uint64_t bias;

		for (i = 0; i < 8; i++)
			bytes[(size_t)rand_r(&seed) % (i < 4 ? 1024 : (size_t)len)] ^=
				(uint8_t)(1u << (rand_r(&seed) % 8));
		bytes[0] = 0x7f;
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, bytes, keep, 0), (ssize_t)keep);
		elf_find_symbol(fd, "main", round & 1, &sym);
		elf_has_symtab(fd);
		elf_load_bias(fd, &map, &bias);
		elf_build_id(fd, id);
	}
	close(fd);
	free(bytes);
}

static void wrong_pids(void **state)
{
	(void)state;
	assert_int_equal(target_check(0x7ffffff0), AGENT_ERROR);
	assert_int_equal(target_check(getpid()), AGENT_OK);
}

static void maps_text(void **state)
{
	static const char text[] =
		"00400000-00401000 r-xp 00000000 fe:01 123   /bin/a b\n"
		"7f0000000000-7f0000001000 rw-s 00002000 00:1f 9 /dev/shm/x (deleted)\n"
		"7f0000002000-7f0000003000 ---p 00000000 00:00 0 \n"
		"7f0000003000-7f0000002000 r--p 00000000 00:00 0 \n"
		"rubbish\n\n"
		"7ffff000-80000000 rw-p 00000000 00:00 0 [stack]";
	struct maps maps = { 0 };

	(void)state;
	buf_puts(&maps.text, text);
	buf_put(&maps.text, "", 1);
	maps_parse(&maps);
	/* A line without anything ends the text: /proc never has one. */
	assert_true(maps.nr >= 3);
	assert_string_equal(maps.e[0].path, "/bin/a b");
	assert_int_equal(maps.e[0].prot, 5);
	assert_true(maps.e[0].major == 0xfe && maps.e[0].minor == 1 && maps.e[0].inode == 123);
	assert_true(maps.e[1].start == 0x7f0000000000 && maps.e[1].offset == 0x2000);
	assert_string_equal(maps.e[2].path, "");
	assert_string_equal(maps.e[maps.nr - 1].path, "[stack]");
	maps_free(&maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_variables),   cmocka_unit_test(refused),
		cmocka_unit_test(addresses),	   cmocka_unit_test(library_function),
		cmocka_unit_test(copied_variable), cmocka_unit_test(programs),
		cmocka_unit_test(build_id),	   cmocka_unit_test(damaged_files),
		cmocka_unit_test(wrong_pids),	   cmocka_unit_test(maps_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
