// SPDX-License-Identifier: GPL-2.0-only
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lhv_dev.h"
#include "machine.h"
#include "translate.h"
#include "x86_bits.h"

#define BYTES_SHOWN	16

struct name {
	u32 number;
	const char *text;
};

/* Basic exit reasons, SDM 3C appendix C: those a guest can die of. */
static const struct name exit_names[] = {
	{ 0, "exception or NMI" },
	{ 2, "triple fault" },
	{ 3, "INIT signal" },
	{ 5, "I/O system-management interrupt" },
	{ 6, "other system-management interrupt" },
	{ 9, "task switch" },
	{ 11, "GETSEC" },
	{ 17, "RSM" },
	{ 33, "invalid guest state" },
	{ 34, "MSR loading" },
	{ 41, "machine check" },
	{ 46, "access to GDTR or IDTR" },
	{ 47, "access to LDTR or TR" },
	{ 48, "EPT violation" },
	{ 49, "EPT misconfiguration" },
	{ 62, "page-modification log full" },
};

/* VM-instruction errors, SDM 3C 31.4: those of VMLAUNCH and VMRESUME. */
static const struct name error_names[] = {
	{ 4, "VMLAUNCH with non-clear VMCS" },
	{ 5, "VMRESUME with non-launched VMCS" },
	{ 6, "VMRESUME after VMXOFF" },
	{ 7, "invalid control fields" },
	{ 8, "invalid host-state fields" },
	{ 26, "events blocked by MOV SS" },
};

static const char *find_name(const struct name *names, size_t count, u32 number)
{
	while (count--) {
		if (names[count].number == number)
			return names[count].text;
	}
	return "no name known";
}

/* Text in the making; what does not fit is cut off. */
struct text {
	char *at;
	size_t room;
};

static __printf(2, 3) void say(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->at, t->room, fmt, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= t->room)
		n = t->room ? t->room - 1 : 0;
	t->at += n;
	t->room -= n;
}

static void say_bytes(struct text *t, const u8 *byte, unsigned int count)
{
	while (count--)
		say(t, " %02x", *byte++);
}

static void say_fail_entry(struct text *t, const struct lhv_run *run)
{
	u32 basic = run->fail_entry.hardware_reason & 0xffff;

	if (run->fail_entry.hardware_reason)
		say(t, "the CPU refused to enter it: %s (exit reason %u, qualification 0x%" PRIx64 ")",
		    find_name(exit_names, ARRAY_SIZE(exit_names), basic), basic,
		    (u64)run->fail_entry.qualification);
	else
		say(t, "the CPU refused to enter it: %s (VM-instruction error %u)",
		    find_name(error_names, ARRAY_SIZE(error_names),
			      run->fail_entry.instruction_error),
		    run->fail_entry.instruction_error);
}

static void say_unhandled(struct text *t, const struct lhv_run *run)
{
	u32 basic = run->unhandled.hardware_reason & 0xffff;

	say(t, "VM exit without a handler: %s (exit reason %u, qualification 0x%" PRIx64,
	    find_name(exit_names, ARRAY_SIZE(exit_names), basic), basic,
	    (u64)run->unhandled.qualification);
	if (run->unhandled.interruption_info)
		say(t, ", interruption information 0x%x, error code 0x%x",
		    run->unhandled.interruption_info, run->unhandled.error_code);
	say(t, ")");
}

static void say_undecoded(struct text *t, const struct lhv_run *run,
			  const struct guest_memory *mem)
{
	u32 length = min_u64(run->undecoded.length, sizeof(run->undecoded.bytes));

	say(t, "access to 0x%" PRIx64 ", where %s, ", (u64)run->undecoded.gpa,
	    memory_region_has(&mem->region, run->undecoded.gpa) ? "memory is unplugged" :
								   "there is no memory");
	if (!length) {
		say(t, "by an instruction that cannot be read");
		return;
	}
	say(t, "by an instruction that lhv does not emulate (");
	say(t, "%02x", run->undecoded.bytes[0]);
	say_bytes(t, run->undecoded.bytes + 1, length - 1);
	say(t, ")");
}

static void say_memory_fault(struct text *t, const struct lhv_run *run)
{
	u32 access = run->memory_fault.access;
	const char *verb = access & LHV_MEMORY_FAULT_WRITE ? "write" :
			   access & LHV_MEMORY_FAULT_EXEC ? "instruction fetch" : "read";

	say(t, "the host has no memory for the %s at guest-physical 0x%" PRIx64 ": %s",
	    verb, (u64)run->memory_fault.gpa, strerror(-run->memory_fault.error));
}

static void say_reason(struct text *t, const struct lhv_run *run, const struct guest_memory *mem)
{
	switch (run->exit_reason) {
	case LHV_EXIT_SHUTDOWN:
		say(t, "triple fault");
		break;
	case LHV_EXIT_FAIL_ENTRY:
		say_fail_entry(t, run);
		break;
	case LHV_EXIT_UNHANDLED:
		say_unhandled(t, run);
		break;
	case LHV_EXIT_UNDECODED:
		say_undecoded(t, run, mem);
		break;
	case LHV_EXIT_MEMORY_FAULT:
		say_memory_fault(t, run);
		break;
	default:
		say(t, "exit reason %u, which this hvctl does not know", run->exit_reason);
	}
}

static const char *mode_name(const struct lhv_regs *regs, const struct lhv_sregs *sregs)
{
	if (!(sregs->cr0 & CR0_PE))
		return "real mode";
	if (sregs->efer & EFER_LMA && sregs->cs.access & ACCESS_LONG)
		return "64-bit mode";
	if (regs->rflags & RFLAGS_VM)
		return "virtual-8086 mode";
	return sregs->cs.access & ACCESS_DB ? "32-bit mode" : "16-bit mode";
}

static void say_state(struct text *t, const struct guest_memory *mem,
		      const struct lhv_regs *regs, const struct lhv_sregs *sregs)
{
	bool is_64bit = sregs->efer & EFER_LMA && sregs->cs.access & ACCESS_LONG;
	u64 linear = is_64bit ? regs->rip : (u32)(sregs->cs.base + regs->rip);
	u8 bytes[BYTES_SHOWN];
	unsigned int n = read_linear(mem, sregs, linear, bytes, sizeof(bytes));

	say(t, " (%s, CS 0x%x).\n", mode_name(regs, sregs), sregs->cs.selector);
	if (n) {
		say(t, "The bytes there:");
		say_bytes(t, bytes, n);
		say(t, ".\n");
	} else {
		say(t, "The bytes there cannot be read: the address is not mapped.\n");
	}
	say(t, "RSP 0x%" PRIx64 ", RFLAGS 0x%" PRIx64 ", CR0 0x%" PRIx64 ", CR2 0x%" PRIx64
	       ",\nCR3 0x%" PRIx64 ", CR4 0x%" PRIx64 ", EFER 0x%" PRIx64 ".",
	    (u64)regs->rsp, (u64)regs->rflags, (u64)sregs->cr0, (u64)sregs->cr2,
	    (u64)sregs->cr3, (u64)sregs->cr4, (u64)sregs->efer);
}

static void say_place(struct text *t, u64 rip, unsigned int vcpu_id,
		      const struct guest_memory *mem, const struct lhv_regs *regs,
		      const struct lhv_sregs *sregs)
{
	say(t, ";\non vCPU %u at RIP 0x%" PRIx64, vcpu_id, (u64)(regs ? regs->rip : rip));
	if (regs && sregs)
		say_state(t, mem, regs, sregs);
	else
		say(t, ". Its registers cannot be read.");
}

void report_format(const struct lhv_run *run, unsigned int vcpu_id,
		   const struct guest_memory *mem, const struct lhv_regs *regs,
		   const struct lhv_sregs *sregs, char *text, size_t len)
{
	struct text t = { text, len };

	say(&t, "the guest crashed: ");
	say_reason(&t, run, mem);
	say_place(&t, run->rip, vcpu_id, mem, regs, sregs);
}

/* What can be read of a vCPU's registers */
struct registers {
	struct lhv_regs regs;
	struct lhv_sregs sregs;
	bool have_regs, have_sregs;
};

static void get_registers(const struct vcpu *vcpu, struct registers *r)
{
	r->have_regs = !lhv_get_state(vcpu->fd, LHV_STATE_REGS, "registers",
				      &r->regs, sizeof(r->regs));
	r->have_sregs = !lhv_get_state(vcpu->fd, LHV_STATE_SREGS, "system registers",
				       &r->sregs, sizeof(r->sregs));
}

void report_crash(const struct vcpu *vcpu, char *text, size_t len)
{
	struct registers r;

	get_registers(vcpu, &r);
	report_format(vcpu->run, vcpu->id, &vcpu->machine->memory, r.have_regs ? &r.regs : NULL,
		      r.have_sregs ? &r.sregs : NULL, text, len);
}

void report_unplugged(const struct vcpu *vcpu, u64 gpa, bool write, char *text, size_t len)
{
	struct text t = { text, len };
	struct registers r;

	get_registers(vcpu, &r);
	say(&t, "the guest crashed: %s at guest-physical 0x%" PRIx64 ", where memory is unplugged",
	    write ? "write" : "read", gpa);
	say_place(&t, vcpu->run->rip, vcpu->id, &vcpu->machine->memory,
		  r.have_regs ? &r.regs : NULL, r.have_sregs ? &r.sregs : NULL);
}
