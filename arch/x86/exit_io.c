// SPDX-License-Identifier: GPL-2.0-only
/*
 * IN and OUT: to userspace and back (INS and OUTS: string_io.c)
 */
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/debugreg.h>

#include "arch/x86/mmio.h"
#include "arch/x86/vmx.h"
#include "hv/eventfd.h"

/* Exit qualification, SDM 3C 28.2.1, table 28-5 */
#define IO_SIZE(q)	(((q) & 7) + 1)
#define IO_IN		BIT(3)
#define IO_STRING	BIT(4)
#define IO_PORT(q)	((q) >> 16)

#define BREAKPOINT_IO	2	/* of DR7's R/W fields, with CR4.DE */
#define PENDING_ENABLED	BIT(12)	/* of pending debug exceptions, SDM 3C table 25-4 */

static bool is_plain_out(u32 qualification)
{
	return !(qualification & (IO_STRING | IO_IN));
}

/* Only the low bytes count; the rest of the 4 would leak RAX. */
static u32 out_data(struct lhv_vcpu *vcpu, u32 qualification)
{
	return vcpu->arch.regs[LHV_RAX] & GENMASK(8 * IO_SIZE(qualification) - 1, 0);
}

static enum lhv_fate ask_userspace(struct lhv_vcpu *vcpu, u32 qualification)
{
	struct lhv_run *run = vcpu->run;

	run->exit_reason = LHV_EXIT_IO;
	run->rip = vmcs_read_l(GUEST_RIP);
	run->io.port = IO_PORT(qualification);
	run->io.size = IO_SIZE(qualification);
	run->io.count = 1;
	if (qualification & IO_IN) {
		run->io.direction = LHV_IO_IN;
	} else {
		run->io.direction = LHV_IO_OUT;
		*(u32 *)run->data = out_data(vcpu, qualification);
	}
	vcpu->arch.io_qualification = qualification;
	vcpu->arch.completion = LHV_COMPLETE_IO;
	return LHV_USER;
}

enum lhv_fate lhv_handle_io(struct lhv_vcpu *vcpu)
{
	u32 qualification = vmcs_read_l(EXIT_QUALIFICATION);

	lhv_stat(vcpu, LHV_VCPU_STAT_IO_EXITS);
	if (qualification & IO_STRING)
		return LHV_SLOW;
	/* Eventfds aren't for atomic context, which this is with PREEMPT_RT. */
	if (is_plain_out(qualification) &&
	    lhv_ioeventfd_waits(vcpu->vm, LHV_SPACE_PIO, IO_PORT(qualification),
				IO_SIZE(qualification), out_data(vcpu, qualification)))
		return LHV_SLOW;
	return ask_userspace(vcpu, qualification);
}

static void finish(struct lhv_vcpu *vcpu, u32 qualification)
{
	lhv_skip_instruction(vcpu);
	lhv_io_breakpoints(vcpu, IO_PORT(qualification), IO_SIZE(qualification));
}

int lhv_handle_io_slow(struct lhv_vcpu *vcpu)
{
	u32 qualification = vmcs_read_l(EXIT_QUALIFICATION);

	if (!is_plain_out(qualification))
		return lhv_string_io(vcpu, qualification);
	/* It may be gone by now. */
	if (!lhv_ioeventfd_write(vcpu->vm, LHV_SPACE_PIO, IO_PORT(qualification),
				 IO_SIZE(qualification), out_data(vcpu, qualification)))
		return ask_userspace(vcpu, qualification);
	finish(vcpu, qualification);
	return LHV_GUEST;
}

/* Does breakpoint @i of these registers watch one of the ports (SDM 3B 18.2.4, 18.2.5)? */
static bool watches_port(const struct lhv_vcpu_arch *arch, unsigned long dr7, int i, u16 port,
			 u8 size)
{
	u32 control = dr7 >> (DR_CONTROL_SHIFT + DR_CONTROL_SIZE * i);
	u64 len = (control >> 2 & 3) + 1;
	u64 first = arch->db[i] & ~(len - 1);

	if (!(dr7 & (3 << (DR_ENABLE_SIZE * i))) || (control & 3) != BREAKPOINT_IO)
		return false;
	return port < first + len && first < port + size;
}

void lhv_io_breakpoints(struct lhv_vcpu *vcpu, u16 port, u8 size)
{
	unsigned long dr7, hit = 0;
	int i;

	if (likely(!vcpu->arch.dr_needed) || !(lhv_get_cr4(vcpu) & X86_CR4_DE))
		return;
	dr7 = vmcs_read_l(GUEST_DR7);
	for (i = 0; i < 4; i++)
		if (watches_port(&vcpu->arch, dr7, i, port, size))
			hit |= BIT(i) | PENDING_ENABLED;
	vmcs_write_l(GUEST_PENDING_DBG_EXCEPTIONS,
		     vmcs_read_l(GUEST_PENDING_DBG_EXCEPTIONS) | hit);
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
	finish(vcpu, qualification);
}
