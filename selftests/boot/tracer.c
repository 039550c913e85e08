// SPDX-License-Identifier: GPL-2.0-only
/*
 * tracer kill N -- CMD...	runs CMD and kills it at its Nth entry to or exit
 *				from a system call; status 1, and the number of them,
 *				if it ended before
 * tracer disturb PID		stops and steps each thread, and lets all go
 * tracer ask PID KIB		finds the mailbox (payload.S) in the mapping of that
 *				size, asks and reads the answer, and stops a vCPU's
 *				thread by a watchpoint on its run page
 * tracer hold PID		holds all threads stopped, says so, and waits
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/uapi/lhv.h"

#define MAX_THREADS	64
#define STEPS		40		/* of each kind, for each thread */
#define QUESTION	0x600dcafe
#define ANSWER		(~QUESTION & UINT32_MAX)
#define OPCODE_SYSCALL	0x050f
/* include/linux/errno.h: what only tracers see */
#define ERESTARTSYS		512
#define ERESTART_RESTARTBLOCK	516

/* DR7: breakpoint 0 in this task, at reads and writes of 4 bytes (SDM 3B 18.2.4). */
#define WATCH_4_BYTES	(1 | 3 << 16 | 3 << 18)

static pid_t threads[MAX_THREADS];
static int thread_count;

static void fail(const char *what)
{
	fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
	exit(2);
}

static long trace(enum __ptrace_request request, pid_t tid, uintptr_t address, uintptr_t data)
{
	long ret;

	errno = 0;		/* what is peeked may be -1 */
	ret = ptrace(request, tid, address, data);
	if (ret < 0 && errno) {
		fprintf(stderr, "tracer: ptrace request %d: %s\n", request, strerror(errno));
		exit(2);
	}
	return ret;
}

/* ---- kill -------------------------------------------------------------- */

/* The signal that a stop was for, and that is to be passed on. */
static int signal_of(int status)
{
	int sig = WSTOPSIG(status) & ~0x80;

	/* New threads of a traced process begin with SIGSTOP. */
	return status >> 16 || sig == SIGTRAP || sig == SIGSTOP ? 0 : sig;
}

static int kill_at(long n, char **argv)
{
	long seen = 0;
	int status;
	pid_t pid, tid;

	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("fork");
	trace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE);
	trace(PTRACE_SYSCALL, pid, 0, 0);
	for (;;) {
		tid = waitpid(-1, &status, __WALL);
		if (tid < 0)
			fail("wait");
		if (tid == pid && WIFEXITED(status)) {
			printf("%ld\n", seen);
			return 1;
		}
		if (tid == pid && WIFSIGNALED(status))
			return WTERMSIG(status) == SIGKILL && seen >= n ? 0 : 2;
		if (!WIFSTOPPED(status))
			continue;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80) && ++seen == n)
			kill(pid, SIGKILL);
		/* A thread may have gone meanwhile. */
		ptrace(PTRACE_SYSCALL, tid, 0, signal_of(status));
	}
}

/* ---- a machine that runs ----------------------------------------------- */

static void seize(const char *pid)
{
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/task", pid);
	dir = opendir(path);
	if (!dir)
		fail(path);
	while ((entry = readdir(dir)) && thread_count < MAX_THREADS) {
		if (entry->d_name[0] == '.')
			continue;
		threads[thread_count] = atoi(entry->d_name);
		trace(PTRACE_SEIZE, threads[thread_count++], 0, PTRACE_O_TRACESYSGOOD);
	}
	closedir(dir);
}

static int wait_for_stop(pid_t tid)
{
	int status;

	if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
		fail("a thread is gone");
	return status;
}

static int interrupt(pid_t tid)
{
	trace(PTRACE_INTERRUPT, tid, 0, 0);
	return wait_for_stop(tid);
}

/*
 * Lets it go, with a signal, and stops it if it doesn't by itself: a vCPU that runs
 * its guest. Returns the signal for the next time.
 */
static int go_and_stop(enum __ptrace_request how, pid_t tid, int sig)
{
	int status, i;

	trace(how, tid, 0, sig);
	for (i = 0; i < 10; i++) {
		if (waitpid(tid, &status, __WALL | WNOHANG) == tid)
			return signal_of(status);
		usleep(1000);
	}
	/* Should it have stopped by now, the interruption is seen the next time. */
	return signal_of(interrupt(tid));
}

/*
 * Not over SYSCALL: the emulator then raises #DB before the kernel's first instruction.
 * A call that was interrupted is one, too: the kernel goes back to it.
 */
static enum __ptrace_request step_over(pid_t tid)
{
	struct user_regs_struct regs;

	trace(PTRACE_GETREGS, tid, 0, (uintptr_t)&regs);
	if ((long)regs.orig_rax >= 0 && (long)regs.rax >= -ERESTART_RESTARTBLOCK &&
	    (long)regs.rax <= -ERESTARTSYS)
		return PTRACE_SYSCALL;
	if ((trace(PTRACE_PEEKTEXT, tid, regs.rip, 0) & 0xffff) == OPCODE_SYSCALL)
		return PTRACE_SYSCALL;
	return PTRACE_SINGLESTEP;
}

static void disturb_thread(pid_t tid)
{
	int sig = signal_of(interrupt(tid)), step;

	for (step = 0; step < STEPS; step++)
		sig = go_and_stop(step_over(tid), tid, sig);
	for (step = 0; step < STEPS; step++)
		sig = go_and_stop(PTRACE_SYSCALL, tid, sig);
	trace(PTRACE_DETACH, tid, 0, sig);
}

static int disturb(void)
{
	int i;

	for (i = 0; i < thread_count; i++)
		disturb_thread(threads[i]);
	printf("disturbed %d threads\n", thread_count);
	return 0;
}

static int hold(void)
{
	int i;

	for (i = 0; i < thread_count; i++)
		interrupt(threads[i]);
	puts("held");
	fflush(stdout);
	return pause();
}

/* ---- its memory -------------------------------------------------------- */

/* The first mapping of @bytes, or if that is 0 the first whose line has @name. */
static uintptr_t find_mapping(const char *pid, size_t bytes, const char *name)
{
	uintptr_t start, end, found = 0;
	char path[64], line[512];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "r");
	if (!maps)
		fail(path);
	while (!found && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) == 2 &&
		    (bytes ? end - start == bytes : !!strstr(line, name)))
			found = start;
	fclose(maps);
	if (!found) {
		fprintf(stderr, "tracer: no such mapping: %zu %s\n", bytes, name);
		exit(2);
	}
	return found;
}

/* Multiboot payloads are loaded at 1 MiB. */
static uintptr_t find_mailbox(uintptr_t memory)
{
	uintptr_t address;

	for (address = memory + 0x100000; address < memory + 0x101000; address += 8) {
		uint64_t word = trace(PTRACE_PEEKDATA, threads[0], address, 0);

		if (!memcmp(&word, "mailbox:", 8))
			return address + 8;
	}
	fprintf(stderr, "tracer: there is no mailbox\n");
	exit(2);
}

static pid_t find_thread(const char *name)
{
	char path[64], comm[32];
	FILE *file;
	int i;

	for (i = 0; i < thread_count; i++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", threads[i]);
		file = fopen(path, "r");
		if (!file || !fgets(comm, sizeof(comm), file))
			fail(path);
		fclose(file);
		if (!strncmp(comm, name, strlen(name)))
			return threads[i];
	}
	fprintf(stderr, "tracer: no thread is called %s\n", name);
	exit(2);
}

/* @tid is a vCPU's thread, which touches the run page after each exit. */
static void watch(pid_t tid, uintptr_t run_page)
{
	uintptr_t reg = offsetof(struct user, u_debugreg);
	siginfo_t info;
	int i, status;

	trace(PTRACE_POKEUSER, tid, reg, run_page + offsetof(struct lhv_run, exit_reason));
	trace(PTRACE_POKEUSER, tid, reg + 7 * sizeof(long), WATCH_4_BYTES);
	for (i = 0; i < STEPS; i++) {
		trace(PTRACE_CONT, tid, 0, 0);
		status = wait_for_stop(tid);
		trace(PTRACE_GETSIGINFO, tid, 0, (uintptr_t)&info);
		if (WSTOPSIG(status) != SIGTRAP || info.si_code != TRAP_HWBKPT) {
			fprintf(stderr, "tracer: not stopped by the watchpoint: %#x\n", status);
			exit(1);
		}
	}
	trace(PTRACE_POKEUSER, tid, reg + 7 * sizeof(long), 0);
	printf("watched %d times\n", i);
}

static int ask(const char *pid, size_t bytes)
{
	uintptr_t memory = find_mapping(pid, bytes, "");
	uintptr_t run_page = find_mapping(pid, 0, "lhv-run");
	pid_t vcpu = find_thread("vcpu0");
	uintptr_t mailbox;

	interrupt(threads[0]);
	interrupt(vcpu);
	watch(vcpu, run_page);
	mailbox = find_mailbox(memory);
	trace(PTRACE_POKEDATA, threads[0], mailbox, QUESTION);
	trace(PTRACE_CONT, vcpu, 0, 0);
	while ((uint64_t)trace(PTRACE_PEEKDATA, threads[0], mailbox, 0) >> 32 != ANSWER)
		usleep(1000);
	puts("answered");
	/* The guest resets once it sees this, and needs all of its hvctl for that. */
	trace(PTRACE_POKEDATA, threads[0], mailbox, (uintptr_t)ANSWER << 32);
	trace(PTRACE_DETACH, threads[0], 0, 0);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 4 && !strcmp(argv[1], "kill"))
		return kill_at(atol(argv[2]), argv + 4);
	if (argc < 3)
		return 2;
	seize(argv[2]);
	if (!strcmp(argv[1], "disturb"))
		return disturb();
	if (!strcmp(argv[1], "hold"))
		return hold();
	if (!strcmp(argv[1], "ask") && argc > 3)
		return ask(argv[2], strtoul(argv[3], NULL, 10) * 1024);
	return 2;
}
