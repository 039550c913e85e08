// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other processes that get at the fds or at the memory; signals; how a round ends
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"
#include "fuzz.h"
#include "ioctls.h"
#include "vm.h"

/* Its exit status, or 128 and the signal. */
static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		REQUIRE(errno == EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A VM isn't for other processes, whatever fds they have. */
static bool refused(int ret)
{
	return ret == -EIO || ret == -EBADF || ret == -ENOTTY;
}

static void try_inherited(struct worker *w)
{
	struct lhv_info info;
	u32 i;

	for (i = 0; i < 4; i++) {
		REQUIRE(refused(lhv_run(pool_fd(w, KIND_VCPU))));
		REQUIRE(refused(lhv_send_msi(pool_fd(w, KIND_VM), 0xfee00000, 0x40)));
		lhv_info(pool_fd(w, KIND_DEV), &info);
		run_page_write(w);
		memory_change(w);
	}
}

/* A copy of the memory, and the same fds */
static void fork_child(struct worker *w)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return;
	if (!pid) {
		try_inherited(w);
		_exit(0);
	}
	status = wait_for(pid);
	if (status)
		FAIL("child ends with %d", status);
}

/* The same memory, so the VM is its own as well */
static void vfork_child(struct worker *w)
{
	int fd = pool_fd(w, KIND_VM), ret = 0;
	pid_t pid = vfork();

	if (pid < 0)
		return;
	if (!pid) {
		ret = syscall(SYS_ioctl, fd, LHV_VM_SEND_MSI, w->arg);
		_exit(ret < 0 && errno == EIO);
	}
	REQUIRE(wait_for(pid) == 0);
}

struct runner {
	int fd;
	u8 stack[16384] __attribute__((aligned(16)));
};

/* With the thread's own TLS: it uses nothing of libc's. */
static int run_for_ever(void *arg)
{
	const struct runner *runner = arg;
	long ret;

	do
		asm volatile("syscall"
			     : "=a"(ret)
			     : "0"(SYS_ioctl), "D"(runner->fd), "S"(LHV_VCPU_RUN), "d"(0)
			     : "rcx", "r11", "memory");
	while (!ret);
	return 0;
}

/* A process in the same memory is killed while it runs a vCPU, or waits to. */
static void kill_runner(struct worker *w)
{
	static struct runner runners[NR_WORKERS];
	struct runner *runner = &runners[w->index];
	unsigned int place;
	pid_t pid;

	runner->fd = pool_vcpu(w, &place);
	pid = clone(run_for_ever, runner->stack + sizeof(runner->stack), CLONE_VM | SIGCHLD,
		    runner);
	if (pid < 0)
		return;
	usleep(pick(w, 2000));
	kill(pid, SIGKILL);
	wait_for(pid);
}

static void signal_other(struct worker *w)
{
	struct progress *other = &w->round->progress[pick(w, NR_WORKERS)];
	int tid = READ_ONCE(other->tid);

	if (tid)
		syscall(SYS_tgkill, getpid(), tid, KICK_SIGNAL);
}

void process_change(struct worker *w)
{
	u32 what = pick(w, 10);

	doing(w, "process_change", what, 0);
	switch (what) {
	case 0:
		fork_child(w);
		break;
	case 1:
		vfork_child(w);
		break;
	case 2:
	case 3:
		kill_runner(w);
		break;
	default:
		signal_other(w);
	}
}

/* Holds the fds until there is no owner of their VMs any more. */
static void leave_heir(void)
{
	pid_t owner = getpid(), pid = fork();

	if (pid)
		_exit(0);
	while (getppid() == owner)
		pause_a_little();
	pool_close_all();
	_exit(0);
}

/* Timers go with the process that was, but not the kick that one of them just sent. */
static void block_kicks(void)
{
	sigset_t kicks;

	sigemptyset(&kicks);
	sigaddset(&kicks, KICK_SIGNAL);
	REQUIRE(!pthread_sigmask(SIG_BLOCK, &kicks, NULL));
}

void process_end(struct worker *w)
{
	switch (w->round->ending) {
	case END_EXIT:
		_exit(0);
	case END_EXEC:
		doing(w, "exec", 0, 0);
		block_kicks();
		execl("/proc/self/exe", "fuzz_ioctl", "--nothing", NULL);
		FAIL("exec: %m");
	case END_KILL:
		for (;;)
			vcpu_run_a_while(w);
	case END_HEIR:
		leave_heir();
		break;
	default:
		break;
	}
}
