/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of fuzz_ioctl.c: one process per round, whose threads share a pool of
 * fds and an arena of memory, and draw what they do from numbers of their own
 */
#ifndef LHV_FUZZ_H
#define LHV_FUZZ_H

#include <kselftest.h>
#include <lhv.h>
#include <time.h>

#include "types.h"

#define NR_WORKERS	5
#define OPS_PER_WORKER	120

/* ---- a round, and what the supervisor sees of it ------------------------------- */

/* How it ends. */
enum ending {
	END_JOIN,	/* all threads come to their end, all fds are closed */
	END_EXIT,	/* one thread ends the process while the others go on */
	END_EXEC,	/* one thread executes another program */
	END_KILL,	/* the supervisor kills it */
	END_HEIR,	/* a child that has all the fds outlives it */
	NR_ENDINGS
};

/**
 * struct progress - what a thread is doing, in memory shared with the supervisor
 * @tid:	the thread, 0 if there is none
 * @ops:	how many operations it has begun
 * @since:	when it began this one (now_ns()); 0 between them
 * @doing:	a constant string, at the same address in the supervisor
 * @args:	of the operation
 */
struct progress {
	int tid;
	u32 ops;
	u64 since;
	const char *doing;
	u64 args[2];
};

/* One for all ioctls, in the order of command.c's table; LHV_VCPU_RUN's is the last. */
#define NR_COMMANDS	18
#define NR_EXITS	(LHV_EXIT_MEMORY_FAULT + 1)

/**
 * struct tally - what all came to, in memory shared with the supervisor
 * @name:	of a command
 * @done:	how often it succeeded
 * @refused:	how often it didn't
 * @exits:	returns of LHV_VCPU_RUN by run->exit_reason, as far as that was to be read
 */
struct tally {
	const char *name[NR_COMMANDS];
	u32 done[NR_COMMANDS];
	u32 refused[NR_COMMANDS];
	u32 exits[NR_EXITS];
};

struct round {
	u64 seed;
	enum ending ending;
	bool faults;			/* inject faults, if the host can */
	u32 slowness;			/* how much longer than on the fastest all takes */
	struct progress *progress;	/* of NR_WORKERS */
	struct tally *tally;
};

/* The process of a round. Its exit status is 0, or FAIL() has said why. */
__attribute__((noreturn)) void round_run(const struct round *round);

/* ---- threads ------------------------------------------------------------------- */

#define ARG_SIZE	4096
#define DATA_SIZE	16384

struct worker {
	const struct round *round;
	unsigned int index;
	u64 random;
	struct progress *progress;
	int fault;		/* lib/fault.h, or -1 */
	timer_t timer;		/* takes the thread out of its runs */
	/* Below 4 GiB, for calls of 32-bit programs; nobody else's. */
	u8 *arg;
	u8 *data;
};

u32 draw32(struct worker *w);

/* 0 to @n - 1 */
static inline u32 pick(struct worker *w, u32 n)
{
	return draw32(w) % n;
}

/* One time in @n */
static inline bool one_in(struct worker *w, u32 n)
{
	return !pick(w, n);
}

void doing(struct worker *w, const char *what, u64 arg0, u64 arg1);

/* ---- pool.c: fds --------------------------------------------------------------- */

enum kind { KIND_DEV, KIND_VM, KIND_VCPU, KIND_WRONG, NR_KINDS };

/* The pool's are below, the fuzzer's own are above. */
#define POOL_FDS	150
#define OWN_FDS		200

/* An fd out of the way of the pool's. */
int own_fd(int fd);

void pool_init(void);
/* Most often of this kind; may be -1 or closed already. */
int pool_fd(struct worker *w, enum kind kind);
/* Its place for a vCPU's run page comes with it. */
int pool_vcpu(struct worker *w, unsigned int *place);
/* Takes the fd, in place of another one. Returns the place. */
unsigned int pool_put(struct worker *w, enum kind kind, int fd);
void pool_close_all(void);
/* Close, replace, copy, send or receive one. */
void pool_change(struct worker *w);

/* ---- memory.c: what slots and pointers point to ---------------------------------- */

/* In parts of 2 MiB. The last but one has the run pages. */
#define ARENA		0x60000000UL
#define ARENA_PARTS	8
#define ARENA_BYTES	(ARENA_PARTS * MIB(2))
#define ARENA_PART(n)	(ARENA + (n) * MIB(2))
#define RUN_PAGE(place)	(ARENA_PART(6) + (place) * GUEST_PAGE)

void memory_init(void);
/* Map, unmap, protect, move, truncate, advise. */
void memory_change(struct worker *w);
/* A page of the arena; of @pages in a row the first */
u64 arena_page(struct worker *w, u32 pages);
/* For the kernel to read or write at: most often the arena. */
u64 any_pointer(struct worker *w);
/* -EFAULT instead of a signal */
int poke(u64 address, const void *data, size_t length);
int peek(u64 address, void *data, size_t length);

/* ---- vcpu.c: guests, and running them -------------------------------------------- */

/* Of the workers: struct worker */
#define BUFFERS		(ARENA - MIB(4))

/* The code that all guests have in common, where slot 0 is. */
#define CODE_AREA	(ARENA - MIB(2))
#define CODE_BYTES	KIB(64)

void guests_init(void);
void vm_fill(struct worker *w, int vm);
void vcpu_boot(struct worker *w, int fd);
void vcpu_run_a_while(struct worker *w);
void run_page_write(struct worker *w);
void run_page_map(struct worker *w, int fd, unsigned int place);

/* ---- command.c: ioctls ------------------------------------------------------------ */

/* One of all, with what it needs or something else; checks what it returns. */
void command_any(struct worker *w);
/* Of LHV_VCPU_RUN: fails if the errno isn't one that the interface names. */
void run_check(struct worker *w, int ret);

/* ---- process.c -------------------------------------------------------------------- */

void process_change(struct worker *w);
/* The end of the round, other than by its threads' */
void process_end(struct worker *w);

#endif /* LHV_FUZZ_H */
