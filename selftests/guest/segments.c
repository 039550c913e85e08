// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segmentation: descriptors, limits and types in compatibility mode, system
 * segments, far transfers, FS and GS (SDM 3A chapters 3 and 5)
 */
#include "rings.h"

#define VECTOR_TS	10
#define VECTOR_NP	11
#define VECTOR_SS	12

#define SELECTOR(n)	(SELECTOR_FREE + 8 * (n))
#define S_SMALL		SELECTOR(0)	/* data, limit 0fffh */
#define S_READ_ONLY	SELECTOR(1)
#define S_EXECUTE_ONLY	SELECTOR(2)
#define S_DOWN		SELECTOR(3)	/* data, expands down to 1000h */
#define S_ABSENT	SELECTOR(4)
#define S_BASE		SELECTOR(5)	/* data, base LAYOUT_SCRATCH */
#define S_CONFORMING	SELECTOR(6)	/* 64-bit code, conforming */
#define S_NEW		SELECTOR(7)	/* data, never accessed */
#define S_USER_CODE32	SELECTOR(8)
#define S_LDT		SELECTOR(10)	/* 16 bytes */
#define S_TSS		SELECTOR(12)	/* 16 bytes, available */
#define S_TSS_ABSENT	SELECTOR(14)	/* 16 bytes */
#define S_GATE		SELECTOR(16)	/* 16 bytes: call gate of DPL 3 */
#define S_GATE_0	SELECTOR(18)	/* 16 bytes: call gate of DPL 0 */

#define FLAG_ZF		BIT(6)
#define NON_CANONICAL	BIT(63)

static u64 ldt[2] = { 0x00cf93000000ffff, 0 };

struct __attribute__((packed)) far64 {
	u64 offset;
	u16 selector;
};

struct __attribute__((packed)) far32 {
	u32 offset;
	u16 selector;
};

static u64 system_low(u64 base, u64 limit, u64 access)
{
	return (limit & 0xffff) | (base & 0xffffff) << 16 | access << 40 |
	       (base >> 24 & 0xff) << 56;
}

static u64 call_gate(u64 target, u16 selector, u64 access)
{
	return (target & 0xffff) | (u64)selector << 16 | access << 40 |
	       (target >> 16 & 0xffff) << 48;
}

void far_target(void);

static void write_descriptors(void)
{
	*gdt_entry(S_SMALL) = 0x0040930000000fff;
	*gdt_entry(S_READ_ONLY) = 0x00cf91000000ffff;
	*gdt_entry(S_EXECUTE_ONLY) = 0x00cf99000000ffff;
	*gdt_entry(S_DOWN) = 0x0040970000000fff;
	*gdt_entry(S_ABSENT) = 0x00cf13000000ffff;
	*gdt_entry(S_BASE) = 0x00cf93000000ffff | (u64)LAYOUT_SCRATCH << 16;
	*gdt_entry(S_CONFORMING) = 0x00af9f000000ffff;
	*gdt_entry(S_NEW) = 0x00cf92000000ffff;
	*gdt_entry(S_USER_CODE32) = 0x00cffb000000ffff;
	*gdt_entry(S_LDT) = system_low((u64)ldt, sizeof(ldt) - 1, 0x82);
	*gdt_entry(S_TSS) = system_low(LAYOUT_CPU, 0x67, 0x89);
	*gdt_entry(S_TSS_ABSENT) = system_low(LAYOUT_CPU, 0x67, 0x09);
	*gdt_entry(S_GATE) = call_gate((u64)far_target, SELECTOR_CODE64, 0xec);
	*gdt_entry(S_GATE_0) = call_gate((u64)far_target, SELECTOR_CODE64, 0x8c);
}

/* ---- 32-bit code, which has bases, limits and types ---------------------------- */

COMPAT(compat_load_es, TRY32("mov %eax, %es"));
COMPAT(compat_via_cs, TRY32("movl $1, %cs:(%eax)"));
COMPAT(compat_small_stack,
       "mov %ss, %edx; mov %esp, %ecx; mov $0x100, %ebx;"	/* S_SMALL */
       ""
       "movl $9f, 0xa008; mov %ebx, %ss; mov %eax, %esp; pop %ebx;"
       "9: mov %edx, %ss; mov %ecx, %esp; movl $0, 0xa008");

/* compat_enter() gives ES the usual selector, so it's loaded in here. */
COMPAT(compat_access,
       "mov segments_selector, %edx; mov %edx, %es;"
       "cmpl $0, segments_write; jne 1f;"
       TRY32("movl %es:(%eax), %eax") "ret; 1:" TRY32("movl $0x5e9, %es:(%eax)"));
static u32 selector_for_es __asm__("segments_selector") __attribute__((used));
static u32 write_for_es __asm__("segments_write") __attribute__((used));

static u64 through(u16 selector, u32 offset, bool write)
{
	WRITE_ONCE(selector_for_es, selector);
	WRITE_ONCE(write_for_es, write);
	return compat_attempt(compat_access, offset);
}

static void limits(void)
{
	check("the last bytes within the limit", NO_FAULT, through(S_SMALL, 0xffc, false));
	check("a byte beyond the limit", FAULT_GP, through(S_SMALL, 0xffd, false));
	check("a write beyond the limit", FAULT_GP, through(S_SMALL, 0x1000, true));
	check("expand-down, below", FAULT_GP, through(S_DOWN, 0xffc, false));
	check("expand-down, the first", NO_FAULT, through(S_DOWN, 0x1000, false));
	check("read-only, a read", NO_FAULT, through(S_READ_ONLY, LAYOUT_SCRATCH, false));
	check("read-only, a write", FAULT_GP, through(S_READ_ONLY, LAYOUT_SCRATCH, true));
	check("a write by CS", FAULT_GP, compat_attempt(compat_via_cs, LAYOUT_SCRATCH));
	*(volatile u32 *)(LAYOUT_SCRATCH + 0x40) = 0;
	check("base and offset", NO_FAULT, through(S_BASE, 0x40, true));
	check("are added", 0x5e9, *(volatile u32 *)(LAYOUT_SCRATCH + 0x40));
	check("offsets wrap at 32 bits", NO_FAULT, through(S_BASE, -(u32)LAYOUT_SCRATCH, false));
	check("execute-only isn't for ES", FAULT(VECTOR_GP, S_EXECUTE_ONLY),
	      compat_attempt(compat_load_es, S_EXECUTE_ONLY));
	check("nothing there isn't for ES", FAULT(VECTOR_NP, S_ABSENT),
	      compat_attempt(compat_load_es, S_ABSENT));
	check("a stack beyond its limit", FAULT(VECTOR_SS, 0),
	      compat_attempt(compat_small_stack, 0xffd));
	check("a stack within its limit", NO_FAULT, compat_attempt(compat_small_stack, 0xffc));
	check("a descriptor isn't accessed yet", 0x92, *gdt_entry(S_NEW) >> 40 & 0xff);
	compat_attempt(compat_load_es, S_NEW);
	check("loading it says so", 0x93, *gdt_entry(S_NEW) >> 40 & 0xff);
}

/* In 64-bit mode, DS has neither base nor limit nor type; FS has a base. */
static void flat(void)
{
	u64 value;

	*(volatile u64 *)LAYOUT_SCRATCH = 0x1234;
	*(volatile u64 *)(LAYOUT_SCRATCH + 8) = 0x5678;
	check("64-bit mode doesn't look at DS", NO_FAULT,
	      attempt("mov %1, %%ds; mov (%2), %0", : "=r"(value)
		      : "r"((u32)S_BASE), "r"((u64)LAYOUT_SCRATCH) : "memory"));
	check("nor at its base", 0x1234, value);
	check("nor at the limit", NO_FAULT,
	      attempt("mov %1, %%ds; mov (%2), %0", : "=r"(value)
		      : "r"((u32)S_SMALL), "r"((u64)LAYOUT_SCRATCH) : "memory"));
	asm volatile("mov %1, %%fs; mov %%fs:8, %0" : "=r"(value) : "r"((u32)S_BASE));
	check("FS has the descriptor's base", 0x5678, value);
	check("which its MSR shows", LAYOUT_SCRATCH, rdmsr(MSR_FS_BASE));
	asm volatile("mov %0, %%ds; mov %1, %%fs" : : "r"(SELECTOR_DATA), "r"(0));
}

/* ---- what only asks: LAR, LSL, VERR, VERW --------------------------------------- */

static u64 lar(u32 selector)
{
	u64 rights = 0, flags;

	asm volatile("lar %2, %0; pushfq; pop %1"
		     : "+r"(rights), "=r"(flags) : "r"((u64)selector) : "memory");
	/* Bits 16 to 19 are undefined. */
	return flags & FLAG_ZF ? rights & 0xf0ff00 : 0;
}

static u64 lsl(u32 selector)
{
	u64 limit = 0, flags;

	asm volatile("lsl %2, %0; pushfq; pop %1"
		     : "+r"(limit), "=r"(flags) : "r"((u64)selector) : "memory");
	return flags & FLAG_ZF ? limit & 0xffffffff : BIT(63);
}

static bool verr(u16 selector)
{
	u64 flags;

	asm volatile("verr %1; pushfq; pop %0" : "=r"(flags) : "r"(selector) : "memory");
	return flags & FLAG_ZF;
}

static bool verw(u16 selector)
{
	u64 flags;

	asm volatile("verw %1; pushfq; pop %0" : "=r"(flags) : "r"(selector) : "memory");
	return flags & FLAG_ZF;
}

static u64 user_lar(u64 selector)
{
	return lar(selector);
}

static void questions(void)
{
	check("LAR of data", 0xc09300, lar(SELECTOR_DATA));
	check("LAR of 64-bit code", 0xa09b00, lar(SELECTOR_CODE64));
	check("LAR of the busy TSS", 0x008b00, lar(SELECTOR_TSS));
	check("LAR of a null selector", 0, lar(0));
	check("LAR of nothing", 0, lar(SELECTOR(40)));
	*gdt_entry(SELECTOR(30)) = system_low(0, 0, 0x8e);
	check("LAR of an interrupt gate's type", 0, lar(SELECTOR(30)));
	check("LAR in ring 3 of DPL 0", 0, user_call(user_lar, SELECTOR_DATA));
	check("LAR in ring 3 of DPL 3", 0xc0f300, user_call(user_lar, SELECTOR_USER_DATA));
	check("LSL with 4 KiB granularity", 0xffffffff, lsl(SELECTOR_DATA));
	check("LSL with byte granularity", 0xfff, lsl(S_SMALL));
	check("LSL of the TSS", 0x67, lsl(SELECTOR_TSS));
	check("LSL of a call gate", BIT(63), lsl(S_GATE));
	check_true("VERR of data", verr(SELECTOR_DATA));
	check_true("VERR of execute-only code", !verr(S_EXECUTE_ONLY));
	check_true("VERW of data", verw(SELECTOR_DATA));
	check_true("VERW of read-only data", !verw(S_READ_ONLY));
	check_true("VERW of code", !verw(SELECTOR_CODE64));
	check_true("VERR of the TSS", !verr(SELECTOR_TSS));
}

/* ---- LDT, TSS, table registers --------------------------------------------------- */

static u64 user_load(u64 selector)
{
	return attempt("mov %0, %%ds", : : "r"((u32)selector) : "memory");
}

static u64 user_ltr(u64 selector)
{
	return attempt("ltr %0", : : "r"((u16)selector) : "memory");
}

static u64 user_str(u64 unused)
{
	u64 value = unused;

	attempt("str %0", : "+r"(value) : : "memory");
	return value;
}

static void system_segments(void)
{
	struct __attribute__((packed)) {
		u16 limit;
		u64 base;
	} table;
	u64 value = 0;

	check("LLDT", NO_FAULT, attempt("lldt %0", : : "r"((u16)S_LDT) : "memory"));
	asm volatile("sldt %0" : "=r"(value));
	check("SLDT", S_LDT, value & 0xffff);
	check("DS from the LDT", NO_FAULT, attempt("mov %0, %%ds", : : "r"(4) : "memory"));
	check("DS from beyond the LDT's limit", FAULT(VECTOR_GP, 0x14),
	      attempt("mov %0, %%ds", : : "r"(0x14) : "memory"));
	check("LLDT of a TSS", FAULT(VECTOR_GP, S_TSS),
	      attempt("lldt %0", : : "r"((u16)S_TSS) : "memory"));
	check("LLDT of a selector in the LDT", FAULT(VECTOR_GP, 4),
	      attempt("lldt %0", : : "r"((u16)4) : "memory"));
	check("LLDT 0", NO_FAULT, attempt("lldt %0", : : "r"((u16)0) : "memory"));
	check("and there is none", FAULT(VECTOR_GP, 4),
	      attempt("mov %0, %%ds", : : "r"(4) : "memory"));
	asm volatile("mov %0, %%ds" : : "r"(SELECTOR_DATA));

	check("LTR of a null selector", FAULT_GP, attempt("ltr %0", : : "r"((u16)0) : "memory"));
	check("LTR of a busy TSS", FAULT(VECTOR_GP, SELECTOR_TSS),
	      attempt("ltr %0", : : "r"((u16)SELECTOR_TSS) : "memory"));
	check("LTR of a TSS that isn't present", FAULT(VECTOR_NP, S_TSS_ABSENT),
	      attempt("ltr %0", : : "r"((u16)S_TSS_ABSENT) : "memory"));
	check("LTR of data", FAULT(VECTOR_GP, SELECTOR_DATA),
	      attempt("ltr %0", : : "r"((u16)SELECTOR_DATA) : "memory"));
	check("LTR in ring 3", FAULT_GP, user_call(user_ltr, S_TSS));
	check("STR in ring 3", SELECTOR_TSS, user_call(user_str, 0) & 0xffff);
	check("LTR", NO_FAULT, attempt("ltr %0", : : "r"((u16)S_TSS) : "memory"));
	check("which makes it busy", 0x8b, *gdt_entry(S_TSS) >> 40 & 0xff);
	*gdt_entry(SELECTOR_TSS) &= ~BIT(41);
	asm volatile("ltr %0" : : "r"((u16)SELECTOR_TSS));

	asm volatile("sgdt %0" : "=m"(table));
	check("SGDT's base", LAYOUT_GDT, table.base);
	check("SGDT's limit", 0xfff, table.limit);
	asm volatile("sidt %0" : "=m"(table));
	check("SIDT's base", LAYOUT_IDT, table.base);
	table.base = NON_CANONICAL;
	check("LGDT of what isn't canonical", FAULT_GP,
	      attempt("lgdt %0", : : "m"(table) : "memory"));
	check("LIDT of what isn't canonical", FAULT_GP,
	      attempt("lidt %0", : : "m"(table) : "memory"));
	check("ring 3 loads DPL 0", FAULT(VECTOR_GP, SELECTOR_DATA),
	      user_call(user_load, SELECTOR_DATA));
	check("ring 3 loads DPL 3", NO_FAULT, user_call(user_load, SELECTOR_USER_DATA));
	check("ring 3 loads a null selector", NO_FAULT, user_call(user_load, 3));
}

/* ---- far transfers ---------------------------------------------------------------- */

/* Far code: notes CS, SS and the stack's top, and returns far. */
static struct {
	u64 cs, ss, return_cs;
} seen __asm__("segments_seen") __attribute__((used));

asm(".pushsection .text\n"
    "far_target:\n\t"
    "mov %cs, %eax\n\t"
    "mov %rax, segments_seen\n\t"
    "mov %ss, %eax\n\t"
    "mov %rax, segments_seen + 8\n\t"
    "mov 8(%rsp), %rax\n\t"
    "mov %rax, segments_seen + 16\n\t"
    "rex.w lret\n"
    ".popsection\n");

#define far_call(selector) ({						\
	const struct far64 __there = { (u64)far_target, (selector) };	\
									\
	attempt("mov %%rsp, %%rbx; rex.w lcall *%0; 9: mov %%rbx, %%rsp", : \
		: "m"(__there) : "rax", "rbx", "memory");		\
})

static u64 user_far_call(u64 selector)
{
	return far_call(selector);
}

static void far_transfers(void)
{
	check("a far call, 64-bit", NO_FAULT, far_call(SELECTOR_CODE64));
	check("it pushes CS", SELECTOR_CODE64, seen.return_cs & 0xffff);
	check("a far call to data", FAULT(VECTOR_GP, SELECTOR_DATA), far_call(SELECTOR_DATA));
	check("a far call to nowhere", FAULT_GP, far_call(0));
	check("a far call to a conforming segment", NO_FAULT, far_call(S_CONFORMING));
	check("it has that CS", S_CONFORMING, seen.cs);
	check("a far call through a gate", NO_FAULT, far_call(S_GATE));
	check("it has the gate's CS", SELECTOR_CODE64, seen.cs);

	check("ring 3 calls ring 0's segment", FAULT(VECTOR_GP, SELECTOR_CODE64),
	      user_call(user_far_call, SELECTOR_CODE64));
	check("ring 3 calls a conforming segment", NO_FAULT,
	      user_call(user_far_call, S_CONFORMING | 3));
	check("it stays in ring 3", S_CONFORMING | 3, seen.cs);
	check("ring 3 calls a gate of DPL 0", FAULT(VECTOR_GP, S_GATE_0),
	      user_call(user_far_call, S_GATE_0));
	check("ring 3 calls a gate of DPL 3", NO_FAULT, user_call(user_far_call, S_GATE | 3));
	check("it is in ring 0", SELECTOR_CODE64, seen.cs);
	check("with a null SS", 0, seen.ss & ~3ULL);
	check("and goes back to ring 3", SELECTOR_USER_CODE64, seen.return_cs & 0xffff);
	check("IRET to a segment that isn't code", FAULT(VECTOR_GP, SELECTOR_DATA),
	      attempt("mov %%rsp, %%rbx; push %0; push %%rbx; pushfq; push %0; push $9f; iretq;"
		      "9: mov %%rbx, %%rsp", : : "r"((u64)SELECTOR_DATA) : "rbx", "memory"));
	check("IRET to what isn't canonical", FAULT_GP,
	      attempt("mov %%rsp, %%rbx; push %0; push %%rbx; pushfq; push %1; push %2; iretq;"
		      "9: mov %%rbx, %%rsp", : : "r"((u64)SELECTOR_DATA),
		      "r"((u64)SELECTOR_CODE64), "r"(NON_CANONICAL) : "rbx", "memory"));
}

/* ---- FS and GS ------------------------------------------------------------------- */

static u64 user_swapgs(u64 unused)
{
	(void)unused;
	return attempt("swapgs", : : : "memory");
}

static void bases(void)
{
	u64 gs = rdmsr(MSR_GS_BASE), value, cr4 = read_register(cr4);

	wrmsr(MSR_FS_BASE, 0x7fffffffffff);
	check("FS base", 0x7fffffffffff, rdmsr(MSR_FS_BASE));
	check("FS base that isn't canonical", FAULT_GP,
	      attempt_wrmsr(MSR_FS_BASE, 0x800000000000));
	check("KERNEL_GS_BASE that isn't canonical", FAULT_GP,
	      attempt_wrmsr(MSR_KERNEL_GS_BASE, 0x800000000000));
	wrmsr(MSR_KERNEL_GS_BASE, LAYOUT_SCRATCH);
	asm volatile("swapgs; mov %%gs:0x40, %0; swapgs" : "=r"(value));
	check("SWAPGS", *(volatile u64 *)(LAYOUT_SCRATCH + 0x40), value);
	check("and back", gs, rdmsr(MSR_GS_BASE));
	check("KERNEL_GS_BASE is back, too", LAYOUT_SCRATCH, rdmsr(MSR_KERNEL_GS_BASE));
	check("SWAPGS in ring 3", FAULT_GP, user_call(user_swapgs, 0));
	if (!cpu_has(FEATURE_FSGSBASE)) {
		check_skip("FSGSBASE", "the CPU has none");
		return;
	}
	check("RDFSBASE without FSGSBASE", FAULT_UD,
	      attempt("rdfsbase %0", : "=r"(value) : : "memory"));
	write_register(cr4, cr4 | BIT(16));
	check("WRFSBASE", NO_FAULT, attempt("wrfsbase %0", : : "r"(0x123456789ULL) : "memory"));
	asm volatile("rdfsbase %0" : "=r"(value));
	check("RDFSBASE", 0x123456789, value);
	check("the MSR says so too", 0x123456789, rdmsr(MSR_FS_BASE));
	check("WRFSBASE of what isn't canonical", FAULT_GP,
	      attempt("wrfsbase %0", : : "r"(NON_CANONICAL) : "memory"));
	asm volatile("wrfsbase %k0; rdfsbase %0" : "=&r"(value) : "0"(~0ULL));
	check("WRFSBASE of 32 bits clears the high half", 0xffffffff, value);
	asm volatile("rdgsbase %0" : "=r"(value));
	check("RDGSBASE", gs, value);
	write_register(cr4, cr4);
}

void payload(void)
{
	write_descriptors();
	user_memory(true);
	limits();
	flat();
	questions();
	system_segments();
	far_transfers();
	bases();
}
