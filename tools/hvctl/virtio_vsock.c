// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_vsock.h"

#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "error.h"
#include "vhost.h"

#define CLASS_OTHER	0xff0000
#define QUEUE_SIZE	128

/* 5.10.2. Events tell of a machine's move to another host; there are none otherwise. */
enum { RECEIVE, SEND, EVENTS, QUEUES };

struct virtio_vsock {
	struct virtio_device virtio;
	struct vhost vhost;
	u32 cid;
};

static struct virtio_vsock *vsock_of(struct virtio_device *dev)
{
	return (struct virtio_vsock *)dev;
}

static void stop(struct virtio_device *dev)
{
	struct vhost *vhost = &vsock_of(dev)->vhost;
	int run = 0;

	ioctl(vhost->fd, VHOST_VSOCK_SET_RUNNING, &run);
	vhost_stop(vhost);
}

static int start(struct virtio_device *dev)
{
	struct vhost *vhost = &vsock_of(dev)->vhost;
	int run = 1;

	if (vhost_start(vhost, dev))
		return -1;
	if (ioctl(vhost->fd, VHOST_VSOCK_SET_RUNNING, &run)) {
		fail_errno("%s does not start", vhost->path);
		vhost_stop(vhost);
		return -1;
	}
	return 0;
}

static void call_changed(struct virtio_queue *q)
{
	vhost_set_call(&vsock_of(q->device)->vhost, q);
}

/* Buffers for events stay where they are. */
static void serve(struct virtio_queue *q)
{
	(void)q;
}

static void read_config(struct virtio_device *dev, unsigned int offset, void *data,
			unsigned int size)
{
	struct virtio_vsock_config config = { .guest_cid = vsock_of(dev)->cid };

	memcpy(data, (u8 *)&config + offset, size);
}

static void destroy(struct virtio_device *dev)
{
	struct virtio_vsock *vsock = vsock_of(dev);

	virtio_destroy(dev);
	vhost_close(&vsock->vhost);
	free(vsock);
}

static const struct virtio_class virtio_vsock_class = {
	.name = "vsock",
	.id = VIRTIO_ID_VSOCK,
	.pci_class = CLASS_OTHER,
	.config_size = sizeof(struct virtio_vsock_config),
	.read_config = read_config,
	.serve = serve,
	.start = start,
	.stop = stop,
	.call_changed = call_changed,
	.destroy = destroy,
};

static int set_cid(const struct virtio_vsock *vsock)
{
	u64 cid = vsock->cid;

	if (!ioctl(vsock->vhost.fd, VHOST_VSOCK_SET_GUEST_CID, &cid))
		return 0;
	if (errno == EADDRINUSE)
		return fail("--vsock: the context ID %u is another machine's; give each its own",
			    vsock->cid);
	return fail_errno("--vsock: the host refuses the context ID %u", vsock->cid);
}

struct virtio_device *virtio_vsock_create(u32 cid, const struct guest_memory *mem)
{
	struct virtio_vsock *vsock = calloc(1, sizeof(*vsock));
	u64 features;

	if (!vsock) {
		fail("out of memory");
		return NULL;
	}
	vsock->cid = cid;
	if (vhost_open(&vsock->vhost, "/dev/vhost-vsock", "vhost_vsock"))
		goto err_free;
	features = vsock->vhost.features & BIT_ULL(VIRTIO_VSOCK_F_SEQPACKET);
	if (set_cid(vsock) ||
	    virtio_init(&vsock->virtio, &virtio_vsock_class, features, QUEUES, QUEUE_SIZE, mem))
		goto err_vhost;
	vsock->virtio.queue[RECEIVE].foreign = true;
	vsock->virtio.queue[SEND].foreign = true;
	return &vsock->virtio;

err_vhost:
	vhost_close(&vsock->vhost);
err_free:
	free(vsock);
	return NULL;
}
