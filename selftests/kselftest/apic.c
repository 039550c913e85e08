// SPDX-License-Identifier: GPL-2.0-only
/*
 * One vCPU's local APIC: registers, modes, priorities. Each test runs in xAPIC
 * and in x2APIC mode where that makes sense.
 */
#include "apic.h"
#include "test.h"

FIXTURE(apic) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_VARIANT(apic) {
	bool x2apic;
};

FIXTURE_VARIANT_ADD(apic, xapic) { .x2apic = false };
FIXTURE_VARIANT_ADD(apic, x2apic) { .x2apic = true };

FIXTURE_SETUP(apic)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 2);
}

FIXTURE_TEARDOWN(apic)
{
	vm_close(self->vm);
}

/* A test that is all in the guest, which is told the mode. */
#define GUEST_TEST(name)						\
	TEST_F(apic, name)						\
	{								\
		vcpu_set_long(self->vcpu, guest_##name, variant->x2apic, 0); \
		vcpu_run_to_done(self->vcpu);				\
	}

static void guest_registers(u64 x2apic)
{
	/* After reset, SDM 3A 11.4.7.1 */
	GUEST_ASSERT_EQ(0xfee00800, rdmsr(MSR_APIC_BASE));
	GUEST_ASSERT_EQ(0xff, apic_read(APIC_SVR));
	GUEST_ASSERT_EQ(0xffffffff, apic_read(APIC_DFR));
	GUEST_ASSERT_EQ(2 << 24, apic_read(APIC_ID));
	apic_init(x2apic);
	GUEST_ASSERT_EQ(x2apic ? 2 : 2 << 24, apic_read(APIC_ID));
	/* An integrated APIC with 6 LVT entries */
	GUEST_ASSERT_EQ(0x14, apic_read(APIC_VERSION) & 0xff);
	GUEST_ASSERT_EQ(5, apic_read(APIC_VERSION) >> 16 & 0xff);
	GUEST_ASSERT_EQ(SVR_ENABLE | 0xff, apic_read(APIC_SVR));
	apic_write(APIC_TPR, 0x35);
	GUEST_ASSERT_EQ(0x35, apic_read(APIC_TPR));
	GUEST_ASSERT_EQ(0x35, apic_read(APIC_PPR));
	GUEST_ASSERT_EQ(3, read_register(cr8));
	apic_write(APIC_TPR, 0);
	if (x2apic) {
		/* Logical id: cluster 0, bit 2 (SDM 3A 11.12.10.2) */
		GUEST_ASSERT_EQ(4, apic_read(APIC_LDR));
	} else {
		apic_write(APIC_LDR, 0x5a000000);
		GUEST_ASSERT_EQ(0x5a000000, apic_read(APIC_LDR));
		apic_write(APIC_DFR, 0x0fffffff);
		GUEST_ASSERT_EQ(0x0fffffff, apic_read(APIC_DFR));
		/* The id is the vCPU's. */
		apic_write(APIC_ID, 5 << 24);
		GUEST_ASSERT_EQ(2 << 24, apic_read(APIC_ID));
	}
}

GUEST_TEST(registers)

static void guest_lvt(u64 x2apic)
{
	static const struct {
		u32 reg;
		u32 value;
	} entries[] = {
		{ APIC_LVT_TIMER, 0x20040 },
		{ APIC_LVT_THERMAL, 0x441 },
		{ APIC_LVT_PMC, 0x442 },
		{ APIC_LVT_LINT0, 0x8743 },
		{ APIC_LVT_LINT1, 0x2444 },
		{ APIC_LVT_ERROR, 0x45 },
	};
	unsigned int i;

	apic_init(x2apic);
	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		GUEST_ASSERT_EQ(LVT_MASKED, apic_read(entries[i].reg));
		apic_write(entries[i].reg, entries[i].value);
		GUEST_ASSERT_EQ(entries[i].value, apic_read(entries[i].reg));
	}
	/* Software disable masks all, and keeps them so (SDM 3A 11.4.7.2). */
	apic_write(APIC_SVR, 0xff);
	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		GUEST_ASSERT_EQ(entries[i].value | LVT_MASKED, apic_read(entries[i].reg));
		apic_write(entries[i].reg, entries[i].value);
		GUEST_ASSERT_EQ(entries[i].value | LVT_MASKED, apic_read(entries[i].reg));
	}
}

GUEST_TEST(lvt)

static void guest_self_ipi(u64 x2apic)
{
	int i;

	apic_init(x2apic);
	guest_handler[0x50] = guest_count_irq;
	apic_icr(0, ICR_SELF | 0x50);
	/* IF is clear: it waits in IRR. */
	GUEST_ASSERT(apic_bit(APIC_IRR, 0x50));
	GUEST_ASSERT(!apic_bit(APIC_ISR, 0x50));
	GUEST_ASSERT_EQ(0, guest_count(0x50));
	/* Once it may, it comes before the next instruction but one (STI). */
	asm volatile("sti; nop; cli" ::: "memory");
	GUEST_ASSERT_EQ(1, guest_count(0x50));
	GUEST_ASSERT(!apic_bit(APIC_IRR, 0x50));
	GUEST_ASSERT(!apic_bit(APIC_ISR, 0x50));
	GUEST_ASSERT(!apic_bit(APIC_TMR, 0x50));
	irq_enable();
	for (i = 2; i < 100; i++) {
		apic_icr(0, ICR_SELF | 0x50);
		GUEST_ASSERT_EQ(i, guest_count(0x50));
	}
	/* By its own id */
	apic_icr(2, 0x50);
	GUEST_SPIN_UNTIL(guest_count(0x50) == 100);
	if (x2apic) {
		wrmsr(0x83f, 0x50);
		GUEST_ASSERT_EQ(101, guest_count(0x50));
	}
}

GUEST_TEST(self_ipi)

/* Two of a kind that wait are one. */
static void guest_irr_is_one_bit(u64 x2apic)
{
	apic_init(x2apic);
	guest_handler[0x50] = guest_count_irq;
	apic_icr(0, ICR_SELF | 0x50);
	apic_icr(0, ICR_SELF | 0x50);
	asm volatile("sti; nop; nop; nop; cli" ::: "memory");
	GUEST_ASSERT_EQ(1, guest_count(0x50));
}

GUEST_TEST(irr_is_one_bit)

static u8 order[256];
static u32 ordered;

static void note_order(struct trap_frame *frame)
{
	order[ordered++] = frame->vector;
	apic_eoi();
}

static void guest_highest_first(u64 x2apic)
{
	u32 vector;

	apic_init(x2apic);
	for (vector = 0x20; vector < 0xf0; vector += 3) {
		guest_handler[vector] = note_order;
		apic_icr(0, ICR_SELF | vector);
	}
	irq_enable();
	GUEST_SPIN_UNTIL(READ_ONCE(ordered) == 70);
	for (vector = 1; vector < ordered; vector++)
		GUEST_ASSERT_EQ(order[vector - 1] - 3, order[vector]);
	GUEST_ASSERT_EQ(0x20, order[ordered - 1]);
}

GUEST_TEST(highest_first)

static void guest_tpr(u64 x2apic)
{
	apic_init(x2apic);
	guest_handler[0x50] = guest_count_irq;
	guest_handler[0x61] = guest_count_irq;
	guest_handler[0x70] = guest_count_irq;
	irq_enable();
	apic_write(APIC_TPR, 0x60);
	apic_icr(0, ICR_SELF | 0x50);
	apic_icr(0, ICR_SELF | 0x61);
	apic_icr(0, ICR_SELF | 0x70);
	GUEST_ASSERT_EQ(1, guest_count(0x70));
	/* Its class must be above TPR's. */
	GUEST_ASSERT_EQ(0, guest_count(0x61));
	GUEST_ASSERT_EQ(0, guest_count(0x50));
	apic_write(APIC_TPR, 0x5f);
	GUEST_ASSERT_EQ(1, guest_count(0x61));
	GUEST_ASSERT_EQ(0, guest_count(0x50));
	apic_write(APIC_TPR, 0x40);
	GUEST_ASSERT_EQ(1, guest_count(0x50));
}

GUEST_TEST(tpr)

static void guest_cr8(u64 x2apic)
{
	u64 i;

	apic_init(x2apic);
	guest_handler[0x50] = guest_count_irq;
	irq_enable();
	for (i = 0; i < 10; i++) {
		write_register(cr8, 5ULL);
		apic_icr(0, ICR_SELF | 0x50);
		GUEST_ASSERT_EQ(i, guest_count(0x50));
		GUEST_ASSERT(apic_bit(APIC_IRR, 0x50));
		write_register(cr8, 6ULL);
		GUEST_ASSERT_EQ(i, guest_count(0x50));
		write_register(cr8, 4ULL);
		asm volatile("nop" ::: "memory");
		GUEST_ASSERT_EQ(i + 1, guest_count(0x50));
	}
	/* TPR lowered while interrupts are off */
	irq_disable();
	write_register(cr8, 15ULL);
	apic_icr(0, ICR_SELF | 0x50);
	write_register(cr8, 0ULL);
	GUEST_ASSERT_EQ(10, guest_count(0x50));
	asm volatile("sti; nop; cli" ::: "memory");
	GUEST_ASSERT_EQ(11, guest_count(0x50));
}

GUEST_TEST(cr8)

/* In a handler: only a higher class comes in between. */
static void nested_high(struct trap_frame *frame)
{
	(void)frame;
	GUEST_ASSERT(apic_bit(APIC_ISR, 0x50));
	GUEST_ASSERT(apic_bit(APIC_ISR, 0x60));
	GUEST_ASSERT_EQ(0x60, apic_read(APIC_PPR));
	apic_eoi();
	GUEST_ASSERT(!apic_bit(APIC_ISR, 0x60));
	GUEST_ASSERT(apic_bit(APIC_ISR, 0x50));
	GUEST_ASSERT_EQ(0x50, apic_read(APIC_PPR));
}

static void nested_low(struct trap_frame *frame)
{
	(void)frame;
	GUEST_ASSERT_EQ(0x50, apic_read(APIC_PPR));
	apic_icr(0, ICR_SELF | 0x60);
	apic_icr(0, ICR_SELF | 0x5f);
	apic_icr(0, ICR_SELF | 0x40);
	irq_enable();
	asm volatile("nop" ::: "memory");
	GUEST_ASSERT_EQ(1, guest_count(0x60));
	GUEST_ASSERT_EQ(0, guest_count(0x5f));
	GUEST_ASSERT_EQ(0, guest_count(0x40));
	irq_disable();
	apic_eoi();
	GUEST_ASSERT_EQ(0, apic_read(APIC_PPR));
}

static void guest_nesting(u64 x2apic)
{
	apic_init(x2apic);
	guest_handler[0x40] = guest_count_irq;
	guest_handler[0x50] = nested_low;
	guest_handler[0x5f] = guest_count_irq;
	guest_handler[0x60] = nested_high;
	irq_enable();
	apic_icr(0, ICR_SELF | 0x50);
	GUEST_SPIN_UNTIL(guest_count(0x40));
	GUEST_ASSERT_EQ(1, guest_count(0x50));
	GUEST_ASSERT_EQ(1, guest_count(0x5f));
}

GUEST_TEST(nesting)

/* No interrupt in the shadow of MOV SS, nor right after STI. */
static void guest_shadows(u64 x2apic)
{
	u64 before, after;

	apic_init(x2apic);
	guest_handler[0x50] = guest_count_irq;
	apic_icr(0, ICR_SELF | 0x50);
	asm volatile("mov %%gs:0, %%rax\n\t"
		     "sti\n\t"
		     "mov %c[count](%%rax), %k[before]\n\t"
		     "nop\n\t"
		     "mov %c[count](%%rax), %k[after]\n\t"
		     "cli"
		     : [before] "=&r"(before), [after] "=&r"(after)
		     : [count] "i"(offsetof(struct guest_cpu, count[0x50]))
		     : "rax", "memory");
	GUEST_ASSERT_EQ(0, before);
	GUEST_ASSERT_EQ(1, after);
	/* The shadow ends with an instruction that exits, too. */
	apic_icr(0, ICR_SELF | 0x50);
	asm volatile("sti; cpuid; nop; cli" : "=a"(before), "=c"(after) : "a"(0), "c"(0)
		     : "rbx", "rdx", "memory");
	GUEST_ASSERT_EQ(2, guest_count(0x50));
}

GUEST_TEST(shadows)

static void guest_errors(u64 x2apic)
{
	apic_init(x2apic);
	guest_handler[0x55] = guest_count_irq;
	apic_write(APIC_ESR, 0);
	GUEST_ASSERT_EQ(0, apic_read(APIC_ESR));
	apic_write(APIC_LVT_ERROR, 0x55);
	irq_enable();
	/* Vectors 0 to 15 are illegal. */
	apic_icr(0, ICR_SELF | 0x0f);
	GUEST_SPIN_UNTIL(guest_count(0x55) == 1);
	/* Errors show with the next write. */
	GUEST_ASSERT_EQ(0, apic_read(APIC_ESR));
	apic_write(APIC_ESR, 0);
	GUEST_ASSERT_EQ(ESR_SEND_ILLEGAL, apic_read(APIC_ESR));
	apic_write(APIC_ESR, 0);
	GUEST_ASSERT_EQ(0, apic_read(APIC_ESR));
	if (x2apic)
		return;
	/* A register that isn't there */
	(void)apic_read(0x40);
	GUEST_SPIN_UNTIL(guest_count(0x55) == 2);
	apic_write(APIC_ESR, 0);
	GUEST_ASSERT_EQ(ESR_REGISTER, apic_read(APIC_ESR));
}

GUEST_TEST(errors)

/* EOI with nothing in service is nothing. */
static void guest_eoi_of_nothing(u64 x2apic)
{
	apic_init(x2apic);
	apic_eoi();
	guest_handler[0x50] = guest_count_irq;
	irq_enable();
	apic_icr(0, ICR_SELF | 0x50);
	GUEST_ASSERT_EQ(1, guest_count(0x50));
	apic_eoi();
}

GUEST_TEST(eoi_of_nothing)

/* ---- modes ------------------------------------------------------------------- */

#define BASE	0xfee00000ULL

static void guest_mode_changes(void)
{
	const u64 xapic = BASE | APIC_BASE_ENABLE, x2apic = xapic | APIC_BASE_X2APIC;

	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_rdmsr(0x802));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(0x80b, 0));
	/* From off there is no way to x2APIC, and X2APIC without EN is none. */
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_APIC_BASE, BASE | APIC_BASE_X2APIC));
	GUEST_ASSERT_EQ(NO_FAULT, guest_try_wrmsr(MSR_APIC_BASE, BASE));
	GUEST_ASSERT_EQ(0, cpuid(1, 0).edx & BIT(9));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_APIC_BASE, x2apic));
	GUEST_ASSERT_EQ(NO_FAULT, guest_try_wrmsr(MSR_APIC_BASE, xapic));
	GUEST_ASSERT(cpuid(1, 0).edx & BIT(9));
	GUEST_ASSERT_EQ(0xff, apic_read(APIC_SVR));
	GUEST_ASSERT_EQ(NO_FAULT, guest_try_wrmsr(MSR_APIC_BASE, x2apic));
	GUEST_ASSERT_EQ(x2apic, rdmsr(MSR_APIC_BASE));
	/* Back only by way of off */
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_APIC_BASE, xapic));
	GUEST_ASSERT_EQ(NO_FAULT, guest_try_wrmsr(MSR_APIC_BASE, BASE));
	GUEST_ASSERT_EQ(NO_FAULT, guest_try_wrmsr(MSR_APIC_BASE, xapic));
	/* Reserved bits */
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_APIC_BASE, xapic | BIT(0)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_APIC_BASE, xapic | BIT(9)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_APIC_BASE, xapic | BIT(60)));
	GUEST_ASSERT_EQ(xapic, rdmsr(MSR_APIC_BASE));
}

static void guest_x2apic_msrs(void)
{
	static const u32 unreadable[] = { 0x80b, 0x831, 0x83f, 0x80e, 0x809, 0x80c, 0x801, 0x8ff };
	static const u32 unwritable[] = { 0x802, 0x803, 0x80a, 0x80d, 0x810, 0x820, 0x831, 0x839,
					  0x80e, 0x8ff };
	unsigned int i;

	apic_init(true);
	for (i = 0; i < ARRAY_SIZE(unreadable); i++)
		GUEST_ASSERT_EQ(VECTOR_GP, guest_try_rdmsr(unreadable[i]));
	for (i = 0; i < ARRAY_SIZE(unwritable); i++)
		GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(unwritable[i], 0));
	/* EOI and ESR take 0 alone; others have reserved bits. */
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(0x80b, 1));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(0x828, 1));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(0x808, 0x100));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(0x80f, BIT(16)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(0x808, BIT(32)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(0x830, BIT(20)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(0x83f, 0x100));
	/* ICR is one register. */
	wrmsr(0x830, 0x700000000ULL | 0x50);
	GUEST_ASSERT_EQ(0x700000000ULL | 0x50, rdmsr(0x830));
	/* Nobody is at the page now: the host is asked. */
	*(volatile u32 *)APIC_PAGE = 1;
}

TEST(mode_changes)
{
	struct vm *vm = vm_create();
	struct vcpu *vcpu = vcpu_start(vm, 1, guest_mode_changes, 0, 0);

	vcpu_run_to_done(vcpu);
	vm_close(vm);
}

TEST(x2apic_msrs)
{
	struct vcpu *vcpu = new_guest(guest_x2apic_msrs, 0, 0);

	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(APIC_PAGE, vcpu->run->mmio.gpa);
	vcpu_run_to_done(vcpu);
	vm_close(vcpu->vm);
}

/* The page goes where IA32_APIC_BASE says, and leaves where it was. */
static void guest_moved_page(void)
{
	const u64 elsewhere = 0xd0000000;

	wrmsr(MSR_APIC_BASE, elsewhere | APIC_BASE_ENABLE | APIC_BASE_BSP);
	GUEST_ASSERT_EQ(0x14, *(volatile u32 *)(elsewhere + APIC_VERSION) & 0xff);
	*(volatile u32 *)(elsewhere + APIC_TPR) = 0x70;
	GUEST_ASSERT_EQ(7, read_register(cr8));
	*(volatile u32 *)APIC_PAGE = 1;
}

TEST(moved_page)
{
	struct vcpu *vcpu = new_guest(guest_moved_page, 0, 0);

	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(APIC_PAGE, vcpu->run->mmio.gpa);
	vcpu_run_to_done(vcpu);
	vm_close(vcpu->vm);
}

TEST_HARNESS_MAIN
