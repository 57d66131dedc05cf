// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel names from the text of /proc/kallsyms, given through a pipe in small pieces.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "check.h"
#include "kallsyms.h"

static const char sample[] =
	"ffffffff81000000 T _stext\n"
	"ffffffff81000010 t helper\n"
	"ffffffff81000020 t helper\n"
	"ffffffff81000020 t helper\n"
	"0000000000001000 A per_cpu_thing\n"
	"ffffffff82a05000 d single\n"
	"ffffffff82a06000 D jiffies_64\n"
	"ffffffff82a06000 D jiffies\n"
	"ffffffff82a07000 t mixed\n"
	"ffffffff82a08000 T mixed\n"
	"                 w hole\n"
	"zzzz T rubbish\n"
	"\n"
	"ffffffff\n"
	"fffffffffffffffff T too_long_address\n"
	"ffffffffc0200000 t mod_fn\t[mod]\n"
	"ffffffffc0201000 D jiffies_6\t[mod]"; /* no newline at the end: cut short */

/* A child writes the text in pieces of step bytes. */
static int find(const char *text, size_t step, struct kallsym *want, size_t nr)
{
	size_t len = strlen(text), at;
	int fd[2], rc, status;
	pid_t child;

	assert_int_equal(pipe(fd), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		close(fd[0]);
		for (at = 0; at < len; at += step) {
			if (write(fd[1], text + at, len - at < step ? len - at : step) < 0)
				break;
		}
		_exit(0);
	}
	close(fd[1]);
	rc = kallsyms_find(fd[0], want, nr);
	close(fd[0]);
	waitpid(child, &status, 0);
	return rc;
}

static void finds(void **state)
{
	static const size_t steps[] = { 1, 7, 64, 4096 };
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct kallsym want[] = {
			{ .name = "jiffies_64" },
			{ .name = "helper" },
			{ .name = "single" },
			{ .name = "mixed" },
			{ .name = "mod_fn" },
			{ .name = "absent" },
			{ .name = "per_cpu_thing" },
			{ .name = "jiffies_" },
			{ .name = "hole" },
			{ .name = "rubbish" },
			{ .name = "too_long_address" },
		};

		assert_int_equal(find(sample, steps[i], want, 11), 0);
		assert_true(want[0].global && want[0].addr == 0xffffffff82a06000);
		assert_true(want[1].found && !want[1].global && want[1].locals == 2);
		assert_true(want[1].addr == 0xffffffff81000010 &&
			    want[1].other == 0xffffffff81000020);
		assert_true(want[2].found && !want[2].global && want[2].locals == 1);
		assert_true(want[3].global && want[3].addr == 0xffffffff82a08000);
		assert_true(want[4].found && want[4].addr == 0xffffffffc0200000);
		assert_true(want[6].found && want[6].addr == 0x1000);
		assert_false(want[5].found || want[7].found || want[8].found || want[9].found ||
			     want[10].found);
	}
}

/* All found as globals: the rest is not read, so a broken rest does not matter. */
static void stops_early(void **state)
{
	struct kallsym want[] = { { .name = "a" }, { .name = "b" } };
	char *text = malloc(1 << 20);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', (1 << 20) - 1);
	text[(1 << 20) - 1] = '\0';
	memcpy(text, "ffffffff81000000 T a\nffffffff81000001 T b\n", 42);
	assert_int_equal(find(text, 42, want, 2), 0);
	assert_true(want[0].global && want[1].global);
	free(text);
}

static void endless_line(void **state)
{
	struct kallsym want[] = { { .name = "a" } };
	char *text = malloc(1 << 20);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', (1 << 20) - 1);
	text[(1 << 20) - 1] = '\0';
	assert_int_equal(find(text, 4096, want, 1), -EPROTO);
	free(text);
}

static void bad_fd(void **state)
{
	struct kallsym want[] = { { .name = "a" } };

	(void)state;
	assert_int_equal(kallsyms_find(-1, want, 1), -EBADF);
}

static void kernel_texts(void **state)
{
	static const char cpuinfo[] =
		"processor\t: 0\nflags\t\t: fpu svmx vmxx vmx sse\nvmx flags\t: vnmi\n"
		"processor\t: 1\nflags\t\t: fpu hle\n";

	(void)state;
	assert_true(cpuinfo_has_flag(cpuinfo, "vmx"));
	assert_true(cpuinfo_has_flag(cpuinfo, "fpu"));
	assert_true(cpuinfo_has_flag(cpuinfo, "sse"));
	assert_false(cpuinfo_has_flag(cpuinfo, "vm"));
	assert_false(cpuinfo_has_flag(cpuinfo, "vnmi"));
	assert_false(cpuinfo_has_flag(cpuinfo, "hle"));
	assert_false(cpuinfo_has_flag("", "vmx"));

	assert_false(lockdown_active("[none] integrity confidentiality\n"));
	assert_true(lockdown_active("none [integrity] confidentiality\n"));
	assert_true(lockdown_active("none integrity [confidentiality]\n"));
	assert_false(lockdown_active(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),	cmocka_unit_test(stops_early),
		cmocka_unit_test(endless_line), cmocka_unit_test(bad_fd),
		cmocka_unit_test(kernel_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
