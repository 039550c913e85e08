// SPDX-License-Identifier: GPL-2.0-only
#include "cpus_change.h"

#include <stdio.h>

#include "error.h"

void cpus_change_init(struct cpus_change *c, struct cpu_hotplug *hotplug, unsigned int number,
		      const struct cpus_ops *ops, void *opaque)
{
	*c = (struct cpus_change){
		.hotplug = hotplug, .ops = ops, .opaque = opaque, .number = number,
	};
}

void cpus_change_begin(struct cpus_change *c, unsigned int wanted)
{
	c->active = true;
	c->wanted = wanted;
	c->before = c->number;
	c->failed = false;
	c->stuck = false;
	c->left = c->hotplug->max;
	c->deadline = 0;
}

/* The vCPU is gone for the guest. true: and for good */
static bool destroy(struct cpus_change *c, u32 id)
{
	if (!c->ops->remove(c->opaque, id))
		return false;
	cpu_hotplug_destroyed(c->hotplug, id);
	return true;
}

/* ---- what went wrong ------------------------------------------------------------- */

/* A guest that hasn't even heard of a vCPU doesn't get it. */
static void withdraw_untold(struct cpus_change *c)
{
	unsigned int i;

	for (i = 0; i < c->hotplug->max; i++) {
		const struct cpu_view cpu = cpu_hotplug_view(c->hotplug, i);

		if (cpu.state != CPU_INSERTED || cpu.taken)
			continue;
		cpu_hotplug_withdraw(c->hotplug, i);
		destroy(c, i);
	}
}

/* For the reason that fail() keeps */
static void give_up(struct cpus_change *c)
{
	withdraw_untold(c);
	if (c->failed) {
		c->stuck = true;
		return;
	}
	c->failed = true;
	c->wanted = c->before;
	c->left = c->hotplug->max;
	snprintf(c->reason, sizeof(c->reason), "%s", fail_text());
}

/* ---- what the guest did ---------------------------------------------------------- */

struct tally {
	unsigned int present;	/* for the guest */
	unsigned int pending;	/* about to change */
	bool failed;		/* with a sentence, the first one's */
};

/* Is this the one whose sentence counts? */
static bool first_failure(struct tally *tally)
{
	bool first = !tally->failed;

	tally->failed = true;
	return first;
}

static void say_untold(u32 id)
{
	fail_say("the guest hasn't asked in %u seconds what happened to vCPU %u: it knows no ACPI, or hasn't booted that far",
		 CPUS_PATIENCE_MS / 1000, id);
}

static void say_not_taken(u32 id, const struct cpu_view *cpu)
{
	if (cpu->refused)
		fail_say("the guest can't take vCPU %u: %s", id,
			 cpu_hotplug_reason(false, cpu->status));
	else if (cpu->taken)
		fail_say("the guest was told of vCPU %u and hasn't taken it in %u seconds", id,
			 CPUS_PATIENCE_MS / 1000);
	else
		say_untold(id);
}

/* A guest that knows no _OST tells by starting it. */
static void look_at_inserted(struct cpus_change *c, u32 id, const struct cpu_view *cpu, bool late,
			     struct tally *tally)
{
	if (late && !cpu->refused && c->ops->was_run(c->opaque, id)) {
		cpu_hotplug_settle(c->hotplug, id);
		tally->present++;
		return;
	}
	if (!late && !cpu->refused) {
		tally->pending++;
		return;
	}
	if (first_failure(tally))
		say_not_taken(id, cpu);
	cpu_hotplug_withdraw(c->hotplug, id);
	if (!destroy(c, id))
		tally->pending++;
}

static void say_not_given(u32 id, const struct cpu_view *cpu)
{
	if (cpu->refused)
		fail_say("the guest doesn't give vCPU %u back: %s", id,
			 cpu_hotplug_reason(true, cpu->status));
	else if (cpu->taken)
		fail_say("the guest was asked for vCPU %u and hasn't given it back in %u seconds",
			 id, CPUS_PATIENCE_MS / 1000);
	else
		say_untold(id);
}

static void look_at_asked_for(struct cpus_change *c, u32 id, const struct cpu_view *cpu, bool late,
			      struct tally *tally)
{
	/* The guest still has it. */
	tally->present++;
	if (!late && !cpu->refused) {
		tally->pending++;
		return;
	}
	if (first_failure(tally))
		say_not_given(id, cpu);
	cpu_hotplug_keep(c->hotplug, id);
}

static struct tally look(struct cpus_change *c, bool late)
{
	struct tally tally = { 0 };
	unsigned int i;

	for (i = 0; i < c->hotplug->max; i++) {
		const struct cpu_view cpu = cpu_hotplug_view(c->hotplug, i);

		switch (cpu.state) {
		case CPU_PRESENT:
			tally.present++;
			break;
		case CPU_INSERTED:
			look_at_inserted(c, i, &cpu, late, &tally);
			break;
		case CPU_ASKED_FOR:
			look_at_asked_for(c, i, &cpu, late, &tally);
			break;
		case CPU_EJECTED:
			if (!destroy(c, i))
				tally.pending++;
			break;
		case CPU_ABSENT:
			break;
		}
	}
	return tally;
}

/* ---- what is next ---------------------------------------------------------------- */

/* The lowest ids that are free */
static int insert(struct cpus_change *c, unsigned int count)
{
	unsigned int i;

	for (i = 0; count && i < c->hotplug->max; i++) {
		if (cpu_hotplug_view(c->hotplug, i).state != CPU_ABSENT)
			continue;
		if (!c->left)
			return fail("the guest gives back what it gets");
		c->left--;
		if (c->ops->add(c->opaque, i))
			return -1;
		cpu_hotplug_insert(c->hotplug, i);
		count--;
	}
	return 0;
}

/* One at a time: what is refused then leaves the others alone. */
static int ask_for_last(struct cpus_change *c)
{
	u32 id = c->hotplug->max - 1;

	while (cpu_hotplug_view(c->hotplug, id).state != CPU_PRESENT)
		id--;
	if (!c->left)
		return fail("the guest doesn't let its vCPUs become fewer");
	c->left--;
	cpu_hotplug_ask_for(c->hotplug, id);
	return 0;
}

static int go_on(struct cpus_change *c, unsigned int present)
{
	return present < c->wanted ? insert(c, c->wanted - present) : ask_for_last(c);
}

static enum cpus_progress end(struct cpus_change *c)
{
	c->active = false;
	if (!c->failed)
		return CPUS_DONE;
	fail_say("--cpus: %s; the machine has %u vCPU%s %s", c->reason, c->number,
		 c->number == 1 ? "" : "s", c->number == c->before ? "as before" : "now");
	return CPUS_FAILED;
}

enum cpus_progress cpus_change_step(struct cpus_change *c, u64 now)
{
	for (;;) {
		bool late = c->active && c->deadline && now >= c->deadline;
		struct tally tally = look(c, late);
		unsigned int before = c->number;

		c->number = tally.present;
		if (!c->active)
			return CPUS_IDLE;
		if (tally.failed)
			give_up(c);
		if (tally.failed || c->number != before)
			c->deadline = now + CPUS_PATIENCE_MS;
		if (tally.pending)
			return CPUS_GO_ON;
		if (tally.failed)
			continue;
		if (c->stuck || tally.present == c->wanted)
			return end(c);
		if (go_on(c, tally.present))
			give_up(c);
		c->deadline = now + CPUS_PATIENCE_MS;
	}
}

void cpus_change_restart(struct cpus_change *c)
{
	if (c->active)
		c->number = c->wanted;
}

int cpus_change_abandon(struct cpus_change *c)
{
	if (!c->active)
		return 0;
	c->active = false;
	return fail("--cpus: the machine ended before the guest had done its part");
}
