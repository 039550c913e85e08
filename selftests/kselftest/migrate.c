// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's whole state leaves one VM and goes on in another, in the order that
 * docs/uapi.md gives, while the guest notices nothing
 */
#include <string.h>
#include <sys/mman.h>

#include "apic.h"
#include "saved.h"
#include "test.h"

#define VECTOR		0xe0
#define MOVES		20

static struct saved saved;

/* A new VM with the old one's memory, and in it the vCPU. */
static struct vcpu *move(struct vcpu *vcpu)
{
	struct vm *old = vcpu->vm, *vm = vm_create_empty();
	u32 id = vcpu->id;

	vcpu_save(vcpu, &saved);
	vm->memory = old->memory;
	vm->bytes = old->bytes;
	old->memory = NULL;
	vm_close(old);
	vm_set_memory(vm, 0, 0, 0, vm->bytes, vm->memory);
	vcpu = vcpu_create(vm, id);
	vcpu_restore(vcpu, &saved);
	return vcpu;
}

/* ---- the guest ------------------------------------------------------------------------ */

static u64 moves;
static u64 ticks;
static u64 last_tsc;

static void on_timer(struct trap_frame *frame)
{
	u64 now = rdtsc();

	(void)frame;
	GUEST_ASSERT(now > last_tsc);
	last_tsc = now;
	ticks++;
	apic_eoi();
}

/* All kinds of state that a move could lose. */
static void guest_live(u64 x2apic)
{
	u64 xmm[2] = { 0x1122334455667788, 0x99aabbccddeeff00 }, seen[2];
	u32 mxcsr = 0x3f80;
	u64 i;

	guest_handler[VECTOR] = on_timer;
	apic_init(x2apic);
	apic_write(APIC_TDCR, TDCR_DIVIDE_1);
	apic_write(APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
	apic_write(APIC_TMICT, 100000);
	write_register(db0, 0x123456);
	wrmsr(MSR_KERNEL_GS_BASE, 0xffff888000001234);
	wrmsr(MSR_STAR, 0x0023001000000000);
	asm volatile("ldmxcsr %0; movdqu %1, %%xmm7" : : "m"(mxcsr), "m"(xmm));
	irq_enable();
	for (i = 0; READ_ONCE(moves) < MOVES; i++) {
		GUEST_REPORT(i);
		asm volatile("movdqu %%xmm7, %0; stmxcsr %1" : "=m"(seen), "=m"(mxcsr));
		GUEST_ASSERT_EQ(xmm[0], seen[0]);
		GUEST_ASSERT_EQ(xmm[1], seen[1]);
		GUEST_ASSERT_EQ(0x3f80, mxcsr);
		GUEST_ASSERT_EQ(0x123456, read_register(db0));
		GUEST_ASSERT_EQ(0xffff888000001234, rdmsr(MSR_KERNEL_GS_BASE));
		GUEST_ASSERT_EQ(0x0023001000000000, rdmsr(MSR_STAR));
		GUEST_ASSERT_EQ(LVT_PERIODIC | VECTOR, apic_read(APIC_LVT_TIMER));
		GUEST_ASSERT_EQ(100000, apic_read(APIC_TMICT));
		GUEST_ASSERT(read_flags() & FLAGS_IF);
	}
	/* And the timer still runs. */
	i = READ_ONCE(ticks);
	GUEST_HALT_UNTIL(READ_ONCE(ticks) > i + 2);
}

FIXTURE(migrate) {
	struct vcpu *vcpu;
};

FIXTURE_VARIANT(migrate) {
	bool x2apic;
};

FIXTURE_VARIANT_ADD(migrate, xapic) { .x2apic = false };
FIXTURE_VARIANT_ADD(migrate, x2apic) { .x2apic = true };

FIXTURE_SETUP(migrate)
{
	self->vcpu = new_guest(guest_live, variant->x2apic, 0);
}

FIXTURE_TEARDOWN(migrate)
{
	vm_close(self->vcpu->vm);
}

/* At the exits that the guest makes. */
TEST_F(migrate, at_reports)
{
	u64 i;

	for (i = 0; i < MOVES; i++) {
		vcpu_run_to_report(self->vcpu, i);
		guest_var(self->vcpu->vm, moves) = i + 1;
		vcpu_complete(self->vcpu);
		self->vcpu = move(self->vcpu);
	}
	vcpu_run_to_done(self->vcpu);
	EXPECT_LT(0, guest_var(self->vcpu->vm, ticks));
}

static void *run_and_stop(void *arg)
{
	struct vcpu *vcpu = arg;
	int ret;

	do
		ret = lhv_run(vcpu->fd);
	while (!ret);
	REQUIRE(ret == -EINTR);
	return NULL;
}

/* Anywhere. */
TEST_F(migrate, at_any_time)
{
	struct lhv_run *run;
	pthread_t thread;
	u64 i, seen;

	kick_signal_init();
	for (i = 0; i < MOVES; i++) {
		seen = guest_var(self->vcpu->vm, ticks);
		REQUIRE(!pthread_create(&thread, NULL, run_and_stop, self->vcpu));
		if (i % 4)
			WAIT_UNTIL(guest_var(self->vcpu->vm, ticks) != seen);
		run = self->vcpu->run;
		WRITE_ONCE(run->immediate_exit, 1);
		pthread_kill(thread, KICK_SIGNAL);
		REQUIRE(!pthread_join(thread, NULL));
		WRITE_ONCE(run->immediate_exit, 0);
		guest_var(self->vcpu->vm, moves) = i + 1;
		self->vcpu = move(self->vcpu);
	}
	vcpu_run_to_done(self->vcpu);
}

TEST_HARNESS_MAIN
