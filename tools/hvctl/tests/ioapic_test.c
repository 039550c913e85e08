// SPDX-License-Identifier: GPL-2.0-only
#include "ioapic.h"
#include "test.h"

static struct ioapic io;
static unsigned int sent;
static u64 last_address;
static u32 last_data;

static void on_send(void *opaque, u64 address, u32 data)
{
	EXPECT(opaque == &io);
	sent++;
	last_address = address;
	last_data = data;
}

static void start(void)
{
	sent = 0;
	ioapic_init(&io, on_send, &io);
}

static void put(u8 index, u32 value)
{
	ioapic_ops.write(&io, 0x00, 4, index);
	ioapic_ops.write(&io, 0x10, 4, value);
}

static u32 get(u8 index)
{
	ioapic_ops.write(&io, 0x00, 4, index);
	return ioapic_ops.read(&io, 0x10, 4);
}

static void registers(void)
{
	start();
	EXPECT_EQ(get(1), 0x00170020);
	put(0, 0xffffffff);
	EXPECT_EQ(get(0), 0x0f000000);
	EXPECT_EQ(get(0x10), 0x00010000);
	EXPECT_EQ(get(0x3f), 0);
	EXPECT_EQ(get(0x40), 0xffffffff);
	put(0x40, 0);
	put(0xff, 0);
	EXPECT_EQ(ioapic_ops.read(&io, 0x00, 4), 0xff);
	EXPECT_EQ(ioapic_ops.read(&io, 0x20, 4), 0);
	/* Delivery status and remote IRR can't be written, nor reserved bits. */
	put(0x10, 0xffffffff);
	put(0x11, 0xffffffff);
	EXPECT_EQ(get(0x10), 0x0001afff);
	EXPECT_EQ(get(0x11), 0xff000000);
	ioapic_destroy(&io);
}

static void edge(void)
{
	start();
	put(0x10 + 2 * 4 + 1, 0x05000000);
	ioapic_set_pin(&io, 4, true);
	EXPECT_EQ(sent, 0);	/* masked: lost */
	EXPECT(!ioapic_pin_enabled(&io, 4));
	put(0x10 + 2 * 4, 0x31);
	EXPECT(ioapic_pin_enabled(&io, 4));
	EXPECT(!ioapic_pin_enabled(&io, 5));
	EXPECT_EQ(sent, 0);
	ioapic_set_pin(&io, 4, true);
	EXPECT_EQ(sent, 0);	/* no edge */
	ioapic_set_pin(&io, 4, false);
	EXPECT_EQ(sent, 0);
	ioapic_set_pin(&io, 4, true);
	EXPECT_EQ(sent, 1);
	EXPECT_EQ(last_address, 0xfee05000);
	EXPECT_EQ(last_data, 0x31);
	/* No EOI is waited for. */
	ioapic_set_pin(&io, 4, false);
	ioapic_set_pin(&io, 4, true);
	EXPECT_EQ(sent, 2);
	ioapic_destroy(&io);
}

static void level(void)
{
	start();
	put(0x10 + 2 * 9 + 1, 0xff000000);
	ioapic_set_pin(&io, 9, true);
	put(0x10 + 2 * 9, 0x00008042);
	EXPECT_EQ(sent, 1);	/* unmasked with the line up */
	EXPECT_EQ(last_address, 0xfeeff000);
	EXPECT_EQ(last_data, 0xc042);
	EXPECT_EQ(get(0x10 + 2 * 9), 0x0000c042);
	ioapic_set_pin(&io, 9, false);
	ioapic_set_pin(&io, 9, true);
	EXPECT_EQ(sent, 1);	/* remote IRR holds it back */
	ioapic_eoi(&io, 0x43);
	EXPECT_EQ(sent, 1);
	ioapic_eoi(&io, 0x42);
	EXPECT_EQ(sent, 2);	/* still up */
	ioapic_set_pin(&io, 9, false);
	ioapic_eoi(&io, 0x42);
	EXPECT_EQ(sent, 2);
	EXPECT_EQ(get(0x10 + 2 * 9), 0x00008042);
	/* Masked while asserted; comes when unmasked. */
	put(0x10 + 2 * 9, 0x00018042);
	ioapic_set_pin(&io, 9, true);
	EXPECT_EQ(sent, 2);
	put(0x10 + 2 * 9, 0x00008042);
	EXPECT_EQ(sent, 3);
	/* The EOI register does what a broadcast EOI does. */
	ioapic_ops.write(&io, 0x40, 4, 0x42);
	EXPECT_EQ(sent, 4);
	/* Going to edge and back clears remote IRR. */
	put(0x10 + 2 * 9, 0x00010042);
	EXPECT_EQ(get(0x10 + 2 * 9), 0x00010042);
	ioapic_destroy(&io);
}

static void modes(void)
{
	start();
	put(0x11, 0x12000000);
	put(0x10, 0x00000950);	/* logical, lowest priority */
	ioapic_set_pin(&io, 0, true);
	EXPECT_EQ(last_address, 0xfee1200c);
	EXPECT_EQ(last_data, 0x150);
	ioapic_set_pin(&io, 0, false);
	put(0x10, 0x00000400);	/* NMI */
	ioapic_set_pin(&io, 0, true);
	EXPECT_EQ(last_address, 0xfee12000);
	EXPECT_EQ(last_data, 0x400);
	ioapic_destroy(&io);
}

static const struct test_case cases[] = {
	TEST_CASE(registers), TEST_CASE(edge), TEST_CASE(level), TEST_CASE(modes),
};
TEST_SUITE(ioapic_suite, "ioapic", cases);
