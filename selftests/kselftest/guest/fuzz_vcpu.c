// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_vm.h: a vCPU's programs, and its exits
 */
#include <stdio.h>
#include <string.h>

#include "apic.h"
#include "fuzz_vm.h"
#include "saved.h"

#define PROGRAM_NS	20000000
#define PROGRAM_EXITS	250

#define EXIT_TASK_SWITCH	9	/* basic exit reason, SDM 3D appendix C */

/* ---- what an exit must be like ------------------------------------------------- */

#define EXIT_REQUIRE(fvcpu, condition) do {				\
	if (!(condition))						\
		FAIL("not %s: %s", #condition, vcpu_describe((fvcpu)->vcpu)); \
} while (0)

#define ACCESS_L	BIT(13)

/*
 * The lab's emulator lets a guest do what its own VM entry refuses (SDM 3C 27.3.1.2):
 * null loaded into a segment register in protected mode, and another selector in real
 * mode, make a usable segment that wasn't accessed; and in virtual-8086 mode a segment
 * still has the L bit that it had before the IRET to there.
 */
static bool has_refused_segment(struct vcpu *vcpu)
{
	const struct lhv_segment *segment;
	struct lhv_sregs sregs;
	struct lhv_regs regs;

	vcpu_get_sregs(vcpu, &sregs);
	vcpu_get_regs(vcpu, &regs);
	for (segment = &sregs.ds; segment <= &sregs.ss; segment++) {
		if (!(segment->access & (ACCESS_UNUSABLE | 1)))
			return true;
		if ((regs.rflags & FLAGS_VM) && (segment->access & ACCESS_L))
			return true;
	}
	return false;
}

static void check_exit(struct fuzz_vcpu *fvcpu)
{
	const struct lhv_run *run = fvcpu->vcpu->run;

	switch (run->exit_reason) {
	case LHV_EXIT_IO:
		EXIT_REQUIRE(fvcpu, run->io.size == 1 || run->io.size == 2 || run->io.size == 4);
		EXIT_REQUIRE(fvcpu, run->io.direction <= LHV_IO_OUT);
		EXIT_REQUIRE(fvcpu, run->io.count >= 1 &&
			     run->io.count <= LHV_RUN_DATA_SIZE / run->io.size);
		break;
	case LHV_EXIT_MMIO:
		EXIT_REQUIRE(fvcpu, run->mmio.len >= 1 && run->mmio.len <= 8);
		EXIT_REQUIRE(fvcpu, run->mmio.is_write <= 1);
		/* Slot 0 is always there, and for writing too. */
		EXIT_REQUIRE(fvcpu, run->mmio.gpa >= MIB(8));
		break;
	case LHV_EXIT_EOI:
		EXIT_REQUIRE(fvcpu, run->eoi.vector >= 16 && run->eoi.vector <= 255);
		break;
	case LHV_EXIT_SHUTDOWN:
		break;
	case LHV_EXIT_UNHANDLED:
		EXIT_REQUIRE(fvcpu, run->unhandled.hardware_reason == EXIT_TASK_SWITCH);
		break;
	case LHV_EXIT_UNDECODED:
		EXIT_REQUIRE(fvcpu, run->undecoded.length <= sizeof(run->undecoded.bytes));
		break;
	case LHV_EXIT_MEMORY_FAULT:
		EXIT_REQUIRE(fvcpu, run->memory_fault.error == -EFAULT);
		EXIT_REQUIRE(fvcpu, run->memory_fault.access >= 1 && run->memory_fault.access <= 7);
		break;
	case LHV_EXIT_FAIL_ENTRY:
		EXIT_REQUIRE(fvcpu, run->fail_entry.hardware_reason == ENTRY_FAILED_GUEST_STATE);
		EXIT_REQUIRE(fvcpu, has_refused_segment(fvcpu->vcpu));
		break;
	default:
		FAIL("an exit that no guest may cause: %s", vcpu_describe(fvcpu->vcpu));
	}
}

/* ---- going on ------------------------------------------------------------------ */

/* The APIC as it was at first; else programs run with what the last one left. */
static void reset_apic(struct fuzz_vcpu *fvcpu)
{
	struct lhv_sregs sregs;

	vcpu_get_sregs(fvcpu->vcpu, &sregs);
	sregs.apic_base = fvcpu->apic_base;
	vcpu_set_sregs(fvcpu->vcpu, &sregs);
	vcpu_set(fvcpu->vcpu, LHV_STATE_LAPIC, &fvcpu->lapic, sizeof(fvcpu->lapic));
}

/* The next operation, or the one after it, in a state that is all right. */
static void restart_at_next(struct fuzz_vcpu *fvcpu)
{
	struct fuzz_code *code = &fvcpu->code;

	fvcpu->next += 1 + random_below(&fvcpu->random, 2);
	if (fvcpu->next > code->ops)
		fvcpu->next = code->ops;
	if (one_in(&fvcpu->random, 4))
		fuzz_write_tables(fvcpu->vcpu->vm, &fvcpu->random);
	fuzz_set_mode(fvcpu->vcpu, &fvcpu->random, code->op[fvcpu->next].mode, code->base,
		      code->op[fvcpu->next].offset);
}

/* A handler told of a trap; as long as the guest's state goes with it, keep that. */
static void go_on_at_next(struct fuzz_vcpu *fvcpu)
{
	struct fuzz_code *code = &fvcpu->code;
	u32 next = fvcpu->next + 1;
	struct lhv_sregs sregs;
	struct lhv_regs regs;
	bool long_code;

	vcpu_complete(fvcpu->vcpu);
	vcpu_get_sregs(fvcpu->vcpu, &sregs);
	long_code = (sregs.efer & EFER_LMA) && (sregs.cs.access & BIT(13));
	if (next >= code->ops || one_in(&fvcpu->random, 4) || sregs.cs.base ||
	    long_code != (fuzz_bits(code->op[next].mode) == 64) ||
	    !(sregs.cs.access & (BIT(13) | BIT(14)))) {
		restart_at_next(fvcpu);
		return;
	}
	fvcpu->next = next;
	vcpu_get_regs(fvcpu->vcpu, &regs);
	regs.rip = code->base + code->op[next].offset;
	if (one_in(&fvcpu->random, 2))
		regs.rflags |= FLAGS_IF;
	vcpu_set_regs(fvcpu->vcpu, &regs);
}

/* Returns false when the program is through. */
static bool answer_io(struct fuzz_vcpu *fvcpu)
{
	struct lhv_run *run = fvcpu->vcpu->run;
	u32 i;

	if (run->io.direction == LHV_IO_OUT && run->io.port == FUZZ_PORT_END) {
		fuzz_count(fvcpu->fvm->totals->ends);
		return false;
	}
	if (run->io.direction == LHV_IO_OUT && run->io.port == FUZZ_PORT_TRAP) {
		fuzz_count(fvcpu->fvm->totals->traps);
		go_on_at_next(fvcpu);
		return true;
	}
	for (i = 0; run->io.direction == LHV_IO_IN && i < run->io.size * run->io.count; i++)
		run->data[i] = random_u64(&fvcpu->random);
	return true;
}

static bool answer(struct fuzz_vcpu *fvcpu)
{
	struct lhv_run *run = fvcpu->vcpu->run;
	u64 value = fuzz_value(&fvcpu->random);

	switch (run->exit_reason) {
	case LHV_EXIT_IO:
		return answer_io(fvcpu);
	case LHV_EXIT_MMIO:
		if (!run->mmio.is_write)
			memcpy(run->mmio.data, &value, sizeof(value));
		return true;
	case LHV_EXIT_EOI:
		return true;
	default:
		restart_at_next(fvcpu);
		return true;
	}
}

/* All of the vCPU's state out and in again: nothing of it may be refused. */
static void move_state(struct fuzz_vcpu *fvcpu)
{
	struct saved saved;
	u32 i;

	for (i = 0; i < FIXED_RECORDS; i++) {
		vcpu_save_record(fvcpu->vcpu, &saved, i);
		vcpu_restore_record(fvcpu->vcpu, &saved, i);
	}
}

static void interrupted(struct fuzz_vcpu *fvcpu)
{
	fuzz_count(fvcpu->fvm->totals->interrupted);
	fvcpu->vcpu->run->immediate_exit = 0;
	if (one_in(&fvcpu->random, 4))
		move_state(fvcpu);
	/* It may be halted, or in a loop. */
	if (one_in(&fvcpu->random, 2))
		restart_at_next(fvcpu);
}

/* ---- programs ------------------------------------------------------------------ */

static void load_program(struct fuzz_vcpu *fvcpu)
{
	struct random *random = &fvcpu->random;
	struct fuzz_code *code = &fvcpu->code;

	fuzz_make_code(code, random, fvcpu->vcpu->id, random_below(random, FUZZ_MODES));
	memcpy(guest_memory(fvcpu->vcpu->vm, code->base), code->bytes, code->length);
	if (one_in(random, 2))
		fuzz_write_tables(fvcpu->vcpu->vm, random);
	fvcpu->next = 0;
	fvcpu->exits = 0;
	fuzz_set_mode(fvcpu->vcpu, random, code->op[0].mode, code->base, 0);
	if (one_in(random, 3))
		reset_apic(fvcpu);
}

static void run_program(struct fuzz_vcpu *fvcpu)
{
	u64 end;
	int ret;

	load_program(fvcpu);
	fuzz_count(fvcpu->fvm->totals->programs);
	end = now_ns() + PROGRAM_NS;
	while (fvcpu->exits++ < PROGRAM_EXITS && now_ns() < end) {
		ret = lhv_run(fvcpu->vcpu->fd);
		if (ret == -EINTR) {
			interrupted(fvcpu);
			continue;
		}
		if (ret)
			FAIL("vCPU %u: LHV_VCPU_RUN: %s", fvcpu->vcpu->id, strerror(-ret));
		check_exit(fvcpu);
		fuzz_count(fvcpu->fvm->totals->exits[fvcpu->vcpu->run->exit_reason]);
		if (!answer(fvcpu))
			return;
	}
}

void *fuzz_vcpu_thread(void *arg)
{
	struct fuzz_vcpu *fvcpu = arg;
	u32 i;

	for (i = 0; i < fvcpu->fvm->programs; i++)
		run_program(fvcpu);
	__atomic_fetch_add(&fvcpu->fvm->done, 1, __ATOMIC_SEQ_CST);
	return NULL;
}
