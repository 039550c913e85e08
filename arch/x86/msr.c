// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's MSRs: a table of all that there are, and the exits' handlers
 */
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/preempt.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/page.h>
#include <asm/processor-flags.h>
#include <asm/tsc.h>

#include "arch/x86/cpuid.h"
#include "arch/x86/lapic.h"
#include "arch/x86/msr.h"
#include "arch/x86/vmx.h"
#include "hv/arch.h"

#define X2APIC_FIRST		0x800
#define X2APIC_LAST		0x8ff

#define MAX_MSRS		512	/* in a record; see struct lhv_msr */
#define MTRR_VAR_FIRST		0x200
#define NR_MTRR_VAR		8
#define MTRRCAP_FIXED		BIT(8)
#define MTRRCAP_WC		BIT(10)

/* Memory types that MTRRs and PAT entries may have, one bit each (SDM 3A 12.3). */
#define MTRR_TYPES		(BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6))
#define PAT_TYPES		(MTRR_TYPES | BIT(7))

/* Revision in the high half, as after loading an update (SDM 3A 10.11.7.1). */
#define UCODE_REVISION		BIT_ULL(32)

#define MISC_ENABLE_READ_ONLY	(MSR_IA32_MISC_ENABLE_BTS_UNAVAIL |	\
				 MSR_IA32_MISC_ENABLE_PEBS_UNAVAIL)
#define MISC_ENABLE_WRITABLE	(MSR_IA32_MISC_ENABLE_FAST_STRING |	\
				 MSR_IA32_MISC_ENABLE_TM1 |		\
				 MSR_IA32_MISC_ENABLE_ENHANCED_SPEEDSTEP | \
				 MSR_IA32_MISC_ENABLE_MWAIT |		\
				 MSR_IA32_MISC_ENABLE_LIMIT_CPUID |	\
				 MSR_IA32_MISC_ENABLE_XTPR_DISABLE |	\
				 MSR_IA32_MISC_ENABLE_XD_DISABLE)

/**
 * struct msr_row - one MSR, or several that follow one another
 * @index:	the first one's number
 * @count:	how many
 * @save:	worth saving: LHV_MSR_LIST has it. Not those that other records hold
 * @field:	where in struct lhv_vcpu_arch the first one's value is stored, the
 *		others' behind it; or 0
 * @value:	what it reads as, if there is neither @field nor @get
 * @get:	reads it
 * @set:	writes it, or if there is @field says whether it may be written; NULL
 *		for a read-only one. Returns 0 or -EINVAL
 */
struct msr_row {
	u32 index;
	u8 count;
	bool save;
	u16 field;
	u64 value;
	int (*get)(struct lhv_vcpu *vcpu, u32 index, u64 *value);
	int (*set)(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host);
};

static bool canonical(u64 value)
{
	return __is_canonical_address(value, 48);
}

/* Are the low @n bytes of @value memory types of the set @types? */
static bool types_ok(u64 value, int n, u32 types)
{
	int i;

	for (i = 0; i < n; i++, value >>= 8)
		if ((value & 0xff) > 7 || !(types & BIT(value & 0xff)))
			return false;
	return true;
}

/* ---- time ---- */

static void move_tsc(struct lhv_vcpu *vcpu, u64 delta)
{
	lhv_set_tsc_offset(vcpu, vcpu->arch.tsc_offset + delta);
	lhv_lapic_tsc_changed(vcpu);
}

static int get_tsc(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	*value = lhv_guest_tsc(vcpu);
	return 0;
}

/* TSC and TSC_ADJUST move together (SDM 3B 18.17.3). */
static int set_tsc(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	u64 delta = value - lhv_guest_tsc(vcpu);

	if (!host)
		vcpu->arch.tsc_adjust += delta;
	move_tsc(vcpu, delta);
	return 0;
}

static int set_tsc_adjust(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (!host)
		move_tsc(vcpu, value - vcpu->arch.tsc_adjust);
	return 0;
}

static int get_tsc_deadline(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	*value = lhv_lapic_get_tsc_deadline(vcpu);
	return 0;
}

static int set_tsc_deadline(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	lhv_lapic_set_tsc_deadline(vcpu, value);
	return 0;
}

/* Maximum non-turbo ratio, in units of 100 MHz. */
static int get_platform_info(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	*value = (tsc_khz / 100000 & 0xff) << 8;
	return 0;
}

/* ---- APIC and platform ---- */

static int get_apic_base(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	*value = lhv_lapic_base(vcpu);
	return 0;
}

static int set_apic_base(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	return lhv_lapic_set_base(vcpu, value, host);
}

/* Writing 0 before CPUID asks the processor for the revision. */
static int set_ucode_rev(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	return 0;
}

/* No bank, so no machine check that would leave something here. */
static int set_mcg_status(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	return value ? -EINVAL : 0;
}

static int get_misc_enable(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	*value = vcpu->arch.misc_enable | MISC_ENABLE_READ_ONLY;
	return 0;
}

static int set_misc_enable(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	return value & ~(MISC_ENABLE_WRITABLE | MISC_ENABLE_READ_ONLY) ? -EINVAL : 0;
}

static int get_debugctl(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	*value = vmcs_read64(GUEST_IA32_DEBUGCTL);
	return 0;
}

static int set_debugctl(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (value & ~(u64)DEBUGCTLMSR_BTF)
		return -EINVAL;
	vmcs_write64(GUEST_IA32_DEBUGCTL, value);
	return 0;
}

/* ---- memory types: MTRRs are stored for the guest, EPT doesn't follow them ---- */

/* Even ones hold base and type, odd ones mask and valid bit (SDM 3A 12.11.2.3). */
static int set_mtrr_var(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	u64 reserved = ~GENMASK_ULL(vcpu->arch.cpuid->phys_bits - 1, 0);

	reserved |= index & 1 ? GENMASK(10, 0) : GENMASK(11, 8);
	if (value & reserved)
		return -EINVAL;
	if (!(index & 1) && !types_ok(value, 1, MTRR_TYPES))
		return -EINVAL;
	return 0;
}

static int set_mtrr_fixed(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	return types_ok(value, 8, MTRR_TYPES) ? 0 : -EINVAL;
}

static int set_mtrr_def_type(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	/* E and FE are bits 11 and 10. */
	if (value & ~(GENMASK_ULL(11, 10) | 0xff))
		return -EINVAL;
	return types_ok(value, 1, MTRR_TYPES) ? 0 : -EINVAL;
}

static int get_pat(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	*value = vmcs_read64(GUEST_IA32_PAT);
	return 0;
}

static int set_pat(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (!types_ok(value, 8, PAT_TYPES))
		return -EINVAL;
	vmcs_write64(GUEST_IA32_PAT, value);
	return 0;
}

/* ---- system calls, segment bases, EFER ---- */

static int get_sysenter(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	if (index == MSR_IA32_SYSENTER_CS)
		*value = vmcs_read32(GUEST_SYSENTER_CS);
	else if (index == MSR_IA32_SYSENTER_ESP)
		*value = vmcs_read_l(GUEST_SYSENTER_ESP);
	else
		*value = vmcs_read_l(GUEST_SYSENTER_EIP);
	return 0;
}

static int set_sysenter(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (index == MSR_IA32_SYSENTER_CS) {
		if (value > U32_MAX)
			return -EINVAL;
		vmcs_write32(GUEST_SYSENTER_CS, value);
		return 0;
	}
	if (!canonical(value))
		return -EINVAL;
	if (index == MSR_IA32_SYSENTER_ESP)
		vmcs_write_l(GUEST_SYSENTER_ESP, value);
	else
		vmcs_write_l(GUEST_SYSENTER_EIP, value);
	return 0;
}

static int get_efer(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	*value = lhv_get_efer(vcpu);
	return 0;
}

bool lhv_efer_valid(struct lhv_vcpu *vcpu, u64 efer)
{
	if (efer & ~(u64)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NX))
		return false;
	return !(efer & EFER_NX) || lhv_cpuid_has(vcpu->arch.cpuid, X86_FEATURE_NX);
}

/* LMA follows LME and CR0.PG by itself; LME stays while paging is on. */
static int set_efer(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	u64 old = lhv_get_efer(vcpu);

	if (!lhv_efer_valid(vcpu, value))
		return -EINVAL;
	if (((value ^ old) & EFER_LME) && (lhv_get_cr0(vcpu) & X86_CR0_PG))
		return -EINVAL;
	lhv_set_efer(vcpu, (value & ~(u64)EFER_LMA) | (old & EFER_LMA));
	return 0;
}

static int get_base(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	*value = index == MSR_FS_BASE ? vmcs_read_l(GUEST_FS_BASE) : vmcs_read_l(GUEST_GS_BASE);
	return 0;
}

static int set_base(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (!canonical(value))
		return -EINVAL;
	if (index == MSR_FS_BASE)
		vmcs_write_l(GUEST_FS_BASE, value);
	else
		vmcs_write_l(GUEST_GS_BASE, value);
	return 0;
}

/* Where a lazily switched MSR is kept while the CPU doesn't hold it. */
static u64 *lazy_slot(struct lhv_vcpu *vcpu, u32 index)
{
	switch (index) {
	case MSR_STAR:
		return &vcpu->arch.lazy_msr[LHV_MSR_STAR];
	case MSR_LSTAR:
		return &vcpu->arch.lazy_msr[LHV_MSR_LSTAR];
	case MSR_CSTAR:
		return &vcpu->arch.lazy_msr[LHV_MSR_CSTAR];
	case MSR_SYSCALL_MASK:
		return &vcpu->arch.lazy_msr[LHV_MSR_FMASK];
	case MSR_KERNEL_GS_BASE:
		return &vcpu->arch.lazy_msr[LHV_MSR_KERNEL_GS_BASE];
	default:
		return &vcpu->arch.lazy_msr[LHV_MSR_TSC_AUX];
	}
}

static int get_lazy(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	if (index == MSR_TSC_AUX && !boot_cpu_has(X86_FEATURE_RDTSCP))
		return -EINVAL;
	/* The thread must not lose the CPU, and the MSR with it, in between. */
	preempt_disable();
	if (vcpu->arch.lazy_loaded)
		rdmsrl(index, *value);
	else
		*value = *lazy_slot(vcpu, index);
	preempt_enable();
	return 0;
}

static bool lazy_ok(u32 index, u64 value)
{
	switch (index) {
	case MSR_STAR:
		return true;
	case MSR_SYSCALL_MASK:
		return value <= U32_MAX;
	case MSR_TSC_AUX:
		return value <= U32_MAX && boot_cpu_has(X86_FEATURE_RDTSCP);
	default:
		return canonical(value);
	}
}

static int set_lazy(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	if (!lazy_ok(index, value))
		return -EINVAL;
	preempt_disable();
	*lazy_slot(vcpu, index) = value;
	if (vcpu->arch.lazy_loaded)
		wrmsrl(index, value);
	preempt_enable();
	return 0;
}

/* ---- the table ---- */

#define ROW(i, g, s)		{ .index = (i), .count = 1, .get = (g), .set = (s) }
#define ROW_SAVED(i, n, g, s)	{ .index = (i), .count = (n), .get = (g), .set = (s), .save = true }
#define ROW_CONST(i, v)		{ .index = (i), .count = 1, .value = (v) }
#define ROW_FIELD(i, n, f, s)	{ .index = (i), .count = (n), .set = (s), .save = true,	\
				  .field = offsetof(struct lhv_vcpu_arch, f) }

/* Sorted by index. */
static const struct msr_row rows[] = {
	ROW(MSR_IA32_TSC, get_tsc, set_tsc),
	ROW_CONST(MSR_IA32_PLATFORM_ID, 0),
	ROW(MSR_IA32_APICBASE, get_apic_base, set_apic_base),
	ROW_CONST(MSR_IA32_EBL_CR_POWERON, 0),
	ROW_CONST(MSR_IA32_FEAT_CTL, FEAT_CTL_LOCKED),
	ROW_FIELD(MSR_IA32_TSC_ADJUST, 1, tsc_adjust, set_tsc_adjust),
	{ .index = MSR_IA32_UCODE_REV, .count = 1, .value = UCODE_REVISION, .set = set_ucode_rev },
	ROW(MSR_PLATFORM_INFO, get_platform_info, NULL),
	ROW_CONST(MSR_MTRRcap, NR_MTRR_VAR | MTRRCAP_FIXED | MTRRCAP_WC),
	ROW_SAVED(MSR_IA32_SYSENTER_CS, 3, get_sysenter, set_sysenter),
	ROW_CONST(MSR_IA32_MCG_CAP, 0),
	{ .index = MSR_IA32_MCG_STATUS, .count = 1, .set = set_mcg_status },
	{
		.index = MSR_IA32_MISC_ENABLE, .count = 1, .save = true,
		.field = offsetof(struct lhv_vcpu_arch, misc_enable),
		.get = get_misc_enable, .set = set_misc_enable,
	},
	ROW_SAVED(MSR_IA32_DEBUGCTLMSR, 1, get_debugctl, set_debugctl),
	ROW_FIELD(MTRR_VAR_FIRST, 2 * NR_MTRR_VAR, mtrr_var, set_mtrr_var),
	ROW_FIELD(MSR_MTRRfix64K_00000, 1, mtrr_fixed[0], set_mtrr_fixed),
	ROW_FIELD(MSR_MTRRfix16K_80000, 2, mtrr_fixed[1], set_mtrr_fixed),
	ROW_FIELD(MSR_MTRRfix4K_C0000, 8, mtrr_fixed[3], set_mtrr_fixed),
	ROW_SAVED(MSR_IA32_CR_PAT, 1, get_pat, set_pat),
	ROW_FIELD(MSR_MTRRdefType, 1, mtrr_def_type, set_mtrr_def_type),
	ROW_SAVED(MSR_IA32_TSC_DEADLINE, 1, get_tsc_deadline, set_tsc_deadline),
	ROW(MSR_EFER, get_efer, set_efer),
	ROW_SAVED(MSR_STAR, 4, get_lazy, set_lazy),
	ROW(MSR_FS_BASE, get_base, set_base),
	ROW(MSR_GS_BASE, get_base, set_base),
	ROW_SAVED(MSR_KERNEL_GS_BASE, 2, get_lazy, set_lazy),
};

static const struct msr_row *find_row(u32 index)
{
	int low = 0, high = ARRAY_SIZE(rows);

	while (low < high) {
		int mid = (low + high) / 2;

		if (index < rows[mid].index)
			high = mid;
		else if (index - rows[mid].index >= rows[mid].count)
			low = mid + 1;
		else
			return &rows[mid];
	}
	return NULL;
}

static u64 *stored(struct lhv_vcpu *vcpu, const struct msr_row *row, u32 index)
{
	return (u64 *)((void *)&vcpu->arch + row->field) + index - row->index;
}

static bool is_x2apic(u32 index)
{
	return index >= X2APIC_FIRST && index <= X2APIC_LAST;
}

int lhv_msr_get(struct lhv_vcpu *vcpu, u32 index, u64 *value)
{
	const struct msr_row *row;

	if (is_x2apic(index))
		return lhv_lapic_msr_read(vcpu, index, value);
	row = find_row(index);
	if (!row)
		return -EINVAL;
	if (row->get)
		return row->get(vcpu, index, value);
	*value = row->field ? *stored(vcpu, row, index) : row->value;
	return 0;
}

static int set_read_only(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	u64 old;

	if (!host || lhv_msr_get(vcpu, index, &old) || value != old)
		return -EINVAL;
	return 0;
}

int lhv_msr_set(struct lhv_vcpu *vcpu, u32 index, u64 value, bool host)
{
	const struct msr_row *row;
	int ret;

	if (is_x2apic(index))
		return lhv_lapic_msr_write(vcpu, index, value);
	row = find_row(index);
	if (!row)
		return -EINVAL;
	if (!row->set)
		return set_read_only(vcpu, index, value, host);
	ret = row->set(vcpu, index, value, host);
	if (!ret && row->field)
		*stored(vcpu, row, index) = value;
	return ret;
}

void lhv_msr_reset(struct lhv_vcpu *vcpu)
{
	struct lhv_vcpu_arch *arch = &vcpu->arch;

	arch->misc_enable = MSR_IA32_MISC_ENABLE_FAST_STRING;
	arch->tsc_adjust = 0;
	arch->mtrr_def_type = 0;
	memset(arch->mtrr_fixed, 0, sizeof(arch->mtrr_fixed));
	memset(arch->mtrr_var, 0, sizeof(arch->mtrr_var));
}

/* ---- state records ---- */

u32 lhv_arch_msr_list(u32 *msrs, u32 max)
{
	u32 n = 0;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (j = 0; rows[i].save && j < rows[i].count; j++, n++)
			if (n < max)
				msrs[n] = rows[i].index + j;
	return n;
}

static bool record_ok(const struct lhv_msr *msrs, u32 len)
{
	u32 i;

	if (len % sizeof(*msrs) || len / sizeof(*msrs) > MAX_MSRS)
		return false;
	for (i = 0; i < len / sizeof(*msrs); i++)
		if (msrs[i].reserved)
			return false;
	return true;
}

/* The x2APIC's MSRs are in LHV_STATE_LAPIC, and writing them has effects. */
int lhv_msrs_get_record(struct lhv_vcpu *vcpu, void *data, u32 *len)
{
	struct lhv_msr *msrs = data;
	u32 i;

	lockdep_assert_held(&vcpu->mutex);
	if (!record_ok(msrs, *len))
		return -EINVAL;
	for (i = 0; i < *len / sizeof(*msrs); i++) {
		if (is_x2apic(msrs[i].index) ||
		    lhv_msr_get(vcpu, msrs[i].index, &msrs[i].value)) {
			msrs[i].reserved = 1;
			return -EINVAL;
		}
	}
	return 0;
}

int lhv_msrs_set_record(struct lhv_vcpu *vcpu, void *data, u32 len)
{
	struct lhv_msr *msrs = data;
	u32 i;

	lockdep_assert_held(&vcpu->mutex);
	if (!record_ok(msrs, len))
		return -EINVAL;
	for (i = 0; i < len / sizeof(*msrs); i++) {
		if (is_x2apic(msrs[i].index) ||
		    lhv_msr_set(vcpu, msrs[i].index, msrs[i].value, true)) {
			msrs[i].reserved = 1;
			return -EINVAL;
		}
	}
	return 0;
}

/* ---- exits ---- */

enum lhv_fate lhv_handle_rdmsr(struct lhv_vcpu *vcpu)
{
	unsigned long *regs = vcpu->arch.regs;
	u64 value;

	lhv_stat(vcpu, LHV_VCPU_STAT_MSR_EXITS);
	if (lhv_msr_get(vcpu, regs[LHV_RCX], &value)) {
		lhv_inject_gp(vcpu);
		return LHV_GUEST;
	}
	regs[LHV_RAX] = (u32)value;
	regs[LHV_RDX] = value >> 32;
	lhv_skip_instruction(vcpu);
	return LHV_GUEST;
}

enum lhv_fate lhv_handle_wrmsr(struct lhv_vcpu *vcpu)
{
	unsigned long *regs = vcpu->arch.regs;
	u64 value = (u32)regs[LHV_RAX] | regs[LHV_RDX] << 32;
	u32 index = regs[LHV_RCX];
	int ret = 0;

	lhv_stat(vcpu, LHV_VCPU_STAT_MSR_EXITS);
	/* The most frequent by far where the APIC isn't virtualized */
	if (index == MSR_IA32_TSC_DEADLINE)
		lhv_lapic_set_tsc_deadline(vcpu, value);
	else
		ret = lhv_msr_set(vcpu, index, value, false);
	if (ret < 0) {
		lhv_inject_gp(vcpu);
		return LHV_GUEST;
	}
	lhv_skip_instruction(vcpu);
	if (unlikely(ret == LHV_USER))
		vcpu->run->rip = vmcs_read_l(GUEST_RIP);
	return ret;
}
