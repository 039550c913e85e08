// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses that no memory slot answers. A device of plain memory stands behind
 * them here, so each instruction must do to it what it does to memory: the
 * guest executes it on both and compares.
 */
#include <string.h>
#include <sys/mman.h>

#include "test.h"

#define DEVICE		0xd0000000ULL
#define DEVICE_SIZE	KIB(8)

static u8 device[DEVICE_SIZE];
static u32 accesses;
/* Where the guest does the same in memory. */
#define MEMORY		((u64)LAYOUT_FREE)

FIXTURE(mmio) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(mmio)
{
	u32 i;

	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
	for (i = 0; i < DEVICE_SIZE; i++) {
		device[i] = i * 13 + 1;
		((u8 *)guest_memory(self->vm, MEMORY))[i] = i * 13 + 1;
	}
}

FIXTURE_TEARDOWN(mmio)
{
	vm_close(self->vm);
}

static void serve_access(const struct vcpu *vcpu)
{
	struct lhv_run *run = vcpu->run;
	u64 offset = run->mmio.gpa - DEVICE;

	REQUIRE(run->mmio.len >= 1 && run->mmio.len <= 8);
	REQUIRE(run->mmio.is_write <= 1);
	if (run->mmio.gpa < DEVICE || offset + run->mmio.len > DEVICE_SIZE)
		FAIL("gpa 0x%llx", run->mmio.gpa);
	if (run->mmio.is_write)
		memcpy(device + offset, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, device + offset, run->mmio.len);
	accesses++;
}

static void run_with_device(struct vcpu *vcpu)
{
	struct ucall call;

	for (;;) {
		vcpu_run(vcpu);
		if (vcpu_get_ucall(vcpu, &call) && call.command == UCALL_DONE)
			return;
		if (vcpu->run->exit_reason != LHV_EXIT_MMIO)
			FAIL("%s", vcpu_describe(vcpu));
		serve_access(vcpu);
	}
}

/* ---- every form -------------------------------------------------------------- */

/* Flags in and out, so that carry chains and results of tests are compared. */
struct machine {
	u64 rax, rcx, rdx, rsi, rdi, flags;
};

/*
 * Each is a little function in assembly. RDI points to its operand; it may use
 * RAX, RCX, RDX, RSI, R8, R9, R12, R13.
 */
#define LIST_OF_FORMS(X)						\
	X(0, "mov (%rdi), %al")						\
	X(1, "mov (%rdi), %ax")						\
	X(2, "mov (%rdi), %eax")					\
	X(3, "mov (%rdi), %rax")					\
	X(4, "mov (%rdi), %ah")						\
	X(5, "mov %al, (%rdi)")						\
	X(6, "mov %ax, (%rdi)")						\
	X(7, "mov %eax, (%rdi)")					\
	X(8, "mov %rax, (%rdi)")					\
	X(9, "mov %ch, (%rdi)")						\
	X(10, "movb $0x12, (%rdi)")					\
	X(11, "movw $0x1234, (%rdi)")					\
	X(12, "movl $0x12345678, (%rdi)")				\
	X(13, "movq $-2, (%rdi)")					\
	X(14, "movzbl (%rdi), %eax")					\
	X(15, "movzbw (%rdi), %ax")					\
	X(16, "movzbq (%rdi), %rax")					\
	X(17, "movzwl (%rdi), %eax")					\
	X(18, "movzwq (%rdi), %rax")					\
	X(19, "movsbl (%rdi), %eax")					\
	X(20, "movsbw (%rdi), %ax")					\
	X(21, "movsbq (%rdi), %rax")					\
	X(22, "movswl (%rdi), %eax")					\
	X(23, "movswq (%rdi), %rax")					\
	X(24, "movslq (%rdi), %rax")					\
	X(25, "add %al, (%rdi)")					\
	X(26, "add %eax, (%rdi)")					\
	X(27, "add (%rdi), %rax")					\
	X(28, "adc %ax, (%rdi)")					\
	X(29, "adc (%rdi), %eax")					\
	X(30, "sub %rax, (%rdi)")					\
	X(31, "sub (%rdi), %al")					\
	X(32, "sbb %eax, (%rdi)")					\
	X(33, "and %eax, (%rdi)")					\
	X(34, "and (%rdi), %ax")					\
	X(35, "or %rax, (%rdi)")					\
	X(36, "or (%rdi), %eax")					\
	X(37, "xor %al, (%rdi)")					\
	X(38, "xor (%rdi), %rax")					\
	X(39, "cmp %eax, (%rdi)")					\
	X(40, "cmp (%rdi), %al")					\
	X(41, "cmpb $0x7f, (%rdi)")					\
	X(42, "cmpl $0x12345678, (%rdi)")				\
	X(43, "test %eax, (%rdi)")					\
	X(44, "testb $0x80, (%rdi)")					\
	X(45, "testl $0x10000, (%rdi)")					\
	X(46, "addl $-1, (%rdi)")					\
	X(47, "orw $0x8001, (%rdi)")					\
	X(48, "andq $0x7f, (%rdi)")					\
	X(49, "xorb $0xff, (%rdi)")					\
	X(50, "subl $1000, (%rdi)")					\
	X(51, "incb (%rdi)")						\
	X(52, "incq (%rdi)")						\
	X(53, "decl (%rdi)")						\
	X(54, "notl (%rdi)")						\
	X(55, "negw (%rdi)")						\
	X(56, "btl $3, (%rdi)")						\
	X(57, "btsl $4, (%rdi)")					\
	X(58, "btrl $5, (%rdi)")					\
	X(59, "btcq $33, (%rdi)")					\
	X(60, "xchg %eax, (%rdi)")					\
	X(61, "xchg %cl, (%rdi)")					\
	X(62, "lock orl $1, (%rdi)")					\
	X(63, "lock incl (%rdi)")					\
	X(64, "stosb")							\
	X(65, "stosl")							\
	X(66, "stosq")							\
	X(67, "xchg %rdi, %rsi; lodsl; xchg %rdi, %rsi")		\
	X(68, "mov $5, %ecx; rep stosb")				\
	X(69, "mov $9, %ecx; rep stosl")				\
	X(70, "std; mov $3, %ecx; add $32, %rdi; rep stosq; cld")	\
	X(71, "mov 8(%rdi), %eax")					\
	X(72, "xor %esi, %esi; mov 4(%rdi,%rsi,4), %eax")		\
	X(73, "mov $3, %esi; mov %ax, (%rdi,%rsi,8)")			\
	X(74, "mov %rdi, %r9; mov %eax, 0x100(%r9)")			\
	X(75, "mov %rdi, %r12; movzbl 1(%r12), %r8d; mov %r8, %rax")	\
	X(76, "mov %rdi, %r13; mov %r13b, 2(%r13)")			\
	X(77, "addr32 mov (%edi), %eax")				\
	X(78, "mov %sil, (%rdi)")					\
	X(79, "movl $0, 1(%rdi)")

#define FORM_CODE(number, insn)	"form_" #number ": " insn "\n\tret\n\t"
asm(".pushsection .text\n\t" LIST_OF_FORMS(FORM_CODE) ".popsection\n");

#define FORM_LABEL(number, insn)	".quad form_" #number "\n\t"
asm(".pushsection .rodata\n\t.balign 8\nform_code:\n\t" LIST_OF_FORMS(FORM_LABEL) ".popsection\n");
extern void (*const form_code[])(void);

#define FORM_TEXT(number, insn)	insn,
static const char *const form_text[] = { LIST_OF_FORMS(FORM_TEXT) };

static void execute(void (*form)(void), struct machine *m)
{
	asm volatile("push %[flags]; popfq; call *%[form]; pushfq; pop %[flags]; cld"
		     : "+a"(m->rax), "+c"(m->rcx), "+d"(m->rdx), "+S"(m->rsi), "+D"(m->rdi),
		       [flags] "+m"(m->flags)
		     : [form] "m"(form)
		     : "memory", "cc", "r8", "r9", "r12", "r13");
}

/* CF, PF, AF, ZF, SF, OF. AF after logic is undefined; so are some after BT. */
#define FLAGS	0x8c5

static void compare(const char *text, u64 expected, u64 seen)
{
	if (expected != seen)
		GUEST_FAIL(text, seen);
}

static void try_form(unsigned int i, u64 flags)
{
	struct machine on_memory = {
		.rax = 0x8182838485868788, .rcx = 0x9192939495969798, .rdx = 0x55,
		.rsi = 0x1000, .rdi = MEMORY, .flags = flags,
	};
	struct machine on_device = on_memory;

	on_device.rdi = DEVICE;
	execute(form_code[i], &on_memory);
	execute(form_code[i], &on_device);
	compare(form_text[i], on_memory.rax, on_device.rax);
	compare(form_text[i], on_memory.rcx, on_device.rcx);
	compare(form_text[i], on_memory.rsi, on_device.rsi);
	compare(form_text[i], on_memory.rdi - MEMORY, on_device.rdi - DEVICE);
	compare(form_text[i], on_memory.flags & FLAGS, on_device.flags & FLAGS);
}

static void guest_forms(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(form_text); i++) {
		try_form(i, FLAGS_FIXED);
		GUEST_REPORT(i);
		try_form(i, FLAGS_FIXED | FLAGS);
		GUEST_REPORT(i);
	}
}

TEST_F(mmio, forms)
{
	struct vcpu *vcpu = self->vcpu;
	u8 *memory = guest_memory(self->vm, MEMORY);
	struct ucall call;
	u32 i;

	vcpu_set_long(vcpu, guest_forms, 0, 0);
	for (;;) {
		vcpu_run(vcpu);
		if (!vcpu_get_ucall(vcpu, &call)) {
			if (vcpu->run->exit_reason != LHV_EXIT_MMIO)
				FAIL("%s", vcpu_describe(vcpu));
			serve_access(vcpu);
			continue;
		}
		if (call.command == UCALL_DONE)
			break;
		for (i = 0; i < DEVICE_SIZE; i++) {
			if (device[i] != memory[i])
				FAIL("%s: byte %u is 0x%02x instead of 0x%02x",
				     form_text[call.arg[0]], i, device[i], memory[i]);
		}
	}
	EXPECT_LT(ARRAY_SIZE(form_text), accesses);
}

/* ---- the exit itself --------------------------------------------------------- */

static void guest_two_accesses(void)
{
	*(volatile u32 *)(DEVICE + 0x10) = 0x12345678;
	GUEST_ASSERT_EQ(0xa1b2c3d4, *(volatile u32 *)(DEVICE + 0x20));
}

TEST_F(mmio, exit)
{
	struct vcpu *vcpu = self->vcpu;
	struct lhv_run *run = vcpu->run;
	static const u8 written[] = { 0x78, 0x56, 0x34, 0x12 };
	static const u8 answer[] = { 0xd4, 0xc3, 0xb2, 0xa1, 0xee, 0xee, 0xee, 0xee };
	struct lhv_regs regs;

	vcpu_set_long(vcpu, guest_two_accesses, 0, 0);
	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(DEVICE + 0x10, run->mmio.gpa);
	EXPECT_EQ(4, run->mmio.len);
	EXPECT_EQ(1, run->mmio.is_write);
	EXPECT_EQ(0, memcmp(written, run->mmio.data, 4));
	vcpu_get_regs(vcpu, &regs);
	EXPECT_EQ(regs.rip, run->rip);

	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(DEVICE + 0x20, run->mmio.gpa);
	EXPECT_EQ(4, run->mmio.len);
	EXPECT_EQ(0, run->mmio.is_write);
	memcpy(run->mmio.data, answer, sizeof(answer));
	vcpu_get_regs(vcpu, &regs);
	EXPECT_EQ(regs.rip, run->rip);
	vcpu_complete(vcpu);
	vcpu_get_regs(vcpu, &regs);
	EXPECT_LT(run->rip, regs.rip);
	vcpu_run_to_done(vcpu);
}

/* ---- memory and device side by side ------------------------------------------ */

#define ROM		0xe0000000ULL

static void guest_rom(void)
{
	volatile u64 *rom = (void *)ROM;

	GUEST_ASSERT_EQ(0x1122334455667788, rom[0]);
	rom[0] = 1;
	GUEST_ASSERT_EQ(0x1122334455667788, rom[0]);
}

TEST_F(mmio, write_to_readonly_slot)
{
	struct vcpu *vcpu = self->vcpu;
	u64 *rom = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)rom);
	rom[0] = 0x1122334455667788;
	vm_set_memory(self->vm, 1, LHV_MEM_READONLY, ROM, GUEST_PAGE, rom);
	vcpu_set_long(vcpu, guest_rom, 0, 0);
	vcpu_run_to(vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(ROM, vcpu->run->mmio.gpa);
	EXPECT_EQ(8, vcpu->run->mmio.len);
	EXPECT_EQ(1, vcpu->run->mmio.is_write);
	vcpu_run_to_done(vcpu);
	EXPECT_EQ(0x1122334455667788, rom[0]);
}

/* ---- what the module doesn't know -------------------------------------------- */

/*
 * Instructions that stop with LHV_EXIT_UNDECODED: the guest's code, the
 * instruction and what follows, and where it accesses.
 */
#define UNDECODED(name, text)						\
	asm(".pushsection .text\n"					\
	    "guest_" #name ":\n\t"					\
	    "mov $0xd0000040, %edi\n\t"				\
	    "mov $0xd0000080, %esi\n"					\
	    #name ": " text "\n"					\
	    #name "_after: mov $2, %eax\n\t"				\
	    "mov $7, %edi\n\t"						\
	    "out %eax, $0xe2\n\t"					\
	    "ret\n"							\
	    ".popsection\n");						\
	extern u8 guest_##name[], name[], name##_after[]

UNDECODED(sse_write, "movups %xmm0, (%rdi)");
UNDECODED(sse_read, "movdqa (%rdi), %xmm1");
UNDECODED(x87, "fldl (%rdi)");
UNDECODED(atomic, "lock cmpxchg %ecx, (%rdi)");
UNDECODED(indirect_call, "call *(%rdi)");
UNDECODED(device_to_device, "movsl");
UNDECODED(input_to_device, "insb");
UNDECODED(two_pages, "mov %eax, 0xfbe(%rdi)");
UNDECODED(across_the_edge, "mov %eax, 0xfffffe");	/* VM_MEMORY - 2 */

static const struct undecoded {
	u8 *entry;
	u8 *insn;
	u8 *after;
	u64 first, last;	/* where it accesses */
} undecoded[] = {
	{ guest_sse_write, sse_write, sse_write_after, DEVICE + 0x40, DEVICE + 0x4f },
	{ guest_sse_read, sse_read, sse_read_after, DEVICE + 0x40, DEVICE + 0x4f },
	{ guest_x87, x87, x87_after, DEVICE + 0x40, DEVICE + 0x47 },
	{ guest_atomic, atomic, atomic_after, DEVICE + 0x40, DEVICE + 0x43 },
	{ guest_indirect_call, indirect_call, indirect_call_after, DEVICE + 0x40, DEVICE + 0x47 },
	{ guest_device_to_device, device_to_device, device_to_device_after,
	  DEVICE + 0x40, DEVICE + 0x83 },
	{ guest_input_to_device, input_to_device, input_to_device_after,
	  DEVICE + 0x40, DEVICE + 0x40 },
	{ guest_two_pages, two_pages, two_pages_after, DEVICE + 0xffe, DEVICE + 0x1001 },
	{ guest_across_the_edge, across_the_edge, across_the_edge_after, VM_MEMORY, VM_MEMORY + 1 },
};

static void try_undecoded(struct __test_metadata *_metadata, struct vcpu *vcpu,
			  const struct undecoded *u)
{
	struct lhv_run *run = vcpu->run;
	struct lhv_regs regs;

	vcpu_set_long(vcpu, u->entry, 0, 0);
	vcpu_run_to(vcpu, LHV_EXIT_UNDECODED);
	EXPECT_LE(u->first, run->undecoded.gpa);
	EXPECT_GE(u->last, run->undecoded.gpa);
	EXPECT_EQ((uintptr_t)u->insn, run->rip);
	EXPECT_LE(u->after - u->insn, run->undecoded.length);
	EXPECT_GE(15, run->undecoded.length);
	EXPECT_EQ(0, memcmp(run->undecoded.bytes, u->insn, u->after - u->insn));
	/* It comes again as long as nothing is done about it. */
	vcpu_run_to(vcpu, LHV_EXIT_UNDECODED);
	vcpu_get_regs(vcpu, &regs);
	EXPECT_EQ((uintptr_t)u->insn, regs.rip);
	regs.rip = (uintptr_t)u->after;
	vcpu_set_regs(vcpu, &regs);
	vcpu_run_to_report(vcpu, 7);
	vcpu_run_to_done(vcpu);
}

TEST_F(mmio, undecoded)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(undecoded); i++)
		try_undecoded(_metadata, self->vcpu, &undecoded[i]);
}

/* Code where there is no memory: nothing to decode. */
TEST_F(mmio, execution_outside_memory)
{
	struct vcpu *vcpu = self->vcpu;

	vcpu_set_long(vcpu, (void *)DEVICE, 0, 0);
	vcpu_run_to(vcpu, LHV_EXIT_UNDECODED);
	EXPECT_EQ(DEVICE, vcpu->run->undecoded.gpa);
	EXPECT_EQ(0, vcpu->run->undecoded.length);
	EXPECT_EQ(DEVICE, vcpu->run->rip);
}

/* Page tables that aren't in memory. */
TEST_F(mmio, page_tables_outside_memory)
{
	struct vcpu *vcpu = self->vcpu;
	struct lhv_sregs sregs;

	vcpu_set_long(vcpu, guest_two_accesses, 0, 0);
	vcpu_get_sregs(vcpu, &sregs);
	sregs.cr3 = DEVICE;
	vcpu_set_sregs(vcpu, &sregs);
	vcpu_run_to(vcpu, LHV_EXIT_UNDECODED);
	EXPECT_EQ(DEVICE, vcpu->run->undecoded.gpa & ~(GUEST_PAGE - 1));
	EXPECT_EQ(0, vcpu->run->undecoded.length);
}

static void guest_device_string(void)
{
	u64 rcx = 64, rsi = DEVICE, rdi = MEMORY;

	asm volatile("rep movsq" : "+c"(rcx), "+S"(rsi), "+D"(rdi) : : "memory");
	GUEST_ASSERT_EQ(0, rcx);
	rcx = 64;
	rsi = MEMORY;
	rdi = DEVICE + KIB(4);
	asm volatile("rep movsb" : "+c"(rcx), "+S"(rsi), "+D"(rdi) : : "memory");
	GUEST_ASSERT_EQ(0, rcx);
}

TEST_F(mmio, strings_between_memory_and_device)
{
	u8 *memory = guest_memory(self->vm, MEMORY);

	memset(memory, 0, KIB(4));
	vcpu_set_long(self->vcpu, guest_device_string, 0, 0);
	run_with_device(self->vcpu);
	EXPECT_EQ(0, memcmp(memory, device, 512));
	EXPECT_EQ(0, memcmp(device + KIB(4), device, 64));
}

/* The segment's limit and canonical form count for what the device's data goes to. */
static void guest_move_to_nowhere(void)
{
	const u64 to = 0x8000000000000000 | MEMORY;

	GUEST_ASSERT_EQ(VECTOR_GP, guest_try("movsb", : : "S"(DEVICE), "D"(to) : "memory"));
	GUEST_ASSERT_EQ(0, guest_fault()->error);
	GUEST_ASSERT_EQ(1, *(volatile u8 *)MEMORY);
	GUEST_ASSERT_EQ(NO_FAULT, guest_try("movsb", : : "S"(DEVICE + 1), "D"(MEMORY) : "memory"));
	GUEST_ASSERT_EQ(14, *(volatile u8 *)MEMORY);
}

TEST_F(mmio, string_from_device_to_nowhere)
{
	accesses = 0;
	vcpu_set_long(self->vcpu, guest_move_to_nowhere, 0, 0);
	run_with_device(self->vcpu);
	EXPECT_EQ(1, accesses);
}

TEST_HARNESS_MAIN
