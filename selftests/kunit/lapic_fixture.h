/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM that has nothing but vCPUs, which have nothing but a local APIC
 *
 * test->priv is the VM; both are made and destroyed by a suite's init and exit.
 */
#ifndef LHV_LAPIC_FIXTURE_H
#define LHV_LAPIC_FIXTURE_H

#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/slab.h>
#include <asm/msr.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/lapic.h"
#include "hv/arch.h"

#define FIXTURE_PHYS_BITS	40

static inline int lapic_fixture_init(struct kunit *test)
{
	struct lhv_vm *vm = kunit_kzalloc(test, sizeof(*vm), GFP_KERNEL);

	if (!vm)
		return -ENOMEM;
	xa_init(&vm->vcpus);
	test->priv = vm;
	return 0;
}

static inline void lapic_fixture_exit(struct kunit *test)
{
	struct lhv_vm *vm = test->priv;
	struct lhv_vcpu *vcpu;
	unsigned long id;

	if (!vm)
		return;
	xa_for_each(&vm->vcpus, id, vcpu) {
		lhv_lapic_destroy(vcpu);
		kfree(vcpu->arch.cpuid);
	}
	xa_destroy(&vm->vcpus);
}

static inline struct lhv_vcpu *lapic_vcpu(struct kunit *test, u32 id)
{
	static const struct lhv_cpuid_entry leaves[] = {
		{ .function = 0, .eax = 1 },
		{ .function = 1, .ecx = BIT(X86_FEATURE_X2APIC % 32) },
		{ .function = 0x80000000, .eax = 0x80000008 },
		{ .function = 0x80000008, .eax = FIXTURE_PHYS_BITS },
	};
	struct lhv_vm *vm = test->priv;
	struct lhv_vcpu *vcpu = kunit_kzalloc(test, sizeof(*vcpu), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcpu);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->cpu = -1;
	rcuwait_init(&vcpu->wait);
	vcpu->run = kunit_kzalloc(test, sizeof(*vcpu->run), GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, vcpu->run);
	KUNIT_ASSERT_EQ(test, lhv_lapic_create(vcpu), 0);
	/* What creation asked of the run loop counts as done. */
	vcpu->requests = 0;
	vcpu->arch.cpuid = lhv_cpuid_new(leaves, ARRAY_SIZE(leaves));
	if (IS_ERR(vcpu->arch.cpuid) ||
	    xa_err(xa_store(&vm->vcpus, id, vcpu, GFP_KERNEL))) {
		lhv_lapic_destroy(vcpu);
		KUNIT_ASSERT_TRUE_MSG(test, false, "cannot make a vCPU");
	}
	return vcpu;
}

/* Into x2APIC mode, as software would. */
static inline void lapic_to_x2apic(struct kunit *test, struct lhv_vcpu *vcpu)
{
	KUNIT_ASSERT_EQ(test, 0, lhv_lapic_set_base(vcpu, lhv_lapic_base(vcpu) | X2APIC_ENABLE,
						    false));
}

/* SVR: enabled, spurious vector 0xff. */
static inline void lapic_software_enable(struct lhv_vcpu *vcpu)
{
	if (lhv_lapic_x2apic(vcpu->arch.lapic))
		lhv_lapic_msr_write(vcpu, APIC_BASE_MSR + (APIC_SPIV >> 4), 0x1ff);
	else
		lhv_lapic_write(vcpu, APIC_SPIV, 0x1ff);
}

static inline u32 lapic_get(struct lhv_vcpu *vcpu, u32 offset)
{
	u32 value;

	lhv_lapic_read(vcpu, offset, &value);
	return value;
}

/* As the run loop does it: the vector goes from IRR to ISR. -1: there is none. */
static inline int lapic_take(struct lhv_vcpu *vcpu)
{
	int vector = lhv_lapic_pending_vector(vcpu);

	if (vector >= 0)
		lhv_lapic_ack(vcpu, vector);
	return vector;
}

static inline int lapic_msr_set(struct lhv_vcpu *vcpu, u32 offset, u64 value)
{
	return lhv_lapic_msr_write(vcpu, APIC_BASE_MSR + (offset >> 4), value);
}

/* ---- with a timer ---- */

#define TIMER_VECTOR	0xec

/* Long enough not to end during a test. */
#define LONG_COUNT	0xf0000000

static inline struct lhv_vcpu *lapic_timer_vcpu(struct kunit *test, u32 lvtt, u32 tdcr)
{
	struct lhv_vcpu *vcpu = lapic_vcpu(test, 0);

	/* As in a guest that was created a while ago. */
	vcpu->arch.tsc_offset = -(rdtsc() - 1000000);
	lapic_software_enable(vcpu);
	lhv_lapic_write(vcpu, APIC_LVTT, TIMER_VECTOR | lvtt);
	lhv_lapic_write(vcpu, APIC_TDCR, tdcr);
	return vcpu;
}

static inline u64 lapic_guest_tsc(struct lhv_vcpu *vcpu)
{
	return rdtsc() + vcpu->arch.tsc_offset;
}

/* Waits for the hrtimer, then does what the run loop does. */
static inline bool lapic_timer_fires(struct lhv_vcpu *vcpu)
{
	int i;

	for (i = 0; i < 200; i++) {
		if (lhv_vcpu_take_request(vcpu, LHV_REQ_TIMER)) {
			lhv_lapic_timer_deliver(vcpu);
			return true;
		}
		usleep_range(1000, 2000);
	}
	return false;
}

#endif /* LHV_LAPIC_FIXTURE_H */
