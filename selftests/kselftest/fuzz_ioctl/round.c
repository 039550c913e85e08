// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process of a round: sets out VMs and memory, and lets its threads loose
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "fault.h"
#include "fuzz.h"
#include "vm.h"

#define VMS_AT_FIRST	2
#define VCPUS_AT_FIRST	2

static pthread_barrier_t barrier;

/* splitmix64 */
u32 draw32(struct worker *w)
{
	u64 z = w->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) >> 16;
}

void doing(struct worker *w, const char *what, u64 arg0, u64 arg1)
{
	struct progress *progress = w->progress;

	progress->args[0] = arg0;
	progress->args[1] = arg1;
	WRITE_ONCE(progress->doing, what);
}

static void one_op(struct worker *w)
{
	static void (* const ops[])(struct worker *w) = {
		command_any, command_any, command_any, command_any,
		command_any, command_any, command_any, command_any,
		vcpu_run_a_while, vcpu_run_a_while, vcpu_run_a_while, vcpu_run_a_while,
		memory_change, memory_change, memory_change,
		run_page_write, run_page_write, pool_change,
	};
	struct progress *progress = w->progress;

	progress->ops++;
	WRITE_ONCE(progress->since, now_ns());
	if (one_in(w, 25))
		process_change(w);
	else
		ops[pick(w, ARRAY_SIZE(ops))](w);
	WRITE_ONCE(progress->since, 0);
}

static void worker_init(struct worker *w)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = KICK_SIGNAL,
	};

	w->progress->tid = event._sigev_un._tid = syscall(SYS_gettid);
	REQUIRE_SYS(timer_create(CLOCK_MONOTONIC, &event, &w->timer));
	w->fault = w->round->faults ? own_fd(fault_open()) : -1;
}

static void *worker_thread(void *arg)
{
	struct worker *w = arg;
	u32 i;

	worker_init(w);
	pthread_barrier_wait(&barrier);
	/* Fds are limited from here on. */
	pthread_barrier_wait(&barrier);
	for (i = 0; i < OPS_PER_WORKER; i++)
		one_op(w);
	/* The others are in the middle of something. */
	if (!w->index)
		process_end(w);
	w->progress->tid = 0;
	return NULL;
}

static void limit_fds(void)
{
	const struct rlimit limit = { .rlim_cur = POOL_FDS, .rlim_max = 1024 };

	REQUIRE_SYS(setrlimit(RLIMIT_NOFILE, &limit));
}

static void fill_pool(struct worker *w)
{
	int dev = dev_open(), vm, vcpu, i, j;
	unsigned int place;

	for (i = 0; i < VMS_AT_FIRST; i++) {
		vm = REQUIRE_OK(lhv_create_vm(dev));
		vm_fill(w, vm);
		for (j = 0; j < VCPUS_AT_FIRST; j++) {
			vcpu = REQUIRE_OK(lhv_create_vcpu(vm, j));
			vcpu_boot(w, vcpu);
			place = pool_put(w, KIND_VCPU, vcpu);
			run_page_map(w, vcpu, place);
		}
		pool_put(w, KIND_VM, vm);
	}
	close(dev);
}

static void workers_init(struct worker *workers, const struct round *round)
{
	const u64 each = ARG_SIZE + DATA_SIZE;
	struct worker *w;
	unsigned int i;
	u8 *buffers;

	buffers = REQUIRE_SYS(mmap((void *)BUFFERS, NR_WORKERS * each, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	for (i = 0; i < NR_WORKERS; i++) {
		w = &workers[i];
		*w = (struct worker){
			.round = round, .index = i, .fault = -1,
			.random = round->seed * 1000003 + i,
			.progress = &round->progress[i],
			.arg = buffers + i * each, .data = buffers + i * each + ARG_SIZE,
		};
		draw32(w);
		w->random ^= (u64)draw32(w) << 32;
	}
}

void round_run(const struct round *round)
{
	static struct worker workers[NR_WORKERS];
	static pthread_t threads[NR_WORKERS];
	unsigned int i;

	kick_signal_init();
	workers_init(workers, round);
	pool_init();
	memory_init();
	guests_init();
	fill_pool(&workers[0]);
	REQUIRE(!pthread_barrier_init(&barrier, NULL, NR_WORKERS + 1));
	for (i = 0; i < NR_WORKERS; i++)
		REQUIRE(!pthread_create(&threads[i], NULL, worker_thread, &workers[i]));
	pthread_barrier_wait(&barrier);
	limit_fds();
	pthread_barrier_wait(&barrier);
	for (i = 0; i < NR_WORKERS; i++)
		REQUIRE(!pthread_join(threads[i], NULL));
	pool_close_all();
	_exit(0);
}
