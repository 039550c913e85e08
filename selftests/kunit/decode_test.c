// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder: each form in each mode, prefixes, truncation, refusals
 */
#include <kunit/test.h>
#include <linux/string.h>

#include "arch/x86/decode.h"
#include "arch/x86/x86.h"

struct decode_vector {
	const char *name;
	int bits;
	u8 bytes[LHV_INSN_MAX];
	struct lhv_insn want;	/* length 0: refused */
};

#define BYTES(...)	.bytes = { __VA_ARGS__ }

/* The operand in memory: its size; base, index, scale, displacement */
#define MEM(s, b, i, sc, d)	.size = (s), .base = (b), .index = (i), .scale = (sc), \
				.displacement = (u64)(s64)(d)
#define AT(s, b)		MEM(s, b, LHV_NO_REG, 0, 0)
#define NOWHERE(s)		AT(s, LHV_NO_REG)
#define REG(r, s)		.other = LHV_OTHER_REG, .reg = (r), .reg_size = (s)
#define IMM(v, s)		.other = LHV_OTHER_IMM, .imm = (u64)(s64)(v), .reg_size = (s)
#define IN(seg, a)		.segment = (seg), .address_size = (a)

static const struct decode_vector vectors[] = {
	/* MOV in its forms */
	{ "mov %al,(%rbx)", 64, BYTES(0x88, 0x03), {
		.op = LHV_OP_MOV, .length = 2, AT(1, LHV_RBX), REG(LHV_RAX, 1), IN(LHV_DS, 8) } },
	{ "mov %ax,(%rbx)", 64, BYTES(0x66, 0x89, 0x03), {
		.op = LHV_OP_MOV, .length = 3, AT(2, LHV_RBX), REG(LHV_RAX, 2), IN(LHV_DS, 8) } },
	{ "mov %eax,(%rbx)", 64, BYTES(0x89, 0x03), {
		.op = LHV_OP_MOV, .length = 2, AT(4, LHV_RBX), REG(LHV_RAX, 4), IN(LHV_DS, 8) } },
	{ "mov %rax,(%rbx)", 64, BYTES(0x48, 0x89, 0x03), {
		.op = LHV_OP_MOV, .length = 3, AT(8, LHV_RBX), REG(LHV_RAX, 8), IN(LHV_DS, 8) } },
	{ "REX.W wins over 66", 64, BYTES(0x66, 0x48, 0x89, 0x03), {
		.op = LHV_OP_MOV, .length = 4, AT(8, LHV_RBX), REG(LHV_RAX, 8), IN(LHV_DS, 8) } },
	{ "mov (%rbx),%r15b", 64, BYTES(0x44, 0x8a, 0x3b), {
		.op = LHV_OP_MOV, .length = 3, .to_reg = true, AT(1, LHV_RBX),
		REG(LHV_R15, 1), IN(LHV_DS, 8) } },
	{ "mov (%r12),%r9", 64, BYTES(0x4d, 0x8b, 0x0c, 0x24), {
		.op = LHV_OP_MOV, .length = 4, .to_reg = true, AT(8, LHV_R12),
		REG(LHV_R9, 8), IN(LHV_DS, 8) } },
	{ "movb $-1,(%rbx)", 64, BYTES(0xc6, 0x03, 0xff), {
		.op = LHV_OP_MOV, .length = 3, AT(1, LHV_RBX), IMM(-1, 1), IN(LHV_DS, 8) } },
	{ "movw $imm,(%rbx)", 64, BYTES(0x66, 0xc7, 0x03, 0x34, 0x12), {
		.op = LHV_OP_MOV, .length = 5, AT(2, LHV_RBX), IMM(0x1234, 2), IN(LHV_DS, 8) } },
	{ "movq $-5,(%rbx)", 64, BYTES(0x48, 0xc7, 0x03, 0xfb, 0xff, 0xff, 0xff), {
		.op = LHV_OP_MOV, .length = 7, AT(8, LHV_RBX), IMM(-5, 8), IN(LHV_DS, 8) } },
	{ "movabs moffs64,%al", 64, BYTES(0xa0, 8, 7, 6, 5, 4, 3, 2, 1), {
		.op = LHV_OP_MOV, .length = 9, .to_reg = true,
		MEM(1, LHV_NO_REG, LHV_NO_REG, 0, 0x0102030405060708), REG(LHV_RAX, 1),
		IN(LHV_DS, 8) } },
	{ "mov %eax,moffs32", 32, BYTES(0xa3, 0x30, 0x00, 0xe0, 0xfe), {
		.op = LHV_OP_MOV, .length = 5,
		MEM(4, LHV_NO_REG, LHV_NO_REG, 0, (s32)0xfee00030), REG(LHV_RAX, 4),
		IN(LHV_DS, 4) } },
	{ "mov moffs16,%ax", 16, BYTES(0xa1, 0x34, 0x12), {
		.op = LHV_OP_MOV, .length = 3, .to_reg = true,
		MEM(2, LHV_NO_REG, LHV_NO_REG, 0, 0x1234), REG(LHV_RAX, 2), IN(LHV_DS, 2) } },
	{ "movnti %rdx,(%rbx)", 64, BYTES(0x48, 0x0f, 0xc3, 0x13), {
		.op = LHV_OP_MOV, .length = 4, AT(8, LHV_RBX), REG(LHV_RDX, 8), IN(LHV_DS, 8) } },
	{ "movnti %edx,(%bx)", 16, BYTES(0x0f, 0xc3, 0x17), {
		.op = LHV_OP_MOV, .length = 3, AT(4, LHV_RBX), REG(LHV_RDX, 4), IN(LHV_DS, 2) } },

	/* Byte registers 4 to 7 */
	{ "mov %ah,(%rbx)", 64, BYTES(0x88, 0x23), {
		.op = LHV_OP_MOV, .length = 2, AT(1, LHV_RBX), REG(LHV_RAX, 1),
		.reg_high = true, IN(LHV_DS, 8) } },
	{ "mov (%ebx),%bh", 32, BYTES(0x8a, 0x3b), {
		.op = LHV_OP_MOV, .length = 2, .to_reg = true, AT(1, LHV_RBX), REG(LHV_RBX, 1),
		.reg_high = true, IN(LHV_DS, 4) } },
	{ "mov %spl,(%rbx)", 64, BYTES(0x40, 0x88, 0x23), {
		.op = LHV_OP_MOV, .length = 3, AT(1, LHV_RBX), REG(LHV_RSP, 1), IN(LHV_DS, 8) } },

	/* Extending */
	{ "movzbl (%rbx),%edx", 64, BYTES(0x0f, 0xb6, 0x13), {
		.op = LHV_OP_MOVZX, .length = 3, .to_reg = true, AT(1, LHV_RBX),
		REG(LHV_RDX, 4), IN(LHV_DS, 8) } },
	{ "movzbl (%rbx),%esp isn't AH", 32, BYTES(0x0f, 0xb6, 0x23), {
		.op = LHV_OP_MOVZX, .length = 3, .to_reg = true, AT(1, LHV_RBX),
		REG(LHV_RSP, 4), IN(LHV_DS, 4) } },
	{ "movswq (%rbx),%rdx", 64, BYTES(0x48, 0x0f, 0xbf, 0x13), {
		.op = LHV_OP_MOVSX, .length = 4, .to_reg = true, AT(2, LHV_RBX),
		REG(LHV_RDX, 8), IN(LHV_DS, 8) } },
	{ "movslq (%rbx),%rdx", 64, BYTES(0x48, 0x63, 0x13), {
		.op = LHV_OP_MOVSX, .length = 3, .to_reg = true, AT(4, LHV_RBX),
		REG(LHV_RDX, 8), IN(LHV_DS, 8) } },
	{ "arpl", 32, BYTES(0x63, 0x13), {} },

	/* Arithmetic */
	{ "lock or %eax,(%rbx)", 64, BYTES(0xf0, 0x09, 0x03), {
		.op = LHV_OP_OR, .length = 3, .lock = true, AT(4, LHV_RBX), REG(LHV_RAX, 4),
		IN(LHV_DS, 8) } },
	{ "add (%rbx),%edx", 64, BYTES(0x03, 0x13), {
		.op = LHV_OP_ADD, .length = 2, .to_reg = true, AT(4, LHV_RBX), REG(LHV_RDX, 4),
		IN(LHV_DS, 8) } },
	{ "andl $-2,(%rbx)", 64, BYTES(0x83, 0x23, 0xfe), {
		.op = LHV_OP_AND, .length = 3, AT(4, LHV_RBX), IMM(-2, 4), IN(LHV_DS, 8) } },
	{ "cmpl $imm32,8(%rbx)", 64, BYTES(0x81, 0x7b, 0x08, 4, 3, 2, 1), {
		.op = LHV_OP_CMP, .length = 7, MEM(4, LHV_RBX, LHV_NO_REG, 0, 8),
		IMM(0x01020304, 4), IN(LHV_DS, 8) } },
	{ "xorb $imm,(%rbx)", 64, BYTES(0x80, 0x33, 0x80), {
		.op = LHV_OP_XOR, .length = 3, AT(1, LHV_RBX), IMM(-128, 1), IN(LHV_DS, 8) } },
	{ "testb $imm,(%rbx)", 64, BYTES(0xf6, 0x03, 0x01), {
		.op = LHV_OP_TEST, .length = 3, AT(1, LHV_RBX), IMM(1, 1), IN(LHV_DS, 8) } },
	{ "testl $imm,(%rbx)", 64, BYTES(0xf7, 0x03, 1, 0, 0, 0), {
		.op = LHV_OP_TEST, .length = 6, AT(4, LHV_RBX), IMM(1, 4), IN(LHV_DS, 8) } },
	{ "notl (%rbx)", 64, BYTES(0xf7, 0x13), {
		.op = LHV_OP_NOT, .length = 2, AT(4, LHV_RBX), .reg_size = 4, IN(LHV_DS, 8) } },
	{ "lock incq (%rbx)", 64, BYTES(0xf0, 0x48, 0xff, 0x03), {
		.op = LHV_OP_INC, .length = 4, .lock = true, AT(8, LHV_RBX), .reg_size = 8,
		IN(LHV_DS, 8) } },
	{ "lock xchg %dl,(%rbx)", 64, BYTES(0xf0, 0x86, 0x13), {
		.op = LHV_OP_XCHG, .length = 3, .lock = true, AT(1, LHV_RBX), REG(LHV_RDX, 1),
		IN(LHV_DS, 8) } },
	{ "lock btsl $5,(%rbx)", 64, BYTES(0xf0, 0x0f, 0xba, 0x2b, 0x05), {
		.op = LHV_OP_BTS, .length = 5, .lock = true, AT(4, LHV_RBX), IMM(5, 4),
		IN(LHV_DS, 8) } },
	{ "bt %rdx,(%rbx)", 64, BYTES(0x48, 0x0f, 0xa3, 0x13), {
		.op = LHV_OP_BT, .length = 4, AT(8, LHV_RBX), REG(LHV_RDX, 8), IN(LHV_DS, 8) } },

	/* Strings */
	{ "rep stosl", 64, BYTES(0xf3, 0xab), {
		.op = LHV_OP_STOS, .length = 2, .rep = true, NOWHERE(4), REG(LHV_RAX, 4),
		IN(LHV_DS, 8) } },
	{ "repne movsb", 64, BYTES(0xf2, 0xa4), {
		.op = LHV_OP_MOVS, .length = 2, .rep = true, NOWHERE(1), .reg_size = 1,
		IN(LHV_DS, 8) } },
	{ "lodsw %es:(%si)", 16, BYTES(0x26, 0xad), {
		.op = LHV_OP_LODS, .length = 2, .to_reg = true, NOWHERE(2), REG(LHV_RAX, 2),
		IN(LHV_ES, 2) } },
	{ "rep isn't for mov", 64, BYTES(0xf3, 0x89, 0x03), {
		.op = LHV_OP_MOV, .length = 3, AT(4, LHV_RBX), REG(LHV_RAX, 4), IN(LHV_DS, 8) } },

	/* Addresses of 32 and 64 bits */
	{ "mov %eax,disp(%rip)", 64, BYTES(0x89, 0x05, 0x10, 0, 0, 0x80), {
		.op = LHV_OP_MOV, .length = 6,
		MEM(4, LHV_REG_RIP, LHV_NO_REG, 0, (s32)0x80000010), REG(LHV_RAX, 4),
		IN(LHV_DS, 8) } },
	{ "mov %eax,disp32", 32, BYTES(0x89, 0x05, 0x10, 0, 0, 0), {
		.op = LHV_OP_MOV, .length = 6, MEM(4, LHV_NO_REG, LHV_NO_REG, 0, 0x10),
		REG(LHV_RAX, 4), IN(LHV_DS, 4) } },
	{ "mov %eax,-8(%rbp)", 64, BYTES(0x89, 0x45, 0xf8), {
		.op = LHV_OP_MOV, .length = 3, MEM(4, LHV_RBP, LHV_NO_REG, 0, -8),
		REG(LHV_RAX, 4), IN(LHV_SS, 8) } },
	{ "mov %eax,0(%r13)", 64, BYTES(0x41, 0x89, 0x45, 0x00), {
		.op = LHV_OP_MOV, .length = 4, AT(4, LHV_R13), REG(LHV_RAX, 4), IN(LHV_DS, 8) } },
	{ "mov %eax,(%rsp)", 64, BYTES(0x89, 0x04, 0x24), {
		.op = LHV_OP_MOV, .length = 3, AT(4, LHV_RSP), REG(LHV_RAX, 4), IN(LHV_SS, 8) } },
	{ "mov %eax,8(%rbx,%r12,4)", 64, BYTES(0x42, 0x89, 0x44, 0xa3, 0x08), {
		.op = LHV_OP_MOV, .length = 5, MEM(4, LHV_RBX, LHV_R12, 2, 8),
		REG(LHV_RAX, 4), IN(LHV_DS, 8) } },
	{ "mov %eax,disp32(,%rcx,8)", 64, BYTES(0x89, 0x04, 0xcd, 1, 0, 0, 0), {
		.op = LHV_OP_MOV, .length = 7, MEM(4, LHV_NO_REG, LHV_RCX, 3, 1),
		REG(LHV_RAX, 4), IN(LHV_DS, 8) } },
	{ "67: 32-bit address", 64, BYTES(0x67, 0x89, 0x03), {
		.op = LHV_OP_MOV, .length = 3, AT(4, LHV_RBX), REG(LHV_RAX, 4), IN(LHV_DS, 4) } },
	{ "67 in 16-bit code", 16, BYTES(0x67, 0x89, 0x44, 0x8b, 0x04), {
		.op = LHV_OP_MOV, .length = 5, MEM(2, LHV_RBX, LHV_RCX, 2, 4),
		REG(LHV_RAX, 2), IN(LHV_DS, 2 * 2) } },

	/* Addresses of 16 bits */
	{ "mov %ax,(%bx,%si)", 16, BYTES(0x89, 0x00), {
		.op = LHV_OP_MOV, .length = 2, MEM(2, LHV_RBX, LHV_RSI, 0, 0),
		REG(LHV_RAX, 2), IN(LHV_DS, 2) } },
	{ "mov %eax,-1(%bp,%di)", 16, BYTES(0x66, 0x89, 0x43, 0xff), {
		.op = LHV_OP_MOV, .length = 4, MEM(4, LHV_RBP, LHV_RDI, 0, -1),
		REG(LHV_RAX, 4), IN(LHV_SS, 2) } },
	{ "mov %ax,disp16(%bp)", 16, BYTES(0x89, 0x86, 0x34, 0x12), {
		.op = LHV_OP_MOV, .length = 4, MEM(2, LHV_RBP, LHV_NO_REG, 0, 0x1234),
		REG(LHV_RAX, 2), IN(LHV_SS, 2) } },
	{ "mov %ax,disp16", 16, BYTES(0x89, 0x06, 0x34, 0x12), {
		.op = LHV_OP_MOV, .length = 4, MEM(2, LHV_NO_REG, LHV_NO_REG, 0, 0x1234),
		REG(LHV_RAX, 2), IN(LHV_DS, 2) } },

	/* Prefixes */
	{ "%gs:", 64, BYTES(0x65, 0x89, 0x03), {
		.op = LHV_OP_MOV, .length = 3, AT(4, LHV_RBX), REG(LHV_RAX, 4), IN(LHV_GS, 8) } },
	{ "%es: in 64-bit mode is nothing", 64, BYTES(0x26, 0x89, 0x03), {
		.op = LHV_OP_MOV, .length = 3, AT(4, LHV_RBX), REG(LHV_RAX, 4), IN(LHV_DS, 8) } },
	{ "%ds: with (%ebp)", 32, BYTES(0x3e, 0x89, 0x45, 0x00), {
		.op = LHV_OP_MOV, .length = 4, AT(4, LHV_RBP), REG(LHV_RAX, 4), IN(LHV_DS, 4) } },
	{ "the last segment prefix counts", 32, BYTES(0x2e, 0x36, 0x89, 0x03), {
		.op = LHV_OP_MOV, .length = 4, AT(4, LHV_RBX), REG(LHV_RAX, 4), IN(LHV_SS, 4) } },
	{ "REX before another prefix is void", 64, BYTES(0x48, 0x66, 0x89, 0x03), {
		.op = LHV_OP_MOV, .length = 4, AT(2, LHV_RBX), REG(LHV_RAX, 2), IN(LHV_DS, 8) } },

	/* Refused */
	{ "mov %eax,%ebx", 64, BYTES(0x89, 0xc3), {} },
	{ "lock mov", 64, BYTES(0xf0, 0x89, 0x03), {} },
	{ "lock cmp", 64, BYTES(0xf0, 0x39, 0x03), {} },
	{ "lock bt", 64, BYTES(0xf0, 0x0f, 0xba, 0x23, 0x05), {} },
	{ "lock add to a register", 64, BYTES(0xf0, 0x03, 0x03), {} },
	{ "lock stos", 64, BYTES(0xf0, 0xab), {} },
	{ "mul", 64, BYTES(0xf7, 0x23), {} },
	{ "call *(%rbx)", 64, BYTES(0xff, 0x13), {} },
	{ "C7 /1", 64, BYTES(0xc7, 0x0b), {} },
	{ "movups", 64, BYTES(0x0f, 0x11, 0x03), {} },
	{ "movbe", 64, BYTES(0x0f, 0x38, 0xf0, 0x03), {} },
	{ "VEX", 64, BYTES(0xc5, 0xf8, 0x11, 0x03), {} },
	{ "inc %eax", 32, BYTES(0x40), {} },
	{ "hlt", 64, BYTES(0xf4), {} },
};

static void vector_name(const struct decode_vector *v, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s, %d bits", v->name, v->bits);
}

KUNIT_ARRAY_PARAM(vector, vectors, vector_name);

static void decode_vectors(struct kunit *test)
{
	const struct decode_vector *v = test->param_value;
	struct lhv_insn insn;
	int ret;

	ret = lhv_decode(v->bytes, sizeof(v->bytes), v->bits, &insn);
	if (!v->want.length) {
		KUNIT_EXPECT_EQ(test, ret, -EOPNOTSUPP);
		return;
	}
	KUNIT_ASSERT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, insn.op, v->want.op);
	KUNIT_EXPECT_EQ(test, insn.length, v->want.length);
	KUNIT_EXPECT_EQ(test, insn.size, v->want.size);
	KUNIT_EXPECT_EQ(test, insn.other, v->want.other);
	KUNIT_EXPECT_EQ(test, insn.reg, v->want.reg);
	KUNIT_EXPECT_EQ(test, insn.reg_size, v->want.reg_size);
	KUNIT_EXPECT_EQ(test, insn.reg_high, v->want.reg_high);
	KUNIT_EXPECT_EQ(test, insn.to_reg, v->want.to_reg);
	KUNIT_EXPECT_EQ(test, insn.lock, v->want.lock);
	KUNIT_EXPECT_EQ(test, insn.rep, v->want.rep);
	KUNIT_EXPECT_EQ(test, insn.address_size, v->want.address_size);
	KUNIT_EXPECT_EQ(test, insn.segment, v->want.segment);
	KUNIT_EXPECT_EQ(test, insn.base, v->want.base);
	KUNIT_EXPECT_EQ(test, insn.index, v->want.index);
	KUNIT_EXPECT_EQ(test, insn.scale, v->want.scale);
	KUNIT_EXPECT_EQ(test, insn.displacement, v->want.displacement);
	KUNIT_EXPECT_EQ(test, insn.imm, v->want.imm);
}

/* Each shorter part of an instruction is too short, and none is read beyond. */
static void decode_truncated(struct kunit *test)
{
	const struct decode_vector *v = test->param_value;
	struct lhv_insn insn;
	unsigned int n;
	u8 *bytes;

	for (n = 0; n < v->want.length; n++) {
		/* Its end is KASAN's business. */
		bytes = kunit_kzalloc(test, max(n, 1U), GFP_KERNEL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, bytes);
		memcpy(bytes, v->bytes, n);
		KUNIT_EXPECT_EQ(test, lhv_decode(bytes, n, v->bits, &insn), -ENODATA);
	}
}

static void decode_too_long(struct kunit *test)
{
	struct lhv_insn insn;
	u8 bytes[20];

	/* 13 prefixes and two bytes make 15, which is the most. */
	memset(bytes, 0x66, sizeof(bytes));
	bytes[13] = 0x89;
	bytes[14] = 0x03;
	KUNIT_EXPECT_EQ(test, lhv_decode(bytes, sizeof(bytes), 64, &insn), 0);
	KUNIT_EXPECT_EQ(test, insn.length, 15);
	bytes[13] = 0x66;
	bytes[14] = 0x89;
	bytes[15] = 0x03;
	KUNIT_EXPECT_EQ(test, lhv_decode(bytes, sizeof(bytes), 64, &insn), -ENODATA);
}

/* No byte sequence takes the decoder out of its tables or its input. */
static void decode_all_opcodes(struct kunit *test)
{
	static const int modes[] = { 16, 32, 64 };
	struct lhv_insn insn;
	int mode, opcode, modrm, known = 0;

	for (mode = 0; mode < ARRAY_SIZE(modes); mode++) {
		for (opcode = 0; opcode < 512; opcode++) {
			for (modrm = 0; modrm < 256; modrm++) {
				u8 bytes[LHV_INSN_MAX] = { 0x0f, opcode, modrm };
				u8 *start = bytes + (opcode < 256);
				int ret;

				ret = lhv_decode(start, LHV_INSN_MAX - 1, modes[mode], &insn);
				if (ret)
					continue;
				known++;
				if (insn.length > 14 || insn.op > LHV_OP_MOVS || !insn.size ||
				    insn.size > 8 || insn.reg >= LHV_NR_REGS)
					KUNIT_FAIL(test, "mode %d opcode %x modrm %x", modes[mode],
						   opcode, modrm);
			}
		}
	}
	KUNIT_EXPECT_GT(test, known, 0);
}

static void decode_directions(struct kunit *test)
{
	struct lhv_insn insn = { .op = LHV_OP_MOV };

	KUNIT_EXPECT_FALSE(test, lhv_insn_reads(&insn));
	KUNIT_EXPECT_TRUE(test, lhv_insn_writes(&insn));
	insn.to_reg = true;
	KUNIT_EXPECT_TRUE(test, lhv_insn_reads(&insn));
	KUNIT_EXPECT_FALSE(test, lhv_insn_writes(&insn));
	insn = (struct lhv_insn){ .op = LHV_OP_CMP };
	KUNIT_EXPECT_TRUE(test, lhv_insn_reads(&insn));
	KUNIT_EXPECT_FALSE(test, lhv_insn_writes(&insn));
	insn.op = LHV_OP_AND;
	KUNIT_EXPECT_TRUE(test, lhv_insn_reads(&insn));
	KUNIT_EXPECT_TRUE(test, lhv_insn_writes(&insn));
	insn.op = LHV_OP_STOS;
	KUNIT_EXPECT_FALSE(test, lhv_insn_reads(&insn));
	KUNIT_EXPECT_TRUE(test, lhv_insn_writes(&insn));
}

static struct kunit_case decode_cases[] = {
	KUNIT_CASE_PARAM(decode_vectors, vector_gen_params),
	KUNIT_CASE_PARAM(decode_truncated, vector_gen_params),
	KUNIT_CASE(decode_too_long),
	KUNIT_CASE(decode_all_opcodes),
	KUNIT_CASE(decode_directions),
	{}
};

static struct kunit_suite decode_suite = {
	.name = "lhv-decode",
	.test_cases = decode_cases,
};

kunit_test_suite(decode_suite);
