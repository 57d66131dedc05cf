// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names: kernel names from KSYM sections, user names from a real ELF file (this program
 * with its own maps), and the maps that were valid at the event's time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>
#include <link.h>
#include <unistd.h>

#include "elf_file.h"
#include "internal.h"
#include "logbuild.h"

#define PID 100

uint64_t hvt_test_data = 1;  /* in .data */
uint64_t hvt_test_bss[2048]; /* beyond the file's last page */
void hvt_test_function(void);

void hvt_test_function(void)
{
	hvt_test_data++;
}

static struct hvt_symbols symbols;

/* One TASK or MAP section as it is in a log: the payload without the header. */
static void feed(struct logbuild *lb, bool map)
{
	struct hvt_section s;
	int rc;

	memcpy(&s, lb->bytes, sizeof(s));
	rc = map ? hvt_symbols_add(&symbols, HVT_SEC_MAP, lb->bytes + sizeof(s), s.len) :
		   hvt_symbols_add(&symbols, HVT_SEC_TASK, lb->bytes + sizeof(s), s.len);
	assert_int_equal(rc, 0);
	lb_free(lb);
}

static void map(uint64_t ns, uint32_t pid, uint64_t start, uint64_t end, uint64_t off,
		uint32_t prot, const char *path, const uint8_t *id, size_t id_len)
{
	struct logbuild lb = { 0 };

	lb_map(&lb, ns, pid, start, end, off, prot, path, id, id_len);
	feed(&lb, true);
}

static void task(uint64_t ns, uint32_t what, uint32_t pid, uint32_t ppid)
{
	struct logbuild lb = { 0 };

	lb_task(&lb, ns, what, pid, ppid);
	feed(&lb, false);
}

static int setup(void **state)
{
	(void)state;
	memset(&symbols, 0, sizeof(symbols));
	symbols.objects = hvt_objects_new();
	symbols.tasks = hvt_tasks_new(symbols.objects);
	return symbols.objects && symbols.tasks ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	hvt_symbols_free(&symbols);
	return 0;
}

static const char *obj_at(uint32_t pid, uint64_t ns, uint64_t addr)
{
	struct hvt_symbol sym;

	hvt_symbols_resolve(&symbols, pid, ns, addr, &sym);
	return sym.obj ? sym.obj : "";
}

/* Our own maps as the agent would report them; the given build-id for our own file. */
static void add_own_maps(const uint8_t *id, size_t id_len)
{
	uint64_t start, end, off;
	char line[5000], perms[8], path[4096];
	uint32_t prot;
	FILE *f = fopen("/proc/self/maps", "re");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		path[0] = '\0';
		assert_true(sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %4095s",
				   &start, &end, perms, &off, path) >= 4);
		prot = (perms[0] == 'r') | (perms[1] == 'w') << 1 | (perms[2] == 'x') << 2;
		if (start >> 63)
			continue; /* vsyscall */
		map(10, PID, start, end, off, prot, path, id,
		    strstr(path, "test_reader") ? id_len : 0);
	}
	fclose(f);
}

static void test_own_symbols(void **state)
{
	struct hvt_symbol sym;

	(void)state;
	add_own_maps(NULL, 0);
	hvt_symbols_resolve(&symbols, PID, 20, (uint64_t)(uintptr_t)hvt_test_function + 1, &sym);
	assert_string_equal(sym.name, "hvt_test_function");
	assert_int_equal(sym.off, 1);
	assert_string_equal(sym.obj, "test_reader_symbols");
	hvt_symbols_resolve(&symbols, PID, 20, (uint64_t)(uintptr_t)&hvt_test_data + 4, &sym);
	assert_string_equal(sym.name, "hvt_test_data");
	assert_int_equal(sym.off, 4);
	/* anonymous memory behind the file */
	hvt_symbols_resolve(&symbols, PID, 20, (uint64_t)(uintptr_t)&hvt_test_bss[2000], &sym);
	assert_string_equal(sym.name, "hvt_test_bss");
	assert_int_equal(sym.off, 16000);
	/* a library by its dynamic symbols */
	hvt_symbols_resolve(&symbols, PID, 20, (uint64_t)(uintptr_t)&environ, &sym);
	assert_non_null(sym.name);
	/* the stack has an object and no name; another process knows nothing */
	hvt_symbols_resolve(&symbols, PID, 20, (uint64_t)(uintptr_t)&sym, &sym);
	assert_null(sym.name);
	assert_string_equal(sym.obj, "[stack]");
	hvt_symbols_resolve(&symbols, PID + 1, 20, (uint64_t)(uintptr_t)hvt_test_function, &sym);
	assert_null(sym.obj);
}

static void test_other_build_id(void **state)
{
	static const uint8_t wrong[20] = { 1, 2, 3 };
	struct hvt_symbol sym;

	(void)state;
	add_own_maps(wrong, sizeof(wrong));
	hvt_symbols_resolve(&symbols, PID, 20, (uint64_t)(uintptr_t)hvt_test_function, &sym);
	assert_null(sym.name);
	assert_string_equal(sym.obj, "test_reader_symbols");
	assert_true(sym.obj_off > 0);
}

struct libc_id {
	uint8_t id[64];
	size_t len;
	char path[4096];
};

/* The build-id of libc as the loader mapped it: an independent way to the same bytes. */
static int find_libc_id(struct dl_phdr_info *info, size_t size, void *arg)
{
	const ElfW(Nhdr) * note;
	struct libc_id *out = arg;
	size_t i, at;

	(void)size;
	if (!strstr(info->dlpi_name, "/libc.so"))
		return 0;
	for (i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_NOTE)
			continue;
		for (at = 0; at + sizeof(*note) < info->dlpi_phdr[i].p_memsz;
		     at +=
		     sizeof(*note) + ((note->n_namesz + 3) & ~3u) + ((note->n_descsz + 3) & ~3u)) {
			note = (const void *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + at);
			if (note->n_type != NT_GNU_BUILD_ID || note->n_descsz > sizeof(out->id))
				continue;
			out->len = note->n_descsz;
			memcpy(out->id, (const uint8_t *)(note + 1) + 4, out->len);
			snprintf(out->path, sizeof(out->path), "%s", info->dlpi_name);
			return 1;
		}
	}
	return 0;
}

static void test_right_build_id(void **state)
{
	struct libc_id libc = { 0 };
	struct hvt_symtab *elf;

	(void)state;
	if (!dl_iterate_phdr(find_libc_id, &libc))
		skip();
	elf = hvt_elf_open(libc.path, libc.id, libc.len);
	assert_non_null(elf);
	assert_true(hvt_symtab_defines(elf, "environ"));
	assert_false(hvt_symtab_defines(elf, "no such symbol"));
	hvt_symtab_free(elf);
	libc.id[0] ^= 1;
	assert_null(hvt_elf_open(libc.path, libc.id, libc.len));
	assert_null(hvt_elf_open(libc.path, libc.id, libc.len - 1));
}

static void test_maps_in_time(void **state)
{
	(void)state;
	task(0, HVT_TASK_SEEN, PID, 1);
	map(10, PID, 0x1000, 0x5000, 0, 5, "/x/a", NULL, 0);
	map(20, PID, 0x2000, 0x3000, 0, 5, "/x/b", NULL, 0);
	assert_string_equal(obj_at(PID, 15, 0x2000), "a");
	assert_string_equal(obj_at(PID, 25, 0x2000), "b");
	assert_string_equal(obj_at(PID, 25, 0x3000), "a");
	assert_string_equal(obj_at(PID, 15, 0x2000), "a"); /* after the cache has seen b */
	/* named when first met: good for earlier events too */
	assert_string_equal(obj_at(PID, 5, 0x4fff), "a");
	assert_string_equal(obj_at(PID, 5, 0x5000), "");
}

static void test_fork_and_exec(void **state)
{
	(void)state;
	map(10, PID, 0x1000, 0x2000, 0, 5, "/x/a", NULL, 0);
	task(20, HVT_TASK_FORK, 200, PID);
	map(30, PID, 0x3000, 0x4000, 0, 5, "/x/late", NULL, 0);
	task(40, HVT_TASK_EXEC, 200, 200);
	map(50, 200, 0x1000, 0x2000, 0, 5, "/x/c", NULL, 0);
	assert_string_equal(obj_at(200, 25, 0x1000), "a");
	assert_string_equal(obj_at(200, 35, 0x3000), ""); /* the parent's, after the fork */
	assert_string_equal(obj_at(PID, 35, 0x3000), "late");
	assert_string_equal(obj_at(200, 45, 0x1000), "c");
	assert_string_equal(obj_at(200, 25, 0x1000), "a");
	/* the pid comes again */
	task(60, HVT_TASK_EXIT, 200, 1);
	task(70, HVT_TASK_SEEN, 200, 1);
	assert_string_equal(obj_at(200, 75, 0x1000), "");
	assert_string_equal(obj_at(200, 55, 0x1000), "c");
}

static void test_kernel_names(void **state)
{
	struct logbuild lb = { 0 };
	struct hvt_section s;
	struct hvt_symbol sym;
	const uint64_t base = 0xffffffff81000000ull;

	(void)state;
	lb_ksym(&lb, base, 0x100, "do_it", "");
	lb_ksym(&lb, base + 0x1000, 8, "var", "nf_tables");
	memcpy(&s, lb.bytes, sizeof(s));
	assert_int_equal(hvt_symbols_add(&symbols, HVT_SEC_KSYM, lb.bytes + sizeof(s), s.len), 0);
	memcpy(&s, lb.bytes + lb.len - sizeof(s) - 40, sizeof(s));
	assert_int_equal(hvt_symbols_add(&symbols, HVT_SEC_KSYM, lb.bytes + lb.len - 40, 36), 0);
	hvt_symbols_resolve(&symbols, PID, 1, base + 0xff, &sym);
	assert_string_equal(sym.name, "do_it");
	assert_int_equal(sym.off, 0xff);
	assert_string_equal(sym.obj, "[kernel]");
	assert_true(sym.kernel);
	hvt_symbols_resolve(&symbols, PID, 1, base + 0x1007, &sym);
	assert_string_equal(sym.name, "var");
	assert_string_equal(sym.obj, "nf_tables");
	hvt_symbols_resolve(&symbols, PID, 1, base + 0x100, &sym);
	assert_null(sym.name);
	assert_string_equal(sym.obj, "[kernel]");
	hvt_symbols_resolve(&symbols, PID, 1, base - 1, &sym);
	assert_null(sym.name);
	lb_free(&lb);
}

static void test_not_elf(void **state)
{
	(void)state;
	assert_null(hvt_elf_open("/nonexistent", NULL, 0));
	assert_null(hvt_elf_open("/dev/null", NULL, 0));
	assert_null(hvt_elf_open("/etc/passwd", NULL, 0));
	assert_null(hvt_elf_open("/", NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_own_symbols, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_build_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_maps_in_time, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fork_and_exec, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_names, setup, teardown),
		cmocka_unit_test(test_right_build_id),
		cmocka_unit_test(test_not_elf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
