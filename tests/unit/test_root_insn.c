// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root decoder against capstone, over real code and over generated encodings:
 * whenever it claims to know an instruction, length and every memory operand must
 * agree. Where capstone is known to be wrong, root_insn_expect.c says so, with the
 * reason; test_root_insn_exec.c asks the CPU itself.
 */
#include <elf.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "root_insn_expect.h"
#include "vec.h"
#include "xorshift.h"

static u64 seed = 88172645463325252ull;

static u64 rnd(void)
{
	return seed = xorshift(seed);
}

/* Small enough that no sum of registers leaves the canonical addresses. */
static void random_ctx(u64 *gpr, struct hvt_insn_ctx *cx, u8 bits)
{
	unsigned int i;

	memset(cx, 0, sizeof(*cx));
	for (i = 0; i < 16; i++)
		gpr[i] = rnd() >> (18 + rnd() % 30);
	cx->gpr = gpr;
	cx->ip = rnd() >> 18;
	cx->fs_base = rnd() >> 20;
	cx->gs_base = (rnd() & 1 ? 0xffff888000000000ull : 0) + (rnd() >> 30);
	cx->bits = bits;
	cx->cpl = 0;
	cx->hidden_stack = false;
	if (bits == 32) {
		for (i = 0; i < 16; i++)
			gpr[i] = (u32)rnd() >> 4;
		cx->ip = (u32)rnd() >> 4;
		cx->fs_base = (u32)rnd();
		cx->gs_base = (u32)rnd();
	}
}

struct tally {
	u64 insns, with_mem, known, known_mem, with_form, rejected, wrong;
};

/* A form was made with other registers; those of @again may be anything. */
static bool form_holds(const struct hvt_form *form, const u8 *b, unsigned int n,
		       const struct hvt_insn_ctx *again)
{
	struct hvt_insn want, got;
	unsigned int i;
	bool known;

	memset(&want, 0, sizeof(want));
	memset(&got, 0xff, sizeof(got));
	known = hvt_insn_decode(b, n, again, &want);
	if (hvt_form_apply(form, again, &got) != known || got.len != want.len)
		return false;
	if (!known)
		return true;
	if (got.nops != want.nops || got.mask != want.mask || got.rep != want.rep ||
	    got.imm != want.imm)
		return false;
	for (i = 0; i < got.nops; i++)
		if (got.op[i].addr != want.op[i].addr || got.op[i].size != want.op[i].size ||
		    got.op[i].access != want.op[i].access || got.op[i].lane != want.op[i].lane ||
		    got.op[i].value != want.op[i].value || got.op[i].reg != want.op[i].reg)
			return false;
	return true;
}

static void check_form(const u8 *b, unsigned int n, const struct hvt_insn_ctx *cx, bool mem,
		       struct tally *t)
{
	struct hvt_insn_ctx again;
	struct hvt_form form;
	struct hvt_insn got;
	unsigned int i;
	u64 gpr[16];

	hvt_insn_decode_form(b, n, cx, &got, &form);
	if (!form.len)
		return;
	t->with_form += mem;
	for (i = 0; i < 3; i++) {
		random_ctx(gpr, &again, cx->bits);
		again.ip = cx->ip;
		again.cpl = i;
		if (i == 2) /* not canonical, as likely as not */
			gpr[rnd() & 15] = rnd();
		if (form_holds(&form, b, n, &again))
			continue;
		if (t->wrong++ < 40)
			fprintf(stderr, "form: %02x %02x %02x %02x %02x %02x %02x %02x\n", b[0],
				b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
	}
}

static bool same_ops(const struct hvt_insn *a, const struct expect *e)
{
	unsigned int i, j, used = 0;

	if (a->nops != e->n)
		return false;
	for (i = 0; i < a->nops; i++) {
		for (j = 0; j < e->n; j++)
			if (!(used & (1u << j)) && a->op[i].access == e->op[j].access &&
			    (e->evex || (a->op[i].addr == e->op[j].addr &&
					 a->op[i].size == e->op[j].size)))
				break;
		if (j == e->n)
			return false;
		used |= 1u << j;
	}
	return true;
}

static void report(const u8 *b, const cs_insn *in, const struct hvt_insn *got,
		   const struct expect *e)
{
	unsigned int i;

	fprintf(stderr, "%s %s (", in->mnemonic, in->op_str);
	for (i = 0; i < in->size || i < got->len; i++)
		fprintf(stderr, "%02x%s", b[i], i + 1 < in->size ? " " : "");
	fprintf(stderr, ")\n  decoder: length %u", got->len);
	for (i = 0; i < got->nops; i++)
		fprintf(stderr, ", %u at %#llx size %u", got->op[i].access,
			(unsigned long long)got->op[i].addr, got->op[i].size);
	fprintf(stderr, "\n  capstone: length %u", in->size);
	for (i = 0; i < e->n; i++)
		fprintf(stderr, ", %u at %#llx size %u", e->op[i].access,
			(unsigned long long)e->op[i].addr, e->op[i].size);
	fprintf(stderr, "\n");
}

/* HVT_TEST_MISSES: print what is not known, for "sort | uniq -c". */
static void check(const u8 *b, unsigned int n, const cs_insn *in, const struct hvt_insn_ctx *cx,
		  struct tally *t)
{
	static int show_misses = -1;
	struct hvt_insn got;
	struct expect e;
	bool known = hvt_insn_decode(b, n, cx, &got);

	if (show_misses < 0)
		show_misses = getenv("HVT_TEST_MISSES") != NULL;
	expect_from_capstone(in, cx, &e);
	t->insns++;
	t->with_mem += e.n > 0;
	if (!known) {
		if (show_misses && e.n)
			printf("MISS %s\n", in->mnemonic);
		/* A length that comes with "unknown" must be right, too. */
		if (got.len && got.len != in->size && !e.skip) {
			t->wrong++;
			report(b, in, &got, &e);
		}
		return;
	}
	t->known++;
	t->known_mem += e.n > 0;
	check_form(b, n, cx, e.n > 0, t);
	if (e.skip)
		return;
	if (got.len != in->size || !same_ops(&got, &e)) {
		if (t->wrong++ < 40)
			report(b, in, &got, &e);
	}
}

static void check_code(csh cs, const u8 *b, size_t n, struct tally *t, u64 limit)
{
	cs_insn *in = cs_malloc(cs);
	struct hvt_insn_ctx cx;
	const u8 *p = b;
	u64 gpr[16], va = 0x1000;

	while (n && limit--) {
		const u8 *at = p;
		unsigned int have = n < 15 ? n : 15;

		if (!cs_disasm_iter(cs, &p, &n, &va, in)) {
			p++;
			n--;
			va++;
			continue;
		}
		random_ctx(gpr, &cx, 64);
		cx.ip = in->address;
		check(at, have, in, &cx, t);
	}
	cs_free(in, 1);
}

static void check_elf(csh cs, const char *path, struct tally *t, u64 limit)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	const Elf64_Ehdr *eh;
	const Elf64_Shdr *sh;
	const u8 *m;
	unsigned int i;

	if (fd < 0)
		return;
	if (fstat(fd, &st) ||
	    (m = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED) {
		close(fd);
		return;
	}
	close(fd);
	eh = (const void *)m;
	sh = (const void *)(m + eh->e_shoff);
	for (i = 0; !memcmp(m, ELFMAG, SELFMAG) && i < eh->e_shnum; i++)
		if ((sh[i].sh_flags & SHF_EXECINSTR) && sh[i].sh_type == SHT_PROGBITS &&
		    sh[i].sh_offset + sh[i].sh_size <= (u64)st.st_size)
			check_code(cs, m + sh[i].sh_offset, sh[i].sh_size, t, limit);
	munmap((void *)m, st.st_size);
}

static csh open_capstone(cs_mode mode)
{
	csh cs;

	assert_int_equal(cs_open(CS_ARCH_X86, mode, &cs), CS_ERR_OK);
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	return cs;
}

static void print_tally(const char *what, const struct tally *t)
{
	printf("# %-32s %8llu insns, %8llu touch memory, known %.3f%%, form %.3f%%; of all %.3f%%\n", what,
	       (unsigned long long)t->insns, (unsigned long long)t->with_mem,
	       t->with_mem ? 100.0 * t->known_mem / t->with_mem : 0.0,
	       t->with_mem ? 100.0 * t->with_form / t->with_mem : 0.0,
	       t->insns ? 100.0 * t->known / t->insns : 0.0);
}

static void test_real_code(void **state)
{
	const char *const files[] = {
		"/proc/self/exe",
		"/bin/bash",
		"/lib64/ld-linux-x86-64.so.2",
		"/lib*/x86_64-linux-gnu/libc.so.6",
		"/lib64/libc.so.6",
		"/lib*/x86_64-linux-gnu/libm.so.6",
		"/usr/lib*/x86_64-linux-gnu/libcrypto.so.*",
		"/usr/lib*/x86_64-linux-gnu/libcapstone.so.*",
		"/lib/modules/*/kernel/fs/ext4/ext4.ko",
		"/usr/lib/debug/boot/vmlinux-*",
		getenv("HVT_TEST_ELF") ?: "", /* another one */
	};
	u64 limit = getenv("HVT_TEST_ALL") ? ~0ull : 120000;
	struct tally all = { 0 };
	csh cs = open_capstone(CS_MODE_64);
	unsigned int i;
	glob_t g;
	size_t k;

	(void)state;
	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (glob(files[i], 0, NULL, &g))
			continue;
		for (k = 0; k < g.gl_pathc; k++) {
			struct tally t = { 0 };

			check_elf(cs, g.gl_pathv[k], &t, limit);
			print_tally(strrchr(g.gl_pathv[k], '/') + 1, &t);
			all.insns += t.insns;
			all.with_mem += t.with_mem;
			all.known += t.known;
			all.known_mem += t.known_mem;
			all.with_form += t.with_form;
			all.wrong += t.wrong;
		}
		globfree(&g);
	}
	print_tally("all real code", &all);
	assert_int_equal(all.wrong, 0);
	assert_true(all.insns > 100000);
	assert_true(all.known_mem > all.with_mem * 99 / 100);
	assert_true(all.with_form > all.with_mem * 95 / 100);
	cs_close(&cs);
}

/* ModRM with SIB and displacement, any of its forms, for register field @reg. */
static unsigned int put_modrm(u8 *p, unsigned int reg)
{
	unsigned int i, n = 0, r = rnd();
	u8 m = (r & 7) | (reg << 3) | ((r >> 3) & 3) << 6;

	if ((m >> 6) == 3 && (r & 0x700)) /* mostly memory */
		m &= 0x3f;
	p[n++] = m;
	for (i = 0; i < 12; i++)
		p[n++] = rnd();
	return n;
}

static const struct {
	u8 n, b[3];
} prefixes[] = {
	{ 0, { 0 } },	       { 1, { 0x66 } },	      { 1, { 0xf3 } },
	{ 1, { 0xf2 } },       { 1, { 0x48 } },	      { 2, { 0x66, 0x48 } },
	{ 2, { 0xf3, 0x48 } }, { 2, { 0xf2, 0x48 } }, { 2, { 0x66, 0xf3 } },
	{ 2, { 0x66, 0xf2 } }, { 1, { 0x67 } },	      { 1, { 0x64 } },
	{ 1, { 0x65 } },       { 1, { 0xf0 } },	      { 1, { 0x47 } },
	{ 2, { 0x65, 0x4c } }, { 2, { 0x67, 0x41 } }, { 3, { 0x66, 0x66, 0x48 } },
	{ 1, { 0x3e } },       { 2, { 0x40, 0x48 } }, { 2, { 0x48, 0x66 } },
};

static void check_generated(csh cs, u8 bits, const u8 *b, unsigned int n, struct tally *t,
			    cs_insn *in)
{
	struct hvt_insn_ctx cx;
	struct hvt_insn got;
	const u8 *p = b;
	size_t left = n;
	u64 gpr[16], va;

	random_ctx(gpr, &cx, bits);
	va = cx.ip;
	if (cs_disasm_iter(cs, &p, &left, &va, in))
		check(b, n, in, &cx, t);
	else
		t->rejected += hvt_insn_decode(b, n, &cx, &got);
	check_form(b, n, &cx, false, t);
}

static void generate(u8 bits)
{
	const char *s = getenv("HVT_TEST_SEED");
	csh cs = open_capstone(bits == 64 ? CS_MODE_64 : CS_MODE_32);
	cs_insn *in = cs_malloc(cs);
	struct tally t = { 0 };
	unsigned int map, op, p, i, n;
	u8 b[32];

	seed = 88172645463325252ull + (s ? strtoull(s, NULL, 0) : 0);
	for (map = 0; map < 4; map++)
		for (op = 0; op < 256; op++)
			for (p = 0; p < sizeof(prefixes) / sizeof(*prefixes); p++)
				for (i = 0; i < 16; i++) {
					n = prefixes[p].n;
					memcpy(b, prefixes[p].b, n);
					if (map)
						b[n++] = 0x0f;
					if (map > 1)
						b[n++] = map == 2 ? 0x38 : 0x3a;
					b[n++] = op;
					put_modrm(b + n, i & 7);
					check_generated(cs, bits, b, 15, &t, in);
				}
	for (map = 1; map < 4; map++)
		for (op = 0; op < 256; op++)
			for (p = 0; p < 16; p++)
				for (i = 0; i < 16; i++) {
					n = 0;
					b[n++] = 0xc4;
					b[n++] = map | (bits == 64 ? rnd() & 0xe0 : 0xe0);
					/* vvvv is 1111 or, for three operands, anything */
					b[n++] = (p & 7) | (p & 8) << 4 |
						 (i & 1 ? 0x78 : rnd() & 0x78);
					b[n++] = op;
					put_modrm(b + n, (i >> 1) & 7);
					check_generated(cs, bits, b, 15, &t, in);
				}
	for (map = 1; map < 4; map++)
		for (op = 0; op < 256; op++)
			for (p = 0; p < 64; p++)
				for (i = 0; i < 8; i++) {
					n = 0;
					b[n++] = 0x62;
					b[n++] = map | (bits == 64 ? rnd() & 0xf0 : 0xf0);
					b[n++] = 4 | (p & 3) | (p & 4) << 5 |
						 (i & 3 ? 0x78 : rnd() & 0x78);
					b[n++] = (p & 0x38) << 1 | (rnd() & 7) | 8;
					b[n++] = op;
					put_modrm(b + n, rnd() & 7);
					check_generated(cs, bits, b, 15, &t, in);
				}
	for (i = 0; i < 300000; i++) {
		for (n = 0; n < 16; n++)
			b[n] = rnd();
		if (i >= 200000)
			b[0] = 0x62;
		check_generated(cs, bits, b, 15, &t, in);
	}
	print_tally(bits == 64 ? "generated, 64-bit" : "generated, 32-bit", &t);
	printf("# %llu generated instructions are unknown to capstone, but not to us\n",
	       (unsigned long long)t.rejected);
	assert_int_equal(t.wrong, 0);
	cs_free(in, 1);
	cs_close(&cs);
}

static void test_generated_64(void **state)
{
	(void)state;
	generate(64);
}

static void test_generated_32(void **state)
{
	(void)state;
	generate(32);
}

int main(void)
{
	/* Capstone knows no masks: all elements count. */
	memset(vec_mask, 0xff, sizeof(vec_mask));
	memset(vec_reg, 0x80, sizeof(vec_reg));
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real_code),
		cmocka_unit_test(test_generated_64),
		cmocka_unit_test(test_generated_32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
