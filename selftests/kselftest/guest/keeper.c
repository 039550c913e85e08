// SPDX-License-Identifier: GPL-2.0-only
#include "keeper.h"

#define WORDS	(GUEST_PAGE / 8)

struct keeper_plan keeper_plan;
u32 keeper_generation[KEEPER_PAGES];
u8 keeper_lost[KEEPER_PAGES];
u8 keeper_written[KEEPER_PAGES];
u64 keeper_hold;
u64 keeper_held[KEEPER_CPUS];
u64 keeper_stop;
u64 keeper_passes[KEEPER_CPUS];
u64 keeper_zeros[KEEPER_CPUS];

static u64 *words_of(u64 page)
{
	return (u64 *)(KEEPER_BASE + page * GUEST_PAGE);
}

static u64 first_word(u64 page, u32 generation)
{
	return keeper_word(keeper_key(keeper_plan.alike, page, generation), generation, 0);
}

static void expect_zeros(u64 page)
{
	const u64 *words = words_of(page);
	u64 i, all = 0;

	for (i = 0; i < WORDS; i++)
		all |= READ_ONCE(words[i]);
	GUEST_ASSERT_EQ(0, all);
	keeper_zeros[page % KEEPER_CPUS]++;
}

static void expect_pattern(u64 page)
{
	u64 word = first_word(page, keeper_generation[page]), step = keeper_word(0, 0, 1), i;
	const u64 *words = words_of(page);

	for (i = 0; i < WORDS; i++, word += step) {
		if (READ_ONCE(words[i]) != word)
			GUEST_FAIL("a word of a page isn't what was written, but", words[i]);
	}
}

static void check(u64 page)
{
	bool zero = !READ_ONCE(*words_of(page));
	u8 lost = READ_ONCE(keeper_lost[page]);

	if (lost == KEEPER_ZERO || (lost == KEEPER_EITHER && zero) || !keeper_generation[page]) {
		expect_zeros(page);
		keeper_generation[page] = 0;
	} else {
		expect_pattern(page);
	}
	if (lost != KEEPER_KEPT) {
		keeper_written[page] = 0;
		WRITE_ONCE(keeper_lost[page], KEEPER_KEPT);
	}
}

static void write_pattern(u64 page, u32 generation)
{
	u64 word = first_word(page, generation), step = keeper_word(0, 0, 1), i;
	u64 *words = words_of(page);

	keeper_generation[page] = generation;
	keeper_written[page] = 1;
	for (i = 0; i < WORDS; i++, word += step)
		WRITE_ONCE(words[i], word);
}

/* Where pages are to be alike, those written are it again one pass later. */
static void next_pattern(u64 page, u64 pass)
{
	u32 generation = keeper_generation[page];

	if (keeper_plan.alike && generation > 1)
		write_pattern(page, 1);
	else if (!generation || (page / KEEPER_CPUS + pass) % keeper_plan.write_every == 0)
		write_pattern(page, generation + 1);
}

static void wait_if_held(u32 id)
{
	if (!READ_ONCE(keeper_hold))
		return;
	WRITE_ONCE(keeper_held[id], 1);
	GUEST_SPIN_UNTIL(!READ_ONCE(keeper_hold));
	WRITE_ONCE(keeper_held[id], 0);
}

void keeper_main(void)
{
	u32 id = guest_cpu()->id;
	u64 page, pass;

	for (pass = 0; !READ_ONCE(keeper_stop); pass++) {
		for (page = id; page < keeper_plan.pages; page += KEEPER_CPUS) {
			wait_if_held(id);
			check(page);
			next_pattern(page, pass);
		}
		WRITE_ONCE(keeper_passes[id], pass + 1);
	}
}
