// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time-stamp counter (SDM 3B 18.17)
 */
#include "rings.h"

#define FAR	(1ULL << 40)	/* more ticks than a test takes, by far */

static u64 user_rdtsc(u64 unused)
{
	(void)unused;
	return attempt("rdtsc", : : : "rax", "rdx", "memory");
}

static u64 user_rdtscp(u64 unused)
{
	(void)unused;
	return attempt("rdtscp", : : : "rax", "rcx", "rdx", "memory");
}

static bool between(u64 low, u64 value, u64 high)
{
	return low <= value && value <= high;
}

static void counting(void)
{
	u64 before, last, now;
	u32 wrong = 0;
	int i;

	last = rdtsc();
	for (i = 0; i < 1000; i++, last = now) {
		now = rdtsc();
		wrong += now <= last;
	}
	check("it always goes on", 0, wrong);
	before = rdtsc();
	now = rdmsr(MSR_TSC);
	check_true("RDMSR of it says the same", between(before, now, rdtsc()));
	/* Across exits of all kinds */
	for (i = 0, wrong = 0, last = rdtsc(); i < 100; i++, last = now) {
		cpuid(0, 0);
		now = rdtsc();
		wrong += now <= last;
		outb(0x80, 0);
		last = rdtsc();
		wrong += last <= now;
		now = last;
	}
	check("also across exits", 0, wrong);
}

static void writing(void)
{
	u64 before = rdtsc(), adjust, now;

	wrmsr(MSR_TSC, before + FAR);
	now = rdtsc();
	check_true("written, it goes on from there", between(before + FAR, now, before + 2 * FAR));
	wrmsr(MSR_TSC, 1000);
	check_true("it can go back", between(1000, rdtsc(), FAR));
	wrmsr(MSR_TSC, 0x123456789abcdef0);
	check_true("all 64 bits are written",
		   between(0x123456789abcdef0, rdtsc(), 0x123456789abcdef0 + FAR));
	if (!cpu_has(FEATURE_TSC_ADJUST)) {
		check_skip("TSC_ADJUST", "the CPU has none");
		return;
	}
	wrmsr(MSR_TSC_ADJUST, 0);
	check("TSC_ADJUST 0", 0, rdmsr(MSR_TSC_ADJUST));
	before = rdtsc();
	wrmsr(MSR_TSC_ADJUST, FAR);
	now = rdtsc();
	check_true("TSC_ADJUST moves it", between(before + FAR, now, before + 2 * FAR));
	check("TSC_ADJUST reads back", FAR, rdmsr(MSR_TSC_ADJUST));
	wrmsr(MSR_TSC_ADJUST, -FAR);
	check_true("TSC_ADJUST is signed", rdtsc() - (before - FAR) < FAR);
	wrmsr(MSR_TSC_ADJUST, 0);
	now = rdtsc();
	wrmsr(MSR_TSC, now + 5 * FAR);
	adjust = rdmsr(MSR_TSC_ADJUST);
	check_true("a write to it is seen in TSC_ADJUST", between(4 * FAR, adjust, 5 * FAR));
	wrmsr(MSR_TSC_ADJUST, 0);
}

static void auxiliary(void)
{
	u64 a, c = ~0ULL, d, before;

	if (!cpu_has(FEATURE_RDTSCP)) {
		check_skip("RDTSCP", "the CPU has none");
		return;
	}
	wrmsr(MSR_TSC_AUX, 0x89abcdef);
	before = rdtsc();
	asm volatile("rdtscp" : "=a"(a), "+c"(c), "=d"(d) : : "memory");
	check("RDTSCP gives TSC_AUX", 0x89abcdef, c);
	check_true("RDTSCP gives the time", between(before, a | d << 32, rdtsc()));
}

static void disabled(void)
{
	u64 cr4 = read_register(cr4);

	user_memory(true);
	check("RDTSC in ring 3", NO_FAULT, user_call(user_rdtsc, 0));
	write_register(cr4, cr4 | CR4_TSD);
	check("RDTSC in ring 3 with TSD", FAULT_GP, user_call(user_rdtsc, 0));
	if (cpu_has(FEATURE_RDTSCP))
		check("RDTSCP in ring 3 with TSD", FAULT_GP, user_call(user_rdtscp, 0));
	else
		check_skip("RDTSCP in ring 3 with TSD", "the CPU has none");
	check("RDTSC in ring 0 with TSD", NO_FAULT,
	      attempt("rdtsc", : : : "rax", "rdx", "memory"));
	write_register(cr4, cr4);
}

void payload(void)
{
	counting();
	writing();
	auxiliary();
	disabled();
}
