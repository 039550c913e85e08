// SPDX-License-Identifier: GPL-2.0-only
/* vCPUs that become more or fewer, with guests of many kinds. */
#include "cpus_change.h"
#include "layout.h"
#include "test.h"

#define MAX	8
#define LATE	(CPUS_PATIENCE_MS + 1)

enum vcpu_life { NONE, RUNS, STOPS };

static struct cpu_hotplug hotplug;
static struct cpus_change change;
static enum vcpu_life vcpu[MAX];
static bool run[MAX];		/* the guest started it */
static u32 fails_at;		/* which can't be added */
static bool slow;		/* threads need another step to end */
static u64 now;
static unsigned int told;

static int add(void *opaque, u32 id)
{
	EXPECT(opaque == vcpu);
	EXPECT_EQ(vcpu[id], NONE);
	if (id == fails_at)
		return fail("cannot create vCPU %u", id);
	vcpu[id] = RUNS;
	run[id] = false;
	return 0;
}

static bool remove_vcpu(void *opaque, u32 id)
{
	EXPECT(opaque == vcpu);
	EXPECT(id && vcpu[id] != NONE);
	if (slow && vcpu[id] == RUNS) {
		vcpu[id] = STOPS;
		return false;
	}
	vcpu[id] = NONE;
	return true;
}

static bool was_run(void *opaque, u32 id)
{
	EXPECT(opaque == vcpu);
	EXPECT_EQ(vcpu[id], RUNS);
	return run[id];
}

static const struct cpus_ops ops = { .add = add, .remove = remove_vcpu, .was_run = was_run };

static void tell_guest(void *opaque)
{
	(void)opaque;
	told++;
}

static void tell_machine(void *opaque)
{
	(void)opaque;
}

static void start(unsigned int number)
{
	unsigned int i;

	EXPECT(!cpu_hotplug_create(&hotplug, MAX, tell_guest, tell_machine, NULL));
	cpu_hotplug_reset(&hotplug, number);
	cpus_change_init(&change, &hotplug, number, &ops, vcpu);
	for (i = 0; i < MAX; i++)
		vcpu[i] = i < number ? RUNS : NONE;
	fails_at = MAX;
	slow = false;
	now = 1000;
	told = 0;
}

/* The guest has what there is. */
static void end(void)
{
	unsigned int i, number = 0;

	for (i = 0; i < MAX; i++) {
		bool there = cpu_hotplug_view(&hotplug, i).state == CPU_PRESENT;

		EXPECT_EQ(there, vcpu[i] == RUNS);
		number += there;
	}
	EXPECT_EQ(change.number, number);
	EXPECT(!change.active);
	cpu_hotplug_destroy(&hotplug);
}

static void guest_writes(unsigned int offset, u32 value)
{
	cpu_hotplug_ops.write(&hotplug, offset, 4, value);
}

static u32 guest_reads(unsigned int offset)
{
	return cpu_hotplug_ops.read(&hotplug, offset, 4);
}

/* Takes what events there are; returns their number. */
static unsigned int guest_listens(void)
{
	unsigned int count = 0;

	while (guest_reads(CPUS_NEXT)) {
		guest_writes(CPUS_STATUS, CPUS_INSERTED | CPUS_ASKED_FOR);
		count++;
	}
	return count;
}

static void guest_answers(u32 id, u32 event, u32 status)
{
	guest_listens();
	guest_writes(CPUS_SELECT, id);
	guest_writes(CPUS_OST_EVENT, event);
	guest_writes(CPUS_OST_STATUS, status);
}

static void guest_ejects(u32 id)
{
	guest_listens();
	guest_writes(CPUS_SELECT, id);
	guest_writes(CPUS_STATUS, CPUS_EJECT);
}

static enum cpus_progress step(void)
{
	return cpus_change_step(&change, now);
}

/* A guest that does all it is asked for; returns how it ended. */
static enum cpus_progress obeys(void)
{
	enum cpus_progress progress;
	unsigned int i;

	while ((progress = step()) == CPUS_GO_ON) {
		for (i = 0; i < MAX; i++) {
			enum cpu_state state = cpu_hotplug_view(&hotplug, i).state;

			if (state == CPU_INSERTED)
				guest_answers(i, 1, 0);
			else if (state == CPU_ASKED_FOR)
				guest_ejects(i);
		}
	}
	return progress;
}

static void more_and_fewer(void)
{
	static const unsigned int numbers[] = { 4, 1, 8, 1, 2, 8, 7, 3, 8, 1 };
	unsigned int i;

	start(1);
	EXPECT_EQ(step(), CPUS_IDLE);
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		slow = i & 1;
		cpus_change_begin(&change, numbers[i]);
		EXPECT_EQ(obeys(), CPUS_DONE);
		EXPECT_EQ(change.number, numbers[i]);
		EXPECT_EQ(vcpu[numbers[i] - 1], RUNS);
		EXPECT_EQ(step(), CPUS_IDLE);
	}
	end();
}

/* One is asked for at a time, the last one first. */
static void in_order(void)
{
	start(4);
	cpus_change_begin(&change, 2);
	EXPECT_EQ(step(), CPUS_GO_ON);
	EXPECT_EQ(cpu_hotplug_view(&hotplug, 3).state, CPU_ASKED_FOR);
	EXPECT_EQ(cpu_hotplug_view(&hotplug, 2).state, CPU_PRESENT);
	EXPECT_EQ(change.number, 4);
	guest_ejects(3);
	slow = true;
	EXPECT_EQ(step(), CPUS_GO_ON);
	EXPECT_EQ(vcpu[3], STOPS);
	EXPECT_EQ(cpu_hotplug_view(&hotplug, 2).state, CPU_PRESENT);
	EXPECT_EQ(step(), CPUS_GO_ON);
	EXPECT_EQ(vcpu[3], NONE);
	EXPECT_EQ(cpu_hotplug_view(&hotplug, 2).state, CPU_ASKED_FOR);
	EXPECT_EQ(obeys(), CPUS_DONE);
	end();
}

static void refuses_to_give(void)
{
	start(4);
	cpus_change_begin(&change, 1);
	step();
	guest_ejects(3);
	EXPECT_EQ(step(), CPUS_GO_ON);
	EXPECT_EQ(vcpu[3], NONE);
	guest_answers(2, 3, 0x82);
	/* So the other one comes back. */
	EXPECT_EQ(step(), CPUS_GO_ON);
	EXPECT_EQ(cpu_hotplug_view(&hotplug, 3).state, CPU_INSERTED);
	EXPECT_EQ(obeys(), CPUS_FAILED);
	EXPECT_HAS(fail_text(), "--cpus: the guest doesn't give vCPU 2 back: it is busy; the machine has 4 vCPUs as before");
	EXPECT_EQ(change.number, 4);
	cpus_change_begin(&change, 1);
	EXPECT_EQ(obeys(), CPUS_DONE);
	end();
}

static void refuses_to_take(void)
{
	start(1);
	cpus_change_begin(&change, 4);
	EXPECT_EQ(step(), CPUS_GO_ON);
	EXPECT_EQ(told, 3);
	guest_answers(1, 1, 0);
	guest_answers(2, 1, 1);
	slow = true;
	EXPECT_EQ(step(), CPUS_GO_ON);
	EXPECT_EQ(vcpu[2], STOPS);
	EXPECT_EQ(change.number, 2);
	/* One more was told of: it's heard before all is undone. */
	guest_answers(3, 1, 0);
	EXPECT_EQ(obeys(), CPUS_FAILED);
	EXPECT_HAS(fail_text(), "can't take vCPU 2: it failed, and doesn't say why; the machine has 1 vCPU as before");
	EXPECT_EQ(change.number, 1);
	cpus_change_begin(&change, 4);
	EXPECT_EQ(obeys(), CPUS_DONE);
	end();
}

/* A guest without ACPI never asks. */
static void hears_nothing(void)
{
	start(2);
	cpus_change_begin(&change, 4);
	EXPECT_EQ(step(), CPUS_GO_ON);
	EXPECT_EQ(change.deadline, now + CPUS_PATIENCE_MS);
	now += LATE;
	EXPECT_EQ(step(), CPUS_FAILED);
	EXPECT_HAS(fail_text(), "hasn't asked in 30 seconds what happened to vCPU 2: it knows no ACPI, or hasn't booted that far; the machine has 2 vCPUs as before");
	EXPECT_EQ(guest_listens(), 0);
	cpus_change_begin(&change, 1);
	EXPECT_EQ(step(), CPUS_GO_ON);
	now += LATE;
	EXPECT_EQ(step(), CPUS_FAILED);
	EXPECT_HAS(fail_text(), "what happened to vCPU 1");
	EXPECT_EQ(guest_listens(), 0);
	end();
}

static void takes_too_long(void)
{
	start(2);
	cpus_change_begin(&change, 4);
	EXPECT_EQ(step(), CPUS_GO_ON);
	guest_listens();
	now += LATE;
	EXPECT_EQ(step(), CPUS_FAILED);
	EXPECT_HAS(fail_text(), "was told of vCPU 2 and hasn't taken it in 30 seconds");
	/* It finds that there is nothing. */
	EXPECT_EQ(guest_listens(), 2);

	cpus_change_begin(&change, 1);
	EXPECT_EQ(step(), CPUS_GO_ON);
	guest_listens();
	now += LATE;
	EXPECT_EQ(step(), CPUS_FAILED);
	EXPECT_HAS(fail_text(), "asked for vCPU 1 and hasn't given it back in 30 seconds; the machine has 2 vCPUs as before");
	/* It gives it back after all. */
	guest_ejects(1);
	EXPECT_EQ(step(), CPUS_IDLE);
	EXPECT_EQ(change.number, 1);
	cpus_change_begin(&change, 4);
	EXPECT_EQ(obeys(), CPUS_DONE);
	end();
}

/* Each answer gives it new time. */
static void slow_but_sure(void)
{
	unsigned int i;

	start(1);
	cpus_change_begin(&change, 4);
	EXPECT_EQ(step(), CPUS_GO_ON);
	for (i = 1; i < 4; i++) {
		now += CPUS_PATIENCE_MS - 1;
		guest_answers(i, 1, 0);
		EXPECT_EQ(step(), i < 3 ? CPUS_GO_ON : CPUS_DONE);
	}
	end();
}

/* One that doesn't answer, but uses it. */
static void knows_no_ost(void)
{
	start(1);
	cpus_change_begin(&change, 3);
	step();
	guest_listens();
	run[1] = true;
	run[2] = true;
	now += LATE;
	EXPECT_EQ(step(), CPUS_DONE);
	EXPECT_EQ(change.number, 3);
	end();
}

static void host_has_no_more(void)
{
	start(1);
	fails_at = 3;
	cpus_change_begin(&change, 6);
	EXPECT_EQ(step(), CPUS_FAILED);
	EXPECT_EQ(guest_listens(), 0);
	EXPECT_HAS(fail_text(), "--cpus: cannot create vCPU 3; the machine has 1 vCPU as before");
	end();
}

/* It was no use to go back either: all it says is how far that went. */
static void undoes_nothing(void)
{
	start(1);
	cpus_change_begin(&change, 4);
	step();
	guest_answers(1, 1, 0);
	guest_answers(2, 1, 0);
	guest_answers(3, 1, 0x82);
	EXPECT_EQ(step(), CPUS_GO_ON);
	EXPECT_EQ(cpu_hotplug_view(&hotplug, 2).state, CPU_ASKED_FOR);
	guest_answers(2, 3, 0x80);
	EXPECT_EQ(step(), CPUS_FAILED);
	EXPECT_HAS(fail_text(), "can't take vCPU 3: it takes no more vCPUs while it runs; the machine has 3 vCPUs now");
	end();
}

/* A guest may give back what nobody asked for, but can't have a change go on for ever. */
static void gives_unasked(void)
{
	unsigned int i = 0, steps = 0;
	enum cpus_progress progress;

	start(4);
	guest_ejects(1);
	slow = true;
	EXPECT_EQ(step(), CPUS_IDLE);
	EXPECT_EQ(change.number, 3);
	EXPECT_EQ(vcpu[1], STOPS);
	EXPECT_EQ(step(), CPUS_IDLE);
	EXPECT_EQ(vcpu[1], NONE);
	/* The gap is filled first, and the last one goes first. */
	slow = false;
	cpus_change_begin(&change, 4);
	EXPECT_EQ(obeys(), CPUS_DONE);
	EXPECT_EQ(vcpu[1], RUNS);
	guest_ejects(2);
	cpus_change_begin(&change, 2);
	EXPECT_EQ(obeys(), CPUS_DONE);
	EXPECT_EQ(vcpu[3], NONE);

	cpus_change_begin(&change, 8);
	while ((progress = step()) == CPUS_GO_ON && steps++ < 1000) {
		i = i % (MAX - 1) + 1;
		guest_ejects(i);
	}
	EXPECT_EQ(progress, CPUS_FAILED);
	EXPECT_HAS(fail_text(), "gives back what it gets");
	end();
}

/* Power off and on */
static void restart(void)
{
	unsigned int i;

	cpus_change_restart(&change);
	cpu_hotplug_reset(&hotplug, change.number);
	for (i = 0; i < MAX; i++)
		vcpu[i] = i < change.number ? RUNS : NONE;
}

static void power_goes(void)
{
	start(2);
	restart();
	EXPECT_EQ(step(), CPUS_IDLE);
	EXPECT_EQ(change.number, 2);
	EXPECT(!cpus_change_abandon(&change));
	cpus_change_begin(&change, 4);
	EXPECT_EQ(step(), CPUS_GO_ON);
	restart();
	EXPECT_EQ(change.number, 4);
	EXPECT_EQ(step(), CPUS_DONE);
	EXPECT_EQ(step(), CPUS_IDLE);
	cpus_change_begin(&change, 1);
	EXPECT_EQ(step(), CPUS_GO_ON);
	restart();
	EXPECT_EQ(step(), CPUS_DONE);
	EXPECT_EQ(change.number, 1);

	/* While it goes back */
	cpus_change_begin(&change, 4);
	step();
	guest_answers(1, 1, 0);
	guest_answers(2, 1, 0);
	guest_answers(3, 1, 0x82);
	EXPECT_EQ(step(), CPUS_GO_ON);
	restart();
	EXPECT_EQ(step(), CPUS_FAILED);
	EXPECT_HAS(fail_text(), "while it runs; the machine has 1 vCPU as before");
	end();
}

static void machine_ends(void)
{
	start(2);
	cpus_change_begin(&change, 4);
	step();
	EXPECT_FAIL(cpus_change_abandon(&change), "--cpus: the machine ended");
	EXPECT(!cpus_change_abandon(&change));
	cpu_hotplug_destroy(&hotplug);
}

static const struct test_case cases[] = {
	TEST_CASE(more_and_fewer), TEST_CASE(in_order), TEST_CASE(refuses_to_give),
	TEST_CASE(refuses_to_take), TEST_CASE(hears_nothing), TEST_CASE(takes_too_long),
	TEST_CASE(slow_but_sure), TEST_CASE(knows_no_ost), TEST_CASE(host_has_no_more),
	TEST_CASE(undoes_nothing), TEST_CASE(gives_unasked), TEST_CASE(power_goes),
	TEST_CASE(machine_ends),
};

TEST_SUITE(cpus_change_suite, "cpus_change", cases);
