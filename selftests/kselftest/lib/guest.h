/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For code that runs in the guest, in long mode
 */
#ifndef LHV_TEST_GUEST_H
#define LHV_TEST_GUEST_H

#include "layout.h"
#include "types.h"

/* ---- talking to the host: one OUT, the arguments in registers ---------------- */

#define UCALL_PORT	0xe2
#define UCALL_DONE	1	/* the guest function is through */
#define UCALL_REPORT	2	/* values for the host */
#define UCALL_ASSERT	3	/* text, file, line, value: a check failed */

void guest_ucall(u32 command, u64 arg0, u64 arg1, u64 arg2, u64 arg3);

#define GUEST_REPORT(value)	guest_ucall(UCALL_REPORT, (u64)(value), 0, 0, 0)
#define GUEST_REPORT2(a, b)	guest_ucall(UCALL_REPORT, (u64)(a), (u64)(b), 0, 0)

#define GUEST_FAIL(text, value) \
	guest_ucall(UCALL_ASSERT, (uintptr_t)(text), (uintptr_t)__FILE__, __LINE__, (u64)(value))

#define GUEST_ASSERT(condition) do {					\
	if (!(condition))						\
		GUEST_FAIL(#condition, 0);				\
} while (0)

/* @seen is what is printed. */
#define GUEST_ASSERT_EQ(expected, seen) do {				\
	u64 __seen = (u64)(seen);					\
									\
	if (__seen != (u64)(expected))					\
		GUEST_FAIL(#seen " == " #expected ", but it is", __seen); \
} while (0)

/* ---- this vCPU --------------------------------------------------------------- */

#define NO_FAULT	0xffff

/**
 * struct guest_fault - the exception that guest_try() met
 * @vector:	or NO_FAULT
 * @error:	error code, or 0
 * @rip:	of the instruction
 * @rflags:	as they were pushed
 * @cr2:	of a page fault
 * @dr6:	of a debug exception
 */
struct guest_fault {
	u64 vector;
	u64 error;
	u64 rip;
	u64 rflags;
	u64 cr2;
	u64 dr6;
};

/**
 * struct guest_cpu - a vCPU's own data, at its GS base
 * @self:	where it is
 * @recover:	where guest_try() goes on after an exception, or 0
 * @id:		the vCPU's id
 * @x2apic:	its APIC is in x2APIC mode
 * @fault:	see struct guest_fault
 * @count:	how often each vector came
 * @tss:	task state segment, SDM 3A figure 8-11
 */
struct guest_cpu {
	struct guest_cpu *self;
	u64 recover;
	u32 id;
	u32 x2apic;
	struct guest_fault fault;
	u32 count[256];
	u8 tss[104] __attribute__((aligned(16)));
};

static inline struct guest_cpu *guest_cpu(void)
{
	struct guest_cpu *cpu;

	asm volatile("movq %%gs:0, %0" : "=r"(cpu));
	return cpu;
}

/* How often an interrupt's or exception's vector came to this vCPU. */
static inline u32 guest_count(u8 vector)
{
	return READ_ONCE(guest_cpu()->count[vector]);
}

/* ---- exceptions and interrupts ----------------------------------------------- */

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* By vector; without one, an exception fails the test. */
extern void (*guest_handler[256])(struct trap_frame *frame);

/* Counts, and writes EOI: what most interrupts need. */
void guest_count_irq(struct trap_frame *frame);

/*
 * Execute one instruction (or a few) that may raise an exception, and tell
 * which: guest_try("wrmsr", : : "c"(index), "a"(low), "d"(high) : "memory").
 */
#define guest_try(text, ...) ({						\
	guest_cpu()->fault.vector = NO_FAULT;				\
	asm volatile("movq $9f, %%gs:8\n\t"				\
		     text "\n"						\
		     "9:\tmovq $0, %%gs:8"				\
		     __VA_ARGS__);					\
	READ_ONCE(guest_cpu()->fault.vector);				\
})

static inline const struct guest_fault *guest_fault(void)
{
	return &guest_cpu()->fault;
}

static inline void irq_enable(void)
{
	asm volatile("sti" ::: "memory");
}

static inline void irq_disable(void)
{
	asm volatile("cli" ::: "memory");
}

/* STI, and HLT in its shadow. */
static inline void irq_enable_halt(void)
{
	asm volatile("sti; hlt" ::: "memory");
}

/* Halts until the condition holds; interrupts are on only while it halts. */
#define GUEST_HALT_UNTIL(condition) do {				\
	irq_disable();							\
	while (!(condition)) {						\
		irq_enable_halt();					\
		irq_disable();						\
	}								\
	irq_enable();							\
} while (0)

static inline void cpu_relax(void)
{
	asm volatile("pause" ::: "memory");
}

#define GUEST_SPIN_UNTIL(condition) do {				\
	while (!(condition))						\
		cpu_relax();						\
} while (0)

/* ---- instructions ------------------------------------------------------------ */

static inline void outb(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(u16 port, u16 value)
{
	asm volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outl(u16 port, u32 value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u32 inl(u16 port)
{
	u32 value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline u64 rdmsr(u32 index)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
	return low | (u64)high << 32;
}

static inline void wrmsr(u32 index, u64 value)
{
	asm volatile("wrmsr" : : "c"(index), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

#define guest_try_wrmsr(index, value) ({				\
	u64 __value = (value);						\
									\
	guest_try("wrmsr", : : "c"(index), "a"((u32)__value),		\
		  "d"((u32)(__value >> 32)) : "memory");		\
})

#define guest_try_rdmsr(index) ({					\
	u32 __low, __high;						\
									\
	guest_try("rdmsr", : "=a"(__low), "=d"(__high) : "c"(index) : "memory"); \
})

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (u64)high << 32;
}

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 function, u32 index)
{
	struct cpuid r;

	asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
		     : "0"(function), "2"(index));
	return r;
}

#define read_register(name) ({						\
	u64 __value;							\
									\
	asm volatile("mov %%" #name ", %0" : "=r"(__value) : : "memory"); \
	__value;							\
})

#define write_register(name, value) \
	asm volatile("mov %0, %%" #name : : "r"((u64)(value)) : "memory")

#define guest_try_write_register(name, value) \
	guest_try("mov %0, %%" #name, : : "r"((u64)(value)) : "memory")

static inline u64 read_flags(void)
{
	u64 flags;

	asm volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return flags;
}

static inline void invlpg(const volatile void *address)
{
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* Flushes what isn't global. */
static inline void flush_tlb(void)
{
	write_register(cr3, read_register(cr3));
}

/* ---- bits -------------------------------------------------------------------- */

#define CR0_PE		BIT(0)
#define CR0_MP		BIT(1)
#define CR0_EM		BIT(2)
#define CR0_TS		BIT(3)
#define CR0_ET		BIT(4)
#define CR0_NE		BIT(5)
#define CR0_WP		BIT(16)
#define CR0_AM		BIT(18)
#define CR0_NW		BIT(29)
#define CR0_CD		BIT(30)
#define CR0_PG		BIT(31)

#define CR4_VME		BIT(0)
#define CR4_TSD		BIT(2)
#define CR4_DE		BIT(3)
#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_MCE		BIT(6)
#define CR4_PGE		BIT(7)
#define CR4_OSFXSR	BIT(9)
#define CR4_OSXMMEXCPT	BIT(10)
#define CR4_UMIP	BIT(11)
#define CR4_VMXE	BIT(13)
#define CR4_PCIDE	BIT(17)
#define CR4_OSXSAVE	BIT(18)
#define CR4_SMEP	BIT(20)
#define CR4_SMAP	BIT(21)

#define EFER_SCE	BIT(0)
#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)
#define EFER_NX		BIT(11)

#define FLAGS_FIXED	BIT(1)
#define FLAGS_TF	BIT(8)
#define FLAGS_IF	BIT(9)
#define FLAGS_VM	BIT(17)

#define VECTOR_DE	0
#define VECTOR_DB	1
#define VECTOR_NMI	2
#define VECTOR_BP	3
#define VECTOR_UD	6
#define VECTOR_NM	7
#define VECTOR_DF	8
#define VECTOR_GP	13
#define VECTOR_PF	14
#define VECTOR_AC	17

#define PF_PRESENT	BIT(0)
#define PF_WRITE	BIT(1)
#define PF_USER		BIT(2)
#define PF_RESERVED	BIT(3)
#define PF_FETCH	BIT(4)

#define PTE_PRESENT	BIT(0)
#define PTE_WRITE	BIT(1)
#define PTE_USER	BIT(2)
#define PTE_ACCESSED	BIT(5)
#define PTE_DIRTY	BIT(6)
#define PTE_LARGE	BIT(7)
#define PTE_NX		BIT(63)

#define MSR_TSC			0x10
#define MSR_APIC_BASE		0x1b
#define MSR_TSC_ADJUST		0x3b
#define MSR_PAT			0x277
#define MSR_TSC_DEADLINE	0x6e0
#define MSR_EFER		0xc0000080
#define MSR_STAR		0xc0000081
#define MSR_LSTAR		0xc0000082
#define MSR_SYSCALL_MASK	0xc0000084
#define MSR_FS_BASE		0xc0000100
#define MSR_GS_BASE		0xc0000101
#define MSR_KERNEL_GS_BASE	0xc0000102
#define MSR_TSC_AUX		0xc0000103

#endif /* LHV_TEST_GUEST_H */
