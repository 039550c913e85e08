// SPDX-License-Identifier: GPL-2.0-only
#include "memory_breath.h"

#include <limits.h>

#define PAGE		KIB(4)
#define RISE_PART	8	/* of all that there is between the bounds, at first */
#define RISE_DOUBLINGS	2
#define FALL_PART	16
#define IN_A_ROW_MS	5000

static u64 step(const struct memory_breath *b, unsigned int part)
{
	return max_u64(align_down((b->most - b->least) / part, PAGE), PAGE);
}

void memory_breath_begin(struct memory_breath *b, u64 least, u64 most, u64 size, u64 now)
{
	*b = (struct memory_breath){ .size = size, .calm = BREATH_CALM_MS };
	memory_breath_set(b, least, most, now);
}

void memory_breath_set(struct memory_breath *b, u64 least, u64 most, u64 now)
{
	b->least = least;
	b->most = most;
	b->size = min_u64(max_u64(b->size, least), most);
	b->next_fall = now + b->calm;
}

/* Shrinking too early is dearer than late: there is work for nothing each time. */
static void learn(struct memory_breath *b, u64 now)
{
	u64 since = now - b->last_fall;

	if (b->fell && since < BREATH_BLAME_MS)
		b->calm = min_u64(b->calm * 2, BREATH_CALM_MAX_MS);
	else if (b->fell && since > BREATH_CALM_MAX_MS)
		b->calm = BREATH_CALM_MS;
	/* One step is blamed once. */
	b->fell = false;
}

void memory_breath_pressure(struct memory_breath *b, u64 now)
{
	bool again = b->in_a_row && now - b->last_pressure < IN_A_ROW_MS;
	unsigned int doublings;

	b->in_a_row = again ? b->in_a_row + 1 : 1;
	b->last_pressure = now;
	learn(b, now);
	doublings = min_u64(b->in_a_row - 1, RISE_DOUBLINGS);
	b->size = min_u64(b->size + (step(b, RISE_PART) << doublings), b->most);
	b->next_fall = now + b->calm;
}

void memory_breath_tick(struct memory_breath *b, u64 now)
{
	if (b->size <= b->least || now < b->next_fall)
		return;
	b->size -= min_u64(step(b, FALL_PART), b->size - b->least);
	b->last_fall = now;
	b->fell = true;
	b->next_fall = now + BREATH_FALL_MS;
}

int memory_breath_timeout(const struct memory_breath *b, u64 now)
{
	if (b->size <= b->least)
		return -1;
	return now < b->next_fall ? min_u64(b->next_fall - now, INT_MAX) : 0;
}
