// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ports and registers in memory, with all kinds of instructions
 */
#include "work.h"

#define ELEMENTS	20

static u8 buffers[WORK_MAX_CPUS][2 * GUEST_PAGE] __attribute__((aligned(4096)));

static void work_ports(void)
{
	u64 r = work_random();
	u32 value;

	outb(WORK_DATA, r);
	outw(WORK_DATA, r >> 8);
	outl(WORK_DATA, r >> 24);
	asm volatile("mov $-1, %%eax\n\t inb %1, %%al" : "=&a"(value) : "d"((u16)WORK_DATA));
	work_mix(value);
	asm volatile("mov $-1, %%eax\n\t inw %1, %%ax" : "=&a"(value) : "d"((u16)WORK_DATA));
	work_mix(value);
	work_mix(inl(WORK_DATA));
}

/* Across the end of a page, in and out again. */
static void work_string_ports(void)
{
	u8 *start = buffers[guest_cpu()->id] + GUEST_PAGE - ELEMENTS;
	void *at = start;
	u64 count = ELEMENTS, i;

	asm volatile("rep insw" : "+D"(at), "+c"(count) : "d"((u16)WORK_DATA) : "memory");
	work_mix(count);
	work_mix((u8 *)at - start);
	for (i = 0; i < 2 * ELEMENTS; i++)
		work_mix(start[i]);
	at = start;
	count = ELEMENTS;
	asm volatile("rep outsl" : "+S"(at), "+c"(count) : "d"((u16)WORK_DATA) : "memory");
	work_mix((u8 *)at - start);
}

static void work_mmio(void)
{
	volatile u64 *device = (void *)(WORK_MMIO + (guest_cpu()->id << 8));
	u64 r = work_random(), flags;

	*device = r;
	*(volatile u8 *)device = r;
	work_mix(*(volatile u16 *)device);
	work_mix(device[1]);
	asm volatile("xchg %0, %1" : "+r"(r), "+m"(device[2]));
	work_mix(r);
	/* Read and written by one instruction: two exits */
	asm volatile("addl %k2, %1\n\t pushfq\n\t popq %0"
		     : "=r"(flags), "+m"(device[3]) : "r"(r));
	work_mix(flags & 0xd5);
}

static void work_string_mmio(void)
{
	u32 *memory = (void *)buffers[guest_cpu()->id];
	void *from, *to;
	u64 count, value, i;

	to = memory;
	from = (void *)WORK_MMIO;
	count = ELEMENTS;
	asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
	for (i = 0; i < ELEMENTS; i++)
		work_mix(memory[i]);
	from = memory;
	to = (void *)WORK_MMIO;
	count = ELEMENTS;
	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
	count = ELEMENTS;
	asm volatile("rep stosw" : "+D"(to), "+c"(count) : "a"((u16)work_random()) : "memory");
	from = (void *)WORK_MMIO;
	asm volatile("lodsq" : "=a"(value), "+S"(from) : : "memory");
	work_mix(value);
}

void work_devices(void)
{
	work_ports();
	work_string_ports();
	work_mmio();
	work_string_mmio();
}
