// SPDX-License-Identifier: GPL-2.0-only
/*
 * Model-specific registers: what reads as written, and what can't be written
 * (SDM 4)
 */
#include "payload.h"

#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_MTRRCAP		0xfe
#define MSR_MTRR_PHYSBASE0	0x200
#define MSR_MTRR_PHYSMASK0	0x201
#define MSR_MTRR_FIX64K		0x250
#define MSR_MTRR_FIX4K_LAST	0x26f
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MSR_MCG_CAP		0x179
#define MSR_MCG_STATUS		0x17a
#define MSR_MISC_ENABLE		0x1a0
#define MSR_DEBUGCTL		0x1d9
#define MSR_CSTAR		0xc0000083
#define MSR_UCODE_REV		0x8b
#define MSR_VMX_BASIC		0x480
#define MSR_NOTHING		0x12345

#define NON_CANONICAL		0x800000000000ULL
#define CANONICAL		0x7fff12345678ULL
#define HIGHEST			0xffff800000000000ULL

static void reads_back(const char *name, u32 index, u64 value)
{
	u64 old = rdmsr(index), seen;

	wrmsr(index, value);
	seen = rdmsr(index);
	wrmsr(index, old);
	check(name, value, seen);
}

static void stored(void)
{
	reads_back("SYSENTER_CS", MSR_SYSENTER_CS, 0x1234);
	reads_back("SYSENTER_ESP", MSR_SYSENTER_ESP, CANONICAL);
	reads_back("SYSENTER_EIP", MSR_SYSENTER_EIP, HIGHEST);
	reads_back("STAR", MSR_STAR, 0x0123456789abcdef);
	reads_back("LSTAR", MSR_LSTAR, HIGHEST);
	reads_back("CSTAR", MSR_CSTAR, CANONICAL);
	reads_back("FMASK", MSR_SYSCALL_MASK, 0x12345678);
	reads_back("FS_BASE", MSR_FS_BASE, CANONICAL);
	reads_back("KERNEL_GS_BASE", MSR_KERNEL_GS_BASE, HIGHEST);
	reads_back("PAT", MSR_PAT, 0x0007040106050004);
	reads_back("EFER.SCE", MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	if (cpu_has(FEATURE_RDTSCP))
		reads_back("TSC_AUX", MSR_TSC_AUX, 0xfedcba98);
	else
		check_skip("TSC_AUX", "the CPU has none");
}

static void mtrrs(void)
{
	u64 cap;
	u32 i, wrong = 0;

	if (!cpu_has(FEATURE(1, 0, EDX, 12))) {
		check_skip("MTRRs", "the CPU has none");
		return;
	}
	cap = rdmsr(MSR_MTRRCAP);
	check_true("MTRRcap has variable ranges", cap & 0xff);
	check("MTRRcap can't be written", FAULT_GP, attempt_wrmsr(MSR_MTRRCAP, cap));
	for (i = 0; i < (cap & 0xff); i++) {
		u32 base = MSR_MTRR_PHYSBASE0 + 2 * i;
		u64 old = rdmsr(base);

		wrmsr(base, 0x10000006);
		wrong += rdmsr(base) != 0x10000006;
		wrmsr(base, old);
	}
	check("each variable range reads back", 0, wrong);
	check("behind them is nothing", FAULT_GP,
	      attempt_rdmsr(MSR_MTRR_PHYSBASE0 + 2 * (cap & 0xff)));
	check("PHYSBASE with a memory type that isn't", FAULT_GP,
	      attempt_wrmsr(MSR_MTRR_PHYSBASE0, 2));
	check("PHYSMASK with a reserved bit", FAULT_GP,
	      attempt_wrmsr(MSR_MTRR_PHYSMASK0, BIT(0)));
	reads_back("DEF_TYPE", MSR_MTRR_DEF_TYPE, 0xc00);
	check("DEF_TYPE with a memory type that isn't", FAULT_GP,
	      attempt_wrmsr(MSR_MTRR_DEF_TYPE, 0xc02));
	check("DEF_TYPE with a reserved bit", FAULT_GP,
	      attempt_wrmsr(MSR_MTRR_DEF_TYPE, BIT(12)));
	reads_back("FIX64K", MSR_MTRR_FIX64K, 0x0605040100000606);
	reads_back("FIX4K, the last", MSR_MTRR_FIX4K_LAST, 0x0606060606060606);
	check("FIX64K with a memory type that isn't", FAULT_GP,
	      attempt_wrmsr(MSR_MTRR_FIX64K, 0x0606060606060603));
}

static void refused(void)
{
	check("LSTAR that isn't canonical", FAULT_GP, attempt_wrmsr(MSR_LSTAR, NON_CANONICAL));
	check("FS_BASE that isn't canonical", FAULT_GP,
	      attempt_wrmsr(MSR_FS_BASE, NON_CANONICAL));
	check("GS_BASE that isn't canonical", FAULT_GP,
	      attempt_wrmsr(MSR_GS_BASE, NON_CANONICAL));
	check("PAT with a memory type that isn't", FAULT_GP,
	      attempt_wrmsr(MSR_PAT, 0x0007040600070402));
	check("PAT, type 8 in the last byte", FAULT_GP,
	      attempt_wrmsr(MSR_PAT, 0x0807040600070406));
	check("EFER with a reserved bit", FAULT_GP,
	      attempt_wrmsr(MSR_EFER, rdmsr(MSR_EFER) | BIT(2)));
	check("EFER's high half", FAULT_GP,
	      attempt_wrmsr(MSR_EFER, rdmsr(MSR_EFER) | BIT(32)));
	if (cpu_has(FEATURE_RDTSCP))
		check("TSC_AUX's high half", FAULT_GP, attempt_wrmsr(MSR_TSC_AUX, BIT(32)));
	else
		check_skip("TSC_AUX's high half", "the CPU has none");
	check("DEBUGCTL with a reserved bit", FAULT_GP,
	      attempt_wrmsr(MSR_DEBUGCTL, BIT(20)));
	check("APIC_BASE with a reserved bit", FAULT_GP,
	      attempt_wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BIT(7)));
	check("APIC_BASE beyond the physical addresses", FAULT_GP,
	      attempt_wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | BIT(52)));
	check("an MSR that isn't, read", FAULT_GP, attempt_rdmsr(MSR_NOTHING));
	check("an MSR that isn't, written", FAULT_GP, attempt_wrmsr(MSR_NOTHING, 0));
	check("a VMX capability, as CPUID says", cpu_has(FEATURE(1, 0, ECX, 5)) ?
	      NO_FAULT : FAULT_GP, attempt_rdmsr(MSR_VMX_BASIC));
	if (cpu_has(FEATURE(1, 0, EDX, 14))) {
		check("MCG_CAP can't be written", FAULT_GP,
		      attempt_wrmsr(MSR_MCG_CAP, rdmsr(MSR_MCG_CAP)));
		check("MCG_STATUS 0", NO_FAULT, attempt_wrmsr(MSR_MCG_STATUS, 0));
	} else {
		check_skip("MCG_CAP can't be written", "the CPU has none");
		check_skip("MCG_STATUS 0", "the CPU has none");
	}
	check("MISC_ENABLE reads", NO_FAULT, attempt_rdmsr(MSR_MISC_ENABLE));
	check("0 written to the microcode's revision", NO_FAULT, attempt_wrmsr(MSR_UCODE_REV, 0));
}

/* RAX, RDX and RCX have high halves. */
static void halves(void)
{
	u64 a = ~0ULL, d = ~0ULL;

	wrmsr(MSR_SYSENTER_ESP, 0x1234567887ULL);
	asm volatile("rdmsr" : "+a"(a), "+d"(d) : "c"(0xffffffff00000000 | MSR_SYSENTER_ESP));
	check("RDMSR clears RAX's high half", 0x34567887, a);
	check("RDMSR clears RDX's high half", 0x12, d);
	asm volatile("wrmsr" : : "a"(0xffffffff00000005), "d"(0xffffffff00000006),
		     "c"(0xffffffff00000000 | MSR_SYSENTER_ESP) : "memory");
	check("WRMSR ignores the high halves", 0x600000005, rdmsr(MSR_SYSENTER_ESP));
	wrmsr(MSR_SYSENTER_ESP, 0);
}

void payload(void)
{
	stored();
	mtrrs();
	refused();
	halves();
}
