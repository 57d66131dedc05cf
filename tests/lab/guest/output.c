// SPDX-License-Identifier: GPL-2.0-only
/* output.c: copies standard input to the simulated parallel port, unchanged and without the baud
 * rate of a serial port. It ends at end of input, or on SIGTERM once nothing more is waiting. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stddef.h>
#include <sys/io.h>
#include <unistd.h>

enum { DATA = 0x378, CONTROL = 0x37a, SELECTED = 0x08, STROBE = 0x01, RESET = 0x04 };

static volatile sig_atomic_t ending;

static void on_term(int signo)
{
	(void)signo;
	ending = 1;
}

static void send(const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		outb(bytes[i], DATA);
		outb(SELECTED | STROBE, CONTROL);
		outb(SELECTED, CONTROL);
	}
}

int main(void)
{
	static unsigned char buffer[65536];
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	struct sigaction action = { .sa_handler = on_term };

	if (ioperm(DATA, 3, 1)) {
		perror("output: ioperm");
		return 1;
	}
	sigaction(SIGTERM, &action, NULL);
	outb(SELECTED | RESET, CONTROL);
	outb(SELECTED, CONTROL);
	for (;;) {
		ssize_t count;
		/* The time limit covers a signal that comes just before poll(). */
		int ready = poll(&input, 1, ending ? 0 : 200);

		if (ready == 0 && ending)
			return 0;
		/* Interrupted: a read would wait for whoever holds the pipe open. */
		if (ready <= 0)
			continue;
		count = read(STDIN_FILENO, buffer, sizeof(buffer));
		if (count > 0)
			send(buffer, count);
		else if (count == 0 || errno != EINTR)
			return count != 0;
	}
}
