// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading lhv.ko: what is refused, and that nothing is left of a
 * load that fails halfway. The module is loaded again at the end, as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"
#include "test.h"

#define MODULE		"/lhv/lhv.ko"	/* where the lab has it */
#define HEARTBEAT	"/sys/module/lhv/parameters/heartbeat"

static char parameters[64];

static int load(const char *with)
{
	int fd = REQUIRE_SYS(open(MODULE, O_RDONLY | O_CLOEXEC));
	int ret = syscall(SYS_finit_module, fd, with, 0) ? -errno : 0;

	close(fd);
	return ret;
}

static int unload(void)
{
	return syscall(SYS_delete_module, "lhv", O_NONBLOCK) ? -errno : 0;
}

static bool loaded(void)
{
	return !access("/sys/module/lhv", F_OK);
}

static void guest_work(void)
{
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("ud2", : : : "memory"));
}

FIXTURE(load) {
};

FIXTURE_SETUP(load)
{
	REQUIRE_OK(unload());
}

FIXTURE_TEARDOWN(load)
{
	if (!loaded())
		REQUIRE_OK(load(parameters));
}

TEST_F(load, again_and_again)
{
	int i;

	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-1, access("/dev/lhv", F_OK));
		ASSERT_EQ(0, load(parameters));
		EXPECT_EQ(-EEXIST, load(parameters));
		run_guest(guest_work, 0, 0);
		ASSERT_EQ(0, unload());
		EXPECT_FALSE(loaded());
	}
}

TEST_F(load, not_unloaded_while_in_use)
{
	int dev, vm;

	ASSERT_EQ(0, load(parameters));
	dev = dev_open();
	EXPECT_EQ(-EWOULDBLOCK, unload());
	vm = lhv_create_vm(dev);
	ASSERT_LE(0, vm);
	close(dev);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	close(vm);
	EXPECT_EQ(0, unload());
}

/* The VMX-preemption timer has 32 bits. */
TEST_F(load, bad_parameters)
{
	EXPECT_EQ(-EINVAL, load("heartbeat=4294967296"));
	EXPECT_EQ(-EINVAL, load("heartbeat=often"));
	EXPECT_FALSE(loaded());
	EXPECT_EQ(-1, access("/dev/lhv", F_OK));
}

/*
 * From the last allocation back, until so many loads were refused: of those that lhv's
 * init can't do without, the last. Behind and between them comes what may be lost;
 * how many allocations there are in all differs from load to load.
 */
#define REFUSALS	6
#define LAST		110	/* allocations among which these must be */

TEST_F(load, memory_runs_out)
{
	u32 all, back = 0, refused = 0;
	int nth, ret;

	if (!fault_injection())
		SKIP(return, "no fault injection here");
	fault_prepare_host();
	nth = fault_open();
	fault_arm(nth, INT32_MAX);
	ASSERT_EQ(0, load(parameters));
	all = INT32_MAX - fault_left(nth);
	fault_arm(nth, 0);
	ASSERT_EQ(0, unload());
	ASSERT_LT(LAST, all);
	for (; back < LAST && refused < REFUSALS; back++) {
		fault_arm(nth, all - back);
		ret = load(parameters);
		fault_disarm(nth);
		if (ret) {
			ASSERT_EQ(-ENOMEM, ret);
			ASSERT_FALSE(loaded());
			refused++;
		} else {
			ASSERT_EQ(0, unload());
		}
	}
	EXPECT_EQ(REFUSALS, refused);
	TH_LOG("%u of the last %u of %u allocations refused", refused, back, all);
	close(nth);
	ASSERT_EQ(0, load(parameters));
	run_guest(guest_work, 0, 0);
}

/* What the module was given, to be given it again */
static bool keep_parameters(void)
{
	FILE *file = fopen(HEARTBEAT, "r");
	unsigned long heartbeat;
	bool known = file && fscanf(file, "%lu", &heartbeat) == 1;

	if (known)
		snprintf(parameters, sizeof(parameters), "heartbeat=%lu", heartbeat);
	if (file)
		fclose(file);
	return known;
}

int main(int argc, char **argv)
{
	if (access(MODULE, R_OK) || !keep_parameters()) {
		ksft_print_header();
		ksft_exit_skip("no module here to load and unload\n");
	}
	return test_harness_run(argc, argv);
}
