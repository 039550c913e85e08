// SPDX-License-Identifier: GPL-2.0-only
/*
 * INS and OUTS, with REP many elements at a time: as many as are in one page of
 * guest memory and fit the run page
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "arch/x86/alu.h"
#include "arch/x86/mmio.h"
#include "arch/x86/vmx.h"
#include "hv/eventfd.h"

/* Exit qualification, SDM 3C 28.2.1, table 28-5 */
#define IO_SIZE(q)	(((q) & 7) + 1)
#define IO_IN		BIT(3)
#define IO_REP		BIT(5)
#define IO_PORT(q)	((q) >> 16)

/* VM-exit instruction information, SDM 3C table 28-9 */
#define INFO_ADDRESS_SIZE(i)	(2 << (((i) >> 7) & 7))
#define INFO_SEGMENT(i)		(((i) >> 15) & 7)

static enum lhv_reg address_register(u64 qualification)
{
	return qualification & IO_IN ? LHV_RDI : LHV_RSI;
}

/*
 * How many elements at once: backwards, or where the page ends or the address
 * wraps, only one.
 */
static u32 batch(struct lhv_vcpu *vcpu, u64 linear, u64 offset, u64 count, u8 size)
{
	u64 most = min_t(u64, PAGE_SIZE - offset_in_page(linear), LHV_RUN_DATA_SIZE) / size;
	u64 room = lhv_size_mask(vcpu->arch.mmio->insn.address_size) - offset;

	if (!most || room < most * size || (lhv_get_rflags(vcpu) & X86_EFLAGS_DF))
		return 1;
	return min(count, most);
}

/* Sets op->count. Return: false if there is a fault at the first element. */
static bool choose_count(struct lhv_vcpu *vcpu, u64 qualification, int segment, u64 offset,
			 u64 count)
{
	struct lhv_mmio_op *op = vcpu->arch.mmio;
	bool write = qualification & IO_IN;
	u8 size = IO_SIZE(qualification);

	/* Where eventfds may wait, each element is looked at. */
	if (!write && rcu_access_pointer(vcpu->vm->ioeventfds[LHV_SPACE_PIO]))
		count = 1;
	op->count = batch(vcpu, lhv_linear(vcpu, segment, offset), offset, count, size);
	if (lhv_segment_ok(vcpu, segment, offset, op->count * size, write))
		return true;
	op->count = 1;
	if (lhv_segment_ok(vcpu, segment, offset, size, write))
		return true;
	lhv_inject_exception_error(vcpu, segment == LHV_SS ? X86_TRAP_SS : X86_TRAP_GP, 0);
	return false;
}

/* Return: 0; -EFAULT if the guest has a fault now; -ENXIO if it isn't memory. */
static int prepare_memory(struct lhv_vcpu *vcpu, u64 qualification, u64 linear)
{
	struct lhv_mmio_op *op = vcpu->arch.mmio;
	bool in = qualification & IO_IN;
	int ret;

	ret = lhv_gva_translate(vcpu, linear, op->count * IO_SIZE(qualification),
				in ? X86_PF_WRITE : 0, &op->ram);
	if (ret)
		return ret;
	if (in)
		return lhv_gva_writable(vcpu, &op->ram) ? 0 : -ENXIO;
	return lhv_gva_read(vcpu, &op->ram, vcpu->run->data) ? -ENXIO : 0;
}

static enum lhv_fate ask_userspace(struct lhv_vcpu *vcpu, u64 qualification)
{
	struct lhv_run *run = vcpu->run;

	run->exit_reason = LHV_EXIT_IO;
	run->rip = lhv_get_rip(vcpu);
	run->io.port = IO_PORT(qualification);
	run->io.size = IO_SIZE(qualification);
	run->io.direction = qualification & IO_IN ? LHV_IO_IN : LHV_IO_OUT;
	run->io.count = vcpu->arch.mmio->count;
	vcpu->arch.io_qualification = qualification;
	vcpu->arch.completion = LHV_COMPLETE_STRING_IO;
	return LHV_USER;
}

/* Did the only element of an OUTS signal one? */
static bool out_to_eventfd(struct lhv_vcpu *vcpu, u64 qualification)
{
	u8 size = IO_SIZE(qualification);
	u32 data;

	if ((qualification & IO_IN) || vcpu->arch.mmio->count != 1)
		return false;
	data = READ_ONCE(*(u32 *)vcpu->run->data) & lhv_size_mask(size);
	return lhv_ioeventfd_write(vcpu->vm, LHV_SPACE_PIO, IO_PORT(qualification), size, data);
}

enum lhv_fate lhv_string_io(struct lhv_vcpu *vcpu, u64 qualification)
{
	u32 info = vmcs_read32(VMX_INSTRUCTION_INFO);
	int segment = qualification & IO_IN ? LHV_ES : INFO_SEGMENT(info);
	struct lhv_mmio_op *op = vcpu->arch.mmio;
	u64 offset, count = 1;
	int ret;

	op->ram.gpa[0] = 0;
	op->insn.address_size = INFO_ADDRESS_SIZE(info);
	if (qualification & IO_REP)
		count = lhv_get_reg(vcpu, LHV_RCX) & lhv_size_mask(op->insn.address_size);
	if (!count) {
		lhv_skip_instruction(vcpu);
		return LHV_GUEST;
	}
	offset = lhv_get_reg(vcpu, address_register(qualification)) &
		 lhv_size_mask(op->insn.address_size);
	if (!choose_count(vcpu, qualification, segment, offset, count))
		return LHV_GUEST;
	ret = prepare_memory(vcpu, qualification, lhv_linear(vcpu, segment, offset));
	if (ret)
		return ret == -EFAULT ? LHV_GUEST : lhv_fetch_undecoded(vcpu, op->ram.gpa[0]);

	if (out_to_eventfd(vcpu, qualification)) {
		vcpu->arch.io_qualification = qualification;
		return lhv_string_io_complete(vcpu);
	}
	return ask_userspace(vcpu, qualification);
}

int lhv_string_io_complete(struct lhv_vcpu *vcpu)
{
	struct lhv_mmio_op *op = vcpu->arch.mmio;
	u32 qualification = vcpu->arch.io_qualification;
	u8 address_size = op->insn.address_size;
	s64 step = IO_SIZE(qualification);

	if ((qualification & IO_IN) && lhv_gva_write(vcpu, &op->ram, vcpu->run->data))
		return lhv_memory_lost(vcpu, op->ram.gpa[0]);

	if (lhv_get_rflags(vcpu) & X86_EFLAGS_DF)
		step = -step;
	lhv_io_breakpoints(vcpu, IO_PORT(qualification), IO_SIZE(qualification));
	lhv_add_to_address(vcpu, address_register(qualification), address_size,
			   step * op->count);
	if (qualification & IO_REP) {
		lhv_add_to_address(vcpu, LHV_RCX, address_size, -(s64)op->count);
		if (lhv_get_reg(vcpu, LHV_RCX) & lhv_size_mask(address_size))
			return LHV_GUEST;
	}
	lhv_skip_instruction(vcpu);
	return LHV_GUEST;
}
