// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that writes anything to the processors' registers while its machine changes their
 * number: it has as many vCPUs as it is said to have, each change ends, and a guest that does
 * as it's told gets what is wanted next.
 */
#include "cpus_change.h"
#include "error.h"
#include "fuzz.h"

#define MAX		6
#define STEPS_MOST	10000	/* of a change; it has but a few times MAX in truth */

enum vcpu_life { NONE, RUNS, STOPS };

static struct cpu_hotplug hotplug;
static struct cpus_change change;
static enum vcpu_life vcpu[MAX];
static u64 now;
static u8 whims;	/* how the host is: a bit for what fails, or takes time */

#define ADD_FAILS	BIT(0)
#define STOP_TAKES_TIME	BIT(1)
#define GUEST_RUNS_IT	BIT(2)

static int add(void *opaque, u32 id)
{
	(void)opaque;
	MUST(id && id < MAX && vcpu[id] == NONE);
	if (whims & ADD_FAILS)
		return fail("no");
	vcpu[id] = RUNS;
	return 0;
}

static bool remove_vcpu(void *opaque, u32 id)
{
	(void)opaque;
	MUST(id && id < MAX && vcpu[id] != NONE);
	if (whims & STOP_TAKES_TIME && vcpu[id] == RUNS) {
		vcpu[id] = STOPS;
		return false;
	}
	vcpu[id] = NONE;
	return true;
}

static bool was_run(void *opaque, u32 id)
{
	(void)opaque;
	MUST(vcpu[id] == RUNS);
	return whims & GUEST_RUNS_IT;
}

static const struct cpus_ops ops = { .add = add, .remove = remove_vcpu, .was_run = was_run };

static void tell(void *opaque)
{
	(void)opaque;
}

/* What the guest has exists, what isn't there doesn't. */
static void check(void)
{
	unsigned int i;

	for (i = 0; i < MAX; i++) {
		enum cpu_state state = cpu_hotplug_view(&hotplug, i).state;

		if (state == CPU_ABSENT)
			MUST(vcpu[i] == NONE);
		else if (state == CPU_EJECTED)
			MUST(i && vcpu[i] != NONE);
		else
			MUST(vcpu[i] == RUNS);
	}
	MUST(cpu_hotplug_view(&hotplug, 0).state == CPU_PRESENT);
}

static enum cpus_progress step(void)
{
	bool active = change.active;
	enum cpus_progress progress;

	fail_say("%s", "");
	progress = cpus_change_step(&change, now);
	check();
	MUST((progress == CPUS_IDLE) == !active);
	MUST(change.active == (progress == CPUS_GO_ON));
	if (progress == CPUS_FAILED)
		MUST(!strncmp(fail_text(), "--cpus: ", 8));
	if (progress == CPUS_DONE)
		MUST(change.number == change.wanted);
	MUST(change.number >= 1 && change.number <= MAX);
	return progress;
}

static void write_register(unsigned int offset, u32 value)
{
	cpu_hotplug_ops.write(&hotplug, offset, 4, value);
}

static u32 read_register(unsigned int offset)
{
	return cpu_hotplug_ops.read(&hotplug, offset, 4);
}

static void obey(void)
{
	unsigned int i;

	while (read_register(CPUS_NEXT))
		write_register(CPUS_STATUS, CPUS_INSERTED | CPUS_ASKED_FOR);
	for (i = 0; i < MAX; i++) {
		enum cpu_state state = cpu_hotplug_view(&hotplug, i).state;

		write_register(CPUS_SELECT, i);
		if (state == CPU_INSERTED) {
			write_register(CPUS_OST_EVENT, 1);
			write_register(CPUS_OST_STATUS, 0);
		} else if (state == CPU_ASKED_FOR) {
			write_register(CPUS_STATUS, CPUS_EJECT);
		}
	}
}

/* Of the values that mean something, often. */
static void write_anything(struct fuzz *f)
{
	static const u8 offset[] = {
		CPUS_SELECT, CPUS_STATUS, CPUS_OST_EVENT, CPUS_OST_STATUS, CPUS_STATUS,
	};
	static const u32 value[] = { 0, 1, 2, 3, 4, 5, 8, 0x80, 0x82, 0x84, 0x103, UINT32_MAX };
	u8 byte = fuzz_u8(f);

	write_register(byte & 128 ? byte & 31 : offset[(byte & 7) % ARRAY_SIZE(offset)],
		       byte & 64 ? fuzz_u32(f) : value[fuzz_u8(f) % ARRAY_SIZE(value)]);
}

static void restart(void)
{
	unsigned int i;

	cpus_change_restart(&change);
	cpu_hotplug_reset(&hotplug, change.number);
	for (i = 0; i < MAX; i++)
		vcpu[i] = i < change.number ? RUNS : NONE;
}

static void do_anything(struct fuzz *f)
{
	u8 byte = fuzz_u8(f);

	switch (byte & 7) {
	case 0:
		if (!change.active)
			cpus_change_begin(&change, 1 + (byte >> 3) % MAX);
		break;
	case 1:
		now += CPUS_PATIENCE_MS * (byte >> 3) / 16;
		break;
	case 2:
		obey();
		break;
	case 3:
		whims = byte >> 3;
		break;
	case 4:
		read_register(byte >> 3);
		if (byte >> 3 == 31)
			restart();
		break;
	default:
		write_anything(f);
	}
}

/* Left to itself, a change ends in its time; and then the next one works. */
static void come_to_rest(void)
{
	static const unsigned int wanted[] = { MAX, 1, 3 };
	unsigned int i, steps = 0;

	whims &= ~ADD_FAILS;
	while (change.active && step() == CPUS_GO_ON) {
		now += CPUS_PATIENCE_MS;
		MUST(steps++ < STEPS_MOST);
	}
	/* What the guest gave unasked goes now. */
	step();
	step();
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		cpus_change_begin(&change, wanted[i]);
		for (steps = 0; step() == CPUS_GO_ON; steps++) {
			obey();
			MUST(steps < STEPS_MOST);
		}
		MUST(change.number == wanted[i]);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	unsigned int i, number = 1 + fuzz_u8(&f) % MAX;

	MUST(!cpu_hotplug_create(&hotplug, MAX, tell, tell, NULL));
	cpu_hotplug_reset(&hotplug, number);
	cpus_change_init(&change, &hotplug, number, &ops, NULL);
	for (i = 0; i < MAX; i++)
		vcpu[i] = i < number ? RUNS : NONE;
	now = 1;
	whims = 0;
	while (f.left) {
		do_anything(&f);
		step();
	}
	come_to_rest();
	cpu_hotplug_destroy(&hotplug);
	return 0;
}
