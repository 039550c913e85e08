// SPDX-License-Identifier: GPL-2.0-only
#include "ged.h"
#include "test.h"

static struct ged ged;
static struct bus ports;
static bool line;
static unsigned int edges;

static void set_irq(void *opaque, bool asserted)
{
	EXPECT(opaque == &line);
	edges += asserted != line;
	line = asserted;
}

static u8 read_events(void)
{
	u8 events = 0xee;

	bus_read(&ports, 0x604, &events, 1);
	return events;
}

static void raise_and_read(void)
{
	u8 value = 0xff;

	ports.count = 0;
	line = false;
	edges = 0;
	ged_init(&ged, set_irq, &line);
	EXPECT(!bus_add(&ports, 0x604, 1, &ged_ops, &ged));
	EXPECT_EQ(read_events(), 0);
	EXPECT_EQ(edges, 0);

	ged_raise(&ged, GED_POWER_BUTTON);
	EXPECT(line);
	ged_raise(&ged, BIT(3));
	EXPECT_EQ(edges, 1);
	/* Only reading takes them. */
	bus_write(&ports, 0x604, &value, 1);
	EXPECT(line);
	EXPECT_EQ(read_events(), GED_POWER_BUTTON | BIT(3));
	EXPECT(!line);
	EXPECT_EQ(read_events(), 0);
	ged_raise(&ged, GED_POWER_BUTTON);
	EXPECT_EQ(edges, 3);
	EXPECT_EQ(read_events(), GED_POWER_BUTTON);
	ged_destroy(&ged);
}

static const struct test_case cases[] = { TEST_CASE(raise_and_read) };

TEST_SUITE(ged_suite, "ged", cases);
