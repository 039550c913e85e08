// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests that do what no sane one does: programs of random privileged operations in
 * all modes on one to four vCPUs, while the host sends them interrupts, moves their
 * memory and stops them (guest/fuzz_guest.h, guest/fuzz_vm.h). Each run must end as the
 * interface says, never by a failed VM entry; no memory of the VMM's changes that isn't
 * the guest's; and after each round a new guest gets its sums right. What the host
 * thinks of it is in its log.
 *
 * FUZZ_SEED is the first round's seed, from which the others' follow; FUZZ_ROUNDS and
 * FUZZ_SECONDS as lib/fuzz.h tells. A round that fails prints its seed, by which it runs
 * alone: FUZZ_SEED=SEED FUZZ_ROUNDS=1. Seeds divisible by 4 have one vCPU and no noise,
 * so they take the same course each time, but for when time is over. The kernel's log has
 * each round's seed.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "apic.h"
#include "fuzz.h"
#include "guest/fuzz_vm.h"
#include "test.h"

#define DEFAULT_ROUNDS	8
#define PROGRAMS	40	/* in a round, for all vCPUs together */
#define ROUND_SECONDS	60	/* only a hang takes so long */

/* The test's own time is that of all rounds; hangs are found in each. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	(7 * 86400)

#define NOTE(format, ...)	fprintf(stderr, "# " format "\n", ##__VA_ARGS__)

/* ---- is all well afterwards? ---------------------------------------------------- */

#define SUM_STEPS	1000

static u64 sum_of_guest;

static u64 sum(void)
{
	struct random random = { .state = 42 };
	u64 value = 0;
	u32 i;

	for (i = 0; i < SUM_STEPS; i++)
		value = (value << 7 | value >> 57) ^ random_u64(&random);
	return value;
}

static void guest_sum(void)
{
	guest_handler[0x55] = guest_count_irq;
	apic_init(true);
	GUEST_ASSERT_EQ(VECTOR_UD, guest_try("ud2", : : : "memory"));
	apic_icr(0, ICR_SELF | 0x55);
	GUEST_HALT_UNTIL(guest_count(0x55));
	WRITE_ONCE(sum_of_guest, sum());
}

static void check_host_works(void)
{
	struct vcpu *vcpu = new_guest(guest_sum, 0, 0);

	vcpu_run_to_done(vcpu);
	REQUIRE(guest_var(vcpu->vm, sum_of_guest) == sum());
	vm_close(vcpu->vm);
}

/* ---- a round -------------------------------------------------------------------- */

static void wait_a_little(struct random *random)
{
	const struct timespec time = { .tv_nsec = 50000 + random_below(random, 400000) };

	nanosleep(&time, NULL);
}

/* Halted vCPUs and endless loops go on by kicks alone. */
static void make_noise(struct fuzz_vm *fvm, bool quiet)
{
	u32 i;

	while (__atomic_load_n(&fvm->done, __ATOMIC_SEQ_CST) < fvm->vcpus) {
		for (i = 0; !quiet && i < 6; i++) {
			fuzz_noise(fvm);
			wait_a_little(&fvm->random);
		}
		wait_a_little(&fvm->random);
		for (i = 0; i < fvm->vcpus; i++)
			fuzz_kick(fvm, i);
	}
}

static void run_round(u64 seed, struct fuzz_totals *totals)
{
	struct random random = { .state = seed };
	bool quiet = seed % 4 == 0;
	u32 vcpus = quiet ? 1 : 1 + random_below(&random, FUZZ_MAX_VCPUS);
	struct fuzz_vm *fvm = fuzz_vm_create(&random, vcpus, totals);
	u32 i;

	kick_signal_init();
	fvm->programs = 1 + PROGRAMS / vcpus;
	for (i = 0; i < vcpus; i++)
		REQUIRE(!pthread_create(&fvm->vcpu[i].thread, NULL, fuzz_vcpu_thread,
					&fvm->vcpu[i]));
	make_noise(fvm, quiet);
	for (i = 0; i < vcpus; i++)
		REQUIRE(!pthread_join(fvm->vcpu[i].thread, NULL));
	fuzz_vm_close(fvm);
	check_host_works();
}

/* What the kernel reports then stands behind the seed that led to it. */
static void log_seed(u64 seed)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char text[64];
	int n;

	if (fd < 0)
		return;
	n = snprintf(text, sizeof(text), "fuzz_guest: FUZZ_SEED=%llu\n", seed);
	/* One record is one write. A host without a log has nothing to be compared with. */
	if (write(fd, text, n) < 0)
		NOTE("the kernel's log won't take the seed: %m");
	close(fd);
}

/* In a process of its own, of which nothing is left. Returns whether it passed. */
static bool fork_round(u64 seed, struct fuzz_totals *totals)
{
	const struct timespec limit = { .tv_sec = ROUND_SECONDS };
	sigset_t child_ends;
	int status;
	pid_t pid;

	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	REQUIRE_SYS(sigprocmask(SIG_BLOCK, &child_ends, NULL));
	log_seed(seed);
	pid = REQUIRE_SYS(fork());
	if (!pid) {
		run_round(seed, totals);
		_exit(0);
	}
	if (sigtimedwait(&child_ends, NULL, &limit) < 0) {
		NOTE("the round hangs");
		kill(pid, SIGKILL);
	}
	REQUIRE_SYS(waitpid(pid, &status, 0));
	if (!status)
		return true;
	NOTE("status 0x%x; again: FUZZ_SEED=%llu FUZZ_ROUNDS=1 fuzz_guest", status, seed);
	return false;
}

/* ---- all rounds ----------------------------------------------------------------- */

static void report(const struct fuzz_totals *totals, u64 rounds)
{
	static const char *const names[] = {
		"-", "IO", "MMIO", "EOI", "shutdown", "fail entry", "task switch", "undecoded",
		"memory fault",
	};
	u32 i;

	NOTE("%llu rounds, %llu programs, %llu to their end; %llu traps, %llu kicks, %llu noises",
	     rounds, totals->programs, totals->ends, totals->traps, totals->kicks,
	     totals->noises);
	NOTE("%llu times interrupted", totals->interrupted);
	for (i = 1; i < ARRAY_SIZE(names); i++)
		NOTE("%llu times %s", totals->exits[i], names[i]);
}

TEST(rounds)
{
	u64 seed = fuzz_seed(), rounds = 0;
	struct random seeds = { .state = seed };
	struct fuzz_totals *totals;

	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)totals);
	fuzz_begin(DEFAULT_ROUNDS);
	for (; fuzz_goes_on(); rounds++, seed = random_u64(&seeds))
		EXPECT_TRUE(fork_round(seed, totals));
	report(totals, rounds);
	/* Does it still reach what it is for? Not each round does. */
	if (rounds < DEFAULT_ROUNDS)
		return;
	EXPECT_LT(0, totals->ends);
	EXPECT_LT(totals->programs, totals->traps);
	EXPECT_LT(0, totals->exits[LHV_EXIT_IO]);
	EXPECT_LT(0, totals->exits[LHV_EXIT_MMIO]);
}

TEST_HARNESS_MAIN
