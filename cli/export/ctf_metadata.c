/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The metadata file of a CTF 1.8 trace (TSDL): what the packets and events of ctf.c look
 * like. Times are nanoseconds of CLOCK_MONOTONIC; the clock's offset makes them those of
 * the day.
 */
#include "ctf.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull

static const char types[] =
	"typealias integer { size = 8; align = 8; signed = false; } := uint8_t;\n"
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; base = 16; } := hex64_t;\n"
	"typealias integer { size = 8; align = 8; signed = false; base = 16; } := hex8_t;\n"
	"\n";

static const char values[] = "typealias integer { size = 64; align = 8; signed = false;\n"
			     "\tmap = clock.monotonic.value; } := ns_t;\n\n"
			     "enum value_kind : uint8_t { unknown = 0, number = 1, bytes = 2 };\n"
			     "/* bytes are in the order of memory */\n"
			     "variant value {\n"
			     "\tstruct { } unknown;\n"
			     "\thex64_t number;\n"
			     "\tstruct { uint32_t len; hex8_t data[len]; } bytes;\n"
			     "};\n\n";

static const char streams[] = "stream {\n"
			      "\tpacket.context := struct {\n"
			      "\t\tns_t timestamp_begin;\n"
			      "\t\tns_t timestamp_end;\n"
			      "\t\tuint64_t content_size;\n"
			      "\t\tuint64_t packet_size;\n"
			      "\t\tuint64_t packet_seq_num;\n"
			      "\t\tuint64_t events_discarded;\n"
			      "\t\tuint32_t cpu_id;\n"
			      "\t};\n"
			      "\tevent.header := struct { uint8_t id; ns_t timestamp; };\n"
			      "};\n\n";

/* A string "?" is one that is not known, a size of 0 one that is not. */
static const char events[] =
	"event {\n"
	"\tname = \"access\";\n"
	"\tid = 0;\n"
	"\tfields := struct {\n"
	"\t\tuint64_t seq;\n"
	"\t\tuint64_t tsc;\n"
	"\t\tuint32_t pid;\n"
	"\t\tuint32_t tid;\n"
	"\t\tstring comm;\n"
	"\t\tenum : uint8_t { read = 1, write = 2, rmw = 3, exec = 4 } access;\n"
	"\t\thex64_t addr;\n"
	"\t\tuint32_t size;\n"
	"\t\thex64_t gpa;\n"
	"\t\tuint32_t value_off;\n"
	"\t\tenum value_kind old_kind;\n"
	"\t\tvariant value <old_kind> old;\n"
	"\t\tenum value_kind new_kind;\n"
	"\t\tvariant value <new_kind> new;\n"
	"\t\tstring addr_sym;\n"
	"\t\tstring addr_obj;\n"
	"\t\thex64_t ip;\n"
	"\t\tstring sym;\n"
	"\t\tstring obj;\n"
	"\t\thex64_t obj_off;\n"
	"\t\tstring insn;\n"
	"\t\tuint8_t user;\n"
	"\t\tuint8_t exact;\n"
	"\t\tuint8_t device;\n"
	"\t\tuint8_t walk;\n"
	"\t\tuint8_t delivery;\n"
	"\t\tuint8_t vector;\n"
	"\t\tuint64_t run_count;\n"
	"\t\tuint32_t run_elem;\n"
	"\t\tuint8_t run_down;\n"
	"\t\thex64_t cr3;\n"
	"\t\tuint64_t order;\n"
	"\t\tuint32_t nr_watches;\n"
	"\t\tuint32_t watches[nr_watches];\n"
	"\t};\n"
	"};\n\n"
	"event {\n"
	"\tname = \"lost\";\n"
	"\tid = 1;\n"
	"\tfields := struct { uint64_t seq; uint64_t tsc; uint64_t count; };\n"
	"};\n\n"
	"event {\n"
	"\tname = \"remap\";\n"
	"\tid = 2;\n"
	"\tfields := struct {\n"
	"\t\tuint64_t seq;\n"
	"\t\tuint64_t tsc;\n"
	"\t\tuint32_t pid;\n"
	"\t\tuint32_t tid;\n"
	"\t\tuint32_t watch;\n"
	"\t\thex64_t va;\n"
	"\t\thex64_t old_gpa;\n"
	"\t\thex64_t new_gpa;\n"
	"\t};\n"
	"};\n\n"
	"event {\n"
	"\tname = \"mark\";\n"
	"\tid = 3;\n"
	"\tfields := struct { uint64_t tsc; uint32_t pid; uint32_t uid; string text; };\n"
	"};\n";

/* A TSDL string knows the escapes of C. */
static void quoted(FILE *out, const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (*s >= 0x20 && *s < 0x7f)
			fputc(*s, out);
		else
			fprintf(out, "\\%03o", (unsigned char)*s);
	}
	fputc('"', out);
}

void ctf_uuid(const struct hvt_reader *r, uint8_t uuid[CTF_UUID_SIZE])
{
	const struct hvt_log_clock *c = hvt_reader_clock(r, 0);
	uint64_t id[2] = { c ? c->tsc : 0, c ? c->real_ns : 0 };

	/* a version 8 UUID (RFC 9562): the bits are the maker's, but for these */
	memcpy(uuid, id, sizeof(id));
	uuid[6] = (uint8_t)(0x80 | (uuid[6] & 0x0f));
	uuid[8] = (uint8_t)(0x80 | (uuid[8] & 0x3f));
}

static void trace(FILE *out, const uint8_t uuid[CTF_UUID_SIZE])
{
	int i;

	fputs("trace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = \"", out);
	for (i = 0; i < CTF_UUID_SIZE; i++)
		fprintf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	fputs("\";\n\tbyte_order = le;\n"
	      "\tpacket.header := struct { uint32_t magic; uint8_t uuid[16]; };\n};\n\n",
	      out);
}

static void clock_and_env(FILE *out, const struct hvt_reader *r)
{
	const struct hvt_log_clock *c = hvt_reader_clock(r, 0);
	uint64_t offset = c && c->real_ns > c->mono_ns ? c->real_ns - c->mono_ns : 0;

	fputs("env {\n\ttracer_name = \"hvtrace\";\n\ttracer_version = ", out);
	quoted(out, HVTRACE_VERSION);
	fputs(";\n\tdomain = \"kernel\";\n\thost = ", out);
	quoted(out, hvt_reader_host(r) ? hvt_reader_host(r) : "");
	fprintf(out,
		";\n};\n\nclock {\n\tname = \"monotonic\";\n\tfreq = %llu;\n"
		"\toffset_s = %" PRIu64 ";\n\toffset = %" PRIu64 ";\n};\n\n",
		NS_PER_S, offset / (uint64_t)NS_PER_S, offset % (uint64_t)NS_PER_S);
}

int ctf_metadata(int dir, const struct hvt_reader *r, const uint8_t uuid[CTF_UUID_SIZE])
{
	int fd = openat(dir, "metadata", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), rc = 0;
	FILE *out;

	if (fd < 0)
		return errno;
	out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return ENOMEM;
	}
	fputs("/* CTF 1.8 */\n\n", out);
	fputs(types, out);
	trace(out, uuid);
	clock_and_env(out, r);
	fputs(values, out);
	fputs(streams, out);
	fputs(events, out);
	errno = 0;
	if (fflush(out) || ferror(out))
		rc = errno ? errno : EIO;
	if (fclose(out) && !rc)
		rc = errno;
	return rc;
}
