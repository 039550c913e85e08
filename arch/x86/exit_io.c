// SPDX-License-Identifier: GPL-2.0-only
/*
 * IN and OUT: to userspace and back (INS and OUTS: string_io.c)
 */
#include "arch/x86/mmio.h"
#include "arch/x86/vmx.h"

/* Exit qualification, SDM 3C 28.2.1, table 28-5 */
#define IO_SIZE(q)	(((q) & 7) + 1)
#define IO_IN		BIT(3)
#define IO_STRING	BIT(4)
#define IO_PORT(q)	((q) >> 16)

enum lhv_fate lhv_handle_io(struct lhv_vcpu *vcpu)
{
	u32 qualification = vmcs_read_l(EXIT_QUALIFICATION);
	struct lhv_run *run = vcpu->run;
	u8 size = IO_SIZE(qualification);

	lhv_stat(vcpu, LHV_VCPU_STAT_IO_EXITS);
	if (qualification & IO_STRING)
		return LHV_SLOW;

	run->exit_reason = LHV_EXIT_IO;
	run->rip = vmcs_read_l(GUEST_RIP);
	run->io.port = IO_PORT(qualification);
	run->io.size = size;
	run->io.count = 1;
	if (qualification & IO_IN) {
		run->io.direction = LHV_IO_IN;
	} else {
		run->io.direction = LHV_IO_OUT;
		/* Only the low bytes count; the rest of the 4 would leak RAX. */
		*(u32 *)run->data = vcpu->arch.regs[LHV_RAX] & GENMASK(8 * size - 1, 0);
	}
	vcpu->arch.io_qualification = qualification;
	vcpu->arch.completion = LHV_COMPLETE_IO;
	return LHV_USER;
}

int lhv_handle_io_slow(struct lhv_vcpu *vcpu)
{
	return lhv_string_io(vcpu, vmcs_read_l(EXIT_QUALIFICATION));
}

/* Userspace answered: the instruction ends. What it says of the access isn't trusted. */
void lhv_io_complete(struct lhv_vcpu *vcpu)
{
	u32 qualification = vcpu->arch.io_qualification;
	unsigned long *rax = &vcpu->arch.regs[LHV_RAX];
	u32 data = READ_ONCE(*(u32 *)vcpu->run->data);

	if (qualification & IO_IN) {
		switch (IO_SIZE(qualification)) {
		case 1:
			*(u8 *)rax = data;
			break;
		case 2:
			*(u16 *)rax = data;
			break;
		default:
			/* A 32-bit destination is zero-extended. */
			*rax = data;
		}
	}
	lhv_skip_instruction(vcpu);
}
