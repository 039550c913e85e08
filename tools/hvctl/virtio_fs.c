// SPDX-License-Identifier: GPL-2.0-only
#include "virtio_fs.h"

#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "vhost_user.h"
#include "virtiofsd.h"

#define CLASS_STORAGE	0x018000

/* 5.11.2. More than one for requests is of no use to QEMU's virtiofsd. */
enum { HIGH_PRIORITY, REQUESTS, QUEUES };

/* As large as possible: a request has a descriptor for each page. */
#define QUEUE_SIZE	VIRTQ_SIZE_MAX

struct virtio_fs {
	struct virtio_device virtio;
	struct vhost_user vhost;
	const struct share_config *share;
	pid_t pid;		/* virtiofsd's, while there is a connection */
	char name[SHARE_TAG_MAX + 32];
};

static struct virtio_fs *fs_of(struct virtio_device *dev)
{
	return (struct virtio_fs *)dev;
}

static struct virtio_fs *fs_of_vhost(struct vhost_user *vu)
{
	return (struct virtio_fs *)((u8 *)vu - offsetof(struct virtio_fs, vhost));
}

/* ---- the back-end ---------------------------------------------------------------- */

static int start_virtiofsd(struct vhost_user *vu)
{
	struct virtio_fs *fs = fs_of_vhost(vu);

	return virtiofsd_start(fs->share, &fs->pid);
}

static void end_virtiofsd(struct vhost_user *vu)
{
	virtiofsd_end(fs_of_vhost(vu)->pid, vhost_user_times.timeout_ms);
}

static int check(struct vhost_user *vu)
{
	struct vu_session *s = &vu->session;

	if (s->queues && s->queues < QUEUES)
		return vu_misbehaved(s, "%s serves %u queues, not %u", s->name, s->queues, QUEUES);
	return 0;
}

/* A new virtiofsd wouldn't know which files the guest has open. */
static const struct vhost_user_ops virtio_fs_ops = {
	.connect = start_virtiofsd,
	.disconnected = end_virtiofsd,
	.check = check,
};

/* ---- the device ------------------------------------------------------------------ */

static int start(struct virtio_device *dev)
{
	return vhost_user_start(&fs_of(dev)->vhost);
}

static void stop(struct virtio_device *dev)
{
	vhost_user_stop(&fs_of(dev)->vhost);
}

static void call_changed(struct virtio_queue *q)
{
	vhost_user_set_call(&fs_of(q->device)->vhost, q);
}

static void read_config(struct virtio_device *dev, unsigned int offset, void *data,
			unsigned int size)
{
	struct virtio_fs_config config = { .num_request_queues = QUEUES - REQUESTS };
	const char *tag = fs_of(dev)->share->tag;

	memcpy(config.tag, tag, strlen(tag));
	memcpy(data, (u8 *)&config + offset, size);
}

static void destroy(struct virtio_device *dev)
{
	struct virtio_fs *fs = fs_of(dev);

	virtio_destroy(dev);
	vhost_user_close(&fs->vhost);
	free(fs);
}

static const struct virtio_class virtio_fs_class = {
	.name = "fs",
	.id = VIRTIO_ID_FS,
	.pci_class = CLASS_STORAGE,
	.config_size = sizeof(struct virtio_fs_config),
	.read_config = read_config,
	.start = start,
	.stop = stop,
	.call_changed = call_changed,
	.destroy = destroy,
};

struct virtio_device *virtio_fs_create(const struct share_config *config,
				       const struct guest_memory *mem)
{
	struct virtio_fs *fs = calloc(1, sizeof(*fs));

	if (!fs) {
		fail("out of memory");
		return NULL;
	}
	fs->share = config;
	snprintf(fs->name, sizeof(fs->name), "--share: virtiofsd for %s", config->tag);
	if (vhost_user_open(&fs->vhost, &virtio_fs_ops, fs->name))
		goto err_free;
	if (virtio_init(&fs->virtio, &virtio_fs_class, 0, QUEUES, QUEUE_SIZE, mem))
		goto err_vhost;
	vhost_user_attach(&fs->vhost, &fs->virtio);
	return &fs->virtio;

err_vhost:
	vhost_user_close(&fs->vhost);
err_free:
	free(fs);
	return NULL;
}
