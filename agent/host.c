// SPDX-License-Identifier: GPL-2.0-only
/*
 * The HOST section: which machine and kernel a log comes from, and how it was asked for.
 */
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
	struct utsname u = { 0 };
	char model[256];
	int i;

	uname(&u);
	cpuinfo("model name", model, sizeof(model));
	buf_printf(b, "{\"abi\":%u", hello->abi);
	put_text(b, "hvtrace", HVTRACE_VERSION);
	put_text(b, "hostname", u.nodename);
	put_text(b, "kernel_release", u.release);
	put_text(b, "kernel_version", u.version);
	put_text(b, "machine", u.machine);
	put_text(b, "cpu_model", model);
	buf_printf(b, ",\"page_size\":%ld,\"nr_cpus\":%u,\"cpus_online\":%ld,\"tsc_khz\":%llu",
		   sysconf(_SC_PAGESIZE), hello->nr_cpus, sysconf(_SC_NPROCESSORS_ONLN),
		   (unsigned long long)hello->tsc_khz);
	put_caps(b, hello->caps);
	buf_puts(b, ",\"argv\":[");
	for (i = 0; i < argc; i++) {
		if (i)
			buf_puts(b, ",");
		buf_json(b, argv[i]);
	}
	buf_puts(b, "]}");
}
