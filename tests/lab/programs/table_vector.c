/* cflags: -Wall -Wextra -fno-pie -no-pie */
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x87, MMX, SSE, AVX and AVX-512: whole vectors, parts of them, masked, compressed,
 * gathered and scattered. See table.h. Elements that a mask leaves out are not accessed
 * (SDM volume 2, 2.8.4 and each instruction's pseudocode); those of gathers and scatters
 * are one access each.
 */
#define ARENA_PAGES 160
#include "table.h"

__attribute__((constructor)) static void use_vectors(void)
{
	table_vectors = 512;
}

/* Indices of gathers and scatters, scaled by the instruction. */
__attribute__((aligned(64))) const int32_t vector_d[16] = {
	0, 8, -16, 100, 44, 200, 7, 300, 500, -128, 60, 31, 1020, 90, 71, 400,
};
__attribute__((aligned(64))) const int64_t vector_q[8] = { 16, -8, 120, 40, 0, 640, 76, -512 };

/* --- x87 and MMX */
CASE(fld_32, "flds (%rdi)\nfstp %st", ACC(RD(0, 4)))
CASE(fld_64, "fldl (%rdi)\nfstp %st", ACC(RD(0, 8)))
CASE(fld_80, "fldt (%rdi)\nfstp %st", ACC(RD(0, 10)))
CASE(fild_16, "filds (%rdi)\nfstp %st", ACC(RD(0, 2)))
CASE(fild_64, "fildq (%rdi)\nfstp %st", ACC(RD(0, 8)))
CASE(fst_32, "fldpi\nfstps (%rdi)", ACC(WR(0, 4)))
CASE(fst_64, "fldpi\nfstpl (%rdi)", ACC(WR(0, 8)))
CASE(fst_80, "fldpi\nfstpt (%rdi)", ACC(WR(0, 10)))
CASE(fist_16, "fldpi\nfistps (%rdi)", ACC(WR(0, 2)))
CASE(fist_64, "fldpi\nfistpq (%rdi)", ACC(WR(0, 8)))
CASE(fisttp_32, "fldpi\nfisttpl (%rdi)", ACC(WR(0, 4)))
CASE(fbst, "fldpi\nfbstp (%rdi)", ACC(WR(0, 10)))
CASE(fadd_64, "fldpi\nfaddl (%rdi)\nfstp %st", ACC(RD(0, 8)))
CASE(fnstcw, "fnstcw (%rdi)", ACC(WR(0, 2)))
CASE(fldcw, "fldcw (%rdi)", .mem = { { 0, V(0x37f) } }, ACC(RD(0, 2)))
CASE(fnstsw, "fnstsw (%rdi)", ACC(WR(0, 2)))
CASE(fnstenv, "fninit\nfnstenv (%rdi)", ACC(WR(0, 28)), .bytes = true)
CASE(fnsave, "fninit\nfldpi\nfnsave (%rdi)", ACC(WR(0, 108)), .bytes = true)
CASE(fldenv, "fldenv (%rdi)\nfninit", .mem = { { 0, V(0x37f) }, { 8, V(0xffff) }, { 16, V(0) },
     { 24, V(0) } }, ACC(RD(0, 28)), .bytes = true)
CASE(mmx_load, "movq (%rdi), %mm0\nemms", ACC(RD(0, 8)))
CASE(mmx_store, "pcmpeqd %mm0, %mm0\nmovq %mm0, (%rdi)\nemms", ACC(WR(0, 8)))
CASE(mmx_movd, "pcmpeqd %mm0, %mm0\nmovd %mm0, (%rdi)\nemms", ACC(WR(0, 4)))
CASE(mmx_add, "paddw (%rdi), %mm0\nemms", ACC(RD(0, 8)))
CASE(mmx_movntq, "pcmpeqd %mm0, %mm0\nmovntq %mm0, (%rdi)\nemms", ACC(WR(0, 8)))

/* --- SSE */
CASE(movaps_load, "movaps (%rdi), %xmm0", ACC(RD(0, 16)))
CASE(movaps_store, "movaps %xmm0, (%rdi)", ACC(WR(0, 16)))
CASE(movups_store, "movups %xmm0, 3(%rdi)", ACC(WR(3, 16)))
CASE(movdqu_load, "movdqu 5(%rdi), %xmm9", ACC(RD(5, 16)))
CASE(lddqu, "lddqu (%rdi), %xmm0", ACC(RD(0, 16)))
CASE(movss_load, "movss (%rdi), %xmm0", ACC(RD(0, 4)))
CASE(movsd_store, "movsd %xmm0, (%rdi)", ACC(WR(0, 8)))
CASE(movlps_load, "movlps (%rdi), %xmm0", ACC(RD(0, 8)))
CASE(movhpd_store, "movhpd %xmm0, (%rdi)", ACC(WR(0, 8)))
CASE(movddup, "movddup (%rdi), %xmm0", ACC(RD(0, 8)))
CASE(movd_load, "movd (%rdi), %xmm0", ACC(RD(0, 4)))
CASE(movq_store, "movq %xmm0, (%rdi)", ACC(WR(0, 8)))
CASE(movntps, "movntps %xmm0, (%rdi)", ACC(WR(0, 16)))
CASE(movntdq, "movntdq %xmm0, (%rdi)", ACC(WR(0, 16)))
CASE(movntdqa, "movntdqa (%rdi), %xmm0", ACC(RD(0, 16)))
CASE(addps, "addps (%rdi), %xmm0", ACC(RD(0, 16)))
CASE(mulsd, "mulsd (%rdi), %xmm0", ACC(RD(0, 8)))
CASE(ucomiss, "ucomiss (%rdi), %xmm0", ACC(RD(0, 4)))
CASE(cvtsi2sd_64, "cvtsi2sdq (%rdi), %xmm0", ACC(RD(0, 8)))
CASE(cvttss2si, "cvttss2si (%rdi), %eax", ACC(RD(0, 4)))
CASE(cvtps2pd, "cvtps2pd (%rdi), %xmm0", ACC(RD(0, 8)))
CASE(pshufd, "pshufd $1, (%rdi), %xmm0", ACC(RD(0, 16)))
CASE(pslld_mem, "pslld (%rdi), %xmm0", ACC(RD(0, 16)))
CASE(pinsrw, "pinsrw $3, (%rdi), %xmm0", ACC(RD(0, 2)))
CASE(pextrb, "pextrb $3, %xmm0, (%rdi)", ACC(WR(0, 1)))
CASE(pextrq, "pextrq $1, %xmm0, (%rdi)", ACC(WR(0, 8)))
CASE(extractps, "extractps $2, %xmm0, (%rdi)", ACC(WR(0, 4)))
CASE(insertps, "insertps $0x10, (%rdi), %xmm0", ACC(RD(0, 4)))
CASE(pmovzxbq, "pmovzxbq (%rdi), %xmm0", ACC(RD(0, 2)))
CASE(pmovsxwd, "pmovsxwd (%rdi), %xmm0", ACC(RD(0, 8)))
CASE(pcmpistri, "pcmpistri $8, (%rdi), %xmm0", ACC(RD(0, 16)))
CASE(aesenc, "aesenc (%rdi), %xmm0", ACC(RD(0, 16)))
CASE(ldmxcsr, "ldmxcsr (%rdi)", .mem = { { 0, V(0x1f80) } }, ACC(RD(0, 4)))
CASE(stmxcsr, "stmxcsr (%rdi)", ACC(WR(0, 4)))

/* The mask is the sign bit of each element: the program makes it of a k register. */
#define K(n) [RCX] = V(n)
CASE(maskmovdqu, "kmovw %ecx, %k1\nvpmovm2b %k1, %xmm1\nmaskmovdqu %xmm1, %xmm0",
     REG(K(0x80f1)), ACC(WR(0, 1), WR(4, 4), WR(15, 1)), .bytes = true)
CASE(maskmovdqu_none, "pxor %xmm1, %xmm1\nmaskmovdqu %xmm1, %xmm0")
CASE(maskmovq, "kmovw %ecx, %k1\nvpmovm2b %k1, %xmm1\nmovdq2q %xmm1, %mm1\n"
     "maskmovq %mm1, %mm0\nemms", REG(K(0x81)), ACC(WR(0, 1), WR(7, 1)), .bytes = true)

/* --- AVX */
CASE(avx_load, "vmovups (%rdi), %ymm0", ACC(RD(0, 32)))
CASE(avx_store, "vmovdqa %ymm0, (%rdi)", ACC(WR(0, 32)))
CASE(avx_movntdq, "vmovntdq %ymm0, (%rdi)", ACC(WR(0, 32)))
CASE(avx_add, "vpaddd 4(%rdi), %ymm0, %ymm1", ACC(RD(4, 32)))
CASE(avx_fma, "vfmadd231sd (%rdi), %xmm0, %xmm1", ACC(RD(0, 8)))
CASE(avx_broadcastss, "vbroadcastss (%rdi), %ymm0", ACC(RD(0, 4)))
CASE(avx_broadcastf128, "vbroadcastf128 (%rdi), %ymm0", ACC(RD(0, 16)))
CASE(avx_pbroadcastb, "vpbroadcastb (%rdi), %xmm0", ACC(RD(0, 1)))
CASE(avx_extract, "vextracti128 $1, %ymm0, (%rdi)", ACC(WR(0, 16)))
CASE(avx_insert, "vinsertf128 $1, (%rdi), %ymm0, %ymm0", ACC(RD(0, 16)))
CASE(avx_cvtps2ph, "vcvtps2ph $0, %ymm0, (%rdi)", ACC(WR(0, 16)))
CASE(avx_pmovzx, "vpmovzxbd (%rdi), %ymm0", ACC(RD(0, 8)))
#define MASKED(id, make, text, k, ...)                                                         \
	CASE(id, "kmovw %ecx, %k1\n" make " %k1, %ymm1\n" text, REG(K(k)), .bytes = true, __VA_ARGS__)
MASKED(vmaskmovps_load, "vpmovm2d", "vmaskmovps (%rdi), %ymm1, %ymm0", 0xa7,
       ACC(RD(0, 12), RD(20, 4), RD(28, 4)))
MASKED(vmaskmovpd_store, "vpmovm2q", "vmaskmovpd %ymm0, %ymm1, (%rdi)", 0x9,
       ACC(WR(0, 8), WR(24, 8)))
MASKED(vpmaskmovd_store, "vpmovm2d", "vpmaskmovd %xmm0, %xmm1, (%rdi)", 0x6, ACC(WR(4, 8)))
MASKED(vpmaskmovq_load, "vpmovm2q", "vpmaskmovq (%rdi), %ymm1, %ymm0", 0xf, ACC(RD(0, 32)))
MASKED(vmaskmovps_none, "vpmovm2d", "vmaskmovps %ymm0, %ymm1, (%rdi)", 0)
MASKED(vmaskmov_over_page, "vpmovm2d", "vmaskmovps %ymm0, %ymm1, (%rdi)", 0x3, .pages = 2,
       .at = PAGE - 8, ACC(WR(0, 8)))
#define INDEX(x) "vmovdqa64 vector_" x "(%rip), %zmm2\nkmovw %ecx, %k1\n"
CASE(vgatherdps, INDEX("d") "vpmovm2d %k1, %ymm1\nvgatherdps %ymm1, 4(%rdi,%ymm2,2), %ymm0",
     REG(K(0xb5)), ACC(RD(4, 4), RD(4 - 32, 4), RD(92, 4), RD(404, 4), RD(604, 4)))
CASE(vpgatherqq, INDEX("q") "vpmovm2q %k1, %ymm1\nvpgatherqq %ymm1, (%rdi,%ymm2,1), %ymm0",
     REG(K(0xe)), ACC(RD(-8, 8), RD(120, 8), RD(40, 8)))
CASE(vgatherqps, INDEX("q") "vpmovm2d %k1, %xmm1\nvgatherqps %xmm1, (%rdi,%ymm2,4), %xmm0",
     REG(K(0x5)), ACC(RD(64, 4), RD(480, 4)))
CASE(vgather_none, INDEX("d") "vpmovm2d %k1, %ymm1\nvgatherdps %ymm1, (%rdi,%ymm2), %ymm0",
     REG(K(0)))

/* --- AVX-512 */
CASE(zmm_load, "vmovdqu64 (%rdi), %zmm0", ACC(RD(0, 64)))
CASE(zmm_store, "vmovaps %zmm17, (%rdi)", ACC(WR(0, 64)))
CASE(zmm_disp8, "vmovdqu32 -128(%rdi), %zmm0", ACC(RD(-128, 64)))	/* disp8 * 64 */
CASE(zmm_disp32, "vmovdqu32 %zmm0, 0x31(%rdi)", ACC(WR(0x31, 64)))
CASE(zmm_r10, "vmovdqu8 %zmm0, (%r10,%r11,2)", REG([R10] = P(0), [R11] = V(16)), ACC(WR(32, 64)))
CASE(zmm_movntdq, "vmovntdq %zmm0, (%rdi)", ACC(WR(0, 64)))
CASE(zmm_movntdqa, "vmovntdqa (%rdi), %zmm0", ACC(RD(0, 64)))
CASE(zmm_cross, "vmovdqu64 %zmm0, (%rdi)", .pages = 2, .at = PAGE - 9, ACC(WR(0, 64)))
CASE(evex_ymm, "vmovdqu32 %ymm16, (%rdi)", ACC(WR(0, 32)))
CASE(evex_scalar, "vmovss 8(%rdi), %xmm16", ACC(RD(8, 4)))
CASE(evex_add, "vpaddd (%rdi), %zmm0, %zmm1", ACC(RD(0, 64)))
CASE(evex_1to16, "vpaddd 4(%rdi){1to16}, %zmm0, %zmm1", ACC(RD(4, 4)))
CASE(evex_1to4, "vaddpd 8(%rdi){1to4}, %ymm0, %ymm1", ACC(RD(8, 8)))
CASE(evex_addsd, "vaddsd 8(%rdi), %xmm0, %xmm16", ACC(RD(8, 8)))
CASE(evex_broadcast, "vbroadcasti64x4 (%rdi), %zmm0", ACC(RD(0, 32)))
CASE(evex_pbroadcast, "vpbroadcastq 16(%rdi), %zmm0", ACC(RD(16, 8)))
CASE(evex_extract, "vextracti32x4 $3, %zmm0, 16(%rdi)", ACC(WR(16, 16)))
CASE(evex_insert, "vinserti64x4 $1, (%rdi), %zmm0, %zmm1", ACC(RD(0, 32)))
CASE(evex_pmovzx, "vpmovzxbd (%rdi), %zmm0", ACC(RD(0, 16)))
CASE(evex_pmovqb, "vpmovqb %zmm0, (%rdi)", ACC(WR(0, 8)))
CASE(evex_pmovdw, "vpmovdw %zmm0, 32(%rdi)", ACC(WR(32, 32)))
CASE(evex_cvtps2ph, "vcvtps2ph $0, %zmm0, (%rdi)", ACC(WR(0, 32)))
CASE(evex_cmp, "vpcmpeqd (%rdi), %zmm0, %k2", ACC(RD(0, 64)))
CASE(kmovw_load, "kmovw (%rdi), %k2", ACC(RD(0, 2)))
CASE(kmovq_store, "kmovq %rcx, %k2\nkmovq %k2, (%rdi)", ACC(WR(0, 8)))
CASE(kmovb_store, "kmovq %rcx, %k2\nkmovb %k2, (%rdi)", ACC(WR(0, 1)))
CASE(kmovd_load, "kmovd (%rdi), %k2", ACC(RD(0, 4)))

#define OPMASK(id, text, k, ...)                                                               \
	CASE(id, "kmovq %rcx, %k1\n" text, REG(K(k)), .bytes = true, __VA_ARGS__)
OPMASK(k_load_32, "vmovdqu32 (%rdi), %zmm0{%k1}", 0x8013, ACC(RD(0, 8), RD(16, 4), RD(60, 4)))
OPMASK(k_load_z, "vmovdqu64 (%rdi), %zmm0{%k1}{z}", 0x81, ACC(RD(0, 8), RD(56, 8)))
OPMASK(k_load_8, "vmovdqu8 (%rdi), %zmm0{%k1}", 0x8000000000000005, ACC(RD(0, 1), RD(2, 1),
       RD(63, 1)))
OPMASK(k_store_32, "vmovdqu32 %zmm0, (%rdi){%k1}", 0x0ff0, ACC(WR(16, 32)))
OPMASK(k_store_16, "vmovdqu16 %ymm0, (%rdi){%k1}", 0x8007, ACC(WR(0, 6), WR(30, 2)))
OPMASK(k_store_aligned, "vmovapd %zmm0, (%rdi){%k1}", 0x24, ACC(WR(16, 8), WR(40, 8)))
OPMASK(k_store_all, "vmovdqu32 %zmm0, (%rdi){%k1}", 0xffff, ACC(WR(0, 64)))
OPMASK(k_store_none, "vmovdqu32 %zmm0, (%rdi){%k1}", 0xffff0000)
OPMASK(k_store_before_page, "vmovdqu32 %zmm0, (%rdi){%k1}", 0x00ff, .pages = 2, .at = PAGE - 32,
       ACC(WR(0, 32)))
OPMASK(k_store_cross, "vmovdqu32 %zmm0, (%rdi){%k1}", 0x0380, .pages = 2, .at = PAGE - 34,
       ACC(WR(28, 12)))
OPMASK(k_scalar, "vmovss %xmm0, (%rdi){%k1}", 1, ACC(WR(0, 4)))
OPMASK(k_scalar_none, "vmovss (%rdi), %xmm0{%k1}", 2)
OPMASK(k_add, "vpaddd (%rdi), %zmm0, %zmm1{%k1}", 0x0101, ACC(RD(0, 4), RD(32, 4)))
OPMASK(k_add_1to8, "vpaddq (%rdi){1to8}, %zmm0, %zmm1{%k1}", 0x10, ACC(RD(0, 8)))
OPMASK(k_pmovdb, "vpmovdb %zmm0, (%rdi){%k1}", 0x8421, ACC(WR(0, 1), WR(5, 1), WR(10, 1),
       WR(15, 1)))
/* CPUs fault on elements that the mask excludes (class E6NF), though they leave them alone. */
OPMASK(k_extract, "vextractf64x4 $1, %zmm0, (%rdi){%k1}", 0x5, ACC(WR(0, 8), WR(16, 8)),
       .inexact = "excluded elements may be accessed")
OPMASK(compress_d, "vpcompressd %zmm0, (%rdi){%k1}", 0x8421, ACC(WR(0, 16)))
OPMASK(compress_pd, "vcompresspd %ymm0, 8(%rdi){%k1}", 0xa, ACC(WR(8, 16)))
OPMASK(compress_none, "vpcompressq %zmm0, (%rdi){%k1}", 0)
OPMASK(expand_q, "vpexpandq (%rdi), %zmm0{%k1}", 0x94, ACC(RD(0, 24)))
OPMASK(expand_ps, "vexpandps 4(%rdi), %zmm0{%k1}{z}", 0x10001, ACC(RD(4, 4)))

/* --- gathers and scatters with an opmask */
CASE(gather_dd, INDEX("d") "vpgatherdd (%rdi,%zmm2,1), %zmm0{%k1}", REG(K(0x9249)),
     ACC(RD(0, 4), RD(100, 4), RD(7, 4), RD(-128, 4), RD(1020, 4), RD(400, 4)))
CASE(gather_dpd, INDEX("d") "vgatherdpd 8(%rdi,%ymm2,8), %zmm0{%k1}", REG(K(0x5)),
     ACC(RD(8, 8), RD(8 - 128, 8)))
CASE(gather_qd, INDEX("q") "vpgatherqd (%rdi,%zmm2,1), %ymm0{%k1}", REG(K(0xc1)),
     ACC(RD(16, 4), RD(76, 4), RD(-512, 4)))
CASE(gather_pages, INDEX("d") "vpgatherdd (%rdi,%zmm2,8), %zmm0{%k1}", .pages = 4,
     .at = PAGE, REG(K(0x1330)), .watch = { { 0, PAGE }, { 2 * PAGE, 4 * PAGE } },
     ACC(RD(44 * 8, 4), RD(1600, 4), RD(4000, 4), RD(-1024, 4), RD(8160, 4)))
CASE(gather_cross, INDEX("d") "vpgatherdd (%rdi,%zmm2,1), %zmm0{%k1}", .pages = 2,
     .at = PAGE - 9, REG(K(0x0042)), ACC(RD(8, 4), RD(7, 4)))
CASE(gather_none, INDEX("d") "vpgatherdd (%rdi,%zmm2,1), %zmm0{%k1}", REG(K(0)))
CASE(scatter_dd, INDEX("d") "vpscatterdd %zmm0, (%rdi,%zmm2,1){%k1}", REG(K(0x9249)),
     ACC(WR(0, 4), WR(100, 4), WR(7, 4), WR(-128, 4), WR(1020, 4), WR(400, 4)))
/* No two overlap: what one lane leaves to the next one is not seen, values are those before
 * and after the instruction.
 */
CASE(scatter_all, INDEX("d") "vpscatterdd %zmm0, (%rdi,%zmm2,4){%k1}", REG(K(0xffff)), .pages = 2,
     ACC(WR(0, 4), WR(32, 4), WR(-64, 4), WR(400, 4), WR(176, 4), WR(800, 4), WR(28, 4),
	 WR(1200, 4), WR(2000, 4), WR(-512, 4), WR(240, 4), WR(124, 4), WR(4080, 4), WR(360, 4),
	 WR(284, 4), WR(1600, 4)))
CASE(scatter_qpd, INDEX("q") "vscatterqpd %zmm0, (%rdi,%zmm2,1){%k1}", REG(K(0xaa)),
     ACC(WR(-8, 8), WR(40, 8), WR(640, 8), WR(-512, 8)))
CASE(scatter_pages, INDEX("q") "vpscatterqq %ymm0, (%rdi,%ymm2,8){%k1}", .pages = 2,
     .at = PAGE - 124, REG(K(0x5)), .watch = { { PAGE, 2 * PAGE } }, ACC(WR(128, 8), WR(960, 8)))
CASE(scatter_none, INDEX("q") "vpscatterqq %zmm0, (%rdi,%zmm2,1){%k1}", REG(K(0)))
