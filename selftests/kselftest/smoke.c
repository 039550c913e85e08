// SPDX-License-Identifier: GPL-2.0-only
#include "test.h"
#include "apic.h"
static u64 shared;
static void guest_hello(u64 a, u64 b)
{
	WRITE_ONCE(shared, a + b);
	GUEST_REPORT(7);
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("ud2", : : : "memory"));
	apic_init(false);
	guest_handler[0x50] = guest_count_irq;
	irq_enable();
	apic_icr(0, ICR_SELF | 0x50);
	GUEST_SPIN_UNTIL(guest_count(0x50) == 1);
}
TEST(hello)
{
	struct vcpu *vcpu = new_guest(guest_hello, 3, 4);

	vcpu_run_to_report(vcpu, 7);
	EXPECT_EQ(7, guest_var(vcpu->vm, shared));
	vcpu_run_to_done(vcpu);
	vm_close(vcpu->vm);
}
TEST_HARNESS_MAIN
