// SPDX-License-Identifier: GPL-2.0-only
/* What a driver may not do, and what it costs it: its queue. */
#include "test.h"
#include "virtq_rig.h"

/* Chains that begin at descriptor 0 of a queue of four; with an indirect table. */
static const struct refusal {
	const char *why;
	struct vring_desc desc[3];
	struct vring_desc table[3];
} refusals[] = {
	{ "descriptor 4 of 4", .desc = { { DATA, 8, NEXT, 4 } } },
	{ "descriptor 65535 of 4", .desc = { { DATA, 8, NEXT, 0xffff } } },
	{ "without an end", .desc = { { DATA, 8, NEXT, 0 } } },
	{ "without an end",
	  .desc = { { DATA, 8, NEXT, 1 }, { DATA, 8, NEXT, 2 }, { DATA, 8, NEXT, 1 } } },
	{ "an empty descriptor", .desc = { { DATA, 0, 0, 0 } } },
	{ "an empty descriptor", .desc = { { DATA, 8, NEXT, 1 }, { DATA, 0, WRITE, 0 } } },
	{ "readable descriptor after",
	  .desc = { { DATA, 8, NEXT | WRITE, 1 }, { DATA, 8, 0, 0 } } },
	{ "8 bytes at 0xfffc are not wholly", .desc = { { LOW - 4, 8, 0, 0 } } },
	{ "1 bytes at 0x10000 are not wholly", .desc = { { LOW, 1, WRITE, 0 } } },
	{ "at 0xfffffffc are not wholly", .desc = { { HIGH_MEMORY_START - 4, 8, 0, 0 } } },
	{ "at 0x100003fff are not wholly",
	  .desc = { { HIGH_MEMORY_START + HIGH - 1, 2, 0, 0 } } },
	{ "8 bytes at 0xfffffffffffffffc", .desc = { { -4ULL, 8, 0, 0 } } },
	{ "4294967295 bytes at 0x8000", .desc = { { DATA, UINT32_MAX, WRITE, 0 } } },

	{ "with another after", .desc = { { TABLE, 16, INDIRECT | NEXT, 1 }, { DATA, 8, 0, 0 } },
	  .table = { { DATA, 8, 0, 0 } } },
	{ "table of 0 bytes", .desc = { { TABLE, 0, INDIRECT, 0 } } },
	{ "table of 8 bytes", .desc = { { TABLE, 8, INDIRECT, 0 } } },
	{ "table of 33 bytes", .desc = { { TABLE, 33, INDIRECT, 0 } } },
	{ "table of 4294967280 bytes", .desc = { { TABLE, 0xfffffff0, INDIRECT, 0 } } },
	{ "indirect table, 32 bytes at 0xfff0", .desc = { { LOW - 16, 32, INDIRECT, 0 } } },
	{ "indirect table, 16 bytes at 0x10000", .desc = { { LOW, 16, INDIRECT, 0 } } },
	{ "16 bytes at 0xfffffffffffffff0", .desc = { { -16ULL, 16, INDIRECT, 0 } } },
	{ "in an indirect table", .desc = { { TABLE, 16, INDIRECT, 0 } },
	  .table = { { TABLE, 16, INDIRECT, 0 } } },
	{ "descriptor 2 of 2", .desc = { { TABLE, 32, INDIRECT, 0 } },
	  .table = { { DATA, 8, NEXT, 2 } } },
	{ "without an end", .desc = { { TABLE, 32, INDIRECT, 0 } },
	  .table = { { DATA, 8, NEXT, 1 }, { DATA, 8, NEXT, 0 } } },
	{ "an empty descriptor", .desc = { { TABLE, 16, INDIRECT, 0 } },
	  .table = { { DATA, 0, 0, 0 } } },
	{ "readable descriptor after",
	  .desc = { { DATA, 8, NEXT | WRITE, 1 }, { TABLE, 16, INDIRECT, 0 } },
	  .table = { { DATA, 8, 0, 0 } } },
};

static void chains(void)
{
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];

		vq_begin(4);
		vq.q.indirect = true;
		for (j = 0; j < ARRAY_SIZE(r->desc); j++) {
			vq_set_desc(DESC, j, r->desc[j]);
			vq_set_desc(TABLE, j, r->table[j]);
		}
		vq_offer(0);
		vq_expect_broken(r->why);
		vq_end();
	}
}

static void indirect_not_negotiated(void)
{
	vq_begin(4);
	vq_set_desc(DESC, 0, (struct vring_desc){ TABLE, 16, INDIRECT, 0 });
	vq_set_desc(TABLE, 0, (struct vring_desc){ DATA, 8, 0, 0 });
	vq_offer(0);
	vq_expect_broken("not negotiated");
	vq_end();
}

static void heads(void)
{
	static const u16 bad[] = { 4, 64, VIRTQ_SIZE_MAX, 0xffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		vq_begin(4);
		vq_offer(bad[i]);
		vq_expect_broken("of 4");
		vq_end();
	}
}

/* Again while it is out, but not after that. */
static void head_twice(void)
{
	vq_begin(4);
	vq_offer_simple(2);
	vq_offer_simple(1);
	vq_expect_taken(2);
	vq_expect_taken(1);
	virtq_push(&vq.q, 2, 0);
	vq_offer_simple(2);
	vq_expect_taken(2);
	vq_offer_simple(1);
	vq_expect_broken("chain 1 is offered again");

	/* What was taken before may still be given back, once. */
	virtq_push(&vq.q, 2, 0);
	EXPECT_EQ(USED_IDX, 2);
	virtq_push(&vq.q, 2, 0);
	virtq_push(&vq.q, 3, 0);
	virtq_push(&vq.q, 4, 0);
	virtq_push(&vq.q, 0xffff, 0);
	EXPECT_EQ(USED_IDX, 2);
	EXPECT(virtq_needs_interrupt(&vq.q));
	vq_end();
}

/* A full ring is none too full; backwards is the same as too far. */
static void index_at(u16 position, u16 ahead, const char *why)
{
	unsigned int i;

	vq_prepare(4, position);
	EXPECT_EQ(virtq_start(&vq.q), 0);
	for (i = 0; i < 4; i++)
		vq_offer_simple(i);
	for (i = 0; i < 4; i++)
		vq_expect_taken(i);
	EXPECT_EQ(virtq_pop(&vq.q, &vq.chain), 0);
	AVAIL_IDX = vq.q.next_avail + ahead;
	vq_expect_broken(why);
	vq_end();
}

static void indices(void)
{
	static const u16 position[] = { 0, 0xfffa, 0xfffc, 0xffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(position); i++) {
		index_at(position[i], 5, "the available ring of 4 has 5 entries");
		index_at(position[i], 0x8000, "has 32768 entries");
		index_at(position[i], 0xffff, "has 65535 entries");
	}
}

/* A reset is what helps. */
static void reset(void)
{
	vq_begin(4);
	vq_offer(9);
	vq_expect_broken("descriptor 9 of 4");
	virtq_stop(&vq.q);
	vq.q.next_avail = 0;
	vq.q.next_used = 0;
	vq.offered = 0;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	EXPECT(!vq.q.broken);
	vq_offer_simple(1);
	vq_expect_taken(1);
	vq_end();
}

/* Random memory as rings, over and over. See fuzz/virtq_fuzz.c for more. */
static void nonsense(void)
{
	unsigned int i, j, taken = 0;

	for (i = 0; i < 20000; i++) {
		vq_begin(8);
		vq.q.indirect = true;
		for (j = 0; j < 8; j++) {
			vq_set_desc(DESC, j, (struct vring_desc){
				test_random() % LOW, test_random() % 64 * 16,
				test_random() % 8, test_random() % 9 });
			AVAIL_RING(j) = test_random() % 9;
		}
		AVAIL_IDX = test_random() % 9;
		while (virtq_pop(&vq.q, &vq.chain) > 0) {
			taken++;
			virtq_push(&vq.q, vq.chain.head, 0);
		}
		EXPECT(vq.q.broken || vq.q.next_avail == AVAIL_IDX);
		vq_end();
	}
	EXPECT(taken > 1000);
}

static const struct test_case cases[] = {
	TEST_CASE(chains), TEST_CASE(indirect_not_negotiated), TEST_CASE(heads),
	TEST_CASE(head_twice), TEST_CASE(indices), TEST_CASE(reset), TEST_CASE(nonsense),
};
TEST_SUITE(virtq_hostile_suite, "virtq_hostile", cases);
