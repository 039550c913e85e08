// SPDX-License-Identifier: GPL-2.0-only
#include "memory_breath.h"

#include <unistd.h>

#include "breath_options.h"
#include "machine_breath.h"
#include "machine_limits.h"
#include "memory.h"
#include "memory_pressure.h"
#include "run_options.h"
#include "set_options.h"
#include "test.h"
#include "virtio_balloon.h"

/* ---- the rule ------------------------------------------------------------------- */

static struct memory_breath b;

/* Between 0 and 64 MiB, so that steps are 8, 16, 32 MiB up, and 4 MiB down */
static void start(void)
{
	memory_breath_begin(&b, 0, MIB(64), 0, 1000);
}

/* Let time pass, as poll() would with the rule's time-outs, until @now. */
static void pass(u64 from, u64 now)
{
	int timeout;

	while ((timeout = memory_breath_timeout(&b, from)) >= 0 && from + timeout <= now) {
		from += timeout;
		memory_breath_tick(&b, from);
	}
}

static void rises(void)
{
	start();
	EXPECT_EQ(memory_breath_timeout(&b, 1000), -1);
	memory_breath_pressure(&b, 2000);
	EXPECT_EQ(b.size, MIB(8));
	memory_breath_pressure(&b, 4000);
	EXPECT_EQ(b.size, MIB(24));
	memory_breath_pressure(&b, 6000);
	EXPECT_EQ(b.size, MIB(56));
	memory_breath_pressure(&b, 8000);
	EXPECT_EQ(b.size, MIB(64));
	memory_breath_pressure(&b, 10000);
	EXPECT_EQ(b.size, MIB(64));
	/* What comes now and then is slower. */
	start();
	memory_breath_pressure(&b, 2000);
	memory_breath_pressure(&b, 7000);
	memory_breath_pressure(&b, 12000);
	EXPECT_EQ(b.size, MIB(24));
}

static void falls(void)
{
	start();
	memory_breath_pressure(&b, 2000);
	EXPECT_EQ(memory_breath_timeout(&b, 2000), BREATH_CALM_MS);
	memory_breath_tick(&b, 2000 + BREATH_CALM_MS - 1);
	EXPECT_EQ(b.size, MIB(8));
	EXPECT_EQ(memory_breath_timeout(&b, 2000 + BREATH_CALM_MS - 1), 1);
	memory_breath_tick(&b, 2000 + BREATH_CALM_MS);
	EXPECT_EQ(b.size, MIB(4));
	EXPECT_EQ(memory_breath_timeout(&b, 2000 + BREATH_CALM_MS), BREATH_FALL_MS);
	memory_breath_tick(&b, 2000 + BREATH_CALM_MS + BREATH_FALL_MS);
	EXPECT_EQ(b.size, 0);
	EXPECT_EQ(memory_breath_timeout(&b, 2000 + BREATH_CALM_MS + BREATH_FALL_MS), -1);
	/* Long after it is due, it is still one step. */
	memory_breath_pressure(&b, 100000);
	EXPECT_EQ(memory_breath_timeout(&b, 900000), 0);
	memory_breath_tick(&b, 900000);
	EXPECT_EQ(b.size, MIB(4));
}

/* Pressure that shrinking brings back lets more and more time pass until the next try. */
static void learns(void)
{
	u64 now = 2000, steps, calm = BREATH_CALM_MS;
	unsigned int i;

	start();
	for (i = 0; i < 8; i++) {
		memory_breath_pressure(&b, now);
		EXPECT_EQ(b.calm, calm);
		for (steps = 0; steps < 1; steps++) {
			now += memory_breath_timeout(&b, now);
			memory_breath_tick(&b, now);
		}
		now += 1000;
		calm = min_u64(calm * 2, BREATH_CALM_MAX_MS);
	}
	EXPECT_EQ(b.calm, BREATH_CALM_MAX_MS);
	/* Not all that follows is due to the same step. */
	memory_breath_pressure(&b, now);
	memory_breath_pressure(&b, now + 2000);
	EXPECT_EQ(b.calm, BREATH_CALM_MAX_MS);
	/* Long after shrinking, it is something else. */
	pass(now + 2000, now + 2000000);
	EXPECT_EQ(b.size, 0);
	memory_breath_pressure(&b, now + 3000000);
	EXPECT_EQ(b.calm, BREATH_CALM_MS);
}

/*
 * A host that has pressure whenever the balloon holds less than 20 MiB: in an hour it is seen
 * a few times, not each minute.
 */
static void settles(void)
{
	u64 now, pressures = 0;

	start();
	for (now = 2000; now < 3600000; now += 2000) {
		if (b.size < MIB(20)) {
			memory_breath_pressure(&b, now);
			pressures++;
		}
		pass(now, now + 1999);
	}
	EXPECT(pressures < 16);
	EXPECT(pressures > 3);
}

static void other_bounds(void)
{
	start();
	memory_breath_pressure(&b, 2000);
	memory_breath_set(&b, MIB(16), MIB(32), 3000);
	EXPECT_EQ(b.size, MIB(16));
	EXPECT_EQ(memory_breath_timeout(&b, 3000), -1);
	memory_breath_pressure(&b, 4000);
	EXPECT_EQ(b.size, MIB(20));
	memory_breath_set(&b, 0, MIB(10), 5000);
	EXPECT_EQ(b.size, MIB(10));
	EXPECT_EQ(memory_breath_timeout(&b, 5000), BREATH_CALM_MS);
	/* A page at least, and whole pages */
	memory_breath_begin(&b, KIB(4), KIB(12), 0, 0);
	EXPECT_EQ(b.size, KIB(4));
	memory_breath_pressure(&b, 1);
	EXPECT_EQ(b.size, KIB(8));
	memory_breath_begin(&b, 0, 9 * KIB(12), 0, 0);
	memory_breath_pressure(&b, 1);
	EXPECT_EQ(b.size, KIB(12));
}

/* ---- options -------------------------------------------------------------------- */

static int parse_run(const char *memory, const char *more)
{
	static struct run_options options;
	const char *argv[] = { "run", "--kernel=k", "--memory", memory, more, NULL };
	int ret = run_options_parse(&options, more ? 5 : 4, (char **)argv);

	b.least = options.machine.breath.min;
	b.most = options.machine.breath.max;
	b.size = options.machine.memory;
	return ret ? ret : options.machine.devices.balloon;
}

static void command_line(void)
{
	EXPECT_EQ(parse_run("min=256M,max=1G", NULL), 1);
	EXPECT(b.least == MIB(256) && b.most == GIB(1) && b.size == GIB(1));
	EXPECT_EQ(parse_run("1G,min=64M", NULL), 1);
	EXPECT(b.least == MIB(64) && b.most == GIB(1) && b.size == GIB(1));
	EXPECT_EQ(parse_run("1G", NULL), 0);
	EXPECT(!b.most && b.size == GIB(1));
	EXPECT_EQ(parse_run("min=256M,max=1G", "--memory=2G"), 0);
	EXPECT(!b.most);
	EXPECT_FAIL(parse_run("min=256M", NULL), "has no max; give min=A,max=B");
	EXPECT_FAIL(parse_run("max=256M", NULL), "has no min");
	EXPECT_FAIL(parse_run("1G,min=64M,max=2G", NULL), "max is given twice");
	EXPECT_FAIL(parse_run("min=x,max=2G", NULL), "--memory: min: 'x' is not a size");
	EXPECT_FAIL(parse_run("min=2G,max=2G", NULL), "give a max that is more");
	EXPECT_FAIL(parse_run("min=1M,max=2G", NULL), "2M at least");
	EXPECT_FAIL(parse_run("min=4097K,max=2G", NULL), "multiples of 4K");
	EXPECT_FAIL(parse_run("min=64M,most=2G", NULL), "'most' is none of min and max");
	EXPECT_FAIL(parse_run("min=64M,max=2G", "--balloon=size=0"), "has a balloon of its own");
}

static void requests(void)
{
	const char *argv[] = { "set", "web", "--memory=min=64M", NULL };
	struct breath_bounds bounds;
	struct set_options options;
	struct json_object *object;

	EXPECT(!set_options_parse(&options, 3, (char **)argv));
	EXPECT(!strcmp(json_object_to_json_string_ext(options.arguments, JSON_C_TO_STRING_PLAIN),
		       "{\"breath\":{\"min\":67108864}}"));
	EXPECT(!breath_options_from_json(&bounds, options.arguments));
	EXPECT(bounds.min == MIB(64) && !bounds.max);
	json_object_put(options.arguments);
	object = json_tokener_parse("{\"breath\":{}}");
	EXPECT_FAIL(breath_options_from_json(&bounds, object), "neither min nor max");
	json_object_put(object);
	object = json_tokener_parse("{\"breath\":7}");
	EXPECT_FAIL(breath_options_from_json(&bounds, object), "no object");
	json_object_put(object);
	object = json_tokener_parse("{\"breath\":{\"mix\":7}}");
	EXPECT_FAIL(breath_options_from_json(&bounds, object), "have no 'mix'");
	json_object_put(object);
	EXPECT(!breath_options_from_json(&bounds, NULL));
	EXPECT(!bounds.min && !bounds.max);
}

/* ---- a machine ------------------------------------------------------------------ */

static void machine(void)
{
	static struct machine_limits limits;
	struct breath_bounds bounds = { 0 };
	struct machine_breath breath;
	struct virtio_device *balloon;
	struct guest_memory mem;
	struct pollfd fds[BREATH_FDS];
	int timeout = 5;

	EXPECT(!memory_create(&mem, MIB(64)));
	balloon = virtio_balloon_create(&mem, 0);
	EXPECT(!machine_breath_begin(&breath, &bounds, MIB(64), balloon));
	machine_breath_poll(&breath, fds, &timeout);
	EXPECT(fds[0].fd < 0 && fds[1].fd < 0 && timeout == 5);
	bounds = (struct breath_bounds){ MIB(32), MIB(128) };
	EXPECT_FAIL(machine_breath_check(&breath, &bounds), "more than the machine's memory");
	bounds = (struct breath_bounds){ MIB(32), MIB(56) };
	breath.balloon = NULL;
	EXPECT_FAIL(machine_breath_check(&breath, &bounds), "has no balloon");
	breath.balloon = balloon;

	/* What watches the host's isn't what is tested here. */
	machine_breath_set(&breath, &bounds);
	EXPECT_EQ(virtio_balloon_target(balloon), MIB(8));
	fds[0].revents = POLLPRI;
	machine_breath_serve(&breath, fds);
	EXPECT_EQ(virtio_balloon_target(balloon), MIB(11));
	EXPECT_EQ(breath.reports, 1);
	timeout = -1;
	machine_breath_poll(&breath, fds, &timeout);
	EXPECT(timeout > BREATH_CALM_MS / 2 && timeout <= BREATH_CALM_MS);
	fds[0].revents = 0;
	fds[1].revents = 0;
	machine_breath_serve(&breath, fds);
	EXPECT_EQ(virtio_balloon_target(balloon), MIB(11));
	bounds.min = MIB(48);
	machine_breath_set(&breath, &bounds);
	EXPECT_EQ(virtio_balloon_target(balloon), MIB(11));
	bounds.max = MIB(50);
	machine_breath_set(&breath, &bounds);
	EXPECT_EQ(virtio_balloon_target(balloon), MIB(14));
	/* A limit leaves the guest no more than fits: 15/16 of 64 MiB, and 16 MiB for others. */
	bounds = (struct breath_bounds){ MIB(16), MIB(64) };
	limits.now = (struct limits){ .given = BIT(LIMIT_MEMORY), .memory = MIB(64) };
	EXPECT(!machine_breath_limit(&breath, &limits));
	machine_breath_set(&breath, &bounds);
	EXPECT_EQ(virtio_balloon_target(balloon), MIB(20));
	limits.now.memory = MIB(16);
	machine_breath_set(&breath, &bounds);
	EXPECT_EQ(virtio_balloon_target(balloon), MIB(48));
	machine_breath_end(&breath);
	balloon->class->destroy(balloon);
	memory_destroy(&mem);
}

/* The host's own, if it tells. */
static void watching(void)
{
	struct pollfd poll_fd = { .events = POLLPRI };

	EXPECT_FAIL(memory_pressure_open("/nonexistent", "--x"), "--x: this host's kernel doesn't tell how scarce memory is (no /nonexistent)");
	EXPECT_FAIL(memory_pressure_open("/", "--x"), "cannot watch /");
	poll_fd.fd = memory_pressure_open(HOST_MEMORY_PRESSURE, "--x");
	if (poll_fd.fd < 0) {
		EXPECT_HAS(fail_text(), HOST_MEMORY_PRESSURE);
		test_skip("this host doesn't tell its pressure");
		return;
	}
	EXPECT(poll(&poll_fd, 1, 0) >= 0);
	EXPECT(!(poll_fd.revents & (POLLERR | POLLNVAL)));
	close(poll_fd.fd);
}

static const struct test_case cases[] = {
	TEST_CASE(rises),
	TEST_CASE(falls),
	TEST_CASE(learns),
	TEST_CASE(settles),
	TEST_CASE(other_bounds),
	TEST_CASE(command_line),
	TEST_CASE(requests),
	TEST_CASE(machine),
	TEST_CASE(watching),
};

TEST_SUITE(memory_breath_suite, "memory_breath", cases);
