// SPDX-License-Identifier: GPL-2.0-only
#include "vcpu.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulate_vcpu.h"
#include "error.h"
#include "machine.h"
#include "report.h"
#include "thread.h"
#include "x86_bits.h"

#define KICK_SIGNAL		SIGRTMIN

#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ENABLED		BIT(11)
#define MTRR_WRITE_BACK		6
#define CPUID1_EDX_MTRR		BIT(12)

/* As firmware leaves it: all memory is write-back. */
static int set_mtrr(struct vcpu *vcpu, struct cpuid_table *table)
{
	const struct lhv_cpuid_entry *features = cpuid_find(table, 1, 0);
	struct lhv_msr msr = {
		.index = MSR_MTRR_DEF_TYPE,
		.value = MTRR_ENABLED | MTRR_WRITE_BACK,
	};

	if (!features || !(features->edx & CPUID1_EDX_MTRR))
		return 0;
	return lhv_set_state(vcpu->fd, LHV_STATE_MSRS, "MTRR", &msr, sizeof(msr));
}

int vcpu_create(struct vcpu *vcpu, struct machine *machine, u32 id,
		struct cpuid_table *table)
{
	u32 run_size = machine->dev.info.run_size;

	vcpu->machine = machine;
	vcpu->id = id;
	vcpu->started = false;
	vcpu->other_exits = 0;
	vcpu->fd = lhv_create_vcpu(machine->vm_fd, id);
	if (vcpu->fd < 0)
		return -1;
	vcpu->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		fail_errno("cannot map the run page of vCPU %u", id);
		goto err_close;
	}
	cpuid_set_apic_id(table, id);
	if (lhv_set_state(vcpu->fd, LHV_STATE_CPUID, "CPUID", table->entry,
			  table->count * sizeof(table->entry[0])) ||
	    set_mtrr(vcpu, table))
		goto err_unmap;
	return 0;

err_unmap:
	munmap(vcpu->run, run_size);
err_close:
	close(vcpu->fd);
	vcpu->fd = -1;
	return -1;
}

void vcpu_destroy(struct vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->machine->dev.info.run_size);
	close(vcpu->fd);
	vcpu->fd = -1;
}

/* Access rights, SDM 3C table 25-2. */
#define ACCESS_CODE32	0xc09b
#define ACCESS_CODE64	0xa09b
#define ACCESS_DATA	0xc093
#define ACCESS_TSS	0x008b

#define SELECTOR_CODE	0x10
#define SELECTOR_DATA	0x18

static void set_segments(struct lhv_sregs *sregs, enum boot_mode mode)
{
	const struct lhv_segment data = {
		.selector = SELECTOR_DATA,
		.limit = UINT32_MAX,
		.access = ACCESS_DATA,
	};

	sregs->cs = data;
	sregs->cs.selector = SELECTOR_CODE;
	sregs->cs.access = mode == BOOT_LONG ? ACCESS_CODE64 : ACCESS_CODE32;
	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
	sregs->tr = (struct lhv_segment){ .limit = 0x67, .access = ACCESS_TSS };
	sregs->ldt = (struct lhv_segment){ .access = ACCESS_UNUSABLE };
}

int vcpu_set_entry(struct vcpu *vcpu, const struct boot_entry *entry)
{
	struct lhv_regs regs = {
		.rip = entry->rip,
		.rax = entry->rax,
		.rbx = entry->rbx,
		.rsi = entry->rsi,
		.rflags = RFLAGS_FIXED,
	};
	struct lhv_sregs sregs;

	/* The APIC base and what else is not the loader's stay as after reset. */
	if (lhv_get_state(vcpu->fd, LHV_STATE_SREGS, "system registers", &sregs, sizeof(sregs)))
		return -1;
	set_segments(&sregs, entry->mode);
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE;
	sregs.cr4 = 0;
	sregs.efer = 0;
	sregs.idt = (struct lhv_dtable){ 0 };
	sregs.gdt = (struct lhv_dtable){ .base = entry->gdt_base, .limit = entry->gdt_limit };
	if (entry->mode == BOOT_LONG) {
		sregs.cr0 |= CR0_PG;
		sregs.cr3 = entry->cr3;
		sregs.cr4 = CR4_PAE;
		sregs.efer = EFER_LME | EFER_LMA;
	}
	if (lhv_set_state(vcpu->fd, LHV_STATE_SREGS, "system registers", &sregs, sizeof(sregs)))
		return -1;
	return lhv_set_state(vcpu->fd, LHV_STATE_REGS, "registers", &regs, sizeof(regs));
}

static void handle_io(struct vcpu *vcpu)
{
	struct lhv_run *run = vcpu->run;
	const struct bus *ports = &vcpu->machine->ports;
	u32 i;

	for (i = 0; i < run->io.count; i++) {
		u8 *data = run->data + i * run->io.size;

		if (run->io.direction == LHV_IO_IN)
			bus_read(ports, run->io.port, data, run->io.size);
		else
			bus_write(ports, run->io.port, data, run->io.size);
	}
}

static void handle_mmio(struct vcpu *vcpu)
{
	struct lhv_run *run = vcpu->run;
	const struct bus *mmio = &vcpu->machine->mmio;

	if (run->mmio.is_write)
		bus_write(mmio, run->mmio.gpa, run->mmio.data, run->mmio.len);
	else
		bus_read(mmio, run->mmio.gpa, run->mmio.data, run->mmio.len);
}

static void handle_eoi(struct vcpu *vcpu)
{
	ioapic_eoi(&vcpu->machine->ioapic, vcpu->run->eoi.vector);
}

static void handle_crash(struct vcpu *vcpu)
{
	char text[sizeof(vcpu->machine->stop_text)];

	report_crash(vcpu, text, sizeof(text));
	machine_stop(vcpu->machine, STOP_CRASH, 0, text);
}

static void handle_undecoded(struct vcpu *vcpu)
{
	if (!emulate_undecoded(vcpu))
		handle_crash(vcpu);
}

static void (* const exit_handlers[])(struct vcpu *vcpu) = {
	[LHV_EXIT_IO] = handle_io,
	[LHV_EXIT_MMIO] = handle_mmio,
	[LHV_EXIT_EOI] = handle_eoi,
	[LHV_EXIT_UNDECODED] = handle_undecoded,
};

static void run_failed(struct vcpu *vcpu)
{
	char text[256];

	snprintf(text, sizeof(text), "vCPU %u cannot run: %s", vcpu->id, strerror(errno));
	machine_stop(vcpu->machine, STOP_ERROR, 0, text);
}

static __thread struct vcpu *current;

struct vcpu *vcpu_current(void)
{
	return current;
}

/*
 * It was kicked. The flag is taken back before the thread looks at what it was kicked for, so
 * that none is missed.
 */
static void take_kick(struct vcpu *vcpu)
{
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
}

static void run_guest(struct vcpu *vcpu)
{
	struct machine *m = vcpu->machine;

	while (!machine_stopping(m) && !atomic_load(&vcpu->stop)) {
		u32 reason;

		if (machine_pause_wanted(&m->pause)) {
			machine_pause_wait(&m->pause);
			continue;
		}
		if (ioctl(vcpu->fd, LHV_VCPU_RUN, 0)) {
			if (errno == EINTR)
				take_kick(vcpu);
			else
				run_failed(vcpu);
			continue;
		}
		reason = vcpu->run->exit_reason;
		if (reason < ARRAY_SIZE(exit_handlers) && exit_handlers[reason])
			exit_handlers[reason](vcpu);
		else
			handle_crash(vcpu);
	}
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;

	current = vcpu;
	vcpu->tid = gettid();
	machine_pause_enter(&vcpu->machine->pause);
	run_guest(vcpu);
	machine_pause_leave(&vcpu->machine->pause);
	atomic_store_explicit(&vcpu->ended, true, memory_order_release);
	machine_wake(vcpu->machine);
	return NULL;
}

static void on_kick(int sig)
{
	(void)sig;
}

int vcpu_init_signals(void)
{
	/* No SA_RESTART: the ioctl is to come back. */
	struct sigaction sa = { .sa_handler = on_kick };

	if (sigaction(KICK_SIGNAL, &sa, NULL))
		return fail_errno("cannot set up signals");
	return 0;
}

int vcpu_start(struct vcpu *vcpu)
{
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	atomic_store(&vcpu->stop, false);
	atomic_store(&vcpu->ended, false);
	if (thread_start(&vcpu->thread, name, KICK_SIGNAL, vcpu_thread, vcpu))
		return -1;
	vcpu->started = true;
	return 0;
}

void vcpu_kick(struct vcpu *vcpu)
{
	/* The flag is for a thread that has not yet come to the ioctl. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELEASE);
	pthread_kill(vcpu->thread, KICK_SIGNAL);
}

void vcpu_join(struct vcpu *vcpu)
{
	pthread_join(vcpu->thread, NULL);
	vcpu->tid = 0;
	vcpu->started = false;
}

void vcpu_stop(struct vcpu *vcpu)
{
	atomic_store(&vcpu->stop, true);
	vcpu_kick(vcpu);
}

/* Before a SIPI there is nothing that it could leave. */
bool vcpu_was_run(const struct vcpu *vcpu)
{
	u64 values[LHV_VCPU_STAT_EXITS + 1] = { 0 };
	struct lhv_stats stats = {
		.size = sizeof(stats),
		.count = ARRAY_SIZE(values),
		.values = (uintptr_t)values,
	};

	return !ioctl(vcpu->fd, LHV_VCPU_GET_STATS, &stats) && values[LHV_VCPU_STAT_EXITS];
}
