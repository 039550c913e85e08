// SPDX-License-Identifier: GPL-2.0-only
#include "msix.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "error.h"

/* Binds or unbinds the vector's eventfd, so that it is as table and capability say. */
static void settle(struct msix *msix, struct msix_vector *v)
{
	bool bound = msix->enabled && !msix->masked && !(v->entry[3] & PCI_MSIX_ENTRY_CTRL_MASKBIT);

	if (v->bound && !bound) {
		msix->host->unbind(msix->host->opaque, v->fd);
		v->bound = false;
	} else if (!v->bound && bound) {
		/* A message that makes no sense goes nowhere, as on a bus. */
		v->bound = !msix->host->bind(msix->host->opaque, v->fd,
					     (u64)v->entry[1] << 32 | v->entry[0], v->entry[2]);
	}
}

static void settle_all(struct msix *msix)
{
	unsigned int i;

	for (i = 0; i < msix->count; i++)
		settle(msix, &msix->vector[i]);
}

/* ---- table and pending bits ----------------------------------------------------- */

static u64 table_read(void *dev, u64 offset, unsigned int size)
{
	struct msix *msix = dev;
	u32 value;

	pthread_mutex_lock(&msix->lock);
	value = msix->vector[offset / PCI_MSIX_ENTRY_SIZE].entry[offset / 4 % 4];
	pthread_mutex_unlock(&msix->lock);
	/* Only whole registers are accessed (PCI 3.0, 6.8.2). */
	return size == 4 && !(offset & 3) ? value : UINT64_MAX;
}

/*
 * A message that is bound may be rewritten while it isn't masked; what comes of that is
 * undefined by the specification. Here the new message is the one that is sent.
 */
static void table_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct msix *msix = dev;
	struct msix_vector *v = &msix->vector[offset / PCI_MSIX_ENTRY_SIZE];
	unsigned int word = offset / 4 % 4;

	if (size != 4 || offset & 3)
		return;
	pthread_mutex_lock(&msix->lock);
	v->entry[word] = word == 3 ? value & PCI_MSIX_ENTRY_CTRL_MASKBIT : value;
	if (word != 3 && v->bound) {
		msix->host->unbind(msix->host->opaque, v->fd);
		v->bound = false;
	}
	settle(msix, v);
	pthread_mutex_unlock(&msix->lock);
}

const struct bus_ops msix_table_ops = { table_read, table_write, 4 };

static bool is_pending(const struct msix_vector *v)
{
	struct pollfd fd = { .fd = v->fd, .events = POLLIN };

	return !v->bound && poll(&fd, 1, 0) == 1;
}

static u64 pba_read(void *dev, u64 offset, unsigned int size)
{
	struct msix *msix = dev;
	u64 bits = 0, first = offset * 8, i;

	pthread_mutex_lock(&msix->lock);
	for (i = 0; i < size * 8 && first + i < msix->count; i++)
		bits |= (u64)is_pending(&msix->vector[first + i]) << i;
	pthread_mutex_unlock(&msix->lock);
	return bits;
}

const struct bus_ops msix_pba_ops = { .read = pba_read, .width = 4 };

/* ---- the capability ------------------------------------------------------------- */

void msix_config_written(struct msix *msix, struct pci_device *pci, unsigned int offset,
			 unsigned int size)
{
	unsigned int at = msix->capability + PCI_MSIX_FLAGS;
	u16 control;

	if (offset >= at + 2 || offset + size <= at)
		return;
	control = pci_get16(pci, at);
	pthread_mutex_lock(&msix->lock);
	msix->enabled = control & PCI_MSIX_FLAGS_ENABLE;
	msix->masked = control & PCI_MSIX_FLAGS_MASKALL;
	settle_all(msix);
	pthread_mutex_unlock(&msix->lock);
}

int msix_fd(const struct msix *msix, unsigned int vector)
{
	return vector < msix->count ? msix->vector[vector].fd : -1;
}

void msix_signal(struct msix *msix, unsigned int vector)
{
	int fd = msix_fd(msix, vector);

	if (fd >= 0)
		eventfd_write(fd, 1);
}

/* ---- creation ------------------------------------------------------------------- */

void msix_reset(struct msix *msix)
{
	eventfd_t count;
	unsigned int i;

	pthread_mutex_lock(&msix->lock);
	msix->enabled = false;
	msix->masked = false;
	settle_all(msix);
	for (i = 0; i < msix->count; i++) {
		struct msix_vector *v = &msix->vector[i];

		*v = (struct msix_vector){ .entry[3] = PCI_MSIX_ENTRY_CTRL_MASKBIT, .fd = v->fd };
		eventfd_read(v->fd, &count);
	}
	pthread_mutex_unlock(&msix->lock);
}

static void close_vectors(struct msix *msix, unsigned int count)
{
	while (count--)
		close(msix->vector[count].fd);
	free(msix->vector);
}

static int open_vectors(struct msix *msix, unsigned int count)
{
	unsigned int i;

	msix->vector = calloc(count, sizeof(msix->vector[0]));
	if (!msix->vector)
		return fail("out of memory");
	for (i = 0; i < count; i++) {
		msix->vector[i].entry[3] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
		msix->vector[i].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (msix->vector[i].fd < 0) {
			fail_errno("cannot create an eventfd");
			close_vectors(msix, i);
			return -1;
		}
	}
	return 0;
}

int msix_create(struct msix *msix, struct pci_device *pci, unsigned int count, unsigned int bar,
		u32 table, u32 pba)
{
	unsigned int at;

	*msix = (struct msix){ .count = count };
	if (open_vectors(msix, count))
		return -1;
	pthread_mutex_init(&msix->lock, NULL);
	at = pci_add_capability(pci, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	msix->capability = at;
	pci_set16(pci, at + PCI_MSIX_FLAGS, count - 1, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_set32(pci, at + PCI_MSIX_TABLE, table | bar, 0);
	pci_set32(pci, at + PCI_MSIX_PBA, pba | bar, 0);
	return 0;
}

void msix_destroy(struct msix *msix)
{
	pthread_mutex_destroy(&msix->lock);
	close_vectors(msix, msix->count);
}
