// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions whose operand in memory isn't memory: the local APIC's page, and
 * what userspace emulates
 *
 * An instruction reads its operand, computes, and writes it, as far as it does
 * each. At the reading and at the writing it may have to go to userspace; then
 * vcpu->arch.mmio holds what is needed to go on, and no register has changed
 * that the instruction would read again.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/processor-flags.h>
#include <asm/vmx.h>

#include "arch/x86/alu.h"
#include "arch/x86/lapic.h"
#include "arch/x86/mmio.h"
#include "arch/x86/vmx.h"
#include "hv/eventfd.h"

int lhv_mmio_init(struct lhv_vcpu *vcpu)
{
	vcpu->arch.mmio = kzalloc(sizeof(*vcpu->arch.mmio), GFP_KERNEL_ACCOUNT);
	return vcpu->arch.mmio ? 0 : -ENOMEM;
}

void lhv_mmio_destroy(struct lhv_vcpu *vcpu)
{
	kfree(vcpu->arch.mmio);
	vcpu->arch.mmio = NULL;
}

enum lhv_fate lhv_undecoded(struct lhv_vcpu *vcpu, gpa_t gpa)
{
	const struct lhv_mmio_op *op = vcpu->arch.mmio;
	struct lhv_run *run = vcpu->run;

	run->exit_reason = LHV_EXIT_UNDECODED;
	run->rip = lhv_get_rip(vcpu);
	run->undecoded.gpa = gpa;
	run->undecoded.length = op->fetched;
	memset(run->undecoded.bytes, 0, sizeof(run->undecoded.bytes));
	memcpy(run->undecoded.bytes, op->bytes, op->fetched);
	return LHV_USER;
}

enum lhv_fate lhv_memory_lost(struct lhv_vcpu *vcpu, gpa_t gpa)
{
	struct lhv_run *run = vcpu->run;

	run->exit_reason = LHV_EXIT_MEMORY_FAULT;
	run->rip = lhv_get_rip(vcpu);
	run->memory_fault.gpa = gpa;
	run->memory_fault.access = LHV_MEMORY_FAULT_WRITE;
	run->memory_fault.error = -EFAULT;
	return LHV_USER;
}

/* ---- registers ---- */

static u64 get_operand(struct lhv_vcpu *vcpu, const struct lhv_insn *insn)
{
	u64 value;

	if (insn->other == LHV_OTHER_IMM)
		return insn->imm;
	value = lhv_get_reg(vcpu, insn->reg);
	if (insn->reg_high)
		value >>= 8;
	return value & lhv_size_mask(insn->reg_size);
}

/* Writing 32 bits clears the upper half; 8 or 16 leave the rest (SDM 1 3.4.1.1). */
static void set_reg_part(struct lhv_vcpu *vcpu, enum lhv_reg reg, u8 size, bool high, u64 value)
{
	u64 old = lhv_get_reg(vcpu, reg);
	u64 mask = lhv_size_mask(size);

	if (high)
		value = (old & ~0xff00ull) | (value & 0xff) << 8;
	else if (size < 4)
		value = (old & ~mask) | (value & mask);
	else
		value &= mask;
	lhv_set_reg(vcpu, reg, value);
}

static void set_operand(struct lhv_vcpu *vcpu, const struct lhv_insn *insn, u64 value)
{
	set_reg_part(vcpu, insn->reg, insn->reg_size, insn->reg_high, value);
}

static u64 address_reg(struct lhv_vcpu *vcpu, enum lhv_reg reg, u8 size)
{
	return lhv_get_reg(vcpu, reg) & lhv_size_mask(size);
}

void lhv_add_to_address(struct lhv_vcpu *vcpu, enum lhv_reg reg, u8 size, s64 delta)
{
	set_reg_part(vcpu, reg, size, false, lhv_get_reg(vcpu, reg) + delta);
}

/* ---- the instruction and its operands ---- */

/* Adds to op->bytes what the instruction can have in one page. */
static int fetch_page(struct lhv_vcpu *vcpu, struct lhv_mmio_op *op)
{
	u64 linear = lhv_linear(vcpu, LHV_CS, lhv_get_rip(vcpu) + op->fetched);
	u32 len = min_t(u32, LHV_INSN_MAX - op->fetched, PAGE_SIZE - offset_in_page(linear));
	struct lhv_gva_range range;
	int ret;

	ret = lhv_gva_translate(vcpu, linear, len, X86_PF_INSTR, &range);
	if (ret)
		return ret;
	if (lhv_gva_read(vcpu, &range, op->bytes + op->fetched))
		return -ENXIO;
	op->fetched += len;
	return 0;
}

enum lhv_fate lhv_fetch_undecoded(struct lhv_vcpu *vcpu, gpa_t gpa)
{
	u32 length = min_t(u32, vmcs_read32(VM_EXIT_INSTRUCTION_LEN), LHV_INSN_MAX);
	struct lhv_mmio_op *op = vcpu->arch.mmio;
	int ret = 0;

	op->fetched = 0;
	while (!ret && op->fetched < length)
		ret = fetch_page(vcpu, op);
	return ret == -EFAULT ? LHV_GUEST : lhv_undecoded(vcpu, gpa);
}

/* Return: 0; -EFAULT if fetching faults, which is injected; others: undecodable. */
static int fetch_and_decode(struct lhv_vcpu *vcpu, struct lhv_mmio_op *op)
{
	int bits = lhv_code_bits(vcpu);
	int ret;

	do {
		ret = fetch_page(vcpu, op);
		if (ret)
			return ret;
		ret = lhv_decode(op->bytes, op->fetched, bits, &op->insn);
	} while (ret == -ENODATA && op->fetched < LHV_INSN_MAX);
	return ret;
}

/* With a register the bit may be far from the operand's address (SDM 2A, BT). */
static s64 bit_offset(struct lhv_vcpu *vcpu, const struct lhv_insn *insn)
{
	s64 bit;

	if (insn->other != LHV_OTHER_REG ||
	    insn->op < LHV_OP_BT || insn->op > LHV_OP_BTC)
		return 0;
	bit = sign_extend64(get_operand(vcpu, insn), 8 * insn->size - 1);
	return (bit >> (ilog2(insn->size) + 3)) * insn->size;
}

static u64 effective_address(struct lhv_vcpu *vcpu, const struct lhv_insn *insn)
{
	u64 address = insn->displacement + bit_offset(vcpu, insn);

	if (insn->base == LHV_REG_RIP)
		address += lhv_get_rip(vcpu) + insn->length;
	else if (insn->base != LHV_NO_REG)
		address += lhv_get_reg(vcpu, insn->base);
	if (insn->index != LHV_NO_REG)
		address += (u64)lhv_get_reg(vcpu, insn->index) << insn->scale;
	return address & lhv_size_mask(insn->address_size);
}

static u64 source_linear(struct lhv_vcpu *vcpu, const struct lhv_insn *insn)
{
	return lhv_linear(vcpu, insn->segment, address_reg(vcpu, LHV_RSI, insn->address_size));
}

static u64 destination_linear(struct lhv_vcpu *vcpu, const struct lhv_insn *insn)
{
	return lhv_linear(vcpu, LHV_ES, address_reg(vcpu, LHV_RDI, insn->address_size));
}

/* The linear address of the operand that caused the exit. */
static u64 operand_linear(struct lhv_vcpu *vcpu, const struct lhv_insn *insn, bool write)
{
	if (!lhv_insn_is_string(insn))
		return lhv_linear(vcpu, insn->segment, effective_address(vcpu, insn));
	if (insn->op == LHV_OP_STOS || (insn->op == LHV_OP_MOVS && write))
		return destination_linear(vcpu, insn);
	return source_linear(vcpu, insn);
}

/*
 * Is it this operand's first byte that the exit tells of, and is all of it in
 * the page? Else it began in another page.
 */
static bool operand_matches(struct lhv_vcpu *vcpu, const struct lhv_mmio_op *op, bool write)
{
	u64 linear = operand_linear(vcpu, &op->insn, write);

	return offset_in_page(linear) == offset_in_page(op->gpa) &&
	       offset_in_page(op->gpa) + op->insn.size <= PAGE_SIZE;
}

/* When the processor left for reading, it hadn't yet looked at the destination. */
static bool destination_ok(struct lhv_vcpu *vcpu, const struct lhv_insn *insn)
{
	u64 offset = address_reg(vcpu, LHV_RDI, insn->address_size);

	if (lhv_segment_ok(vcpu, LHV_ES, offset, insn->size, true))
		return true;
	lhv_inject_gp(vcpu);
	return false;
}

/*
 * MOVS has a second operand, which must be memory. It is translated before the
 * first is accessed, since that access can have effects. Return: as
 * fetch_and_decode().
 */
static int prepare_movs(struct lhv_vcpu *vcpu, struct lhv_mmio_op *op, bool write)
{
	const struct lhv_insn *insn = &op->insn;
	u64 linear = write ? source_linear(vcpu, insn) : destination_linear(vcpu, insn);
	int ret;

	if (!write && !destination_ok(vcpu, insn))
		return -EFAULT;
	ret = lhv_gva_translate(vcpu, linear, insn->size, write ? 0 : X86_PF_WRITE, &op->ram);
	if (ret)
		return ret;
	op->value = 0;
	if (write)
		return lhv_gva_read(vcpu, &op->ram, &op->value) ? -ENXIO : 0;
	return lhv_gva_writable(vcpu, &op->ram) ? 0 : -ENXIO;
}

/* ---- carrying it out ---- */

/* The end: string instructions stay until they have done all their elements. */
static void finish(struct lhv_vcpu *vcpu, const struct lhv_insn *insn)
{
	s64 step = lhv_get_rflags(vcpu) & X86_EFLAGS_DF ? -(s64)insn->size : insn->size;
	u8 size = insn->address_size;

	if (insn->op == LHV_OP_LODS || insn->op == LHV_OP_MOVS)
		lhv_add_to_address(vcpu, LHV_RSI, size, step);
	if (insn->op == LHV_OP_STOS || insn->op == LHV_OP_MOVS)
		lhv_add_to_address(vcpu, LHV_RDI, size, step);
	if (insn->rep) {
		lhv_add_to_address(vcpu, LHV_RCX, size, -1);
		if (address_reg(vcpu, LHV_RCX, size))
			return;
	}
	lhv_skip_bytes(vcpu, insn->length);
}

/* The APIC's registers are 32 bits wide and 16 bytes apart. */
static u64 read_lapic(struct lhv_vcpu *vcpu, const struct lhv_mmio_op *op)
{
	u32 offset = offset_in_page(op->gpa);
	u32 value;

	lhv_lapic_read(vcpu, offset & ~3, &value);
	return (value >> 8 * (offset & 3)) & lhv_size_mask(op->insn.size);
}

/* Accesses that aren't 32 bits wide are undefined (SDM 3A 11.4.1): ignored. */
static enum lhv_fate write_lapic(struct lhv_vcpu *vcpu, const struct lhv_mmio_op *op)
{
	u32 offset = offset_in_page(op->gpa);

	if (op->insn.size < 4 || (offset & 3))
		return LHV_GUEST;
	return lhv_lapic_write(vcpu, offset, op->value);
}

static enum lhv_fate ask_userspace(struct lhv_vcpu *vcpu, struct lhv_mmio_op *op, bool write)
{
	struct lhv_run *run = vcpu->run;
	u64 data = write ? op->value & lhv_size_mask(op->insn.size) : 0;

	op->write = write;
	run->exit_reason = LHV_EXIT_MMIO;
	run->rip = lhv_get_rip(vcpu);
	run->mmio.gpa = op->gpa;
	run->mmio.len = op->insn.size;
	run->mmio.is_write = write;
	memcpy(run->mmio.data, &data, sizeof(data));
	vcpu->arch.completion = LHV_COMPLETE_MMIO;
	return LHV_USER;
}

static enum lhv_fate do_write(struct lhv_vcpu *vcpu, struct lhv_mmio_op *op)
{
	enum lhv_fate fate;

	if (!lhv_lapic_mmio_match(vcpu, op->gpa)) {
		if (!lhv_ioeventfd_write(vcpu->vm, LHV_SPACE_MMIO, op->gpa, op->insn.size,
					 op->value & lhv_size_mask(op->insn.size)))
			return ask_userspace(vcpu, op, true);
		finish(vcpu, &op->insn);
		return LHV_GUEST;
	}
	fate = write_lapic(vcpu, op);
	finish(vcpu, &op->insn);
	if (fate == LHV_USER)
		vcpu->run->rip = lhv_get_rip(vcpu);
	return fate;
}

/* Arithmetic with the operand as read. */
static enum lhv_fate compute(struct lhv_vcpu *vcpu, struct lhv_mmio_op *op, u64 value)
{
	const struct lhv_insn *insn = &op->insn;
	unsigned long flags = lhv_get_rflags(vcpu);
	u64 other = insn->other == LHV_OTHER_NONE ? 0 : get_operand(vcpu, insn);

	if (insn->to_reg) {
		other = lhv_alu(insn->op, other, value, insn->size, &flags);
		if (insn->op != LHV_OP_CMP)
			set_operand(vcpu, insn, other);
	} else {
		op->value = lhv_alu(insn->op, value, other, insn->size, &flags);
	}
	lhv_set_rflags(vcpu, flags);
	if (lhv_insn_writes(insn))
		return do_write(vcpu, op);
	finish(vcpu, insn);
	return LHV_GUEST;
}

/* The operand was read: what the instruction does with it. */
static enum lhv_fate use_value(struct lhv_vcpu *vcpu, struct lhv_mmio_op *op, u64 value)
{
	const struct lhv_insn *insn = &op->insn;

	switch (insn->op) {
	case LHV_OP_MOVSX:
		value = sign_extend64(value, 8 * insn->size - 1);
		fallthrough;
	case LHV_OP_MOV:
	case LHV_OP_MOVZX:
	case LHV_OP_LODS:
		set_operand(vcpu, insn, value);
		break;
	case LHV_OP_MOVS:
		if (lhv_gva_write(vcpu, &op->ram, &value))
			return lhv_memory_lost(vcpu, op->ram.gpa[0]);
		break;
	case LHV_OP_XCHG:
		op->value = get_operand(vcpu, insn);
		set_operand(vcpu, insn, value);
		return do_write(vcpu, op);
	default:
		return compute(vcpu, op, value);
	}
	finish(vcpu, insn);
	return LHV_GUEST;
}

/*
 * @write: the exit was for writing. If the instruction reads as well then the
 * operand could be read, and is in a read-only slot.
 */
static enum lhv_fate do_read(struct lhv_vcpu *vcpu, struct lhv_mmio_op *op, bool write)
{
	u64 value = 0;

	if (lhv_lapic_mmio_match(vcpu, op->gpa))
		return use_value(vcpu, op, read_lapic(vcpu, op));
	if (write && !lhv_read_guest(vcpu->vm, op->gpa, &value, op->insn.size))
		return use_value(vcpu, op, value);
	return ask_userspace(vcpu, op, false);
}

/* Was it the instruction at RIP that accessed data at @gpa? */
static bool by_instruction(u32 access)
{
	u64 qualification = vmcs_read_l(EXIT_QUALIFICATION);

	/* A fetch, the delivery of an event, or a walk through page tables isn't. */
	if (access & LHV_MEMORY_FAULT_EXEC)
		return false;
	if (vmcs_read32(IDT_VECTORING_INFO_FIELD) & VECTORING_INFO_VALID_MASK)
		return false;
	return (qualification & EPT_VIOLATION_GVA_IS_VALID) &&
	       (qualification & EPT_VIOLATION_GVA_TRANSLATED);
}

enum lhv_fate lhv_mmio_access(struct lhv_vcpu *vcpu, gpa_t gpa, u32 access)
{
	struct lhv_mmio_op *op = vcpu->arch.mmio;
	const struct lhv_insn *insn = &op->insn;
	bool write = access & LHV_MEMORY_FAULT_WRITE;
	int ret;

	op->fetched = 0;
	op->gpa = gpa;
	if (!by_instruction(access))
		return lhv_undecoded(vcpu, gpa);
	ret = fetch_and_decode(vcpu, op);
	if (!ret && !operand_matches(vcpu, op, write))
		ret = -EOPNOTSUPP;
	if (!ret && insn->op == LHV_OP_MOVS)
		ret = prepare_movs(vcpu, op, write);
	if (ret)
		return ret == -EFAULT ? LHV_GUEST : lhv_undecoded(vcpu, gpa);

	if (insn->op == LHV_OP_MOVS ? !write : lhv_insn_reads(insn))
		return do_read(vcpu, op, write);
	if (insn->op != LHV_OP_MOVS)
		op->value = get_operand(vcpu, insn);
	return do_write(vcpu, op);
}

int lhv_mmio_complete(struct lhv_vcpu *vcpu)
{
	struct lhv_mmio_op *op = vcpu->arch.mmio;
	u64 data;

	if (op->write) {
		finish(vcpu, &op->insn);
		return LHV_GUEST;
	}
	data = READ_ONCE(*(u64 *)vcpu->run->mmio.data);
	return use_value(vcpu, op, data & lhv_size_mask(op->insn.size));
}
