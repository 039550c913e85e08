// SPDX-License-Identifier: GPL-2.0-only
/*
 * State records that are tables: MSRs, CPUID, extended control registers and
 * the XSAVE area
 */
#include <string.h>
#include <sys/mman.h>

#include "test.h"

#define MAX_MSRS	512

static struct lhv_msr msrs[MAX_MSRS + 1];
static struct lhv_cpuid_entry entries[LHV_MAX_CPUID_ENTRIES + 1];

FIXTURE(tables) {
	struct vm *vm;
	struct vcpu *vcpu;
	struct lhv_info info;
	u32 msr_count;
	u32 cpuid_count;
};

FIXTURE_SETUP(tables)
{
	int dev = dev_open();
	u32 index[MAX_MSRS];
	u32 i;

	REQUIRE_OK(lhv_info(dev, &self->info));
	self->msr_count = MAX_MSRS;
	REQUIRE_OK(lhv_list(dev, LHV_MSR_LIST, index, &self->msr_count));
	self->cpuid_count = LHV_MAX_CPUID_ENTRIES;
	REQUIRE_OK(lhv_list(dev, LHV_SUPPORTED_CPUID, entries, &self->cpuid_count));
	close(dev);
	for (i = 0; i < self->msr_count; i++)
		msrs[i] = (struct lhv_msr){ .index = index[i] };
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(tables)
{
	vm_close(self->vm);
}

static int get_msrs(struct vcpu *vcpu, struct lhv_msr *msr, u32 count)
{
	return lhv_get_state(vcpu->fd, LHV_STATE_MSRS, msr, count * sizeof(*msr));
}

static int set_msrs(struct vcpu *vcpu, const struct lhv_msr *msr, u32 count)
{
	return lhv_set_state(vcpu->fd, LHV_STATE_MSRS, msr, count * sizeof(*msr));
}

TEST_F(tables, listed_msrs_round_trip)
{
	static struct lhv_msr again[MAX_MSRS];
	u32 i;

	ASSERT_EQ(0, get_msrs(self->vcpu, msrs, self->msr_count));
	memcpy(again, msrs, sizeof(again));
	ASSERT_EQ(0, set_msrs(self->vcpu, again, self->msr_count));
	ASSERT_EQ(0, get_msrs(self->vcpu, again, self->msr_count));
	for (i = 0; i < self->msr_count; i++) {
		EXPECT_EQ(msrs[i].value, again[i].value) TH_LOG("MSR 0x%x", msrs[i].index);
		EXPECT_EQ(0, again[i].reserved);
	}
}

/* By the host, and then by the guest */
static const struct {
	u32 index;
	u64 host;
	u64 guest;
} settings[] = {
	{ 0x174, 0x10, 0x18 },			/* SYSENTER CS, ESP, EIP */
	{ 0x175, 0xffff888012345678, 0x1000 },
	{ 0x176, 0xffffffff81234567, 0x2000 },
	{ MSR_PAT, 0x0007040600070406, 0x0606060606060606 },
	{ MSR_STAR, 0x0023001000000000, 0 },
	{ MSR_LSTAR, 0xffffffff81000040, 0x3000 },
	{ MSR_SYSCALL_MASK, 0x47700, 0x100 },
	{ MSR_KERNEL_GS_BASE, 0xffff888000001000, 0x4000 },
	{ MSR_FS_BASE, 0x7f0012345000, 0xffff800000000000 },
	{ MSR_TSC_AUX, 0x1003, 0xffffffff },
};

static void guest_read_msrs(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		GUEST_ASSERT_EQ(settings[i].host, rdmsr(settings[i].index));
		wrmsr(settings[i].index, settings[i].guest);
	}
}

TEST_F(tables, msrs_reach_the_guest)
{
	unsigned int i;

	vcpu_set_long(self->vcpu, guest_read_msrs, 0, 0);
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		vcpu_set_msr(self->vcpu, settings[i].index, settings[i].host);
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		EXPECT_EQ(settings[i].host, vcpu_get_msr(self->vcpu, settings[i].index));
	vcpu_run_to_done(self->vcpu);
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		EXPECT_EQ(settings[i].guest, vcpu_get_msr(self->vcpu, settings[i].index))
			TH_LOG("MSR 0x%x", settings[i].index);
}

/* The first bad one is marked; those before it are written, those behind not. */
TEST_F(tables, msr_offender)
{
	static const struct lhv_msr bad[] = {
		{ .index = 0x40000fff },				/* unknown */
		{ .index = MSR_LSTAR, .value = 0x8000000000000000 },	/* not canonical */
		{ .index = MSR_PAT, .value = 0xff },			/* no such type */
		{ .index = MSR_EFER, .value = BIT(1) },
	};
	struct lhv_msr msr[4];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		vcpu_set_msr(self->vcpu, 0x174, 1);
		vcpu_set_msr(self->vcpu, 0x175, 1);
		msr[0] = (struct lhv_msr){ .index = 0x174, .value = 2 };
		msr[1] = bad[i];
		msr[2] = bad[i];
		msr[3] = (struct lhv_msr){ .index = 0x175, .value = 2 };
		EXPECT_EQ(-EINVAL, set_msrs(self->vcpu, msr, 4));
		EXPECT_EQ(0, msr[0].reserved);
		EXPECT_EQ(1, msr[1].reserved) TH_LOG("case %u", i);
		EXPECT_EQ(0, msr[2].reserved);
		EXPECT_EQ(0, msr[3].reserved);
		EXPECT_EQ(2, vcpu_get_msr(self->vcpu, 0x174));
		EXPECT_EQ(1, vcpu_get_msr(self->vcpu, 0x175));
	}
	msr[0] = (struct lhv_msr){ .index = 0x174 };
	msr[1] = (struct lhv_msr){ .index = 0x40000fff };
	EXPECT_EQ(-EINVAL, get_msrs(self->vcpu, msr, 2));
	EXPECT_EQ(0, msr[0].reserved);
	EXPECT_EQ(1, msr[1].reserved);
}

TEST_F(tables, msr_record_refused)
{
	struct lhv_msr msr = { .index = 0x174 };
	u32 i;

	EXPECT_EQ(-EINVAL, lhv_get_state(self->vcpu->fd, LHV_STATE_MSRS, &msr, sizeof(msr) - 1));
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_MSRS, &msr, sizeof(msr) - 8));
	msr.reserved = 2;
	EXPECT_EQ(-EINVAL, get_msrs(self->vcpu, &msr, 1));
	EXPECT_EQ(-EINVAL, set_msrs(self->vcpu, &msr, 1));
	for (i = 0; i < ARRAY_SIZE(msrs); i++)
		msrs[i] = (struct lhv_msr){ .index = 0x174 };
	EXPECT_EQ(0, set_msrs(self->vcpu, msrs, MAX_MSRS));
	EXPECT_EQ(0, get_msrs(self->vcpu, msrs, MAX_MSRS));
	EXPECT_EQ(-EINVAL, set_msrs(self->vcpu, msrs, MAX_MSRS + 1));
	EXPECT_EQ(-EINVAL, get_msrs(self->vcpu, msrs, MAX_MSRS + 1));
}

/* Unknown MSRs, and bad values, are #GP for the guest. */
static void guest_bad_msrs(void)
{
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_rdmsr(0x40000fff));
	GUEST_ASSERT_EQ(0, guest_fault()->error);
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(0x40000fff, 0));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_rdmsr(0xc0010001));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_rdmsr(0x480));	/* no VMX */
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_rdmsr(0x12345678));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_LSTAR, BIT(63)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_FS_BASE, BIT(63)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_PAT, 0xff));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_EFER, rdmsr(MSR_EFER) | BIT(1)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~EFER_LME));
	GUEST_ASSERT_EQ(NO_FAULT, guest_try_wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE));
	GUEST_ASSERT_EQ(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX, rdmsr(MSR_EFER));
}

TEST_F(tables, bad_msrs_in_the_guest)
{
	vcpu_set_long(self->vcpu, guest_bad_msrs, 0, 0);
	vcpu_run_to_done(self->vcpu);
}

static struct lhv_cpuid_entry *find(struct lhv_cpuid_entry *table, u32 count, u32 function,
				    u32 index)
{
	for (; count; count--, table++) {
		if (table->function == function && table->index == index)
			return table;
	}
	FAIL("no CPUID leaf %x.%u", function, index);
}

static u32 get_cpuid(struct vcpu *vcpu, struct lhv_cpuid_entry *table)
{
	u32 length = LHV_MAX_CPUID_ENTRIES * sizeof(*table);

	REQUIRE_OK(lhv_get_state_length(vcpu->fd, LHV_STATE_CPUID, table, &length));
	return length / sizeof(*table);
}

static int set_cpuid(struct vcpu *vcpu, const struct lhv_cpuid_entry *table, u32 count)
{
	return lhv_set_state(vcpu->fd, LHV_STATE_CPUID, table, count * sizeof(*table));
}

/* A new vCPU has what the module supports. */
TEST_F(tables, cpuid_default)
{
	static struct lhv_cpuid_entry now[LHV_MAX_CPUID_ENTRIES];
	u32 count = get_cpuid(self->vcpu, now), i;

	EXPECT_EQ(self->cpuid_count, count);
	for (i = 0; i < self->cpuid_count; i++) {
		const struct lhv_cpuid_entry *e = find(now, count, entries[i].function,
						       entries[i].index);

		EXPECT_EQ(entries[i].eax, e->eax);
	}
	EXPECT_EQ(0, set_cpuid(self->vcpu, entries, self->cpuid_count));
}

static void guest_cpuid(void)
{
	struct cpuid r = cpuid(0x80000002, 0);

	GUEST_ASSERT_EQ(0x2076686c, r.eax);	/* "lhv " */
	/* Sub-leaf that isn't there */
	r = cpuid(4, 17);
	GUEST_ASSERT_EQ(0, r.eax | r.ebx);
	/* A leaf without sub-leaves doesn't look at ECX. */
	r = cpuid(0x80000002, 5);
	GUEST_ASSERT_EQ(0x2076686c, r.eax);
	/* OSXSAVE follows CR4. */
	r = cpuid(1, 0);
	GUEST_ASSERT_EQ(0, r.ecx & BIT(27));
	if (r.ecx & BIT(26)) {
		write_register(cr4, read_register(cr4) | CR4_OSXSAVE);
		r = cpuid(1, 0);
		GUEST_ASSERT(r.ecx & BIT(27));
	}
	/* And its APIC id is the vCPU's. */
	GUEST_ASSERT_EQ(3, r.ebx >> 24);
	/* The APIC flag follows IA32_APIC_BASE. */
	GUEST_ASSERT(r.edx & BIT(9));
}

TEST_F(tables, cpuid_reaches_the_guest)
{
	struct vcpu *vcpu = vcpu_create(self->vm, 3);
	struct lhv_cpuid_entry *e = find(entries, self->cpuid_count, 0x80000002, 0);

	e->eax = 0x2076686c;
	ASSERT_EQ(0, set_cpuid(vcpu, entries, self->cpuid_count));
	vcpu_set_long(vcpu, guest_cpuid, 0, 0);
	vcpu_run_to_done(vcpu);
}

/* What CPUID lacks, CR4 lacks too. */
static void guest_no_smep(void)
{
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(cr4, read_register(cr4) | CR4_SMEP));
}

TEST_F(tables, cpuid_limits_cr4)
{
	struct lhv_cpuid_entry *e = find(entries, self->cpuid_count, 7, 0);
	struct lhv_sregs sregs;

	e->ebx &= ~BIT(7);
	ASSERT_EQ(0, set_cpuid(self->vcpu, entries, self->cpuid_count));
	vcpu_set_long(self->vcpu, guest_no_smep, 0, 0);
	vcpu_get_sregs(self->vcpu, &sregs);
	sregs.cr4 |= CR4_SMEP;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_SREGS, &sregs, sizeof(sregs)));
	vcpu_run_to_done(self->vcpu);
}

TEST_F(tables, cpuid_refused)
{
	static struct lhv_cpuid_entry now[LHV_MAX_CPUID_ENTRIES], before[LHV_MAX_CPUID_ENTRIES];
	u32 count = get_cpuid(self->vcpu, before);

	entries[0].reserved = 1;
	EXPECT_EQ(-EINVAL, set_cpuid(self->vcpu, entries, self->cpuid_count));
	entries[0].reserved = 0;
	entries[0].flags |= BIT(1);
	EXPECT_EQ(-EINVAL, set_cpuid(self->vcpu, entries, self->cpuid_count));
	entries[0].flags &= ~BIT(1);
	/* twice the same */
	entries[self->cpuid_count] = entries[0];
	EXPECT_EQ(-EINVAL, set_cpuid(self->vcpu, entries, self->cpuid_count + 1));
	EXPECT_EQ(-EINVAL, set_cpuid(self->vcpu, entries, LHV_MAX_CPUID_ENTRIES + 1));
	EXPECT_EQ(count, get_cpuid(self->vcpu, now));
	EXPECT_EQ(0, memcmp(now, before, sizeof(now)));
}

TEST_F(tables, xcrs)
{
	struct lhv_xcrs xcrs = { .xcr0 = 0 };

	/* x87 is always on; AVX needs SSE. */
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_XCRS, &xcrs, sizeof(xcrs)));
	xcrs.xcr0 = 5;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_XCRS, &xcrs, sizeof(xcrs)));
	xcrs.xcr0 = BIT(62) | 1;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_XCRS, &xcrs, sizeof(xcrs)));
	vcpu_get(self->vcpu, LHV_STATE_XCRS, &xcrs, sizeof(xcrs));
	EXPECT_EQ(1, xcrs.xcr0);
	xcrs.xcr0 = 3;
	ASSERT_EQ(0, lhv_set_state(self->vcpu->fd, LHV_STATE_XCRS, &xcrs, sizeof(xcrs)));
	xcrs.xcr0 = 0;
	vcpu_get(self->vcpu, LHV_STATE_XCRS, &xcrs, sizeof(xcrs));
	EXPECT_EQ(3, xcrs.xcr0);
}

/* XMM registers as in the record; and what the guest leaves is in it. */
asm(".pushsection .text\n"
    "guest_xmm:\n\t"
    "movdqu %xmm3, -64(%rsp)\n\t"
    "mov -64(%rsp), %rdi\n\t"
    "mov -56(%rsp), %rsi\n\t"
    "stmxcsr -64(%rsp)\n\t"
    "mov -64(%rsp), %edx\n\t"
    "pcmpeqd %xmm5, %xmm5\n\t"
    "mov $2, %eax\n\t"
    "outl %eax, $0xe2\n\t"
    "ret\n"
    ".popsection\n");
extern char guest_xmm[];

/* The legacy region, SDM 1 table 13-1 */
#define XSAVE_MXCSR	24
#define XSAVE_XMM(n)	(160 + 16 * (n))
#define XSAVE_XSTATE_BV	512

TEST_F(tables, xsave)
{
	u32 length = self->info.xsave_size;
	u8 *area = calloc(1, length);
	struct ucall call;
	u64 value;

	ASSERT_NE(NULL, area);
	vcpu_set_long(self->vcpu, guest_xmm, 0, 0);
	ASSERT_EQ(0, lhv_get_state_length(self->vcpu->fd, LHV_STATE_XSAVE, area, &length));
	EXPECT_GE(self->info.xsave_size, length);
	value = 0x1122334455667788;
	memcpy(area + XSAVE_XMM(3), &value, 8);
	value = 0x99aabbccddeeff00;
	memcpy(area + XSAVE_XMM(3) + 8, &value, 8);
	*(u32 *)(area + XSAVE_MXCSR) = 0x1fa0;
	*(u64 *)(area + XSAVE_XSTATE_BV) = 3;
	ASSERT_EQ(0, lhv_set_state(self->vcpu->fd, LHV_STATE_XSAVE, area, length));
	vcpu_run_to_ucall(self->vcpu, &call);
	EXPECT_EQ(0x1122334455667788, call.arg[0]);
	EXPECT_EQ(0x99aabbccddeeff00, call.arg[1]);
	EXPECT_EQ(0x1fa0, call.arg[2]);
	ASSERT_EQ(0, lhv_get_state_length(self->vcpu->fd, LHV_STATE_XSAVE, area, &length));
	EXPECT_TRUE(*(u64 *)(area + XSAVE_XSTATE_BV) & BIT(1));
	memcpy(&value, area + XSAVE_XMM(5), 8);
	EXPECT_EQ(~0ULL, value);

	/* Reserved in MXCSR, and in the header */
	*(u32 *)(area + XSAVE_MXCSR) = 0xffff0000;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_XSAVE, area, length));
	*(u32 *)(area + XSAVE_MXCSR) = 0x1f80;
	*(u64 *)(area + XSAVE_XSTATE_BV) = BIT(62) | 3;
	EXPECT_EQ(-EINVAL, lhv_set_state(self->vcpu->fd, LHV_STATE_XSAVE, area, length));
	free(area);
}

TEST_HARNESS_MAIN
