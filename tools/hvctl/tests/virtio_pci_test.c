// SPDX-License-Identifier: GPL-2.0-only
#include <linux/virtio_ids.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "layout.h"
#include "test.h"
#include "virtio_pci.h"
#include "virtio_rng.h"

#define BAR		(PCI_WINDOW_START + PCI_SLOT_WINDOW)
#define NOTIFY		(BAR + 0x1000)
#define NOTIFY_PORT	(PORT_PCI_START + PORT_PCI_SLOT)
#define CONFIG		(PCI_ECAM + (1 << 15))

#define DESC		0x10000
#define AVAIL		0x11000
#define USED		0x12000
#define BUFFER		0x13000

static struct pci_host pci;
static struct bus mmio, ports;
static struct guest_memory memory;
static struct virtio_device *device;
static struct virtio_pci transport;
static u16 notify_at;		/* the port that the queue's eventfd is bound to */
static unsigned int binds;

static int on_bind(void *opaque, int fd, u64 address, u32 data)
{
	(void)opaque;
	(void)fd;
	(void)address;
	(void)data;
	return 0;
}

static void on_unbind(void *opaque, int fd)
{
	(void)opaque;
	(void)fd;
}

static int on_bind_notify(void *opaque, int fd, u16 port)
{
	unsigned int *count = opaque;

	EXPECT_EQ(fd, device->queue[0].kick_fd);
	EXPECT_EQ(notify_at, 0);
	notify_at = port;
	++*count;
	return 0;
}

static void on_unbind_notify(void *opaque, int fd, u16 port)
{
	unsigned int *count = opaque;

	EXPECT_EQ(fd, device->queue[0].kick_fd);
	EXPECT_EQ(notify_at, port);
	EXPECT(*count);
	notify_at = 0;
}

static const struct virtio_pci_host host = {
	.msix = { on_bind, on_unbind, NULL },
	.bind_notify = on_bind_notify,
	.unbind_notify = on_unbind_notify,
	.opaque = &binds,
};

static void start(void)
{
	mmio.count = 0;
	ports.count = 0;
	binds = 0;
	notify_at = 0;
	pci_init(&pci);
	EXPECT(!memory_create(&memory, MIB(2)));
	device = virtio_rng_create(&memory);
	EXPECT(device);
	EXPECT(!virtio_pci_create(&transport, device, &pci, &host));
	EXPECT(!pci_add_to(&pci, &mmio, &ports));
}

static void end(void)
{
	virtio_pci_reset(&transport);
	EXPECT_EQ(notify_at, 0);
	virtio_pci_destroy(&transport);
	device->class->destroy(device);
	memory_destroy(&memory);
	pci_destroy(&pci);
}

static u32 get(u64 address, unsigned int size)
{
	u32 value = 0;

	bus_read(&mmio, address, &value, size);
	return value;
}

static void put(u64 address, u32 value, unsigned int size)
{
	bus_write(&mmio, address, &value, size);
}

#define AT(field)	(BAR + offsetof(struct virtio_pci_common_cfg, field))
#define SIZE(field)	sizeof(((struct virtio_pci_common_cfg *)0)->field)
#define GET(field)	get(AT(field), SIZE(field))
#define PUT(field, value)	put(AT(field), value, SIZE(field))

/* The offset in configuration space of the capability of a virtio type; 0: none. */
static unsigned int find_capability(u8 type)
{
	unsigned int at = get(CONFIG + PCI_CAPABILITY_LIST, 1);

	while (at && (get(CONFIG + at, 1) != PCI_CAP_ID_VNDR || get(CONFIG + at + 3, 1) != type))
		at = get(CONFIG + at + 1, 1);
	return at;
}

static void identity(void)
{
	unsigned int at;

	start();
	EXPECT_EQ(get(CONFIG, 4), 0x10441af4);
	EXPECT_EQ(get(CONFIG + 8, 4), 0xff000001);
	EXPECT_EQ(get(CONFIG + 0x2c, 4), 0x10441af4);
	/* No interrupt pin */
	EXPECT_EQ(get(CONFIG + PCI_INTERRUPT_PIN, 1), 0);
	at = find_capability(VIRTIO_PCI_CAP_COMMON_CFG);
	EXPECT(at);
	EXPECT_EQ(get(CONFIG + at + VIRTIO_PCI_CAP_LENGTH, 4), 56);
	at = find_capability(VIRTIO_PCI_CAP_NOTIFY_CFG);
	EXPECT_EQ(get(CONFIG + at + VIRTIO_PCI_CAP_BAR, 1), 1);
	EXPECT_EQ(get(CONFIG + at + VIRTIO_PCI_CAP_OFFSET, 4), 0);
	EXPECT_EQ(get(CONFIG + at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4), 2);
	EXPECT_EQ(get(CONFIG + PCI_BASE_ADDRESS_1, 4), NOTIFY_PORT | 1);
	EXPECT(find_capability(VIRTIO_PCI_CAP_ISR_CFG));
	EXPECT(find_capability(VIRTIO_PCI_CAP_PCI_CFG));
	/* It has no configuration of its own. */
	EXPECT(!find_capability(VIRTIO_PCI_CAP_DEVICE_CFG));
	EXPECT_EQ(get(BAR + 0x800, 4), UINT32_MAX);
	EXPECT_EQ(get(BAR + 0x400, 1), 0);
	end();
}

static void accept_features(u32 low, u32 high)
{
	PUT(guest_feature_select, 0);
	PUT(guest_feature, low);
	PUT(guest_feature_select, 1);
	PUT(guest_feature, high);
	PUT(device_status, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
	    VIRTIO_CONFIG_S_FEATURES_OK);
}

static void negotiation(void)
{
	start();
	EXPECT_EQ(GET(device_feature), BIT(28) | BIT(29));
	PUT(device_feature_select, 1);
	EXPECT_EQ(GET(device_feature), BIT(0));
	PUT(device_feature_select, 2);
	EXPECT_EQ(GET(device_feature), 0);
	/* Not without VERSION_1, and not what isn't offered */
	accept_features(BIT(28), 0);
	EXPECT_EQ(GET(device_status), 3);
	PUT(device_status, 0);
	EXPECT_EQ(GET(device_status), 0);
	accept_features(BIT(27), 1);
	EXPECT_EQ(GET(device_status), 3);
	PUT(device_status, 0);
	accept_features(BIT(28), 1);
	EXPECT_EQ(GET(device_status), 11);
	/* Now they stay. */
	PUT(guest_feature_select, 0);
	PUT(guest_feature, 0);
	EXPECT_EQ(GET(guest_feature), BIT(28));
	/* Bits aren't taken back, and this one isn't the driver's. */
	PUT(device_status, 1 | VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(GET(device_status), 11);
	end();
}

static void queue_registers(void)
{
	start();
	EXPECT_EQ(GET(num_queues), 1);
	EXPECT_EQ(GET(queue_size), 64);
	EXPECT_EQ(GET(queue_msix_vector), VIRTIO_MSI_NO_VECTOR);
	PUT(queue_size, 65);
	PUT(queue_size, 128);
	PUT(queue_size, 0);
	EXPECT_EQ(GET(queue_size), 64);
	PUT(queue_size, 8);
	EXPECT_EQ(GET(queue_size), 8);
	/* Vectors are 0, for the configuration, and 1. */
	PUT(queue_msix_vector, 1);
	EXPECT_EQ(GET(queue_msix_vector), 1);
	PUT(queue_msix_vector, 2);
	EXPECT_EQ(GET(queue_msix_vector), VIRTIO_MSI_NO_VECTOR);
	PUT(queue_desc_lo, 0x1234);
	PUT(queue_desc_hi, 5);
	EXPECT_EQ(GET(queue_desc_lo), 0x1234);
	EXPECT_EQ(GET(queue_desc_hi), 5);
	EXPECT_EQ(device->queue[0].ring.desc, 0x500001234);
	/* Only whole registers are written. */
	put(AT(queue_size), 4, 1);
	put(AT(queue_desc_lo), 7, 2);
	EXPECT_EQ(GET(queue_size), 8);
	EXPECT_EQ(GET(queue_desc_lo), 0x1234);
	/* There is no queue 1. */
	PUT(queue_select, 1);
	EXPECT_EQ(GET(queue_size), 0);
	PUT(queue_size, 8);
	PUT(queue_enable, 1);
	EXPECT_EQ(GET(queue_enable), 0);
	PUT(device_status, 0);
	EXPECT_EQ(GET(queue_select), 0);
	EXPECT_EQ(GET(queue_size), 64);
	EXPECT_EQ(GET(queue_desc_lo), 0);
	end();
}

static void enable_queue(void)
{
	PUT(queue_size, 4);
	PUT(queue_msix_vector, 1);
	PUT(queue_desc_lo, DESC);
	PUT(queue_avail_lo, AVAIL);
	PUT(queue_used_lo, USED);
	PUT(queue_enable, 1);
}

/* A driver at work: features, queue, DRIVER_OK */
static void drive(void)
{
	accept_features(0, 1);
	EXPECT_EQ(GET(device_status), 11);
	enable_queue();
	PUT(device_status, 15);
}

static void *guest(u64 gpa)
{
	return memory.host + gpa;
}

/* Offer a buffer of @size bytes at BUFFER as the queue's @n-th request, from 0. */
static void offer(unsigned int n, u32 size)
{
	struct vring_desc *desc = guest(DESC);
	u16 *avail = guest(AVAIL);

	desc[0] = (struct vring_desc){ .addr = BUFFER, .len = size, .flags = VRING_DESC_F_WRITE };
	avail[2 + n % 4] = 0;
	__atomic_store_n(&avail[1], n + 1, __ATOMIC_RELEASE);
}

static bool is_signalled(unsigned int vector)
{
	struct pollfd fd = { .fd = transport.msix.vector[vector].fd, .events = POLLIN };
	eventfd_t count;

	return poll(&fd, 1, 10000) == 1 && !eventfd_read(fd.fd, &count);
}

static u16 used_index(void)
{
	return __atomic_load_n((u16 *)guest(USED) + 1, __ATOMIC_ACQUIRE);
}

static void requests(void)
{
	static const u8 zeros[64];

	start();
	drive();
	EXPECT_EQ(GET(device_status), 15);
	EXPECT_EQ(notify_at, NOTIFY_PORT);
	offer(0, 48);
	put(NOTIFY, 0, 2);
	EXPECT(is_signalled(1));
	EXPECT_EQ(used_index(), 1);
	EXPECT_EQ(*((u32 *)guest(USED) + 2), 48);
	EXPECT(memcmp(guest(BUFFER), zeros, 48));
	EXPECT(!memcmp((u8 *)guest(BUFFER) + 48, zeros, 16));
	/* By its port; and as the host sees that */
	offer(1, 16);
	bus_write(&ports, NOTIFY_PORT, &(u16){ 0 }, 2);
	EXPECT(is_signalled(1));
	offer(2, 16);
	eventfd_write(device->queue[0].kick_fd, 1);
	EXPECT(is_signalled(1));
	EXPECT_EQ(used_index(), 3);
	/* While it works nothing of the queue changes. */
	PUT(queue_desc_lo, 0);
	EXPECT_EQ(GET(queue_desc_lo), DESC);
	/* After a reset nobody listens; and it can be set up anew. */
	PUT(device_status, 0);
	EXPECT_EQ(notify_at, 0);
	EXPECT_EQ(GET(queue_enable), 0);
	memset(guest(DESC), 0, 0x3000);
	offer(0, 8);
	drive();
	EXPECT(is_signalled(1));
	EXPECT_EQ(used_index(), 1);
	EXPECT_EQ(binds, 2);
	end();
}

static void doorbell_follows_port(void)
{
	start();
	drive();
	put(CONFIG + PCI_COMMAND, 0, 2);
	EXPECT_EQ(notify_at, 0);
	put(CONFIG + PCI_BASE_ADDRESS_1, 0xd000, 4);
	put(CONFIG + PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 2);
	EXPECT_EQ(notify_at, 0xd000);
	/* The other BAR is no concern of its. */
	put(CONFIG + PCI_BASE_ADDRESS_0, PCI_WINDOW_START, 4);
	EXPECT_EQ(binds, 2);
	offer(0, 8);
	put(PCI_WINDOW_START + 0x1000, 0, 2);
	EXPECT(is_signalled(1));
	end();
}

/* The device says so, and does nothing until it is reset. */
static void broken_ring(void)
{
	start();
	PUT(msix_config, 0);
	accept_features(0, 1);
	enable_queue();
	((u16 *)guest(AVAIL))[1] = 100;
	PUT(device_status, 15);
	EXPECT(is_signalled(0));
	EXPECT_EQ(GET(device_status), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(GET(config_generation), 1);
	put(NOTIFY, 0, 2);
	PUT(device_status, 0);
	EXPECT_EQ(GET(device_status), 0);
	((u16 *)guest(AVAIL))[1] = 0;
	drive();
	offer(0, 8);
	put(NOTIFY, 0, 2);
	EXPECT(is_signalled(1));
	EXPECT_EQ(GET(device_status), 15);
	end();
}

/* A queue that isn't in memory; DRIVER_OK without FEATURES_OK */
static void bad_start(void)
{
	start();
	accept_features(0, 1);
	enable_queue();
	PUT(queue_enable, 0);
	PUT(device_status, 0);
	accept_features(0, 1);
	PUT(queue_desc_lo, MIB(2) - 16);
	PUT(queue_avail_lo, AVAIL);
	PUT(queue_used_lo, USED);
	PUT(queue_enable, 1);
	PUT(device_status, 15);
	EXPECT_EQ(GET(device_status), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	EXPECT_EQ(binds, 0);
	PUT(device_status, 0);
	PUT(device_status, VIRTIO_CONFIG_S_DRIVER_OK);
	EXPECT_EQ(GET(device_status), VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET);
	end();
}

/* The registers by way of configuration space */
static void access_capability(void)
{
	unsigned int at;

	start();
	at = find_capability(VIRTIO_PCI_CAP_PCI_CFG);
	put(CONFIG + at + VIRTIO_PCI_CAP_OFFSET,
	    offsetof(struct virtio_pci_common_cfg, device_status), 4);
	put(CONFIG + at + VIRTIO_PCI_CAP_LENGTH, 1, 4);
	put(CONFIG + at + 16, 3, 1);
	EXPECT_EQ(GET(device_status), 3);
	EXPECT_EQ(get(CONFIG + at + 16, 1), 3);
	put(CONFIG + at + VIRTIO_PCI_CAP_OFFSET,
	    offsetof(struct virtio_pci_common_cfg, num_queues), 4);
	put(CONFIG + at + VIRTIO_PCI_CAP_LENGTH, 2, 4);
	EXPECT_EQ(get(CONFIG + at + 16, 2), 1);
	/* These lead nowhere. */
	put(CONFIG + at + VIRTIO_PCI_CAP_LENGTH, 3, 4);
	put(CONFIG + at + 16, 0, 4);
	put(CONFIG + at + VIRTIO_PCI_CAP_LENGTH, 4, 4);
	put(CONFIG + at + VIRTIO_PCI_CAP_OFFSET, 0x4000, 4);
	put(CONFIG + at + 16, 0, 4);
	put(CONFIG + at + VIRTIO_PCI_CAP_OFFSET, UINT32_MAX, 4);
	put(CONFIG + at + 16, 0, 4);
	put(CONFIG + at + VIRTIO_PCI_CAP_BAR, 1, 1);
	put(CONFIG + at + VIRTIO_PCI_CAP_OFFSET,
	    offsetof(struct virtio_pci_common_cfg, device_status), 4);
	put(CONFIG + at + VIRTIO_PCI_CAP_LENGTH, 1, 4);
	put(CONFIG + at + 16, 0, 1);
	EXPECT_EQ(GET(device_status), 3);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(identity), TEST_CASE(negotiation), TEST_CASE(queue_registers),
	TEST_CASE(requests), TEST_CASE(doorbell_follows_port), TEST_CASE(broken_ring),
	TEST_CASE(bad_start), TEST_CASE(access_capability),
};
TEST_SUITE(virtio_pci_suite, "virtio_pci", cases);
