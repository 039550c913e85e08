// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest payload: does what the request says, each time with its ticks
 *
 * Started in 64-bit mode with identity-mapped memory. It runs with interrupts
 * enabled where it can: nothing interrupts it but what it asks for.
 */
#include "shared.h"

#define MSR_TSC_ADJUST		0x3b
#define MSR_APIC_BASE		0x1b
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_X2APIC_EOI		0x80b
#define MSR_X2APIC_SVR		0x80f
#define MSR_X2APIC_LVT_TIMER	0x832
#define MSR_X2APIC_SELF_IPI	0x83f

#define APIC_BASE_X2APIC	(3u << 10)	/* EN and EXTD */
#define SVR_ENABLED		0x1ffu
#define LVT_TSC_DEADLINE	(2u << 17)

#define CODE_SELECTOR		0x8
#define VECTOR			BELL_VECTOR
#define TIMER_DELAY		25000		/* ticks */
#define UNKNOWN_HYPERCALL	0x7fffffffu

struct descriptor_table {
	u16 limit;
	u64 base;
} __packed;

struct gate {
	u16 offset_low;
	u16 selector;
	u16 type;
	u16 offset_middle;
	u32 offset_high;
	u32 reserved;
};

struct interrupt_frame;

static u64 gdt[] = { 0, 0x00af9b000000ffff, 0x00cf93000000ffff };
static struct gate idt[VECTOR + 1];
static volatile u32 interrupts;
static volatile u64 interrupted_at;

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (u64)high << 32 | low;
}

static inline u64 rdmsr(u32 index)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a" (low), "=d" (high) : "c" (index) : "memory");
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 index, u64 value)
{
	asm volatile("wrmsr" : : "a" ((u32)value), "d" ((u32)(value >> 32)), "c" (index)
		     : "memory");
}

static inline void outb(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a" (value), "Nd" (port) : "memory");
}

static inline void inb(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a" (value) : "Nd" (port) : "memory");
}

__attribute__((interrupt))
static void handle_interrupt(struct interrupt_frame *frame)
{
	(void)frame;
	interrupted_at = rdtsc();
	interrupts++;
	wrmsr(MSR_X2APIC_EOI, 0);
}

static void set_up_interrupts(void)
{
	struct descriptor_table gdtr = { sizeof(gdt) - 1, (uintptr_t)gdt };
	struct descriptor_table idtr = { sizeof(idt) - 1, (uintptr_t)idt };
	uintptr_t handler = (uintptr_t)handle_interrupt;

	idt[VECTOR] = (struct gate){
		.offset_low = handler, .offset_middle = handler >> 16,
		.offset_high = handler >> 32, .selector = CODE_SELECTOR, .type = 0x8e00,
	};
	asm volatile("lgdt %0" : : "m" (gdtr));
	asm volatile("lidt %0" : : "m" (idtr));
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2APIC);
	wrmsr(MSR_X2APIC_SVR, SVR_ENABLED);
	wrmsr(MSR_X2APIC_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR);
	asm volatile("sti");
}

static inline void cpuid(void)
{
	u32 eax = 0, ecx = 0;

	asm volatile("cpuid" : "+a" (eax), "+c" (ecx) : : "ebx", "edx", "memory");
}

static inline void vmcall(void)
{
	u64 rax = UNKNOWN_HYPERCALL;

	asm volatile("vmcall" : "+a" (rax) : : "memory");
}

static void wait_for_interrupt(u32 seen)
{
	while (interrupts == seen)
		;
}

static void self_ipi(void)
{
	u32 seen = interrupts;

	wrmsr(MSR_X2APIC_SELF_IPI, VECTOR);
	wait_for_interrupt(seen);
}

static void self_ipi_hlt(void)
{
	u32 seen = interrupts;

	asm volatile("cli");
	wrmsr(MSR_X2APIC_SELF_IPI, VECTOR);
	asm volatile("sti; hlt" : : : "memory");
	wait_for_interrupt(seen);
}

static void timer(void)
{
	u32 seen = interrupts;

	wrmsr(MSR_TSC_DEADLINE, rdtsc());
	wait_for_interrupt(seen);
}

/* The device answers at once, with an interrupt. */
static void write_msi(void)
{
	u32 seen = interrupts;

	*(volatile u32 *)BELL_MSI = 0;
	wait_for_interrupt(seen);
}

/* Returns how late the handler ran. */
static u64 timer_hlt(void)
{
	u32 seen = interrupts;
	u64 deadline;

	asm volatile("cli");
	deadline = rdtsc() + TIMER_DELAY;
	wrmsr(MSR_TSC_DEADLINE, deadline);
	asm volatile("sti; hlt" : : : "memory");
	wait_for_interrupt(seen);
	return interrupted_at - deadline;
}

/* Inlined into each case, so that nothing but the instruction is measured. */
#define SAMPLE(action)						\
	do {							\
		for (i = 0; i < count; i++) {			\
			start = rdtsc();			\
			action;					\
			samples[i] = rdtsc() - start - overhead;	\
		}						\
	} while (0)

static void do_request(const struct bench_request *request, u32 *samples, u32 overhead)
{
	u32 i, count = request->count;
	u64 start, value;
	volatile u8 *p;

	switch (request->command) {
	case COMMAND_NOTHING:
		SAMPLE();
		break;
	case COMMAND_CPUID:
		SAMPLE(cpuid());
		break;
	case COMMAND_RDMSR:
		SAMPLE(rdmsr(MSR_TSC_ADJUST));
		break;
	case COMMAND_WRMSR:
		value = rdmsr(MSR_TSC_ADJUST);
		SAMPLE(wrmsr(MSR_TSC_ADJUST, value));
		break;
	case COMMAND_VMCALL:
		SAMPLE(vmcall());
		break;
	case COMMAND_OUT:
		SAMPLE(outb(PORT_PING, 0));
		break;
	case COMMAND_IN:
		SAMPLE(inb(PORT_PING));
		break;
	case COMMAND_SELF_IPI:
		SAMPLE(self_ipi());
		break;
	case COMMAND_SELF_IPI_HLT:
		SAMPLE(self_ipi_hlt());
		break;
	case COMMAND_TIMER:
		SAMPLE(timer());
		break;
	case COMMAND_TIMER_HLT:
		for (i = 0; i < count; i++)
			samples[i] = timer_hlt();
		break;
	case COMMAND_WRITE:
		SAMPLE(*(volatile u32 *)request->base = 0);
		break;
	case COMMAND_WRITE_PORT:
		SAMPLE(outb(BELL_PORT, 0));
		break;
	case COMMAND_WRITE_MSI:
		SAMPLE(write_msi());
		break;
	case COMMAND_TOUCH:
		p = (volatile u8 *)request->base;
		SAMPLE(*p = 1; p += request->stride);
		break;
	}
}

/* What two readings of the counter take by themselves. */
static u32 measure_overhead(void)
{
	u64 least = UINT64_MAX, start, ticks;
	int i;

	for (i = 0; i < 100; i++) {
		start = rdtsc();
		ticks = rdtsc() - start;
		if (ticks < least)
			least = ticks;
	}
	return least;
}

__attribute__((section(".text.start")))
void start(void)
{
	const struct bench_request *request = (void *)COMMAND_GPA;
	u32 *samples = (void *)SAMPLES_GPA;
	u32 overhead;

	/* The first sign of life comes before anything that exits. */
	outb(PORT_DONE, 0);
	set_up_interrupts();
	overhead = measure_overhead();
	for (;;) {
		do_request(request, samples, overhead);
		outb(PORT_DONE, 0);
		asm volatile("" : : : "memory");
	}
}
