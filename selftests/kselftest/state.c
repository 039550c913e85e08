// SPDX-License-Identifier: GPL-2.0-only
/*
 * State records: what is written reads back, and the guest sees it
 */
#include <string.h>
#include <sys/mman.h>

#include "apic.h"
#include "test.h"

#define XSAVE_MAX	KIB(16)

static union {
	u8 bytes[KIB(16)];
	struct lhv_regs regs;
	struct lhv_sregs sregs;
	struct lhv_lapic_state lapic;
} first, second;

FIXTURE(state) {
	struct vm *vm;
	struct vcpu *vcpu;
	struct lhv_info info;
};

FIXTURE_SETUP(state)
{
	int dev = dev_open();

	REQUIRE_OK(lhv_info(dev, &self->info));
	close(dev);
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(state)
{
	vm_close(self->vm);
}

static int state_call(int fd, unsigned long command, u16 type, u16 version, u32 *length,
		      void *data)
{
	struct lhv_state arg = {
		.size = sizeof(arg),
		.type = type,
		.version = version,
		.length = *length,
		.data = (uintptr_t)data,
	};
	int ret = lhv_ioctl(fd, command, &arg);

	*length = arg.length;
	return ret;
}

static const struct {
	u16 type;
	u32 length;	/* 0: varies */
} records[] = {
	{ LHV_STATE_REGS, sizeof(struct lhv_regs) },
	{ LHV_STATE_SREGS, sizeof(struct lhv_sregs) },
	{ LHV_STATE_XSAVE, 0 },
	{ LHV_STATE_XCRS, sizeof(struct lhv_xcrs) },
	{ LHV_STATE_DEBUGREGS, sizeof(struct lhv_debugregs) },
	{ LHV_STATE_EVENTS, sizeof(struct lhv_events) },
	{ LHV_STATE_LAPIC, sizeof(struct lhv_lapic_state) },
	{ LHV_STATE_MP, sizeof(struct lhv_mp_state) },
	{ LHV_STATE_CPUID, 0 },
	{ LHV_STATE_TSC, sizeof(struct lhv_tsc) },
};

#define FOR_EACH_RECORD(i) \
	for (i = 0; i < ARRAY_SIZE(records); i++)

TEST_F(state, lengths_and_versions)
{
	int fd = self->vcpu->fd;
	u32 length, needed;
	unsigned int i;

	FOR_EACH_RECORD(i) {
		u16 type = records[i].type;

		length = 0;
		EXPECT_EQ(-ENOSPC, state_call(fd, LHV_VCPU_GET_STATE, type, 1, &length, NULL))
			TH_LOG("record %u", type);
		needed = length;
		EXPECT_LT(0, needed);
		if (records[i].length)
			EXPECT_EQ(records[i].length, needed);
		length = needed - 1;
		memset(&first, 0xee, sizeof(first));
		EXPECT_EQ(-ENOSPC, state_call(fd, LHV_VCPU_GET_STATE, type, 1, &length, &first));
		EXPECT_EQ(needed, length);
		EXPECT_EQ(0xee, first.bytes[0]);
		length = sizeof(first);
		EXPECT_EQ(0, state_call(fd, LHV_VCPU_GET_STATE, type, 0, &length, &first));
		EXPECT_EQ(needed, length);
		/* Room is room, also if it is more than any record needs. */
		length = UINT32_MAX;
		EXPECT_EQ(0, state_call(fd, LHV_VCPU_GET_STATE, type, 0, &length, &first));
		EXPECT_EQ(needed, length);
		EXPECT_EQ(0xee, first.bytes[needed]);

		length = needed - 1;
		EXPECT_EQ(-EINVAL, state_call(fd, LHV_VCPU_SET_STATE, type, 1, &length, &first))
			TH_LOG("record %u", type);
		length = needed + 1;
		EXPECT_EQ(-EINVAL, state_call(fd, LHV_VCPU_SET_STATE, type, 1, &length, &first))
			TH_LOG("record %u", type);
		length = needed;
		EXPECT_EQ(-EOPNOTSUPP, state_call(fd, LHV_VCPU_SET_STATE, type, 0, &length,
						  &first));
		EXPECT_EQ(-EOPNOTSUPP, state_call(fd, LHV_VCPU_SET_STATE, type, 2, &length,
						  &first));
		EXPECT_EQ(-EOPNOTSUPP, state_call(fd, LHV_VCPU_GET_STATE, type, 2, &length,
						  &first));
		EXPECT_EQ(0, state_call(fd, LHV_VCPU_SET_STATE, type, 1, &length, &first))
			TH_LOG("record %u", type);
	}
}

TEST_F(state, newest_version_is_told)
{
	struct lhv_state arg = {
		.size = sizeof(arg),
		.type = LHV_STATE_REGS,
		.length = sizeof(first),
		.data = (uintptr_t)&first,
	};

	EXPECT_EQ(0, lhv_ioctl(self->vcpu->fd, LHV_VCPU_GET_STATE, &arg));
	EXPECT_EQ(1, arg.version);
	EXPECT_EQ(sizeof(struct lhv_regs), arg.length);
}

TEST_F(state, unknown_types)
{
	static const u16 types[] = { 0, 12, 63, LHV_STATE_CLOCK, 0xffff };
	u32 length = sizeof(first);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(-ENOENT, state_call(self->vcpu->fd, LHV_VCPU_GET_STATE, types[i], 1,
					      &length, &first));
		EXPECT_EQ(-ENOENT, state_call(self->vcpu->fd, LHV_VCPU_SET_STATE, types[i], 1,
					      &length, &first));
	}
}

/* What was read can be written, and then reads the same. */
TEST_F(state, unchanged_round_trip)
{
	int fd = self->vcpu->fd;
	u32 length, again;
	unsigned int i;

	FOR_EACH_RECORD(i) {
		memset(&first, 0, sizeof(first));
		memset(&second, 0, sizeof(second));
		length = sizeof(first);
		again = sizeof(second);
		EXPECT_EQ(0, lhv_get_state_length(fd, records[i].type, &first, &length));
		EXPECT_EQ(0, lhv_set_state(fd, records[i].type, &first, length));
		EXPECT_EQ(0, lhv_get_state_length(fd, records[i].type, &second, &again));
		EXPECT_EQ(length, again);
		EXPECT_EQ(0, memcmp(&first, &second, length)) TH_LOG("record %u", records[i].type);
	}
}

/* All registers as the host wrote them, left to the host when it reports. */
asm(".pushsection .text\n"
    "guest_all_registers:\n\t"
    "outl %eax, $0x77\n\t"
    "not %rax\n\t not %rcx\n\t not %rdx\n\t not %rbx\n\t not %rsp\n\t not %rbp\n\t"
    "not %rsi\n\t not %rdi\n\t not %r8\n\t not %r9\n\t not %r10\n\t not %r11\n\t"
    "not %r12\n\t not %r13\n\t not %r14\n\t not %r15\n\t"
    "outl %eax, $0x77\n\t"
    "ud2\n"
    ".popsection\n");
extern char guest_all_registers[];

TEST_F(state, regs)
{
	u64 *set = (u64 *)&first.regs, *got = (u64 *)&second.regs;
	int i;

	vcpu_set_long(self->vcpu, guest_all_registers, 0, 0);
	for (i = 0; i < 16; i++)
		set[i] = 0x0123456789abcdef * (i + 1);
	first.regs.rip = (uintptr_t)guest_all_registers;
	first.regs.rflags = FLAGS_FIXED;
	vcpu_set_regs(self->vcpu, &first.regs);
	vcpu_get_regs(self->vcpu, &second.regs);
	EXPECT_EQ(0, memcmp(&first, &second, sizeof(first.regs)));

	vcpu_run_to_io(self->vcpu, 0x77, 4, LHV_IO_OUT);
	EXPECT_EQ((u32)first.regs.rax, *(u32 *)self->vcpu->run->data);
	EXPECT_EQ(first.regs.rip, self->vcpu->run->rip);
	vcpu_run_to_io(self->vcpu, 0x77, 4, LHV_IO_OUT);
	vcpu_get_regs(self->vcpu, &second.regs);
	for (i = 0; i < 16; i++)
		EXPECT_EQ(~set[i], got[i]) TH_LOG("register %d", i);
	EXPECT_EQ(self->vcpu->run->rip, second.regs.rip);
}

TEST_F(state, regs_flags)
{
	vcpu_get_regs(self->vcpu, &first.regs);
	/* Bits that RFLAGS has, and one that is always 1 */
	first.regs.rflags = 0x244ed5;
	vcpu_set_regs(self->vcpu, &first.regs);
	vcpu_get_regs(self->vcpu, &second.regs);
	EXPECT_EQ(0x244ed7, second.regs.rflags);
	first.regs.rflags |= BIT(22);
	first.regs.rax = 1;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_REGS, &first,
					 sizeof(first.regs)));
	first.regs.rflags = BIT(63);
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_REGS, &first,
					 sizeof(first.regs)));
	vcpu_get_regs(self->vcpu, &first.regs);
	EXPECT_EQ(0, memcmp(&first, &second, sizeof(first.regs)));
}

TEST_F(state, sregs)
{
	struct lhv_sregs *s = &first.sregs;

	vcpu_set_long(self->vcpu, guest_all_registers, 0, 0);
	vcpu_get_sregs(self->vcpu, s);
	EXPECT_EQ(SELECTOR_CODE64, s->cs.selector);
	EXPECT_EQ(0xa09b, s->cs.access);
	EXPECT_EQ(LAYOUT_PML4, s->cr3);
	EXPECT_EQ(EFER_LME | EFER_LMA | EFER_NX, s->efer);
	s->cr2 = 0xffff800012345678;
	s->cr8 = 9;
	s->cr0 |= CR0_CD | CR0_TS;
	s->cr3 = 0x12345000;
	s->fs.base = 0x7fff12345678;
	s->gdt = (struct lhv_dtable){ .base = 0xffffffff81000000, .limit = 0x7f };
	s->idt = (struct lhv_dtable){ .base = 0xffffffff82000000, .limit = 0xfff };
	s->ldt = (struct lhv_segment){ .base = 0x1234, .limit = 0xff, .selector = 0x88,
				       .access = 0x82 };
	vcpu_set_sregs(self->vcpu, s);
	vcpu_get_sregs(self->vcpu, &second.sregs);
	EXPECT_EQ(0, memcmp(&first, &second, sizeof(first.sregs)));
}

/* Each refused, and nothing of it taken over. */
TEST_F(state, sregs_refused)
{
	struct lhv_sregs *s = &first.sregs;
	static struct lhv_sregs good;
	unsigned int i;
	struct {
		u64 *field;
		u64 value;
	} const bad[] = {
		{ &s->cr0, CR0_PG | CR0_ET },			/* PG without PE */
		{ &s->cr0, CR0_PE | CR0_NW | CR0_ET },		/* NW without CD */
		{ &s->cr0, BIT(32) | CR0_PE | CR0_ET | CR0_PG },
		{ &s->cr4, CR4_PAE | BIT(63) },
		{ &s->cr4, CR4_PAE | CR4_VMXE },		/* no VMX for the guest */
		{ &s->cr4, 0 },					/* long mode without PAE */
		{ &s->cr8, 16 },
		{ &s->cr3, BIT(63) },
		{ &s->cr3, BIT(self->info.phys_bits) },
		{ &s->efer, EFER_LME },				/* PG and LME, not LMA */
		{ &s->efer, EFER_LMA },
		{ &s->efer, EFER_LME | EFER_LMA | BIT(1) },
		{ &s->efer, EFER_LME | EFER_LMA | BIT(12) },
		{ &s->apic_base, 0xfee00001 },
		{ &s->apic_base, 0xfee00400 },			/* x2APIC without EN */
		{ &s->apic_base, BIT(self->info.phys_bits) | 0x800 },
	};

	vcpu_set_long(self->vcpu, guest_all_registers, 0, 0);
	vcpu_get_sregs(self->vcpu, &good);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		*s = good;
		s->cr2 = 0x1234;
		s->ds.base = 0x1234;
		s->idt.base = 0x1234;
		*bad[i].field = bad[i].value;
		EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_SREGS, s, sizeof(*s)))
			TH_LOG("case %u", i);
		vcpu_get_sregs(self->vcpu, &second.sregs);
		EXPECT_EQ(0, memcmp(&good, &second, sizeof(good))) TH_LOG("case %u", i);
	}
	*s = good;
	s->cs.reserved1 = 1;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_SREGS, s, sizeof(*s)));
	*s = good;
	s->gdt.reserved = 1;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_SREGS, s, sizeof(*s)));
}

TEST_F(state, mp)
{
	struct lhv_mp_state mp;
	u32 state;

	for (state = LHV_MP_RUNNABLE; state <= LHV_MP_WAIT_SIPI; state++) {
		vcpu_set_mp(self->vcpu, state);
		vcpu_get(self->vcpu, LHV_STATE_MP, &mp, sizeof(mp));
		EXPECT_EQ(state, mp.state);
	}
	mp = (struct lhv_mp_state){ .state = 3 };
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_MP, &mp, sizeof(mp)));
	mp = (struct lhv_mp_state){ .reserved = 1 };
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_MP, &mp, sizeof(mp)));
	vcpu_get(self->vcpu, LHV_STATE_MP, &mp, sizeof(mp));
	EXPECT_EQ(LHV_MP_WAIT_SIPI, mp.state);
}

static void guest_read_debug_registers(void)
{
	GUEST_ASSERT_EQ(0x1000, read_register(db0));
	GUEST_ASSERT_EQ(0x2000, read_register(db1));
	GUEST_ASSERT_EQ(0xffff800000003000, read_register(db2));
	GUEST_ASSERT_EQ(0x4000, read_register(db3));
	GUEST_ASSERT_EQ(0xffff4ff2, read_register(db6));
	GUEST_ASSERT_EQ(0x455, read_register(db7));
	write_register(db1, 0x5000);
	write_register(db6, 0xffff0ff0);
	write_register(db7, 0x400);
}

TEST_F(state, debug_registers)
{
	struct lhv_debugregs regs = {
		.db = { 0x1000, 0x2000, 0xffff800000003000, 0x4000 },
		.dr6 = 0xffff4ff2,
		.dr7 = 0x455,
	}, seen;

	vcpu_set_long(self->vcpu, guest_read_debug_registers, 0, 0);
	vcpu_set(self->vcpu, LHV_STATE_DEBUGREGS, &regs, sizeof(regs));
	vcpu_get(self->vcpu, LHV_STATE_DEBUGREGS, &seen, sizeof(seen));
	EXPECT_EQ(0, memcmp(&regs, &seen, sizeof(regs)));
	vcpu_run_to_done(self->vcpu);
	vcpu_get(self->vcpu, LHV_STATE_DEBUGREGS, &seen, sizeof(seen));
	EXPECT_EQ(0x1000, seen.db[0]);
	EXPECT_EQ(0x5000, seen.db[1]);
	EXPECT_EQ(0xffff0ff0, seen.dr6);
	EXPECT_EQ(0x400, seen.dr7);

	regs.dr6 = BIT(32);
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_DEBUGREGS, &regs, sizeof(regs)));
	regs.dr6 = 0;
	regs.dr7 = BIT(32);
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_DEBUGREGS, &regs, sizeof(regs)));
}

/* What may arrive between GET and SET stays if it is to. */
static void expect_events_kept(struct __test_metadata *_metadata, struct vcpu *vcpu,
			       const struct lhv_events *events)
{
	struct lhv_events changed = *events, seen;

	changed.nmi_pending = 0;
	changed.sipi_pending = 0;
	changed.init_pending = 1;
	changed.keep_pending = 1;
	changed.exception_error = 0;
	vcpu_set(vcpu, LHV_STATE_EVENTS, &changed, sizeof(changed));
	vcpu_get(vcpu, LHV_STATE_EVENTS, &seen, sizeof(seen));
	EXPECT_EQ(2, seen.nmi_pending);
	EXPECT_EQ(0, seen.init_pending);
	EXPECT_EQ(1, seen.sipi_pending);
	EXPECT_EQ(0x9a, seen.sipi_vector);
	EXPECT_EQ(0, seen.exception_error);
	EXPECT_EQ(0, seen.keep_pending);
	vcpu_set(vcpu, LHV_STATE_EVENTS, events, sizeof(*events));
}

TEST_F(state, events)
{
	static struct lhv_events events, seen;
	u8 *bytes = (u8 *)&events;
	unsigned int i;

	events = (struct lhv_events){
		.exception_pending = 1,
		.exception_vector = VECTOR_PF,
		.exception_has_error = 1,
		.exception_error = PF_WRITE,
		.exception_payload = 0x123456789abc,
		.exception_has_payload = 1,
		.shadow = LHV_SHADOW_STI,
		.nmi_pending = 2,
		.nmi_masked = 1,
		.sipi_pending = 1,
		.sipi_vector = 0x9a,
		.triple_fault = 1,
		.debug_pending = BIT(14) | BIT(12) | BIT(2),
	};
	vcpu_set(self->vcpu, LHV_STATE_EVENTS, &events, sizeof(events));
	vcpu_get(self->vcpu, LHV_STATE_EVENTS, &seen, sizeof(seen));
	EXPECT_EQ(0, memcmp(&events, &seen, sizeof(events)));
	expect_events_kept(_metadata, self->vcpu, &events);

	for (i = 0; i < sizeof(events); i++) {
		/* Where every value is a good one. */
		if ((i >= offsetof(struct lhv_events, exception_error) &&
		     i < offsetof(struct lhv_events, exception_has_payload)) ||
		    i == offsetof(struct lhv_events, interrupt_vector) ||
		    i == offsetof(struct lhv_events, sipi_vector))
			continue;
		bytes[i] ^= 0x80;
		EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_EVENTS, &events,
						 sizeof(events))) TH_LOG("byte %u", i);
		bytes[i] ^= 0x80;
	}
	events.exception_vector = VECTOR_NMI;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_EVENTS, &events,
					 sizeof(events)));
	vcpu_get(self->vcpu, LHV_STATE_EVENTS, &events, sizeof(events));
	EXPECT_EQ(0, memcmp(&events, &seen, sizeof(events)));
}

TEST_F(state, tsc)
{
	struct lhv_tsc tsc, seen;

	vcpu_get(self->vcpu, LHV_STATE_TSC, &tsc, sizeof(tsc));
	EXPECT_EQ(self->info.tsc_khz, tsc.khz);
	tsc.offset = 0xfedcba9876543210;
	vcpu_set(self->vcpu, LHV_STATE_TSC, &tsc, sizeof(tsc));
	vcpu_get(self->vcpu, LHV_STATE_TSC, &seen, sizeof(seen));
	EXPECT_EQ(0, memcmp(&tsc, &seen, sizeof(tsc)));
	tsc.offset = 1;
	tsc.khz++;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_TSC, &tsc, sizeof(tsc)));
	tsc.khz--;
	tsc.reserved = 1;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_TSC, &tsc, sizeof(tsc)));
	vcpu_get(self->vcpu, LHV_STATE_TSC, &tsc, sizeof(tsc));
	EXPECT_EQ(0, memcmp(&tsc, &seen, sizeof(tsc)));
}

TEST_F(state, lapic)
{
	struct lhv_lapic_state *l = &first.lapic;

	vcpu_get(self->vcpu, LHV_STATE_LAPIC, l, sizeof(*l));
	/* SDM 3A 11.4.7.1 */
	EXPECT_EQ(0, l->regs[APIC_ID / 4]);
	EXPECT_EQ(0xffffffff, l->regs[APIC_DFR / 4]);
	EXPECT_EQ(0xff, l->regs[APIC_SVR / 4]);
	EXPECT_EQ(LVT_MASKED, l->regs[APIC_LVT_TIMER / 4]);
	EXPECT_EQ(LVT_MASKED, l->regs[APIC_LVT_ERROR / 4]);
	EXPECT_EQ(0, l->timer_expiry);

	l->regs[APIC_SVR / 4] = SVR_ENABLE | 0xff;
	l->regs[APIC_TPR / 4] = 0x30;
	l->regs[APIC_LDR / 4] = 0x12000000;
	l->regs[APIC_IRR / 4 + 4 * (0x51 / 32)] = BIT(0x51 % 32);
	l->regs[APIC_ISR / 4 + 4 * (0x62 / 32)] = BIT(0x62 % 32);
	l->regs[APIC_TMR / 4 + 4 * (0x51 / 32)] = BIT(0x51 % 32);
	l->regs[APIC_ICR / 4] = 0xc0055;
	l->regs[APIC_ICR2 / 4] = 0x02000000;
	l->regs[APIC_LVT_LINT0 / 4] = 0x700;
	vcpu_set(self->vcpu, LHV_STATE_LAPIC, l, sizeof(*l));
	vcpu_get(self->vcpu, LHV_STATE_LAPIC, &second.lapic, sizeof(second.lapic));
	/* PPR and the current count follow from the others. */
	second.lapic.regs[APIC_PPR / 4] = l->regs[APIC_PPR / 4];
	EXPECT_EQ(0, memcmp(&first, &second, sizeof(*l)));

	vcpu_get_sregs(self->vcpu, &second.sregs);
	EXPECT_EQ(3, second.sregs.cr8);

	l->regs[1] = 1;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_LAPIC, l, sizeof(*l)));
	l->regs[1] = 0;
	l->regs[APIC_ID / 4] = 0x01000000;
	l->regs[APIC_TPR / 4] = 0;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_LAPIC, l, sizeof(*l)));
	vcpu_get(self->vcpu, LHV_STATE_LAPIC, l, sizeof(*l));
	EXPECT_EQ(0x30, l->regs[APIC_TPR / 4]);
}

TEST_HARNESS_MAIN
