/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSI-X (PCI 3.0, 6.8.2). A vector is an eventfd: whoever signals it, also vhost in the
 * kernel, sends the vector's message by an irqfd. A masked vector's eventfd isn't bound,
 * and holds what is pending.
 */
#ifndef HVCTL_MSIX_H
#define HVCTL_MSIX_H

#include <pthread.h>

#include "pci.h"
#include "types.h"

/* What binds an eventfd to a message; each returns 0, or -1. */
struct msix_host {
	int (*bind)(void *opaque, int fd, u64 address, u32 data);
	void (*unbind)(void *opaque, int fd);
	void *opaque;
};

struct msix_vector {
	u32 entry[4];		/* address, upper address, data, control */
	int fd;
	bool bound;
};

struct msix {
	pthread_mutex_t lock;
	const struct msix_host *host;
	unsigned int capability;	/* offset in configuration space */
	unsigned int count;
	bool enabled;
	bool masked;			/* all of the function's */
	struct msix_vector *vector;
};

/*
 * @count vectors for @pci: a capability that says where table and pending bits are, both
 * offsets in BAR @bar and multiples of 8; the caller puts msix_table_ops and msix_pba_ops
 * there.
 */
int msix_create(struct msix *msix, struct pci_device *pci, unsigned int count, unsigned int bar,
		u32 table, u32 pba);
void msix_destroy(struct msix *msix);

/* After a reset: all vectors are masked, nothing is pending. Unbinds from @msix->host. */
void msix_reset(struct msix *msix);

/* To be called when the guest wrote @size bytes at @offset of configuration space. */
void msix_config_written(struct msix *msix, struct pci_device *pci, unsigned int offset,
			 unsigned int size);

/* The eventfd that does what msix_signal() does, or -1. It stays the same. */
int msix_fd(const struct msix *msix, unsigned int vector);

/* Send the vector's message, or have it pending. No vector of that number: nothing. */
void msix_signal(struct msix *msix, unsigned int vector);

extern const struct bus_ops msix_table_ops, msix_pba_ops;

#endif
