/* SPDX-License-Identifier: GPL-2.0-only */
/* stdout's end: what could not be written must not look like success. */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "analyse/fields.h"

static int output_error;

/* stdio only remembers that there was an error: which one is in errno right behind it. */
static void note_error(void)
{
	if (__builtin_expect(ferror_unlocked(stdout), 0) && !output_error)
		output_error = errno ? errno : EIO;
}

int hvt_flush(void)
{
	fflush(stdout);
	note_error();
	return output_error;
}

/* Chosen fields, as text or as CSV with a line of their names. */
static void print_fields(struct hvt_printer *p, const struct hvt_event *ev)
{
	bool csv = p->format == HVT_CSV;

	if (!p->fields)
		p->fields = hvt_fields_new(NULL);
	if (csv && !p->begun)
		hvt_fields_head(p->fields, stdout);
	p->begun = true;
	if (ev)
		hvt_fields_put(p->fields, stdout, csv, p->reader, ev, p->number);
}

void hvt_print_event(struct hvt_printer *p, const struct hvt_event *ev)
{
	if (p->format == HVT_MMIOTRACE)
		hvt_event_mmiotrace(stdout, &p->mmiotrace, p->reader, ev);
	else if (p->format == HVT_CSV || p->fields)
		print_fields(p, ev);
	else if (ev && p->format == HVT_JSON)
		hvt_event_json(stdout, ev);
	else if (ev && p->format == HVT_PERF_SCRIPT)
		hvt_perf_script(stdout, ev);
	else if (ev)
		hvt_event_text(stdout, ev);
	note_error();
}

/* Nearly every line is shorter. */
#define LINE_USUAL 1024

/*
 * A traced command may write to the same pipe or file: whole lines go out in single
 * writes that a pipe does not tear (PIPE_BUF), so that neither splits the other's.
 */
void hvt_print_live(struct hvt_printer *p, const struct hvt_event *ev)
{
	static bool big_buffer;

	if (!big_buffer)
		big_buffer = !setvbuf(stdout, NULL, _IOFBF, 16 * PIPE_BUF);
	if (__fpending(stdout) > PIPE_BUF - LINE_USUAL)
		hvt_flush();
	p->number++;
	hvt_print_event(p, ev);
}

int hvt_finish_output(int code)
{
	int rc = hvt_flush();

	if (!rc || rc == EPIPE) /* a reader that has seen enough is no error */
		return code;
	hvt_warn("standard output: %s; try: another place for it", strerror(rc));
	return HVT_ERROR;
}
