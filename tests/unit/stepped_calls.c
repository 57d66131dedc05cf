// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program to be stepped that knows its own calls: compiled with -finstrument-functions
 * it writes the path of each function that it enters, as addresses, into the file argv[1].
 * Its first line is the address of main.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define RAW __attribute__((no_instrument_function))

static const void *stack[256];
static unsigned int depth;
static char text[1 << 20];
static size_t len;
static jmp_buf env;
static sigjmp_buf sigenv;
static volatile int sink;

RAW static void put_address(const void *p, char end)
{
	int shift;

	for (shift = 60; shift >= 0; shift -= 4)
		text[len++] = "0123456789abcdef"[(uintptr_t)p >> shift & 15];
	text[len++] = end;
}

RAW void __cyg_profile_func_enter(void *fn, void *site)
{
	unsigned int i;

	(void)site;
	stack[depth++] = fn;
	for (i = 0; i < depth; i++)
		put_address(stack[i], i + 1 < depth ? ';' : '\n');
}

RAW void __cyg_profile_func_exit(void *fn, void *site)
{
	(void)site;
	if (depth && stack[depth - 1] == fn)
		depth--;
	else
		abort();
}

static void leaf(int n)
{
	sink += n;
}

static void loop(int n)
{
	while (n--)
		leaf(n);
}

static int fib(int n)
{
	return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static void deep(int n)
{
	if (!n)
		longjmp(env, 1);
	deep(n - 1);
	leaf(n);
}

static void handler(int signal)
{
	leaf(signal);
}

static void jumping_handler(int signal)
{
	leaf(signal);
	siglongjmp(sigenv, 1);
}

static void fault(volatile int *p)
{
	leaf(1);
	*p = 1;
	leaf(2); /* never */
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int indirect(int (*f)(int), int n)
{
	return f(n);
}

int main(int argc, char **argv)
{
	int values[] = { 5, 2, 9, 1, 7, 3 }, fd;
	volatile unsigned int here = depth;

	loop(3);
	loop(2);
	fib(6);
	indirect(fib, 3);
	if (!setjmp(env))
		deep(4);
	else
		depth = here;
	leaf(1);
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	signal(SIGSEGV, jumping_handler);
	if (!sigsetjmp(sigenv, 1))
		fault(NULL);
	else
		depth = here;
	qsort(values, 6, sizeof(*values), compare);
	loop(1);
	depth = here;
	fd = open(argc > 1 ? argv[1] : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0666);
	return fd < 0 || write(fd, text, len) != (ssize_t)len;
}
