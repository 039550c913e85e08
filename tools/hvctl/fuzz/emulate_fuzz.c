// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator, with any bytes in any state. What its decoder accepts must be to
 * Zydis what it is to the decoder; what is built for the processor must reach
 * memory through one operand alone, of the right size, and nothing else of
 * hvctl's; and its execution must not change a byte around that.
 */
#include <sys/mman.h>
#include <Zydis/Zydis.h>

#include "emulate.h"
#include "emulate_impl.h"
#include "emulate_native.h"
#include "fuzz.h"

#define MEMORY		KIB(32)
#define DEVICE		0x40000ULL
#define DEVICE_SIZE	KIB(8)
#define PAGE		4096
#define CANARY		0x5a

static u8 memory[MEMORY] __attribute__((aligned(4096)));
static u8 device[DEVICE_SIZE];
static u8 fpu[4096] __attribute__((aligned(64)));

/* ---- against Zydis ---- */

static ZydisDecodedOperand *find_memory(const ZydisDecodedInstruction *z,
					ZydisDecodedOperand *operands)
{
	unsigned int i;

	for (i = 0; i < z->operand_count; i++) {
		if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
			return &operands[i];
	}
	return NULL;
}

/*
 * A SIB byte whose base is 101B has none if mod is 0, whatever REX.B is (SDM 2A,
 * table 2-5). With 32-bit addresses, Zydis 4.0 says R13D then, and no displacement:
 * https://github.com/zyantific/zydis/issues/592
 */
static void correct_base(const ZydisDecodedInstruction *z, ZydisDecodedOperand *o)
{
	if (z->raw.modrm.mod || o->mem.base != ZYDIS_REGISTER_R13D)
		return;
	MUST(z->raw.disp.size == 32);
	o->mem.base = ZYDIS_REGISTER_NONE;
	o->mem.disp.has_displacement = true;
	o->mem.disp.value = z->raw.disp.value;
}

static bool zydis_decode(const u8 *bytes, unsigned int n, unsigned int bits,
			 ZydisDecodedInstruction *insn, ZydisDecodedOperand *operands)
{
	ZydisMachineMode mode = bits == 64 ? ZYDIS_MACHINE_MODE_LONG_64 :
				bits == 32 ? ZYDIS_MACHINE_MODE_LEGACY_32 :
					     ZYDIS_MACHINE_MODE_LEGACY_16;
	ZydisStackWidth width = bits == 64 ? ZYDIS_STACK_WIDTH_64 :
				bits == 32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16;
	ZydisDecodedOperand *o;
	ZydisDecoder decoder;

	MUST(ZYAN_SUCCESS(ZydisDecoderInit(&decoder, mode, width)));
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, n, insn, operands)))
		return false;
	o = find_memory(insn, operands);
	if (o)
		correct_base(insn, o);
	return true;
}

/* An access that is only sometimes made must be counted as one. */
static bool reads(const ZydisDecodedOperand *o)
{
	return o->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
}

static bool writes(const ZydisDecodedOperand *o)
{
	return o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
}

static unsigned int gpr_number(ZydisRegister reg)
{
	switch (reg) {
	case ZYDIS_REGISTER_NONE:
		return GPR_NONE;
	case ZYDIS_REGISTER_RIP:
	case ZYDIS_REGISTER_EIP:
		return GPR_RIP;
	default:
		return ZydisRegisterGetId(reg);
	}
}

static unsigned int seg_number(ZydisRegister reg)
{
	static const ZydisRegister registers[SEG_COUNT] = {
		ZYDIS_REGISTER_ES, ZYDIS_REGISTER_CS, ZYDIS_REGISTER_SS,
		ZYDIS_REGISTER_DS, ZYDIS_REGISTER_FS, ZYDIS_REGISTER_GS,
	};
	unsigned int i;

	for (i = 0; i < SEG_COUNT; i++) {
		if (registers[i] == reg)
			break;
	}
	return i;
}

/* The operand in memory is the same to both. */
static void check_operand(const struct insn *insn, const ZydisDecodedOperand *o)
{
	MUST(insn->size * 8 == o->size);
	MUST(!reads(o) == !(insn->access & ACCESS_READ));
	MUST(!writes(o) == !(insn->access & ACCESS_WRITE));
	MUST(insn->base == gpr_number(o->mem.base));
	MUST(insn->index == gpr_number(o->mem.index));
	if (insn->index != GPR_NONE)
		MUST(1 << insn->scale == o->mem.scale);
	if (insn->bits == 64 && insn->segment < SEG_FS)
		MUST(seg_number(o->mem.segment) < SEG_FS);
	else
		MUST(insn->segment == seg_number(o->mem.segment));
	if (o->mem.disp.has_displacement)
		MUST(((u64)insn->displacement & size_mask(insn->address_size)) ==
		     ((u64)o->mem.disp.value & size_mask(insn->address_size)));
	else
		MUST(!insn->displacement);
}

/* ---- what is built ---- */

static bool register_allowed(ZydisRegister reg)
{
	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR8:
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		return reg != ZYDIS_REGISTER_SPL && reg != ZYDIS_REGISTER_SP &&
		       reg != ZYDIS_REGISTER_ESP && reg != ZYDIS_REGISTER_RSP;
	case ZYDIS_REGCLASS_X87:
	case ZYDIS_REGCLASS_MMX:
	case ZYDIS_REGCLASS_XMM:
	case ZYDIS_REGCLASS_YMM:
	case ZYDIS_REGCLASS_FLAGS:
		return true;
	default:
		return reg == ZYDIS_REGISTER_X87CONTROL || reg == ZYDIS_REGISTER_X87STATUS ||
		       reg == ZYDIS_REGISTER_X87TAG || reg == ZYDIS_REGISTER_MXCSR;
	}
}

static void check_registers(const ZydisDecodedInstruction *z, const ZydisDecodedOperand *operands,
			    u8 base)
{
	ZydisRegister address = base == GPR_RSI ? ZYDIS_REGISTER_RSI : ZYDIS_REGISTER_RDI;
	unsigned int i, memories = 0;

	for (i = 0; i < z->operand_count; i++) {
		const ZydisDecodedOperand *o = &operands[i];

		switch (o->type) {
		case ZYDIS_OPERAND_TYPE_REGISTER:
			MUST(register_allowed(o->reg.value));
			MUST(ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
							      o->reg.value) != address);
			break;
		case ZYDIS_OPERAND_TYPE_MEMORY:
			memories++;
			MUST(o->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT);
			MUST(o->mem.type == ZYDIS_MEMOP_TYPE_MEM);
			MUST(o->mem.base == address && o->mem.index == ZYDIS_REGISTER_NONE);
			MUST(!o->mem.disp.has_displacement && o->mem.segment == ZYDIS_REGISTER_DS);
			break;
		case ZYDIS_OPERAND_TYPE_IMMEDIATE:
			MUST(!o->imm.is_relative);
			break;
		default:
			MUST(!"a far pointer");
		}
	}
	MUST(memories == 1);
}

/* The same operation as that of the guest, but for the bit in BT and its kin */
static void check_built(const struct insn *insn, ZydisMnemonic mnemonic, const u8 *code,
			unsigned int length, u8 base)
{
	ZydisDecodedInstruction z;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	const ZydisDecodedOperand *o;

	MUST(zydis_decode(code, length, 64, &z, operands));
	MUST(z.length == length);
	MUST(z.mnemonic == mnemonic);
	check_registers(&z, operands, base);
	o = find_memory(&z, operands);
	MUST(o->size == insn->size * 8);
	MUST(insn->size <= OPERAND_MAX);
	MUST(!reads(o) || insn->access & ACCESS_READ);
	MUST(!writes(o) || insn->access & ACCESS_WRITE);
}

/* ---- what is executed ---- */

/* A page between two that can't be touched */
static u8 *guarded_page(void)
{
	static u8 *page;

	if (!page) {
		page = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		MUST(page != MAP_FAILED);
		page += PAGE;
		MUST(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
	}
	return page;
}

static void reset_fpu(struct fuzz *f)
{
	u64 features = 7;
	u32 mxcsr = fuzz_u8(f) & 1 ? 0x1f80 : 0;
	u16 control = fuzz_u8(f) & 1 ? 0x37f : 0x340;

	memset(fpu, 0, sizeof(fpu));
	fuzz_bytes(f, fpu + 32, 32);
	fuzz_bytes(f, fpu + 160, 32);
	memcpy(fpu, &control, 2);
	memcpy(fpu + 24, &mxcsr, 4);
	memcpy(fpu + 512, &features, 8);
}

static void execute(struct fuzz *f, const struct insn *insn, const u8 *code, unsigned int length,
		    u8 base)
{
	u8 *page = guarded_page(), *data;
	struct native n = { .flags = fuzz_u64(f) };
	unsigned int i, offset;
	int vector;

	reset_fpu(f);
	fuzz_bytes(f, n.gpr, sizeof(n.gpr));
	memset(page, CANARY, PAGE);
	/* At the page's end, or aligned in its middle */
	offset = fuzz_u8(f) & 1 ? PAGE - insn->size : PAGE / 2;
	data = page + offset;
	n.gpr[base] = (uintptr_t)data;
	fuzz_bytes(f, data, insn->size);
	if (insn->fpu) {
		n.fpu = fpu;
		n.fpu_features = 7;
	}
	vector = native_run(&n, code, length);
	MUST(vector == NATIVE_OK || vector == VECTOR_DE || vector == VECTOR_UD ||
	     vector == VECTOR_GP || vector == VECTOR_MF || vector == VECTOR_XM);
	/* #GP is for what isn't aligned, and for MXCSR's reserved bits. */
	for (i = 0; i < PAGE; i++)
		MUST(page[i] == CANARY || (i >= offset && i < offset + insn->size));
	if (vector == NATIVE_OK)
		MUST(n.gpr[base] == (uintptr_t)data);
}

static void check_native(struct fuzz *f, const struct insn *original, ZydisMnemonic mnemonic)
{
	struct insn insn = *original;
	u8 code[NATIVE_CODE_MAX], base;
	unsigned int length;

	if (insn.kind == INSN_BIT)
		insn = insn_bit_immediate(original, fuzz_u8(f));
	length = native_build(&insn, code, &base);
	MUST(length <= NATIVE_CODE_MAX);
	check_built(&insn, mnemonic, code, length, base);
	execute(f, &insn, code, length, base);
}

/* What was decoded of @bytes, of which there are enough */
static void check_decoded(struct fuzz *f, const struct insn *insn, const u8 *bytes)
{
	ZydisDecodedInstruction z;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

	MUST(zydis_decode(bytes, INSN_MAX, insn->bits, &z, operands));
	MUST(z.length == insn->length);
	if (insn->kind != INSN_NATIVE && insn->kind != INSN_BIT)
		return;
	check_operand(insn, find_memory(&z, operands));
	check_native(f, insn, z.mnemonic);
}

/* ---- the whole ---- */

static u64 device_read(void *dev, u64 offset, unsigned int size)
{
	u64 value = 0;

	(void)dev;
	MUST(offset + size <= DEVICE_SIZE);
	memcpy(&value, device + offset, size);
	return value;
}

static void device_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	(void)dev;
	MUST(offset + size <= DEVICE_SIZE);
	memcpy(device + offset, &value, size);
}

static const struct bus_ops device_ops = {
	.read = device_read, .write = device_write, .width = 8,
};

static bool load_fpu(struct emulate *e)
{
	e->fpu = fpu;
	e->fpu_features = 7;
	return true;
}

static void choose_state(struct fuzz *f, struct emulate *e, unsigned int bits)
{
	u8 choice = fuzz_u8(f);
	unsigned int i;

	fuzz_bytes(f, &e->regs, sizeof(e->regs));
	fuzz_bytes(f, &e->sregs, sizeof(e->sregs));
	e->sregs.cs.access &= ~(ACCESS_LONG | ACCESS_DB);
	e->sregs.efer &= ~(u64)EFER_LMA;
	if (bits == 64) {
		e->sregs.efer |= EFER_LMA;
		e->sregs.cs.access |= ACCESS_LONG;
	} else if (bits == 32) {
		e->sregs.cs.access |= ACCESS_DB;
	}
	if (choice & 1)
		e->sregs.cr0 &= ~(u64)CR0_PG;
	e->sregs.cr3 %= MEMORY;
	/* Addresses that are somewhere */
	for (i = 0; i < GPR_COUNT && choice & 2; i++)
		*gpr(e, i) %= DEVICE + DEVICE_SIZE;
	for (i = 0; i < SEG_COUNT && choice & 4; i++) {
		*segment(e, i) = (struct lhv_segment){
			.limit = UINT32_MAX, .access = segment(e, i)->access & ~ACCESS_UNUSABLE,
		};
	}
	e->sregs.gdt.base %= MEMORY;
	e->sregs.ldt.base %= MEMORY;
}

static void check_whole(struct fuzz *f, const u8 *bytes, unsigned int bits)
{
	const struct guest_memory mem = { .host = memory, .low = MEMORY };
	struct bus mmio = { 0 }, ports = { 0 };
	struct emulate e = {
		.memory = &mem, .mmio = &mmio, .ports = &ports, .phys_bits = 36 + fuzz_u8(f) % 16,
		.load_fpu = load_fpu,
	};
	enum emulate_result result;
	struct lhv_regs regs;

	MUST(!bus_add(&mmio, DEVICE, DEVICE_SIZE, &device_ops, NULL));
	reset_fpu(f);
	choose_state(f, &e, bits);
	fuzz_bytes(f, memory, min_u64(f->left, MEMORY));
	regs = e.regs;
	result = emulate(&e, bytes, INSN_MAX);
	MUST(result == EMULATE_DONE || e.regs.rip == regs.rip);
	MUST(result != EMULATE_UNKNOWN || !memcmp(&e.regs, &regs, sizeof(regs)));
	if (result == EMULATE_FAULT)
		MUST(e.exception.vector < 32);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const u8 modes[] = { 64, 32, 16, 64 };
	struct fuzz f = { data, size };
	unsigned int bits = modes[fuzz_u8(&f) % ARRAY_SIZE(modes)], n;
	u8 bytes[INSN_MAX];
	struct insn insn, again;

	fuzz_bytes(&f, bytes, sizeof(bytes));
	memset(memory, 0, sizeof(memory));
	if (!insn_decode(bytes, sizeof(bytes), bits, &insn)) {
		MUST(insn.length && insn.length <= INSN_MAX);
		/* Fewer bytes are told to be too few. */
		for (n = 0; n < insn.length; n++)
			MUST(insn_decode(bytes, n, bits, &again) == DECODE_SHORT);
		check_decoded(&f, &insn, bytes);
	}
	check_whole(&f, bytes, bits);
	return 0;
}
