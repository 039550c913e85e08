// SPDX-License-Identifier: GPL-2.0-only
#include "vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "error.h"
#include "thread.h"

/* ---- the device file ------------------------------------------------------------- */

static int open_device(const char *path, const char *module)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return fail("there is no %s; load the kernel's module with 'modprobe %s'", path,
			    module);
	case EACCES:
	case EPERM:
		return fail("permission denied on %s; run hvctl as root, or as a user of the group that may open it",
			    path);
	default:
		return fail_errno("cannot open %s", path);
	}
}

int vhost_open(struct vhost *vhost, const char *path, const char *module)
{
	*vhost = (struct vhost){ .path = path, .fd = open_device(path, module) };
	if (vhost->fd < 0)
		return -1;
	vhost->error_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vhost->error_fd < 0) {
		fail_errno("cannot create an eventfd");
		goto err_fd;
	}
	if (ioctl(vhost->fd, VHOST_SET_OWNER) ||
	    ioctl(vhost->fd, VHOST_GET_FEATURES, &vhost->features)) {
		fail_errno("%s does not answer as vhost should", path);
		goto err_error;
	}
	return 0;

err_error:
	close(vhost->error_fd);
err_fd:
	close(vhost->fd);
	return -1;
}

void vhost_close(struct vhost *vhost)
{
	close(vhost->error_fd);
	close(vhost->fd);
}

/* ---- what it is told ------------------------------------------------------------- */

static int set_memory(struct vhost *vhost, const struct guest_memory *mem)
{
	struct memory_part part[MEMORY_PARTS_MAX];
	union {
		struct vhost_memory head;
		u8 space[sizeof(struct vhost_memory) +
			 MEMORY_PARTS_MAX * sizeof(struct vhost_memory_region)];
	} table = { .head.nregions = memory_parts(mem, part) };
	unsigned int i;

	for (i = 0; i < table.head.nregions; i++)
		table.head.regions[i] = (struct vhost_memory_region){
			.guest_phys_addr = part[i].gpa,
			.memory_size = part[i].size,
			.userspace_addr = (uintptr_t)(mem->host + part[i].offset),
		};
	return ioctl(vhost->fd, VHOST_SET_MEM_TABLE, &table);
}

void vhost_set_call(struct vhost *vhost, const struct virtio_queue *q)
{
	struct vhost_vring_file file = { .index = q->index, .fd = virtio_call_fd(q) };

	/* It is only refused for what isn't an eventfd. */
	ioctl(vhost->fd, VHOST_SET_VRING_CALL, &file);
}

static int set_queue(struct vhost *vhost, const struct virtio_queue *q)
{
	const struct vring *vring = &q->ring.vring;
	struct vhost_vring_state size = { .index = q->index, .num = q->ring.size };
	struct vhost_vring_state base = { .index = q->index };
	struct vhost_vring_addr addr = {
		.index = q->index,
		.desc_user_addr = (uintptr_t)vring->desc,
		.avail_user_addr = (uintptr_t)vring->avail,
		.used_user_addr = (uintptr_t)vring->used,
	};
	struct vhost_vring_file kick = { .index = q->index, .fd = q->kick_fd };
	struct vhost_vring_file error = { .index = q->index, .fd = vhost->error_fd };

	vhost_set_call(vhost, q);
	return ioctl(vhost->fd, VHOST_SET_VRING_NUM, &size) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_BASE, &base) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_ADDR, &addr) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_ERR, &error) ||
	       ioctl(vhost->fd, VHOST_SET_VRING_KICK, &kick);
}

/* ---- broken queues --------------------------------------------------------------- */

static void *watch(void *arg)
{
	struct vhost *vhost = arg;
	struct pollfd fds[] = {
		{ .fd = vhost->error_fd, .events = POLLIN },
		{ .fd = vhost->served->stop_fd, .events = POLLIN },
	};

	while (!fds[1].revents) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[0].revents) {
			virtio_needs_reset(vhost->served);
			fds[0].fd = -1;
		}
	}
	return NULL;
}

static int start_watcher(struct vhost *vhost)
{
	char name[16];

	snprintf(name, sizeof(name), "%s/vhost", vhost->served->class->name);
	return thread_start(&vhost->watcher, name, 0, watch, vhost);
}

/* ---- start and stop --------------------------------------------------------------- */

static int set_all(struct vhost *vhost, struct virtio_device *dev)
{
	u64 features = dev->accepted & vhost->features;
	unsigned int i;

	if (ioctl(vhost->fd, VHOST_SET_FEATURES, &features) ||
	    set_memory(vhost, dev->queue[0].ring.mem))
		return -1;
	for (i = 0; i < dev->queue_count; i++) {
		const struct virtio_queue *q = &dev->queue[i];

		if (q->foreign && q->running && set_queue(vhost, q))
			return -1;
	}
	return 0;
}

int vhost_start(struct vhost *vhost, struct virtio_device *dev)
{
	if (set_all(vhost, dev))
		return fail_errno("%s refuses a queue", vhost->path);
	vhost->served = dev;
	return start_watcher(vhost);
}

/* So that a queue that isn't told again isn't served again. */
void vhost_stop(struct vhost *vhost)
{
	struct virtio_device *dev = vhost->served;
	eventfd_t count;
	unsigned int i;

	for (i = 0; i < dev->queue_count; i++) {
		struct vhost_vring_file none = { .index = i, .fd = -1 };

		if (!dev->queue[i].foreign)
			continue;
		ioctl(vhost->fd, VHOST_SET_VRING_KICK, &none);
		ioctl(vhost->fd, VHOST_SET_VRING_CALL, &none);
	}
	eventfd_write(dev->stop_fd, 1);
	pthread_join(vhost->watcher, NULL);
	eventfd_read(vhost->error_fd, &count);
}
