// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_console.h"

#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "error.h"

#define CLASS_COMMUNICATION	0x078000
#define QUEUE_SIZE		64
#define CONFIG_SIZE		offsetof(struct virtio_console_config, emerg_wr)

/* 5.3.2: two queues for each port, and after port 0's the two for control messages */
#define CONTROL_RECEIVE		2
#define CONTROL_TRANSMIT	3
#define QUEUES(ports)		(2 * (ports) + 2)

/* What a thread does at once, before it looks whether it has to end. */
#define CHAINS_AT_ONCE		QUEUE_SIZE
#define BYTES_AT_ONCE		KIB(256)

/* Messages that wait for a buffer, in the order in which they are sent: bits */
enum {
	TELL_ADD = BIT(0),
	TELL_CONSOLE = BIT(1),
	TELL_SIZE = BIT(2),
	TELL_NAME = BIT(3),
	TELL_CLOSED = BIT(4),
	TELL_OPEN = BIT(5),
};

struct message {
	struct virtio_console_control control;
	union {
		char name[PORT_NAME_MAX];
		struct {
			u16 cols, rows;
		} size;
	};
};

struct console_port {
	struct port *host;	/* NULL: there is no such port */
	const char *name;	/* NULL: a console */
	bool known;		/* PORT_READY came */
	bool guest_open;
	bool host_open;
	unsigned int tell;	/* TELL_* */
	bool transmitting;	/* the transmit queue has its thread */
	bool discarding;	/* which is to discard what was for one who has left */
};

/* A queue's thread has a chain until it's full, or until there is something for it. */
struct console_queue {
	struct virtq_chain chain;
	bool held;
	bool discard;		/* it's a transmit queue's that has nobody to read it */
	u64 done;		/* bytes that were transmitted */
};

struct virtio_console {
	struct virtio_device virtio;
	struct console_queue *queues;
	unsigned int port_count;	/* with port 0 */
	pthread_mutex_t lock;	/* of the ports, but for what is never changed */
	struct console_port ports[1 + PORTS_MAX];
};

static struct virtio_console *console_of(struct virtio_device *dev)
{
	return (struct virtio_console *)dev;
}

static bool has_control(const struct virtio_device *dev)
{
	return dev->accepted & BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT);
}

static unsigned int receive_queue(unsigned int port)
{
	return port ? 2 * port + 2 : 0;
}

static unsigned int port_index(const struct virtio_queue *q)
{
	return q->index < CONTROL_RECEIVE ? 0 : q->index / 2 - 1;
}

static struct console_port *port_of(struct virtio_queue *q)
{
	return &console_of(q->device)->ports[port_index(q)];
}

static struct console_queue *console_queue(struct virtio_queue *q)
{
	return &console_of(q->device)->queues[q->index];
}

static bool is_control(const struct virtio_queue *q)
{
	return q->index == CONTROL_RECEIVE || q->index == CONTROL_TRANSMIT;
}

static bool is_transmit(const struct virtio_queue *q)
{
	return q->index % 2 && !is_control(q);
}

/* Have the thread of a queue look at everything again, as when the driver notifies. */
static void wake(struct virtio_device *dev, unsigned int queue)
{
	eventfd_write(dev->queue[queue].kick_fd, 1);
}

/* Without messages there is no telling whether the guest has the console open. */
static void get_state(struct virtio_queue *q, bool *wanted, bool *discarding)
{
	struct virtio_console *vc = console_of(q->device);
	const struct console_port *p = port_of(q);

	pthread_mutex_lock(&vc->lock);
	*wanted = has_control(q->device) ? p->guest_open : !port_index(q);
	*discarding = p->discarding;
	pthread_mutex_unlock(&vc->lock);
}

/* ---- chains --------------------------------------------------------------------- */

/* Is there a chain to work on? One that can't hold what it has to is the driver's fault. */
static bool hold(struct virtio_queue *q)
{
	struct console_queue *cq = console_queue(q);
	u64 least = q->index == CONTROL_RECEIVE ? sizeof(struct virtio_console_control) :
		    !(q->index % 2);

	if (cq->held)
		return true;
	if (virtq_pop(&q->ring, &cq->chain) <= 0)
		return false;
	if (cq->chain.in_bytes < least) {
		q->ring.broken = true;
		return false;
	}
	cq->held = true;
	cq->done = 0;
	return true;
}

static void give_back(struct virtio_queue *q, u32 written)
{
	struct console_queue *cq = console_queue(q);

	virtq_push(&q->ring, cq->chain.head, written);
	cq->held = false;
}

/*
 * Have @move work on chains until it returns false: it needs more than a chain. While one is
 * held the driver needs to notify of none.
 */
static void pump(struct virtio_queue *q, bool (*move)(struct virtio_queue *q))
{
	unsigned int left = CHAINS_AT_ONCE;

	do {
		virtq_disable_notify(&q->ring);
		while (left && hold(q) && move(q))
			left--;
		virtio_interrupt(q);
	} while (left && !console_queue(q)->held && virtq_enable_notify(&q->ring));
	if (!left)
		wake(q->device, q->index);
}

/* ---- data ----------------------------------------------------------------------- */

static bool receive(struct virtio_queue *q)
{
	const struct virtq_chain *chain = &console_queue(q)->chain;
	struct port *host = port_of(q)->host;
	size_t n = host->ops->read(host, chain->iov + chain->out_count, chain->in_count);

	if (n)
		give_back(q, n);
	return n;
}

static bool transmit(struct virtio_queue *q)
{
	struct console_queue *cq = console_queue(q);
	struct port *host = port_of(q)->host;
	size_t n, len = min_u64(cq->chain.out_bytes - cq->done, BYTES_AT_ONCE);
	struct iovec iov[VIRTQ_IOV_MAX];
	unsigned int count;

	if (cq->discard || !len) {
		give_back(q, 0);
		return true;
	}
	count = virtq_slice(iov, cq->chain.iov, cq->chain.out_count, cq->done, len);
	n = host->ops->write(host, iov, count, len);
	cq->done += n;
	if (cq->done == cq->chain.out_bytes)
		give_back(q, 0);
	return n;
}

/*
 * Tell the guest of who comes and who leaves. If it is slow, several who came and left
 * are one to it, but never is the next one taken for the last.
 */
static void host_changed(struct virtio_queue *q, bool open)
{
	struct virtio_console *vc = console_of(q->device);
	struct console_port *p = port_of(q);

	pthread_mutex_lock(&vc->lock);
	p->host_open = open;
	if (p->known)
		p->tell = open ? p->tell | TELL_OPEN : (p->tell & ~TELL_OPEN) | TELL_CLOSED;
	p->discarding = !open && p->transmitting;
	pthread_mutex_unlock(&vc->lock);
	if (has_control(q->device))
		wake(q->device, CONTROL_RECEIVE);
	wake(q->device, q->index + 1);
	wake(q->device, q->index);
}

/* Who comes next gets nothing that was for the last one. */
static void follow_host(struct virtio_queue *q)
{
	struct console_port *p = port_of(q);
	bool open, wanted, discarding;

	get_state(q, &wanted, &discarding);
	open = p->host->ops->attend(p->host, wanted, !discarding);
	if (open != p->host_open)
		host_changed(q, open);
}

static void serve_receive(struct virtio_queue *q)
{
	const struct port *host = port_of(q)->host;
	bool wanted, discarding;

	if (!host)
		return;
	follow_host(q);
	get_state(q, &wanted, &discarding);
	if (!wanted)
		return;
	pump(q, receive);
	/* Perhaps that was all of one who is gone. If not, attend() would miss what comes now. */
	if (host->ended)
		follow_host(q);
}

/* At once as many chains are discarded as can have been there when the last one left. */
static void serve_transmit(struct virtio_queue *q)
{
	struct virtio_console *vc = console_of(q->device);
	struct console_port *p = port_of(q);
	bool wanted, discarding;

	if (p->host)
		port_settle(p->host);
	get_state(q, &wanted, &discarding);
	console_queue(q)->discard = !p->host || discarding;
	pump(q, transmit);
	if (!discarding)
		return;
	pthread_mutex_lock(&vc->lock);
	p->discarding = false;
	pthread_mutex_unlock(&vc->lock);
	wake(q->device, q->index - 1);
}

/* ---- messages ------------------------------------------------------------------- */

/* The first of those that wait; it does so no longer. Returns its size, 0: there is none. */
static size_t next_message(struct virtio_console *vc, struct message *message)
{
	struct console_port *p = vc->ports;
	const size_t header = sizeof(message->control);
	unsigned int what;
	u32 size;

	while (p < vc->ports + vc->port_count && !p->tell)
		p++;
	if (p == vc->ports + vc->port_count)
		return 0;
	what = p->tell & -p->tell;
	p->tell &= ~what;
	message->control = (struct virtio_console_control){ .id = p - vc->ports, .value = 1 };
	switch (what) {
	case TELL_ADD:
		message->control.event = VIRTIO_CONSOLE_PORT_ADD;
		return header;
	case TELL_CONSOLE:
		message->control.event = VIRTIO_CONSOLE_CONSOLE_PORT;
		return header;
	case TELL_SIZE:
		message->control.event = VIRTIO_CONSOLE_RESIZE;
		size = p->host->size;
		memcpy(&message->size, &size, sizeof(message->size));
		return header + sizeof(message->size);
	case TELL_NAME:
		message->control.event = VIRTIO_CONSOLE_PORT_NAME;
		memcpy(message->name, p->name, strlen(p->name));
		return header + strlen(p->name);
	default:
		message->control.event = VIRTIO_CONSOLE_PORT_OPEN;
		message->control.value = what == TELL_OPEN;
		return header;
	}
}

static bool tell(struct virtio_queue *q)
{
	struct virtio_console *vc = console_of(q->device);
	const struct virtq_chain *chain = &console_queue(q)->chain;
	struct message message;
	size_t size;

	pthread_mutex_lock(&vc->lock);
	size = next_message(vc, &message);
	pthread_mutex_unlock(&vc->lock);
	if (size)
		give_back(q, virtq_write(chain, 0, &message, size));
	return size;
}

static void device_ready(struct virtio_console *vc)
{
	unsigned int i;

	for (i = 0; i < vc->port_count; i++) {
		if (vc->ports[i].host)
			vc->ports[i].tell |= TELL_ADD;
	}
}

static void port_ready(struct console_port *p, bool ready)
{
	p->known = ready;
	p->tell = 0;
	if (!ready)
		return;
	p->tell = p->name ? TELL_NAME : TELL_CONSOLE;
	if (p->host->size)
		p->tell |= TELL_SIZE;
	if (p->host_open)
		p->tell |= TELL_OPEN;
}

/* 5.3.6.2; what the device doesn't know, it ignores. */
static void handle(struct virtio_console *vc, const struct virtio_console_control *control)
{
	struct console_port *p = control->id < vc->port_count ? &vc->ports[control->id] : NULL;

	if (control->event == VIRTIO_CONSOLE_DEVICE_READY && control->value)
		device_ready(vc);
	if (!p || !p->host)
		return;
	if (control->event == VIRTIO_CONSOLE_PORT_READY)
		port_ready(p, control->value);
	else if (control->event == VIRTIO_CONSOLE_PORT_OPEN)
		p->guest_open = control->value;
}

static bool hear(struct virtio_queue *q)
{
	struct virtio_console *vc = console_of(q->device);
	struct virtio_console_control control;

	if (virtq_read(&console_queue(q)->chain, 0, &control, sizeof(control)) == sizeof(control)) {
		pthread_mutex_lock(&vc->lock);
		handle(vc, &control);
		pthread_mutex_unlock(&vc->lock);
		wake(q->device, CONTROL_RECEIVE);
		if (control.id < vc->port_count)
			wake(q->device, receive_queue(control.id));
	}
	give_back(q, 0);
	return true;
}

/* ---- the queues' threads -------------------------------------------------------- */

static void serve(struct virtio_queue *q)
{
	if (is_control(q) && !has_control(q->device))
		return;
	if (q->index == CONTROL_RECEIVE)
		pump(q, tell);
	else if (q->index == CONTROL_TRANSMIT)
		pump(q, hear);
	else if (is_transmit(q))
		serve_transmit(q);
	else
		serve_receive(q);
}

static void set_transmitting(struct virtio_queue *q, bool transmitting)
{
	struct virtio_console *vc = console_of(q->device);

	pthread_mutex_lock(&vc->lock);
	port_of(q)->transmitting = transmitting;
	port_of(q)->discarding = false;
	pthread_mutex_unlock(&vc->lock);
}

/* A queue that needs no other fd waits for the one that ends it twice. */
static int start_queue(struct virtio_queue *q)
{
	const struct port *host = port_of(q)->host;

	console_queue(q)->held = false;
	if (is_transmit(q))
		set_transmitting(q, true);
	if (is_control(q) || !host)
		return q->device->stop_fd;
	return is_transmit(q) ? host->transmit_fd : host->receive_fd;
}

/* What the driver said is forgotten with the queue by which it said so. */
static void forget_driver(struct virtio_console *vc)
{
	unsigned int i;

	pthread_mutex_lock(&vc->lock);
	for (i = 0; i < vc->port_count; i++) {
		vc->ports[i].known = false;
		vc->ports[i].guest_open = false;
		vc->ports[i].tell = 0;
	}
	pthread_mutex_unlock(&vc->lock);
}

static void stop_queue(struct virtio_queue *q)
{
	if (q->index == CONTROL_TRANSMIT)
		forget_driver(console_of(q->device));
	else if (is_transmit(q))
		set_transmitting(q, false);
}

/* ---- the device ----------------------------------------------------------------- */

static void read_config(struct virtio_device *dev, unsigned int offset, void *data,
			unsigned int size)
{
	const struct virtio_console *vc = console_of(dev);
	struct virtio_console_config config = { .max_nr_ports = vc->port_count };
	u32 dimensions = vc->ports[0].host ? vc->ports[0].host->size : 0;

	config.cols = dimensions;
	config.rows = dimensions >> 16;
	memcpy(data, (u8 *)&config + offset, size);
}

/* The console's terminal has another size; any thread. */
static void resized(void *opaque)
{
	struct virtio_console *vc = opaque;

	pthread_mutex_lock(&vc->lock);
	if (vc->ports[0].known)
		vc->ports[0].tell |= TELL_SIZE;
	pthread_mutex_unlock(&vc->lock);
	wake(&vc->virtio, CONTROL_RECEIVE);
	virtio_config_changed(&vc->virtio);
}

/* The sockets go; the console's end is its maker's. */
static void free_console(struct virtio_console *vc)
{
	unsigned int i;

	if (vc->ports[0].host)
		vc->ports[0].host->resized = NULL;
	for (i = 1; i < vc->port_count; i++) {
		if (vc->ports[i].host)
			port_socket_destroy(vc->ports[i].host);
	}
	pthread_mutex_destroy(&vc->lock);
	free(vc->queues);
	free(vc);
}

static void destroy(struct virtio_device *dev)
{
	virtio_destroy(dev);
	free_console(console_of(dev));
}

static const struct virtio_class virtio_console_class = {
	.name = "console",
	.id = VIRTIO_ID_CONSOLE,
	.pci_class = CLASS_COMMUNICATION,
	.config_size = CONFIG_SIZE,
	.read_config = read_config,
	.start_queue = start_queue,
	.stop_queue = stop_queue,
	.serve = serve,
	.destroy = destroy,
};

static int add_ports(struct virtio_console *vc, const struct port_config *config, struct port *hvc)
{
	unsigned int i;

	vc->ports[0].host = hvc;
	for (i = 1; i < vc->port_count; i++) {
		vc->ports[i].name = config[i - 1].name;
		vc->ports[i].host = port_socket_create(config[i - 1].socket);
		if (!vc->ports[i].host)
			return -1;
	}
	return 0;
}

struct virtio_device *virtio_console_create(const struct port_config *config, unsigned int count,
					    struct port *hvc, const struct guest_memory *mem)
{
	u64 features = BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT);
	struct virtio_console *vc = calloc(1, sizeof(*vc));

	if (!vc) {
		fail("out of memory");
		return NULL;
	}
	pthread_mutex_init(&vc->lock, NULL);
	vc->port_count = count + 1;
	vc->queues = calloc(QUEUES(vc->port_count), sizeof(vc->queues[0]));
	if (!vc->queues) {
		fail("out of memory");
		goto err;
	}
	if (hvc)
		features |= BIT_ULL(VIRTIO_CONSOLE_F_SIZE);
	if (add_ports(vc, config, hvc) ||
	    virtio_init(&vc->virtio, &virtio_console_class, features, QUEUES(vc->port_count),
			QUEUE_SIZE, mem))
		goto err;
	if (hvc) {
		hvc->opaque = vc;
		hvc->resized = resized;
	}
	return &vc->virtio;
err:
	free_console(vc);
	return NULL;
}

bool virtio_console_is_open(struct virtio_device *dev, unsigned int number)
{
	struct virtio_console *vc = console_of(dev);
	bool open;

	pthread_mutex_lock(&vc->lock);
	open = number < vc->port_count && vc->ports[number].guest_open;
	pthread_mutex_unlock(&vc->lock);
	return open;
}
