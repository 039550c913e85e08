// SPDX-License-Identifier: GPL-2.0-only
/*
 * LHV_VM_SEND_MSI: who takes a message, and the exit at the end of a
 * level-triggered one
 */
#include "apic.h"
#include "test.h"

#define NR_CPUS		3
#define DATA_LEVEL	BIT(15)
#define DATA_ASSERT	BIT(14)

static u32 ready;
static u32 stop;

static void set_handlers(void)
{
	u32 vector;

	for (vector = 0x20; vector < 0xff; vector++)
		guest_handler[vector] = guest_count_irq;
}

static void count_only(struct trap_frame *frame)
{
	(void)frame;
}

static void guest_receive(u64 x2apic)
{
	set_handlers();
	guest_handler[VECTOR_NMI] = count_only;
	apic_init(x2apic);
	if (!x2apic)
		apic_write(APIC_LDR, BIT(guest_cpu()->id) << 24);
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	GUEST_HALT_UNTIL(READ_ONCE(stop));
}

FIXTURE(msi) {
	struct vm *vm;
};

FIXTURE_VARIANT(msi) {
	bool x2apic;
};

FIXTURE_VARIANT_ADD(msi, xapic) { .x2apic = false };
FIXTURE_VARIANT_ADD(msi, x2apic) { .x2apic = true };

FIXTURE_SETUP(msi)
{
	self->vm = vm_create();
}

FIXTURE_TEARDOWN(msi)
{
	vm_close(self->vm);
}

static u32 count_of_all(struct vm *vm, u8 vector)
{
	u32 id, n = 0;

	for (id = 0; id < NR_CPUS; id++)
		n += vm_irq_count(vm, id, vector);
	return n;
}

static void start_receivers(struct vm *vm, bool x2apic)
{
	u32 id;

	for (id = 0; id < NR_CPUS; id++)
		vcpu_thread_start(vcpu_start(vm, id, guest_receive, x2apic, 0));
	WAIT_UNTIL(guest_var(vm, ready) == NR_CPUS);
}

static void stop_receivers(struct vm *vm)
{
	u32 id;

	guest_var(vm, stop) = 1;
	for (id = 0; id < NR_CPUS; id++)
		REQUIRE(lhv_send_msi(vm->fd, MSI_ADDRESS(id), 0x2f) == 1);
	for (id = 0; id < NR_CPUS; id++)
		vcpu_thread_join(&vm->vcpu[id]);
}

static const struct {
	u64 address;
	u32 data;
	int taken;
	u32 mask;	/* among whom */
} messages[] = {
	{ MSI_ADDRESS(0), 0x40, 1, 0x1 },
	{ MSI_ADDRESS(2), 0x41, 1, 0x4 },
	{ MSI_ADDRESS(5), 0x42, 0, 0 },
	{ MSI_ADDRESS(0x05) | MSI_LOGICAL, 0x43, 2, 0x5 },
	{ MSI_ADDRESS(0x02) | MSI_LOGICAL, 0x44 | ICR_LOWEST, 1, 0x2 },
	{ MSI_ADDRESS(0x07) | MSI_LOGICAL, 0x45 | ICR_LOWEST, 1, 0x7 },
	/* The redirection hint: one of them gets it. */
	{ MSI_ADDRESS(0x06) | MSI_LOGICAL | MSI_REDIRECT, 0x46, 1, 0x6 },
	{ MSI_ADDRESS(0x01) | MSI_REDIRECT, 0x47, 1, 0x2 },
	{ MSI_ADDRESS(0x10) | MSI_LOGICAL, 0x48, 0, 0 },
};

TEST_F(msi, destinations)
{
	unsigned int i;
	u32 id;

	start_receivers(self->vm, variant->x2apic);
	for (i = 0; i < ARRAY_SIZE(messages); i++) {
		u8 vector = messages[i].data;

		EXPECT_EQ(messages[i].taken, lhv_send_msi(self->vm->fd, messages[i].address,
							  messages[i].data))
			TH_LOG("message %u", i);
		WAIT_UNTIL((int)count_of_all(self->vm, vector) == messages[i].taken);
	}
	/* Everyone: ff in xAPIC mode; in x2APIC mode all 32 bits must be set. */
	EXPECT_EQ(variant->x2apic ? 0 : NR_CPUS,
		  lhv_send_msi(self->vm->fd, MSI_ADDRESS(0xff), 0x50));
	EXPECT_EQ(NR_CPUS, lhv_send_msi(self->vm->fd, MSI_ADDRESS(0xffffffff), 0x51));
	WAIT_UNTIL(count_of_all(self->vm, 0x51) == NR_CPUS);
	stop_receivers(self->vm);

	for (i = 0; i < ARRAY_SIZE(messages); i++) {
		u8 vector = messages[i].data;

		EXPECT_EQ(messages[i].taken, (int)count_of_all(self->vm, vector));
		for (id = 0; id < NR_CPUS; id++) {
			if (messages[i].mask & BIT(id))
				continue;
			EXPECT_EQ(0, vm_irq_count(self->vm, id, vector)) TH_LOG("message %u", i);
		}
	}
	EXPECT_EQ(variant->x2apic ? 0 : NR_CPUS, count_of_all(self->vm, 0x50));
}

TEST_F(msi, nmi)
{
	start_receivers(self->vm, variant->x2apic);
	EXPECT_EQ(1, lhv_send_msi(self->vm->fd, MSI_ADDRESS(1), ICR_NMI));
	WAIT_UNTIL(vm_irq_count(self->vm, 1, VECTOR_NMI) == 1);
	stop_receivers(self->vm);
	EXPECT_EQ(1, count_of_all(self->vm, VECTOR_NMI));
	EXPECT_EQ(1, vcpu_stat(&self->vm->vcpu[1], LHV_VCPU_STAT_NMIS));
}

/* Many, fast, from several threads: none is lost, as each waits for its own. */
#define BURST	200

static void *send_many(void *arg)
{
	struct vcpu *vcpu = arg;
	u8 vector = 0x60 + vcpu->id;
	u32 i;

	for (i = 1; i <= BURST; i++) {
		REQUIRE(lhv_send_msi(vcpu->vm->fd, MSI_ADDRESS(vcpu->id), vector) == 1);
		WAIT_UNTIL(vm_irq_count(vcpu->vm, vcpu->id, vector) == i);
	}
	return NULL;
}

TEST_F(msi, burst)
{
	pthread_t thread[NR_CPUS];
	u64 sent;
	u32 id;

	start_receivers(self->vm, variant->x2apic);
	sent = vm_stat(self->vm, LHV_VM_STAT_MSIS);
	for (id = 0; id < NR_CPUS; id++)
		REQUIRE(!pthread_create(&thread[id], NULL, send_many, &self->vm->vcpu[id]));
	for (id = 0; id < NR_CPUS; id++)
		REQUIRE(!pthread_join(thread[id], NULL));
	EXPECT_EQ(sent + NR_CPUS * BURST, vm_stat(self->vm, LHV_VM_STAT_MSIS));
	for (id = 0; id < NR_CPUS; id++)
		EXPECT_LE(BURST, vcpu_stat(&self->vm->vcpu[id], LHV_VCPU_STAT_IRQS_INJECTED));
	stop_receivers(self->vm);
}

/* To a vCPU that doesn't run: taken, and there when it does. */
static void guest_take_one(u64 x2apic)
{
	set_handlers();
	apic_init(x2apic);
	GUEST_REPORT(1);
	GUEST_ASSERT(apic_bit(APIC_IRR, 0x66));
	irq_enable();
	asm volatile("nop" ::: "memory");
	GUEST_ASSERT_EQ(1, guest_count(0x66));
}

TEST_F(msi, to_a_vcpu_that_does_not_run)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_take_one, variant->x2apic, 0);

	/* The APIC isn't enabled by software yet. */
	EXPECT_EQ(0, lhv_send_msi(self->vm->fd, MSI_ADDRESS(0), 0x66));
	vcpu_run_to_report(vcpu, 1);
	/* Illegal vectors are nobody's. */
	EXPECT_EQ(0, lhv_send_msi(self->vm->fd, MSI_ADDRESS(0), 0x0f));
	EXPECT_EQ(1, lhv_send_msi(self->vm->fd, MSI_ADDRESS(0), 0x66));
	EXPECT_EQ(1, lhv_send_msi(self->vm->fd, MSI_ADDRESS(0), 0x66));
	vcpu_run_to_done(vcpu);
}

/* ---- level-triggered --------------------------------------------------------- */

static void level_handler(struct trap_frame *frame)
{
	GUEST_ASSERT(apic_bit(APIC_TMR, frame->vector));
	GUEST_REPORT(frame->vector);
	apic_eoi();
	GUEST_REPORT(frame->vector + 1);
}

static void guest_level(u64 x2apic)
{
	apic_init(x2apic);
	guest_handler[0x70] = level_handler;
	guest_handler[0x90] = guest_count_irq;
	GUEST_REPORT(0);
	irq_enable();
	GUEST_SPIN_UNTIL(guest_count(0x70) == 2);
	irq_disable();
	GUEST_REPORT(1);
	irq_enable();
	asm volatile("nop" ::: "memory");
	GUEST_ASSERT_EQ(1, guest_count(0x90));
	GUEST_ASSERT(!apic_bit(APIC_TMR, 0x90));
}

TEST_F(msi, eoi_exit)
{
	struct vcpu *vcpu = vcpu_start(self->vm, 0, guest_level, variant->x2apic, 0);
	struct lhv_regs regs;
	int i;

	vcpu_run_to_report(vcpu, 0);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(1, lhv_send_msi(self->vm->fd, MSI_ADDRESS(0),
					  DATA_LEVEL | DATA_ASSERT | 0x70));
		vcpu_run_to_report(vcpu, 0x70);
		vcpu_run_to(vcpu, LHV_EXIT_EOI);
		EXPECT_EQ(0x70, vcpu->run->eoi.vector);
		vcpu_get_regs(vcpu, &regs);
		EXPECT_EQ(regs.rip, vcpu->run->rip);
		vcpu_run_to_report(vcpu, 0x71);
	}
	vcpu_run_to_report(vcpu, 1);
	/* Edge: no exit */
	EXPECT_EQ(1, lhv_send_msi(self->vm->fd, MSI_ADDRESS(0), 0x90));
	vcpu_run_to_done(vcpu);
}

/* ---- wide destinations ------------------------------------------------------- */

static void enable_x2apic(int vcpu)
{
	struct lhv_lapic_state lapic;
	struct lhv_sregs sregs;

	REQUIRE_OK(lhv_get_state(vcpu, LHV_STATE_SREGS, &sregs, sizeof(sregs)));
	sregs.apic_base |= APIC_BASE_X2APIC;
	REQUIRE_OK(lhv_set_state(vcpu, LHV_STATE_SREGS, &sregs, sizeof(sregs)));
	REQUIRE_OK(lhv_get_state(vcpu, LHV_STATE_LAPIC, &lapic, sizeof(lapic)));
	lapic.regs[APIC_SVR / 4] |= SVR_ENABLE;
	REQUIRE_OK(lhv_set_state(vcpu, LHV_STATE_LAPIC, &lapic, sizeof(lapic)));
}

TEST(ids_above_255)
{
	struct vm *vm = vm_create_empty();
	struct lhv_lapic_state lapic;
	int vcpu[2];

	vcpu[0] = REQUIRE_OK(lhv_create_vcpu(vm->fd, 300));
	vcpu[1] = REQUIRE_OK(lhv_create_vcpu(vm->fd, 300 & 0xff));
	enable_x2apic(vcpu[0]);
	EXPECT_EQ(1, lhv_send_msi(vm->fd, MSI_ADDRESS(300), 0x50));
	EXPECT_EQ(0, lhv_send_msi(vm->fd, MSI_ADDRESS(301), 0x50));
	ASSERT_EQ(0, lhv_get_state(vcpu[0], LHV_STATE_LAPIC, &lapic, sizeof(lapic)));
	EXPECT_EQ(300, lapic.regs[APIC_ID / 4]);
	EXPECT_EQ(BIT(0x50 % 32), lapic.regs[APIC_IRR / 4 + 0x50 / 32 * 4]);
	/* Its lower bits are another's id. */
	EXPECT_EQ(0, lhv_send_msi(vm->fd, MSI_ADDRESS(300 & 0xff), 0x51));
	enable_x2apic(vcpu[1]);
	EXPECT_EQ(1, lhv_send_msi(vm->fd, MSI_ADDRESS(300 & 0xff), 0x51));
	/* Cluster 18, member 12 */
	EXPECT_EQ(1, lhv_send_msi(vm->fd, MSI_ADDRESS(18 << 16 | BIT(12)) | MSI_LOGICAL, 0x52));
	vm_close(vm);
	close(vcpu[0]);
	close(vcpu[1]);
}

TEST_HARNESS_MAIN
