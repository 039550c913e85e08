// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running vCPUs, and what their guests say
 */
#include "vm.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int describe_data(const struct lhv_run *run, char *text, size_t size)
{
	switch (run->exit_reason) {
	case LHV_EXIT_IO:
		return snprintf(text, size, "port 0x%x size %u direction %u count %u data 0x%x",
				run->io.port, run->io.size, run->io.direction, run->io.count,
				*(const u32 *)run->data);
	case LHV_EXIT_MMIO:
		return snprintf(text, size, "gpa 0x%llx len %u write %u",
				run->mmio.gpa, run->mmio.len, run->mmio.is_write);
	case LHV_EXIT_EOI:
		return snprintf(text, size, "vector %u", run->eoi.vector);
	case LHV_EXIT_FAIL_ENTRY:
		return snprintf(text, size, "hardware reason 0x%x error %u qualification 0x%llx",
				run->fail_entry.hardware_reason,
				run->fail_entry.instruction_error,
				run->fail_entry.qualification);
	case LHV_EXIT_UNHANDLED:
		return snprintf(text, size,
				"hardware reason 0x%x qualification 0x%llx interruption 0x%x",
				run->unhandled.hardware_reason, run->unhandled.qualification,
				run->unhandled.interruption_info);
	case LHV_EXIT_UNDECODED:
		return snprintf(text, size, "gpa 0x%llx bytes (%u) %02x %02x %02x %02x",
				run->undecoded.gpa, run->undecoded.length,
				run->undecoded.bytes[0], run->undecoded.bytes[1],
				run->undecoded.bytes[2], run->undecoded.bytes[3]);
	case LHV_EXIT_MEMORY_FAULT:
		return snprintf(text, size, "gpa 0x%llx access %u error %d",
				run->memory_fault.gpa, run->memory_fault.access,
				run->memory_fault.error);
	default:
		return snprintf(text, size, "-");
	}
}

/* What the processor checks at VM entry (SDM 3C 27.3.1), as far as a guest can change it. */
static int describe_guest_state(struct vcpu *vcpu, const struct lhv_sregs *sregs, char *text,
				size_t size)
{
	const struct lhv_segment *segment = &sregs->cs;
	struct lhv_debugregs debugregs = { };
	struct lhv_events ev = { };
	struct lhv_regs regs = { };
	size_t n;
	int i;

	(void)lhv_get_state(vcpu->fd, LHV_STATE_REGS, &regs, sizeof(regs));
	(void)lhv_get_state(vcpu->fd, LHV_STATE_DEBUGREGS, &debugregs, sizeof(debugregs));
	(void)lhv_get_state(vcpu->fd, LHV_STATE_EVENTS, &ev, sizeof(ev));
	n = snprintf(text, size,
		     "; rflags 0x%llx cr0 0x%llx cr3 0x%llx cr4 0x%llx efer 0x%llx dr7 0x%llx",
		     regs.rflags, sregs->cr0, sregs->cr3, sregs->cr4, sregs->efer, debugregs.dr7);
	n += snprintf(text + n, size - n,
		      "; exception %u/%u soft %u, interrupt %u/%u soft %u, NMI %u+%u masked %u",
		      ev.exception_pending, ev.exception_vector, ev.exception_soft,
		      ev.interrupt_pending, ev.interrupt_vector, ev.interrupt_soft,
		      ev.nmi_injected, ev.nmi_pending, ev.nmi_masked);
	n += snprintf(text + n, size - n, ", shadow %u, pending debug 0x%x, length %u; cs to ldt:",
		      ev.shadow, ev.debug_pending, ev.instruction_length);
	for (i = 0; i < 8; i++, segment++)
		n += snprintf(text + n, size - n, " %04x:%llx+%x/%x", segment->selector,
			      segment->base, segment->limit, segment->access);
	return n;
}

const char *vcpu_describe(struct vcpu *vcpu)
{
	static _Thread_local char text[1024];
	struct lhv_sregs sregs = { };
	int n;

	(void)lhv_get_state(vcpu->fd, LHV_STATE_SREGS, &sregs, sizeof(sregs));
	n = snprintf(text, sizeof(text), "vCPU %u: exit %u at rip 0x%llx cr2 0x%llx: ", vcpu->id,
		     vcpu->run->exit_reason, vcpu->run->rip, sregs.cr2);
	n += describe_data(vcpu->run, text + n, sizeof(text) - n);
	if (vcpu->run->exit_reason == LHV_EXIT_FAIL_ENTRY)
		describe_guest_state(vcpu, &sregs, text + n, sizeof(text) - n);
	return text;
}

void vcpu_run(struct vcpu *vcpu)
{
	int ret;

	do
		ret = lhv_run(vcpu->fd);
	while (ret == -EINTR && !vcpu->run->immediate_exit);
	/* report_hang() wants to have a look at it. */
	if (ret == -EINTR)
		pause();
	if (ret)
		FAIL("vCPU %u: LHV_VCPU_RUN: %s", vcpu->id, strerror(-ret));
}

void vcpu_run_to(struct vcpu *vcpu, u32 exit_reason)
{
	struct ucall call;

	vcpu_run(vcpu);
	/* What the guest complains of tells more. */
	if (vcpu->run->exit_reason != exit_reason)
		vcpu_get_ucall(vcpu, &call);
	if (vcpu->run->exit_reason != exit_reason)
		FAIL("exit %u expected, but: %s", exit_reason, vcpu_describe(vcpu));
}

void vcpu_run_to_io(struct vcpu *vcpu, u16 port, u8 size, u8 direction)
{
	const struct lhv_run *run = vcpu->run;
	struct ucall call;

	vcpu_run_to(vcpu, LHV_EXIT_IO);
	if (port != UCALL_PORT)
		vcpu_get_ucall(vcpu, &call);
	if (run->io.port != port || run->io.size != size || run->io.direction != direction)
		FAIL("port 0x%x size %u direction %u expected, but: %s", port, size, direction,
		     vcpu_describe(vcpu));
}

void vcpu_run_to_out(struct vcpu *vcpu, u16 port, u8 size, u32 value)
{
	u32 seen;

	vcpu_run_to_io(vcpu, port, size, LHV_IO_OUT);
	seen = *(u32 *)vcpu->run->data & (u32)(BIT(8 * size) - 1);
	if (seen != value)
		FAIL("0x%x expected, but: %s", value, vcpu_describe(vcpu));
}

void vcpu_complete(struct vcpu *vcpu)
{
	int ret;

	vcpu->run->immediate_exit = 1;
	ret = lhv_run(vcpu->fd);
	vcpu->run->immediate_exit = 0;
	if (ret != -EINTR)
		FAIL("immediate_exit: %d instead of EINTR: %s", ret, vcpu_describe(vcpu));
}

static void report_assert(struct vcpu *vcpu, const struct ucall *call)
{
	/* The strings are at the same place in the guest and in here. */
	FAIL("vCPU %u: %s:%llu: %s (0x%llx)", vcpu->id, (const char *)call->arg[1],
	     call->arg[2], (const char *)call->arg[0],
	     call->arg[3]);
}

bool vcpu_get_ucall(struct vcpu *vcpu, struct ucall *call)
{
	const struct lhv_run *run = vcpu->run;
	struct lhv_regs regs;

	if (run->exit_reason != LHV_EXIT_IO || run->io.port != UCALL_PORT ||
	    run->io.size != 4 || run->io.direction != LHV_IO_OUT)
		return false;
	vcpu_get_regs(vcpu, &regs);
	*call = (struct ucall){
		.command = *(const u32 *)run->data,
		.arg = { regs.rdi, regs.rsi, regs.rdx, regs.rcx },
	};
	if (call->command == UCALL_ASSERT)
		report_assert(vcpu, call);
	return true;
}

void vcpu_run_to_ucall(struct vcpu *vcpu, struct ucall *call)
{
	vcpu_run(vcpu);
	if (!vcpu_get_ucall(vcpu, call))
		FAIL("a call of the guest expected, but: %s", vcpu_describe(vcpu));
}

void vcpu_run_to_report(struct vcpu *vcpu, u64 value)
{
	struct ucall call;

	vcpu_run_to_ucall(vcpu, &call);
	if (call.command != UCALL_REPORT)
		FAIL("vCPU %u is done before it reported %llu", vcpu->id,
		     value);
	if (call.arg[0] != value)
		FAIL("vCPU %u reports %llu instead of %llu", vcpu->id,
		     call.arg[0], value);
}

void vcpu_run_to_done(struct vcpu *vcpu)
{
	struct ucall call;

	do
		vcpu_run_to_ucall(vcpu, &call);
	while (call.command != UCALL_DONE);
}

static void on_kick(int sig)
{
	(void)sig;
}

void kick_signal_init(void)
{
	const struct sigaction action = { .sa_handler = on_kick };

	REQUIRE_SYS(sigaction(KICK_SIGNAL, &action, NULL));
}

static void *thread(void *arg)
{
	vcpu_run_to_done(arg);
	return NULL;
}

void vcpu_thread_start(struct vcpu *vcpu)
{
	kick_signal_init();
	vcpu->runs = true;
	REQUIRE(!pthread_create(&vcpu->thread, NULL, thread, vcpu));
}

/* Takes the vCPUs out of their runs, and prints what they were doing. */
static void report_hang(struct vm *vm)
{
	struct lhv_mp_state mp = { };
	struct lhv_sregs sregs = { };
	struct lhv_regs regs = { };
	struct vcpu *vcpu;
	char text[1024];

	for (vcpu = vm->vcpu; vcpu < vm->vcpu + VM_MAX_VCPUS; vcpu++) {
		if (!vcpu->runs)
			continue;
		vcpu->run->immediate_exit = 1;
		pthread_kill(vcpu->thread, KICK_SIGNAL);
		vcpu_get(vcpu, LHV_STATE_MP, &mp, sizeof(mp));
		vcpu_get_regs(vcpu, &regs);
		vcpu_get_sregs(vcpu, &sregs);
		describe_guest_state(vcpu, &sregs, text, sizeof(text));
		dprintf(STDERR_FILENO, "# vCPU %u: state %u rip 0x%llx%s\n",
			vcpu->id, mp.state, regs.rip, text);
	}
}

void vcpu_thread_join(struct vcpu *vcpu)
{
	struct timespec end;
	int ret;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += WAIT_SECONDS;
	ret = pthread_timedjoin_np(vcpu->thread, NULL, &end);
	if (ret == ETIMEDOUT) {
		report_hang(vcpu->vm);
		FAIL("vCPU %u isn't done", vcpu->id);
	}
	REQUIRE(!ret);
	vcpu->runs = false;
}

struct vcpu *new_guest(void *function, u64 arg0, u64 arg1)
{
	return vcpu_start(vm_create(), 0, function, arg0, arg1);
}

void run_guest(void *function, u64 arg0, u64 arg1)
{
	struct vcpu *vcpu = new_guest(function, arg0, arg1);

	vcpu_run_to_done(vcpu);
	vm_close(vcpu->vm);
}
