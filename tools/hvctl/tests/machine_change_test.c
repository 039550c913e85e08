// SPDX-License-Identifier: GPL-2.0-only
/* Changes that end later than their request: which may begin, and what is replied. */
#include "machine_change.h"

#include "test.h"

static void parts(void)
{
	struct machine_change change = { 0 };

	EXPECT(!machine_change_check(&change, CHANGE_CPUS));
	machine_change_begin(&change, BIT(CHANGE_CPUS), 7);
	EXPECT_FAIL(machine_change_check(&change, CHANGE_CPUS),
		    "number of vCPUs is being changed by another command");
	EXPECT(!machine_change_check(&change, CHANGE_MEMORY));
	machine_change_begin(&change, BIT(CHANGE_MEMORY), 8);
	EXPECT_FAIL(machine_change_check(&change, CHANGE_MEMORY), "memory is being changed");
	EXPECT_EQ(change.request[0].ticket, 7);
	EXPECT_EQ(change.request[1].ticket, 8);
}

static const struct test_case cases[] = {
	TEST_CASE(parts),
};

TEST_SUITE(machine_change_suite, "machine_change", cases);
