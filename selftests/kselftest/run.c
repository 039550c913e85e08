// SPDX-License-Identifier: GPL-2.0-only
/*
 * LHV_VCPU_RUN: how it ends, and what doesn't let it start
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>

#include "apic.h"
#include "guest/payload.h"
#include "test.h"

static u64 counter;

static void guest_spin(void)
{
	for (;;)
		WRITE_ONCE(counter, counter + 1);
}

static void guest_spin_masked(void)
{
	irq_disable();
	guest_spin();
}

static void guest_halt(void)
{
	WRITE_ONCE(counter, 1);
	irq_enable_halt();
	WRITE_ONCE(counter, 2);
}

static void guest_halt_masked(void)
{
	WRITE_ONCE(counter, 1);
	asm volatile("cli; hlt");
	WRITE_ONCE(counter, 2);
}

/* Leaves all the time, for what is done with the host's interrupts off, too. */
static void guest_exit_masked(void)
{
	irq_disable();
	for (;;) {
		cpuid(0, 0);
		WRITE_ONCE(counter, counter + 1);
	}
}

#define TSS_IST1	36
#define DR7_WRITE_8	0x90000UL	/* breakpoint 0 */
#define DR7_G0		BIT(1)

/* #DB's own frame is where the breakpoint is, so each delivery raises the next. */
static void guest_debug_forever(void)
{
	u64 stack = LAYOUT_SCRATCH + GUEST_PAGE;
	volatile u64 *frame = (void *)(stack - 8);

	*(u64 *)(guest_cpu()->tss + TSS_IST1) = stack;
	((u64 *)LAYOUT_IDT)[2 * VECTOR_DB] |= 1ULL << 32;
	write_register(db0, (u64)frame);
	write_register(db7, DR7_WRITE_8 | DR7_G0);
	*frame = 0;
}

static void guest_nothing(void)
{
}

FIXTURE(run) {
	struct vm *vm;
	struct vcpu *vcpu;
	pthread_t thread;
};

FIXTURE_SETUP(run)
{
	kick_signal_init();
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(run)
{
	vm_close(self->vm);
}

/* One LHV_VCPU_RUN, and what it gave. */
static void *run_once(void *vcpu)
{
	return (void *)(intptr_t)lhv_run(((struct vcpu *)vcpu)->fd);
}

static int join(pthread_t thread)
{
	void *ret;

	REQUIRE(!pthread_join(thread, &ret));
	return (intptr_t)ret;
}

static void start_run(FIXTURE_DATA(run) *self)
{
	REQUIRE(!pthread_create(&self->thread, NULL, run_once, self->vcpu));
}

/*
 * A thread in the ioctl can't be told from one on its way there. Until the run
 * comes back, another kick does no harm.
 */
static int kick_out(FIXTURE_DATA(run) *self)
{
	void *ret;

	self->vcpu->run->immediate_exit = 1;
	REQUIRE(!pthread_kill(self->thread, KICK_SIGNAL));
	REQUIRE(!pthread_join(self->thread, &ret));
	self->vcpu->run->immediate_exit = 0;
	return (intptr_t)ret;
}

TEST_F(run, immediate_exit)
{
	u64 exits;

	vcpu_set_long(self->vcpu, guest_nothing, 0, 0);
	exits = vcpu_stat(self->vcpu, LHV_VCPU_STAT_EXITS);
	self->vcpu->run->immediate_exit = 1;
	EXPECT_EQ(-EINTR, lhv_run(self->vcpu->fd));
	EXPECT_EQ(-EINTR, lhv_run(self->vcpu->fd));
	/* Not even entered; and the flag is the caller's to clear. */
	EXPECT_EQ(exits, vcpu_stat(self->vcpu, LHV_VCPU_STAT_EXITS));
	EXPECT_EQ(1, self->vcpu->run->immediate_exit);
	self->vcpu->run->immediate_exit = 0;
	vcpu_run_to_done(self->vcpu);
}

TEST_F(run, signal_ends_a_loop)
{
	u64 seen;

	vcpu_set_long(self->vcpu, guest_spin, 0, 0);
	start_run(self);
	WAIT_UNTIL(guest_var(self->vm, counter));
	EXPECT_EQ(-EINTR, kick_out(self));
	seen = guest_var(self->vm, counter);
	/* And it goes on from there. */
	start_run(self);
	WAIT_UNTIL(guest_var(self->vm, counter) > seen);
	EXPECT_EQ(-EINTR, kick_out(self));
}

TEST_F(run, signal_ends_a_loop_with_interrupts_masked)
{
	vcpu_set_long(self->vcpu, guest_spin_masked, 0, 0);
	start_run(self);
	WAIT_UNTIL(guest_var(self->vm, counter));
	EXPECT_EQ(-EINTR, kick_out(self));
}

TEST_F(run, signal_ends_a_loop_of_exits_with_interrupts_masked)
{
	vcpu_set_long(self->vcpu, guest_exit_masked, 0, 0);
	start_run(self);
	WAIT_UNTIL(guest_var(self->vm, counter));
	EXPECT_EQ(-EINTR, kick_out(self));
}

/* The faults that the guest's one instruction leads to, one by the other */
static void expect_endless_faults(struct __test_metadata *_metadata, FIXTURE_DATA(run) *self)
{
	u64 seen = vcpu_stat(self->vcpu, LHV_VCPU_STAT_EXCEPTIONS);

	start_run(self);
	WAIT_UNTIL(vcpu_stat(self->vcpu, LHV_VCPU_STAT_EXCEPTIONS) > seen + 1000);
	EXPECT_EQ(-EINTR, kick_out(self));
}

TEST_F(run, signal_ends_endless_debug_exceptions)
{
	vcpu_set_long(self->vcpu, guest_debug_forever, 0, 0);
	expect_endless_faults(_metadata, self);
	expect_endless_faults(_metadata, self);
}

#define USER_CODE32	0x00cffb000000ffff
#define ACCESS_DPL3	0x60
#define FLAGS_AC	BIT(18)

/*
 * Flat 32-bit code at CPL 3 whose stack is misaligned, and #AC's handler is at CPL 3,
 * too: its frame is misaligned again.
 */
static void set_misaligned_forever(struct vcpu *vcpu)
{
	static const u8 code[] = { 0x8b, 0x04, 0x24 };	/* mov (%esp), %eax */
	u64 *gdt = guest_memory(vcpu->vm, LAYOUT_GDT);
	u64 *idt = guest_memory(vcpu->vm, LAYOUT_IDT);
	struct lhv_sregs sregs;
	struct lhv_regs regs;

	memcpy(guest_memory(vcpu->vm, LAYOUT_PAYLOAD), code, sizeof(code));
	gdt[SELECTOR_CODE32 / 8] = USER_CODE32;
	idt[VECTOR_AC] = LAYOUT_PAYLOAD % BIT(16) | (SELECTOR_CODE32 | 3) << 16 |
			 0x8e0000000000 | (u64)(LAYOUT_PAYLOAD >> 16) << 48;
	vcpu_set_flat(vcpu, LAYOUT_PAYLOAD);
	vcpu_get_sregs(vcpu, &sregs);
	sregs.cr0 |= CR0_AM;
	sregs.idt = (struct lhv_dtable){ .base = LAYOUT_IDT, .limit = 0x7ff };
	sregs.cs.selector |= 3;
	sregs.cs.access |= ACCESS_DPL3;
	sregs.ss.selector |= 3;
	sregs.ss.access |= ACCESS_DPL3;
	vcpu_set_sregs(vcpu, &sregs);
	vcpu_get_regs(vcpu, &regs);
	regs.rflags |= FLAGS_AC;
	regs.rsp -= 2;
	vcpu_set_regs(vcpu, &regs);
}

TEST_F(run, signal_ends_endless_alignment_checks)
{
	set_misaligned_forever(self->vcpu);
	expect_endless_faults(_metadata, self);
	expect_endless_faults(_metadata, self);
}

static void count_alarm(int sig)
{
	(void)sig;
}

/* By the host's timer rather than another thread */
TEST_F(run, alarm_ends_a_loop)
{
	const struct sigaction action = { .sa_handler = count_alarm };
	const struct itimerval soon = { .it_value = { .tv_usec = 20000 } };

	vcpu_set_long(self->vcpu, guest_spin, 0, 0);
	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &soon, NULL));
	EXPECT_EQ(-EINTR, lhv_run(self->vcpu->fd));
	EXPECT_NE(0, guest_var(self->vm, counter));
}

static u32 mp_state(struct vcpu *vcpu)
{
	struct lhv_mp_state mp;

	vcpu_get(vcpu, LHV_STATE_MP, &mp, sizeof(mp));
	return mp.state;
}

static void expect_halted(struct __test_metadata *_metadata, FIXTURE_DATA(run) *self)
{
	struct lhv_regs regs;

	start_run(self);
	WAIT_UNTIL(vcpu_stat(self->vcpu, LHV_VCPU_STAT_HLT_EXITS) == 1);
	EXPECT_EQ(-EINTR, kick_out(self));
	EXPECT_EQ(LHV_MP_HALTED, mp_state(self->vcpu));
	EXPECT_EQ(1, guest_var(self->vm, counter));
	vcpu_get_regs(self->vcpu, &regs);
	EXPECT_EQ(0xf4, *(u8 *)guest_memory(self->vm, regs.rip - 1));
	/* It is still halted when it runs again. */
	start_run(self);
	pause_a_little();
	EXPECT_EQ(-EINTR, kick_out(self));
	EXPECT_EQ(1, guest_var(self->vm, counter));
	EXPECT_EQ(1, vcpu_stat(self->vcpu, LHV_VCPU_STAT_HLT_EXITS));
	EXPECT_LT(0, vcpu_stat(self->vcpu, LHV_VCPU_STAT_HALT_NS));
}

TEST_F(run, signal_ends_a_halt)
{
	vcpu_set_long(self->vcpu, guest_halt, 0, 0);
	expect_halted(_metadata, self);
	/* The host wakes it. */
	vcpu_set_mp(self->vcpu, LHV_MP_RUNNABLE);
	vcpu_run_to_done(self->vcpu);
	EXPECT_EQ(2, guest_var(self->vm, counter));
}

TEST_F(run, halt_with_interrupts_masked)
{
	vcpu_set_long(self->vcpu, guest_halt_masked, 0, 0);
	expect_halted(_metadata, self);
}

TEST_F(run, wait_for_sipi)
{
	struct vcpu *ap = vcpu_create(self->vm, 1);
	pthread_t thread;

	EXPECT_EQ(LHV_MP_WAIT_SIPI, mp_state(ap));
	REQUIRE(!pthread_create(&thread, NULL, run_once, ap));
	pause_a_little();
	ap->run->immediate_exit = 1;
	REQUIRE(!pthread_kill(thread, KICK_SIGNAL));
	EXPECT_EQ(-EINTR, join(thread));
	EXPECT_EQ(LHV_MP_WAIT_SIPI, mp_state(ap));
	EXPECT_EQ(0, vcpu_stat(ap, LHV_VCPU_STAT_EXITS));
}

#define TURNS	100

static void guest_outs(void)
{
	int i;

	for (i = 0; i < 2 * TURNS; i++) {
		WRITE_ONCE(counter, counter + 1);
		outl(PORT, i);
	}
}

static void *take_turns(void *vcpu)
{
	int i;

	for (i = 0; i < TURNS; i++)
		REQUIRE_OK(lhv_run(((struct vcpu *)vcpu)->fd));
	return NULL;
}

/* A vCPU isn't bound to a thread, and two of them don't meet in it. */
TEST_F(run, two_threads)
{
	pthread_t one, other;

	vcpu_set_long(self->vcpu, guest_outs, 0, 0);
	REQUIRE(!pthread_create(&one, NULL, take_turns, self->vcpu));
	REQUIRE(!pthread_create(&other, NULL, take_turns, self->vcpu));
	EXPECT_EQ(0, join(one));
	EXPECT_EQ(0, join(other));
	EXPECT_EQ(2 * TURNS, guest_var(self->vm, counter));
	EXPECT_EQ(2 * TURNS, vcpu_stat(self->vcpu, LHV_VCPU_STAT_IO_EXITS));
	vcpu_run_to_done(self->vcpu);
}

/* State can't be read while it runs: the call waits for that. */
static void *read_state(void *vcpu)
{
	struct lhv_regs regs;

	vcpu_get_regs(vcpu, &regs);
	return (void *)(intptr_t)(regs.rip != 0);
}

TEST_F(run, state_waits_for_the_run)
{
	pthread_t reader;

	vcpu_set_long(self->vcpu, guest_spin, 0, 0);
	start_run(self);
	WAIT_UNTIL(guest_var(self->vm, counter));
	REQUIRE(!pthread_create(&reader, NULL, read_state, self->vcpu));
	pause_a_little();
	EXPECT_EQ(EBUSY, pthread_tryjoin_np(reader, NULL));
	/* Counters can. */
	(void)vcpu_stat(self->vcpu, LHV_VCPU_STAT_EXITS);
	EXPECT_EQ(-EINTR, kick_out(self));
	EXPECT_EQ(1, join(reader));
}

/* ---- what the processor refuses ---------------------------------------------- */

static void expect_fail_entry(struct __test_metadata *_metadata, struct vcpu *vcpu)
{
	const struct lhv_run *run = vcpu->run;

	vcpu_run_to(vcpu, LHV_EXIT_FAIL_ENTRY);
	EXPECT_EQ(ENTRY_FAILED_GUEST_STATE, run->fail_entry.hardware_reason);
	EXPECT_EQ(0, run->fail_entry.instruction_error);
	EXPECT_GT(64, run->fail_entry.cpu);
	EXPECT_EQ(0, run->fail_entry.reserved);
}

/* Virtual-8086 mode within long mode */
TEST_F(run, entry_fails_for_flags)
{
	struct lhv_regs regs, seen;

	vcpu_set_long(self->vcpu, guest_nothing, 0, 0);
	vcpu_get_regs(self->vcpu, &regs);
	regs.rflags |= BIT(17);
	vcpu_set_regs(self->vcpu, &regs);
	expect_fail_entry(_metadata, self->vcpu);
	EXPECT_EQ(regs.rip, self->vcpu->run->rip);
	/* The state as it stands can be read, mended, and then it runs. */
	vcpu_get_regs(self->vcpu, &seen);
	EXPECT_EQ(0, memcmp(&regs, &seen, sizeof(regs)));
	regs.rflags = FLAGS_FIXED;
	vcpu_set_regs(self->vcpu, &regs);
	vcpu_run_to_done(self->vcpu);
}

TEST_F(run, entry_fails_for_segments)
{
	struct lhv_sregs good, bad;

	vcpu_set_long(self->vcpu, guest_nothing, 0, 0);
	vcpu_get_sregs(self->vcpu, &good);
	bad = good;
	bad.tr.access = 0x10000;	/* unusable */
	vcpu_set_sregs(self->vcpu, &bad);
	expect_fail_entry(_metadata, self->vcpu);
	bad = good;
	bad.cs.access = 0xe09b;		/* 64-bit and 32-bit at once */
	vcpu_set_sregs(self->vcpu, &bad);
	expect_fail_entry(_metadata, self->vcpu);
	bad = good;
	bad.gdt.base = BIT(63);
	vcpu_set_sregs(self->vcpu, &bad);
	expect_fail_entry(_metadata, self->vcpu);
	vcpu_set_sregs(self->vcpu, &good);
	vcpu_run_to_done(self->vcpu);
}

/* A task switch: no handler, and nobody has needed one for long. */
TEST_F(run, unhandled)
{
	static const u8 code[] = {
		0xea, 0, 0, 0, 0, SELECTOR_TSS, 0,	/* ljmp $SELECTOR_TSS, $0 */
	};
	struct vcpu *vcpu = self->vcpu;
	struct lhv_regs regs;

	vm_copy_payload(self->vm, code, code + sizeof(code));
	vcpu_set_flat(vcpu, LAYOUT_PAYLOAD);
	vcpu_run_to(vcpu, LHV_EXIT_UNHANDLED);
	EXPECT_EQ(9, vcpu->run->unhandled.hardware_reason);
	/* SDM 3C table 28-2: selector, and that it was a JMP */
	EXPECT_EQ(SELECTOR_TSS | 2ULL << 30, vcpu->run->unhandled.qualification);
	EXPECT_EQ(LAYOUT_PAYLOAD, vcpu->run->rip);
	vcpu_get_regs(vcpu, &regs);
	EXPECT_EQ(LAYOUT_PAYLOAD, regs.rip);
}

TEST_HARNESS_MAIN
