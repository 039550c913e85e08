// SPDX-License-Identifier: GPL-2.0-only
#include "machine_memory.h"

#include "clock.h"
#include "error.h"
#include "host_memory.h"
#include "machine.h"
#include "size.h"
#include "virtio_balloon.h"
#include "virtio_mem.h"

/*
 * For how long a guest may get no nearer. Linux' driver that couldn't have its way tries
 * again after 50 s, and later; until it gives up, something moves all the time.
 */
#define PATIENCE_MS	30000

/* The balloon says nothing when it has changed. */
#define LOOK_MS		100

static u64 distance(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

/* ---- what there is --------------------------------------------------------------- */

static u64 plugged(struct machine *m)
{
	return m->devices.mem ? virtio_mem_plugged(m->devices.mem) : 0;
}

/* A driver may say that it gave more than there is. */
static u64 ballooned(struct machine *m)
{
	return m->resize.balloon ? min_u64(virtio_balloon_actual(m->devices.balloon),
					   m->config->memory) : 0;
}

u64 machine_memory_size(struct machine *m)
{
	return m->config->memory + plugged(m) - ballooned(m);
}

u64 machine_memory_max(const struct machine *m)
{
	return m->config->memory + m->memory.region.max;
}

/* ---- what there should be -------------------------------------------------------- */

/* What is to be plugged, and what the balloon is to hold, of a machine of @size bytes. */
static u64 to_plug(const struct machine *m, u64 size)
{
	return size > m->config->memory ? size - m->config->memory : 0;
}

static u64 to_balloon(const struct machine *m, u64 size)
{
	return size < m->config->memory ? m->config->memory - size : 0;
}

/* How far it is from what it is to be; 0: it's that. */
static u64 missing(struct machine *m)
{
	u64 bytes = distance(plugged(m), to_plug(m, m->resize.wanted));

	if (m->resize.balloon)
		bytes += distance(virtio_balloon_actual(m->devices.balloon),
				  to_balloon(m, m->resize.wanted));
	return bytes;
}

static int check_max(const struct machine *m, u64 size)
{
	u64 boot = m->config->memory, block = m->memory.region.block;
	char wanted[32], max[32], begin[32], step[32];

	format_size(size, wanted, sizeof(wanted));
	format_size(boot, begin, sizeof(begin));
	if (size > boot && !block)
		return fail("--memory: the machine can't have more than the %s that it began with; run it with --memory SIZE,max=SIZE, and it can grow",
			    begin);
	if (size > machine_memory_max(m))
		return fail("--memory: %s are more than the machine's max of %s; run it with a larger max=",
			    wanted, format_size(machine_memory_max(m), max, sizeof(max)));
	if (to_plug(m, size) % (block ? block : 1))
		return fail("--memory: the machine grows from %s in steps of %s; give such a size",
			    begin, format_size(block, step, sizeof(step)));
	return 0;
}

static int check_drivers(struct machine *m, u64 size)
{
	struct virtio_device *mem = m->devices.mem, *balloon = m->devices.balloon;
	char text[32];

	if (to_plug(m, size) != plugged(m) && !virtio_is_driven(mem))
		return fail("--memory: the guest has no driver for memory that comes and goes (virtio_mem), or hasn't started it yet; have the guest load it");
	if (!to_balloon(m, size) && !m->resize.balloon)
		return 0;
	if (!balloon)
		return fail("--memory: the machine can't have less than the %s that it began with, as it has no balloon; run it with --balloon size=0",
			    format_size(m->config->memory, text, sizeof(text)));
	if (!virtio_is_driven(balloon))
		return fail("--memory: the guest has no driver for the balloon, or hasn't started it yet; have the guest load virtio_balloon");
	return virtio_balloon_check(balloon, to_balloon(m, size));
}

static int check_host(struct machine *m, u64 size, bool overcommit)
{
	u64 now = machine_memory_size(m), available;
	char more[32], text[32];

	if (overcommit || size <= now)
		return 0;
	if (host_memory_available(&available))
		return -1;
	if (size - now > available)
		return fail("--memory: the host has %s of memory left, and %s more are asked for; free some, or say SIZE,overcommit",
			    format_size(available, text, sizeof(text)),
			    format_size(size - now, more, sizeof(more)));
	return 0;
}

int machine_memory_check(struct machine *m, u64 size, bool overcommit)
{
	char text[32];

	if (size < MEMORY_MIN || size % MEMORY_PAGE)
		return fail("--memory: %s can't be; give 2M at least, and a multiple of 4K",
			    format_size(size, text, sizeof(text)));
	if (machine_change_check(&m->change, CHANGE_MEMORY) || check_max(m, size) ||
	    check_drivers(m, size))
		return -1;
	return check_host(m, size, overcommit);
}

/* It is filled last, so that it holds nothing that is to be unplugged. */
static void ask_balloon(struct machine *m)
{
	u64 bytes = to_balloon(m, m->resize.wanted);
	struct virtio_device *balloon = m->devices.balloon;

	if (!m->resize.balloon || bytes == virtio_balloon_target(balloon))
		return;
	if (bytes < virtio_balloon_target(balloon) || plugged(m) == to_plug(m, m->resize.wanted))
		virtio_balloon_resize(balloon, bytes);
}

void machine_memory_begin(struct machine *m, u64 size)
{
	struct machine_memory *resize = &m->resize;

	resize->from = machine_memory_size(m);
	resize->wanted = size;
	if (to_balloon(m, size))
		resize->balloon = true;
	if (m->devices.mem)
		virtio_mem_request(m->devices.mem, to_plug(m, size));
	ask_balloon(m);
	resize->missing = missing(m);
	resize->deadline = clock_ms() + PATIENCE_MS;
	resize->under_way = true;
}

/* ---- how far it has come --------------------------------------------------------- */

static void end(struct machine *m, int ret)
{
	struct machine_memory *resize = &m->resize;

	resize->under_way = false;
	/* From here on, the balloon is what --balloon says. */
	if (resize->balloon && resize->wanted >= m->config->memory && !ballooned(m))
		resize->balloon = false;
	machine_change_end(&m->change, m->control, CHANGE_MEMORY, ret);
}

/* What it has is what it should have, so that nothing goes on that nobody waits for. */
static int give_up(struct machine *m)
{
	struct machine_memory *resize = &m->resize;
	char now[32], amount[32], asked[32];
	u64 size;

	if (m->devices.mem)
		virtio_mem_settle(m->devices.mem);
	if (resize->balloon)
		virtio_balloon_resize(m->devices.balloon, ballooned(m));
	size = machine_memory_size(m);
	format_size(size, now, sizeof(now));
	format_size(distance(size, resize->from), amount, sizeof(amount));
	format_size(distance(resize->wanted, resize->from), asked, sizeof(asked));
	if (resize->wanted > resize->from)
		return fail("--memory: the guest took %s of the %s more that it was offered, and has %s now; its kernel's log may tell why",
			    amount, asked, now);
	return fail("--memory: the guest gave back %s of the %s that it was asked for, and has %s now; it needs the rest, or can't move it: try again when it uses less",
		    amount, asked, now);
}

int machine_memory_serve(struct machine *m)
{
	struct machine_memory *resize = &m->resize;
	u64 left, now = clock_ms();

	if (!resize->under_way)
		return -1;
	ask_balloon(m);
	left = missing(m);
	if (!left) {
		end(m, 0);
		return -1;
	}
	if (left < resize->missing) {
		resize->missing = left;
		resize->deadline = now + PATIENCE_MS;
	}
	if (now >= resize->deadline) {
		end(m, give_up(m));
		return -1;
	}
	return min_u64(resize->deadline - now, LOOK_MS);
}

void machine_memory_reset(struct machine *m)
{
	if (m->resize.under_way)
		end(m, fail("--memory: the guest was reset meanwhile; its driver goes on when it's there again"));
}
