// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever state a vCPU is given, and whatever its guest executes: a run ends
 * with an exit that the interface knows, and once the state is mended the vCPU
 * works. What the host thinks of it is in its log. lib/fuzz.h has the knobs.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "fuzz.h"
#include "saved.h"
#include "test.h"

#define STATE_ROUNDS	100
#define CODE_ROUNDS	50
#define RUN_USEC	2000
#define MAX_EXITS	50

static u64 done;

static void guest_work(void)
{
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("ud2", : : : "memory"));
	cpuid(0, 0);
	outl(0x10, 1);
	WRITE_ONCE(done, done + 1);
}

/* The vCPU as it is all right; of records of fixed length. */
static struct saved good;

FIXTURE(fuzz) {
	struct vm *vm;
	struct vcpu *vcpu;
	void *memory;	/* as the guest had it at first */
};

static void on_alarm(int sig)
{
	(void)sig;
}

FIXTURE_SETUP(fuzz)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	unsigned int i;

	REQUIRE_SYS(sigaction(SIGALRM, &action, NULL));
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
	vcpu_set_long(self->vcpu, guest_work, 0, 0);
	for (i = 0; i < FIXED_RECORDS; i++)
		vcpu_save_record(self->vcpu, &good, i);
	self->memory = malloc(VM_MEMORY);
	REQUIRE(self->memory);
	memcpy(self->memory, self->vm->memory, VM_MEMORY);
}

FIXTURE_TEARDOWN(fuzz)
{
	vm_close(self->vm);
	free(self->memory);
}

/* Nothing of the vCPU is left as it was: also what waits for its completion. */
static void mend(FIXTURE_DATA(fuzz) *self)
{
	unsigned int i;

	self->vcpu->run->immediate_exit = 1;
	while (!lhv_run(self->vcpu->fd))
		;
	self->vcpu->run->immediate_exit = 0;
	for (i = 0; i < FIXED_RECORDS; i++)
		vcpu_restore_record(self->vcpu, &good, i);
}

/* The guest may have overwritten anything of its own, so it gets that back. */
static void works(FIXTURE_DATA(fuzz) *self)
{
	memcpy(self->vm->memory, self->memory, VM_MEMORY);
	mend(self);
	vcpu_run_to_out(self->vcpu, 0x10, 4, 1);
	vcpu_run_to_done(self->vcpu);
	REQUIRE(guest_var(self->vm, done) == 1);
}

/* A while, answering nothing. */
static void run_a_while(struct __test_metadata *_metadata, struct vcpu *vcpu)
{
	const struct itimerval soon = {
		.it_value = { .tv_usec = RUN_USEC }, .it_interval = { .tv_usec = RUN_USEC },
	};
	const struct itimerval never = { };
	int i, ret;

	REQUIRE_SYS(setitimer(ITIMER_REAL, &soon, NULL));
	for (i = 0; i < MAX_EXITS; i++) {
		ret = lhv_run(vcpu->fd);
		if (ret == -EINTR)
			break;
		ASSERT_EQ(0, ret);
		ASSERT_LT(LHV_EXIT_NONE, vcpu->run->exit_reason);
		ASSERT_GE(LHV_EXIT_MEMORY_FAULT, vcpu->run->exit_reason);
		if (vcpu->run->exit_reason > LHV_EXIT_EOI)
			break;
	}
	REQUIRE_SYS(setitimer(ITIMER_REAL, &never, NULL));
}

/* A bit or a byte somewhere becomes another one. */
static void damage(u8 *bytes, u32 length)
{
	u32 n = 1 + random32() % 4;

	while (n--) {
		u32 at = random32() % length;

		if (random32() % 2)
			bytes[at] ^= 1 << random32() % 8;
		else
			bytes[at] = random32();
	}
}

TEST_F(fuzz, states)
{
	const struct fixed_record *record;
	u8 bad[sizeof(good.lapic)];
	u32 i, taken = 0;

	fuzz_begin(STATE_ROUNDS);
	for (i = 0; fuzz_goes_on(); i++) {
		for (record = fixed_records; record < fixed_records + FIXED_RECORDS; record++) {
			if (random32() % 3)
				continue;
			memcpy(bad, (u8 *)&good + record->offset, record->length);
			damage(bad, record->length);
			if (!lhv_set_state(self->vcpu->fd, record->type, bad, record->length))
				taken++;
		}
		run_a_while(_metadata, self->vcpu);
		mend(self);
	}
	EXPECT_LT(i / 4, taken);
	works(self);
}

/* Random bytes as code, in each mode, with a few of the bytes likely prefixes. */
static void write_random_code(struct vm *vm)
{
	static const u8 likely[] = { 0x0f, 0x66, 0x67, 0xf2, 0xf3, 0x48, 0xf0, 0xc7, 0x0f, 0xa5,
				     0x6c, 0x6e, 0x8e, 0xe6, 0xec, 0x89 };
	u8 *code = guest_memory(vm, LAYOUT_PAYLOAD);
	u32 i;

	for (i = 0; i < GUEST_PAGE; i++)
		code[i] = random32() % 4 ? random32() : likely[random32() % sizeof(likely)];
}

static void set_random_registers(struct vcpu *vcpu)
{
	/* Memory, devices, ports, and nonsense */
	static const u64 likely[] = { LAYOUT_FREE, 0xd0000000, 0xfee00300, 0x10, 1, 0xc0000080,
				      LAYOUT_PAYLOAD, 0x7ffffffff000, 0 };
	struct lhv_regs regs;
	u64 *gpr = (u64 *)&regs;
	int i;

	vcpu_get_regs(vcpu, &regs);
	for (i = 0; i < 16; i++) {
		if (&gpr[i] != &regs.rsp)
			gpr[i] = likely[random32() % ARRAY_SIZE(likely)];
	}
	vcpu_set_regs(vcpu, &regs);
}

TEST_F(fuzz, code)
{
	struct vcpu *vcpu = self->vcpu;
	u32 i;

	fuzz_begin(CODE_ROUNDS);
	for (i = 0; fuzz_goes_on(); i++) {
		write_random_code(self->vm);
		if (i % 3 == 0)
			vcpu_set_real(vcpu, LAYOUT_PAYLOAD >> 4, 0);
		else if (i % 3 == 1)
			vcpu_set_flat(vcpu, LAYOUT_PAYLOAD);
		else
			vcpu_set_long(vcpu, (void *)LAYOUT_PAYLOAD, 0, 0);
		set_random_registers(vcpu);
		run_a_while(_metadata, vcpu);
		mend(self);
	}
	works(self);
}

TEST_HARNESS_MAIN
