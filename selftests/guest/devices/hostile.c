// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that means harm: every virtio device on the bus is given random rings, and its
 * registers random writes, while it works on them. The machine must live, and each device
 * must be of use after a reset (virtio 1.2, 2.1 and 4.1).
 */
#include "payload.h"

#define ROUNDS		400
#define STEPS		48
#define DEVICES_MAX	16
#define QUEUES_MAX	40

#define PORT_CONFIG_ADDRESS	0xcf8
#define PORT_CONFIG_DATA	0xcfc
#define CONFIG_ENABLE		BIT(31)
#define VENDOR_VIRTIO		0x1af4
#define DEVICE_BALLOON		0x1045
#define PCI_COMMAND		0x04
#define PCI_BARS		0x10
#define PCI_CAPABILITIES	0x34
#define COMMAND_ALL		7
#define CAP_VENDOR		0x09
#define CFG_COMMON		1
#define CFG_NOTIFY		2
#define CFG_DEVICE		4

/* struct virtio_pci_common_cfg */
#define OFFERED_SELECT		0x00
#define OFFERED			0x04
#define DRIVER_SELECT		0x08
#define DRIVER_FEATURE		0x0c
#define NUM_QUEUES		0x12
#define STATUS			0x14
#define QUEUE_SELECT		0x16
#define QUEUE_SIZE		0x18
#define QUEUE_VECTOR		0x1a
#define QUEUE_ENABLE		0x1c
#define QUEUE_DESC		0x20
#define QUEUE_AVAIL		0x28
#define QUEUE_USED		0x30
#define COMMON_SIZE		0x38

#define STATUS_DRIVER		0x03
#define STATUS_FEATURES		0x0b
#define STATUS_ALL		0x0f

/* Memory that devices may work on: nothing else is there. */
#define RINGS			((u64)LAYOUT_FREE + MIB(8))
#define RING_BYTES		0x10000
#define AVAIL			0x4000
#define USED			0x8000
#define DATA			((u64)LAYOUT_FREE + MIB(16))
#define DATA_BYTES		MIB(16)
/* What a balloon reads are pages to give up: it never sees what is in the others' memory. */
#define PAGES			(DATA + DATA_BYTES + MIB(1))
#define PAGES_BYTES		MIB(8)
#define MEMORY_END		MIB(64)

struct device {
	u32 slot;
	u32 bars[6];
	u64 common, config;
	u32 config_size;
	u16 notify;		/* port of queue 0 */
	u32 queues;
	u16 size[QUEUES_MAX];
	bool balloon;
};

struct descriptor {
	u64 addr;
	u32 len;
	u16 flags, next;
};

static struct device devices[DEVICES_MAX];
static u32 device_count;
static u64 state;

static u64 any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1dULL >> 8;
}

static u64 below(u64 limit)
{
	return any() % limit;
}

/* ---- access -------------------------------------------------------------------- */

static u32 config_read(u32 slot, u32 offset)
{
	outl(PORT_CONFIG_ADDRESS, CONFIG_ENABLE | slot << 11 | (offset & ~3U));
	return inl(PORT_CONFIG_DATA) >> 8 * (offset & 3);
}

static void config_write(u32 slot, u32 offset, u32 value)
{
	outl(PORT_CONFIG_ADDRESS, CONFIG_ENABLE | slot << 11 | (offset & ~3U));
	outl(PORT_CONFIG_DATA, value);
}

static void put(u64 address, u64 value, u32 size)
{
	switch (size) {
	case 1:
		*(volatile u8 *)address = value;
		break;
	case 2:
		*(volatile u16 *)address = value;
		break;
	case 4:
		*(volatile u32 *)address = value;
		break;
	default:
		*(volatile u64 *)address = value;
	}
}

static u32 get(u64 address, u32 size)
{
	switch (size) {
	case 1:
		return *(volatile u8 *)address;
	case 2:
		return *(volatile u16 *)address;
	default:
		return *(volatile u32 *)address;
	}
}

/* ---- finding devices ------------------------------------------------------------- */

static void add_capability(struct device *dev, u32 at)
{
	u32 type = config_read(dev->slot, at + 3) & 0xff;
	u32 bar = config_read(dev->slot, at + 4) & 0xff;
	u32 offset = config_read(dev->slot, at + 8);
	u32 base = bar < 6 ? config_read(dev->slot, PCI_BARS + 4 * bar) : 0;

	if (type == CFG_COMMON)
		dev->common = (base & ~15U) + offset;
	if (type == CFG_NOTIFY && base & 1)
		dev->notify = (base & ~3U) + offset;
	if (type == CFG_DEVICE) {
		dev->config = (base & ~15U) + offset;
		dev->config_size = config_read(dev->slot, at + 12);
	}
}

static void add_device(u32 slot)
{
	struct device *dev = &devices[device_count];
	u32 i, at;

	dev->slot = slot;
	dev->balloon = config_read(slot, 0) >> 16 == DEVICE_BALLOON;
	config_write(slot, PCI_COMMAND, COMMAND_ALL);
	for (i = 0; i < 6; i++)
		dev->bars[i] = config_read(slot, PCI_BARS + 4 * i);
	for (at = config_read(slot, PCI_CAPABILITIES) & 0xff; at;
	     at = config_read(slot, at + 1) & 0xff) {
		if ((config_read(slot, at) & 0xff) == CAP_VENDOR)
			add_capability(dev, at);
	}
	dev->queues = get(dev->common + NUM_QUEUES, 2);
	check_true("a device has its registers, and queues",
		   dev->common && dev->notify && dev->queues && dev->queues <= QUEUES_MAX);
	device_count++;
}

static void find_devices(void)
{
	u32 slot;

	for (slot = 0; slot < 32 && device_count < DEVICES_MAX; slot++) {
		if ((config_read(slot, 0) & 0xffff) == VENDOR_VIRTIO)
			add_device(slot);
	}
}

/* ---- nonsense ---------------------------------------------------------------------- */

static u64 ring_of(u32 queue)
{
	return RINGS + queue * RING_BYTES;
}

/* Most could be good ones. None is this program's: cut to 32 bits, it isn't RAM either. */
static u64 any_address(const struct device *dev)
{
	switch (below(8)) {
	case 0:
		return any() << 8 | BIT(31);
	case 1:
		return MEMORY_END - below(64);
	case 2:
		if (!dev->balloon)
			return ring_of(below(4)) + below(RING_BYTES);
		break;
	}
	return dev->balloon ? PAGES + below(PAGES_BYTES) : DATA + below(DATA_BYTES);
}

static bool is_data(u64 addr)
{
	return (addr >= DATA && addr < DATA + DATA_BYTES - 64) ||
	       (addr >= PAGES && addr < PAGES + PAGES_BYTES - 64);
}

static void fill_descriptor(const struct device *dev, u64 ring, u32 n, u32 size)
{
	volatile struct descriptor *desc = (struct descriptor *)ring + n;
	u64 addr = any_address(dev);	/* devices may write to descriptors, too */

	desc->addr = addr;
	desc->len = below(8) ? below(4096) : any();
	desc->flags = below(16) ? below(4) : any();
	desc->next = below(16) ? below(size) : any();
	/* What devices read first: types, commands, lengths */
	if (is_data(addr)) {
		u64 least = dev->balloon ? RINGS / GUEST_PAGE : 0;

		put(addr, below(4) ? least + below(16) : any(), 4);
		put(addr + 4, any(), 4);
		put(addr + 8, below(4) ? least + below(32) : any(), 8);
	}
}

static void fill_ring(const struct device *dev, u64 ring, u32 size)
{
	u32 n;

	for (n = 0; n < size; n++) {
		fill_descriptor(dev, ring, n, size);
		put(ring + AVAIL + 4 + 2 * n, below(32) ? below(size) : any(), 2);
	}
	put(ring + AVAIL, below(2), 2);
	put(ring + AVAIL + 2, 0, 2);
}

static void set_queue(struct device *dev, u32 queue, bool good)
{
	u64 ring = ring_of(queue), common = dev->common;
	u32 max;

	put(common + QUEUE_SELECT, queue, 2);
	max = get(common + QUEUE_SIZE, 2);
	dev->size[queue] = good || below(4) ? max : 1 + below(max);
	fill_ring(dev, ring, dev->size[queue]);
	put(common + QUEUE_SIZE, dev->size[queue], 2);
	put(common + QUEUE_DESC, good || below(32) ? ring : any_address(dev), 4);
	put(common + QUEUE_DESC + 4, 0, 4);
	put(common + QUEUE_AVAIL, good || below(32) ? ring + AVAIL : any_address(dev), 4);
	put(common + QUEUE_AVAIL + 4, 0, 4);
	put(common + QUEUE_USED, good || below(32) ? ring + USED : any_address(dev), 4);
	put(common + QUEUE_USED + 4, good || below(64) ? 0 : any(), 4);
	put(common + QUEUE_VECTOR, below(4), 2);
	put(common + QUEUE_ENABLE, good || below(8), 2);
}

/* Returns the status that the device came to. */
static u32 set_up(struct device *dev, bool good)
{
	u64 common = dev->common;
	u32 half, offered, queue;

	put(common + STATUS, 0, 1);
	put(common + STATUS, STATUS_DRIVER, 1);
	for (half = 0; half < 2; half++) {
		put(common + OFFERED_SELECT, half, 4);
		offered = get(common + OFFERED, 4);
		put(common + DRIVER_SELECT, half, 4);
		/* The second half has VERSION_1 in its lowest bit. */
		put(common + DRIVER_FEATURE, good || below(2) ? offered :
		    below(16) ? (offered & any()) | half : any(), 4);
	}
	put(common + STATUS, STATUS_FEATURES, 1);
	for (queue = 0; queue < dev->queues; queue++)
		set_queue(dev, queue, good);
	put(common + STATUS, STATUS_ALL, 1);
	return get(common + STATUS, 1);
}

static void offer(struct device *dev)
{
	u32 queue = below(dev->queues), size = dev->size[queue];
	u64 ring = ring_of(queue), index = ring + AVAIL + 2;

	fill_descriptor(dev, ring, below(size), size);
	put(index, get(index, 2) + (below(64) ? 1 + below(4) : any()), 2);
	outw(dev->notify + 2 * queue, queue);
}

static void poke_registers(struct device *dev)
{
	u32 size = 1U << below(3);

	if (dev->config_size && below(2))
		put(dev->config + below(dev->config_size), any(), size);
	else
		put(dev->common + below(COMMON_SIZE), any(), size);
}

/* The BARs go where nobody looks, and come back. */
static void poke_config(struct device *dev)
{
	u32 i;

	config_write(dev->slot, below(64) * 4, any());
	for (i = 0; i < 6; i++)
		config_write(dev->slot, PCI_BARS + 4 * i, dev->bars[i]);
	config_write(dev->slot, PCI_COMMAND, COMMAND_ALL);
}

/* The table of MSI-X: no message may reach the local APIC, which would take any of them. */
static void poke_vectors(struct device *dev)
{
	u64 entry = (dev->common & ~0x3fffULL) + 0x2000 + 16 * below(dev->queues + 1);

	put(entry, any() & 0xfcfffffc, 4);
	put(entry + 4, below(2), 4);
	put(entry + 8, any(), 4);
	put(entry + 12, below(2), 4);
}

static void step(struct device *dev)
{
	switch (below(16)) {
	case 0:
		poke_registers(dev);
		break;
	case 1:
		poke_config(dev);
		break;
	case 2:
		poke_vectors(dev);
		break;
	case 3:
		get(dev->common + below(COMMON_SIZE), 4);
		break;
	case 4:
		put(ring_of(below(dev->queues)) + below(RING_BYTES), any(), 4);
		break;
	default:
		offer(dev);
	}
}

void payload(void)
{
	u32 round, i, not_reset = 0, useless = 0;
	struct device *dev;

	state = rdtsc() | 1;
	find_devices();
	check_true("there are devices", device_count);
	for (round = 0; round < ROUNDS; round++) {
		dev = &devices[below(device_count)];
		set_up(dev, false);
		for (i = 0; i < STEPS; i++)
			step(dev);
		put(dev->common + STATUS, 0, 1);
		not_reset += get(dev->common + STATUS, 1) != 0;
	}
	check("a device is reset, whatever was done to it", 0, not_reset);
	for (i = 0; i < device_count; i++)
		useless += set_up(&devices[i], true) != STATUS_ALL;
	check("every device starts again", 0, useless);
}
