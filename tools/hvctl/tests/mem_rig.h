/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory with a region, its device, and the driver of that. One at a time. */
#ifndef HVCTL_MEM_RIG_H
#define HVCTL_MEM_RIG_H

#include "virtio_mem.h"

#define MEM_RAM		MIB(8)
#define MEM_MAX		(MEM_RAM + MIB(64))
#define MEM_REGION	GIB(4)
#define MEM_BLOCK	MIB(2)
#define MEM_BLOCKS	64

struct mem_rig {
	struct guest_memory memory;
	struct virtio_device *device;
	bool mapped[MEM_BLOCKS];	/* as the guest would see it */
	unsigned int changes;		/* how often the device told its host of one */
	unsigned int config_changes;	/* interrupts */
	unsigned int map_calls;
	unsigned int fail_at;		/* which of them fails; 0: none */
	u16 offered;
	u16 state;			/* in the last response */
};

extern struct mem_rig mem;
extern const struct virtio_mem_host mem_rig_host;

void mem_begin(void);
void mem_end(void);

/* A device's interrupt */
void mem_on_signal(struct virtio_device *dev, u16 vector);

/* Give the device a request of @out bytes with room for an answer of @in; returns its type. */
u16 mem_send(const struct virtio_mem_req *req, u32 out, u32 in);
u16 mem_request(u16 type, u64 addr, u16 count);

/* Where block @n is. */
static inline u64 mem_block(unsigned int n)
{
	return MEM_REGION + n * MEM_BLOCK;
}

#define PLUG(n, count)		mem_request(VIRTIO_MEM_REQ_PLUG, mem_block(n), count)
#define UNPLUG(n, count)	mem_request(VIRTIO_MEM_REQ_UNPLUG, mem_block(n), count)
#define STATE(n, count)		mem_request(VIRTIO_MEM_REQ_STATE, mem_block(n), count)
#define UNPLUG_ALL()		mem_request(VIRTIO_MEM_REQ_UNPLUG_ALL, 0, 0)

#define ACK	VIRTIO_MEM_RESP_ACK
#define NACK	VIRTIO_MEM_RESP_NACK
#define BUSY	VIRTIO_MEM_RESP_BUSY
#define ERROR	VIRTIO_MEM_RESP_ERROR

#endif
