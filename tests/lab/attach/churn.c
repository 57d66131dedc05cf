// SPDX-License-Identifier: GPL-2.0-only
/*
 * churn.c: processes, pipes, files, mappings and signals, each checked, until SIGTERM.
 * Status 0: nothing went wrong and something was done.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 16384 };

static volatile sig_atomic_t ending, usr1;
static unsigned long errors;
static char file[64];

static void on_signal(int signo)
{
	if (signo == SIGTERM)
		ending = 1;
	else
		usr1++;
}

static void expect(int right, const char *what)
{
	if (right)
		return;
	errors++;
	fprintf(stderr, "churn: wrong: %s\n", what);
}

static void fill(unsigned char *p, unsigned int seed)
{
	for (int i = 0; i < SIZE; i++)
		p[i] = (unsigned char)(seed * 31 + (unsigned int)i * 7);
}

/* A child writes a pattern, or is another program, and exits with a known status. */
static void child(unsigned int n)
{
	unsigned char want[SIZE], got[SIZE];
	int fd[2], status;
	size_t len = 0;
	ssize_t r;
	pid_t pid;

	expect(pipe(fd) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		if (n % 4 == 3) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(99);
		}
		fill(want, n);
		for (len = 0; len < SIZE; len += (size_t)r) {
			r = write(fd[1], want + len, SIZE - len);
			if (r <= 0)
				_exit(98);
		}
		_exit((int)(n & 0x3f));
	}
	expect(pid > 0, "fork");
	close(fd[1]);
	while ((r = read(fd[0], got + len, SIZE - len)) > 0)
		len += (size_t)r;
	close(fd[0]);
	fill(want, n);
	if (n % 4 != 3)
		expect(len == SIZE && !memcmp(want, got, SIZE), "bytes through the pipe");
	expect(waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
		WEXITSTATUS(status) == (n % 4 == 3 ? 0 : (int)(n & 0x3f)), "the child's status");
}

static void file_and_memory(unsigned int n)
{
	unsigned char want[SIZE], got[SIZE], *map;
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);

	fill(want, n);
	expect(fd >= 0 && write(fd, want, SIZE) == SIZE, "write");
	expect(pread(fd, got, SIZE, 0) == SIZE && !memcmp(want, got, SIZE), "read");
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	expect(map != MAP_FAILED && !memcmp(map, want, SIZE), "file mapping");
	if (map != MAP_FAILED)
		munmap(map, SIZE);
	close(fd);
	map = mmap(NULL, 32 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(map != MAP_FAILED && map[31 * SIZE] == 0, "fresh memory");
	if (map == MAP_FAILED)
		return;
	memcpy(map + 31 * SIZE, want, SIZE);
	expect(!memcmp(map + 31 * SIZE, want, SIZE), "memory");
	munmap(map, 32 * SIZE);
}

int main(void)
{
	unsigned int n;
	int before;

	signal(SIGTERM, on_signal);
	signal(SIGUSR1, on_signal);
	snprintf(file, sizeof(file), "/tmp/churn.%d", (int)getpid());
	for (n = 0; !ending; n++) {
		child(n);
		file_and_memory(n);
		before = usr1;
		raise(SIGUSR1);
		expect(usr1 == before + 1, "signal");
		if (!n) {
			puts("churn: begun");
			fflush(stdout);
		}
	}
	unlink(file);
	printf("churn: %u rounds, %lu wrong\n", n, errors);
	return errors || !n;
}
