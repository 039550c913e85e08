// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checkpoints anywhere: a guest at work (guest/work.h) is stopped at random
 * points, all its state is read, the VM destroyed, another made, the state
 * written, hundreds of times. What it computes is what it computes when it is
 * left alone, and no timer, IPI or NMI is lost or comes twice. lib/fuzz.h has the
 * knobs: a round is a guest's whole life.
 */
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "apic.h"
#include "fuzz.h"
#include "guest/work.h"
#include "saved.h"
#include "test.h"

#define CLOSETS		(WORK_MAX_CPUS * WORK_CLOSET_SIZE)

#define MEMORY		MIB(8)

/*
 * A guest's life, and how far apart its checkpoints are at most, for each vCPU.
 * After so many it is left alone.
 */
#define WORK_ROUNDS	3
#define MAX_CHECKPOINTS	100
#define MAX_EXITS	60
#define MAX_DELAY_NS	2000000

struct machine;

/* What the host knows of a vCPU; devices are no part of lhv's state. */
struct place {
	struct machine *machine;
	u32 id;
	bool done;
	u64 device;	/* what it gives next, and was given */
	u64 eois;
};

struct machine {
	struct vm *vm;
	u32 cpus;
	u8 *closets;
	struct place place[WORK_MAX_CPUS];
	bool stop;
	s64 exits_left;	/* until a checkpoint, if it is positive */
	pthread_mutex_t starting;	/* held until all threads can be signalled */
	sem_t stopped;	/* threads that ended */
	u32 checkpoints;
	struct saved *saved;
	struct saved again;
};

static struct vcpu *vcpu_of(const struct place *place)
{
	return &place->machine->vm->vcpu[place->id];
}

/* ---- devices ------------------------------------------------------------------------------- */

static void device_take(struct place *place, const u8 *data, u32 bytes)
{
	while (bytes--)
		place->device = (place->device ^ *data++) * 0x100000001b3;
}

static void device_give(struct place *place, u8 *data, u32 bytes)
{
	while (bytes--) {
		place->device = place->device * 6364136223846793005 + 1442695040888963407;
		*data++ = place->device >> 56;
	}
}

static void set_closet(struct place *place, int protection)
{
	REQUIRE_SYS(mprotect(place->machine->closets + place->id * WORK_CLOSET_SIZE,
			     WORK_CLOSET_SIZE, protection));
}

static void handle_io(struct place *place, struct lhv_run *run)
{
	u32 bytes = run->io.size * run->io.count;

	if (run->io.direction == LHV_IO_IN)
		device_give(place, run->data, bytes);
	else if (run->io.port == WORK_CLOSE)
		set_closet(place, PROT_NONE);
	else if (run->io.port == WORK_LEVEL)
		REQUIRE(lhv_send_msi(place->machine->vm->fd, MSI_ADDRESS(place->id),
				     run->data[0] | ICR_LEVEL | ICR_ASSERT) == 1);
	else
		device_take(place, run->data, bytes);
}

static void handle_mmio(struct place *place, struct lhv_run *run)
{
	REQUIRE(run->mmio.gpa - WORK_MMIO < GUEST_PAGE);
	if (run->mmio.is_write)
		device_take(place, run->mmio.data, run->mmio.len);
	else
		device_give(place, run->mmio.data, run->mmio.len);
}

static void handle_exit(struct place *place)
{
	struct vcpu *vcpu = vcpu_of(place);
	struct lhv_run *run = vcpu->run;
	struct ucall call;

	switch (run->exit_reason) {
	case LHV_EXIT_IO:
		if (vcpu_get_ucall(vcpu, &call))
			place->done = call.command == UCALL_DONE;
		else
			handle_io(place, run);
		break;
	case LHV_EXIT_MMIO:
		handle_mmio(place, run);
		break;
	case LHV_EXIT_EOI:
		place->eois++;
		break;
	case LHV_EXIT_MEMORY_FAULT:
		REQUIRE(run->memory_fault.gpa - work_closet(place->id) < WORK_CLOSET_SIZE);
		set_closet(place, PROT_READ | PROT_WRITE);
		break;
	default:
		FAIL("%s", vcpu_describe(vcpu));
	}
}

/* ---- running and stopping ------------------------------------------------------------------ */

static void stop_all(struct machine *m)
{
	u32 id;

	WRITE_ONCE(m->stop, true);
	for (id = 0; id < m->cpus; id++) {
		WRITE_ONCE(m->vm->vcpu[id].run->immediate_exit, 1);
		if (m->vm->vcpu[id].runs)
			pthread_kill(m->vm->vcpu[id].thread, KICK_SIGNAL);
	}
}

/* It is time; this exit is answered, but the instruction isn't completed yet. */
static bool is_last_exit(struct machine *m)
{
	return m->exits_left && __atomic_sub_fetch(&m->exits_left, 1, __ATOMIC_SEQ_CST) == 0;
}

/* Until it is done, or is stopped with its state complete. */
static void *run_place(void *arg)
{
	struct place *place = arg;
	struct vcpu *vcpu = vcpu_of(place);
	int ret;

	pthread_mutex_lock(&place->machine->starting);
	pthread_mutex_unlock(&place->machine->starting);
	for (;;) {
		ret = lhv_run(vcpu->fd);
		if (ret == -EINTR && (place->done || READ_ONCE(place->machine->stop)))
			break;
		if (ret == -EINTR)
			continue;
		if (ret)
			FAIL("vCPU %u: LHV_VCPU_RUN: %s", place->id, strerror(-ret));
		handle_exit(place);
		if (place->done)
			vcpu->run->immediate_exit = 1;
		else if (is_last_exit(place->machine))
			stop_all(place->machine);
	}
	sem_post(&place->machine->stopped);
	return NULL;
}

static u32 start_threads(struct machine *m)
{
	u32 id, n = 0;

	m->stop = false;
	pthread_mutex_lock(&m->starting);
	for (id = 0; id < m->cpus; id++) {
		struct vcpu *vcpu = &m->vm->vcpu[id];

		vcpu->runs = !m->place[id].done;
		if (!vcpu->runs)
			continue;
		REQUIRE(!pthread_create(&vcpu->thread, NULL, run_place, &m->place[id]));
		n++;
	}
	pthread_mutex_unlock(&m->starting);
	return n;
}

static void join_threads(struct machine *m)
{
	u32 id;

	for (id = 0; id < m->cpus; id++) {
		if (m->vm->vcpu[id].runs)
			vcpu_thread_join(&m->vm->vcpu[id]);
		m->vm->vcpu[id].run->immediate_exit = 0;
	}
}

/* False if all threads ended before. */
static bool wait_threads(struct machine *m, u32 n, u64 ns)
{
	struct timespec end;

	REQUIRE_SYS(clock_gettime(CLOCK_REALTIME, &end));
	end.tv_nsec += ns;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	while (n && !sem_timedwait(&m->stopped, &end))
		n--;
	return n;
}

/* ---- checkpoints --------------------------------------------------------------------------- */

/* Another mapping of the same pages, or a copy; or all stays where it is. */
static void move_memory(struct machine *m, struct vm *vm)
{
	u8 *from = vm->memory, *to;

	if (random32() % 4)
		return;
	to = REQUIRE_SYS((u8 *)mmap(NULL, vm->bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	if (m->checkpoints % 16) {
		REQUIRE_SYS(mremap(from, vm->bytes, vm->bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	} else {
		memcpy(to, from, vm->bytes);
		munmap(from, vm->bytes);
	}
	vm->memory = to;
}

static void set_memory(struct machine *m)
{
	vm_set_memory(m->vm, 0, 0, 0, m->vm->bytes, m->vm->memory);
	vm_set_memory(m->vm, 1, 0, WORK_CLOSET, CLOSETS, m->closets);
}

/* What follows from other state, or from the time. */
static void forget_time(struct saved *saved)
{
	saved->lapic.regs[APIC_TMCCT / 4] = 0;
	saved->lapic.regs[APIC_PPR / 4] = 0;
}

/* What was written reads the same. */
static void expect_same(struct machine *m, u32 id)
{
	static const struct {
		const char *name;
		size_t offset, bytes;
	} records[] = {
#define RECORD(field)	{ #field, offsetof(struct saved, field), sizeof(((struct saved *)0)->field) }
		RECORD(cpuid), RECORD(sregs), RECORD(tsc), RECORD(lapic), RECORD(msrs),
		RECORD(xcrs), RECORD(xsave), RECORD(regs), RECORD(debugregs), RECORD(events),
		RECORD(mp),
	};
	const u8 *first = (void *)&m->saved[id], *second = (void *)&m->again;
	unsigned int i;

	vcpu_save(&m->vm->vcpu[id], &m->again);
	forget_time(&m->saved[id]);
	forget_time(&m->again);
	for (i = 0; i < ARRAY_SIZE(records); i++) {
		if (memcmp(first + records[i].offset, second + records[i].offset, records[i].bytes))
			FAIL("vCPU %u: record %s isn't what was written", id, records[i].name);
	}
}

static void checkpoint(struct machine *m)
{
	struct vm *old = m->vm;
	u32 id;

	for (id = 0; id < m->cpus; id++)
		vcpu_save(&old->vcpu[id], &m->saved[id]);
	m->checkpoints++;
	m->vm = vm_create_empty();
	m->vm->bytes = old->bytes;
	m->vm->memory = old->memory;
	old->memory = NULL;
	vm_close(old);

	move_memory(m, m->vm);
	set_memory(m);
	for (id = 0; id < m->cpus; id++) {
		vcpu_restore(vcpu_create(m->vm, id), &m->saved[id]);
		if (random32() % 2)
			set_closet(&m->place[id], PROT_NONE);
	}
	for (id = 0; id < m->cpus && m->checkpoints % 8 == 0; id++)
		expect_same(m, id);
}

/* ---- a guest's life ------------------------------------------------------------------------ */

static struct machine *create_machine(const struct work_plan *plan)
{
	struct machine *m = calloc(1, sizeof(*m));
	u32 id;

	REQUIRE(m);
	m->cpus = plan->cpus;
	m->saved = calloc(m->cpus, sizeof(*m->saved));
	REQUIRE(m->saved);
	pthread_mutex_init(&m->starting, NULL);
	REQUIRE_SYS(sem_init(&m->stopped, 0, 0));
	m->closets = REQUIRE_SYS((u8 *)mmap(NULL, CLOSETS, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	m->vm = vm_create_empty();
	vm_add_memory(m->vm, MEMORY);
	guest_var(m->vm, work_plan) = *plan;
	vm_set_memory(m->vm, 1, 0, WORK_CLOSET, CLOSETS, m->closets);
	for (id = 0; id < m->cpus; id++) {
		m->place[id] = (struct place){ .machine = m, .id = id };
		vcpu_create(m->vm, id);
	}
	vcpu_set_long(&m->vm->vcpu[0], work_main, 0, 0);
	return m;
}

static void free_machine(struct machine *m)
{
	vm_close(m->vm);
	munmap(m->closets, CLOSETS);
	free(m->saved);
	free(m);
}

static bool all_done(const struct machine *m)
{
	u32 id;

	for (id = 0; id < m->cpus; id++) {
		if (!m->place[id].done)
			return false;
	}
	return true;
}

static void live_alone(struct machine *m)
{
	m->exits_left = 0;
	start_threads(m);
	join_threads(m);
}

/* After some exits, or some time if that is over before. */
static void live_with_checkpoints(struct machine *m)
{
	u32 threads;

	while (m->checkpoints < MAX_CHECKPOINTS) {
		m->exits_left = 1 + random32() % (MAX_EXITS * m->cpus);
		threads = start_threads(m);
		if (wait_threads(m, threads, random32() % MAX_DELAY_NS * m->cpus))
			stop_all(m);
		join_threads(m);
		while (!sem_trywait(&m->stopped))
			;
		if (all_done(m))
			return;
		checkpoint(m);
	}
	live_alone(m);
}

static struct machine *live(const struct work_plan *plan, bool with_checkpoints)
{
	struct machine *m = create_machine(plan);

	if (with_checkpoints)
		live_with_checkpoints(m);
	else
		live_alone(m);
	return m;
}

FIXTURE(checkpoint) {
};

FIXTURE_VARIANT(checkpoint) {
	u64 cpus;
	u64 x2apic;
};

FIXTURE_VARIANT_ADD(checkpoint, one_vcpu) { .cpus = 1, .x2apic = 1 };
FIXTURE_VARIANT_ADD(checkpoint, one_vcpu_xapic) { .cpus = 1, .x2apic = 0 };
FIXTURE_VARIANT_ADD(checkpoint, two_vcpus) { .cpus = 2, .x2apic = 1 };
FIXTURE_VARIANT_ADD(checkpoint, four_vcpus_xapic) { .cpus = 4, .x2apic = 0 };

FIXTURE_SETUP(checkpoint)
{
	(void)self;
	kick_signal_init();
}

FIXTURE_TEARDOWN(checkpoint)
{
	(void)self;
}

TEST_F(checkpoint, anywhere)
{
	struct work_plan plan = {
		.cpus = variant->cpus, .x2apic = variant->x2apic, .rounds = WORK_ROUNDS,
	};
	struct machine *calm, *stopped;
	u32 id, checkpoints = 0;

	(void)self;
	fuzz_begin(1);
	while (fuzz_goes_on()) {
		plan.seed = random64();
		calm = live(&plan, false);
		stopped = live(&plan, true);
		for (id = 0; id < plan.cpus; id++) {
			const volatile struct work *a = &guest_var(calm->vm, work[id]);
			const volatile struct work *b = &guest_var(stopped->vm, work[id]);

			EXPECT_NE(0, a->sum);
			EXPECT_EQ(a->sum, b->sum);
			EXPECT_EQ(a->nmis, b->nmis);
			EXPECT_EQ(a->steps, b->steps);
			EXPECT_EQ(a->acks, b->acks);
			EXPECT_EQ(calm->place[id].device, stopped->place[id].device);
			EXPECT_EQ(plan.rounds, calm->place[id].eois);
			EXPECT_EQ(plan.rounds, stopped->place[id].eois);
		}
		checkpoints += stopped->checkpoints;
		EXPECT_LT(plan.rounds, stopped->checkpoints);
		free_machine(calm);
		free_machine(stopped);
	}
	TH_LOG("%u checkpoints", checkpoints);
}

TEST_HARNESS_MAIN
