// SPDX-License-Identifier: GPL-2.0-only
#include "layout.h"
#include "pci.h"
#include "test.h"

#define BAR_SIZE	0x2000

static struct pci_host host;
static struct pci_device device;
static struct bus mmio, ports;
static void *last_dev;
static u64 last_offset, last_value;
static unsigned int last_size, moves;

static u64 bar_read(void *dev, u64 offset, unsigned int size)
{
	last_dev = dev;
	last_size = size;
	return 0xa0b0c0d0 + offset;
}

static void bar_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	last_dev = dev;
	last_offset = offset;
	last_size = size;
	last_value = value;
}

static const struct bus_ops bar_ops = { bar_read, bar_write, 4 };

static void bar_moved(struct pci_device *pci, unsigned int bar)
{
	last_dev = pci;
	EXPECT_EQ(bar, 0);
	moves++;
}

static void start(void)
{
	mmio.count = 0;
	ports.count = 0;
	moves = 0;
	pci_init(&host);
	device = (struct pci_device){ .bar_moved = bar_moved };
	pci_set32(&device, PCI_VENDOR_ID, 0x10421af4, 0);
	pci_set16(&device, PCI_COMMAND, 0, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_set_memory_bar(&device, 0, BAR_SIZE, &bar_ops, &device);
	EXPECT(!pci_plug(&host, &device));
	EXPECT(!pci_add_to(&host, &mmio, &ports));
}

static u32 get(const struct bus *bus, u64 address, unsigned int size)
{
	u32 value = 0;

	bus_read(bus, address, &value, size);
	return value;
}

static void put(const struct bus *bus, u64 address, u32 value, unsigned int size)
{
	bus_write(bus, address, &value, size);
}

#define ECAM(slot, offset)	(PCI_ECAM + ((u64)(slot) << 15) + (offset))
#define CF8(slot, offset)	(BIT(31) | (slot) << 11 | (offset))

static void ecam(void)
{
	start();
	EXPECT_EQ(get(&mmio, ECAM(0, 0), 4), 0x00081b36);
	EXPECT_EQ(get(&mmio, ECAM(0, 8), 4), 0x06000000);
	EXPECT_EQ(get(&mmio, ECAM(1, 0), 4), 0x10421af4);
	EXPECT_EQ(get(&mmio, ECAM(1, 2), 2), 0x1042);
	EXPECT_EQ(get(&mmio, ECAM(1, 1), 1), 0x1a);
	/* No other slot, function, or extended capability */
	EXPECT_EQ(get(&mmio, ECAM(2, 0), 4), UINT32_MAX);
	EXPECT_EQ(get(&mmio, ECAM(31, 0), 4), UINT32_MAX);
	EXPECT_EQ(get(&mmio, ECAM(1, 0x1000), 4), UINT32_MAX);
	EXPECT_EQ(get(&mmio, ECAM(1, 0x100), 4), 0);
	EXPECT_EQ(get(&mmio, ECAM(1, 0xffc), 4), 0);
	/* What crosses a doubleword is nobody's. */
	EXPECT_EQ(get(&mmio, ECAM(1, 0xfe), 4), UINT32_MAX);
	EXPECT_EQ(get(&mmio, ECAM(1, 3), 2), UINT16_MAX);
	put(&mmio, ECAM(1, 0xfe), 0, 4);
	/* Only what may be written is. */
	put(&mmio, ECAM(1, 0), 0, 4);
	put(&mmio, ECAM(1, PCI_COMMAND), 0xffff, 2);
	EXPECT_EQ(get(&mmio, ECAM(1, 0), 4), 0x10421af4);
	EXPECT_EQ(get(&mmio, ECAM(1, PCI_COMMAND), 2),
		  PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_destroy(&host);
}

static void mechanism_1(void)
{
	start();
	put(&ports, 0xcf8, CF8(1, 0), 4);
	EXPECT_EQ(get(&ports, 0xcf8, 4), CF8(1, 0));
	EXPECT_EQ(get(&ports, 0xcfc, 4), 0x10421af4);
	EXPECT_EQ(get(&ports, 0xcfe, 2), 0x1042);
	EXPECT_EQ(get(&ports, 0xcff, 1), 0x10);
	put(&ports, 0xcf8, CF8(1, PCI_COMMAND), 4);
	put(&ports, 0xcfc, PCI_COMMAND_MASTER, 1);
	EXPECT_EQ(get(&mmio, ECAM(1, PCI_COMMAND), 2), PCI_COMMAND_MASTER);
	/* A byte isn't for the address register. */
	put(&ports, 0xcf9, 6, 1);
	EXPECT_EQ(get(&ports, 0xcf8, 4), CF8(1, PCI_COMMAND));
	EXPECT_EQ(get(&ports, 0xcf9, 1), 0xff);
	/* Disabled; another bus; another function */
	put(&ports, 0xcf8, CF8(1, 0) & ~BIT(31), 4);
	EXPECT_EQ(get(&ports, 0xcfc, 4), UINT32_MAX);
	put(&ports, 0xcf8, CF8(1, 0) | BIT(16), 4);
	EXPECT_EQ(get(&ports, 0xcfc, 4), UINT32_MAX);
	put(&ports, 0xcf8, CF8(1, 0) | BIT(8), 4);
	EXPECT_EQ(get(&ports, 0xcfc, 4), UINT32_MAX);
	pci_destroy(&host);
}

static void bars(void)
{
	u64 at = PCI_WINDOW_START + PCI_SLOT_WINDOW;

	start();
	EXPECT_EQ(get(&mmio, ECAM(1, PCI_BASE_ADDRESS_0), 4), at);
	EXPECT_EQ(moves, 1);
	EXPECT(last_dev == &device);
	last_dev = NULL;
	EXPECT_EQ(get(&mmio, at + 8, 4), 0xa0b0c0d8);
	EXPECT(last_dev == &device);
	/* Eight bytes are two accesses. */
	bus_write(&mmio, at + BAR_SIZE - 8, &(u64){ 0x1122334455667788 }, 8);
	EXPECT_EQ(last_offset, BAR_SIZE - 4);
	EXPECT_EQ(last_value, 0x11223344);
	EXPECT_EQ(last_size, 4);
	/* Nothing behind it, and nothing that is only half in it. */
	last_size = 0;
	EXPECT_EQ(get(&mmio, at + BAR_SIZE, 4), UINT32_MAX);
	EXPECT_EQ(get(&mmio, at - 2, 4), UINT32_MAX);
	EXPECT_EQ(last_size, 0);

	/* How large is it? */
	put(&mmio, ECAM(1, PCI_COMMAND), 0, 2);
	EXPECT_EQ(moves, 2);
	put(&mmio, ECAM(1, PCI_BASE_ADDRESS_0), UINT32_MAX, 4);
	EXPECT_EQ(get(&mmio, ECAM(1, PCI_BASE_ADDRESS_0), 4), (u32)-BAR_SIZE);
	EXPECT_EQ(get(&mmio, at, 4), UINT32_MAX);
	/* Elsewhere, and it is decoded when memory space is enabled. */
	put(&mmio, ECAM(1, PCI_BASE_ADDRESS_0), PCI_WINDOW_START, 4);
	EXPECT_EQ(moves, 2);
	EXPECT_EQ(get(&mmio, PCI_WINDOW_START, 4), UINT32_MAX);
	put(&mmio, ECAM(1, PCI_COMMAND), PCI_COMMAND_MEMORY, 2);
	EXPECT_EQ(moves, 3);
	EXPECT_EQ(get(&mmio, PCI_WINDOW_START, 4), 0xa0b0c0d0);

	pci_reset(&host);
	EXPECT_EQ(moves, 4);
	EXPECT_EQ(get(&mmio, at, 4), 0xa0b0c0d0);
	EXPECT_EQ(get(&mmio, ECAM(1, PCI_COMMAND), 2), PCI_COMMAND_MEMORY);
	pci_destroy(&host);
}

static void io_bars(void)
{
	struct pci_device other = { 0 };

	start();
	pci_set16(&other, PCI_COMMAND, 0, PCI_COMMAND_IO);
	pci_set_io_bar(&other, 1, 64, &bar_ops, &device);
	EXPECT(!pci_plug(&host, &other));
	EXPECT_EQ(get(&mmio, ECAM(2, PCI_BASE_ADDRESS_1), 4), 0xc201);
	EXPECT_EQ(get(&ports, 0xc203, 1), 0xd3);
	put(&ports, 0xc23c, 0x12345678, 4);
	EXPECT_EQ(last_offset, 0x3c);
	EXPECT_EQ(last_value, 0x12345678);
	EXPECT_EQ(get(&ports, 0xc240, 1), 0xff);
	/* Its number is nobody's memory, and no memory is at a port. */
	EXPECT_EQ(get(&mmio, 0xc201, 1), 0xff);
	put(&mmio, ECAM(2, PCI_BASE_ADDRESS_1), UINT32_MAX, 4);
	EXPECT_EQ(get(&mmio, ECAM(2, PCI_BASE_ADDRESS_1), 4), 0xffffffc1);
	put(&mmio, ECAM(2, PCI_BASE_ADDRESS_1), 0xd000, 4);
	EXPECT_EQ(get(&ports, 0xd000, 1), 0xd0);
	put(&mmio, ECAM(2, PCI_COMMAND), 0, 2);
	EXPECT_EQ(get(&ports, 0xd000, 1), 0xff);
	pci_destroy(&host);
}

static void capabilities(void)
{
	start();
	EXPECT_EQ(pci_add_capability(&device, 0x11, 12), 0x40);
	EXPECT_EQ(pci_add_capability(&device, 0x09, 17), 0x4c);
	EXPECT_EQ(pci_add_capability(&device, 0x09, 4), 0x60);
	EXPECT_EQ(get(&mmio, ECAM(1, PCI_STATUS), 2), PCI_STATUS_CAP_LIST);
	EXPECT_EQ(get(&mmio, ECAM(1, PCI_CAPABILITY_LIST), 1), 0x40);
	EXPECT_EQ(get(&mmio, ECAM(1, 0x40), 2), 0x4c11);
	EXPECT_EQ(get(&mmio, ECAM(1, 0x4c), 2), 0x6009);
	EXPECT_EQ(get(&mmio, ECAM(1, 0x60), 2), 0x0009);
	pci_destroy(&host);
}

static void slots(void)
{
	static struct pci_device many[PCI_SLOTS];
	unsigned int i;

	start();
	for (i = 2; i < PCI_SLOTS; i++)
		EXPECT(!pci_plug(&host, &many[i]));
	EXPECT_FAIL(pci_plug(&host, &many[0]), "31 devices");
	EXPECT_EQ(get(&mmio, ECAM(31, 0), 4), 0);
	pci_destroy(&host);
}

static const struct test_case cases[] = {
	TEST_CASE(ecam), TEST_CASE(mechanism_1), TEST_CASE(bars), TEST_CASE(io_bars),
	TEST_CASE(capabilities), TEST_CASE(slots),
};
TEST_SUITE(pci_suite, "pci", cases);
