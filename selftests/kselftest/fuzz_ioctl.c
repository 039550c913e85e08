// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile caller: several threads share fds of the module and of others, and
 * memory, and do at random what a program may do, right or wrong, all at once:
 * ioctls with structs that are damaged, moved away or changed meanwhile; close, dup,
 * SCM_RIGHTS, fork, exec; runs of guests whose slots, memory and run page change; and
 * kernel faults where the host can inject them. Afterwards each call has returned what
 * include/uapi/lhv.h says, nothing hangs, bystanders' VMs and memory are as they were,
 * and nobody holds the module. The rest is for the kernel's checkers to find.
 *
 * FUZZ_SEED, FUZZ_ROUNDS and FUZZ_SECONDS as lib/fuzz.h tells. A round's seed is
 * FUZZ_SEED + the number of rounds before it, so that one that failed is run again by
 * FUZZ_SEED=its FUZZ_ROUNDS=1. What each thread does depends on
 * its seed alone; in which order the threads do it is up to the scheduler.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest.h>

#include "fault.h"
#include "fuzz.h"
#include "fuzz_ioctl/canary.h"
#include "fuzz_ioctl/fuzz.h"
#include "vm.h"

#define ROUNDS		12
/* Where faults can be injected there are other checkers too. */
#define ROUNDS_DEBUG	4
#define SLOWNESS_DEBUG	8
#define NR_CANARIES	2

/* An operation that takes longer hangs. The slowest host needs about one. */
#define HANG_SECONDS	60
#define SECOND		1000000000ULL

/* How often to look at a process that runs */
#define POLL_USEC	2000

static const char * const ending_names[NR_ENDINGS] = {
	[END_JOIN] = "all threads end", [END_EXIT] = "exit", [END_EXEC] = "exec",
	[END_KILL] = "kill", [END_HEIR] = "fds outlive the process",
};

static void *shared_memory(size_t bytes)
{
	return REQUIRE_SYS(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				-1, 0));
}

/* ---- hangs ------------------------------------------------------------------------ */

static bool hangs(const struct round *round)
{
	u64 now = now_ns(), since;
	int i;

	for (i = 0; i < NR_WORKERS; i++) {
		since = READ_ONCE(round->progress[i].since);
		if (since && now > since + HANG_SECONDS * SECOND)
			return true;
	}
	return false;
}

static void print_file(pid_t pid, int tid, const char *name)
{
	char path[64], text[2048];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, name);
	file = fopen(path, "r");
	if (!file)
		return;
	while (fgets(text, sizeof(text), file))
		printf("#     %s: %s%s", name, text, strchr(text, '\n') ? "" : "\n");
	fclose(file);
}

static void report_hang(const struct round *round, pid_t pid)
{
	const struct progress *progress;
	u64 now = now_ns();
	int i;

	for (i = 0; i < NR_WORKERS; i++) {
		progress = &round->progress[i];
		printf("# thread %d: operation %u, %s(0x%llx, 0x%llx), for %llu ms\n", i,
		       progress->ops, progress->doing ? progress->doing : "-", progress->args[0],
		       progress->args[1],
		       progress->since ? (now - progress->since) / 1000000 : 0);
		print_file(pid, progress->tid, "wchan");
		print_file(pid, progress->tid, "stack");
	}
	fflush(stdout);
}

/* ---- a round ---------------------------------------------------------------------- */

static u32 ops_done(const struct round *round)
{
	u32 i, sum = 0;

	for (i = 0; i < NR_WORKERS; i++)
		sum += READ_ONCE(round->progress[i].ops);
	return sum;
}

/* From outside: stop it and let it go on; or kill it, when the seed says so. */
static void disturb(const struct round *round, pid_t pid)
{
	static u32 last;
	u32 done = ops_done(round);

	if (done == last)
		return;
	last = done;
	if (round->ending == END_KILL && done >= round->seed * 37 % (NR_WORKERS * OPS_PER_WORKER))
		kill(pid, SIGKILL);
	if (done % 16 == 5) {
		kill(pid, SIGSTOP);
		pause_a_little();
		kill(pid, SIGCONT);
	}
	/* The next program has no handler. */
	if (done % 16 == 11 && round->ending != END_EXEC)
		kill(pid, KICK_SIGNAL);
}

static bool ended_well(const struct round *round, int status)
{
	if (WIFEXITED(status))
		return !WEXITSTATUS(status);
	return WTERMSIG(status) == SIGKILL && round->ending == END_KILL;
}

static bool wait_for_process(const struct round *round, pid_t pid)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) != pid) {
		if (hangs(round)) {
			report_hang(round, pid);
			return false;
		}
		usleep(POLL_USEC);
		disturb(round, pid);
	}
	if (!ended_well(round, status))
		printf("# the process ended with status 0x%x\n", status);
	return ended_well(round, status);
}

/* Those that it left, which are this process' children now; heirs end by themselves. */
static bool wait_for_group(const struct round *round, pid_t group)
{
	u64 patience = now_ns() + (round->ending == END_HEIR ? SECOND / 5 : 0);
	u64 end = now_ns() + HANG_SECONDS * SECOND;
	bool ok = true;
	int status;
	pid_t pid;

	while ((pid = waitpid(-group, &status, WNOHANG)) >= 0) {
		if (pid && WIFEXITED(status) && WEXITSTATUS(status))
			ok = false;
		if (!pid && now_ns() > patience)
			kill(-group, SIGKILL);
		if (!pid && now_ns() > end) {
			printf("# processes of group %d can't be killed\n", group);
			return false;
		}
		if (!pid)
			usleep(POLL_USEC);
	}
	return ok;
}

static bool run_round(struct round *round)
{
	pid_t pid;
	bool ok;

	memset(round->progress, 0, NR_WORKERS * sizeof(*round->progress));
	round->ending = round->seed % NR_ENDINGS;
	round->faults = fault_injection() && round->seed % 3 == 0;
	round->slowness = fault_injection() ? SLOWNESS_DEBUG : 1;
	printf("# seed %llu: %s%s\n", round->seed, ending_names[round->ending],
	       round->faults ? ", with faults" : "");
	fflush(stdout);
	pid = REQUIRE_SYS(fork());
	if (!pid) {
		setpgid(0, 0);
		round_run(round);
	}
	setpgid(pid, pid);
	ok = wait_for_process(round, pid);
	return wait_for_group(round, pid) && ok;
}

static u32 default_rounds(void)
{
	return fault_injection() ? ROUNDS_DEBUG : ROUNDS;
}

/* Returns the number of rounds that went wrong. */
static u32 run_rounds(struct round *round, const struct canary *canaries, bool *canaries_ok)
{
	u64 first = round->seed;
	u32 failed = 0, i;

	for (fuzz_begin(default_rounds()); fuzz_goes_on(); round->seed++) {
		if (!run_round(round)) {
			printf("# again: FUZZ_SEED=%llu FUZZ_ROUNDS=1\n", round->seed);
			failed++;
		}
		for (i = 0; i < NR_CANARIES && *canaries_ok; i++)
			*canaries_ok = canary_check(&canaries[i]);
	}
	printf("# %llu rounds\n", round->seed - first);
	return failed;
}

/* Was there anything that never came to pass? Then this tests less than it says. */
static bool all_seen(const struct tally *tally)
{
	bool all = true, can;
	const char *name;
	u32 i;

	for (i = 0; i < NR_COMMANDS; i++) {
		name = tally->name[i] ? tally->name[i] : "?";
		printf("# %s: %u done, %u refused\n", name, tally->done[i], tally->refused[i]);
		/* There is no record of a VM that can be set. */
		can = strcmp(name, "LHV_VM_SET_STATE");
		all &= tally->refused[i] && !tally->done[i] != can;
	}
	for (i = LHV_EXIT_IO; i < NR_EXITS; i++)
		printf("# exit %u: %u\n", i, tally->exits[i]);
	return all && tally->exits[LHV_EXIT_IO] && tally->exits[LHV_EXIT_MMIO];
}

/* ---- what must be as before --------------------------------------------------------- */

static long module_users(void)
{
	char text[32] = "";
	int fd = REQUIRE_SYS(open("/sys/module/lhv/refcnt", O_RDONLY | O_CLOEXEC));

	REQUIRE_SYS(read(fd, text, sizeof(text) - 1));
	close(fd);
	return atol(text);
}

static int count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int n = 0;

	REQUIRE(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

int main(int argc, char **argv)
{
	struct canary canaries[NR_CANARIES];
	struct round round = { .seed = fuzz_seed() };
	long users;
	int i, fds;
	bool ok = true;

	/* The exec of a round */
	if (argc > 1 && !strcmp(argv[1], "--nothing"))
		return 0;
	ksft_print_header();
	ksft_set_plan(5);
	if (fault_injection())
		fault_prepare_host();
	kick_signal_init();
	REQUIRE_SYS(prctl(PR_SET_CHILD_SUBREAPER, 1));
	round.progress = shared_memory(NR_WORKERS * sizeof(*round.progress));
	round.tally = shared_memory(sizeof(*round.tally));
	users = module_users();
	fds = count_fds();
	for (i = 0; i < NR_CANARIES; i++)
		canary_start(&canaries[i]);
	ksft_test_result(!run_rounds(&round, canaries, &ok), "rounds\n");
	if (round.seed - fuzz_seed() < ROUNDS)
		ksft_test_result_skip("each command succeeds and fails\n");
	else
		ksft_test_result(all_seen(round.tally), "each command succeeds and fails\n");
	ksft_test_result(ok, "bystanders\n");
	for (i = 0; i < NR_CANARIES; i++)
		canary_end(&canaries[i]);
	ksft_test_result(count_fds() == fds, "fds\n");
	/* What goes in the end goes some time after its fd. */
	WAIT_UNTIL(module_users() <= users);
	ksft_test_result(module_users() == users, "module is free\n");
	ksft_finished();
}
