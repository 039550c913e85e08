// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drivers that do what they may not: random accesses to configuration space, BARs and
 * ports of a drive, an entropy device, a console device with a client and a balloon, which
 * meanwhile work on rings that the input fills and changes.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "fuzz.h"
#include "layout.h"
#include "port_console.h"
#include "virtio_balloon.h"
#include "virtio_blk.h"
#include "virtio_console.h"
#include "virtio_pci.h"
#include "virtio_rng.h"

#define MEMORY		KIB(64)
#define IMAGE		KIB(16)
#define DEVICES		4
#define CONSOLE		2	/* the device of that kind */
#define CONSOLE_QUEUES	6

/* Where set_up() has a queue; requests are in the rest. */
#define RINGS		0x1000	/* a page for each device: descriptors, then the others */
#define AVAIL		0x800
#define USED		0xc00
#define REQUESTS	0x5000

static struct guest_memory memory = { .low = MEMORY };
static struct disk_config image;
static struct port_config port;

struct rig {
	struct pci_host pci;
	struct bus mmio, ports;
	struct virtio_device *device[DEVICES];
	struct virtio_pci transport[DEVICES];
	int interrupts, notifications;	/* that are bound */
	struct console console;
	struct port *hvc;
	int client_fd;
};

/* ---- what the transports are bound to ------------------------------------------- */

static int bind_interrupt(void *opaque, int fd, u64 address, u32 data)
{
	struct rig *rig = opaque;

	(void)fd;
	(void)data;
	if (address >> 20 != 0xfee)
		return fail("not a message");
	rig->interrupts++;
	return 0;
}

static void unbind_interrupt(void *opaque, int fd)
{
	struct rig *rig = opaque;

	(void)fd;
	rig->interrupts--;
}

static int bind_notify(void *opaque, int fd, u16 port)
{
	struct rig *rig = opaque;

	(void)fd;
	MUST(port);
	rig->notifications++;
	return 0;
}

static void unbind_notify(void *opaque, int fd, u16 port)
{
	struct rig *rig = opaque;

	(void)fd;
	MUST(port);
	rig->notifications--;
}

/* ---- the machine ---------------------------------------------------------------- */

static void make_image(void)
{
	int fd = memfd_create("image", 0);

	MUST(fd >= 0 && !ftruncate(fd, IMAGE));
	snprintf(image.path, sizeof(image.path), "/proc/self/fd/%d", fd);
	strcpy(image.serial, "fuzz");
	strcpy(port.name, "fuzz");
	snprintf(port.socket, sizeof(port.socket), "/tmp/hvctl-fuzz-%d", getpid());
	/* As the machine has it, so that pages can be given back. */
	memory.host = aligned_alloc(MEMORY_PAGE, MEMORY);
	MUST(memory.host);
}

/* There is no room for many while no driver is at work. */
static void dial(struct rig *rig)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, port.socket);
	rig->client_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	MUST(!connect(rig->client_fd, (struct sockaddr *)&address, sizeof(address)) ||
	     errno == EAGAIN);
}

static void start_console(struct rig *rig)
{
	rig->hvc = port_console_create(&rig->console, -1);
	MUST(rig->hvc && !console_open(&rig->console, "--hvc", "none"));
	rig->device[CONSOLE] = virtio_console_create(&port, 1, rig->hvc, &memory);
	dial(rig);
}

static void end_console(struct rig *rig)
{
	close(rig->client_fd);
	port_console_destroy(rig->hvc);
	console_close(&rig->console);
}

static void start(struct rig *rig, struct virtio_pci_host *host)
{
	unsigned int i;

	*host = (struct virtio_pci_host){
		.msix = { bind_interrupt, unbind_interrupt, rig },
		.bind_notify = bind_notify,
		.unbind_notify = unbind_notify,
		.opaque = rig,
	};
	memset(memory.host, 0, MEMORY);
	pci_init(&rig->pci);
	rig->device[0] = virtio_blk_create(&image, 2, &memory);
	rig->device[1] = virtio_rng_create(&memory);
	start_console(rig);
	rig->device[3] = virtio_balloon_create(&memory, MEMORY_PAGE);
	for (i = 0; i < DEVICES; i++) {
		MUST(rig->device[i]);
		MUST(!virtio_pci_create(&rig->transport[i], rig->device[i], &rig->pci, host));
	}
	MUST(!pci_add_to(&rig->pci, &rig->mmio, &rig->ports));
}

/* Nothing may be left bound, and a reset device is as new. */
static void end(struct rig *rig)
{
	unsigned int i;

	for (i = 0; i < DEVICES; i++) {
		virtio_pci_reset(&rig->transport[i]);
		MUST(!rig->device[i]->status && !rig->device[i]->accepted);
		MUST(!rig->device[i]->queue[0].enabled);
	}
	MUST(!rig->interrupts && !rig->notifications);
	for (i = 0; i < DEVICES; i++) {
		virtio_pci_destroy(&rig->transport[i]);
		rig->device[i]->class->destroy(rig->device[i]);
	}
	end_console(rig);
	pci_destroy(&rig->pci);
}

/* ---- what a driver does --------------------------------------------------------- */

static unsigned int any_size(struct fuzz *f)
{
	return 1 << fuzz_u8(f) % 4;
}

static void access_bus(const struct bus *bus, u64 address, struct fuzz *f)
{
	unsigned int size = any_size(f);
	u64 value = fuzz_u64(f);

	if (value & 1)
		bus_write(bus, address, &value, size);
	else
		bus_read(bus, address, &value, size);
}

static u64 config(unsigned int device, u64 offset)
{
	return PCI_ECAM + ((u64)(device + 1) << 15) + offset;
}

static u64 registers(const struct rig *rig, unsigned int device)
{
	return rig->transport[device].pci.bar[0].address;
}

static void put(struct rig *rig, unsigned int device, u64 offset, u32 value, unsigned int size)
{
	bus_write(&rig->mmio, registers(rig, device) + offset, &value, size);
}

#define PUT(field, value) \
	put(rig, device, offsetof(struct virtio_pci_common_cfg, field), value, \
	    sizeof(((struct virtio_pci_common_cfg *)0)->field))

static void set_up_queue(struct rig *rig, unsigned int device, unsigned int queue,
			 struct fuzz *f)
{
	u32 rings = RINGS * (device + 1), odd = fuzz_u32(f);

	PUT(queue_select, queue);
	PUT(queue_size, 1 << fuzz_u8(f) % 6);
	PUT(queue_desc_lo, rings);
	PUT(queue_avail_lo, rings + AVAIL);
	PUT(queue_used_lo, rings + USED + (odd & 4));
	PUT(queue_msix_vector, odd & 1);
	PUT(queue_enable, 1);
}

/*
 * What a good driver does, but for the bits that the input changes. Of several queues some
 * are set up, with the same rings.
 */
static void set_up(struct rig *rig, unsigned int device, struct fuzz *f)
{
	unsigned int i, queues = device == CONSOLE ? fuzz_u8(f) : 1;

	PUT(device_status, 0);
	PUT(guest_feature_select, 1);
	PUT(guest_feature, 1);
	PUT(guest_feature_select, 0);
	PUT(guest_feature, fuzz_u32(f));
	PUT(device_status, 0x0b);
	for (i = 0; i < CONSOLE_QUEUES; i++) {
		if (queues & BIT(i))
			set_up_queue(rig, device, i, f);
	}
	PUT(device_status, 0x0f);
}

/* A chain of two or three descriptors, with what the input likes in it */
static void make_request(unsigned int device, struct fuzz *f)
{
	struct vring_desc *desc = (void *)(memory.host + RINGS * (device + 1));
	u16 *avail = (void *)(memory.host + RINGS * (device + 1) + AVAIL);
	unsigned int n = fuzz_u8(f) % 32, count = 2 + fuzz_u8(f) % 2, i;
	u8 *header = memory.host + REQUESTS + n * 64;

	fuzz_bytes(f, header, 16);
	header[0] &= 15;
	/* Nothing of a drive's, but a message's event */
	header[4] &= 7;
	header[5] = 0;
	for (i = 0; i < count; i++, n++) {
		desc[n % 32] = (struct vring_desc){
			.addr = REQUESTS + n * 64, .len = i ? fuzz_u16(f) % 2048 : 16,
			.flags = (i ? fuzz_u8(f) % 8 : 0) | (i < count - 1), .next = (n + 1) % 32,
		};
	}
	avail[2 + avail[1] % 32] = n - count;
	__atomic_store_n(&avail[1], avail[1] + 1, __ATOMIC_RELEASE);
}

static void poke(struct fuzz *f)
{
	u8 bytes[16];
	unsigned int at = fuzz_u16(f) % (MEMORY - sizeof(bytes));

	fuzz_bytes(f, bytes, sizeof(bytes));
	memcpy(memory.host + at, bytes, sizeof(bytes));
}

static void notify(struct rig *rig, unsigned int device, struct fuzz *f)
{
	u64 address = PORT_PCI_START + PORT_PCI_SLOT * (device + 1);

	if (device == CONSOLE)
		address += 2 * (fuzz_u8(f) % CONSOLE_QUEUES);
	access_bus(&rig->ports, address, f);
}

/* What happens on the host */
static void use_console(struct rig *rig, struct fuzz *f)
{
	u8 bytes[64], what = fuzz_u8(f);
	ssize_t n = 0;

	fuzz_bytes(f, bytes, what % sizeof(bytes));
	switch (what >> 6) {
	case 0:
		n = write(rig->client_fd, bytes, what % sizeof(bytes));
		break;
	case 1:
		n = read(rig->client_fd, bytes, sizeof(bytes));
		break;
	case 2:
		close(rig->client_fd);
		dial(rig);
		break;
	default:
		memcpy(rig->console.input, bytes, what % sizeof(bytes));
		rig->console.input_used = what % sizeof(bytes);
		port_console_serve(rig->hvc);
		rig->hvc->size = what;
		rig->hvc->resized(rig->hvc->opaque);
	}
	MUST(n <= (ssize_t)sizeof(bytes));	/* Or it failed, as it may. */
}

static void step(struct rig *rig, struct fuzz *f)
{
	u8 what = fuzz_u8(f), device = (what >> 4) % DEVICES;

	switch (what % 8) {
	case 0:
		access_bus(&rig->mmio, config(device, fuzz_u8(f)), f);
		break;
	case 1:
		access_bus(&rig->mmio, registers(rig, device) + fuzz_u16(f) % 0x4000, f);
		break;
	case 2:
		access_bus(&rig->mmio, registers(rig, device) + fuzz_u8(f) % 64, f);
		break;
	case 3:
		access_bus(&rig->ports, PORT_PCI_CONFIG + fuzz_u8(f) % 8, f);
		break;
	case 4:
		set_up(rig, device, f);
		break;
	case 5:
		poke(f);
		break;
	case 6:
		use_console(rig, f);
		break;
	default:
		make_request(device, f);
		notify(rig, device, f);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct virtio_pci_host host;
	struct rig rig = { 0 };
	u32 id = 0;

	if (!memory.host)
		make_image();
	start(&rig, &host);
	while (f.left)
		step(&rig, &f);
	bus_read(&rig.mmio, config(0, 0), &id, sizeof(id));
	MUST(id == 0x10421af4);
	end(&rig);
	return 0;
}
