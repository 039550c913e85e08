// SPDX-License-Identifier: GPL-2.0-only
#include "bus.h"
#include "test.h"

/* Remembers the last accesses, and reads as the offset. */
struct probe {
	unsigned int count;
	struct { u64 offset, value; unsigned int size; bool write; } access[8];
};

static u64 probe_read(void *dev, u64 offset, unsigned int size)
{
	struct probe *p = dev;

	p->access[p->count].offset = offset;
	p->access[p->count++].size = size;
	return 0x8080808080808080ULL | offset;
}

static void probe_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct probe *p = dev;

	p->access[p->count].offset = offset;
	p->access[p->count].size = size;
	p->access[p->count].write = true;
	p->access[p->count++].value = value;
}

static const struct bus_ops byte_ops = { probe_read, probe_write, 1 };
static const struct bus_ops dword_ops = { probe_read, probe_write, 4 };
static const struct bus_ops no_ops = { .width = 4 };

static void ranges(void)
{
	struct bus bus = { 0 };
	struct probe p = { 0 };
	unsigned int i;

	EXPECT(!bus_add(&bus, 0x100, 8, &byte_ops, &p));
	EXPECT(!bus_add(&bus, 0x10, 8, &byte_ops, &p));
	EXPECT(!bus_add(&bus, 0x18, 8, &byte_ops, &p));
	EXPECT(!bus_add(&bus, UINT64_MAX - 7, 8, &byte_ops, &p));
	EXPECT_FAIL(bus_add(&bus, 0x10, 1, &byte_ops, &p), "0x10");
	EXPECT_FAIL(bus_add(&bus, 0xff, 2, &byte_ops, &p), "0xff");
	EXPECT_FAIL(bus_add(&bus, 0x107, 1, &byte_ops, &p), "0x107");
	EXPECT_FAIL(bus_add(&bus, 0x8, 0x1000, &byte_ops, &p), "0x8");
	EXPECT_EQ(bus.count, 4);
	for (i = 1; i < bus.count; i++)
		EXPECT(bus.range[i - 1].start < bus.range[i].start);
	for (i = 0; bus.count < BUS_RANGES_MAX; i++)
		EXPECT(!bus_add(&bus, 0x1000 + i, 1, &byte_ops, &p));
	EXPECT_FAIL(bus_add(&bus, 0x2000, 1, &byte_ops, &p), "room");
}

static void unassigned(void)
{
	struct bus bus = { 0 };
	u64 value = 0;

	bus_read(&bus, 0xcf8, &value, 4);
	EXPECT_EQ(value, 0xffffffff);
	bus_write(&bus, 0xcf8, &value, 4);
	EXPECT(!bus_add(&bus, 0x10, 4, &no_ops, NULL));
	value = 0;
	bus_read(&bus, 0x10, &value, 2);
	EXPECT_EQ(value, 0xffff);
	bus_write(&bus, 0x10, &value, 2);
}

static void splitting(void)
{
	struct bus bus = { 0 };
	struct probe p = { 0 };
	u64 value = 0;

	EXPECT(!bus_add(&bus, 0x20, 4, &byte_ops, &p));
	EXPECT(!bus_add(&bus, 0x30, 8, &dword_ops, &p));

	/* Two bytes of the device, then two of nothing. */
	bus_read(&bus, 0x22, &value, 4);
	EXPECT_EQ(value, 0xffff8382);
	EXPECT_EQ(p.count, 2);
	EXPECT_EQ(p.access[1].offset, 3);

	p.count = 0;
	value = 0x1122334455667788ULL;
	bus_write(&bus, 0x30, &value, 8);
	EXPECT_EQ(p.count, 2);
	EXPECT_EQ(p.access[0].value, 0x55667788);
	EXPECT_EQ(p.access[1].value, 0x11223344);
	EXPECT_EQ(p.access[1].offset, 4);

	/* Nothing first, then the device; three bytes as two and one. */
	p.count = 0;
	bus_write(&bus, 0x2f, &value, 4);
	EXPECT_EQ(p.count, 2);
	EXPECT_EQ(p.access[0].offset, 0);
	EXPECT_EQ(p.access[0].size, 2);
	EXPECT_EQ(p.access[0].value, 0x6677);
	EXPECT_EQ(p.access[1].size, 1);
	EXPECT_EQ(p.access[1].value, 0x55);
}

static const struct test_case cases[] = {
	TEST_CASE(ranges), TEST_CASE(unassigned), TEST_CASE(splitting),
};
TEST_SUITE(bus_suite, "bus", cases);
