// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug exceptions: single steps over instructions of all kinds, breakpoints,
 * and what the host's and other vCPUs' debug registers have to do with it
 */
#include "apic.h"
#include "test.h"

#define DR6_B(n)	BIT(n)
#define DR6_BD		BIT(13)
#define DR6_BS		BIT(14)
#define DR6_INIT	0xffff0ff0ULL

#define DR7_FIXED	BIT(10)
#define DR7_GD		BIT(13)
#define DR7_G(n)	BIT(2 * (n) + 1)
#define DR7_EXEC	0ULL
#define DR7_WRITE	1ULL
#define DR7_ACCESS	3ULL
#define DR7_TYPE(n, type)	((type) << (16 + 4 * (n)))
#define DR7_LENGTH(n, code)	((code##ULL) << (18 + 4 * (n)))

#define MAX_STEPS	32

static u64 step_rip[MAX_STEPS];
static u64 step_dr6[MAX_STEPS];
static u32 steps;
static u64 variable __attribute__((aligned(8)));

FIXTURE(debug) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(debug)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(debug)
{
	vm_close(self->vm);
}

/* Notes where and why; a fault's instruction goes on with RF set. */
static void on_debug(struct trap_frame *frame)
{
	if (steps < MAX_STEPS) {
		step_rip[steps] = frame->rip;
		step_dr6[steps] = read_register(db6);
	}
	steps++;
	write_register(db6, DR6_INIT);
	frame->rflags |= BIT(16);
}

/*
 * Each instruction that is stepped over has a label, and so has the one behind
 * the last. Those that exit are among them, also to userspace.
 */
asm(".pushsection .text\n"
    "guest_stepped:\n\t"
    "push %rbx\n\t"
    "pushfq\n\t"
    "orq $0x100, (%rsp)\n\t"
    "popfq\n\t"
    "nop\n"
    "step0: xor %eax, %eax\n"
    "step1: cpuid\n"
    "step2: mov $0x1b, %ecx\n"
    "step3: rdmsr\n"
    "step4: out %al, $0x10\n"
    "step5: in $0x10, %al\n"
    "step6: movabs %al, 0xd0000000\n"
    "step7: movabs 0xd0000000, %al\n"
    "step8: mov %cr0, %rax\n"
    "step9: mov %rax, %cr0\n"
    "step10: hlt\n"	/* with interrupts off: only the trap ends it */
    "step11: pushfq\n"
    "step12: andq $~0x100, (%rsp)\n"
    "step13: popfq\n"
    "step14: pop %rbx\n\t"
    "ret\n"
    "guest_step_labels:\n\t"
    ".quad step0, step1, step2, step3, step4, step5, step6, step7, step8, step9\n\t"
    ".quad step10, step11, step12, step13, step14\n"
    ".popsection\n");
void guest_stepped(void);
extern const u64 guest_step_labels[];
#define NR_STEPS	15

#define VECTOR_MSI	0x40
#define STEPS_TO_OUT	6

static u32 steps_at_interrupt;

static void on_msi(struct trap_frame *frame)
{
	(void)frame;
	steps_at_interrupt = steps;
	apic_eoi();
}

static void guest_single_step(u64 interrupts)
{
	guest_handler[VECTOR_DB] = on_debug;
	guest_handler[VECTOR_MSI] = on_msi;
	apic_init(true);
	if (interrupts)
		irq_enable();
	guest_stepped();
}

/* From the OUT that the vCPU is at to the end */
static void expect_steps(struct __test_metadata *_metadata, FIXTURE_DATA(debug) *self)
{
	const struct lhv_run *run = self->vcpu->run;
	int i;

	vcpu_run_to_io(self->vcpu, 0x10, 1, LHV_IO_IN);
	vcpu_run_to(self->vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(1, run->mmio.is_write);
	vcpu_run_to(self->vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(0, run->mmio.is_write);
	vcpu_run_to_done(self->vcpu);

	ASSERT_EQ(NR_STEPS, guest_var(self->vm, steps));
	for (i = 0; i < NR_STEPS; i++) {
		EXPECT_EQ(guest_step_labels[i], guest_var(self->vm, step_rip[i]))
			TH_LOG("step %d", i);
		EXPECT_EQ(DR6_INIT | DR6_BS, guest_var(self->vm, step_dr6[i]))
			TH_LOG("step %d", i);
	}
}

TEST_F(debug, single_step)
{
	vcpu_set_long(self->vcpu, guest_single_step, false, 0);
	vcpu_run_to_io(self->vcpu, 0x10, 1, LHV_IO_OUT);
	expect_steps(_metadata, self);
}

/* The trap of an instruction comes before the interrupt that came meanwhile. */
TEST_F(debug, single_step_then_interrupt)
{
	vcpu_set_long(self->vcpu, guest_single_step, true, 0);
	vcpu_run_to_io(self->vcpu, 0x10, 1, LHV_IO_OUT);
	EXPECT_EQ(1, lhv_send_msi(self->vm->fd, MSI_ADDRESS(0), VECTOR_MSI));
	expect_steps(_metadata, self);
	EXPECT_EQ(STEPS_TO_OUT, guest_var(self->vm, steps_at_interrupt));
}

/* A trap that is still to come is part of the state. */
TEST_F(debug, single_step_in_state)
{
	struct lhv_events events;

	vcpu_set_long(self->vcpu, guest_single_step, false, 0);
	vcpu_run_to_io(self->vcpu, 0x10, 1, LHV_IO_OUT);
	vcpu_complete(self->vcpu);
	vcpu_get(self->vcpu, LHV_STATE_EVENTS, &events, sizeof(events));
	EXPECT_EQ(DR6_BS, events.debug_pending);
	EXPECT_EQ(0, events.exception_pending);
	/* Written, and written back */
	vcpu_set(self->vcpu, LHV_STATE_EVENTS, &(struct lhv_events){ }, sizeof(events));
	vcpu_set(self->vcpu, LHV_STATE_EVENTS, &events, sizeof(events));
	expect_steps(_metadata, self);
}

#define expect_debug(dr6) do {						\
	GUEST_ASSERT_EQ(1, READ_ONCE(steps));				\
	GUEST_ASSERT_EQ(DR6_INIT | (dr6), step_dr6[0]);			\
	WRITE_ONCE(steps, 0);						\
} while (0)

static __attribute__((noinline)) void function(void)
{
	asm volatile("");
}

static void guest_breakpoints(void)
{
	guest_handler[VECTOR_DB] = on_debug;

	write_register(db0, (uintptr_t)&variable);
	write_register(db7, DR7_FIXED | DR7_G(0) | DR7_TYPE(0, DR7_WRITE) | DR7_LENGTH(0, 2));
	GUEST_ASSERT_EQ(0, READ_ONCE(variable));
	GUEST_ASSERT_EQ(0, steps);
	WRITE_ONCE(variable, 1);
	expect_debug(DR6_B(0));

	write_register(db7, DR7_FIXED | DR7_G(0) | DR7_TYPE(0, DR7_ACCESS) | DR7_LENGTH(0, 2));
	(void)READ_ONCE(variable);
	expect_debug(DR6_B(0));

	write_register(db3, (uintptr_t)function);
	write_register(db7, DR7_FIXED | DR7_G(3) | DR7_TYPE(3, DR7_EXEC));
	function();
	GUEST_ASSERT_EQ((uintptr_t)function, step_rip[0]);
	expect_debug(DR6_B(3));
	write_register(db7, DR7_FIXED);
	function();
	WRITE_ONCE(variable, 2);
	GUEST_ASSERT_EQ(0, steps);

	/* Written by an instruction that exits for each byte, to userspace */
	write_register(db1, (uintptr_t)&variable);
	write_register(db7, DR7_FIXED | DR7_G(1) | DR7_TYPE(1, DR7_WRITE) | DR7_LENGTH(1, 2));
	GUEST_REPORT(1);
	WRITE_ONCE(variable, 3);
	expect_debug(DR6_B(1));
	GUEST_ASSERT_EQ((uintptr_t)&variable, read_register(db1));

	/* General detect: the access to a debug register itself */
	write_register(db7, DR7_FIXED | DR7_GD);
	(void)read_register(db0);
	expect_debug(DR6_BD);
	GUEST_ASSERT_EQ(DR7_FIXED, read_register(db7));
}

TEST_F(debug, breakpoints)
{
	vcpu_set_long(self->vcpu, guest_breakpoints, 0, 0);
	vcpu_run_to_report(self->vcpu, 1);
	vcpu_run_to_done(self->vcpu);
}

asm(".pushsection .text\n"
    "guest_mmio:\n"
    "at_store: movabs %al, 0xd0000000\n"
    "behind_store: nop\n"
    "at_load: movabs 0xd0000000, %al\n"
    "behind_load: nop\n\t"
    "ret\n"
    ".popsection\n");
void guest_mmio(void);
extern const u8 at_store[], behind_store[], at_load[], behind_load[];

/* The handler lets both accesses go on by RF, which holds for them alone. */
static void guest_breakpoints_behind_mmio(void)
{
	u64 dr7 = DR7_FIXED;
	int i;

	guest_handler[VECTOR_DB] = on_debug;
	write_register(db0, (uintptr_t)at_store);
	write_register(db1, (uintptr_t)behind_store);
	write_register(db2, (uintptr_t)at_load);
	write_register(db3, (uintptr_t)behind_load);
	for (i = 0; i < 4; i++)
		dr7 |= DR7_G(i) | DR7_TYPE(i, DR7_EXEC);
	write_register(db7, dr7);
	guest_mmio();
	GUEST_ASSERT_EQ(4, READ_ONCE(steps));
	for (i = 0; i < 4; i++)
		GUEST_ASSERT_EQ(DR6_INIT | DR6_B(i), step_dr6[i]);
}

TEST_F(debug, breakpoints_behind_mmio)
{
	vcpu_set_long(self->vcpu, guest_breakpoints_behind_mmio, 0, 0);
	vcpu_run_to(self->vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(1, self->vcpu->run->mmio.is_write);
	vcpu_run_to(self->vcpu, LHV_EXIT_MMIO);
	EXPECT_EQ(0, self->vcpu->run->mmio.is_write);
	vcpu_run_to_done(self->vcpu);
}

static void guest_debug_registers(u64 pattern)
{
	u64 i;

	for (i = 0; i < 8; i++) {
		write_register(db0, pattern + i);
		write_register(db1, pattern * 3 + i);
		write_register(db2, pattern * 5 + i);
		write_register(db3, pattern * 7 + i);
		write_register(db6, DR6_INIT | (pattern + i) % 16);
		GUEST_REPORT(i);
		GUEST_ASSERT_EQ(pattern + i, read_register(db0));
		GUEST_ASSERT_EQ(pattern * 3 + i, read_register(db1));
		GUEST_ASSERT_EQ(pattern * 5 + i, read_register(db2));
		GUEST_ASSERT_EQ(pattern * 7 + i, read_register(db3));
		GUEST_ASSERT_EQ(DR6_INIT | (pattern + i) % 16, read_register(db6));
	}
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(db6, BIT(32)));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_write_register(db7, BIT(63)));
}

/* Two vCPUs in turn on one thread: each has its own. */
TEST_F(debug, registers_of_two_vcpus)
{
	struct vcpu *other = vcpu_start(self->vm, 1, guest_debug_registers, 0x2000, 0);
	u64 i;

	vcpu_set_long(self->vcpu, guest_debug_registers, 0x1000, 0);
	for (i = 0; i < 8; i++) {
		vcpu_run_to_report(self->vcpu, i);
		vcpu_run_to_report(other, i);
	}
	vcpu_run_to_done(self->vcpu);
	vcpu_run_to_done(other);
}

/* ---- user mode --------------------------------------------------------------- */

#define EXIT_VECTOR	0x80
#define USER_STACK	(LAYOUT_FREE + 0x8000)

static u64 user_vector;
static u64 user_error;
static u64 back_rip __attribute__((used));
static u64 back_rsp __attribute__((used));

/* Back to where guest_enter_user() was called, in ring 0. */
static void on_user_trap(struct trap_frame *frame)
{
	GUEST_ASSERT_EQ(SELECTOR_USER_CODE64, frame->cs);
	user_vector = frame->vector;
	user_error = frame->error;
	frame->cs = SELECTOR_CODE64;
	frame->ss = SELECTOR_DATA;
	frame->rflags = FLAGS_FIXED;
	frame->rip = back_rip;
	frame->rsp = back_rsp;
}

asm(".pushsection .text\n"
    "guest_enter_user:\n\t"
    "push %rbx\n\t push %rbp\n\t push %r12\n\t push %r13\n\t push %r14\n\t push %r15\n\t"
    "mov %rsp, back_rsp\n\t"
    "movq $1f, back_rip\n\t"
    "push $0x23\n\t"
    "push %rsi\n\t"
    "push %rdx\n\t"
    "push $0x2b\n\t"
    "push %rdi\n\t"
    "iretq\n"
    "1:\tpop %r15\n\t pop %r14\n\t pop %r13\n\t pop %r12\n\t pop %rbp\n\t pop %rbx\n\t"
    "ret\n"
    ".popsection\n");
void guest_enter_user(void (*function)(void), u64 rsp, u64 flags);

#define USER_CODE(name, text) \
	asm(".pushsection .text\n" #name ":\n\t" text "\n\tint $0x80\n.popsection\n"); \
	void name(void)

USER_CODE(user_nothing, "nop");
USER_CODE(user_out, "out %al, $0x10");
USER_CODE(user_cli, "cli");
USER_CODE(user_hlt, "hlt");
USER_CODE(user_rdmsr, "mov $0x1b, %ecx; rdmsr");
USER_CODE(user_cpuid, "push %rbx; cpuid; pop %rbx");
USER_CODE(user_rdtsc, "rdtsc");
USER_CODE(user_misaligned, "mov -13(%rsp), %rax");
USER_CODE(user_supervisor_page, "mov 0x1000, %rax");
USER_CODE(user_xsetbv, "xor %ecx, %ecx; xsetbv");
USER_CODE(user_debug_register, "mov %db0, %rax");

#define expect_user(function, flags, vector, error) do {		\
	guest_enter_user(function, USER_STACK, FLAGS_FIXED | (flags));	\
	GUEST_ASSERT_EQ(vector, READ_ONCE(user_vector));		\
	GUEST_ASSERT_EQ(error, READ_ONCE(user_error));			\
} while (0)

static void guest_user_mode(void)
{
	static const u8 vectors[] = { VECTOR_UD, VECTOR_GP, VECTOR_PF, VECTOR_AC, EXIT_VECTOR };
	struct guest_cpu *cpu = guest_cpu();
	u64 *pd = (u64 *)LAYOUT_PD;
	unsigned int i;

	/* Program and free memory are for the user, too. */
	for (i = LAYOUT_SCRATCH_END / MIB(2); i < MIB(16) / MIB(2); i++)
		pd[i] |= PTE_USER;
	flush_tlb();
	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		guest_handler[vectors[i]] = on_user_trap;
	((u64 *)LAYOUT_IDT)[2 * EXIT_VECTOR] |= 3ULL << 45;
	/* RSP0; and no I/O permission bitmap */
	*(u64 *)(cpu->tss + 4) = LAYOUT_STACKS + LAYOUT_STACK / 2;
	*(u16 *)(cpu->tss + 102) = sizeof(cpu->tss);
	write_register(cr0, read_register(cr0) | CR0_AM);

	expect_user(user_nothing, 0, EXIT_VECTOR, 0);
	expect_user(user_out, 0, VECTOR_GP, 0);
	expect_user(user_cli, 0, VECTOR_GP, 0);
	expect_user(user_hlt, 0, VECTOR_GP, 0);
	expect_user(user_rdmsr, 0, VECTOR_GP, 0);
	expect_user(user_cpuid, 0, EXIT_VECTOR, 0);
	expect_user(user_rdtsc, 0, EXIT_VECTOR, 0);
	write_register(cr4, read_register(cr4) | CR4_TSD);
	expect_user(user_rdtsc, 0, VECTOR_GP, 0);
	write_register(cr4, read_register(cr4) & ~CR4_TSD);
	expect_user(user_misaligned, 0, EXIT_VECTOR, 0);
	expect_user(user_misaligned, BIT(18), VECTOR_AC, 0);
	expect_user(user_supervisor_page, 0, VECTOR_PF, PF_USER | PF_PRESENT);
	expect_user(user_debug_register, 0, VECTOR_GP, 0);
	/* Without OSXSAVE it isn't there at all. */
	expect_user(user_xsetbv, 0, VECTOR_UD, 0);
	/* With I/O privilege it may, and gets to the host. */
	expect_user(user_out, 3 << 12, EXIT_VECTOR, 0);
}

TEST_F(debug, user_mode)
{
	vcpu_set_long(self->vcpu, guest_user_mode, 0, 0);
	vcpu_run_to_io(self->vcpu, 0x10, 1, LHV_IO_OUT);
	vcpu_run_to_done(self->vcpu);
}

TEST_HARNESS_MAIN
