// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time-stamp counter: the host's plus an offset, the same on all vCPUs
 */
#include "test.h"

#define NR_CPUS		4
#define TURNS		500

FIXTURE(tsc) {
	struct vm *vm;
	u64 created;	/* no later than this, by the host's TSC */
};

FIXTURE_SETUP(tsc)
{
	self->created = rdtsc();
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(tsc)
{
	vm_close(self->vm);
}

static void guest_report_tsc(void)
{
	int i;

	for (i = 0; i < 10; i++)
		GUEST_REPORT(rdtsc());
}

/* The guest's TSC, between two readings of the host's. */
TEST_F(tsc, offset)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_report_tsc, 0, 0);
	struct ucall call;
	struct lhv_tsc tsc;
	u64 before, after;
	int i;

	vcpu_get(vcpu, LHV_STATE_TSC, &tsc, sizeof(tsc));
	for (i = 0; i < 10; i++) {
		if (i == 5) {
			tsc.offset = 0xfedcba9876543210;
			vcpu_set(vcpu, LHV_STATE_TSC, &tsc, sizeof(tsc));
		}
		before = rdtsc();
		vcpu_run_to_ucall(vcpu, &call);
		after = rdtsc();
		EXPECT_LT(before, call.arg[0] - tsc.offset);
		EXPECT_GT(after, call.arg[0] - tsc.offset);
	}
}

/* It was 0 when the VM was created. */
TEST_F(tsc, starts_at_zero)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_report_tsc, 0, 0);
	struct ucall call;

	vcpu_run_to_ucall(vcpu, &call);
	EXPECT_LT(0, call.arg[0]);
	EXPECT_GT(rdtsc() - self->created, call.arg[0]);
}

TEST_F(tsc, same_offset_for_all)
{
	struct vcpu *first = vcpu_create(self->vm, 0);
	struct lhv_tsc one, other;

	usleep(1000);
	vcpu_get(first, LHV_STATE_TSC, &one, sizeof(one));
	vcpu_get(vcpu_create(self->vm, 1), LHV_STATE_TSC, &other, sizeof(other));
	EXPECT_EQ(one.offset, other.offset);
	EXPECT_EQ(one.khz, other.khz);
}

/* By turns: each reads no less than the one before it. */
static u64 turn, last;

static void guest_take_turns(void)
{
	u64 id = guest_cpu()->id, now;
	int i;

	for (i = 0; i < TURNS; i++) {
		GUEST_SPIN_UNTIL(READ_ONCE(turn) % NR_CPUS == id);
		now = rdtsc();
		GUEST_ASSERT(now > READ_ONCE(last));
		WRITE_ONCE(last, now);
		__atomic_store_n(&turn, turn + 1, __ATOMIC_SEQ_CST);
	}
}

TEST_F(tsc, monotonic_across_vcpus)
{
	u32 id;

	for (id = 0; id < NR_CPUS; id++)
		vcpu_thread_start(vcpu_start(self->vm, id, guest_take_turns, 0, 0));
	for (id = 0; id < NR_CPUS; id++)
		vcpu_thread_join(&self->vm->vcpu[id]);
	EXPECT_EQ(NR_CPUS * TURNS, guest_var(self->vm, turn));
}

#define FAR	BIT(40)

static void guest_adjust(void)
{
	u64 before, now;

	GUEST_ASSERT_EQ(0, rdmsr(MSR_TSC_ADJUST));
	/* ADJUST moves the TSC by what it changes. */
	before = rdtsc();
	wrmsr(MSR_TSC_ADJUST, FAR);
	GUEST_ASSERT_EQ(FAR, rdmsr(MSR_TSC_ADJUST));
	now = rdtsc();
	GUEST_ASSERT(now - before >= FAR && now - before < 2 * FAR);
	wrmsr(MSR_TSC_ADJUST, 0);
	now = rdtsc();
	GUEST_ASSERT(now >= before && now - before < FAR);
	/* Writing the TSC moves ADJUST. */
	before = rdtsc();
	wrmsr(MSR_TSC, before + FAR);
	now = rdtsc();
	GUEST_ASSERT(now - before >= FAR && now - before < 2 * FAR);
	now = rdmsr(MSR_TSC_ADJUST);
	GUEST_ASSERT(now <= FAR && now > FAR / 2);
	/* RDMSR and RDTSC are one counter, which needn't move from one to the next. */
	before = rdtsc();
	now = rdmsr(MSR_TSC);
	GUEST_ASSERT(now >= before && rdtsc() >= now);
	GUEST_REPORT(rdmsr(MSR_TSC_ADJUST));
}

TEST_F(tsc, adjust)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_adjust, 0, 0);
	struct lhv_tsc before, after;
	struct ucall call;

	vcpu_get(vcpu, LHV_STATE_TSC, &before, sizeof(before));
	vcpu_run_to_ucall(vcpu, &call);
	vcpu_get(vcpu, LHV_STATE_TSC, &after, sizeof(after));
	EXPECT_EQ(call.arg[0], after.offset - before.offset);
	EXPECT_EQ(call.arg[0], vcpu_get_msr(vcpu, MSR_TSC_ADJUST));
	/* The host restores ADJUST, and the TSC stays where it is. */
	vcpu_set_msr(vcpu, MSR_TSC_ADJUST, 77);
	vcpu_get(vcpu, LHV_STATE_TSC, &before, sizeof(before));
	EXPECT_EQ(before.offset, after.offset);
	EXPECT_EQ(77, vcpu_get_msr(vcpu, MSR_TSC_ADJUST));
}

static void guest_rdtscp(void)
{
	u32 low, high, aux;

	if (!(cpuid(0x80000001, 0).edx & BIT(27)))
		return;
	wrmsr(MSR_TSC_AUX, 0x12345);
	GUEST_REPORT(1);
	asm volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(aux));
	GUEST_ASSERT_EQ(0x12345, aux);
	GUEST_ASSERT(rdtsc() >= ((u64)high << 32 | low));
}

TEST_F(tsc, rdtscp)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_rdtscp, 0, 0);

	vcpu_run_to_done(vcpu);
}

TEST_HARNESS_MAIN
