/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Instructions: capstone decodes, a cache by (ip, bytes) remembers, and operands are
 * kept as templates so that an address costs no second decoding. Works with capstone 4
 * and 5, whose x86 detail is the same for what is used here.
 */
#include "internal.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_SLOTS 8192u /* a power of two; about 4 MB when all are used ... */
#define BLOCK_SLOTS 64u	  /* ... and so many of them allocated at a time */
#define SET	    2u	  /* slots that an instruction may be in, the youngest one first */

enum mode { MODE_64, MODE_32, MODE_16, NR_MODES };

/* What an instruction is decoded from: its bytes, zeros behind them, and how many. */
struct key {
	uint64_t ip, low, high;
};

struct slot {
	/* what most events need, up to the site, begins with a cache line */
	_Alignas(64) struct key key;
	bool used;
	struct hvt_insn insn;
};

struct hvt_decoder {
	csh handle[NR_MODES];
	cs_insn *scratch[NR_MODES];
	struct slot *cache[CACHE_SLOTS / BLOCK_SLOTS];
	struct slot spare[SET]; /* when there is no memory for a block */
};

struct hvt_decoder *hvt_decoder_new(void)
{
	static const cs_mode modes[NR_MODES] = { CS_MODE_64, CS_MODE_32, CS_MODE_16 };
	struct hvt_decoder *d = aligned_alloc(_Alignof(struct slot), sizeof(*d));
	int i;

	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	for (i = 0; i < NR_MODES; i++) {
		if (cs_open(CS_ARCH_X86, modes[i], &d->handle[i]) != CS_ERR_OK)
			goto fail;
		cs_option(d->handle[i], CS_OPT_DETAIL, CS_OPT_ON);
		d->scratch[i] = cs_malloc(d->handle[i]);
		if (!d->scratch[i])
			goto fail;
	}
	return d;
fail:
	hvt_decoder_free(d);
	return NULL;
}

void hvt_decoder_free(struct hvt_decoder *d)
{
	size_t i;

	if (!d)
		return;
	for (i = 0; i < CACHE_SLOTS; i++)
		if (d->cache[i / BLOCK_SLOTS])
			hvt_site_clear(&d->cache[i / BLOCK_SLOTS][i % BLOCK_SLOTS].insn.site);
	for (i = 0; i < CACHE_SLOTS / BLOCK_SLOTS; i++)
		free(d->cache[i]);
	for (i = 0; i < SET; i++)
		hvt_site_clear(&d->spare[i].insn.site);
	for (i = 0; i < NR_MODES; i++) {
		if (d->scratch[i])
			cs_free(d->scratch[i], 1);
		if (d->handle[i])
			cs_close(&d->handle[i]);
	}
	free(d);
}

/* A register in an address: its number in encoding order and its width. */
static uint8_t reg_of(x86_reg reg, uint8_t *bits)
{
	static const struct {
		x86_reg reg;
		uint8_t number, bits;
	} regs[] = {
		{ X86_REG_RAX, 0, 64 },	  { X86_REG_RCX, 1, 64 },   { X86_REG_RDX, 2, 64 },
		{ X86_REG_RBX, 3, 64 },	  { X86_REG_RSP, 4, 64 },   { X86_REG_RBP, 5, 64 },
		{ X86_REG_RSI, 6, 64 },	  { X86_REG_RDI, 7, 64 },   { X86_REG_R8, 8, 64 },
		{ X86_REG_R9, 9, 64 },	  { X86_REG_R10, 10, 64 },  { X86_REG_R11, 11, 64 },
		{ X86_REG_R12, 12, 64 },  { X86_REG_R13, 13, 64 },  { X86_REG_R14, 14, 64 },
		{ X86_REG_R15, 15, 64 },  { X86_REG_EAX, 0, 32 },   { X86_REG_ECX, 1, 32 },
		{ X86_REG_EDX, 2, 32 },	  { X86_REG_EBX, 3, 32 },   { X86_REG_ESP, 4, 32 },
		{ X86_REG_EBP, 5, 32 },	  { X86_REG_ESI, 6, 32 },   { X86_REG_EDI, 7, 32 },
		{ X86_REG_R8D, 8, 32 },	  { X86_REG_R9D, 9, 32 },   { X86_REG_R10D, 10, 32 },
		{ X86_REG_R11D, 11, 32 }, { X86_REG_R12D, 12, 32 }, { X86_REG_R13D, 13, 32 },
		{ X86_REG_R14D, 14, 32 }, { X86_REG_R15D, 15, 32 }, { X86_REG_BX, 3, 16 },
		{ X86_REG_BP, 5, 16 },	  { X86_REG_SI, 6, 16 },    { X86_REG_DI, 7, 16 },
		{ X86_REG_AL, 0, 8 },
	};
	size_t i;

	*bits = 64;
	if (reg == X86_REG_INVALID)
		return HVT_REG_NONE;
	if (reg == X86_REG_RIP || reg == X86_REG_EIP || reg == X86_REG_IP)
		return HVT_REG_IP;
	if (reg == X86_REG_EIZ || reg == X86_REG_RIZ)
		return HVT_REG_ZERO;
	for (i = 0; i < sizeof(regs) / sizeof(*regs); i++)
		if (regs[i].reg == reg) {
			*bits = regs[i].bits;
			return regs[i].number;
		}
	return HVT_REG_NONE;
}

static bool is_vector(x86_reg reg)
{
	return (reg >= X86_REG_XMM0 && reg <= X86_REG_XMM31) ||
	       (reg >= X86_REG_YMM0 && reg <= X86_REG_YMM31) ||
	       (reg >= X86_REG_ZMM0 && reg <= X86_REG_ZMM31);
}

static void add_operand(struct hvt_insn *insn, const struct hvt_operand *op)
{
	if (insn->nr_ops < HVT_OPERANDS) /* there are two at most, and an implied one */
		insn->ops[insn->nr_ops++] = *op;
}

/* The operand that the opcode implies: size bytes at [reg + disp]. */
static void add_implied(struct hvt_insn *insn, uint8_t reg, int64_t disp, uint32_t size,
			uint8_t access)
{
	struct hvt_operand op = { .base = reg,
				  .index = HVT_REG_NONE,
				  .base_bits = 64,
				  .index_bits = 64,
				  .scale = 1,
				  .access = access,
				  .size = size,
				  .disp = disp };

	add_operand(insn, &op);
}

/* capstone 4 says of vector stores that they read as well. A move does one of the two. */
static bool is_move(const cs_insn *cs)
{
	const char *m = cs->mnemonic;

	return !strncmp(m, "mov", 3) || !strncmp(m, "vmov", 4);
}

static void explicit_operands(struct hvt_insn *insn, const cs_insn *cs)
{
	const cs_x86 *x = &cs->detail->x86;
	struct hvt_operand op;
	const cs_x86_op *o;
	int i;

	for (i = 0; i < x->op_count; i++) {
		o = &x->operands[i];
		if (o->type != X86_OP_MEM)
			continue;
		memset(&op, 0, sizeof(op));
		op.base = reg_of(o->mem.base, &op.base_bits);
		op.index = reg_of(o->mem.index, &op.index_bits);
		op.scale = (uint8_t)o->mem.scale;
		op.disp = o->mem.disp;
		op.size = o->size;
		op.segment = o->mem.segment == X86_REG_FS || o->mem.segment == X86_REG_GS;
		op.vector = is_vector(o->mem.index);
		op.access = (o->access & CS_AC_READ ? HVT_ACC_R : 0) |
			    (o->access & CS_AC_WRITE ? HVT_ACC_W : 0);
		if (is_move(cs))
			op.access = i ? HVT_ACC_R : HVT_ACC_W;
		/* a register that the record does not hold cannot be computed with */
		if ((o->mem.base != X86_REG_INVALID && op.base == HVT_REG_NONE) ||
		    (o->mem.index != X86_REG_INVALID && op.index == HVT_REG_NONE))
			op.vector = true;
		add_operand(insn, &op);
	}
}

static bool saves_state(unsigned int id)
{
	return id == X86_INS_XSAVE || id == X86_INS_XSAVE64 || id == X86_INS_XSAVEC ||
	       id == X86_INS_XSAVEC64 || id == X86_INS_XSAVEOPT || id == X86_INS_XSAVEOPT64 ||
	       id == X86_INS_XSAVES || id == X86_INS_XSAVES64;
}

/* Stack accesses, and the instructions whose memory capstone does not list. */
static void implied_operands(struct hvt_insn *insn, const cs_insn *cs, enum mode mode)
{
	const cs_x86 *x = &cs->detail->x86;
	uint32_t word = x->prefix[2] == 0x66 ? 2 : mode == MODE_64 ? 8 : mode == MODE_32 ? 4 : 2;
	int i;

	if (mode == MODE_16 && x->prefix[2] == 0x66)
		word = 4;
	switch (cs->id) {
	case X86_INS_LEA:
	case X86_INS_NOP:
		insn->nr_ops = 0; /* an address, not an access */
		break;
	case X86_INS_PUSH:
	case X86_INS_PUSHF:
	case X86_INS_PUSHFD:
	case X86_INS_PUSHFQ:
		add_implied(insn, 4, -(int64_t)word, word, HVT_ACC_W);
		break;
	case X86_INS_CALL:
		if (mode == MODE_64)
			word = 8;
		add_implied(insn, 4, -(int64_t)word, word, HVT_ACC_W);
		break;
	case X86_INS_POP:
		/* [rsp + x] as a destination is computed after rsp has moved (SDM, POP) */
		for (i = 0; i < insn->nr_ops; i++)
			if (insn->ops[i].base == 4)
				insn->ops[i].disp += word;
		add_implied(insn, 4, 0, word, HVT_ACC_R);
		break;
	case X86_INS_POPF:
	case X86_INS_POPFD:
	case X86_INS_POPFQ:
		add_implied(insn, 4, 0, word, HVT_ACC_R);
		break;
	case X86_INS_RET:
		add_implied(insn, 4, 0, mode == MODE_64 ? 8 : word, HVT_ACC_R);
		break;
	case X86_INS_LEAVE:
		add_implied(insn, 5, 0, word, HVT_ACC_R);
		break;
	case X86_INS_FXSAVE:
	case X86_INS_FXSAVE64:
	case X86_INS_FXRSTOR:
	case X86_INS_FXRSTOR64:
		for (i = 0; i < insn->nr_ops; i++)
			insn->ops[i].size = 512;
		break;
	case X86_INS_XSAVE:
	case X86_INS_XSAVE64:
	case X86_INS_XSAVEC:
	case X86_INS_XSAVEC64:
	case X86_INS_XSAVEOPT:
	case X86_INS_XSAVEOPT64:
	case X86_INS_XSAVES:
	case X86_INS_XSAVES64:
	case X86_INS_XRSTOR:
	case X86_INS_XRSTOR64:
	case X86_INS_XRSTORS:
	case X86_INS_XRSTORS64:
	case X86_INS_FNSAVE:
	case X86_INS_FRSTOR:
	case X86_INS_FNSTENV:
	case X86_INS_FLDENV:
		for (i = 0; i < insn->nr_ops; i++)
			insn->ops[i].size = 0; /* depends on XCR0 and the mode */
		if (saves_state(cs->id))       /* capstone 4 has loads; headers are read, too */
			for (i = 0; i < insn->nr_ops; i++)
				insn->ops[i].access = HVT_ACC_R | HVT_ACC_W;
		break;
	case X86_INS_BT:
	case X86_INS_BTC:
	case X86_INS_BTR:
	case X86_INS_BTS:
		/* a bit offset in a register moves the operand */
		if (x->op_count == 2 && x->operands[1].type == X86_OP_REG && insn->nr_ops)
			insn->ops[0].vector = true;
		break;
	default:
		break;
	}
}

static void decode(struct hvt_decoder *d, struct hvt_insn *insn, enum mode mode, uint64_t at,
		   const uint8_t *p, size_t len)
{
	cs_insn *cs = d->scratch[mode];

	hvt_site_clear(&insn->site);
	memset(insn, 0, sizeof(*insn));
	if (!cs_disasm_iter(d->handle[mode], &p, &len, &at, cs))
		return;
	insn->len = (uint8_t)cs->size;
	insn->addr_bits = (uint8_t)(cs->detail->x86.addr_size * 8);
	snprintf(insn->text, sizeof(insn->text), "%s%s%s", cs->mnemonic, cs->op_str[0] ? " " : "",
		 cs->op_str);
	explicit_operands(insn, cs);
	/* segments of 16-bit code have bases that the record does not hold */
	insn->sure = mode != MODE_16 && hvt_insn_sure(cs, insn);
	implied_operands(insn, cs, mode);
}

static struct key key_of(uint64_t ip, enum mode mode, const uint8_t *bytes, size_t len)
{
	struct key k = { .ip = ip };

	memcpy(&k.low, bytes, 8);
	memcpy(&k.high, bytes + HVT_INSN_BYTES - 8, 8);
	k.high >>= 8;
	if (len < 8)
		k.low &= (1ull << 8 * len) - 1;
	k.high &= len > 8 ? (1ull << 8 * (len - 8)) - 1 : 0;
	k.high |= (uint64_t)(len << 4 | mode) << 56;
	return k;
}

static struct slot *new_block(void)
{
	struct slot *block = aligned_alloc(_Alignof(struct slot), BLOCK_SLOTS * sizeof(*block));

	if (block)
		memset(block, 0, BLOCK_SLOTS * sizeof(*block));
	return block;
}

/* The SET slots of a key. */
static struct slot *set_of(struct hvt_decoder *d, const struct key *k)
{
	struct slot **block;
	uint64_t h = k->ip * 0x9e3779b97f4a7c15ull + k->low * 0xc2b2ae3d27d4eb4full +
		     k->high * 0x165667b19e3779f9ull;

	h = (h ^ h >> 32) & (CACHE_SLOTS - SET);
	block = &d->cache[h / BLOCK_SLOTS];
	if (!*block)
		*block = new_block();
	return *block ? &(*block)[h % BLOCK_SLOTS] : d->spare;
}

static bool holds(const struct slot *s, const struct key *k)
{
	return s->used && s->key.ip == k->ip && s->key.low == k->low && s->key.high == k->high;
}

struct hvt_insn *hvt_decode(struct hvt_decoder *d, uint64_t ip, uint32_t flags,
			    const uint8_t *bytes, size_t len)
{
	enum mode mode = flags & HVT_RF_CODE32 ? MODE_32 :
			 flags & HVT_RF_CODE16 ? MODE_16 :
						 MODE_64;
	struct slot *s, other;
	struct key k;

	if (len > HVT_INSN_BYTES)
		len = HVT_INSN_BYTES;
	if (!len)
		return NULL;
	k = key_of(ip, mode, bytes, len);
	s = set_of(d, &k);
	if (holds(&s[1], &k))
		s++;
	else if (!holds(s, &k)) {
		other = s[1];
		s[1] = s[0];
		s[0] = other;
		s->used = true;
		s->key = k;
		decode(d, &s->insn, mode, ip, bytes, len);
	}
	return s->insn.len ? &s->insn : NULL;
}

static uint64_t reg_value(uint8_t reg, uint8_t bits, const uint64_t gpr[16], uint64_t next_ip)
{
	uint64_t v = reg == HVT_REG_IP ? next_ip : reg < 16 ? gpr[reg] : 0;

	return bits < 64 ? v & ((1ull << bits) - 1) : v;
}

uint64_t hvt_operand_addr(const struct hvt_insn *insn, const struct hvt_operand *op,
			  const uint64_t gpr[16], uint64_t ip)
{
	uint64_t addr = (uint64_t)op->disp;

	addr += reg_value(op->base, op->base_bits, gpr, ip + insn->len);
	addr += reg_value(op->index, op->index_bits, gpr, ip + insn->len) * op->scale;
	if (insn->addr_bits && insn->addr_bits < 64)
		addr &= (1ull << insn->addr_bits) - 1;
	return addr;
}
