/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio device (virtio 1.2), between its transport and what it does. Its registers are
 * the transport's; each queue that the driver enabled has a thread here, which calls the
 * device when the driver notified it.
 */
#ifndef HVCTL_VIRTIO_H
#define HVCTL_VIRTIO_H

#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <stdatomic.h>

#include "types.h"
#include "virtq.h"

struct virtio_device;

struct virtio_queue {
	struct virtio_device *device;
	unsigned int index;
	struct virtq ring;
	u16 size_max;
	_Atomic u16 vector;	/* or VIRTIO_MSI_NO_VECTOR */
	bool enabled;
	int kick_fd;		/* eventfd: the driver notified it */
	int device_fd;		/* what its thread waits for, too; -1: nothing */
	bool foreign;		/* somebody else serves it; set by who made the device */
	bool running;		/* is served */
	pthread_t thread;	/* of one that isn't foreign */
};

/* What makes a device one of its kind. */
struct virtio_class {
	const char *name;
	u16 id;			/* clause 5 */
	u32 pci_class;
	unsigned int config_size;
	u64 required;		/* features without which a driver can't use it */
	/*
	 * Device configuration space (2.5), any part of it; the transport has checked that
	 * it is there. The driver's writes are ignored without write_config().
	 */
	void (*read_config)(struct virtio_device *dev, unsigned int offset, void *data,
			    unsigned int size);
	void (*write_config)(struct virtio_device *dev, unsigned int offset, const void *data,
			     unsigned int size);
	/*
	 * Before a queue's thread starts, and at its end in the thread itself. May be NULL.
	 * start_queue() returns another fd that the thread has to wait for, or -1 with
	 * fail().
	 */
	int (*start_queue)(struct virtio_queue *q);
	void (*stop_queue)(struct virtio_queue *q);
	/* The queue's thread: there may be requests, or the other fd is ready. */
	void (*serve)(struct virtio_queue *q);
	/*
	 * For devices with foreign queues: all queues that the driver enabled are checked
	 * and mapped, and those that aren't foreign have their threads. Who serves the others
	 * waits for kick_fd, and signals virtio_call_fd(); when stop() returns, they leave
	 * queues and memory alone. start() returns -1 with fail().
	 */
	int (*start)(struct virtio_device *dev);
	void (*stop)(struct virtio_device *dev);
	/* Between the two: virtio_call_fd() of a foreign queue changed. */
	void (*call_changed)(struct virtio_queue *q);
	/* The device is reset, and no thread of its queues' is left. May be NULL. */
	void (*reset)(struct virtio_device *dev);
	/* The opposite of what made the device; calls virtio_destroy(). */
	void (*destroy)(struct virtio_device *dev);
};

struct virtio_device {
	const struct virtio_class *class;
	u64 offered;		/* features */
	u64 accepted;
	struct virtio_queue *queue;
	unsigned int queue_count;
	_Atomic u8 status;
	_Atomic u8 generation;	/* of the device configuration space */
	_Atomic u16 config_vector;
	int stop_fd;		/* eventfd: threads of the device's are to end */
	bool started;		/* by class->start() */
	/* The transport, and how it sends the interrupt of a vector. */
	void *transport;
	void (*signal)(struct virtio_device *dev, u16 vector);
	/* An eventfd that does the same, or -1. */
	int (*signal_fd)(struct virtio_device *dev, u16 vector);
};

/*
 * A device of @class with @queues queues of up to @size entries, which offers @features
 * and those that all offer. The queues' memory is @mem's.
 */
int virtio_init(struct virtio_device *dev, const struct virtio_class *class, u64 features,
		unsigned int queues, u16 size, const struct guest_memory *mem);
void virtio_destroy(struct virtio_device *dev);

/* The driver set DRIVER_OK: queues that it enabled start. -1: NEEDS_RESET is set. */
int virtio_start(struct virtio_device *dev);

/* As after power-on; returns when no thread of the device's is left. */
void virtio_reset(struct virtio_device *dev);

/* Does a driver serve it? Any thread. */
static inline bool virtio_is_driven(struct virtio_device *dev)
{
	u8 bits = atomic_load(&dev->status);

	return bits & VIRTIO_CONFIG_S_DRIVER_OK && !(bits & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* For transports: the driver gave @q another vector. */
void virtio_set_vector(struct virtio_queue *q, u16 vector);

/* For devices, in the thread of @q: used buffers were given back. */
void virtio_interrupt(struct virtio_queue *q);

/* For devices: an eventfd that interrupts for the foreign queue @q, or -1. */
int virtio_call_fd(const struct virtio_queue *q);

/* For devices: the configuration space changed (2.5.1); any thread. */
void virtio_config_changed(struct virtio_device *dev);

/* For devices: the driver broke it. It does nothing more until it is reset (2.1.2). */
void virtio_needs_reset(struct virtio_device *dev);

#endif
