// SPDX-License-Identifier: GPL-2.0-only
/* What guest and machine say of processors, by registers and by calls. */
#include "cpu_hotplug.h"
#include "layout.h"
#include "test.h"

#define MAX	4

static struct cpu_hotplug hotplug;
static struct bus ports;
static unsigned int to_guest, to_machine;

static void tell_guest(void *opaque)
{
	EXPECT(opaque == &hotplug);
	to_guest++;
}

static void tell_machine(void *opaque)
{
	EXPECT(opaque == &hotplug);
	to_machine++;
}

static void start(unsigned int number)
{
	EXPECT(!cpu_hotplug_create(&hotplug, MAX, tell_guest, tell_machine, &hotplug));
	cpu_hotplug_reset(&hotplug, number);
	ports.count = 0;
	EXPECT(!bus_add(&ports, PORT_CPUS, CPUS_REGISTERS, &cpu_hotplug_ops, &hotplug));
	to_guest = 0;
	to_machine = 0;
}

static void end(void)
{
	cpu_hotplug_destroy(&hotplug);
}

static void out(unsigned int offset, u32 value, unsigned int size)
{
	bus_write(&ports, PORT_CPUS + offset, &value, size);
}

static u32 in(unsigned int offset, unsigned int size)
{
	u32 value = 0;

	bus_read(&ports, PORT_CPUS + offset, &value, size);
	return value;
}

static u8 status(u32 id)
{
	out(CPUS_SELECT, id, 4);
	return in(CPUS_STATUS, 1);
}

static void set_status(u32 id, u8 value)
{
	out(CPUS_SELECT, id, 4);
	out(CPUS_STATUS, value, 1);
}

static void ost(u32 id, u32 event, u32 value)
{
	out(CPUS_SELECT, id, 4);
	out(CPUS_OST_EVENT, event, 4);
	out(CPUS_OST_STATUS, value, 4);
}

static enum cpu_state state(u32 id)
{
	return cpu_hotplug_view(&hotplug, id).state;
}

/* As cpus.asl does it; returns how many events there were. */
static unsigned int scan(void)
{
	unsigned int count = 0;

	while (in(CPUS_NEXT, 1)) {
		u8 events = in(CPUS_STATUS, 1) & (CPUS_INSERTED | CPUS_ASKED_FOR);

		EXPECT(events);
		out(CPUS_STATUS, events, 1);
		count++;
	}
	return count;
}

static void comes_and_goes(void)
{
	start(1);
	EXPECT_EQ(status(0), CPUS_PRESENT);
	EXPECT_EQ(status(1), 0);
	EXPECT_EQ(in(CPUS_NEXT, 1), 0);

	cpu_hotplug_insert(&hotplug, 2);
	EXPECT_EQ(to_guest, 1);
	EXPECT_EQ(status(2), CPUS_PRESENT | CPUS_INSERTED);
	EXPECT(!cpu_hotplug_view(&hotplug, 2).taken);
	out(CPUS_SELECT, 0, 4);
	EXPECT_EQ(in(CPUS_NEXT, 1), 1);
	EXPECT_EQ(in(CPUS_SELECT, 4), 2);
	EXPECT_EQ(scan(), 1);
	EXPECT(cpu_hotplug_view(&hotplug, 2).taken);
	EXPECT_EQ(status(2), CPUS_PRESENT);
	ost(2, 1, 0x80);
	EXPECT_EQ(state(2), CPU_INSERTED);
	EXPECT_EQ(to_machine, 0);
	ost(2, 1, 0);
	EXPECT_EQ(state(2), CPU_PRESENT);
	EXPECT_EQ(to_machine, 1);

	cpu_hotplug_ask_for(&hotplug, 2);
	EXPECT_EQ(to_guest, 2);
	EXPECT_EQ(status(2), CPUS_PRESENT | CPUS_ASKED_FOR);
	EXPECT_EQ(scan(), 1);
	ost(2, 3, 0x84);
	EXPECT(!cpu_hotplug_view(&hotplug, 2).refused);
	set_status(2, CPUS_EJECT);
	EXPECT_EQ(state(2), CPU_EJECTED);
	EXPECT_EQ(to_machine, 2);
	EXPECT_EQ(status(2), 0);
	ost(2, 3, 0);
	EXPECT_EQ(state(2), CPU_EJECTED);
	/* Not before it's destroyed. */
	cpu_hotplug_insert(&hotplug, 2);
	EXPECT_EQ(state(2), CPU_EJECTED);
	cpu_hotplug_destroyed(&hotplug, 2);
	EXPECT_EQ(state(2), CPU_ABSENT);
	EXPECT_EQ(scan(), 0);
	cpu_hotplug_insert(&hotplug, 2);
	EXPECT_EQ(status(2), CPUS_PRESENT | CPUS_INSERTED);
	end();
}

static void refused(void)
{
	struct cpu_view view;

	start(2);
	cpu_hotplug_ask_for(&hotplug, 1);
	/* An answer before the question was heard is one to another. */
	ost(1, 3, 0x82);
	EXPECT(!cpu_hotplug_view(&hotplug, 1).refused);
	scan();
	ost(1, 1, 0x82);
	EXPECT(!cpu_hotplug_view(&hotplug, 1).refused);
	ost(1, 3, 0);
	EXPECT(!cpu_hotplug_view(&hotplug, 1).refused);
	ost(1, 0x103, 0x82);
	view = cpu_hotplug_view(&hotplug, 1);
	EXPECT(view.refused && view.state == CPU_ASKED_FOR);
	EXPECT_HAS(cpu_hotplug_reason(true, view.status), "it is busy");
	cpu_hotplug_keep(&hotplug, 1);
	EXPECT_EQ(state(1), CPU_PRESENT);
	EXPECT(!cpu_hotplug_view(&hotplug, 1).refused);

	cpu_hotplug_insert(&hotplug, 3);
	scan();
	ost(3, 3, 1);
	EXPECT(!cpu_hotplug_view(&hotplug, 3).refused);
	ost(3, 0, 0x81);
	view = cpu_hotplug_view(&hotplug, 3);
	EXPECT(view.refused && view.state == CPU_INSERTED);
	EXPECT_HAS(cpu_hotplug_reason(false, view.status), "driver");
	EXPECT_HAS(cpu_hotplug_reason(true, 0x80), "doesn't let go");
	EXPECT_HAS(cpu_hotplug_reason(true, 0x83), "depends on it");
	EXPECT_HAS(cpu_hotplug_reason(true, 0x84), "status is 0x84");
	EXPECT_HAS(cpu_hotplug_reason(false, 0x80), "status is 0x80");
	EXPECT_HAS(cpu_hotplug_reason(false, 0x83), "status is 0x83");
	EXPECT_HAS(cpu_hotplug_reason(false, 1), "doesn't say why");
	EXPECT_HAS(cpu_hotplug_reason(true, 2), "doesn't know");
	EXPECT_HAS(cpu_hotplug_reason(true, UINT32_MAX), "status is 0xffffffff");
	end();
}

/* What the guest never heard of, it never hears of; what it has, it finds gone. */
static void withdrawn(void)
{
	start(1);
	cpu_hotplug_insert(&hotplug, 1);
	cpu_hotplug_withdraw(&hotplug, 1);
	EXPECT_EQ(state(1), CPU_EJECTED);
	EXPECT_EQ(status(1), 0);
	EXPECT_EQ(scan(), 0);
	EXPECT_EQ(to_guest, 1);
	cpu_hotplug_destroyed(&hotplug, 1);

	cpu_hotplug_insert(&hotplug, 1);
	scan();
	cpu_hotplug_withdraw(&hotplug, 1);
	EXPECT_EQ(to_guest, 3);
	EXPECT_EQ(status(1), CPUS_INSERTED);
	cpu_hotplug_destroyed(&hotplug, 1);
	EXPECT_EQ(status(1), CPUS_INSERTED);
	EXPECT_EQ(scan(), 1);
	ost(1, 1, 0);
	EXPECT_EQ(state(1), CPU_ABSENT);

	/* Comes again before it looked */
	cpu_hotplug_insert(&hotplug, 1);
	scan();
	cpu_hotplug_withdraw(&hotplug, 1);
	cpu_hotplug_destroyed(&hotplug, 1);
	cpu_hotplug_insert(&hotplug, 1);
	ost(1, 1, 0);
	EXPECT_EQ(state(1), CPU_INSERTED);
	EXPECT_EQ(scan(), 1);
	ost(1, 1, 0);
	EXPECT_EQ(state(1), CPU_PRESENT);

	cpu_hotplug_ask_for(&hotplug, 1);
	cpu_hotplug_keep(&hotplug, 1);
	EXPECT_EQ(scan(), 0);
	EXPECT_EQ(status(1), CPUS_PRESENT);
	end();
}

/* Each is for one state. */
static void out_of_turn(void)
{
	start(2);
	cpu_hotplug_insert(&hotplug, 1);
	cpu_hotplug_settle(&hotplug, 1);
	cpu_hotplug_keep(&hotplug, 1);
	cpu_hotplug_withdraw(&hotplug, 1);
	cpu_hotplug_destroyed(&hotplug, 1);
	EXPECT_EQ(state(1), CPU_PRESENT);
	cpu_hotplug_ask_for(&hotplug, 3);
	cpu_hotplug_settle(&hotplug, 3);
	cpu_hotplug_withdraw(&hotplug, 3);
	EXPECT_EQ(state(3), CPU_ABSENT);
	EXPECT_EQ(to_guest, 0);
	cpu_hotplug_insert(&hotplug, 3);
	cpu_hotplug_settle(&hotplug, 3);
	EXPECT_EQ(state(3), CPU_PRESENT);
	EXPECT_EQ(scan(), 0);
	cpu_hotplug_reset(&hotplug, 2);
	EXPECT_EQ(state(3), CPU_ABSENT);
	end();
}

static void hostile(void)
{
	static const u32 selections[] = { 0, 1, 2, 3, MAX, 77, 0x80000000, UINT32_MAX };
	unsigned int i, offset;

	start(3);
	/* The first one stays, one that isn't there doesn't go; others are the guest's to give. */
	set_status(0, 0xff);
	EXPECT_EQ(state(0), CPU_PRESENT);
	set_status(3, 0xff);
	EXPECT_EQ(state(3), CPU_ABSENT);
	EXPECT_EQ(to_machine, 0);
	set_status(2, CPUS_EJECT);
	EXPECT_EQ(state(2), CPU_EJECTED);
	EXPECT_EQ(to_machine, 1);
	set_status(2, CPUS_EJECT);
	EXPECT_EQ(to_machine, 1);

	for (i = 0; i < ARRAY_SIZE(selections); i++) {
		for (offset = 0; offset < CPUS_REGISTERS; offset++) {
			out(CPUS_SELECT, selections[i], 4);
			out(offset, ~CPUS_EJECT, 4);
			in(offset, 4);
			out(CPUS_SELECT, selections[i], 4);
			out(offset, ~CPUS_EJECT, 1);
			in(offset, 2);
		}
	}
	EXPECT_EQ(state(0), CPU_PRESENT);
	EXPECT_EQ(state(1), CPU_PRESENT);
	EXPECT_EQ(state(2), CPU_EJECTED);
	EXPECT_EQ(state(3), CPU_ABSENT);
	EXPECT_EQ(status(MAX), 0);
	EXPECT_EQ(to_guest, 0);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(comes_and_goes), TEST_CASE(refused), TEST_CASE(withdrawn),
	TEST_CASE(out_of_turn), TEST_CASE(hostile),
};

TEST_SUITE(cpu_hotplug_suite, "cpu_hotplug", cases);
