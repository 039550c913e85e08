// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver in a thread of its own. It and the device sleep when there is nothing to
 * do: if one forgets to wake the other, both sleep for ever.
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "test.h"
#include "virtq_rig.h"

#define REQUESTS	100000
#define TALK_SIZE	16
#define TALK_PAIRS	(TALK_SIZE / 2)	/* a request is a question and an answer */

struct talk {
	sem_t kick, interrupt;
	u16 used_seen;
	u32 asked[TALK_PAIRS];		/* the number in each request that is out */
	bool out[TALK_PAIRS];
	bool wrong, late;		/* of the driver's thread */
};

/* Nobody waits that long, unless a wakeup was lost. */
static bool wait_for(sem_t *sem)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += 20;
	return !sem_timedwait(sem, &limit);
}

/* ---- the driver -------------------------------------------------------- */

/* Offer a chain; returns if the device wants to be notified. */
static bool offer_and_look(u16 head)
{
	u16 before = vq.offered;

	__atomic_store_n(&AVAIL_RING(before % vq.q.size), head, __ATOMIC_RELAXED);
	__atomic_store_n(&AVAIL_IDX, ++vq.offered, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (vq.q.event_idx)
		return vring_need_event(__atomic_load_n(&AVAIL_EVENT, __ATOMIC_RELAXED),
					vq.offered, before);
	return !(__atomic_load_n(&USED_FLAGS, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY);
}

/* Ask for an interrupt after @seen were used; returns if there are more already. */
static bool enable_interrupt(u16 seen)
{
	if (vq.q.event_idx)
		__atomic_store_n(&USED_EVENT, seen, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&AVAIL_FLAGS, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&USED_IDX, __ATOMIC_RELAXED) != seen;
}

/* An event index that was passed needs nothing. */
static void disable_interrupt(void)
{
	if (!vq.q.event_idx)
		__atomic_store_n(&AVAIL_FLAGS, VRING_AVAIL_F_NO_INTERRUPT, __ATOMIC_RELAXED);
}

static void ask(struct talk *t, unsigned int pair, u32 number)
{
	u16 head = 2 * pair;

	t->asked[pair] = number;
	t->out[pair] = true;
	memcpy(memory_at(&vq.mem, DATA + 16 * pair, 4), &number, 4);
	vq_set_desc(DESC, head, (struct vring_desc){ DATA + 16 * pair, 4, NEXT, head + 1 });
	vq_set_desc(DESC, head + 1, (struct vring_desc){ DATA + 16 * pair + 8, 4, WRITE, 0 });
	if (offer_and_look(head))
		sem_post(&t->kick);
}

/* Take what answers there are; returns how many. */
static unsigned int hear(struct talk *t)
{
	u16 idx = __atomic_load_n(&USED_IDX, __ATOMIC_ACQUIRE);
	unsigned int count;
	u32 answer;

	for (count = 0; t->used_seen != idx; t->used_seen++, count++) {
		u32 id = USED_ID(t->used_seen % TALK_SIZE), pair = id / 2;

		if (id % 2 || pair >= TALK_PAIRS || !t->out[pair]) {
			t->wrong = true;
			continue;
		}
		memcpy(&answer, memory_at(&vq.mem, DATA + 16 * pair + 8, 4), 4);
		t->wrong |= answer != ~t->asked[pair];
		t->wrong |= USED_LEN(t->used_seen % TALK_SIZE) != 4;
		t->out[pair] = false;
	}
	return count;
}

/* Wait for an answer, as a driver does: ask for the interrupt, and look again. */
static unsigned int wait_for_answers(struct talk *t)
{
	unsigned int count;

	while (!(count = hear(t))) {
		if (!enable_interrupt(t->used_seen) && !wait_for(&t->interrupt)) {
			t->late = true;
			return 0;
		}
		disable_interrupt();
	}
	return count;
}

static void *driver(void *arg)
{
	unsigned int sent = 0, answered = 0, pair = 0;
	struct talk *t = arg;

	while (answered < REQUESTS && !t->late) {
		while (sent < REQUESTS && sent - answered < TALK_PAIRS) {
			while (t->out[pair])
				pair = (pair + 1) % TALK_PAIRS;
			ask(t, pair, sent++);
		}
		answered += wait_for_answers(t);
	}
	return NULL;
}

/* ---- the device -------------------------------------------------------- */

static void reply(const struct virtq_chain *c)
{
	u32 number = 0;

	EXPECT_EQ(c->out_bytes, 4);
	EXPECT_EQ(c->in_bytes, 4);
	EXPECT_EQ(virtq_read(c, 0, &number, 4), 4);
	number = ~number;
	EXPECT_EQ(virtq_write(c, 0, &number, 4), 4);
}

/* Up to three at a time, given back from the last to the first. */
static unsigned int answer_some(struct talk *t)
{
	unsigned int i, count, most = 1 + test_random() % 3;
	u16 heads[3];

	for (count = 0; count < most && virtq_pop(&vq.q, &vq.chain) > 0; count++) {
		reply(&vq.chain);
		heads[count] = vq.chain.head;
	}
	for (i = count; i--; )
		virtq_push(&vq.q, heads[i], 4);
	if (virtq_needs_interrupt(&vq.q))
		sem_post(&t->interrupt);
	return count;
}

static void talk(bool event_idx)
{
	struct talk t = { .wrong = false };
	unsigned int count, done = 0;
	pthread_t thread;

	vq_prepare(TALK_SIZE, 0);
	vq.q.event_idx = event_idx;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	sem_init(&t.kick, 0, 0);
	sem_init(&t.interrupt, 0, 0);
	EXPECT_EQ(pthread_create(&thread, NULL, driver, &t), 0);
	while (done < REQUESTS && !vq.q.broken) {
		virtq_disable_notify(&vq.q);
		while ((count = answer_some(&t)))
			done += count;
		if (done < REQUESTS && !virtq_enable_notify(&vq.q) && !wait_for(&t.kick))
			break;
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(done, REQUESTS);
	EXPECT(!vq.q.broken);
	EXPECT(!t.wrong);
	EXPECT(!t.late);
	EXPECT_EQ(t.used_seen, (u16)REQUESTS);
	sem_destroy(&t.interrupt);
	sem_destroy(&t.kick);
	vq_end();
}

static void talk_by_flags(void)
{
	talk(false);
}

static void talk_by_events(void)
{
	talk(true);
}

/* ---- both at once ------------------------------------------------------- */

/*
 * One goes to sleep just when the other has work for it: either it sees the work,
 * or the other sees that it must be woken. The two steps run at the same time, if
 * there is a processor for each, over and over: as often as fits into a second.
 */
#define ROUNDS		100000
#define RACE_SECONDS	1

static struct {
	atomic_uint met[2];
	bool over;			/* the device's to say */
	bool wanted, seen;		/* what the driver saw */
} race;

static u64 now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void meet(unsigned int me)
{
	unsigned int n = ++race.met[me], spins = 0;

	/* To yield soon would be polite, and the two would hardly ever meet. */
	while (race.met[!me] < n) {
		if (++spins % 65536 == 0)
			sched_yield();
	}
}

static void *race_driver(void *arg)
{
	unsigned int i;

	for (i = 0; ; i++) {
		disable_interrupt();
		meet(0);
		if (race.over)
			return arg;
		race.wanted = offer_and_look(0);
		meet(0);
		meet(0);
		race.seen = enable_interrupt((u16)i);
		meet(0);
	}
}

static void race_device(void)
{
	unsigned int i, lost_chains = 0, lost_answers = 0;
	u64 end = now() + RACE_SECONDS * 1000000000ULL;
	bool more, interrupt;

	for (i = 0; ; i++) {
		virtq_disable_notify(&vq.q);
		race.over = i == ROUNDS || now() > end;
		meet(1);
		if (race.over)
			break;
		more = virtq_enable_notify(&vq.q);
		meet(1);
		lost_chains += !more && !race.wanted;
		if (virtq_pop(&vq.q, &vq.chain) != 1)
			lost_chains++;
		meet(1);
		virtq_push(&vq.q, 0, 0);
		interrupt = virtq_needs_interrupt(&vq.q);
		meet(1);
		lost_answers += !interrupt && !race.seen;
	}
	EXPECT_EQ(lost_chains, 0);
	EXPECT_EQ(lost_answers, 0);
}

static void race_to_sleep(bool event_idx)
{
	pthread_t thread;

	vq_prepare(TALK_SIZE, 0);
	vq.q.event_idx = event_idx;
	EXPECT_EQ(virtq_start(&vq.q), 0);
	vq_set_desc(DESC, 0, (struct vring_desc){ DATA, 8, 0, 0 });
	/* Past, so that only enable_interrupt() asks for one. */
	USED_EVENT = 0xffff;
	race.met[0] = 0;
	race.met[1] = 0;
	EXPECT_EQ(pthread_create(&thread, NULL, race_driver, NULL), 0);
	race_device();
	pthread_join(thread, NULL);
	vq_end();
}

static void race_by_flags(void)
{
	race_to_sleep(false);
}

static void race_by_events(void)
{
	race_to_sleep(true);
}

/* ---- a driver that changes its mind -------------------------------------- */

#define TAKEN	20000

static atomic_bool enough;

/* Between good and bad: what was checked is soon no longer so. */
static void *liar(void *arg)
{
	static const u64 addresses[] = { DATA, LOW - 8, LOW, HIGH_MEMORY_START, UINT64_MAX, TABLE };
	static const u32 lengths[] = { 1, 8, 16, 32, KIB(16), 0, UINT32_MAX };
	static const u16 flags[] = { 0, WRITE, NEXT, NEXT | WRITE, INDIRECT, INDIRECT | WRITE };
	u32 n = 1;

	while (!enough) {
		n = n * 1664525 + 1013904223;
		vq_set_desc(n >> 8 & 1 ? DESC : TABLE, n >> 9 & 3, (struct vring_desc){
			addresses[(n >> 11) % ARRAY_SIZE(addresses)],
			lengths[(n >> 14) % ARRAY_SIZE(lengths)],
			flags[(n >> 17) % ARRAY_SIZE(flags)],
			n >> 20 & 7 });
		__atomic_store_n(&AVAIL_RING(n >> 23 & 3), n >> 25 & 3, __ATOMIC_RELAXED);
		__atomic_store_n(&AVAIL_IDX, AVAIL_IDX + 1, __ATOMIC_RELEASE);
	}
	return arg;
}

/* Whatever was taken: it is whole, in RAM, and adds up. */
static void expect_sound(const struct virtq_chain *c)
{
	u64 out_bytes = 0, in_bytes = 0;
	unsigned int i;

	for (i = 0; i < c->out_count + c->in_count; i++) {
		u64 offset = (u8 *)c->iov[i].iov_base - vq.mem.host;

		EXPECT(offset < LOW + HIGH && c->iov[i].iov_len <= LOW + HIGH - offset);
		*(i < c->out_count ? &out_bytes : &in_bytes) += c->iov[i].iov_len;
	}
	EXPECT(c->out_count + c->in_count > 0 && c->out_count + c->in_count <= VIRTQ_IOV_MAX);
	EXPECT_EQ(c->out_bytes, out_bytes);
	EXPECT_EQ(c->in_bytes, in_bytes);
}

static void liar_in_the_rings(void)
{
	unsigned int taken = 0, tries = 0;
	pthread_t thread;
	u8 buf[64];

	vq_prepare(4, 0);
	vq.q.indirect = true;
	enough = false;
	EXPECT_EQ(pthread_create(&thread, NULL, liar, NULL), 0);
	while (taken < TAKEN && tries++ < 1000 * TAKEN) {
		vq.q.next_avail = __atomic_load_n(&AVAIL_IDX, __ATOMIC_RELAXED) - 1;
		vq.q.next_used = vq.q.next_avail;
		EXPECT_EQ(virtq_start(&vq.q), 0);
		if (virtq_pop(&vq.q, &vq.chain) <= 0)
			continue;
		taken++;
		expect_sound(&vq.chain);
		virtq_read(&vq.chain, 0, buf, sizeof(buf));
		virtq_write(&vq.chain, vq.chain.in_bytes / 2, buf, sizeof(buf));
		virtq_push(&vq.q, vq.chain.head, 0);
	}
	enough = true;
	pthread_join(thread, NULL);
	EXPECT_EQ(taken, TAKEN);
	vq_end();
}

static const struct test_case cases[] = {
	TEST_CASE(talk_by_flags), TEST_CASE(talk_by_events), TEST_CASE(race_by_flags),
	TEST_CASE(race_by_events), TEST_CASE(liar_in_the_rings),
};
TEST_SUITE(virtq_talk_suite, "virtq_talk", cases);
