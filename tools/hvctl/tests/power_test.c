// SPDX-License-Identifier: GPL-2.0-only
/* The devices by which a guest ends its run, and others for tests. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "debug_exit.h"
#include "host_root_ports.h"
#include "i8042_reset.h"
#include "layout.h"
#include "machine.h"
#include "power.h"
#include "test.h"

static struct machine m;

static void start(void)
{
	memset(&m, 0, sizeof(m));
	pthread_mutex_init(&m.stop_lock, NULL);
	m.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	EXPECT(!bus_add(&m.ports, PORT_SLEEP_CONTROL, 3, &power_ops, &m));
	EXPECT(!bus_add(&m.ports, PORT_I8042_COMMAND, 1, &i8042_reset_ops, &m));
	EXPECT(!bus_add(&m.ports, HOST_ROOT_PORT, HOST_ROOT_PORTS, &host_root_ops, &m));
	EXPECT(!bus_add(&m.ports, 0xf4, DEBUG_EXIT_PORTS, &debug_exit_ops, &m));
	EXPECT(!bus_add(&m.ports, DEBUG_PINS_PORT, DEBUG_PINS_PORTS, &debug_pins_ops, &m.ioapic));
}

static void end(void)
{
	close(m.wake_fd);
	pthread_mutex_destroy(&m.stop_lock);
}

static void out(u16 port, u32 value, unsigned int size)
{
	bus_write(&m.ports, port, &value, size);
}

/* Only @value at @port stops the machine, and so. */
static void expect_stop(u16 port, u32 value, enum stop_reason reason, int stop_value)
{
	start();
	out(port, value, 1);
	EXPECT(machine_stopping(&m));
	EXPECT_EQ(m.stop, reason);
	EXPECT_EQ(m.stop_value, stop_value);
	end();
}

static void stops(void)
{
	expect_stop(0x600, 5 << 2 | BIT(5), STOP_POWEROFF, 0);
	expect_stop(0x602, 1, STOP_RESET, 0);
	expect_stop(0x64, 0xfe, STOP_RESET, 0);
	expect_stop(0x64, 0xf0, STOP_RESET, 0);
	expect_stop(0xf4, 0, STOP_DEBUG_EXIT, 0);
	expect_stop(0xf4, 0x15, STOP_DEBUG_EXIT, 0x15);
	expect_stop(0xf4, 0xff, STOP_DEBUG_EXIT, 0x7f);
	expect_stop(HOST_ROOT_STATUS, 143, STOP_STATUS, 143);
}

static void input_is_let_in(void)
{
	start();
	m.input_waits = true;
	out(HOST_ROOT_INPUT, 0, 1);
	EXPECT(!m.input_waits);
	EXPECT(!machine_stopping(&m));
	end();
}

static void others(void)
{
	u32 value = 0;

	start();
	out(0x600, 5 << 2, 1);
	out(0x600, 3 << 2 | BIT(5), 1);
	out(0x601, 0xff, 1);
	out(0x602, 0, 1);
	out(0x64, 0xff, 1);
	out(0x64, 0xd1, 1);
	EXPECT(!machine_stopping(&m));
	bus_read(&m.ports, 0x600, &value, 2);
	EXPECT_EQ(value, 0);
	bus_read(&m.ports, 0x64, &value, 1);
	EXPECT_EQ(value, 0);
	bus_read(&m.ports, 0xf4, &value, 1);
	EXPECT_EQ(value, 0xff);
	end();
}

static void first_counts(void)
{
	start();
	out(0xf4, 0x12345607, 4);
	out(0x602, 1, 1);
	machine_stop(&m, STOP_CRASH, 0, "too late");
	EXPECT_EQ(m.stop, STOP_DEBUG_EXIT);
	EXPECT_EQ(m.stop_value, 7);
	EXPECT(!strcmp(m.stop_text, ""));
	end();
}

static void pins(void)
{
	start();
	ioapic_init(&m.ioapic, NULL, NULL);
	out(DEBUG_PINS_PORT + 14, 1, 4);
	out(DEBUG_PINS_PORT + IOAPIC_PINS - 1, 1, 4);
	/* Masked, as after reset, they assert and nothing is sent. */
	EXPECT_EQ(m.ioapic.lines, BIT(14) | BIT(IOAPIC_PINS - 1));
	out(DEBUG_PINS_PORT + 14, 0, 4);
	out(DEBUG_PINS_PORT + IOAPIC_PINS, 1, 1);
	EXPECT_EQ(m.ioapic.lines, BIT(IOAPIC_PINS - 1));
	ioapic_destroy(&m.ioapic);
	end();
}

static void memory(void)
{
	u64 value = 0x1122334455667788, end_gpa = DEBUG_MEMORY + DEBUG_MEMORY_SIZE;

	start();
	EXPECT(!bus_add(&m.mmio, DEBUG_MEMORY, DEBUG_MEMORY_SIZE, &debug_bytes_ops,
			m.debug_memory.data));
	bus_write(&m.mmio, DEBUG_MEMORY + 3, &value, 8);
	bus_write(&m.mmio, DEBUG_MEMORY + 4, &value, 1);
	value = 0;
	bus_read(&m.mmio, DEBUG_MEMORY + 2, &value, 4);
	EXPECT_EQ(value, 0x66888800);
	/* Across the end */
	bus_write(&m.mmio, end_gpa - 2, &value, 4);
	value = 0;
	bus_read(&m.mmio, end_gpa - 2, &value, 4);
	EXPECT_EQ(value, 0xffff8800);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(stops), TEST_CASE(others), TEST_CASE(first_counts), TEST_CASE(pins),
	TEST_CASE(memory), TEST_CASE(input_is_let_in),
};
TEST_SUITE(power_suite, "power", cases);
