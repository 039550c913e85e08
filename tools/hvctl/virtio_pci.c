// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_pci.h"

#include <string.h>
#include <sys/eventfd.h>

#include "error.h"

#define VENDOR_VIRTIO		0x1af4
#define DEVICE_MODERN		0x1040	/* and the device's id (4.1.2) */
#define REVISION_MODERN		1

/* The port BAR: notifications alone */
#define PORT_BAR		1
#define PORT_BAR_SIZE		256

/* The memory BAR */
#define REGISTER_BAR		0
#define BAR_SIZE		0x4000
#define COMMON_AT		0x0000
#define ISR_AT			0x0400
#define ISR_SIZE		4
#define DEVICE_AT		0x0800
#define NOTIFY_AT		0x1000
#define NOTIFY_MULTIPLIER	2	/* in both BARs */
#define TABLE_AT		0x2000
#define PBA_AT			0x3000

/* ---- notifications -------------------------------------------------------------- */

static void unbind_notify(struct virtio_pci *vp)
{
	struct virtio_device *dev = vp->device;
	unsigned int i;

	for (i = 0; vp->notify_port && i < dev->queue_count; i++) {
		if (dev->queue[i].running)
			vp->host->unbind_notify(vp->host->opaque, dev->queue[i].kick_fd,
						vp->notify_port + i * NOTIFY_MULTIPLIER);
	}
	vp->notify_port = 0;
}

/* A queue that can't be bound is notified by way of notify_write(). */
static void bind_notify(struct virtio_pci *vp)
{
	struct virtio_device *dev = vp->device;
	unsigned int i;

	vp->notify_port = vp->pci.bar[PORT_BAR].address;
	for (i = 0; vp->notify_port && i < dev->queue_count; i++) {
		if (dev->queue[i].running)
			vp->host->bind_notify(vp->host->opaque, dev->queue[i].kick_fd,
					      vp->notify_port + i * NOTIFY_MULTIPLIER);
	}
}

static void bar_moved(struct pci_device *pci, unsigned int bar)
{
	struct virtio_pci *vp = (struct virtio_pci *)pci;

	if (bar != PORT_BAR)
		return;
	pthread_mutex_lock(&vp->lock);
	unbind_notify(vp);
	bind_notify(vp);
	pthread_mutex_unlock(&vp->lock);
}

static void notify_write(void *opaque, u64 offset, unsigned int size, u64 value)
{
	struct virtio_pci *vp = opaque;
	u64 queue = offset / NOTIFY_MULTIPLIER;

	(void)size;
	(void)value;
	if (queue < vp->device->queue_count)
		eventfd_write(vp->device->queue[queue].kick_fd, 1);
}

/* One write is one notification, however wide. */
static const struct bus_ops notify_ops = { .write = notify_write, .width = 8 };

/* ---- common configuration ------------------------------------------------------- */

static void reset_device(struct virtio_pci *vp)
{
	unbind_notify(vp);
	virtio_reset(vp->device);
	vp->device_feature_select = 0;
	vp->driver_feature_select = 0;
	vp->queue_select = 0;
}

/* 3.1.1: what the driver chose must have been offered, and be of virtio 1. */
static bool features_are_ok(const struct virtio_device *dev)
{
	u64 required = dev->class->required | BIT_ULL(VIRTIO_F_VERSION_1);

	return !(dev->accepted & ~dev->offered) && (dev->accepted & required) == required;
}

/* Bits are only added, but for 0, which resets (4.1.4.3.1). */
static void set_status(struct virtio_pci *vp, u8 value)
{
	struct virtio_device *dev = vp->device;
	u8 old = atomic_load(&dev->status), added;

	if (!value) {
		reset_device(vp);
		return;
	}
	added = value & ~old & ~VIRTIO_CONFIG_S_NEEDS_RESET;
	if (added & VIRTIO_CONFIG_S_FEATURES_OK && !features_are_ok(dev))
		added &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	atomic_fetch_or(&dev->status, added);
	if (!(added & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	if (!((old | added) & VIRTIO_CONFIG_S_FEATURES_OK))
		virtio_needs_reset(dev);
	else if (!virtio_start(dev))
		bind_notify(vp);
}

static void set_features(struct virtio_pci *vp, u32 value)
{
	struct virtio_device *dev = vp->device;
	unsigned int shift = 32 * vp->driver_feature_select;

	if (vp->driver_feature_select > 1 || atomic_load(&dev->status) & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	dev->accepted = (dev->accepted & ~((u64)UINT32_MAX << shift)) | (u64)value << shift;
}

/* A vector that isn't there reads back as none (4.1.5.1.2.2). */
static u16 usable_vector(const struct virtio_pci *vp, u64 value)
{
	return value < vp->msix.count ? value : VIRTIO_MSI_NO_VECTOR;
}

static struct virtio_queue *selected(struct virtio_pci *vp)
{
	return vp->queue_select < vp->device->queue_count ?
	       &vp->device->queue[vp->queue_select] : NULL;
}

static u64 with_half(u64 old, unsigned int half, u32 value)
{
	return half ? (u32)old | (u64)value << 32 : (old & ~(u64)UINT32_MAX) | value;
}

/* Of the selected queue; what it has is the driver's to change before DRIVER_OK only. */
static void write_queue(struct virtio_pci *vp, u64 offset, u32 value)
{
	struct virtio_queue *q = selected(vp);

	if (!q)
		return;
	if (offset == offsetof(struct virtio_pci_common_cfg, queue_msix_vector)) {
		virtio_set_vector(q, usable_vector(vp, value));
		return;
	}
	if (q->enabled || atomic_load(&vp->device->status) & VIRTIO_CONFIG_S_DRIVER_OK)
		return;
	switch (offset) {
	case offsetof(struct virtio_pci_common_cfg, queue_size):
		if (value && value <= q->size_max && !(value & (value - 1)))
			q->ring.size = value;
		break;
	case offsetof(struct virtio_pci_common_cfg, queue_enable):
		q->enabled = value == 1;
		break;
	case offsetof(struct virtio_pci_common_cfg, queue_desc_lo):
	case offsetof(struct virtio_pci_common_cfg, queue_desc_hi):
		q->ring.desc = with_half(q->ring.desc, offset & 4, value);
		break;
	case offsetof(struct virtio_pci_common_cfg, queue_avail_lo):
	case offsetof(struct virtio_pci_common_cfg, queue_avail_hi):
		q->ring.avail = with_half(q->ring.avail, offset & 4, value);
		break;
	case offsetof(struct virtio_pci_common_cfg, queue_used_lo):
	case offsetof(struct virtio_pci_common_cfg, queue_used_hi):
		q->ring.used = with_half(q->ring.used, offset & 4, value);
		break;
	}
}

/* How wide a register is that may be written; 64-bit ones are accessed in halves (4.1.3.1). */
static unsigned int register_width(u64 offset)
{
	switch (offset) {
	case offsetof(struct virtio_pci_common_cfg, device_status):
		return 1;
	case offsetof(struct virtio_pci_common_cfg, msix_config):
	case offsetof(struct virtio_pci_common_cfg, queue_select):
	case offsetof(struct virtio_pci_common_cfg, queue_size):
	case offsetof(struct virtio_pci_common_cfg, queue_msix_vector):
	case offsetof(struct virtio_pci_common_cfg, queue_enable):
		return 2;
	default:
		return 4;
	}
}

static void write_register(struct virtio_pci *vp, u64 offset, u32 value)
{
	switch (offset) {
	case offsetof(struct virtio_pci_common_cfg, device_feature_select):
		vp->device_feature_select = value;
		break;
	case offsetof(struct virtio_pci_common_cfg, guest_feature_select):
		vp->driver_feature_select = value;
		break;
	case offsetof(struct virtio_pci_common_cfg, guest_feature):
		set_features(vp, value);
		break;
	case offsetof(struct virtio_pci_common_cfg, msix_config):
		vp->device->config_vector = usable_vector(vp, value);
		break;
	case offsetof(struct virtio_pci_common_cfg, device_status):
		set_status(vp, value);
		break;
	case offsetof(struct virtio_pci_common_cfg, queue_select):
		vp->queue_select = value;
		break;
	default:
		write_queue(vp, offset, value);
	}
}

static void common_write(void *opaque, u64 offset, unsigned int size, u64 value)
{
	struct virtio_pci *vp = opaque;

	if (size != register_width(offset))
		return;
	pthread_mutex_lock(&vp->lock);
	write_register(vp, offset, value);
	pthread_mutex_unlock(&vp->lock);
}

static u32 half(u64 value, u32 select)
{
	return select > 1 ? 0 : value >> (32 * select);
}

static void fill_common(struct virtio_pci *vp, struct virtio_pci_common_cfg *common)
{
	const struct virtio_device *dev = vp->device;
	const struct virtio_queue *q = selected(vp);

	*common = (struct virtio_pci_common_cfg){
		.device_feature_select = vp->device_feature_select,
		.device_feature = half(dev->offered, vp->device_feature_select),
		.guest_feature_select = vp->driver_feature_select,
		.guest_feature = half(dev->accepted, vp->driver_feature_select),
		.msix_config = dev->config_vector,
		.num_queues = dev->queue_count,
		.device_status = dev->status,
		.config_generation = dev->generation,
		.queue_select = vp->queue_select,
	};
	/* A queue that isn't there has size 0. */
	if (!q)
		return;
	common->queue_size = q->ring.size;
	common->queue_msix_vector = q->vector;
	common->queue_enable = q->enabled;
	common->queue_notify_off = q->index;
	common->queue_desc_lo = q->ring.desc;
	common->queue_desc_hi = q->ring.desc >> 32;
	common->queue_avail_lo = q->ring.avail;
	common->queue_avail_hi = q->ring.avail >> 32;
	common->queue_used_lo = q->ring.used;
	common->queue_used_hi = q->ring.used >> 32;
}

static u64 common_read(void *opaque, u64 offset, unsigned int size)
{
	struct virtio_pci *vp = opaque;
	struct virtio_pci_common_cfg common;
	u64 value = 0;

	pthread_mutex_lock(&vp->lock);
	fill_common(vp, &common);
	pthread_mutex_unlock(&vp->lock);
	memcpy(&value, (u8 *)&common + offset, size);
	return value;
}

static const struct bus_ops common_ops = { common_read, common_write, 4 };

/* Interrupts are messages, so this is never set (4.1.4.5). */
static u64 isr_read(void *opaque, u64 offset, unsigned int size)
{
	(void)opaque;
	(void)offset;
	(void)size;
	return 0;
}

static const struct bus_ops isr_ops = { .read = isr_read, .width = 4 };

/* ---- device configuration ------------------------------------------------------- */

static u64 device_read(void *opaque, u64 offset, unsigned int size)
{
	struct virtio_device *dev = ((struct virtio_pci *)opaque)->device;
	u64 value = 0;

	dev->class->read_config(dev, offset, &value, size);
	return value;
}

static void device_write(void *opaque, u64 offset, unsigned int size, u64 value)
{
	struct virtio_device *dev = ((struct virtio_pci *)opaque)->device;

	if (dev->class->write_config)
		dev->class->write_config(dev, offset, &value, size);
}

static const struct bus_ops device_ops = { device_read, device_write, 4 };

/* ---- the BAR, and access to it by configuration space ---------------------------- */

static u64 bar_read(void *opaque, u64 offset, unsigned int size)
{
	struct virtio_pci *vp = opaque;
	u64 value = 0;

	bus_read(&vp->registers, offset, &value, size);
	return value;
}

static void bar_write(void *opaque, u64 offset, unsigned int size, u64 value)
{
	struct virtio_pci *vp = opaque;

	bus_write(&vp->registers, offset, &value, size);
}

static const struct bus_ops bar_ops = { bar_read, bar_write, 4 };

/*
 * The window that the driver set up in the access capability (4.1.4.9), if these bytes of
 * configuration space are its data. Returns its size, 0 if it leads nowhere.
 */
static unsigned int access_window(const struct virtio_pci *vp, unsigned int offset,
				  unsigned int size, u32 *at)
{
	const struct pci_device *pci = &vp->pci;
	unsigned int cap = vp->config_access;
	u32 length = pci_get32(pci, cap + VIRTIO_PCI_CAP_LENGTH);

	*at = pci_get32(pci, cap + VIRTIO_PCI_CAP_OFFSET);
	if (offset >= cap + sizeof(struct virtio_pci_cap) + 4 || offset + size <= cap + sizeof(struct virtio_pci_cap) ||
	    pci->config[cap + VIRTIO_PCI_CAP_BAR] != REGISTER_BAR ||
	    (length != 1 && length != 2 && length != 4) || *at >= BAR_SIZE || *at & (length - 1))
		return 0;
	return length;
}

static void config_reads(struct pci_device *pci, unsigned int offset, unsigned int size)
{
	struct virtio_pci *vp = (struct virtio_pci *)pci;
	unsigned int length;
	u32 at;

	length = access_window(vp, offset, size, &at);
	if (length)
		bus_read(&vp->registers, at, &pci->config[vp->config_access + sizeof(struct virtio_pci_cap)],
			 length);
}

static void config_written(struct pci_device *pci, unsigned int offset, unsigned int size)
{
	struct virtio_pci *vp = (struct virtio_pci *)pci;
	unsigned int length;
	u32 at;

	msix_config_written(&vp->msix, pci, offset, size);
	length = access_window(vp, offset, size, &at);
	if (length)
		bus_write(&vp->registers, at, &pci->config[vp->config_access + sizeof(struct virtio_pci_cap)],
			  length);
}

/* ---- creation ------------------------------------------------------------------- */

static void signal_vector(struct virtio_device *dev, u16 vector)
{
	struct virtio_pci *vp = dev->transport;

	msix_signal(&vp->msix, vector);
}

static int vector_fd(struct virtio_device *dev, u16 vector)
{
	struct virtio_pci *vp = dev->transport;

	return msix_fd(&vp->msix, vector);
}

static unsigned int add_capability(struct pci_device *pci, u8 type, u8 size, u8 bar, u32 offset,
				   u32 length)
{
	unsigned int at = pci_add_capability(pci, PCI_CAP_ID_VNDR, size);

	pci->config[at + VIRTIO_PCI_CAP_LEN] = size;
	pci->config[at + VIRTIO_PCI_CAP_CFG_TYPE] = type;
	pci->config[at + VIRTIO_PCI_CAP_BAR] = bar;
	pci_set32(pci, at + VIRTIO_PCI_CAP_OFFSET, offset, 0);
	pci_set32(pci, at + VIRTIO_PCI_CAP_LENGTH, length, 0);
	return at;
}

static void add_notify_capability(const struct virtio_device *dev, struct pci_device *pci,
				  u8 bar, u32 offset)
{
	unsigned int at = add_capability(pci, VIRTIO_PCI_CAP_NOTIFY_CFG,
					 sizeof(struct virtio_pci_notify_cap), bar, offset,
					 dev->queue_count * NOTIFY_MULTIPLIER);

	pci_set32(pci, at + VIRTIO_PCI_NOTIFY_CAP_MULT, NOTIFY_MULTIPLIER, 0);
}

/* Of several of a type the driver takes the first that it can (4.1.4.1). */
static void add_capabilities(struct virtio_pci *vp)
{
	const u8 size = sizeof(struct virtio_pci_cap);
	const struct virtio_device *dev = vp->device;
	struct pci_device *pci = &vp->pci;
	unsigned int at;

	add_capability(pci, VIRTIO_PCI_CAP_COMMON_CFG, size, REGISTER_BAR, COMMON_AT,
		       sizeof(struct virtio_pci_common_cfg));
	add_capability(pci, VIRTIO_PCI_CAP_ISR_CFG, size, REGISTER_BAR, ISR_AT, ISR_SIZE);
	add_notify_capability(dev, pci, PORT_BAR, 0);
	add_notify_capability(dev, pci, REGISTER_BAR, NOTIFY_AT);
	if (dev->class->config_size)
		add_capability(pci, VIRTIO_PCI_CAP_DEVICE_CFG, size, REGISTER_BAR, DEVICE_AT,
			       dev->class->config_size);

	at = add_capability(pci, VIRTIO_PCI_CAP_PCI_CFG, sizeof(struct virtio_pci_cfg_cap), 0, 0, 0);
	vp->config_access = at;
	pci->writable[at + VIRTIO_PCI_CAP_BAR] = 0xff;
	pci_set32(pci, at + VIRTIO_PCI_CAP_OFFSET, 0, UINT32_MAX);
	pci_set32(pci, at + VIRTIO_PCI_CAP_LENGTH, 0, UINT32_MAX);
	pci_set32(pci, at + size, 0, UINT32_MAX);
}

static void fill_config(struct virtio_pci *vp)
{
	const struct virtio_class *class = vp->device->class;
	struct pci_device *pci = &vp->pci;

	pci_set16(pci, PCI_VENDOR_ID, VENDOR_VIRTIO, 0);
	pci_set16(pci, PCI_DEVICE_ID, DEVICE_MODERN + class->id, 0);
	pci_set16(pci, PCI_COMMAND, 0,
		  PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
		  PCI_COMMAND_INTX_DISABLE);
	pci_set32(pci, PCI_CLASS_REVISION, class->pci_class << 8 | REVISION_MODERN, 0);
	pci_set16(pci, PCI_SUBSYSTEM_VENDOR_ID, VENDOR_VIRTIO, 0);
	pci_set16(pci, PCI_SUBSYSTEM_ID, DEVICE_MODERN + class->id, 0);
	pci_set_memory_bar(pci, REGISTER_BAR, BAR_SIZE, &bar_ops, vp);
	pci_set_io_bar(pci, PORT_BAR, PORT_BAR_SIZE, &notify_ops, vp);
	add_capabilities(vp);
	pci->config_reads = config_reads;
	pci->config_written = config_written;
	pci->bar_moved = bar_moved;
}

static int add_registers(struct virtio_pci *vp)
{
	const struct virtio_device *dev = vp->device;
	struct bus *registers = &vp->registers;

	if (bus_add(registers, COMMON_AT, sizeof(struct virtio_pci_common_cfg), &common_ops, vp) ||
	    bus_add(registers, ISR_AT, ISR_SIZE, &isr_ops, vp) ||
	    bus_add(registers, NOTIFY_AT, dev->queue_count * NOTIFY_MULTIPLIER, &notify_ops, vp) ||
	    bus_add(registers, TABLE_AT, vp->msix.count * PCI_MSIX_ENTRY_SIZE, &msix_table_ops,
		    &vp->msix) ||
	    bus_add(registers, PBA_AT, align_up(vp->msix.count, 64) / 8, &msix_pba_ops, &vp->msix))
		return -1;
	if (!dev->class->config_size)
		return 0;
	return bus_add(registers, DEVICE_AT, dev->class->config_size, &device_ops, vp);
}

int virtio_pci_create(struct virtio_pci *vp, struct virtio_device *device, struct pci_host *bus,
		      const struct virtio_pci_host *host)
{
	*vp = (struct virtio_pci){ .device = device, .host = host };
	fill_config(vp);
	/* One for each queue, and one for changes of the configuration. */
	if (msix_create(&vp->msix, &vp->pci, device->queue_count + 1, REGISTER_BAR, TABLE_AT,
			PBA_AT))
		return -1;
	vp->msix.host = &host->msix;
	pthread_mutex_init(&vp->lock, NULL);
	device->transport = vp;
	device->signal = signal_vector;
	device->signal_fd = vector_fd;
	if (add_registers(vp) || pci_plug(bus, &vp->pci)) {
		virtio_pci_destroy(vp);
		return -1;
	}
	return 0;
}

void virtio_pci_destroy(struct virtio_pci *vp)
{
	pthread_mutex_destroy(&vp->lock);
	msix_destroy(&vp->msix);
}

void virtio_pci_reset(struct virtio_pci *vp)
{
	pthread_mutex_lock(&vp->lock);
	reset_device(vp);
	pthread_mutex_unlock(&vp->lock);
	msix_reset(&vp->msix);
}
