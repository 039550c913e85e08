/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A PCI Express host bridge with one bus, bus 0 of segment 0, on which each device has
 * one function. Configuration space is reached by ECAM (PCIe 6.0, 7.2.2) and by ports
 * CF8H and CFCH (PCI 3.0, 3.2.2.3.2).
 */
#ifndef HVCTL_PCI_H
#define HVCTL_PCI_H

#include <linux/pci_regs.h>
#include <pthread.h>
#include <stdatomic.h>

#include "bus.h"
#include "types.h"

#define PCI_SLOTS		32
#define PCI_BARS		6

struct pci_bar {
	u32 size;			/* a power of two; 0: there is no such BAR */
	bool io;			/* ports, not memory */
	const struct bus_ops *ops;
	void *dev;
	_Atomic u32 address;		/* where it is decoded; 0: nowhere */
};

/*
 * A function. Whoever makes it fills in its configuration space before it is plugged,
 * and says which bits the guest may write.
 */
struct pci_device {
	u8 config[256];
	u8 writable[256];
	struct pci_bar bar[PCI_BARS];
	u8 capability_end;		/* where the next capability goes; 0 at first */
	/*
	 * After the guest wrote @size bytes of configuration space at @offset, and before
	 * it reads some; either may be NULL. The host's lock is held.
	 */
	void (*config_written)(struct pci_device *pci, unsigned int offset, unsigned int size);
	void (*config_reads)(struct pci_device *pci, unsigned int offset, unsigned int size);
	/* A BAR is decoded at another address, or no longer. The host's lock is held. */
	void (*bar_moved)(struct pci_device *pci, unsigned int bar);
};

struct pci_host {
	pthread_mutex_t lock;		/* configuration space of all */
	struct pci_device bridge;
	struct pci_device *slot[PCI_SLOTS];
	u32 config_address;		/* what was written to port CF8H */
};

/* An empty bus but for the bridge itself in slot 0. */
void pci_init(struct pci_host *host);
void pci_destroy(struct pci_host *host);

/* Put the bus's registers and its windows for BARs there. */
int pci_add_to(struct pci_host *host, struct bus *mmio, struct bus *ports);

/* Plug @pci into the first free slot and give its BARs addresses. */
int pci_plug(struct pci_host *host, struct pci_device *pci);

/*
 * All as after power-on: the command register and what else the guest may write is 0,
 * but BARs are where pci_plug() put them, as firmware would leave them, and decoded.
 */
void pci_reset(struct pci_host *host);

/* For those who make a function: a register's value, and a mask of what may be written. */
void pci_set16(struct pci_device *pci, unsigned int offset, u16 value, u16 writable);
void pci_set32(struct pci_device *pci, unsigned int offset, u32 value, u32 writable);
u16 pci_get16(const struct pci_device *pci, unsigned int offset);
u32 pci_get32(const struct pci_device *pci, unsigned int offset);

/*
 * Room for a capability of @size bytes with @id, linked to those before; returns its
 * offset. That there is room is for the caller to know.
 */
unsigned int pci_add_capability(struct pci_device *pci, u8 id, unsigned int size);

/*
 * A BAR of @size bytes, a power of two, with these registers in it: 32-bit memory, 16 or
 * more, or ports, 4 to 256.
 */
void pci_set_memory_bar(struct pci_device *pci, unsigned int n, u32 size,
			const struct bus_ops *ops, void *dev);
void pci_set_io_bar(struct pci_device *pci, unsigned int n, u32 size,
		    const struct bus_ops *ops, void *dev);

#endif
