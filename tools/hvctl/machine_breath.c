// SPDX-License-Identifier: GPL-2.0-only
#include "machine_breath.h"

#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "machine_limits.h"
#include "memory.h"
#include "memory_pressure.h"
#include "size.h"
#include "virtio_balloon.h"

#define OPTION		"--memory min="

/* Of a memory limit, for hvctl and the kernel. */
#define RESERVE		MIB(16)

enum { HOST, GROUP };

static bool breathes(const struct machine_breath *breath)
{
	return breath->bounds.max;
}

int breath_bounds_check(const struct breath_bounds *bounds, u64 memory)
{
	char min[32], max[32];

	format_size(bounds->min, min, sizeof(min));
	format_size(bounds->max, max, sizeof(max));
	if (bounds->min % MEMORY_PAGE || bounds->max % MEMORY_PAGE)
		return fail("--memory: min and max are no whole pages; give multiples of 4K");
	if (bounds->min < MEMORY_MIN)
		return fail("--memory: min=%s is too little; a guest needs 2M at least", min);
	if (bounds->min >= bounds->max)
		return fail("--memory: min is %s and max %s; give a max that is more, or a --memory that stays",
			    min, max);
	if (bounds->max > memory)
		return fail("--memory: max=%s is more than the machine's memory, %s", max,
			    format_size(memory, min, sizeof(min)));
	return 0;
}

/* ---- watching ------------------------------------------------------------------- */

static int watch_host(struct machine_breath *breath)
{
	if (breath->fd[HOST] < 0)
		breath->fd[HOST] = memory_pressure_open(HOST_MEMORY_PRESSURE, OPTION);
	return breath->fd[HOST] < 0 ? -1 : 0;
}

static int watch_group(struct machine_breath *breath)
{
	char path[PATH_MAX + 32];

	if (breath->fd[GROUP] >= 0 || !breath->limits || !breath->limits->from_start)
		return 0;
	machine_limits_soften(breath->limits);
	snprintf(path, sizeof(path), "%s/memory.pressure", breath->limits->group.path);
	breath->fd[GROUP] = memory_pressure_open(path, OPTION);
	return breath->fd[GROUP] < 0 ? -1 : 0;
}

int machine_breath_limit(struct machine_breath *breath, struct machine_limits *limits)
{
	breath->limits = limits;
	if (!breathes(breath))
		return 0;
	if (watch_group(breath))
		return -1;
	machine_breath_set(breath, &(struct breath_bounds)
			   { breath->bounds.min, breath->bounds.max });
	return 0;
}

int machine_breath_begin(struct machine_breath *breath, const struct breath_bounds *bounds,
			 u64 memory, struct virtio_device *balloon)
{
	*breath = (struct machine_breath){
		.memory = memory, .balloon = balloon, .fd = { -1, -1 },
	};
	if (!bounds->max)
		return 0;
	if (machine_breath_check(breath, bounds))
		return -1;
	machine_breath_set(breath, bounds);
	return 0;
}

void machine_breath_end(struct machine_breath *breath)
{
	unsigned int i;

	for (i = 0; i < BREATH_FDS; i++) {
		if (breath->fd[i] >= 0)
			close(breath->fd[i]);
	}
}

/* ---- bounds --------------------------------------------------------------------- */

int machine_breath_check(struct machine_breath *breath, const struct breath_bounds *bounds)
{
	if (!breath->balloon)
		return fail(OPTION ": the machine has no balloon to breathe with; start it with --memory min=A,max=B, or with --balloon size=0");
	if (breath_bounds_check(bounds, breath->memory) ||
	    virtio_balloon_check(breath->balloon, breath->memory - bounds->min))
		return -1;
	return watch_host(breath) || watch_group(breath) ? -1 : 0;
}

static void follow(struct machine_breath *breath)
{
	if (breath->rule.size != virtio_balloon_target(breath->balloon))
		virtio_balloon_resize(breath->balloon, breath->rule.size);
}

/* Nothing that the guest could have and the limit forbids is left to it: it would be ended. */
static u64 most_for_guest(const struct machine_breath *breath, const struct breath_bounds *bounds)
{
	u64 soft = breath->limits ? machine_limits_soft(breath->limits) : 0;

	if (!soft)
		return bounds->max;
	soft = align_down(soft, MEMORY_PAGE);
	return min_u64(bounds->max, max_u64(soft - min_u64(soft, RESERVE), bounds->min));
}

void machine_breath_set(struct machine_breath *breath, const struct breath_bounds *bounds)
{
	u64 least = breath->memory - most_for_guest(breath, bounds), most = breath->memory - bounds->min;

	if (breathes(breath))
		memory_breath_set(&breath->rule, least, most, clock_ms());
	else
		memory_breath_begin(&breath->rule, least, most,
				    virtio_balloon_target(breath->balloon), clock_ms());
	breath->bounds = *bounds;
	follow(breath);
}

/* ---- breathing ------------------------------------------------------------------ */

void machine_breath_poll(const struct machine_breath *breath, struct pollfd *fds, int *timeout)
{
	unsigned int i;
	int next = -1;

	for (i = 0; i < BREATH_FDS; i++)
		fds[i] = (struct pollfd){ .fd = breath->fd[i], .events = POLLPRI };
	if (breathes(breath))
		next = memory_breath_timeout(&breath->rule, clock_ms());
	if (next >= 0 && (*timeout < 0 || next < *timeout))
		*timeout = next;
}

void machine_breath_serve(struct machine_breath *breath, const struct pollfd *fds)
{
	unsigned int i;

	if (!breathes(breath))
		return;
	for (i = 0; i < BREATH_FDS; i++) {
		if (fds[i].revents & POLLPRI) {
			breath->reports++;
			memory_breath_pressure(&breath->rule, clock_ms());
		}
		if (fds[i].revents & (POLLERR | POLLNVAL)) {
			close(breath->fd[i]);
			breath->fd[i] = -1;
		}
	}
	memory_breath_tick(&breath->rule, clock_ms());
	follow(breath);
}

void machine_breath_describe(const struct machine_breath *breath, struct json_object *object)
{
	struct json_object *told;

	if (!breathes(breath))
		return;
	told = json_object_new_object();
	json_object_object_add(told, "min", json_object_new_uint64(breath->bounds.min));
	json_object_object_add(told, "max", json_object_new_uint64(breath->bounds.max));
	json_object_object_add(told, "pressure", json_object_new_uint64(breath->reports));
	json_object_object_add(object, "breath", told);
}
