/* SPDX-License-Identifier: GPL-2.0-only */
/* A network device between a driver and a peer, which both are the test. One at a time. */
#ifndef HVCTL_NET_STREAM_RIG_H
#define HVCTL_NET_STREAM_RIG_H

#include <pthread.h>

#include "frame_stream.h"
#include "virtio_net_stream.h"

#define QUEUE_SIZE	16
#define BUFFER_SIZE	2048		/* of each that receives */
#define FRAMES		0x180000	/* what is sent */
#define FRAMES_SIZE	0x44000

#define HEADER		12
#define HELLO_BYTES	(FRAME_LENGTH_BYTES + 60)

/* Queues, each with the vector of its number */
enum { RECEIVE, SEND };

#define VECTOR_CONFIG	2
#define VECTORS		3

struct net_fake {
	/* The test's */
	bool refuse, dies, deaf;	/* those that start from now on */
	int room;		/* SO_SNDBUF of the device's, if it isn't 0 */
	u64 bps;		/* the device's limit */

	/* What happened */
	int fd;			/* its end of the socket */
	unsigned int destroyed;
	_Atomic unsigned int starts;
	u8 hello[HELLO_BYTES];	/* what it was sent first */

	/* Its own */
	struct net_peer peer;
	bool this_dies, this_is_deaf;
	pthread_t thread;
	bool running;
};

struct net_rig {
	struct guest_memory memory;	/* 2 MiB */
	struct virtio_device *device;
	struct net_fake fake;
	int signal_fd[VECTORS];
	u16 offered[2];		/* in each queue */
};

extern struct net_rig net;

/*
 * A peer as the test's part of @like says, and a driver that takes all features but @without.
 * There is no device if it can't be made.
 */
void net_begin_with(const struct net_fake *like, u64 without);
void net_begin(u64 without);
void net_end(void);

void net_sleep(unsigned int ms);
/* The CPU time of this process */
u64 net_cpu_ms(void);

/* ---- the peer -------------------------------------------------------------------- */

/* Wait until it has done what a new peer does first. */
void net_settle(void);
void net_hang_up(void);

/* A frame as it's in the stream, of @len bytes that all are @number; returns its bytes there. */
u32 net_frame(u8 *to, u32 len, u8 number);
/* The peer sends @count frames at once, whose numbers begin with @first. */
void net_peer_sends(unsigned int count, u32 len, u8 first);
/* It gets one of @len bytes. */
void net_peer_gets(u32 len, u8 number);

/* ---- the driver ------------------------------------------------------------------ */

/* A new one, for a device that was reset. */
void net_start_driver(u64 without);
u16 net_link_status(void);

void *net_at(u64 gpa);
struct vring_desc *net_desc(unsigned int queue);
u8 *net_buffer(unsigned int n);

void net_offer(unsigned int queue, unsigned int head);
/* Buffer @n, for what is received. */
void net_offer_buffer(unsigned int n, u32 len);
/* By descriptors @n and @n + 1: a header, and a frame of @len bytes that all are @number. */
void net_guest_sends(unsigned int n, u32 len, u8 number);
/* The same, of which @first bytes are in the first segment. */
void net_send_split(unsigned int n, u32 len, u8 number, u32 first);

u16 net_used_count(unsigned int queue);
/* Of the chain that was the @n-th, from 0 on, to be used. */
u32 net_used_len(unsigned int queue, unsigned int n);

/* Returns how many interrupts there were, of which it waits for one. */
u64 net_interrupts(unsigned int vector);
/* So many chains were used, or are within five seconds. */
void net_expect_used(unsigned int queue, u16 count);
/* Nothing happens: as far as one can see in the time that a test has. */
void net_expect_still(unsigned int queue, u16 count);
/* Buffer @n begins with a header that says @buffers, and then @len bytes of @number. */
void net_expect_received(unsigned int n, u16 buffers, u32 len, u8 number);

#endif
