// SPDX-License-Identifier: GPL-2.0-only
/*
 * RFLAGS and registers across instructions that leave the guest, ports and
 * string I/O (SDM 1 chapters 3 and 19)
 */
#include <string.h>

#include "pages.h"
#include "rings.h"

#define PORT_SCRATCH	0x3ff	/* the serial port's: reads as written */
#define PORT_NOTHING	0x500	/* reads as ones */

#define FLAGS_CF	BIT(0)
#define FLAGS_STATUS	0x8d5ULL	/* OF, SF, ZF, AF, PF, CF */
#define FLAGS_DF	BIT(10)
#define FLAGS_IOPL	0x3000ULL
#define FLAGS_NT	BIT(14)
#define FLAGS_VM	BIT(17)
#define FLAGS_AC	BIT(18)
#define FLAGS_VIF	BIT(19)
#define FLAGS_VIP	BIT(20)
#define FLAGS_ID	BIT(21)

/* ---- what leaves the guest changes only what it should ------------------------- */

/*
 * Runs an instruction with all status flags and DF set, then clear, and R8 to R14
 * and RBP known: returns how many of these changed.
 */
#define changes(text, a, c, d) ({					\
	u64 __set = FLAGS_FIXED | FLAGS_STATUS | FLAGS_DF, __wrong = 0, __flags; \
	int __i;							\
									\
	for (__i = 0; __i < 2; __i++, __set = FLAGS_FIXED) {		\
		u64 __a = (a), __c = (c), __d = (d);			\
									\
		asm volatile("push %%rbp; mov $0x1111, %%r8d; mov $0x2222, %%r9d;" \
			     "mov $0x3333, %%r10d; mov $0x4444, %%r11d; mov $0x5555, %%r12d;" \
			     "mov $0x6666, %%r13d; mov $0x7777, %%r14d; mov $0x8888, %%ebp;" \
			     "push %[set]; popfq;"			\
			     text ";"					\
			     "pushfq; pop %[flags]; cld;"		\
			     "sub $0x1111, %%r8; sub $0x2222, %%r9; sub $0x3333, %%r10;" \
			     "sub $0x4444, %%r11; sub $0x5555, %%r12; sub $0x6666, %%r13;" \
			     "sub $0x7777, %%r14; sub $0x8888, %%rbp;"	\
			     "or %%r9, %%r8; or %%r10, %%r8; or %%r11, %%r8; or %%r12, %%r8;" \
			     "or %%r13, %%r8; or %%r14, %%r8; or %%rbp, %%r8; mov %%r8, %%rax;" \
			     "pop %%rbp"				\
			     : "+a"(__a), "+c"(__c), "+d"(__d), [flags] "=&S"(__flags) \
			     : [set] "D"(__set)				\
			     : "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", \
			       "memory", "cc");				\
		__wrong += (__flags != __set) + !!__a;			\
	}								\
	__wrong;							\
})

static void nothing_else_changes(void)
{
	u64 cr0 = read_register(cr0), cr3 = read_register(cr3), cr4 = read_register(cr4);

	check("CPUID changes nothing else", 0, changes("cpuid", 0, 0, 0));
	check("RDMSR changes nothing else", 0, changes("rdmsr", 0, MSR_APIC_BASE, 0));
	check("WRMSR changes nothing else", 0, changes("wrmsr", 0, MSR_TSC_ADJUST, 0));
	check("RDTSC changes nothing else", 0, changes("rdtsc", 0, 0, 0));
	check("IN changes nothing else", 0, changes("inb %%dx, %%al", 0, 0, PORT_NOTHING));
	check("OUT changes nothing else", 0, changes("outl %%eax, %%dx", 0, 0, PORT_NOTHING));
	check("MOV to CR0 changes nothing else", 0, changes("mov %%rax, %%cr0", cr0, 0, 0));
	check("MOV from CR0 changes nothing else", 0, changes("mov %%cr0, %%rax", 0, 0, 0));
	check("MOV to CR3 changes nothing else", 0, changes("mov %%rax, %%cr3", cr3, 0, 0));
	check("MOV to CR4 changes nothing else", 0, changes("mov %%rax, %%cr4", cr4, 0, 0));
	check("MOV to CR8 changes nothing else", 0, changes("mov %%rax, %%cr8", 0, 0, 0));
	check("MOV to DR7 changes nothing else", 0, changes("mov %%rax, %%db7", 0x400, 0, 0));
	check("CLTS changes nothing else", 0, changes("clts", 0, 0, 0));
	check("INVLPG changes nothing else", 0, changes("invlpg (%%rax)", 0x1000, 0, 0));
	check("WBINVD changes nothing else", 0, changes("wbinvd", 0, 0, 0));
	check("PAUSE changes nothing else", 0, changes("pause", 0, 0, 0));
	check("an APIC register changes nothing else", 0,
	      changes("mov (%%rdx), %%eax", 0, 0, APIC_PAGE + APIC_VERSION));
}

/* ---- RFLAGS ---------------------------------------------------------------------- */

static u64 try_flags(u64 flags)
{
	u64 seen;

	asm volatile("pushfq; push %1; popfq; pushfq; pop %0; popfq"
		     : "=&r"(seen) : "r"(flags) : "memory", "cc");
	return seen;
}

static u64 user_cli(u64 unused)
{
	(void)unused;
	return attempt("cli", : : : "memory");
}

static u64 user_in(u64 port)
{
	return attempt("inb %%dx, %%al", : : "d"(port) : "rax", "memory");
}

static u64 user_in_word(u64 port)
{
	return attempt("inw %%dx, %%ax", : : "d"(port) : "rax", "memory");
}

static void rflags(void)
{
	const u64 iopl3 = FLAGS_FIXED | FLAGS_IOPL;

	check("POPF of ones, ring 0", FLAGS_FIXED | FLAGS_STATUS | FLAGS_DF | FLAGS_IOPL |
	      FLAGS_NT | FLAGS_AC | FLAGS_ID,
	      try_flags(~(FLAGS_TF | FLAGS_IF)));
	check("POPF of zeros, ring 0", FLAGS_FIXED, try_flags(0));
	check("POPF in ring 3 leaves IF and IOPL", FLAGS_FIXED | FLAGS_STATUS | FLAGS_DF |
	      FLAGS_NT | FLAGS_AC | FLAGS_ID, user_call(try_flags, ~FLAGS_TF));
	check("POPF in ring 3 doesn't clear IOPL", iopl3,
	      user_call_flags(try_flags, 0, iopl3));
	check("POPF in ring 3 with IOPL 3 sets IF", iopl3 | FLAGS_IF,
	      user_call_flags(try_flags, FLAGS_IF, iopl3));
	check("CLI in ring 3", FAULT_GP, user_call(user_cli, 0));
	check("CLI in ring 3 with IOPL 3", NO_FAULT, user_call_flags(user_cli, 0, iopl3));
	check("IN in ring 3 with IOPL 3", NO_FAULT,
	      user_call_flags(user_in, PORT_NOTHING, iopl3));
}

/* The TSS' permission bitmap (SDM 1 19.5.2); its last byte is all ones. */
static void io_bitmap(void)
{
	static u8 tss[0x68 + 0x10000 / 8 + 1] __attribute__((aligned(4096)));
	const u64 base = (u64)tss, limit = 0x68 + PORT_NOTHING / 8 + 1;
	u64 *descriptor = gdt_entry(SELECTOR_FREE);
	int i;

	memcpy(tss, guest_cpu()->tss, 0x66);
	tss[0x66] = 0x68;
	for (i = 0x68; i < (int)sizeof(tss); i++)
		tss[i] = 0xff;
	tss[0x68 + PORT_NOTHING / 8] = ~2;	/* port 501h */
	descriptor[0] = limit | (base & 0xffffff) << 16 | 0x89ULL << 40 |
			(base >> 24) << 56;
	descriptor[1] = 0;
	asm volatile("ltr %0" : : "r"((u16)SELECTOR_FREE));
	/* user_call() writes RSP0 to the other TSS: here it's fixed. */
	*(u64 *)(void *)(tss + 4) = LAYOUT_FREE + 0x4000;

	check("a port that the bitmap allows", NO_FAULT, user_call(user_in, PORT_NOTHING + 1));
	check("a port that it doesn't", FAULT_GP, user_call(user_in, PORT_NOTHING));
	check("two ports, of which it allows one", FAULT_GP,
	      user_call(user_in_word, PORT_NOTHING + 1));
	check("a port beyond the TSS' limit", FAULT_GP, user_call(user_in, PORT_NOTHING + 16));
	*gdt_entry(SELECTOR_TSS) &= ~BIT(41);
	asm volatile("ltr %0" : : "r"((u16)SELECTOR_TSS));
	check("no bitmap", FAULT_GP, user_call(user_in, PORT_NOTHING + 1));
}

/* ---- ports ------------------------------------------------------------------------ */

static void ports(void)
{
	u64 value = 0x1122334455667788;

	outb(PORT_SCRATCH, 0x5a);
	asm volatile("inb %%dx, %%al" : "+a"(value) : "d"(PORT_SCRATCH));
	check("INB leaves the rest of RAX", 0x112233445566775a, value);
	asm volatile("inw %%dx, %%ax" : "+a"(value) : "d"(PORT_NOTHING));
	check("INW leaves the rest of RAX", 0x112233445566ffff, value);
	asm volatile("inl %%dx, %%eax" : "+a"(value) : "d"(PORT_NOTHING));
	check("INL clears RAX's high half", 0xffffffff, value);
	asm volatile("inb $0x10, %%al" : "=a"(value) : "0"(0));
	check("IN with a port in the instruction", 0xff, value);
}

struct string {
	u64 rdi, rsi, rcx;
};

/* A string instruction on @state, and what is left of it. */
#define string_io(text, port, state) ({					\
	u64 __seen;							\
									\
	guest_cpu()->fault.vector = NO_FAULT;				\
	asm volatile("movq $9f, %%gs:8\n\t"				\
		     text "\n"						\
		     "9:\tmovq $0, %%gs:8; cld"				\
		     : "+D"((state)->rdi), "+S"((state)->rsi), "+c"((state)->rcx) \
		     : "d"(port) : "memory", "cc");			\
	__seen = fault_seen();						\
	__seen;								\
})

static u32 count_bytes(const u8 *from, int n, u8 value)
{
	u32 count = 0;

	while (n--)
		count += *from++ == value;
	return count;
}

static void string_input(void)
{
	u8 *buffer = (u8 *)TEST_FRAME;
	struct string state = { (u64)buffer, 0, 300 };

	memset(buffer, 0, GUEST_PAGE);
	check("REP INSB", NO_FAULT, string_io("rep insb", PORT_NOTHING, &state));
	check("REP INSB, RDI", (u64)buffer + 300, state.rdi);
	check("REP INSB, RCX", 0, state.rcx);
	check("REP INSB, bytes", 300, count_bytes(buffer, 400, 0xff));

	memset(buffer, 0, GUEST_PAGE);
	state = (struct string){ (u64)buffer + 200, 0, 10 };
	string_io("std; rep insl", PORT_NOTHING, &state);
	check("REP INSL downwards, RDI", (u64)buffer + 160, state.rdi);
	check("REP INSL downwards, bytes", 40, count_bytes(buffer + 164, 40, 0xff));
	check("REP INSL downwards, no others", 40, count_bytes(buffer, 400, 0xff));

	memset(buffer, 0, GUEST_PAGE);
	state = (struct string){ (u64)buffer, 0, 0 };
	string_io("rep insw", PORT_NOTHING, &state);
	check("REP INSW of nothing", 0, count_bytes(buffer, 16, 0xff));
	check("REP INSW of nothing, RDI", (u64)buffer, state.rdi);
	state = (struct string){ (u64)buffer | 5ULL << 32, 0, 2 | 7ULL << 32 };
	string_io("addr32 rep insw", PORT_NOTHING, &state);
	check("REP INSW with 32-bit addresses, EDI", (u64)buffer + 4, state.rdi);
	check("REP INSW with 32-bit addresses, ECX", 0, state.rcx & 0xffffffff);
	check("REP INSW with 32-bit addresses, bytes", 4, count_bytes(buffer, 16, 0xff));
	state = (struct string){ (u64)buffer + 8, 0, 7 };
	string_io("insb", PORT_NOTHING, &state);
	check("INSB, RDI", (u64)buffer + 9, state.rdi);
	check("INSB, RCX", 7, state.rcx);
}

static void string_output(void)
{
	u8 *buffer = (u8 *)TEST_FRAME;
	struct string state = { 0, (u64)buffer, 200 };
	int i;

	for (i = 0; i < 256; i++)
		buffer[i] = i;
	check("REP OUTSB", NO_FAULT, string_io("rep outsb", PORT_SCRATCH, &state));
	check("REP OUTSB, RSI", (u64)buffer + 200, state.rsi);
	check("REP OUTSB, the last byte", 199, ({ u64 a = 0;
	      asm volatile("inb %%dx, %%al" : "+a"(a) : "d"(PORT_SCRATCH)); a; }));
	wrmsr(MSR_FS_BASE, 16);
	state = (struct string){ 0, (u64)buffer, 0 };
	string_io("outsb %%fs:(%%rsi), %%dx", PORT_SCRATCH, &state);
	check("OUTSB by FS", 16, ({ u64 a = 0;
	      asm volatile("inb %%dx, %%al" : "+a"(a) : "d"(PORT_SCRATCH)); a; }));
	wrmsr(MSR_FS_BASE, 0);
}

/* Faults in the middle leave what is done so far. */
static void string_faults(void)
{
	struct string state = { TEST_ADDRESS + GUEST_PAGE - 6, 0, 5 };

	test_map(1, TEST_FRAME | PTE_ALL);
	memset((u8 *)TEST_FRAME, 0, GUEST_PAGE);
	check("REP INSW into what isn't there", FAULT_PF(PF_WRITE),
	      string_io("rep insw", PORT_NOTHING, &state));
	check("CR2 of that", TEST_ADDRESS + GUEST_PAGE, guest_fault()->cr2);
	check("RCX of that", 2, state.rcx);
	check("RDI of that", TEST_ADDRESS + GUEST_PAGE, state.rdi);
	check("bytes before it", 6, count_bytes((u8 *)TEST_FRAME + 0xf00, 0x100, 0xff));

	test_map(1, TEST_FRAME | PTE_PRESENT);
	state = (struct string){ TEST_ADDRESS, 0, 1 };
	check("INSB into a read-only page", FAULT_PF(PF_PRESENT | PF_WRITE),
	      string_io("insb", PORT_NOTHING, &state));
	check("RDI is as before", TEST_ADDRESS, state.rdi);
	test_map(1, TEST_FRAME | PTE_ALL);
	state = (struct string){ TEST_ADDRESS, 0, 1 };
	string_io("insb", PORT_NOTHING, &state);
	check("INSB sets D", PTE_DIRTY, *test_entry(1) & PTE_DIRTY);
	state = (struct string){ 0, BIT(63), 1 };
	check("OUTSB from what isn't canonical", FAULT_GP,
	      string_io("outsb", PORT_NOTHING, &state));
	state = (struct string){ 0, TEST_ADDRESS + GUEST_PAGE - 1, 2 };
	check("OUTSW across into what isn't there", FAULT_PF(0),
	      string_io("outsw", PORT_NOTHING, &state));
	check("RSI is as before", TEST_ADDRESS + GUEST_PAGE - 1, state.rsi);
}

void payload(void)
{
	nothing_else_changes();
	user_memory(true);
	rflags();
	io_bitmap();
	user_memory(false);
	ports();
	string_input();
	string_output();
	string_faults();
}
