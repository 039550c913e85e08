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

void vm_add_memory(struct vm *vm, u64 bytes)
{
	vm->bytes = bytes;
	vm->memory = allocate(bytes);
	copy_program(vm);
	guest_write_tables(vm->memory);
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

u32 vm_irq_count(struct vm *vm, u32 id, u8 vector)
{
	const struct guest_cpu *cpu = guest_memory(vm, LAYOUT_CPU + id * GUEST_PAGE);

	return READ_ONCE(cpu->count[vector]);
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
