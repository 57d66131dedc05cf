// SPDX-License-Identifier: GPL-2.0-only
/*
 * The HOST section: which machine and kernel a log comes from, and how it was asked for.
 */
#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent.h"
#include "schema.h"

/* The value of the first "key : value" line of /proc/cpuinfo, "" when there is none. */
static void cpuinfo(const char *key, char *value, size_t size)
{
	struct buf b = { 0 };
	const char *at, *end;

	value[0] = '\0';
	if (buf_read_file(&b, "/proc/cpuinfo", 16u << 20) == 0) {
		at = strstr((char *)b.p, key);
		at = at ? strstr(at, ": ") : NULL;
		end = at ? strchr(at, '\n') : NULL;
		if (end)
			snprintf(value, size, "%.*s", (int)(end - at - 2), at + 2);
	}
	buf_free(&b);
}

static void put_text(struct buf *b, const char *key, const char *value)
{
	buf_printf(b, ",\"%s\":", key);
	buf_json(b, value);
}

/* An array of the arguments of a process; [] when it has gone. */
static void put_arguments(struct buf *b, const char *key, int pid)
{
	struct buf text = { 0 };
	char path[64];
	size_t at;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	buf_printf(b, ",\"%s\":[", key);
	if (buf_read_file(&text, path, 16u << 20) == 0) {
		for (at = 0; at < text.len; at += strlen((char *)text.p + at) + 1) {
			if (at)
				buf_puts(b, ",");
			buf_json(b, (char *)text.p + at);
		}
	}
	buf_puts(b, "]");
	buf_free(&text);
}

/* The build-id of the kernel as hexadecimal digits, "" when it says none. */
static void kernel_build_id(char *hex, size_t size)
{
	struct buf notes = { 0 };
	Elf64_Nhdr n;
	size_t at, desc, i;

	hex[0] = '\0';
	if (buf_read_file(&notes, "/sys/kernel/notes", 1u << 20) == 0) {
		for (at = 0; at + sizeof(n) <= notes.len; at = desc + ((n.n_descsz + 3u) & ~3u)) {
			memcpy(&n, notes.p + at, sizeof(n));
			desc = at + sizeof(n) + ((n.n_namesz + 3u) & ~3u);
			if (desc > notes.len || n.n_descsz > notes.len - desc)
				break;
			if (n.n_type != NT_GNU_BUILD_ID || n.n_namesz != 4 ||
			    memcmp(notes.p + at + sizeof(n), "GNU", 4) != 0)
				continue;
			for (i = 0; i < n.n_descsz && 2 * i + 2 < size; i++)
				snprintf(hex + 2 * i, 3, "%02x", notes.p[desc + i]);
		}
	}
	buf_free(&notes);
}

static void put_caps(struct buf *b, uint64_t caps)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{ HVT_CAP_EXEC_ONLY, "exec-only" },
		{ HVT_CAP_MBEC, "mbec" },
		{ HVT_CAP_EPT_1G, "ept-1g" },
		{ HVT_CAP_EPT_2M, "ept-2m" },
		{ HVT_CAP_UNRESTRICTED, "unrestricted" },
	};
	bool any = false;
	size_t i;

	buf_puts(b, ",\"caps\":[");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (caps & names[i].bit) {
			buf_printf(b, "%s\"%s\"", any ? "," : "", names[i].name);
			any = true;
		}
	}
	buf_puts(b, "]");
}

void host_json(struct buf *b, const struct hvt_hello *hello, int argc, char **argv)
{
	char model[256], build_id[129];
	struct utsname u = { 0 };
	int i;

	uname(&u);
	cpuinfo("model name", model, sizeof(model));
	kernel_build_id(build_id, sizeof(build_id));
	buf_printf(b, "{\"abi\":%u", hello->abi);
	put_text(b, "hvtrace", HVTRACE_VERSION);
	put_text(b, "hostname", u.nodename);
	put_text(b, "kernel_release", u.release);
	put_text(b, "kernel_version", u.version);
	put_text(b, "kernel_build_id", build_id);
	put_text(b, "machine", u.machine);
	put_text(b, "cpu_model", model);
	buf_printf(b, ",\"page_size\":%ld,\"nr_cpus\":%u,\"cpus_online\":%ld,\"tsc_khz\":%llu",
		   sysconf(_SC_PAGESIZE), hello->nr_cpus, sysconf(_SC_NPROCESSORS_ONLN),
		   (unsigned long long)hello->tsc_khz);
	put_caps(b, hello->caps);
	put_arguments(b, "command", getppid());
	buf_puts(b, ",\"argv\":[");
	for (i = 0; i < argc; i++) {
		if (i)
			buf_puts(b, ",");
		buf_json(b, argv[i]);
	}
	buf_puts(b, "]}");
}
