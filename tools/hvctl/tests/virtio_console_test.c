// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_console.h"

#include <linux/virtio_console.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "port_console.h"
#include "test.h"

/* Port 0 is a console, ports 1 and 2 end at sockets. */
#define PORTS		3
#define QUEUES		(2 * PORTS + 2)
#define QUEUE_SIZE	8
#define RECEIVE(port)	((port) ? 2 * (port) + 2 : 0)
#define TRANSMIT(port)	(RECEIVE(port) + 1)
#define CONTROL_IN	2
#define CONTROL_OUT	3

/* A queue's memory, and a buffer for each descriptor. */
#define AT(queue)	(0x10000 + 0x10000ULL * (queue))
#define AVAIL		0x1000
#define USED		0x2000
#define BUFFERS		0x4000
#define BUFFER_SIZE	0x1000

static struct guest_memory memory;
static struct virtio_device *device;
static struct console console;
static struct port *hvc;
static int wake_fd;
static char folder[] = "/tmp/hvctl-vcon-XXXXXX";
static struct port_config ports[PORTS - 1];
static u16 offered[QUEUES], seen[QUEUES];
static atomic_uint config_changes;

/* ---- the driver ----------------------------------------------------------------- */

static void on_signal(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	if (vector == QUEUES)
		config_changes++;
}

static void *at(u64 gpa)
{
	return memory.host + gpa;
}

static u8 *buffer(unsigned int queue, unsigned int n)
{
	return at(AT(queue) + BUFFERS + n % QUEUE_SIZE * BUFFER_SIZE);
}

static void offer(unsigned int queue, u32 len, u16 flags)
{
	unsigned int n = offered[queue]++ % QUEUE_SIZE;
	struct vring_desc *desc = at(AT(queue));
	u16 *avail = at(AT(queue) + AVAIL);

	desc[n] = (struct vring_desc){
		.addr = AT(queue) + BUFFERS + n * BUFFER_SIZE, .len = len, .flags = flags,
	};
	avail[2 + n] = n;
	__atomic_store_n(&avail[1], offered[queue], __ATOMIC_RELEASE);
	eventfd_write(device->queue[queue].kick_fd, 1);
}

static u16 used_index(unsigned int queue)
{
	return __atomic_load_n((u16 *)at(AT(queue) + USED) + 1, __ATOMIC_ACQUIRE);
}

static bool comes(unsigned int queue)
{
	unsigned int i;

	for (i = 0; i < 10000 && used_index(queue) == seen[queue]; i++)
		usleep(1000);
	return used_index(queue) != seen[queue];
}

/* A buffer that the device gave back, and its length; each queue gives them in order. */
static u8 *take(unsigned int queue, u32 *len)
{
	struct vring_used_elem *elem = at(AT(queue) + USED + 4);

	EXPECT(comes(queue));
	EXPECT_EQ(elem[seen[queue] % QUEUE_SIZE].id, seen[queue] % QUEUE_SIZE);
	*len = elem[seen[queue] % QUEUE_SIZE].len;
	return buffer(queue, seen[queue]++);
}

static void send_data(unsigned int queue, const void *data, u32 len)
{
	memcpy(buffer(queue, offered[queue]), data, len);
	offer(queue, len, 0);
}

static void expect_sent(unsigned int queue)
{
	u32 len;

	take(queue, &len);
	EXPECT_EQ(len, 0);
}

static void tell(u32 id, u16 event, u16 value)
{
	const struct virtio_console_control control = { id, event, value };

	send_data(CONTROL_OUT, &control, sizeof(control));
	expect_sent(CONTROL_OUT);
}

/* The next message, which has @more bytes after its header; they are returned. */
static const u8 *hear(u32 id, u16 event, u16 value, u32 more)
{
	struct virtio_console_control control;
	u32 len;
	u8 *data = take(CONTROL_IN, &len);

	memcpy(&control, data, sizeof(control));
	EXPECT_EQ(len, sizeof(control) + more);
	EXPECT_EQ(control.id, id);
	EXPECT_EQ(control.event, event);
	EXPECT_EQ(control.value, value);
	offer(CONTROL_IN, BUFFER_SIZE, VRING_DESC_F_WRITE);
	return data + sizeof(control);
}

static void expect_silence(unsigned int queue)
{
	usleep(20000);
	EXPECT_EQ(used_index(queue), seen[queue]);
}

/* ---- the machine ---------------------------------------------------------------- */

static void fill(unsigned int queue)
{
	while ((u16)(offered[queue] - seen[queue]) < QUEUE_SIZE)
		offer(queue, BUFFER_SIZE, VRING_DESC_F_WRITE);
}

static void start_queues(u64 without)
{
	unsigned int i;

	device->accepted = device->offered & ~BIT_ULL(VIRTIO_RING_F_EVENT_IDX) & ~without;
	device->config_vector = QUEUES;
	for (i = 0; i < QUEUES; i++) {
		struct virtio_queue *q = &device->queue[i];

		memset(at(AT(i)), 0, 0x10000);
		offered[i] = 0;
		seen[i] = 0;
		q->ring.size = QUEUE_SIZE;
		q->ring.desc = AT(i);
		q->ring.avail = AT(i) + AVAIL;
		q->ring.used = AT(i) + USED;
		q->vector = i;
		q->enabled = true;
	}
	device->status |= VIRTIO_CONFIG_S_DRIVER_OK;
	EXPECT(!virtio_start(device));
}

static void start_driver(u64 without)
{
	start_queues(without);
	fill(CONTROL_IN);
}

static void make(void)
{
	unsigned int i;

	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	for (i = 0; i < PORTS - 1; i++) {
		snprintf(ports[i].name, sizeof(ports[i].name), "org.example.%u", i + 1);
		snprintf(ports[i].socket, sizeof(ports[i].socket), "%s/%u", folder, i + 1);
	}
	EXPECT(!memory_create(&memory, MIB(2)));
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	hvc = port_console_create(&console, wake_fd);
	EXPECT(!console_open(&console, "--hvc", "none"));
	device = virtio_console_create(ports, PORTS - 1, hvc, &memory);
	EXPECT(device);
	device->signal = on_signal;
	config_changes = 0;
}

static void start(void)
{
	make();
	start_driver(0);
}

static void end(void)
{
	virtio_reset(device);
	device->class->destroy(device);
	port_console_destroy(hvc);
	console_close(&console);
	close(wake_fd);
	memory_destroy(&memory);
	EXPECT(!rmdir(folder));
}

static int dial(unsigned int port)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, ports[port - 1].socket);
	EXPECT(!connect(fd, (struct sockaddr *)&address, sizeof(address)));
	return fd;
}

static void expect_text(int fd, const char *text)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char buf[64] = "";

	EXPECT_EQ(poll(&pfd, 1, 10000), 1);
	EXPECT_EQ(read(fd, buf, sizeof(buf) - 1), strlen(text));
	EXPECT(!strcmp(buf, text));
}

static void expect_received(unsigned int port, const char *text)
{
	u32 len;
	u8 *data = take(RECEIVE(port), &len);

	EXPECT_EQ(len, strlen(text));
	EXPECT(!memcmp(data, text, len));
	offer(RECEIVE(port), BUFFER_SIZE, VRING_DESC_F_WRITE);
}

/* The driver knows port @n, and its end is open. */
static void open_port(unsigned int n)
{
	tell(n, VIRTIO_CONSOLE_PORT_READY, 1);
	hear(n, VIRTIO_CONSOLE_PORT_NAME, 1, strlen(ports[n - 1].name));
	fill(RECEIVE(n));
	tell(n, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

/* ---- cases ---------------------------------------------------------------------- */

static void configuration(void)
{
	struct virtio_console_config config = { 0 };

	start();
	EXPECT_EQ(device->queue_count, QUEUES);
	EXPECT_EQ(device->class->config_size, 8);
	hvc->size = 25 << 16 | 80;
	device->class->read_config(device, 0, &config, 8);
	EXPECT_EQ(config.cols, 80);
	EXPECT_EQ(config.rows, 25);
	EXPECT_EQ(config.max_nr_ports, PORTS);
	EXPECT(device->offered & BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT));
	EXPECT(device->offered & BIT_ULL(VIRTIO_CONSOLE_F_SIZE));
	end();
}

/* 5.3.5 and 5.3.6: what is said, and in which order */
static void ports_are_added(void)
{
	const u8 *more;
	unsigned int i;

	start();
	expect_silence(CONTROL_IN);
	hvc->size = 25 << 16 | 80;
	tell(VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
	for (i = 0; i < PORTS; i++)
		hear(i, VIRTIO_CONSOLE_PORT_ADD, 1, 0);
	tell(0, VIRTIO_CONSOLE_PORT_READY, 1);
	hear(0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, 0);
	more = hear(0, VIRTIO_CONSOLE_RESIZE, 1, 4);
	EXPECT(!memcmp(more, "\x50\0\x19\0", 4));
	/* Its end is always open, as soon as its queue was looked at. */
	hear(0, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	tell(2, VIRTIO_CONSOLE_PORT_READY, 1);
	more = hear(2, VIRTIO_CONSOLE_PORT_NAME, 1, strlen("org.example.2"));
	EXPECT(!memcmp(more, "org.example.2", 13));
	/* Failed; and what is nothing, or nobody's */
	tell(1, VIRTIO_CONSOLE_PORT_READY, 0);
	tell(3, VIRTIO_CONSOLE_PORT_READY, 1);
	tell(UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1);
	tell(1, 77, 1);
	send_data(CONTROL_OUT, "short", 5);
	expect_sent(CONTROL_OUT);
	expect_silence(CONTROL_IN);
	EXPECT(!(device->status & VIRTIO_CONFIG_S_NEEDS_RESET));
	end();
}

static void clients(void)
{
	int first, second;

	start();
	first = dial(1);
	open_port(1);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	EXPECT_EQ(write(first, "ask", 3), 3);
	expect_received(1, "ask");
	send_data(TRANSMIT(1), "answer", 6);
	expect_sent(TRANSMIT(1));
	expect_text(first, "answer");
	/* The other port's is another. */
	open_port(2);
	second = dial(2);
	hear(2, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	EXPECT_EQ(write(second, "two", 3), 3);
	expect_received(2, "two");
	close(second);
	hear(2, VIRTIO_CONSOLE_PORT_OPEN, 0, 0);
	/* The next one, who waits */
	second = dial(1);
	expect_silence(CONTROL_IN);
	close(first);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 0, 0);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	send_data(TRANSMIT(1), "again", 5);
	expect_text(second, "again");
	close(second);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 0, 0);
	/* To nobody */
	expect_sent(TRANSMIT(1));
	send_data(TRANSMIT(1), "lost", 4);
	expect_sent(TRANSMIT(1));
	end();
}

/* Nothing goes to a guest that has its end closed. */
static void guest_opens(void)
{
	int fd;

	start();
	fd = dial(1);
	open_port(1);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	tell(1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	EXPECT_EQ(write(fd, "early", 5), 5);
	expect_silence(RECEIVE(1));
	EXPECT(!virtio_console_is_open(device, 1));
	tell(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	expect_received(1, "early");
	EXPECT(virtio_console_is_open(device, 1) && !virtio_console_is_open(device, 2));
	EXPECT(!virtio_console_is_open(device, 1000));
	close(fd);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 0, 0);
	end();
}

/* 1 MiB, while the guest has a few buffers only */
static void *feed(void *arg)
{
	int fd = *(int *)arg;
	u8 block[4096];
	unsigned int i, n;

	for (i = 0; i < 256; i++) {
		for (n = 0; n < sizeof(block); n++)
			block[n] = (i * sizeof(block) + n) * 7 >> 3;
		EXPECT_EQ(write(fd, block, sizeof(block)), sizeof(block));
	}
	return NULL;
}

static void much_to_the_guest(void)
{
	unsigned int done = 0, i;
	pthread_t thread;
	bool same = true;
	int fd;

	start();
	fd = dial(1);
	open_port(1);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	pthread_create(&thread, NULL, feed, &fd);
	while (done < MIB(1) && comes(RECEIVE(1))) {
		u32 len;
		u8 *data = take(RECEIVE(1), &len);

		EXPECT(len && len <= BUFFER_SIZE);
		for (i = 0; i < len; i++, done++)
			same &= data[i] == (u8)(done * 7 >> 3);
		offer(RECEIVE(1), BUFFER_SIZE, VRING_DESC_F_WRITE);
	}
	EXPECT_EQ(done, MIB(1));
	EXPECT(same);
	pthread_join(thread, NULL);
	close(fd);
	end();
}

/* A client that doesn't read keeps the guest's buffers; when he leaves they come back. */
static void slow_client(void)
{
	static u8 block[BUFFER_SIZE];
	unsigned int sent, i;
	size_t got = 0;
	int fd, next;

	start();
	fd = dial(1);
	next = dial(1);
	open_port(1);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	for (sent = 0; sent < 10000; sent++) {
		while ((u16)(offered[TRANSMIT(1)] - seen[TRANSMIT(1)]) == QUEUE_SIZE) {
			for (i = 0; i < 100 && used_index(TRANSMIT(1)) == seen[TRANSMIT(1)]; i++)
				usleep(1000);
			if (used_index(TRANSMIT(1)) == seen[TRANSMIT(1)])
				goto full;
			expect_sent(TRANSMIT(1));
		}
		memset(block, sent, sizeof(block));
		send_data(TRANSMIT(1), block, sizeof(block));
	}
full:
	EXPECT(sent < 10000);
	/* All of it comes, in its order. */
	while (got < (u64)sent * BUFFER_SIZE && read(fd, block, 64) == 64) {
		EXPECT_EQ(block[0], (u8)(got / BUFFER_SIZE));
		got += 64;
	}
	EXPECT_EQ(got, (u64)sent * BUFFER_SIZE);
	for (i = 0; i < QUEUE_SIZE; i++)
		expect_sent(TRANSMIT(1));
	for (i = 0; i < sent; i++) {
		send_data(TRANSMIT(1), "last one's", 10);
		if ((u16)(offered[TRANSMIT(1)] - seen[TRANSMIT(1)]) < QUEUE_SIZE)
			continue;
		usleep(1000);
		if (used_index(TRANSMIT(1)) == seen[TRANSMIT(1)])
			break;
		while (used_index(TRANSMIT(1)) != seen[TRANSMIT(1)])
			expect_sent(TRANSMIT(1));
	}
	close(fd);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 0, 0);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	while (seen[TRANSMIT(1)] != offered[TRANSMIT(1)])
		expect_sent(TRANSMIT(1));
	/* The next one gets nothing of that. */
	send_data(TRANSMIT(1), "yours", 5);
	expect_text(next, "yours");
	close(next);
	end();
}

/* The driver is unbound and bound again; the client stays. */
static void reset(void)
{
	int fd;

	start();
	fd = dial(1);
	open_port(1);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	virtio_reset(device);
	EXPECT_EQ(write(fd, "kept", 4), 4);
	start_driver(0);
	fill(RECEIVE(1));
	expect_silence(CONTROL_IN);
	expect_silence(RECEIVE(1));
	tell(VIRTIO_CONSOLE_BAD_ID, VIRTIO_CONSOLE_DEVICE_READY, 1);
	hear(0, VIRTIO_CONSOLE_PORT_ADD, 1, 0);
	hear(1, VIRTIO_CONSOLE_PORT_ADD, 1, 0);
	hear(2, VIRTIO_CONSOLE_PORT_ADD, 1, 0);
	open_port(1);
	hear(1, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	expect_received(1, "kept");
	close(fd);
	end();
}

/* ---- the console ---------------------------------------------------------------- */

/* What the main thread does. */
static void type(const char *text)
{
	memcpy(console.input, text, strlen(text));
	console.input_used = strlen(text);
	EXPECT_EQ(port_console_serve(hvc), -1);
	EXPECT_EQ(console.input_used, 0);
}

static void the_console(void)
{
	static const u8 zeros[BUFFER_SIZE];
	unsigned int i;
	int out[2];

	make();
	EXPECT(!pipe(out));
	console.out_fd = out[1];
	/* Without messages it is open, and other ports are not. */
	start_driver(BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT));
	fill(RECEIVE(0));
	type("typed");
	expect_received(0, "typed");
	send_data(TRANSMIT(0), "shown", 5);
	expect_sent(TRANSMIT(0));
	EXPECT(console_flush(&console));
	expect_text(out[0], "shown");
	send_data(CONTROL_OUT, "\xff\xff\xff\xff\0\0\1\0", 8);
	expect_silence(CONTROL_OUT);
	expect_silence(CONTROL_IN);
	/* What the reader doesn't take stays with the guest. */
	for (i = 0; i < 16 + 3; i++) {
		send_data(TRANSMIT(0), zeros, BUFFER_SIZE);
		if (i < 16)
			expect_sent(TRANSMIT(0));
	}
	expect_sent(TRANSMIT(0));
	expect_silence(TRANSMIT(0));
	for (i = 0; i < 16 + 3; i++) {
		static u8 back[BUFFER_SIZE];

		EXPECT_EQ(read(out[0], back, BUFFER_SIZE), BUFFER_SIZE);
		console_flush(&console);
		port_console_serve(hvc);
		if (i < 2)
			expect_sent(TRANSMIT(0));
	}
	close(out[0]);
	end();
}

static const struct port_ops *real_ops;
static const char *late;

/* What comes just after there was nothing is no less than what was there. */
static size_t read_too_early(struct port *port, const struct iovec *iov, unsigned int count)
{
	size_t n = real_ops->read(port, iov, count);

	if (!n && late) {
		type(late);
		late = NULL;
	}
	return n;
}

static void late_input(void)
{
	struct port_ops ops;
	u32 len;

	make();
	real_ops = hvc->ops;
	ops = *real_ops;
	ops.read = read_too_early;
	hvc->ops = &ops;
	start_driver(BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT));
	offer(RECEIVE(0), BUFFER_SIZE, VRING_DESC_F_WRITE);
	type("first");
	EXPECT(!memcmp(take(RECEIVE(0), &len), "first", 5));
	expect_silence(RECEIVE(0));
	/* Nothing but this wakes the queue's thread now. */
	late = "late";
	offer(RECEIVE(0), BUFFER_SIZE, VRING_DESC_F_WRITE);
	EXPECT(!memcmp(take(RECEIVE(0), &len), "late", 4));
	end();
}

static void its_size(void)
{
	start();
	tell(0, VIRTIO_CONSOLE_PORT_READY, 1);
	hear(0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, 0);
	hear(0, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	/* It is no terminal. */
	port_console_measure(hvc);
	expect_silence(CONTROL_IN);
	hvc->size = 3 << 16 | 2;
	hvc->resized(hvc->opaque);
	EXPECT(!memcmp(hear(0, VIRTIO_CONSOLE_RESIZE, 1, 4), "\2\0\3\0", 4));
	EXPECT_EQ(config_changes, 1);
	end();
}

/* ---- an end that does as it is told ---------------------------------------------- */

static atomic_bool there, next_may_come;
static atomic_uint looks;	/* that have begun, each before it sees who is there */

static bool fake_attend(struct port *port, bool wanted, bool next)
{
	(void)port;
	(void)wanted;
	next_may_come = next;
	looks++;
	return there;
}

static size_t fake_read(struct port *port, const struct iovec *iov, unsigned int count)
{
	(void)port;
	(void)iov;
	(void)count;
	return 0;
}

static size_t fake_write(struct port *port, const struct iovec *iov, unsigned int count,
			 size_t len)
{
	(void)port;
	(void)iov;
	(void)count;
	(void)len;
	return 0;
}

static const struct port_ops fake_ops = { fake_attend, fake_read, fake_write };

/* Port 0's end is this one, at which there is somebody or not. */
static void start_fake(void)
{
	make();
	hvc->ops = &fake_ops;
	there = true;
	start_queues(0);
	expect_silence(CONTROL_IN);
}

/* Returns when the device has looked since then; what it does of it comes before its next look. */
static void set_there(bool value)
{
	unsigned int i, before;

	there = value;
	before = looks;
	eventfd_write(device->queue[RECEIVE(0)].kick_fd, 1);
	for (i = 0; i < 10000 && looks == before; i++)
		usleep(1000);
	EXPECT(looks != before);
}

/* What was for one who left is discarded, and until then nobody else comes. */
static void leftovers(void)
{
	unsigned int i;

	start_fake();
	for (i = 0; i < QUEUE_SIZE; i++)
		send_data(TRANSMIT(0), "x", 1);
	expect_silence(TRANSMIT(0));
	EXPECT(next_may_come);
	set_there(false);
	for (i = 0; i < QUEUE_SIZE; i++)
		expect_sent(TRANSMIT(0));
	for (i = 0; i < 10000 && !next_may_come; i++)
		usleep(1000);
	EXPECT(next_may_come);
	/* For the next one it waits again. */
	set_there(true);
	send_data(TRANSMIT(0), "x", 1);
	expect_silence(TRANSMIT(0));
	end();
}

/* Somebody came and left before the driver had a buffer to be told. */
static void late_messages(void)
{
	start_fake();
	tell(0, VIRTIO_CONSOLE_PORT_READY, 1);
	set_there(false);
	fill(CONTROL_IN);
	hear(0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, 0);
	hear(0, VIRTIO_CONSOLE_PORT_OPEN, 0, 0);
	expect_silence(CONTROL_IN);
	set_there(true);
	hear(0, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	virtio_reset(device);
	start_queues(0);
	tell(0, VIRTIO_CONSOLE_PORT_READY, 1);
	set_there(false);
	set_there(true);
	fill(CONTROL_IN);
	hear(0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, 0);
	hear(0, VIRTIO_CONSOLE_PORT_OPEN, 0, 0);
	hear(0, VIRTIO_CONSOLE_PORT_OPEN, 1, 0);
	expect_silence(CONTROL_IN);
	end();
}

/* ---- what a driver may not do --------------------------------------------------- */

static void expect_needs_reset(void)
{
	unsigned int i;

	for (i = 0; i < 10000 && !(device->status & VIRTIO_CONFIG_S_NEEDS_RESET); i++)
		usleep(1000);
	EXPECT(device->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* A buffer of @len bytes in @queue, which has none yet, breaks the device. */
static void expect_broken(unsigned int queue, u32 len, u16 flags)
{
	make();
	start_queues(0);
	tell(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	offer(queue, len, flags);
	expect_needs_reset();
	EXPECT(device->queue[queue].ring.broken);
	EXPECT_EQ(used_index(queue), 0);
	EXPECT_EQ(config_changes, 1);
	end();
}

static void small_buffers(void)
{
	expect_broken(CONTROL_IN, 7, VRING_DESC_F_WRITE);
	expect_broken(CONTROL_IN, 64, 0);
	expect_broken(RECEIVE(1), 16, 0);
	/* These are of no use, but do no harm. */
	start();
	offer(TRANSMIT(1), 16, VRING_DESC_F_WRITE);
	expect_sent(TRANSMIT(1));
	offer(TRANSMIT(0), 16, VRING_DESC_F_WRITE);
	expect_sent(TRANSMIT(0));
	offer(CONTROL_OUT, 16, VRING_DESC_F_WRITE);
	expect_sent(CONTROL_OUT);
	EXPECT(!(device->status & VIRTIO_CONFIG_S_NEEDS_RESET));
	end();
}

/* A client of a device that is broken comes and leaves; its thread doesn't spin for that. */
static void client_of_a_broken_one(void)
{
	struct pollfd pfd = { .events = POLLIN };
	int fd;

	make();
	start_queues(0);
	tell(1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	__atomic_store_n((u16 *)at(AT(RECEIVE(1)) + AVAIL) + 1, 100, __ATOMIC_RELEASE);
	eventfd_write(device->queue[RECEIVE(1)].kick_fd, 1);
	expect_needs_reset();
	fd = dial(1);
	EXPECT_EQ(write(fd, "x", 1), 1);
	usleep(20000);
	pfd.fd = device->queue[RECEIVE(1)].device_fd;
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	close(fd);
	usleep(20000);
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(configuration), TEST_CASE(ports_are_added), TEST_CASE(clients),
	TEST_CASE(guest_opens), TEST_CASE(much_to_the_guest), TEST_CASE(slow_client),
	TEST_CASE(reset), TEST_CASE(the_console), TEST_CASE(late_input), TEST_CASE(its_size),
	TEST_CASE(leftovers), TEST_CASE(late_messages), TEST_CASE(small_buffers),
	TEST_CASE(client_of_a_broken_one),
};
TEST_SUITE(virtio_console_suite, "virtio_console", cases);
