// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exceptions, software interrupts, single steps, breakpoints, NMIs within NMIs:
 * delivered on stacks in the closet, so that the host stops them half-way
 */
#include "apic.h"
#include "work.h"

#define VECTOR_SOFT	0x41
#define ABSENT		(GIB(5) + 0x123)	/* not in the page tables */

#define DR6_INIT	0xffff0ff0ULL
#define DR7_FIXED	BIT(10)
/* Breakpoint 0: 8 bytes that are written */
#define DR7_WATCH	(DR7_FIXED | BIT(1) | 1 << 16 | 2 << 18)

/* In the TSS, SDM 3A figure 8-11 */
#define TSS_IST(n)	(0x24 + 8 * ((n) - 1))

static u64 watched[WORK_MAX_CPUS];

/* ---- faults and software interrupts ------------------------------------------------------ */

static void on_software_interrupt(struct trap_frame *frame)
{
	work_mix(frame->vector);
	work_mix(frame->rip);
	work_close_closet();
}

static void mix_fault(u64 vector)
{
	const struct guest_fault *fault = guest_fault();

	work_mix(vector);
	work_mix(fault->error);
	work_mix(fault->rip);
	work_mix(fault->rflags);
	if (vector == VECTOR_PF)
		work_mix(fault->cr2);
}

static void work_faults(void)
{
	u64 zero = 0;

	work_close_closet();
	mix_fault(guest_try("ud2", : : : "memory"));
	work_close_closet();
	mix_fault(guest_try("movq %%rax, (%0)", : : "r"(ABSENT + (work_random() & 0xff0)) : "memory"));
	work_close_closet();
	mix_fault(guest_try("movq (%0), %%rax", : : "r"(BIT(60)) : "rax"));
	work_close_closet();
	mix_fault(guest_try("divq %0", : : "r"(zero), "a"(1ULL), "d"(0ULL)));
	work_close_closet();
	asm volatile("int3" ::: "memory");
	work_close_closet();
	asm volatile("int %0" : : "i"(VECTOR_SOFT) : "memory");
}

/* ---- debug exceptions -------------------------------------------------------------------- */

/* The first instruction of work_steps() with TF set */
extern const char work_first_step[];

/*
 * The emulator of the lab has one trap too many: it takes the step for done when
 * an instruction is interrupted by an EPT violation (docs/lab.md).
 */
static void on_debug(struct trap_frame *frame)
{
	struct work *w = my_work();
	u64 dr6 = read_register(db6);

	write_register(db6, DR6_INIT);
	if (frame->rip == w->last_step && (frame->rflags & FLAGS_TF))
		return;
	w->last_step = frame->rip;
	w->steps++;
	work_mix(frame->rip);
	work_mix(dr6);
}

/* Instructions of all kinds, each followed by a debug exception but MOV to SS. */
static __attribute__((noinline)) void work_steps(void)
{
	my_work()->last_step = (uintptr_t)work_first_step;
	asm volatile("pushfq\n\t orq $0x100, (%%rsp)\n\t popfq\n"
		     "work_first_step:\n\t"
		     "nop\n\t"
		     "outb %%al, %[port]\n\t"
		     "xor %%eax, %%eax\n\t"
		     "xor %%ecx, %%ecx\n\t"
		     "cpuid\n\t"
		     "inb %[port], %%al\n\t"
		     "mov %%ss, %%eax\n\t"
		     "mov $1, %%edx\n\t"
		     "mov %%rdx, (%[closet])\n\t"
		     "mov %%eax, %%ss\n\t"
		     "mov (%[closet]), %%rdx\n\t"
		     "mov $0x10, %%ecx\n\t"
		     "rdmsr\n\t"
		     "movl %%ecx, (%[mmio])\n\t"
		     "hlt\n\t"
		     "pushfq\n\t andq $~0x100, (%%rsp)\n\t popfq"
		     : : [port] "N"(0x80), [closet] "r"(work_closet(guest_cpu()->id)),
		     [mmio] "r"(WORK_MMIO) : "rax", "rbx", "rcx", "rdx", "memory");
}

static void work_breakpoint(void)
{
	u64 *word = &watched[guest_cpu()->id];
	u64 db0 = read_register(db0), db7 = read_register(db7);

	write_register(db0, (uintptr_t)word);
	write_register(db7, DR7_WATCH);
	asm volatile("addq $3, %0\n\t outb %%al, $0x80\n\t movq $7, %0" : "+m"(*word));
	write_register(db7, db7);
	write_register(db0, db0);
	work_mix(*word);
}

static void work_debug(void)
{
	u64 steps = my_work()->steps;

	/* The timer's interrupt may come between any two of them. */
	work_timer_start(work_random() % 16000);
	work_close_closet();
	work_steps();
	work_mix(my_work()->steps - steps);
	work_timer_wait();
	steps = my_work()->steps;
	work_breakpoint();
	work_mix(my_work()->steps - steps);
}

/* ---- NMIs -------------------------------------------------------------------------------- */

/* Each first one sends another, which waits for the handler's IRET. */
static void on_nmi(struct trap_frame *frame)
{
	struct work *w = my_work();
	u32 icr2;

	(void)frame;
	work_close_closet();
	if (w->nmis++ & 1)
		return;
	/* It may have come between two writes of ICR's halves. */
	icr2 = guest_cpu()->x2apic ? 0 : apic_read(APIC_ICR2);
	apic_icr(guest_cpu()->id, ICR_NMI | ICR_ASSERT);
	if (!guest_cpu()->x2apic)
		apic_write(APIC_ICR2, icr2);
	work_close_closet();
	GUEST_ASSERT(w->nmis & 1);
	work_close_closet();
}

void work_exceptions_init(void)
{
	static const u8 vectors[] = {
		VECTOR_DE, VECTOR_UD, VECTOR_GP, VECTOR_PF, VECTOR_BP, VECTOR_SOFT,
	};
	struct guest_cpu *cpu;
	u32 i, id;

	for (i = 0; i < ARRAY_SIZE(vectors); i++)
		work_use_closet(vectors[i], 1);
	work_use_closet(VECTOR_NMI, 2);
	for (id = 0; id < WORK_MAX_CPUS; id++) {
		cpu = (void *)(LAYOUT_CPU + id * GUEST_PAGE);
		*(u64 *)(cpu->tss + TSS_IST(1)) = work_closet(id) + GUEST_PAGE;
		*(u64 *)(cpu->tss + TSS_IST(2)) = work_closet(id) + 2 * GUEST_PAGE;
	}
	guest_handler[VECTOR_DB] = on_debug;
	guest_handler[VECTOR_BP] = on_software_interrupt;
	guest_handler[VECTOR_SOFT] = on_software_interrupt;
	guest_handler[VECTOR_NMI] = on_nmi;
}

void work_exceptions(void)
{
	work_faults();
	work_debug();
}
