// SPDX-License-Identifier: GPL-2.0-only
#include "vhost_user_blk.h"

#include <errno.h>
#include <limits.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "error.h"
#include "vhost_user.h"

#define CLASS_STORAGE		0x018000
#define QUEUE_SIZE		256
#define CONFIG_SIZE		offsetof(struct virtio_blk_config, max_secure_erase_sectors)

/* What drivers and back-ends may settle between them, without hvctl. */
#define FEATURES	(BIT_ULL(VIRTIO_BLK_F_SIZE_MAX) | BIT_ULL(VIRTIO_BLK_F_SEG_MAX) | \
			 BIT_ULL(VIRTIO_BLK_F_GEOMETRY) | BIT_ULL(VIRTIO_BLK_F_RO) | \
			 BIT_ULL(VIRTIO_BLK_F_BLK_SIZE) | BIT_ULL(VIRTIO_BLK_F_FLUSH) | \
			 BIT_ULL(VIRTIO_BLK_F_TOPOLOGY) | BIT_ULL(VIRTIO_BLK_F_DISCARD) | \
			 BIT_ULL(VIRTIO_BLK_F_WRITE_ZEROES))

struct vhost_user_blk {
	struct virtio_device virtio;
	struct vhost_user vhost;
	const char *path;
	char name[PATH_MAX + 32];
	pthread_mutex_t lock;	/* the following */
	struct virtio_blk_config config;
};

static struct vhost_user_blk *blk_of(struct virtio_device *dev)
{
	return (struct vhost_user_blk *)dev;
}

static struct vhost_user_blk *blk_of_vhost(struct vhost_user *vu)
{
	return (struct vhost_user_blk *)((u8 *)vu - offsetof(struct vhost_user_blk, vhost));
}

/* ---- the back-end ---------------------------------------------------------------- */

static int connect_socket(struct vhost_user *vu)
{
	const char *path = blk_of_vhost(vu)->path;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail_errno("cannot create a socket");
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	if (errno == ENOENT || errno == ECONNREFUSED)
		fail("%s isn't there; start what serves it first", vu->session.name);
	else
		fail_errno("%s can't be connected to", vu->session.name);
	close(fd);
	return -1;
}

/* Returns whether it is another one. */
static bool set_config(struct vhost_user_blk *blk, struct virtio_blk_config *config)
{
	bool changed;

	if (blk->virtio.queue_count)
		config->num_queues = blk->virtio.queue_count;
	pthread_mutex_lock(&blk->lock);
	changed = memcmp(&blk->config, config, CONFIG_SIZE);
	memcpy(&blk->config, config, CONFIG_SIZE);
	pthread_mutex_unlock(&blk->lock);
	return changed;
}

static unsigned int queues_of(const struct vu_session *s, const struct virtio_blk_config *config)
{
	if (!s->queues || !(s->features & BIT_ULL(VIRTIO_BLK_F_MQ)))
		return 1;
	return min_u64(s->queues, config->num_queues);
}

static int check_same(struct vhost_user_blk *blk, const struct virtio_blk_config *config)
{
	struct vu_session *s = &blk->vhost.session;

	if (queues_of(s, config) < blk->virtio.queue_count)
		return vu_misbehaved(s, "%s serves fewer queues than before; let it be as it was",
				     s->name);
	if ((s->features ^ blk->virtio.offered) & BIT_ULL(VIRTIO_BLK_F_RO))
		return vu_misbehaved(s, "%s was writable before, and isn't now", s->name);
	return 0;
}

static int check(struct vhost_user *vu)
{
	struct vhost_user_blk *blk = blk_of_vhost(vu);
	struct vu_session *s = &vu->session;
	struct virtio_blk_config config;

	if (!vu_has(s, VU_PROTOCOL_CONFIG))
		return vu_misbehaved(s, "%s has no configuration, as a drive's back-end should",
				     s->name);
	if (vu_get_config(s, &config, CONFIG_SIZE))
		return -1;
	if (!queues_of(s, &config))
		return vu_misbehaved(s, "%s serves no queues", s->name);
	if (vu->device && check_same(blk, &config))
		return -1;
	if (set_config(blk, &config) && vu->device)
		virtio_config_changed(vu->device);
	return 0;
}

static void config_changed(struct vhost_user *vu)
{
	struct virtio_blk_config config;

	if (vu_get_config(&vu->session, &config, CONFIG_SIZE))
		vu_session_abandon(&vu->session);
	else if (set_config(blk_of_vhost(vu), &config))
		virtio_config_changed(vu->device);
}

/* A driver that can flush takes the cache to be write-back, and without CONFIG_WCE so it is. */
static int set_cache(struct vhost_user *vu)
{
	u8 wce = !!(vu->device->accepted & BIT_ULL(VIRTIO_BLK_F_FLUSH));

	if (!(vu->session.features & BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE)))
		return 0;
	return vu_set_config(&vu->session, offsetof(struct virtio_blk_config, wce), &wce,
			     sizeof(wce));
}

static const struct vhost_user_ops vhost_user_blk_ops = {
	.connect = connect_socket,
	.check = check,
	.prepare = set_cache,
	.config_changed = config_changed,
	.reconnects = true,
};

/* ---- the device ------------------------------------------------------------------ */

static int start(struct virtio_device *dev)
{
	return vhost_user_start(&blk_of(dev)->vhost);
}

static void stop(struct virtio_device *dev)
{
	vhost_user_stop(&blk_of(dev)->vhost);
}

static void call_changed(struct virtio_queue *q)
{
	vhost_user_set_call(&blk_of(q->device)->vhost, q);
}

static void read_config(struct virtio_device *dev, unsigned int offset, void *data,
			unsigned int size)
{
	struct vhost_user_blk *blk = blk_of(dev);

	pthread_mutex_lock(&blk->lock);
	memcpy(data, (u8 *)&blk->config + offset, size);
	pthread_mutex_unlock(&blk->lock);
}

static void free_blk(struct vhost_user_blk *blk)
{
	pthread_mutex_destroy(&blk->lock);
	free(blk);
}

static void destroy(struct virtio_device *dev)
{
	struct vhost_user_blk *blk = blk_of(dev);

	virtio_destroy(dev);
	vhost_user_close(&blk->vhost);
	free_blk(blk);
}

static const struct virtio_class vhost_user_blk_class = {
	.name = "blk",
	.id = VIRTIO_ID_BLOCK,
	.pci_class = CLASS_STORAGE,
	.config_size = CONFIG_SIZE,
	.read_config = read_config,
	.start = start,
	.stop = stop,
	.call_changed = call_changed,
	.destroy = destroy,
};

static u64 features_of(const struct vhost_user_blk *blk, unsigned int queues)
{
	u64 features = blk->vhost.session.features & FEATURES;

	/* Segments of no bytes are nothing to be told of. */
	if (!blk->config.size_max)
		features &= ~BIT_ULL(VIRTIO_BLK_F_SIZE_MAX);
	return queues > 1 ? features | BIT_ULL(VIRTIO_BLK_F_MQ) : features;
}

struct virtio_device *vhost_user_blk_create(const char *path, unsigned int queues,
					    const struct guest_memory *mem)
{
	struct vhost_user_blk *blk = calloc(1, sizeof(*blk));

	if (!blk) {
		fail("out of memory");
		return NULL;
	}
	blk->path = path;
	pthread_mutex_init(&blk->lock, NULL);
	snprintf(blk->name, sizeof(blk->name), "--disk: the back-end at %s", path);
	if (vhost_user_open(&blk->vhost, &vhost_user_blk_ops, blk->name))
		goto err_free;
	queues = min_u64(min_u64(queues, VHOST_USER_QUEUES_MAX),
			 queues_of(&blk->vhost.session, &blk->config));
	if (virtio_init(&blk->virtio, &vhost_user_blk_class, features_of(blk, queues), queues,
			QUEUE_SIZE, mem))
		goto err_vhost;
	vhost_user_attach(&blk->vhost, &blk->virtio);
	blk->config.num_queues = queues;
	return &blk->virtio;

err_vhost:
	vhost_user_close(&blk->vhost);
err_free:
	free_blk(blk);
	return NULL;
}
