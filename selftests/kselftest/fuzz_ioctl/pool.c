// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool of fds. Any thread may take one out of it, for good, while others are
 * using its number.
 */
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fail.h"
#include "fuzz.h"
#include "pass_fd.h"
#include "vm.h"

/* Places of each kind; those of vCPUs have a run page each. */
static const unsigned int places[NR_KINDS] = {
	[KIND_DEV] = 2, [KIND_VM] = 4, [KIND_VCPU] = 12, [KIND_WRONG] = 8,
};

#define MAX_PLACES	12

static int pool[NR_KINDS][MAX_PLACES];
static int sockets[2];

int own_fd(int fd)
{
	int own = REQUIRE_SYS(fcntl(fd, F_DUPFD_CLOEXEC, OWN_FDS));

	close(fd);
	return own;
}

static int wrong_fd(struct worker *w)
{
	int fds[2];

	switch (pick(w, 6)) {
	case 0:
		if (pipe(fds))
			return -1;
		close(fds[0]);
		return fds[1];
	case 1:
		return open("/dev/lhv", O_PATH);
	case 2:
		return open("/dev/null", O_RDWR);
	case 3:
		return epoll_create1(0);
	case 4:
		return eventfd(0, 0);
	default:
		return open("/dev/lhv", O_RDONLY);
	}
}

void pool_init(void)
{
	unsigned int kind, i;

	for (kind = 0; kind < NR_KINDS; kind++)
		for (i = 0; i < MAX_PLACES; i++)
			pool[kind][i] = -1;
	REQUIRE_SYS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets));
	sockets[0] = own_fd(sockets[0]);
	sockets[1] = own_fd(sockets[1]);
	pool[KIND_DEV][0] = dev_open();
	pool[KIND_DEV][1] = REQUIRE_SYS(open("/dev/lhv", O_RDONLY));
}

static int *pick_place(struct worker *w, enum kind kind)
{
	return &pool[kind][pick(w, places[kind])];
}

/* Where there is something, if there is. */
static int *pick_full(struct worker *w, enum kind kind)
{
	unsigned int i, first = pick(w, places[kind]);
	int *place = NULL;

	for (i = 0; i < places[kind]; i++) {
		place = &pool[kind][(first + i) % places[kind]];
		if (READ_ONCE(*place) >= 0)
			break;
	}
	return place;
}

int pool_fd(struct worker *w, enum kind kind)
{
	if (one_in(w, 200))
		return 3 + pick(w, POOL_FDS - 3);
	if (one_in(w, 25))
		kind = pick(w, NR_KINDS);
	return READ_ONCE(*pick_full(w, kind));
}

int pool_vcpu(struct worker *w, unsigned int *place)
{
	int *at = pick_full(w, KIND_VCPU);

	*place = at - pool[KIND_VCPU];
	return READ_ONCE(*at);
}

unsigned int pool_put(struct worker *w, enum kind kind, int fd)
{
	int *place = pick_place(w, kind);
	int old = __atomic_exchange_n(place, fd, __ATOMIC_SEQ_CST);

	if (old >= 0)
		close(old);
	return place - pool[kind];
}

void pool_close_all(void)
{
	unsigned int kind, i;

	for (kind = 0; kind < NR_KINDS; kind++)
		for (i = 0; i < places[kind]; i++)
			if (pool[kind][i] >= 0)
				close(pool[kind][i]);
	close(sockets[0]);
	close(sockets[1]);
}

static void receive(struct worker *w)
{
	int fd = receive_fd(sockets[1]);

	/* What it is nobody knows any more. */
	if (fd >= 0)
		pool_put(w, pick(w, NR_KINDS), fd);
}

void pool_change(struct worker *w)
{
	enum kind kind = pick(w, NR_KINDS);
	u32 what = pick(w, 9);
	int fd;

	doing(w, "pool_change", what, kind);
	fd = pool_fd(w, kind);
	switch (what) {
	case 0:
	case 1:
		if (kind != KIND_DEV)
			pool_put(w, kind, -1);
		break;
	case 2:
		fd = dup(fd);
		if (fd >= 0)
			pool_put(w, kind, fd);
		break;
	case 3:
		/* In place of another one, which may be running */
		(void)!dup2(fd, pool_fd(w, one_in(w, 2) ? kind : KIND_VCPU));
		break;
	case 4:
		(void)send_fd(sockets[0], fd);
		break;
	case 5:
	case 6:
		receive(w);
		break;
	case 7:
		/* The socket on its way to itself: only the collector ends that. */
		(void)send_fd(sockets[0], sockets[one_in(w, 4)]);
		break;
	case 8:
		pool_put(w, KIND_WRONG, wrong_fd(w));
		break;
	}
}
