// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots that come, go and move while vCPUs run
 */
#include <string.h>
#include <sys/mman.h>

#include "test.h"

/* Two places for slots, mapped by the guest's page tables */
#define HERE		0x40000000ULL
#define THERE		0x80000000ULL

static u64 stop;
static u64 rounds;

FIXTURE(memory) {
	struct vm *vm;
	struct vcpu *vcpu;
	u8 *area;
};

#define AREA		MIB(4)

static u8 *map_area(u64 bytes)
{
	u8 *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	REQUIRE(area != MAP_FAILED);
	return area;
}

FIXTURE_SETUP(memory)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
	self->area = map_area(AREA);
}

FIXTURE_TEARDOWN(memory)
{
	vm_close(self->vm);
}

/* ---- the guest reads one word, again and again ------------------------------- */

#define FROM_SLOT	0x11ULL
#define FROM_HOST	0x22ULL
#define STALE		0x33ULL

/* Until the word changes to what only an exit for MMIO gives. */
static void guest_read_until_gone(void)
{
	u64 value;

	do {
		value = *(volatile u64 *)HERE;
		WRITE_ONCE(rounds, rounds + 1);
		GUEST_ASSERT(value != STALE);
	} while (value == FROM_SLOT);
	GUEST_ASSERT_EQ(FROM_HOST, value);
}

static void *answer_mmio(void *arg)
{
	struct vcpu *vcpu = arg;
	struct ucall call;

	for (;;) {
		vcpu_run(vcpu);
		if (vcpu_get_ucall(vcpu, &call)) {
			if (call.command == UCALL_DONE)
				return NULL;
			continue;
		}
		if (vcpu->run->exit_reason != LHV_EXIT_MMIO)
			FAIL("%s", vcpu_describe(vcpu));
		*(u64 *)vcpu->run->mmio.data = FROM_HOST;
	}
}

static pthread_t start_answering(struct vcpu *vcpu)
{
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, answer_mmio, vcpu));
	return thread;
}

/* When the call is back, nobody sees the memory any more. */
TEST_F(memory, removed)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 10; i++) {
		*(volatile u64 *)self->area = FROM_SLOT;
		guest_var(self->vm, rounds) = 0;
		vm_set_memory(self->vm, 1, 0, HERE, AREA, self->area);
		vcpu_set_long(self->vcpu, guest_read_until_gone, 0, 0);
		thread = start_answering(self->vcpu);
		WAIT_UNTIL(guest_var(self->vm, rounds) > 3);
		vm_set_memory(self->vm, 1, 0, 0, 0, NULL);
		*(volatile u64 *)self->area = STALE;
		REQUIRE(!pthread_join(thread, NULL));
	}
}

TEST_F(memory, moved)
{
	pthread_t thread;
	int i;

	for (i = 0; i < 10; i++) {
		*(volatile u64 *)self->area = FROM_SLOT;
		guest_var(self->vm, rounds) = 0;
		vm_set_memory(self->vm, 1, 0, HERE, AREA, self->area);
		vcpu_set_long(self->vcpu, guest_read_until_gone, 0, 0);
		thread = start_answering(self->vcpu);
		WAIT_UNTIL(guest_var(self->vm, rounds) > 3);
		vm_set_memory(self->vm, 1, 0, THERE, AREA, self->area);
		*(volatile u64 *)self->area = STALE;
		REQUIRE(!pthread_join(thread, NULL));
	}
}

static void guest_read_until_there(void)
{
	u64 value;

	do {
		value = *(volatile u64 *)HERE;
		WRITE_ONCE(rounds, rounds + 1);
	} while (value == FROM_HOST);
	GUEST_ASSERT_EQ(FROM_SLOT, value);
}

TEST_F(memory, added)
{
	pthread_t thread;
	int i;

	*(volatile u64 *)self->area = FROM_SLOT;
	for (i = 0; i < 10; i++) {
		guest_var(self->vm, rounds) = 0;
		vcpu_set_long(self->vcpu, guest_read_until_there, 0, 0);
		thread = start_answering(self->vcpu);
		WAIT_UNTIL(guest_var(self->vm, rounds) > 3);
		vm_set_memory(self->vm, 1, 0, HERE, AREA, self->area);
		REQUIRE(!pthread_join(thread, NULL));
		vm_set_memory(self->vm, 1, 0, 0, 0, NULL);
	}
}

/* ---- what is where ----------------------------------------------------------- */

static void guest_read_both(void)
{
	GUEST_REPORT2(*(volatile u64 *)HERE, *(volatile u64 *)THERE);
}

static void expect_both(struct vcpu *vcpu, u64 here, u64 there)
{
	struct lhv_run *run = vcpu->run;
	struct ucall call;

	vcpu_set_long(vcpu, guest_read_both, 0, 0);
	for (;;) {
		vcpu_run(vcpu);
		if (vcpu_get_ucall(vcpu, &call))
			break;
		if (run->exit_reason != LHV_EXIT_MMIO)
			FAIL("%s", vcpu_describe(vcpu));
		*(u64 *)run->mmio.data = 0;
	}
	if (call.arg[0] != here || call.arg[1] != there)
		FAIL("0x%llx and 0x%llx instead of 0x%llx and 0x%llx", call.arg[0], call.arg[1],
		     here, there);
}

TEST_F(memory, what_is_where)
{
	u64 *area = (u64 *)self->area;

	area[0] = 1;
	area[MIB(2) / 8] = 2;
	expect_both(self->vcpu, 0, 0);
	vm_set_memory(self->vm, 1, 0, HERE, MIB(2), area);
	expect_both(self->vcpu, 1, 0);
	vm_set_memory(self->vm, 1, 0, THERE, MIB(2), area);
	expect_both(self->vcpu, 0, 1);
	vm_set_memory(self->vm, 2, 0, HERE, MIB(2), area + MIB(2) / 8);
	expect_both(self->vcpu, 2, 1);
	/* The same memory twice */
	vm_set_memory(self->vm, 2, 0, 0, 0, NULL);
	vm_set_memory(self->vm, 2, 0, HERE, MIB(4), area);
	expect_both(self->vcpu, 1, 1);
	area[0] = 3;
	expect_both(self->vcpu, 3, 3);
	/* Removed, and something else in its place */
	vm_set_memory(self->vm, 1, 0, 0, 0, NULL);
	vm_set_memory(self->vm, 1, LHV_MEM_READONLY, THERE, GUEST_PAGE, area + MIB(2) / 8);
	expect_both(self->vcpu, 3, 2);
	/* A slot may begin in the middle of a large page, and move by a page. */
	vm_set_memory(self->vm, 2, 0, 0, 0, NULL);
	vm_set_memory(self->vm, 2, 0, HERE - GUEST_PAGE, MIB(2) + GUEST_PAGE,
		      self->area + MIB(2) - GUEST_PAGE);
	expect_both(self->vcpu, 2, 2);
	vm_set_memory(self->vm, 2, 0, HERE, MIB(2) + GUEST_PAGE, self->area + MIB(2) - GUEST_PAGE);
	expect_both(self->vcpu, 0, 2);
}

/* No host memory behind a slot: it isn't asked for before the guest needs it. */
TEST_F(memory, nothing_behind_a_slot)
{
	struct lhv_run *run = self->vcpu->run;
	u8 *hole = self->area + AREA / 2;

	((u64 *)self->area)[0] = 1;
	munmap(hole, AREA / 2);
	vm_set_memory(self->vm, 1, 0, HERE, GUEST_PAGE, self->area);
	vm_set_memory(self->vm, 2, 0, THERE, GUEST_PAGE, hole);
	vcpu_set_long(self->vcpu, guest_read_both, 0, 0);
	vcpu_run_to(self->vcpu, LHV_EXIT_MEMORY_FAULT);
	EXPECT_EQ(THERE, run->memory_fault.gpa);
	EXPECT_EQ(LHV_MEMORY_FAULT_READ, run->memory_fault.access);
	EXPECT_EQ(-EFAULT, run->memory_fault.error);
	EXPECT_EQ(hole, mmap(hole, GUEST_PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	*(u64 *)hole = 5;
	vcpu_run_to_report(self->vcpu, 1);
}

/* ---- two vCPUs at work in slots that come and go ----------------------------- */

#define WINDOW		HERE
#define WINDOW_SLOTS	16
#define SLOT_BYTES	KIB(64)

/*
 * Each vCPU adds to its own word of each slot's first page; where there is no
 * slot the host says so. What a word holds never goes back.
 */
static void guest_add_everywhere(u64 id)
{
	static u64 before[2][WINDOW_SLOTS];
	volatile u64 *word;
	u64 value;
	int i;

	while (!READ_ONCE(stop)) {
		for (i = 0; i < WINDOW_SLOTS; i++) {
			word = (u64 *)(WINDOW + i * SLOT_BYTES) + id;
			value = *word;
			if (value == ~0ULL)
				continue;
			GUEST_ASSERT(value >= before[id][i]);
			before[id][i] = value + 1;
			*word = value + 1;
		}
		__atomic_fetch_add(&rounds, 1, __ATOMIC_SEQ_CST);
	}
}

/* What is behind the window, slots or not. */
static u8 *window;

static void *answer_window(void *arg)
{
	struct vcpu *vcpu = arg;
	struct ucall call;

	for (;;) {
		vcpu_run(vcpu);
		if (vcpu_get_ucall(vcpu, &call))
			return NULL;
		if (vcpu->run->exit_reason != LHV_EXIT_MMIO)
			FAIL("%s", vcpu_describe(vcpu));
		if (vcpu->run->mmio.is_write) {
			/* The slot went after the read; put it where it belongs. */
			memcpy(window + (vcpu->run->mmio.gpa - WINDOW),
			       vcpu->run->mmio.data, 8);
		} else {
			*(u64 *)vcpu->run->mmio.data = ~0ULL;
		}
	}
}

TEST_F(memory, slots_come_and_go)
{
	pthread_t thread[2];
	bool there[WINDOW_SLOTS] = { };
	u32 seed = 12345, i;
	u64 seen;

	window = self->area;
	vcpu_create(self->vm, 1);
	for (i = 0; i < 2; i++) {
		vcpu_set_long(&self->vm->vcpu[i], guest_add_everywhere, i, 0);
		REQUIRE(!pthread_create(&thread[i], NULL, answer_window, &self->vm->vcpu[i]));
	}
	for (i = 0; i < 200; i++) {
		u32 slot;

		seed = seed * 1103515245 + 12345;
		slot = (seed >> 16) % WINDOW_SLOTS;
		if (there[slot])
			vm_set_memory(self->vm, 1 + slot, 0, 0, 0, NULL);
		else
			vm_set_memory(self->vm, 1 + slot, i % 3 ? 0 : LHV_MEM_LOG_DIRTY,
				      WINDOW + slot * SLOT_BYTES, SLOT_BYTES,
				      self->area + slot * SLOT_BYTES);
		there[slot] = !there[slot];
		if (i % 8)
			continue;
		seen = guest_var(self->vm, rounds);
		WAIT_UNTIL(guest_var(self->vm, rounds) > seen);
	}
	guest_var(self->vm, stop) = 1;
	for (i = 0; i < 2; i++)
		REQUIRE(!pthread_join(thread[i], NULL));
}

TEST_HARNESS_MAIN
