// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions: what raises them, their error codes, where they return to, and
 * what becomes of an exception on the way to another's handler (SDM 3A chapter 6)
 */
#include "rings.h"

#define VECTOR_OF	4
#define VECTOR_BR	5
#define VECTOR_NP	11
#define VECTOR_SS	12
#define VECTOR_MF	16
#define VECTOR_XM	19

#define FLAGS_NT	BIT(14)
#define FLAGS_RF	BIT(16)
#define FLAGS_AC	BIT(18)

#define NON_CANONICAL	BIT(63)
#define UNMAPPED	0x8000000000ULL		/* beyond the tables' 4 GiB */

/* Error codes (SDM 3A 6.13): of a gate, and during an event that isn't INT n's */
#define GATE(vector)	((vector) * 8 | 2)
#define EXTERNAL	1

#define SELECTOR_ABSENT	SELECTOR_FREE

static bool behind(u8 last_byte)
{
	return *(u8 *)(guest_fault()->rip - 1) == last_byte;
}

/* ---- what raises which ------------------------------------------------------- */

static void divide(void)
{
	u64 zero = 0, minus_one = ~0ULL;

	check("DIV by zero", FAULT(VECTOR_DE, 0),
	      attempt("div %0", : : "r"(zero), "a"(1), "d"(0) : "memory"));
	check("DIV, quotient of 65 bits", FAULT(VECTOR_DE, 0),
	      attempt("div %0", : : "r"(1ULL), "a"(1), "d"(1) : "memory"));
	check("IDIV, the smallest by -1", FAULT(VECTOR_DE, 0),
	      attempt("idiv %0", : : "r"(minus_one), "a"(BIT(63)), "d"(minus_one) : "memory"));
}

static void traps(void)
{
	check("INT3", FAULT(VECTOR_BP, 0), attempt("int3", : : : "memory"));
	check_true("INT3 returns behind itself", behind(0xcc));
	check("INT3 pushes RF clear", 0, guest_fault()->rflags & FLAGS_RF);
	write_register(db6, 0xffff0ff0);
	check("INT1", FAULT(VECTOR_DB, 0), attempt(".byte 0xf1", : : : "memory"));
	check_true("INT1 returns behind itself", behind(0xf1));
	check("INT1 changes nothing in DR6", 0xffff0ff0, guest_fault()->dr6);
	check("INT 6 has no error code", FAULT_UD,
	      attempt("int $6", : : : "memory"));
	check_true("INT n returns behind itself", behind(6));
}

static void invalid_opcodes(void)
{
	check("UD2", FAULT_UD, attempt("ud2", : : : "memory"));
	check("UD2 returns to itself", 0x0b0f, *(u16 *)guest_fault()->rip);
	check("a fault pushes RF set", FLAGS_RF, guest_fault()->rflags & FLAGS_RF);
	check("LOCK NOP", FAULT_UD, attempt(".byte 0xf0, 0x90", : : : "memory"));
	check("INTO in 64-bit mode", FAULT_UD, attempt(".byte 0xce", : : : "memory"));
	check("PUSH CS in 64-bit mode", FAULT_UD, attempt(".byte 0x0e", : : : "memory"));
	check("MOV to CS", FAULT_UD, attempt(".byte 0x8e, 0xc8", : : "a"(8) : "memory"));
	check("MOV from CR1", FAULT_UD, attempt("mov %%cr1, %%rax", : : : "rax", "memory"));
	check("VMXOFF outside VMX operation", FAULT_UD, attempt("vmxoff", : : : "memory"));
	check("RSM outside SMM", FAULT_UD, attempt("rsm", : : : "memory"));
}

COMPAT(compat_into, "mov $0x7fffffff, %eax; inc %eax;" TRY32("into"));
COMPAT(compat_into_not, "xor %eax, %eax;" TRY32("into"));
COMPAT(compat_bound, TRY32(".byte 0x62, 0x05; .long bounds"));
COMPAT(compat_aam, TRY32("aam $0"));
COMPAT(compat_limit, TRY32("mov %fs:0, %eax"));
static const u32 bounds[] __asm__("bounds") __attribute__((used)) = { 10, 20 };

static void compatibility(void)
{
	check("INTO with OF, 32-bit", FAULT(VECTOR_OF, 0), compat_attempt(compat_into, 0));
	check_true("INTO returns behind itself", behind(0xce));
	check("INTO without OF, 32-bit", NO_FAULT, compat_attempt(compat_into_not, 0));
	check("BOUND below", FAULT(VECTOR_BR, 0), compat_attempt(compat_bound, 9));
	check("BOUND, the first", NO_FAULT, compat_attempt(compat_bound, 10));
	check("BOUND, the last", NO_FAULT, compat_attempt(compat_bound, 20));
	check("BOUND above", FAULT(VECTOR_BR, 0), compat_attempt(compat_bound, 21));
	check("AAM 0", FAULT(VECTOR_DE, 0), compat_attempt(compat_aam, 0));
	check("a null selector used, 32-bit", FAULT_GP, compat_attempt(compat_limit, 0));
}

/* ---- floating point ---------------------------------------------------------- */

static void set_cr0(u64 set, u64 clear)
{
	write_register(cr0, (read_register(cr0) | set) & ~clear);
}

static void set_cr4(u64 set, u64 clear)
{
	write_register(cr4, (read_register(cr4) | set) & ~clear);
}

static void not_available(void)
{
	set_cr0(CR0_TS, 0);
	check("x87 with TS", FAULT_NM, attempt("fnop", : : : "memory"));
	check("SSE with TS", FAULT_NM, attempt("movaps %%xmm0, %%xmm0", : : : "memory"));
	check("FXSAVE with TS", FAULT_NM,
	      attempt("fxsave (%0)", : : "r"(LAYOUT_FREE) : "memory"));
	check("WAIT with TS and MP", FAULT_NM, attempt("fwait", : : : "memory"));
	set_cr0(0, CR0_MP);
	check("WAIT with TS without MP", NO_FAULT, attempt("fwait", : : : "memory"));
	set_cr0(CR0_MP, 0);
	asm volatile("clts");
	check("CLTS clears TS", 0, read_register(cr0) & CR0_TS);
	check("x87 after CLTS", NO_FAULT, attempt("fnop", : : : "memory"));
	set_cr0(CR0_EM, 0);
	check("x87 with EM", FAULT_NM, attempt("fnop", : : : "memory"));
	check("SSE with EM", FAULT_UD, attempt("movaps %%xmm0, %%xmm0", : : : "memory"));
	set_cr0(0, CR0_EM);
	set_cr4(0, CR4_OSFXSR);
	check("SSE without OSFXSR", FAULT_UD, attempt("movaps %%xmm0, %%xmm0", : : : "memory"));
	set_cr4(CR4_OSFXSR, 0);
}

static void math_faults(void)
{
	const u16 unmask_zero_divide = 0x037b;
	const u32 mxcsr_unmask_zero_divide = 0x1d80, mxcsr_default = 0x1f80;
	const u32 one = 0x3f800000, zero = 0;

	asm volatile("fninit; fldcw %0" : : "m"(unmask_zero_divide));
	check("x87 divides by zero, no exception yet", NO_FAULT,
	      attempt("fld1; fdivs %0", : : "m"(zero) : "memory"));
	check("the next x87 instruction, with NE", FAULT(VECTOR_MF, 0),
	      attempt("fwait", : : : "memory"));
	check("#MF returns to that instruction", 0x9b, *(u8 *)guest_fault()->rip);
	asm volatile("fninit");

	asm volatile("ldmxcsr %0; xorps %%xmm1, %%xmm1; movd %1, %%xmm0"
		     : : "m"(mxcsr_unmask_zero_divide), "r"(one));
	check("SSE divides by zero", FAULT(VECTOR_XM, 0),
	      attempt("divss %%xmm1, %%xmm0", : : : "memory"));
	set_cr4(0, CR4_OSXMMEXCPT);
	check("the same without OSXMMEXCPT", FAULT_UD,
	      attempt("divss %%xmm1, %%xmm0", : : : "memory"));
	set_cr4(CR4_OSXMMEXCPT, 0);
	asm volatile("ldmxcsr %0" : : "m"(mxcsr_default));
	check("LDMXCSR with a reserved bit", FAULT_GP,
	      attempt("ldmxcsr %0", : : "m"((const u32){ BIT(16) }) : "memory"));
}

/* ---- segments and gates ------------------------------------------------------ */

static void selectors(void)
{
	*gdt_entry(SELECTOR_ABSENT) = *gdt_entry(SELECTOR_DATA) & ~BIT(47);
	check("DS not present", FAULT(VECTOR_NP, SELECTOR_ABSENT),
	      attempt("mov %0, %%ds", : : "r"(SELECTOR_ABSENT) : "memory"));
	check("SS not present", FAULT(VECTOR_SS, SELECTOR_ABSENT),
	      attempt("mov %0, %%ss", : : "r"(SELECTOR_ABSENT) : "memory"));
	check("SS with RPL 3 in ring 0", FAULT(VECTOR_GP, SELECTOR_DATA),
	      attempt("mov %0, %%ss", : : "r"(SELECTOR_DATA | 3) : "memory"));
	check("DS beyond the GDT's limit", FAULT(VECTOR_GP, 0x1000),
	      attempt("mov %0, %%ds", : : "r"(0x1000) : "memory"));
	check("DS from no LDT", FAULT(VECTOR_GP, 0xc),
	      attempt("mov %0, %%ds", : : "r"(0xc) : "memory"));
	check("DS of a system segment", FAULT(VECTOR_GP, SELECTOR_TSS),
	      attempt("mov %0, %%ds", : : "r"(SELECTOR_TSS) : "memory"));
	check("a null SS in ring 0", NO_FAULT,
	      attempt("mov %%ss, %%edx; mov %0, %%ss; mov %%edx, %%ss", : : "r"(0)
		      : "edx", "memory"));
}

static void canonical(void)
{
	check("a non-canonical address", FAULT_GP,
	      attempt("mov (%0), %%rax", : : "r"(NON_CANONICAL) : "rax", "memory"));
	check("a non-canonical address by RBP", FAULT(VECTOR_SS, 0),
	      attempt("xchg %%rax, %%rbp; mov (%%rbp), %%rcx; 9: xchg %%rax, %%rbp",
		      : : "a"(NON_CANONICAL) : "rcx", "memory"));
	check("a jump to a non-canonical address", FAULT_GP,
	      attempt("jmp *%0", : : "r"(NON_CANONICAL) : "memory"));
}

static void gates(void)
{
	static const struct __attribute__((packed)) {
		u16 limit;
		u64 base;
	} small = { 0x1ff, LAYOUT_IDT }, whole = { 0xfff, LAYOUT_IDT };

	gate_set_present(0x30, false);
	check("INT n, its gate not present", FAULT(VECTOR_NP, GATE(0x30)),
	      attempt("int $0x30", : : : "memory"));
	gate_set_present(0x30, true);
	gate_set_type(0x30, 0xd);
	check("INT n, no gate of that type", FAULT(VECTOR_GP, GATE(0x30)),
	      attempt("int $0x30", : : : "memory"));
	gate_set_type(0x30, GATE_INTERRUPT);
	gate_set_selector(0x30, 0);
	check("INT n, null selector in the gate", FAULT_GP,
	      attempt("int $0x30", : : : "memory"));
	gate_set_selector(0x30, SELECTOR_DATA);
	check("INT n, a data segment in the gate", FAULT(VECTOR_GP, SELECTOR_DATA),
	      attempt("int $0x30", : : : "memory"));
	gate_set_selector(0x30, SELECTOR_CODE32);
	check("INT n, a 32-bit segment in the gate", FAULT(VECTOR_GP, SELECTOR_CODE32),
	      attempt("int $0x30", : : : "memory"));
	gate_set_selector(0x30, SELECTOR_CODE64);
	asm volatile("lidt %0" : : "m"(small));
	check("INT n beyond the IDT's limit", FAULT(VECTOR_GP, GATE(0x20)),
	      attempt("int $0x20", : : : "memory"));
	asm volatile("lidt %0" : : "m"(whole));
	gate_set_present(VECTOR_BP, false);
	check("INT3, its gate not present", FAULT(VECTOR_NP, GATE(VECTOR_BP)),
	      attempt("int3", : : : "memory"));
	gate_set_present(VECTOR_BP, true);
}

/* ---- how handlers are entered ------------------------------------------------ */

static struct trap_frame *frame_at;
static struct trap_frame frame_was;
static u64 flags_in_handler;

static void note_frame(struct trap_frame *frame)
{
	frame_at = frame;
	frame_was = *frame;
	flags_in_handler = read_flags();
}

static void entering(void)
{
	u8 *ist = (u8 *)LAYOUT_FREE + 0x1000;

	guest_handler[0x30] = note_frame;
	tss_set_ist(1, (u64)ist);
	gate_set_ist(0x30, 1);
	asm volatile("int $0x30" : : : "memory");
	check("IST gives the stack", (u64)ist, (u64)(frame_at + 1));
	/* The processor clears the low four bits before it pushes. */
	tss_set_ist(1, (u64)ist - 8);
	asm volatile("int $0x30" : : : "memory");
	check("IST's stack is aligned", (u64)ist - 16, (u64)(frame_at + 1));
	gate_set_ist(0x30, 0);
	asm volatile("sub $8, %%rsp; int $0x30; add $8, %%rsp" : : : "memory");
	check("the old stack is aligned, too", 0, (u64)(frame_at + 1) & 15);

	irq_enable();
	asm volatile("int $0x30" : : : "memory");
	check("an interrupt gate clears IF", 0, flags_in_handler & FLAGS_IF);
	check("IRET brings IF back", FLAGS_IF, read_flags() & FLAGS_IF);
	gate_set_type(0x30, GATE_TRAP);
	asm volatile("int $0x30" : : : "memory");
	check("a trap gate keeps IF", FLAGS_IF, flags_in_handler & FLAGS_IF);
	irq_disable();
	gate_set_type(0x30, GATE_INTERRUPT);

	asm volatile("pushfq; orl $0x4000, (%%rsp); popfq; int $0x30;"
		     "pushfq; andl $~0x4000, (%%rsp); popfq" : : : "memory");
	check("the handler has NT clear", 0, flags_in_handler & FLAGS_NT);
	check("NT is pushed", FLAGS_NT, frame_was.rflags & FLAGS_NT);
	check("IRET with NT", FAULT_GP,
	      attempt("pushfq; orl $0x4000, (%%rsp); popfq; iretq", : : : "memory"));
	asm volatile("pushfq; andl $~0x4000, (%%rsp); popfq" : : : "memory");
}

static u64 user_interrupt(u64 unused)
{
	(void)unused;
	asm volatile("int $0x30" : : : "memory");
	return attempt("int $0x31", : : : "memory");
}

static u64 user_read(u64 address)
{
	u64 value;

	return attempt("mov (%1), %0", : "=r"(value) : "r"(address) : "memory");
}

static u64 user_hlt(u64 unused)
{
	(void)unused;
	return attempt("hlt", : : : "memory");
}

static u64 user_cr(u64 unused)
{
	(void)unused;
	return attempt("mov %%cr0, %%rax", : : : "rax", "memory");
}

static u64 user_rdmsr(u64 index)
{
	return attempt("rdmsr", : : "c"(index) : "rax", "rdx", "memory");
}

static void from_ring_3(void)
{
	u64 seen;

	user_memory(true);
	gate_set_dpl(0x30, 3);
	seen = user_call(user_interrupt, 0);
	check("INT n from ring 3, DPL 3", SELECTOR_USER_CODE64, frame_was.cs);
	check("ring 3's SS is pushed", SELECTOR_USER_DATA, frame_was.ss);
	check_true("RSP0 gives the stack", (u64)frame_at >= LAYOUT_STACKS &&
		   (u64)frame_at < LAYOUT_STACKS + LAYOUT_STACK);
	check("INT n from ring 3, DPL 0", FAULT(VECTOR_GP, GATE(0x31)), seen);
	gate_set_dpl(0x30, 0);
	check("HLT in ring 3", FAULT_GP, user_call(user_hlt, 0));
	check("MOV from CR0 in ring 3", FAULT_GP, user_call(user_cr, 0));
	check("RDMSR in ring 3", FAULT_GP, user_call(user_rdmsr, MSR_EFER));

	set_cr0(CR0_AM, 0);
	check("not aligned in ring 3, AM and AC", FAULT(VECTOR_AC, 0),
	      user_call_flags(user_read, LAYOUT_SCRATCH + 1, FLAGS_FIXED | FLAGS_AC));
	check("aligned in ring 3, AM and AC", NO_FAULT,
	      user_call_flags(user_read, LAYOUT_SCRATCH, FLAGS_FIXED | FLAGS_AC));
	check("not aligned in ring 3, AC clear", NO_FAULT,
	      user_call(user_read, LAYOUT_SCRATCH + 1));
	asm volatile("pushfq; orl $0x40000, (%%rsp); popfq" : : : "memory");
	check("not aligned in ring 0, AM and AC", NO_FAULT, user_read(LAYOUT_SCRATCH + 1));
	asm volatile("pushfq; andl $~0x40000, (%%rsp); popfq" : : : "memory");
	set_cr0(0, CR0_AM);
	check("not aligned in ring 3, AM clear", NO_FAULT,
	      user_call_flags(user_read, LAYOUT_SCRATCH + 1, FLAGS_FIXED | FLAGS_AC));
}

/* ---- an exception on the way to a handler (SDM 3A table 6-5) ------------------ */

static u64 page_fault(void)
{
	return attempt("mov (%0), %%rax", : : "r"(UNMAPPED) : "rax", "memory");
}

static u64 general_protection(void)
{
	return attempt("mov (%0), %%rax", : : "r"(NON_CANONICAL) : "rax", "memory");
}

static void nested(void)
{
	tss_set_ist(1, UNMAPPED + 0x1000);
	tss_set_ist(2, LAYOUT_FREE + 0x1000);
	gate_set_ist(VECTOR_DF, 2);

	gate_set_present(VECTOR_UD, false);
	check("benign, then contributory", FAULT(VECTOR_NP, GATE(VECTOR_UD) | EXTERNAL),
	      attempt("ud2", : : : "memory"));
	gate_set_present(VECTOR_UD, true);

	gate_set_ist(VECTOR_UD, 1);
	check("benign, then page fault", FAULT_PF(PF_WRITE), attempt("ud2", : : : "memory"));
	check("CR2 is in the stack", UNMAPPED + 0xff8, guest_fault()->cr2);
	gate_set_ist(VECTOR_UD, 0);

	gate_set_present(VECTOR_GP, false);
	check("contributory twice", FAULT(VECTOR_DF, 0), general_protection());
	gate_set_present(VECTOR_GP, true);
	gate_set_ist(VECTOR_GP, 1);
	check("contributory, then page fault", FAULT_PF(PF_WRITE), general_protection());
	gate_set_ist(VECTOR_GP, 0);

	gate_set_present(VECTOR_PF, false);
	check("page fault, then contributory", FAULT(VECTOR_DF, 0), page_fault());
	gate_set_present(VECTOR_PF, true);
	gate_set_ist(VECTOR_PF, 1);
	check("page fault twice", FAULT(VECTOR_DF, 0), page_fault());
	gate_set_ist(VECTOR_PF, 0);
	check("CR2 is the last one's", UNMAPPED + 0xff8, guest_fault()->cr2);
	check("and all is well again", FAULT_PF(0), page_fault());
}

void payload(void)
{
	divide();
	traps();
	invalid_opcodes();
	compatibility();
	not_available();
	math_faults();
	selectors();
	canonical();
	gates();
	entering();
	from_ring_3();
	nested();
}
