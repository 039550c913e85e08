// SPDX-License-Identifier: GPL-2.0-only
#include "vm.h"

#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "guest_image.h"

int dev_open(void)
{
	return REQUIRE_SYS(open("/dev/lhv", O_RDWR | O_CLOEXEC));
}

struct vm *vm_create_empty(void)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	struct lhv_info info;
	int dev = dev_open();
	int i;

	REQUIRE(vm);
	REQUIRE_OK(lhv_info(dev, &info));
	vm->run_size = info.run_size;
	vm->fd = REQUIRE_OK(lhv_create_vm(dev));
	close(dev);
	for (i = 0; i < VM_MAX_VCPUS; i++)
		vm->vcpu[i] = (struct vcpu){ .vm = vm, .id = i, .fd = -1 };
	return vm;
}

/* At a 2 MiB boundary, so that the host can use large pages if it wants to. */
static void *allocate(u64 bytes)
{
	u8 *area = mmap(NULL, bytes + MIB(2), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	u64 skip;

	REQUIRE(area != MAP_FAILED);
	skip = -(uintptr_t)area & (MIB(2) - 1);
	if (skip)
		munmap(area, skip);
	munmap(area + skip + bytes, MIB(2) - skip);
	return area + skip;
}

/* The program, as it is now, goes to where it would be in the guest. */
static void copy_program(struct vm *vm)
{
	const ElfW(Phdr) *phdr = (void *)getauxval(AT_PHDR);
	unsigned long n = getauxval(AT_PHNUM);

	for (; n; n--, phdr++) {
		if (phdr->p_type != PT_LOAD)
			continue;
		REQUIRE(phdr->p_vaddr >= LAYOUT_SCRATCH_END &&
			phdr->p_vaddr + phdr->p_memsz <= LAYOUT_FREE);
		memcpy(guest_memory(vm, phdr->p_vaddr), (void *)phdr->p_vaddr, phdr->p_memsz);
	}
}

static void write_page_tables(struct vm *vm)
{
	u64 *pml4 = guest_memory(vm, LAYOUT_PML4);
	u64 *pdpt = guest_memory(vm, LAYOUT_PDPT);
	u64 *pd = guest_memory(vm, LAYOUT_PD);
	u64 i;

	pml4[0] = LAYOUT_PDPT | PTE_PRESENT | PTE_WRITE | PTE_USER;
	for (i = 0; i < 4; i++)
		pdpt[i] = (LAYOUT_PD + i * GUEST_PAGE) | PTE_PRESENT | PTE_WRITE | PTE_USER;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i * MIB(2) | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
}

/* SDM 3A 3.4.5; the TSS descriptor: 8.2.3 */
void vm_write_gdt(struct vm *vm)
{
	u64 *gdt = guest_memory(vm, LAYOUT_GDT);
	u64 i, tss;

	gdt[SELECTOR_CODE64 / 8] = 0x00af9b000000ffff;
	gdt[SELECTOR_DATA / 8] = 0x00cf93000000ffff;
	gdt[SELECTOR_CODE32 / 8] = 0x00cf9b000000ffff;
	gdt[SELECTOR_USER_DATA / 8] = 0x00cff3000000ffff;
	gdt[SELECTOR_USER_CODE64 / 8] = 0x00affb000000ffff;
	for (i = 0; i < VM_MAX_VCPUS; i++) {
		tss = guest_cpu_gpa(i) + offsetof(struct guest_cpu, tss);
		gdt[SELECTOR_TSS / 8 + 2 * i] = 0x0000890000000067 | (tss & 0xffffff) << 16;
	}
}

/* Interrupt gates, SDM 3A 6.14.1. */
static void write_idt(struct vm *vm)
{
	u64 *idt = guest_memory(vm, LAYOUT_IDT);
	u64 i, stub;

	for (i = 0; i < 256; i++) {
		stub = (uintptr_t)guest_idt_stubs + 16 * i;
		idt[2 * i] = (stub & 0xffff) | SELECTOR_CODE64 << 16 | 0x8e0000000000 |
			     (stub & 0xffff0000) << 32;
	}
}

static void write_cpus(struct vm *vm)
{
	struct guest_cpu *cpu;
	u32 i;

	for (i = 0; i < VM_MAX_VCPUS; i++) {
		cpu = guest_memory(vm, guest_cpu_gpa(i));
		cpu->self = (void *)guest_cpu_gpa(i);
		cpu->id = i;
	}
}

void vm_add_memory(struct vm *vm, u64 bytes)
{
	vm->bytes = bytes;
	vm->memory = allocate(bytes);
	copy_program(vm);
	write_page_tables(vm);
	vm_write_gdt(vm);
	write_idt(vm);
	write_cpus(vm);
	memcpy(guest_memory(vm, LAYOUT_TRAMPOLINE), guest_trampoline,
	       guest_trampoline_end - guest_trampoline);
	vm_set_memory(vm, 0, 0, 0, bytes, vm->memory);
}

void vm_copy_payload(struct vm *vm, const u8 *start, const u8 *end)
{
	memcpy(guest_memory(vm, LAYOUT_PAYLOAD), start, end - start);
}

struct vm *vm_create(void)
{
	struct vm *vm = vm_create_empty();

	vm_add_memory(vm, VM_MEMORY);
	return vm;
}

void vm_close(struct vm *vm)
{
	u32 i;

	for (i = 0; i < VM_MAX_VCPUS; i++) {
		if (vm->vcpu[i].fd >= 0)
			vcpu_close(&vm->vcpu[i]);
	}
	close(vm->fd);
	if (vm->memory)
		munmap(vm->memory, vm->bytes);
	free(vm);
}

void vm_set_memory(struct vm *vm, u32 slot, u32 flags, u64 gpa, u64 bytes, const void *hva)
{
	REQUIRE_OK(lhv_set_memory(vm->fd, slot, flags, gpa, bytes, hva));
}

u64 vm_stat(struct vm *vm, u32 index)
{
	u64 values[LHV_VM_STAT_COUNT];
	u32 count = LHV_VM_STAT_COUNT;

	REQUIRE_OK(lhv_get_stats(vm->fd, LHV_VM_GET_STATS, values, &count));
	REQUIRE(count >= LHV_VM_STAT_COUNT);
	return values[index];
}

u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

void pause_a_little(void)
{
	const struct timespec while_others_run = { .tv_nsec = 100000 };

	nanosleep(&while_others_run, NULL);
}
