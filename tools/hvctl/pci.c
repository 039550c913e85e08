// SPDX-License-Identifier: GPL-2.0-only
#include "pci.h"

#include <string.h>

#include "error.h"
#include "layout.h"

#define PCI_BASE(n)		(PCI_BASE_ADDRESS_0 + 4 * (n))

#define VENDOR_RED_HAT		0x1b36
#define DEVICE_PCIE_HOST	0x0008
#define CLASS_HOST_BRIDGE	0x060000

#define CF8_ENABLE		BIT(31)
#define CF8_PORTS		8

/* ---- registers ------------------------------------------------------------------ */

void pci_set16(struct pci_device *pci, unsigned int offset, u16 value, u16 writable)
{
	memcpy(&pci->config[offset], &value, sizeof(value));
	memcpy(&pci->writable[offset], &writable, sizeof(writable));
}

void pci_set32(struct pci_device *pci, unsigned int offset, u32 value, u32 writable)
{
	memcpy(&pci->config[offset], &value, sizeof(value));
	memcpy(&pci->writable[offset], &writable, sizeof(writable));
}

u16 pci_get16(const struct pci_device *pci, unsigned int offset)
{
	u16 value;

	memcpy(&value, &pci->config[offset], sizeof(value));
	return value;
}

u32 pci_get32(const struct pci_device *pci, unsigned int offset)
{
	u32 value;

	memcpy(&value, &pci->config[offset], sizeof(value));
	return value;
}

unsigned int pci_add_capability(struct pci_device *pci, u8 id, unsigned int size)
{
	unsigned int at = pci->capability_end ?: PCI_STD_HEADER_SIZEOF;
	unsigned int link = PCI_CAPABILITY_LIST;

	while (pci->config[link])
		link = pci->config[link] + 1;
	pci->config[link] = at;
	pci->config[at] = id;
	pci->capability_end = align_up(at + size, 4);
	pci_set16(pci, PCI_STATUS, pci_get16(pci, PCI_STATUS) | PCI_STATUS_CAP_LIST, 0);
	return at;
}

/* The bits that can't be written tell size and kind (PCI 3.0, 6.2.5.1). */
static void set_bar(struct pci_device *pci, unsigned int n, const struct pci_bar *bar, u32 kind)
{
	pci->bar[n].size = bar->size;
	pci->bar[n].io = bar->io;
	pci->bar[n].ops = bar->ops;
	pci->bar[n].dev = bar->dev;
	pci_set32(pci, PCI_BASE(n), kind, ~(bar->size - 1));
}

void pci_set_memory_bar(struct pci_device *pci, unsigned int n, u32 size,
			const struct bus_ops *ops, void *dev)
{
	const struct pci_bar bar = { .size = size, .ops = ops, .dev = dev };

	set_bar(pci, n, &bar, PCI_BASE_ADDRESS_SPACE_MEMORY);
}

void pci_set_io_bar(struct pci_device *pci, unsigned int n, u32 size,
		    const struct bus_ops *ops, void *dev)
{
	const struct pci_bar bar = { .size = size, .io = true, .ops = ops, .dev = dev };

	set_bar(pci, n, &bar, PCI_BASE_ADDRESS_SPACE_IO);
}

/* ---- BARs ----------------------------------------------------------------------- */

static void move_bar(struct pci_device *pci, unsigned int n)
{
	struct pci_bar *bar = &pci->bar[n];
	u32 address = pci_get32(pci, PCI_BASE(n)) & ~(bar->size - 1);

	if (!(pci_get16(pci, PCI_COMMAND) & (bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
		address = 0;
	if (address == bar->address)
		return;
	bar->address = address;
	if (pci->bar_moved)
		pci->bar_moved(pci, n);
}

static void move_bars(struct pci_device *pci)
{
	unsigned int n;

	for (n = 0; n < PCI_BARS; n++) {
		if (pci->bar[n].size)
			move_bar(pci, n);
	}
}

/* The BAR that all of an access is in, or NULL. Takes no lock: vCPUs come here often. */
static const struct pci_bar *find_bar(const struct pci_host *host, bool io, u64 address,
				      unsigned int size, u64 *offset)
{
	unsigned int i, n;

	for (i = 0; i < PCI_SLOTS; i++) {
		if (!host->slot[i])
			continue;
		for (n = 0; n < PCI_BARS; n++) {
			const struct pci_bar *bar = &host->slot[i]->bar[n];
			u32 start = bar->address;

			*offset = address - start;
			if (start && bar->io == io && *offset < bar->size &&
			    size <= bar->size - *offset)
				return bar;
		}
	}
	return NULL;
}

static u64 bar_read(const struct pci_host *host, bool io, u64 address, unsigned int size)
{
	const struct pci_bar *bar = find_bar(host, io, address, size, &address);

	return bar && bar->ops->read ? bar->ops->read(bar->dev, address, size) : UINT64_MAX;
}

static void bar_write(const struct pci_host *host, bool io, u64 address, unsigned int size,
		      u64 value)
{
	const struct pci_bar *bar = find_bar(host, io, address, size, &address);

	if (bar && bar->ops->write)
		bar->ops->write(bar->dev, address, size, value);
}

static u64 memory_read(void *dev, u64 offset, unsigned int size)
{
	return bar_read(dev, false, PCI_WINDOW_START + offset, size);
}

static void memory_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	bar_write(dev, false, PCI_WINDOW_START + offset, size, value);
}

static u64 io_read(void *dev, u64 offset, unsigned int size)
{
	return bar_read(dev, true, PORT_PCI_START + offset, size);
}

static void io_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	bar_write(dev, true, PORT_PCI_START + offset, size, value);
}

/* Devices on this bus take 4 bytes at once at most. */
static const struct bus_ops memory_ops = { memory_read, memory_write, 4 };
static const struct bus_ops io_ops = { io_read, io_write, 4 };

/* ---- configuration space -------------------------------------------------------- */

/* No access crosses a doubleword (PCIe 6.0, 7.2.2). */
static struct pci_device *config_target(struct pci_host *host, unsigned int slot,
					unsigned int offset, unsigned int size)
{
	return slot < PCI_SLOTS && (offset & 3) + size <= 4 ? host->slot[slot] : NULL;
}

/* Beyond 256 bytes is the extended configuration space, which is empty: zeros. */
static u64 config_read(struct pci_host *host, unsigned int slot, unsigned int offset,
		       unsigned int size)
{
	struct pci_device *pci;
	u64 value = UINT64_MAX;

	pthread_mutex_lock(&host->lock);
	pci = config_target(host, slot, offset, size);
	if (pci) {
		value = 0;
		if (offset < sizeof(pci->config)) {
			if (pci->config_reads)
				pci->config_reads(pci, offset, size);
			memcpy(&value, &pci->config[offset], size);
		}
	}
	pthread_mutex_unlock(&host->lock);
	return value;
}

static void config_write(struct pci_host *host, unsigned int slot, unsigned int offset,
			 unsigned int size, u64 value)
{
	struct pci_device *pci;
	unsigned int i;

	pthread_mutex_lock(&host->lock);
	pci = config_target(host, slot, offset, size);
	if (!pci || offset >= sizeof(pci->config))
		goto out;
	for (i = 0; i < size; i++, value >>= 8) {
		u8 mask = pci->writable[offset + i];

		pci->config[offset + i] = (pci->config[offset + i] & ~mask) | (value & mask);
	}
	move_bars(pci);
	if (pci->config_written)
		pci->config_written(pci, offset, size);
out:
	pthread_mutex_unlock(&host->lock);
}

/* Bus, device, function and register are bits 27:20, 19:15, 14:12 and 11:0. */
static unsigned int ecam_slot(u64 offset)
{
	return offset >> 12 & 7 ? PCI_SLOTS : offset >> 15;
}

static u64 ecam_read(void *dev, u64 offset, unsigned int size)
{
	return config_read(dev, ecam_slot(offset), offset & 0xfff, size);
}

static void ecam_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	config_write(dev, ecam_slot(offset), offset & 0xfff, size, value);
}

static const struct bus_ops ecam_ops = { ecam_read, ecam_write, 4 };

/* Bus, device, function and register are bits 23:16, 15:11, 10:8 and 7:2. */
static unsigned int cf8_slot(u32 address)
{
	return (address & 0xffff00) >> 8 & 0xff07 || !(address & CF8_ENABLE) ?
	       PCI_SLOTS : address >> 11 & 31;
}

static u64 port_read(void *dev, u64 offset, unsigned int size)
{
	struct pci_host *host = dev;
	u32 address;

	pthread_mutex_lock(&host->lock);
	address = host->config_address;
	pthread_mutex_unlock(&host->lock);
	if (offset < 4)
		return offset || size < 4 ? UINT64_MAX : address;
	return config_read(host, cf8_slot(address), (address & 0xfc) + (offset & 3), size);
}

static void port_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct pci_host *host = dev;
	u32 address;

	pthread_mutex_lock(&host->lock);
	/* Only as a whole: at 0CF9H others have a reset register. */
	if (!offset && size == 4)
		host->config_address = value;
	address = host->config_address;
	pthread_mutex_unlock(&host->lock);
	if (offset >= 4)
		config_write(host, cf8_slot(address), (address & 0xfc) + (offset & 3), size, value);
}

static const struct bus_ops port_ops = { port_read, port_write, 4 };

/* ---- the bus -------------------------------------------------------------------- */

void pci_init(struct pci_host *host)
{
	struct pci_device *bridge = &host->bridge;

	*host = (struct pci_host){ .slot[0] = bridge };
	pthread_mutex_init(&host->lock, NULL);
	pci_set16(bridge, PCI_VENDOR_ID, VENDOR_RED_HAT, 0);
	pci_set16(bridge, PCI_DEVICE_ID, DEVICE_PCIE_HOST, 0);
	pci_set32(bridge, PCI_CLASS_REVISION, CLASS_HOST_BRIDGE << 8, 0);
}

void pci_destroy(struct pci_host *host)
{
	pthread_mutex_destroy(&host->lock);
}

int pci_add_to(struct pci_host *host, struct bus *mmio, struct bus *ports)
{
	if (bus_add(mmio, PCI_WINDOW_START, PCI_WINDOW_SIZE, &memory_ops, host) ||
	    bus_add(ports, PORT_PCI_START, PORT_PCI_COUNT, &io_ops, host) ||
	    bus_add(mmio, PCI_ECAM, PCI_ECAM_SIZE, &ecam_ops, host) ||
	    bus_add(ports, PORT_PCI_CONFIG, CF8_PORTS, &port_ops, host))
		return -1;
	return 0;
}

/* As firmware leaves a function: each slot has its share of the windows, and is decoded. */
static void power_on(struct pci_device *pci, unsigned int slot)
{
	u32 memory = PCI_WINDOW_START + slot * PCI_SLOT_WINDOW;
	u32 io = PORT_PCI_START + slot * PORT_PCI_SLOT;
	unsigned int i, n;
	u32 value;

	for (i = 0; i < sizeof(pci->config); i++)
		pci->config[i] &= ~pci->writable[i];
	for (n = 0; n < PCI_BARS; n++) {
		struct pci_bar *bar = &pci->bar[n];
		u32 *next = bar->io ? &io : &memory;

		if (!bar->size)
			continue;
		*next = align_up(*next, bar->size);
		value = *next | pci_get32(pci, PCI_BASE(n));
		memcpy(&pci->config[PCI_BASE(n)], &value, sizeof(value));
		*next += bar->size;
		pci->config[PCI_COMMAND] |= bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	}
	move_bars(pci);
}

int pci_plug(struct pci_host *host, struct pci_device *pci)
{
	unsigned int slot = 0;

	while (slot < PCI_SLOTS && host->slot[slot])
		slot++;
	if (slot == PCI_SLOTS)
		return fail("a machine has room for %u devices", PCI_SLOTS - 1);
	pthread_mutex_lock(&host->lock);
	host->slot[slot] = pci;
	power_on(pci, slot);
	pthread_mutex_unlock(&host->lock);
	return 0;
}

void pci_reset(struct pci_host *host)
{
	unsigned int slot;

	pthread_mutex_lock(&host->lock);
	host->config_address = 0;
	for (slot = 0; slot < PCI_SLOTS; slot++) {
		if (host->slot[slot])
			power_on(host->slot[slot], slot);
	}
	pthread_mutex_unlock(&host->lock);
}
