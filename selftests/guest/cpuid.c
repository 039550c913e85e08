// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID: what must agree with other leaves, with registers, and with what the
 * processor does (SDM 2A, CPUID)
 */
#include "payload.h"

#define MAX_LEAF	0x20
#define FIRST_EXTENDED	0x80000000

static bool same(struct cpuid a, struct cpuid b)
{
	return a.eax == b.eax && a.ebx == b.ebx && a.ecx == b.ecx && a.edx == b.edx;
}

static void ranges(void)
{
	struct cpuid zero = cpuid(0, 0), extended = cpuid(FIRST_EXTENDED, 0);
	u64 a = ~0ULL, b = ~0ULL, c = ~0ULL, d = ~0ULL;

	check_true("leaf 0 has a maximum", zero.eax >= 0xd && zero.eax <= MAX_LEAF);
	check_true("leaf 80000000H has a maximum",
		   extended.eax >= 0x80000008 && extended.eax < 0x80000100);
	/* GenuineIntel */
	check_true("the vendor", zero.ebx == 0x756e6547 && zero.edx == 0x49656e69 &&
		   zero.ecx == 0x6c65746e);
	asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d) : : "memory");
	asm volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d)
		     : "0"(0xffffffff00000000), "2"(0xffffffff00000000));
	check("the high halves are clear", 0, (a | b | c | d) >> 32);
	check("the high half of RAX isn't looked at", zero.eax, a);
	check_true("beyond the maximum is the basic leaves' last one",
		   same(cpuid(zero.eax + 1, 0), cpuid(zero.eax, 0)) ||
		   same(cpuid(zero.eax + 1, 0), (struct cpuid){ 0 }));
}

/* Bits that follow what the guest has switched on */
static void dynamic(void)
{
	u64 base = rdmsr(MSR_APIC_BASE), cr4 = read_register(cr4);

	check("OSXSAVE is clear", 0, cpuid(1, 0).ecx & BIT(27));
	if (cpu_has(FEATURE_XSAVE)) {
		write_register(cr4, cr4 | CR4_OSXSAVE);
		check("OSXSAVE follows CR4", BIT(27), cpuid(1, 0).ecx & BIT(27));
		write_register(cr4, cr4);
		check("and back", 0, cpuid(1, 0).ecx & BIT(27));
	} else {
		check_skip("OSXSAVE follows CR4", "the CPU has no XSAVE");
		check_skip("and back", "the CPU has no XSAVE");
	}
	check("the APIC's bit", BIT(9), cpuid(1, 0).edx & BIT(9));
	wrmsr(MSR_APIC_BASE, base & ~APIC_BASE_ENABLE);
	check("it is clear while the APIC is off", 0, cpuid(1, 0).edx & BIT(9));
	wrmsr(MSR_APIC_BASE, base);
	check("and set again", BIT(9), cpuid(1, 0).edx & BIT(9));
}

static void identity(void)
{
	u32 id = cpuid(1, 0).ebx >> 24;

	check("the initial APIC id", 0, id);
	check("the APIC has the same", id, apic_read(APIC_ID) >> 24);
	if (cpuid(0, 0).eax >= 0xb && cpuid(0xb, 0).ebx) {
		check("leaf 0BH has the same", id, cpuid(0xb, 0).edx);
		check("leaf 0BH, its first level is SMT", 1, cpuid(0xb, 0).ecx >> 8 & 0xff);
		check("leaf 0BH repeats the level's number", 1, cpuid(0xb, 1).ecx & 0xff);
		check("leaf 0BH comes to an end", 0, cpuid(0xb, 5).ecx >> 8 & 0xff);
	} else {
		check_skip("leaf 0BH has the same", "there is none");
		check_skip("leaf 0BH, its first level is SMT", "there is none");
		check_skip("leaf 0BH repeats the level's number", "there is none");
		check_skip("leaf 0BH comes to an end", "there is none");
	}
	check_true("leaf 1's CLFLUSH line", cpuid(1, 0).ebx >> 8 & 0xff);
}

/* A feature's instruction is there exactly if its bit is. */
static void instructions(void)
{
	u64 value = 0;

	check("CMPXCHG16B", cpu_has(FEATURE(1, 0, ECX, 13)) ? NO_FAULT : FAULT_UD,
	      attempt("cmpxchg16b (%0)", : : "r"((u64)LAYOUT_FREE), "a"(0), "b"(0), "c"(0), "d"(0)
		      : "memory"));
	check("POPCNT", cpu_has(FEATURE(1, 0, ECX, 23)) ? NO_FAULT : FAULT_UD,
	      attempt("popcnt %0, %0", : "+r"(value) : : "memory"));
	check("RDRAND", cpu_has(FEATURE(1, 0, ECX, 30)) ? NO_FAULT : FAULT_UD,
	      attempt("rdrand %0", : "+r"(value) : : "memory"));
	check("RDSEED", cpu_has(FEATURE(7, 0, EBX, 18)) ? NO_FAULT : FAULT_UD,
	      attempt("rdseed %0", : "+r"(value) : : "memory"));
	check("RDTSCP", cpu_has(FEATURE_RDTSCP) ? NO_FAULT : FAULT_UD,
	      attempt("rdtscp", : : : "rax", "rcx", "rdx", "memory"));
	check("INVPCID", cpu_has(FEATURE_INVPCID) ? NO_FAULT : FAULT_UD,
	      attempt("invpcid (%0), %1", : : "r"((u64)LAYOUT_FREE), "r"(3ULL) : "memory"));
	check("ADCX", cpu_has(FEATURE(7, 0, EBX, 19)) ? NO_FAULT : FAULT_UD,
	      attempt("adcx %0, %0", : "+r"(value) : : "memory"));
	check("CLFLUSH", cpu_has(FEATURE(1, 0, EDX, 19)) ? NO_FAULT : FAULT_UD,
	      attempt("clflush (%0)", : : "r"((u64)LAYOUT_FREE) : "memory"));
	check("STAC", cpu_has(FEATURE_SMAP) ? NO_FAULT : FAULT_UD,
	      attempt(".byte 0x0f, 0x01, 0xcb, 0x0f, 0x01, 0xca", : : : "memory"));
	check("VMXON without CR4.VMXE", FAULT_UD,
	      attempt("vmxon (%0)", : : "r"((u64)LAYOUT_FREE) : "memory"));
}

/* A control bit can be set exactly if its feature is there. */
static u64 set_cr4(u64 bit)
{
	u64 cr4 = read_register(cr4), seen = attempt_write_register(cr4, cr4 | bit);

	write_register(cr4, cr4);
	return seen;
}

static void control_bits(void)
{
	check("CR4.SMEP", cpu_has(FEATURE_SMEP) ? NO_FAULT : FAULT_GP, set_cr4(CR4_SMEP));
	check("CR4.SMAP", cpu_has(FEATURE_SMAP) ? NO_FAULT : FAULT_GP, set_cr4(CR4_SMAP));
	check("CR4.UMIP", cpu_has(FEATURE_UMIP) ? NO_FAULT : FAULT_GP, set_cr4(CR4_UMIP));
	check("CR4.FSGSBASE", cpu_has(FEATURE_FSGSBASE) ? NO_FAULT : FAULT_GP, set_cr4(BIT(16)));
	check("CR4.OSXSAVE", cpu_has(FEATURE_XSAVE) ? NO_FAULT : FAULT_GP,
	      set_cr4(CR4_OSXSAVE));
	check("CR4.PCIDE", cpu_has(FEATURE_PCID) ? NO_FAULT : FAULT_GP, set_cr4(CR4_PCIDE));
	check("CR4.PKE", cpu_has(FEATURE(7, 0, ECX, 3)) ? NO_FAULT : FAULT_GP, set_cr4(BIT(22)));
	check("CR4.LA57 in 64-bit mode", FAULT_GP, set_cr4(BIT(12)));
	check("CR4.VMXE", cpu_has(FEATURE(1, 0, ECX, 5)) ? NO_FAULT : FAULT_GP,
	      set_cr4(CR4_VMXE));
	check("TSC_DEADLINE", cpu_has(FEATURE_TSC_DEADLINE) ? NO_FAULT : FAULT_GP,
	      attempt_rdmsr(MSR_TSC_DEADLINE));
	check("TSC_ADJUST", cpu_has(FEATURE_TSC_ADJUST) ? NO_FAULT : FAULT_GP,
	      attempt_rdmsr(MSR_TSC_ADJUST));
	check("x2APIC's registers in xAPIC mode", FAULT_GP, attempt_rdmsr(0x802));
}

static void sizes(void)
{
	u32 bits = cpuid(0x80000008, 0).eax, physical = bits & 0xff, linear = bits >> 8 & 0xff;

	check_true("physical addresses", physical >= 36 && physical <= 52);
	check("linear addresses", cpu_has(FEATURE(7, 0, ECX, 16)) ? 57 : 48, linear);
	check("CR3's first reserved bit", FAULT_GP,
	      attempt_write_register(cr3, read_register(cr3) | BIT(physical)));
	check("long mode", BIT(29), cpuid(0x80000001, 0).edx & BIT(29));
	check("SYSCALL in 64-bit mode", BIT(11), cpuid(0x80000001, 0).edx & BIT(11));
	check("the hypervisor's bit", BIT(31), cpuid(1, 0).ecx & BIT(31));
	/* KVMKVMKVM, which guests look for */
	check("the hypervisor's signature", 0x4b4d564b, cpuid(0x40000000, 0).ebx);
}

void payload(void)
{
	ranges();
	dynamic();
	identity();
	instructions();
	control_bits();
	sizes();
}
