// SPDX-License-Identifier: GPL-2.0-only
/*
 * VMs and vCPUs come and go: in every order, many of them, while they run, and
 * with the process that owned them
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "apic.h"
#include "pass_fd.h"
#include "test.h"

static u64 running;

/* Tells the host that it runs, and goes on for ever. */
static void guest_spin(void)
{
	for (;;)
		WRITE_ONCE(running, running + 1);
}

static void guest_nothing(void)
{
}

static void guest_enable_apic(void)
{
	guest_handler[0x50] = guest_count_irq;
	apic_init(false);
	irq_enable();
	cpuid(0, 0);
	irq_disable();
}

static void *run_for_ever(void *vcpu)
{
	int fd = ((struct vcpu *)vcpu)->fd;
	int ret;

	do
		ret = lhv_run(fd);
	while (!ret);
	return (void *)(intptr_t)ret;
}

/*
 * Three things hold a VM with one vCPU: its two fds and the run page's mapping.
 * Whichever goes first, what is left works on, and all of it goes in the end.
 */
enum { CLOSE_VM, CLOSE_VCPU, UNMAP, NR_STEPS };

static const int orders[][NR_STEPS] = {
	{ CLOSE_VM, CLOSE_VCPU, UNMAP },
	{ CLOSE_VM, UNMAP, CLOSE_VCPU },
	{ CLOSE_VCPU, CLOSE_VM, UNMAP },
	{ CLOSE_VCPU, UNMAP, CLOSE_VM },
	{ UNMAP, CLOSE_VM, CLOSE_VCPU },
	{ UNMAP, CLOSE_VCPU, CLOSE_VM },
};

static void close_in_order(const int *order)
{
	struct vcpu *vcpu = new_guest(guest_nothing, 0, 0);
	bool gone[NR_STEPS] = { };
	struct vm *vm = vcpu->vm;
	int i;

	for (i = 0; i < NR_STEPS; i++) {
		if (order[i] == CLOSE_VM)
			close(vm->fd);
		else if (order[i] == CLOSE_VCPU)
			close(vcpu->fd);
		else
			munmap(vcpu->run, vm->run_size);
		gone[order[i]] = true;
		if (!gone[UNMAP])
			WRITE_ONCE(vcpu->run->reserved0[0], i);
		if (!gone[UNMAP] && !gone[CLOSE_VCPU])
			vcpu_run_to_done(vcpu);
		else if (!gone[CLOSE_VCPU])
			REQUIRE_OK(lhv_run(vcpu->fd));
		if (!gone[CLOSE_VM])
			vm_stat(vm, LHV_VM_STAT_MSIS);
	}
	munmap(vm->memory, vm->bytes);
}

TEST(close_orders)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++)
		close_in_order(orders[i]);
}

/* The run page's mapping doesn't keep the vCPU: its id can be used again. */
TEST(mapping_holds_nothing)
{
	struct vcpu *vcpu = new_guest(guest_nothing, 0, 0);
	struct vm *vm = vcpu->vm;
	int again;

	vcpu_run_to_done(vcpu);
	ASSERT_EQ(0, close(vcpu->fd));
	again = lhv_create_vcpu(vm->fd, 0);
	EXPECT_LE(0, again);
	/* The page itself is still there, as it was. */
	EXPECT_EQ(LHV_EXIT_IO, READ_ONCE(vcpu->run->exit_reason));
	WRITE_ONCE(vcpu->run->exit_reason, LHV_EXIT_NONE);
	close(vm->fd);
	close(again);
	WRITE_ONCE(vcpu->run->reserved0[0], 1);
	munmap(vcpu->run, vm->run_size);
	munmap(vm->memory, vm->bytes);
}

TEST(memory_unmapped_before_vm_is_closed)
{
	struct vcpu *vcpu = new_guest(guest_nothing, 0, 0);

	vcpu_run_to_done(vcpu);
	munmap(vcpu->vm->memory, vcpu->vm->bytes);
	vcpu->vm->memory = NULL;
	vm_close(vcpu->vm);
}

TEST(dup_holds)
{
	struct vcpu *vcpu = new_guest(guest_nothing, 0, 0);
	int fd = dup(vcpu->fd);

	ASSERT_LE(0, fd);
	close(vcpu->fd);
	EXPECT_EQ(-EEXIST, lhv_create_vcpu(vcpu->vm->fd, 0));
	vcpu->fd = fd;
	vcpu_run_to_done(vcpu);
	vm_close(vcpu->vm);
}

/* A vCPU's id, and nothing else of it, lives on in its successor. */
TEST(vcpu_destroyed_and_made_again)
{
	struct vm *vm = vm_create();
	struct lhv_regs regs;
	struct vcpu *vcpu;
	int i;

	vcpu_create(vm, 0);
	for (i = 0; i < 20; i++) {
		vcpu = vcpu_create(vm, 1);
		vcpu_get_regs(vcpu, &regs);
		EXPECT_EQ(0xfff0, regs.rip);
		EXPECT_EQ(0, regs.rdi);
		EXPECT_EQ(0, vcpu_stat(vcpu, LHV_VCPU_STAT_EXITS));
		vcpu_set_long(vcpu, guest_nothing, 1, 2);
		vcpu_run_to_done(vcpu);
		EXPECT_NE(0, vcpu_stat(vcpu, LHV_VCPU_STAT_EXITS));
		vcpu_close(vcpu);
	}
	vm_close(vm);
}

TEST(vcpu_destroyed_while_another_runs)
{
	struct vm *vm = vm_create();
	struct vcpu *runner = vcpu_start(vm, 0, guest_spin, 0, 0);
	struct vcpu *vcpu;
	pthread_t thread;
	void *ret;
	u64 seen;
	int i;

	kick_signal_init();
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_for_ever, runner));
	for (i = 0; i < 10; i++) {
		vcpu = vcpu_start(vm, 1, guest_nothing, 0, 0);
		vcpu_run_to_done(vcpu);
		vcpu_close(vcpu);
		seen = guest_var(vm, running);
		WAIT_UNTIL(guest_var(vm, running) != seen);
	}
	runner->run->immediate_exit = 1;
	pthread_kill(thread, KICK_SIGNAL);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(-EINTR, (intptr_t)ret);
	vm_close(vm);
}

static void *send_messages(void *arg)
{
	struct vm *vm = arg;
	u32 i;

	for (i = 0; READ_ONCE(running) || i < 100; i++)
		REQUIRE_OK(lhv_send_msi(vm->fd, i % 2 ? MSI_ADDRESS(1) : MSI_ADDRESS(0xff), 0x50));
	return NULL;
}

TEST(vcpu_destroyed_while_messages_come)
{
	struct vm *vm = vm_create();
	pthread_t thread;
	int i;

	vcpu_create(vm, 0);
	WRITE_ONCE(running, 1);
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_messages, vm));
	for (i = 0; i < 50; i++) {
		struct vcpu *vcpu = vcpu_start(vm, 1, guest_enable_apic, 0, 0);

		vcpu_run_to_done(vcpu);
		vcpu_close(vcpu);
	}
	WRITE_ONCE(running, 0);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	vm_close(vm);
}

TEST(many_vcpus)
{
	int dev = dev_open();
	int vm = REQUIRE_OK(lhv_create_vm(dev));
	unsigned int i;
	int fd[256];

	for (i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = lhv_create_vcpu(vm, i);
		ASSERT_LE(0, fd[i]);
	}
	for (i = 0; i < ARRAY_SIZE(fd); i += 2)
		close(fd[i]);
	for (i = 0; i < ARRAY_SIZE(fd); i += 2) {
		fd[i] = lhv_create_vcpu(vm, i);
		ASSERT_LE(0, fd[i]);
	}
	close(vm);
	for (i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
}

TEST(many_vms_at_once)
{
	struct vcpu *vcpu[10];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vcpu); i++)
		vcpu[i] = new_guest(guest_nothing, 0, 0);
	for (i = 0; i < ARRAY_SIZE(vcpu); i++)
		vcpu_run_to_done(vcpu[i]);
	for (i = 0; i < ARRAY_SIZE(vcpu); i++)
		vm_close(vcpu[(i * 7) % ARRAY_SIZE(vcpu)]->vm);
}

TEST(vm_after_vm)
{
	int i;

	for (i = 0; i < 20; i++)
		run_guest(guest_nothing, 0, 0);
}

/* A close by another thread: the run ioctl holds the file until it returns. */
TEST(closed_while_it_runs)
{
	struct vcpu *vcpu = new_guest(guest_spin, 0, 0);
	struct vm *vm = vcpu->vm;
	pthread_t thread;
	void *ret;
	u64 seen;

	kick_signal_init();
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_for_ever, vcpu));
	WAIT_UNTIL(guest_var(vm, running));
	close(vcpu->fd);
	close(vm->fd);
	seen = guest_var(vm, running);
	WAIT_UNTIL(guest_var(vm, running) != seen);
	vcpu->run->immediate_exit = 1;
	pthread_kill(thread, KICK_SIGNAL);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	/* After its fd went the last reference, with a run, has gone as well. */
	EXPECT_TRUE((intptr_t)ret == -EINTR || (intptr_t)ret == -EBADF);
}

/* On its way, a vCPU's fd keeps it; who gets it in another process can't use it. */
TEST(passed_over_a_socket)
{
	struct vcpu *vcpu = new_guest(guest_nothing, 0, 0);
	int sockets[2], status;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	REQUIRE_OK(send_fd(sockets[0], vcpu->fd));
	close(vcpu->fd);
	EXPECT_EQ(-EEXIST, lhv_create_vcpu(vcpu->vm->fd, 0));
	vcpu->fd = REQUIRE_OK(receive_fd(sockets[1]));
	vcpu_run_to_done(vcpu);

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(lhv_run(REQUIRE_OK(receive_fd(sockets[1]))) != -EIO);
	REQUIRE_OK(send_fd(sockets[0], vcpu->fd));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	vcpu_run_to_done(vcpu);
	vm_close(vcpu->vm);
}

/* The owner runs a guest; the parent holds copies of its fds and ends it. */
static pid_t owner_start(int sockets[2])
{
	char go;
	pid_t pid;

	REQUIRE_SYS(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	pid = REQUIRE_SYS(fork());
	if (!pid) {
		struct vcpu *vcpu = new_guest(guest_spin, 0, 0);
		pthread_t thread;

		REQUIRE_OK(send_fd(sockets[1], vcpu->vm->fd));
		REQUIRE_OK(send_fd(sockets[1], vcpu->fd));
		REQUIRE(!pthread_create(&thread, NULL, run_for_ever, vcpu));
		WAIT_UNTIL(guest_var(vcpu->vm, running));
		REQUIRE_SYS(write(sockets[1], "r", 1));
		REQUIRE_SYS(read(sockets[1], &go, 1));
		/* From all its threads, while the guest runs */
		execl("/proc/self/exe", "lifecycle", "--nothing", NULL);
		_exit(1);
	}
	return pid;
}

/* What is left of a VM whose owner is gone can be closed, and nothing else. */
static void check_orphans(struct __test_metadata *_metadata, int vm, int vcpu)
{
	struct lhv_regs regs;

	EXPECT_EQ(-EIO, lhv_run(vcpu));
	EXPECT_EQ(-EIO, lhv_get_state(vcpu, LHV_STATE_REGS, &regs, sizeof(regs)));
	EXPECT_EQ(-EIO, lhv_create_vcpu(vm, 1));
	EXPECT_EQ(0, close(vm));
	EXPECT_EQ(0, close(vcpu));
}

TEST(owner_killed)
{
	int sockets[2], vm, vcpu, status;
	pid_t pid = owner_start(sockets);
	char byte;

	vm = REQUIRE_OK(receive_fd(sockets[0]));
	vcpu = REQUIRE_OK(receive_fd(sockets[0]));
	ASSERT_EQ(1, read(sockets[0], &byte, 1));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	check_orphans(_metadata, vm, vcpu);
}

TEST(owner_execs)
{
	int sockets[2], vm, vcpu, status;
	pid_t pid = owner_start(sockets);
	char byte;

	vm = REQUIRE_OK(receive_fd(sockets[0]));
	vcpu = REQUIRE_OK(receive_fd(sockets[0]));
	ASSERT_EQ(1, read(sockets[0], &byte, 1));
	ASSERT_EQ(1, write(sockets[0], "g", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	check_orphans(_metadata, vm, vcpu);
}

/* Killed with nobody else holding on to anything. */
TEST(owner_killed_alone)
{
	int sockets[2], status, i;
	pid_t pid = owner_start(sockets);
	char byte;

	/* Read without room for them, the fds are dropped. */
	for (i = 0; i < 3; i++)
		ASSERT_EQ(1, read(sockets[0], &byte, 1));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
}

static int get_regs(void *vcpu)
{
	struct lhv_regs regs;

	return lhv_get_state(((struct vcpu *)vcpu)->fd, LHV_STATE_REGS, &regs, sizeof(regs));
}

/* As /proc has it: D is waiting for an event, whether or not it can be killed. */
static bool task_waits(pid_t pid)
{
	char path[64], text[512] = "";
	const char *name_end;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = REQUIRE_SYS(open(path, O_RDONLY));
	REQUIRE_SYS(read(fd, text, sizeof(text) - 1));
	close(fd);
	name_end = strrchr(text, ')');
	return name_end && name_end[2] == 'D';
}

/* Another process in the same memory, so that it ends without the one that runs. */
TEST(killed_while_it_waits_for_a_run)
{
	static u8 stack[64 * 1024] __attribute__((aligned(16)));
	struct vcpu *vcpu = new_guest(guest_spin, 0, 0);
	pthread_t thread;
	int status;
	pid_t pid;

	kick_signal_init();
	ASSERT_EQ(0, pthread_create(&thread, NULL, run_for_ever, vcpu));
	WAIT_UNTIL(guest_var(vcpu->vm, running));
	pid = clone(get_regs, stack + sizeof(stack), CLONE_VM | SIGCHLD, vcpu);
	ASSERT_LT(0, pid);
	WAIT_UNTIL(task_waits(pid));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	WAIT_UNTIL(waitpid(pid, &status, WNOHANG) == pid);
	EXPECT_TRUE(WIFSIGNALED(status));
	vcpu->run->immediate_exit = 1;
	pthread_kill(thread, KICK_SIGNAL);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	vm_close(vcpu->vm);
}

static int run_all_tests(int argc, char **argv);

#define main run_all_tests
TEST_HARNESS_MAIN
#undef main

int main(int argc, char **argv)
{
	/* The exec of TEST(owner_execs) */
	if (argc > 1)
		return 0;
	return run_all_tests(argc, argv);
}
