// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_vm.h: slots of all kinds with canaries around them, and the noise
 */
#include "fuzz_vm.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apic.h"

#define CANARY		0x6b726f6e6e6e6f74ULL
#define CANARY_BYTES	GUEST_PAGE
#define ROM_WORD	0x0f0e0d0c0b0a0908ULL
/* Slot 0, ending at an odd page; its canary follows. */
#define RAM_BYTES	(MIB(8) + 3 * GUEST_PAGE)

/* Slots 1 and on, in the arena one after the other */
static const struct {
	u64 gpa;
	u32 flags;
	int prot;
} slots[] = {
	{ FUZZ_RAM, 0, PROT_READ | PROT_WRITE },
	{ FUZZ_ROM, LHV_MEM_READONLY, PROT_READ | PROT_WRITE },
	{ FUZZ_LOGGED, LHV_MEM_LOG_DIRTY, PROT_READ | PROT_WRITE },
	{ FUZZ_MOVING, 0, PROT_READ | PROT_WRITE },
	{ FUZZ_LOST, 0, PROT_NONE },
	{ FUZZ_HOST_RO, 0, PROT_READ },
};

enum { SLOT_LOGGED = 3, SLOT_MOVING = 4 };

#define ARENA_STEP	(FUZZ_SLOT_BYTES + CANARY_BYTES)
#define ARENA_BYTES	(ARRAY_SIZE(slots) * ARENA_STEP + CANARY_BYTES)

static u8 *slot_memory(struct fuzz_vm *fvm, u32 i)
{
	return fvm->arena + i * ARENA_STEP + CANARY_BYTES;
}

static void fill(void *memory, u64 bytes, u64 word)
{
	u64 *p = memory, i;

	for (i = 0; i < bytes / sizeof(*p); i++)
		p[i] = word;
}

static void check(const void *memory, u64 bytes, u64 word, const char *what)
{
	const u64 *p = memory;
	u64 i;

	for (i = 0; i < bytes / sizeof(*p); i++)
		if (p[i] != word)
			FAIL("%s is overwritten at offset 0x%llx: 0x%llx", what, i * sizeof(*p),
			     p[i]);
}

static void add_slots(struct fuzz_vm *fvm)
{
	struct vm *vm = fvm->vm;
	u32 i;

	vm_add_memory(vm, RAM_BYTES + CANARY_BYTES);
	/* The library's slot has the canary in it. */
	REQUIRE_OK(lhv_set_memory(vm->fd, 0, 0, 0, 0, NULL));
	vm_set_memory(vm, 0, 0, 0, RAM_BYTES, vm->memory);
	fill(vm->memory + RAM_BYTES, CANARY_BYTES, CANARY);

	fvm->arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(fvm->arena != MAP_FAILED);
	fill(fvm->arena, ARENA_BYTES, CANARY);
	for (i = 0; i < ARRAY_SIZE(slots); i++) {
		fill(slot_memory(fvm, i), FUZZ_SLOT_BYTES, ROM_WORD);
		REQUIRE_SYS(mprotect(slot_memory(fvm, i), FUZZ_SLOT_BYTES, slots[i].prot));
		vm_set_memory(vm, i + 1, slots[i].flags, slots[i].gpa, FUZZ_SLOT_BYTES,
			      slot_memory(fvm, i));
	}
}

static void check_memory(struct fuzz_vm *fvm)
{
	u32 i;

	check(fvm->vm->memory + RAM_BYTES, CANARY_BYTES, CANARY, "what follows slot 0");
	for (i = 0; i <= ARRAY_SIZE(slots); i++)
		check(fvm->arena + i * ARENA_STEP, CANARY_BYTES, CANARY, "what is between slots");
	for (i = 0; i < ARRAY_SIZE(slots); i++)
		if ((slots[i].flags & LHV_MEM_READONLY) || slots[i].prot == PROT_READ)
			check(slot_memory(fvm, i), FUZZ_SLOT_BYTES, ROM_WORD, "a read-only slot");
}

static void add_vcpus(struct fuzz_vm *fvm, struct random *random)
{
	struct fuzz_vcpu *fvcpu;
	struct lhv_sregs sregs;
	u32 i;

	for (i = 0; i < fvm->vcpus; i++) {
		fvcpu = &fvm->vcpu[i];
		fvcpu->fvm = fvm;
		fvcpu->vcpu = vcpu_create(fvm->vm, i);
		fvcpu->random.state = random_u64(random);
		vcpu_get(fvcpu->vcpu, LHV_STATE_LAPIC, &fvcpu->lapic, sizeof(fvcpu->lapic));
		vcpu_get_sregs(fvcpu->vcpu, &sregs);
		fvcpu->apic_base = sregs.apic_base;
	}
}

struct fuzz_vm *fuzz_vm_create(struct random *random, u32 vcpus, struct fuzz_totals *totals)
{
	struct fuzz_vm *fvm = calloc(1, sizeof(*fvm));

	REQUIRE(fvm);
	fvm->vm = vm_create_empty();
	fvm->vcpus = vcpus;
	fvm->totals = totals;
	fvm->random.state = random_u64(random);
	add_slots(fvm);
	fuzz_write_tables(fvm->vm, random);
	add_vcpus(fvm, random);
	return fvm;
}

void fuzz_vm_close(struct fuzz_vm *fvm)
{
	check_memory(fvm);
	vm_close(fvm->vm);
	munmap(fvm->arena, ARENA_BYTES);
	free(fvm);
}

/* ---- noise --------------------------------------------------------------------- */

void fuzz_kick(struct fuzz_vm *fvm, u32 vcpu)
{
	fuzz_count(fvm->totals->kicks);
	pthread_kill(fvm->vcpu[vcpu].thread, KICK_SIGNAL);
}

/* Also some that must be refused; none is an INIT, which only stops things. */
static void send_msi(struct fuzz_vm *fvm)
{
	struct random *random = &fvm->random;
	u64 address = MSI_ADDRESS(random_below(random, 8));
	u32 data = random_u64(random) & 0xc7ff;
	int ret;

	if (one_in(random, 4))
		address |= random_u64(random) & 0xfffff;
	if (one_in(random, 16))
		address = random_u64(random);
	if (one_in(random, 16))
		data = random_u64(random);
	if ((data & 0x700) == ICR_INIT && !one_in(random, 8))
		data ^= 0x100;
	ret = lhv_send_msi(fvm->vm->fd, address, data);
	REQUIRE(ret == -EINVAL || (ret >= 0 && ret <= FUZZ_MAX_VCPUS));
}

static void move_slot(struct fuzz_vm *fvm)
{
	fvm->moved = !fvm->moved;
	vm_set_memory(fvm->vm, SLOT_MOVING, 0, fvm->moved ? FUZZ_MOVED : FUZZ_MOVING,
		      FUZZ_SLOT_BYTES, slot_memory(fvm, SLOT_MOVING - 1));
}

/* Takes it away for a moment. */
static void drop_slot(struct fuzz_vm *fvm)
{
	REQUIRE_OK(lhv_set_memory(fvm->vm->fd, SLOT_MOVING, 0, 0, 0, NULL));
	move_slot(fvm);
}

static void toggle_log(struct fuzz_vm *fvm)
{
	fvm->logs = !fvm->logs;
	vm_set_memory(fvm->vm, 0, fvm->logs ? LHV_MEM_LOG_DIRTY : 0, 0, RAM_BYTES,
		      fvm->vm->memory);
}

static void fetch_log(struct fuzz_vm *fvm)
{
	u64 bitmap[RAM_BYTES / GUEST_PAGE / 64 + 1];
	int ret;

	REQUIRE_OK(lhv_get_dirty_log(fvm->vm->fd, SLOT_LOGGED, bitmap, sizeof(bitmap)));
	ret = lhv_get_dirty_log(fvm->vm->fd, 0, bitmap, sizeof(bitmap));
	REQUIRE(ret == (fvm->logs ? 0 : -ENOENT));
}

static void read_stats(struct fuzz_vm *fvm)
{
	u32 vcpu = random_below(&fvm->random, fvm->vcpus);

	REQUIRE(vcpu_stat(fvm->vcpu[vcpu].vcpu, LHV_VCPU_STAT_EXITS) <
		vcpu_stat(fvm->vcpu[vcpu].vcpu, LHV_VCPU_STAT_EXITS) + BIT(40));
	REQUIRE(vm_stat(fvm->vm, LHV_VM_STAT_MAPPED_4K) < BIT(20));
}

/* The host takes pages away, also such that the guest's tables and code are in. */
static void drop_pages(struct fuzz_vm *fvm)
{
	struct random *random = &fvm->random;
	u8 *from = slot_memory(fvm, random_below(random, 2) ? SLOT_LOGGED - 1 : SLOT_MOVING - 1);

	if (one_in(random, 4))
		from = fvm->vm->memory + LAYOUT_SCRATCH;
	REQUIRE_SYS(madvise(from + random_below(random, 7) * GUEST_PAGE, GUEST_PAGE,
			    MADV_DONTNEED));
}

static void write_memory(struct fuzz_vm *fvm)
{
	struct random *random = &fvm->random;
	u32 gpa = one_in(random, 2) ? LAYOUT_PML4 + random_below(random, 0x9000) :
		  FUZZ_CODE + random_below(random, FUZZ_MAX_VCPUS * FUZZ_CODE_SIZE);

	WRITE_ONCE(*(u8 *)guest_memory(fvm->vm, gpa), random_u64(random));
}

static void stop_soon(struct fuzz_vm *fvm)
{
	u32 vcpu = random_below(&fvm->random, fvm->vcpus);

	fvm->vcpu[vcpu].vcpu->run->immediate_exit = 1;
	fuzz_kick(fvm, vcpu);
}

static void kick_any(struct fuzz_vm *fvm)
{
	fuzz_kick(fvm, random_below(&fvm->random, fvm->vcpus));
}

void fuzz_noise(struct fuzz_vm *fvm)
{
	static void (*const noises[])(struct fuzz_vm *fvm) = {
		send_msi, send_msi, send_msi, send_msi, send_msi, send_msi, move_slot, drop_slot,
		toggle_log, fetch_log, read_stats, drop_pages, write_memory, stop_soon, kick_any,
	};

	fuzz_count(fvm->totals->noises);
	random_of(&fvm->random, noises)(fvm);
}
