// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions: raised by the guest, injected by the host, nested, and delivered
 * across exits
 */
#include "apic.h"
#include "test.h"

/* Beyond the 4 GiB that are mapped. */
#define UNMAPPED	((volatile u64 *)0x8000000000)

FIXTURE(exceptions) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(exceptions)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(exceptions)
{
	vm_close(self->vm);
}

static u64 *large_pte(volatile void *address)
{
	return (u64 *)LAYOUT_PD + (uintptr_t)address / MIB(2);
}

static void set_pte(volatile void *address, u64 entry)
{
	*large_pte(address) = entry;
	invlpg(address);
}

static void guest_faults(void)
{
	u64 zero = 0;

	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("ud2", : : : "memory"));
	GUEST_ASSERT_EQ(VECTOR_DE, guest_try("div %0", : : "r"(zero), "a"(1), "d"(0)
					     : "memory"));
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try("mov %0, %%ss", : : "r"(0x500) : "memory"));
	GUEST_ASSERT_EQ(0x500, guest_fault()->error);
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try("mov (%0), %%rax", : : "r"(BIT(63))
					     : "rax", "memory"));
	GUEST_ASSERT_EQ(0, guest_fault()->error);
	/* #BP traps: RIP is behind INT3. */
	GUEST_ASSERT_EQ(VECTOR_BP, guest_try("int3", : : : "memory"));
	GUEST_ASSERT_EQ(0xcc, *(u8 *)(guest_fault()->rip - 1));
}

TEST_F(exceptions, faults)
{
	vcpu_set_long(self->vcpu, guest_faults, 0, 0);
	vcpu_run_to_done(self->vcpu);
}

#define RFLAGS_RF	BIT(16)

/* Faults push RF set, be they the processor's or the host's; traps don't. */
static void guest_resume_flag(void)
{
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("ud2", : : : "memory"));
	GUEST_ASSERT_EQ(RFLAGS_RF, guest_fault()->rflags & RFLAGS_RF);
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try("mov %0, %%cr4", : : "r"(~0ULL) : "memory"));
	GUEST_ASSERT_EQ(RFLAGS_RF, guest_fault()->rflags & RFLAGS_RF);
	GUEST_ASSERT_EQ(VECTOR_BP, guest_try("int3", : : : "memory"));
	GUEST_ASSERT_EQ(0, guest_fault()->rflags & RFLAGS_RF);
}

TEST_F(exceptions, resume_flag)
{
	vcpu_set_long(self->vcpu, guest_resume_flag, 0, 0);
	vcpu_run_to_done(self->vcpu);
}

static void check_page_fault(u64 expected_error, volatile void *address)
{
	GUEST_ASSERT_EQ(VECTOR_PF, guest_fault()->vector);
	GUEST_ASSERT_EQ(expected_error, guest_fault()->error);
	GUEST_ASSERT_EQ((uintptr_t)address, guest_fault()->cr2);
}

static void guest_page_faults(void)
{
	volatile u64 *page = (void *)MIB(12);

	guest_try("mov (%0), %%rax", : : "r"(UNMAPPED + 3) : "rax", "memory");
	check_page_fault(0, UNMAPPED + 3);
	guest_try("movq $1, (%0)", : : "r"(UNMAPPED) : "memory");
	check_page_fault(PF_WRITE, UNMAPPED);

	*page = 1;
	set_pte(page, MIB(12) | PTE_LARGE | PTE_PRESENT);
	GUEST_ASSERT_EQ(1, *page);
	guest_try("movq $2, (%0)", : : "r"(page) : "memory");
	check_page_fault(PF_WRITE | PF_PRESENT, page);
	/* Without WP the supervisor may. */
	write_register(cr0, read_register(cr0) & ~CR0_WP);
	GUEST_ASSERT_EQ(NO_FAULT, guest_try("movq $2, (%0)", : : "r"(page) : "memory"));
	write_register(cr0, read_register(cr0) | CR0_WP);
	GUEST_ASSERT_EQ(2, *page);

	/* A reserved bit: the frame of a large page is aligned. */
	set_pte(page, MIB(12) | BIT(13) | PTE_LARGE | PTE_PRESENT | PTE_WRITE);
	guest_try("mov (%0), %%rax", : : "r"(page) : "rax", "memory");
	check_page_fault(PF_RESERVED | PF_PRESENT, page);

	set_pte(page, 0);
	guest_try("mov (%0), %%rax", : : "r"(page) : "rax", "memory");
	check_page_fault(0, page);
	/* The other pages still work: nothing of this was seen by the host. */
	set_pte(page, MIB(12) | PTE_LARGE | PTE_PRESENT | PTE_WRITE);
	*page = 3;
}

TEST_F(exceptions, page_faults)
{
	vcpu_set_long(self->vcpu, guest_page_faults, 0, 0);
	vcpu_run_to_done(self->vcpu);
	EXPECT_EQ(3, *(u64 *)guest_memory(self->vm, MIB(12)));
}

/* Fetches from a page that isn't to be executed: the stack has the way back. */
asm(".pushsection .text\n"
    "guest_call_there:\n\t"
    "movq $1f, %gs:8\n\t"
    "jmp *%rdi\n"
    "1:\tret\n"
    ".popsection\n");
void guest_call_there(volatile void *there);

static void guest_no_execute(void)
{
	volatile u8 *page = (void *)MIB(12);

	*page = 0xc3;	/* ret */
	((void (*)(void))page)();
	set_pte(page, MIB(12) | PTE_LARGE | PTE_PRESENT | PTE_WRITE | PTE_NX);
	guest_cpu()->fault.vector = NO_FAULT;
	guest_call_there(page);
	check_page_fault(PF_FETCH | PF_PRESENT, page);
	GUEST_ASSERT_EQ(MIB(12), guest_fault()->rip);
	if (!(cpuid(7, 0).ebx & BIT(7)))
		return;
	/* SMEP: the supervisor doesn't execute user pages. */
	set_pte(page, MIB(12) | PTE_LARGE | PTE_PRESENT | PTE_WRITE | PTE_USER);
	write_register(cr4, read_register(cr4) | CR4_SMEP);
	guest_cpu()->fault.vector = NO_FAULT;
	guest_call_there(page);
	check_page_fault(PF_FETCH | PF_PRESENT, page);
	write_register(cr4, read_register(cr4) & ~CR4_SMEP);
	((void (*)(void))page)();
}

TEST_F(exceptions, no_execute)
{
	vcpu_set_long(self->vcpu, guest_no_execute, 0, 0);
	vcpu_run_to_done(self->vcpu);
}

/* ---- double and triple faults ------------------------------------------------ */

static void set_gate_present(u8 vector, bool present)
{
	u64 *idt = (u64 *)LAYOUT_IDT;

	if (present)
		idt[2 * vector] |= BIT(47);
	else
		idt[2 * vector] &= ~BIT(47);
}

static void on_double_fault(struct trap_frame *frame)
{
	GUEST_ASSERT_EQ(0, frame->error);
	GUEST_REPORT(frame->vector);
}

/* #NP on the way to #PF's handler. */
static void guest_double_fault(void)
{
	guest_handler[VECTOR_DF] = on_double_fault;
	set_gate_present(VECTOR_PF, false);
	*UNMAPPED = 1;
}

TEST_F(exceptions, double_fault)
{
	vcpu_set_long(self->vcpu, guest_double_fault, 0, 0);
	vcpu_run_to_report(self->vcpu, VECTOR_DF);
}

static void guest_triple_fault(void)
{
	set_gate_present(VECTOR_PF, false);
	set_gate_present(VECTOR_DF, false);
	GUEST_REPORT(1);
	*UNMAPPED = 1;
}

static void guest_no_idt(void)
{
	const struct {
		u16 limit;
		u64 base;
	} __attribute__((packed)) nothing = { };

	asm volatile("lidt %0; ud2" : : "m"(nothing));
}

static void guest_nothing(void)
{
}

TEST_F(exceptions, triple_fault)
{
	struct lhv_regs regs;
	int i;

	vcpu_set_long(self->vcpu, guest_triple_fault, 0, 0);
	vcpu_run_to_report(self->vcpu, 1);
	for (i = 0; i < 2; i++) {
		vcpu_run_to(self->vcpu, LHV_EXIT_SHUTDOWN);
		vcpu_get_regs(self->vcpu, &regs);
		EXPECT_EQ(regs.rip, self->vcpu->run->rip);
		vcpu_set_long(self->vcpu, guest_no_idt, 0, 0);
	}
	/* And after a reset by the host, all is well. */
	vcpu_set_long(self->vcpu, guest_nothing, 0, 0);
	vcpu_run_to_done(self->vcpu);
}

/* ---- injected by the host ---------------------------------------------------- */

static u64 injected_rip;

static void guest_wait_for_exception(void)
{
	u64 i;

	for (i = 0; i < 4; i++) {
		guest_cpu()->fault.vector = NO_FAULT;
		guest_try("mov $2, %%eax; out %%eax, $0xe2", : : "D"(i), "S"(0), "d"(0), "c"(0)
			  : "rax", "memory");
		GUEST_REPORT2(guest_fault()->vector, guest_fault()->error);
		injected_rip = guest_fault()->rip;
	}
}

static void inject(struct vcpu *vcpu, struct lhv_events events)
{
	struct lhv_events now;

	vcpu_complete(vcpu);
	vcpu_set(vcpu, LHV_STATE_EVENTS, &events, sizeof(events));
	vcpu_get(vcpu, LHV_STATE_EVENTS, &now, sizeof(now));
	REQUIRE(now.exception_pending == 1 && now.exception_vector == events.exception_vector);
}

static void expect_exception(struct vcpu *vcpu, u64 vector, u64 error)
{
	struct ucall call;

	vcpu_run_to_ucall(vcpu, &call);
	if (call.arg[0] != vector || call.arg[1] != error)
		FAIL("exception %llu, error %llu, instead of %llu, %llu", call.arg[0],
		     call.arg[1], vector, error);
}

TEST_F(exceptions, injected)
{
	const struct guest_cpu *cpu = guest_memory(self->vm, LAYOUT_CPU);
	struct lhv_events events;

	vcpu_set_long(self->vcpu, guest_wait_for_exception, 0, 0);
	vcpu_run_to_report(self->vcpu, 0);
	inject(self->vcpu, (struct lhv_events){ .exception_pending = 1,
						.exception_vector = VECTOR_UD });
	expect_exception(self->vcpu, VECTOR_UD, 0);

	vcpu_run_to_report(self->vcpu, 1);
	inject(self->vcpu, (struct lhv_events){ .exception_pending = 1,
						.exception_vector = VECTOR_GP,
						.exception_has_error = 1,
						.exception_error = 0x123 });
	expect_exception(self->vcpu, VECTOR_GP, 0x123);

	/* A page fault: CR2 changes when it is delivered. */
	vcpu_run_to_report(self->vcpu, 2);
	inject(self->vcpu, (struct lhv_events){ .exception_pending = 1,
						.exception_vector = VECTOR_PF,
						.exception_has_error = 1,
						.exception_error = PF_WRITE | PF_USER,
						.exception_payload = 0x5000123456,
						.exception_has_payload = 1 });
	expect_exception(self->vcpu, VECTOR_PF, PF_WRITE | PF_USER);
	EXPECT_EQ(0x5000123456, cpu->fault.cr2);

	vcpu_run_to_report(self->vcpu, 3);
	inject(self->vcpu, (struct lhv_events){ .exception_pending = 1,
						.exception_vector = VECTOR_DB,
						.exception_payload = BIT(14) | BIT(0),
						.exception_has_payload = 1 });
	expect_exception(self->vcpu, VECTOR_DB, 0);
	EXPECT_EQ(BIT(14) | BIT(0), cpu->fault.dr6 & (BIT(14) | 0xf));

	vcpu_run_to_done(self->vcpu);
	vcpu_get(self->vcpu, LHV_STATE_EVENTS, &events, sizeof(events));
	EXPECT_EQ(0, events.exception_pending);
	EXPECT_EQ(4, vcpu_stat(self->vcpu, LHV_VCPU_STAT_EXCEPTIONS));
}

/* An interrupt and an NMI that were under way, or pending, when state was saved */
static void count_only(struct trap_frame *frame)
{
	(void)frame;
}

static void guest_interrupted(void)
{
	irq_enable();
	GUEST_REPORT(1);
	GUEST_SPIN_UNTIL(guest_count(VECTOR_NMI) == 2);
	GUEST_ASSERT_EQ(1, guest_count(0x61));
}

TEST_F(exceptions, interrupt_and_nmi_records)
{
	const struct lhv_events events = {
		.interrupt_pending = 1,
		.interrupt_vector = 0x61,
		.nmi_pending = 2,
	};
	struct lhv_events now;

	guest_var(self->vm, guest_handler[0x61]) = count_only;
	guest_var(self->vm, guest_handler[VECTOR_NMI]) = count_only;
	vcpu_set_long(self->vcpu, guest_interrupted, 0, 0);
	vcpu_run_to_report(self->vcpu, 1);
	vcpu_complete(self->vcpu);
	vcpu_set(self->vcpu, LHV_STATE_EVENTS, &events, sizeof(events));
	vcpu_get(self->vcpu, LHV_STATE_EVENTS, &now, sizeof(now));
	EXPECT_EQ(1, now.interrupt_pending);
	EXPECT_EQ(0x61, now.interrupt_vector);
	EXPECT_EQ(2, now.nmi_pending);
	vcpu_run_to_done(self->vcpu);
	vcpu_get(self->vcpu, LHV_STATE_EVENTS, &now, sizeof(now));
	EXPECT_EQ(0, now.interrupt_pending);
	EXPECT_EQ(0, now.nmi_pending);
	EXPECT_EQ(0, now.nmi_masked);
}

static void guest_wait_for_nmi(void)
{
	GUEST_SPIN_UNTIL(guest_count(VECTOR_NMI));
}

/* An NMI under way waits for the instruction behind MOV SS or STI, and no longer. */
TEST_F(exceptions, nmi_in_a_shadow)
{
	struct lhv_events events = { .nmi_injected = 1, .shadow = LHV_SHADOW_MOV_SS };
	struct lhv_regs regs;

	guest_var(self->vm, guest_handler[VECTOR_NMI]) = count_only;
	vcpu_set_long(self->vcpu, guest_wait_for_nmi, 0, 0);
	vcpu_set(self->vcpu, LHV_STATE_EVENTS, &events, sizeof(events));
	vcpu_run_to_done(self->vcpu);

	vcpu_set_long(self->vcpu, guest_wait_for_nmi, 0, 0);
	((struct guest_cpu *)guest_memory(self->vm, LAYOUT_CPU))->count[VECTOR_NMI] = 0;
	vcpu_get_regs(self->vcpu, &regs);
	regs.rflags |= FLAGS_IF;
	vcpu_set_regs(self->vcpu, &regs);
	events.shadow = LHV_SHADOW_STI;
	vcpu_set(self->vcpu, LHV_STATE_EVENTS, &events, sizeof(events));
	vcpu_run_to_done(self->vcpu);
}

TEST_F(exceptions, injected_triple_fault)
{
	const struct lhv_events events = { .triple_fault = 1 };

	vcpu_set_long(self->vcpu, guest_nothing, 0, 0);
	vcpu_set(self->vcpu, LHV_STATE_EVENTS, &events, sizeof(events));
	vcpu_run_to(self->vcpu, LHV_EXIT_SHUTDOWN);
}

/* ---- delivery that is interrupted by an exit --------------------------------- */

#define ROUNDS		16
#define SOFT_VECTOR	0x20

static u64 delivered;

static void count_delivery(struct trap_frame *frame)
{
	(void)frame;
	delivered++;
}

/* In each round the host takes away what the delivery needs. */
static void guest_deliveries(void)
{
	u64 i;

	guest_handler[SOFT_VECTOR] = count_delivery;
	guest_handler[VECTOR_BP] = count_delivery;
	for (i = 0; i < ROUNDS; i++) {
		delivered = 0;
		GUEST_REPORT(i);
		switch (i % 4) {
		case 0:
			asm volatile("int $0x20" ::: "memory");
			break;
		case 1:
			asm volatile("int3" ::: "memory");
			break;
		case 2:
			GUEST_ASSERT_EQ(VECTOR_UD, guest_try("ud2", : : : "memory"));
			delivered++;
			break;
		case 3:
			GUEST_ASSERT_EQ(VECTOR_PF, guest_try("mov (%0), %%rax", : : "r"(UNMAPPED)
							     : "rax", "memory"));
			GUEST_ASSERT_EQ((uintptr_t)UNMAPPED, guest_fault()->cr2);
			delivered++;
		}
		GUEST_ASSERT_EQ(1, delivered);
	}
}

/* The host's pages go, and come back as they were when they are touched. */
static void take_away(struct vm *vm, u64 gpa, u64 bytes)
{
	REQUIRE_SYS(mprotect(guest_memory(vm, gpa), bytes, PROT_NONE));
	REQUIRE_SYS(mprotect(guest_memory(vm, gpa), bytes, PROT_READ | PROT_WRITE));
}

TEST_F(exceptions, delivery_meets_missing_pages)
{
	u64 i, before = 0, now;

	vcpu_set_long(self->vcpu, guest_deliveries, 0, 0);
	for (i = 0; i < ROUNDS; i++) {
		vcpu_run_to_report(self->vcpu, i);
		now = vcpu_stat(self->vcpu, LHV_VCPU_STAT_EPT_FAULTS);
		EXPECT_LT(before, now);
		before = now;
		if (i & 4)
			take_away(self->vm, LAYOUT_IDT, GUEST_PAGE);
		else
			take_away(self->vm, 0, LAYOUT_SCRATCH);
		if (i & 8)
			take_away(self->vm, LAYOUT_STACKS, LAYOUT_STACK);
	}
	vcpu_run_to_done(self->vcpu);
}

/*
 * INTn in a user's 32-bit code, to a handler on the same stack, which isn't aligned:
 * #AC, whose handler aligns it. INTn restarts then, and isn't delivered before.
 */
static const u8 misaligned_int[] = {
	0xcd, 0x80,			/*  0: int $0x80 */
	0xb0, 0x01, 0xe6, 0x10,		/*  2: mov $1, %al; out %al, $0x10 */
	0xb0, 0x80, 0xe6, 0x10,		/*  6: INTn's: mov $0x80, %al; out %al, $0x10 */
	0xcf,				/* 10: iret */
	0xb0, 0x11, 0xe6, 0x10,		/* 11: #AC's: mov $17, %al; out %al, $0x10 */
	0xfb, 0x90,			/* 15: sti; nop */
	0xb0, 0x12, 0xe6, 0x10,		/* 17: mov $18, %al; out %al, $0x10 */
	0x83, 0xc4, 0x04,		/* 21: add $4, %esp: the error code */
	0x80, 0x64, 0x24, 0x0c, 0xfc,	/* 24: andb $0xfc, 12(%esp): the user's ESP */
	0xcf,				/* 29: iret */
};

#define SELECTOR_USER_CODE32	(0xf8 | 3)

static void set_user32(struct vcpu *vcpu)
{
	u64 *gdt = guest_memory(vcpu->vm, LAYOUT_GDT), *idt = guest_memory(vcpu->vm, LAYOUT_IDT);
	u32 *tss = (u32 *)((struct guest_cpu *)guest_memory(vcpu->vm, LAYOUT_CPU))->tss;
	struct lhv_sregs sregs;
	struct lhv_regs regs;

	gdt[SELECTOR_USER_CODE32 / 8] = 0x00cffb000000ffff;
	idt[VECTOR_AC] = (u64)(LAYOUT_PAYLOAD >> 16) << 48 | 0x8e0000000000 |
			 SELECTOR_CODE32 << 16 | 11;
	idt[0x80] = (u64)(LAYOUT_PAYLOAD >> 16) << 48 | 0xee0000000000 |
		    SELECTOR_USER_CODE32 << 16 | 6;
	tss[1] = LAYOUT_STACKS + LAYOUT_STACK;
	tss[2] = SELECTOR_DATA;

	vcpu_set_flat(vcpu, LAYOUT_PAYLOAD);
	vcpu_get_sregs(vcpu, &sregs);
	sregs.cs.selector = SELECTOR_USER_CODE32;
	sregs.cs.access |= 3 << 5;
	sregs.ss.selector = SELECTOR_USER_DATA;
	sregs.ss.access |= 3 << 5;
	sregs.tr.base = LAYOUT_CPU + offsetof(struct guest_cpu, tss);
	sregs.idt = (struct lhv_dtable){ .base = LAYOUT_IDT, .limit = 0x7ff };
	sregs.cr0 |= CR0_AM;
	vcpu_set_sregs(vcpu, &sregs);
	vcpu_get_regs(vcpu, &regs);
	regs.rsp = LAYOUT_STACKS + 2 * LAYOUT_STACK - 0xe;
	/* AC, and IOPL of 3 for OUT */
	regs.rflags = FLAGS_FIXED | BIT(18) | 3 << 12;
	vcpu_set_regs(vcpu, &regs);
}

TEST_F(exceptions, software_interrupt_that_faults)
{
	static const u8 expected[] = { 17, 18, 0x80, 1 };
	unsigned int i;

	vm_copy_payload(self->vm, misaligned_int, misaligned_int + sizeof(misaligned_int));
	set_user32(self->vcpu);
	for (i = 0; i < ARRAY_SIZE(expected); i++)
		vcpu_run_to_out(self->vcpu, 0x10, 1, expected[i]);
}

TEST_HARNESS_MAIN
