// SPDX-License-Identifier: GPL-2.0-only
/* Threads that wait while their machine is suspended, and machines that end. */
#include "machine_pause.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control_client.h"
#include "machine_dir.h"
#include "machine_end.h"
#include "machine_store.h"
#include "test.h"

#define THREADS	3

static struct machine_pause pause_state;
static atomic_bool done;
static atomic_uint steps[THREADS];

static void *step(void *arg)
{
	atomic_uint *mine = arg;

	machine_pause_enter(&pause_state);
	while (!atomic_load(&done)) {
		if (machine_pause_wanted(&pause_state))
			machine_pause_wait(&pause_state);
		else
			(*mine)++;
	}
	machine_pause_leave(&pause_state);
	return NULL;
}

static void wait_for_wake(void)
{
	struct pollfd fd = { .fd = pause_state.wake_fd, .events = POLLIN };
	eventfd_t count;

	EXPECT_EQ(poll(&fd, 1, 10000), 1);
	EXPECT(!eventfd_read(pause_state.wake_fd, &count));
}

static void wait_for_steps(void)
{
	unsigned int i, before;

	for (i = 0; i < THREADS; i++) {
		before = steps[i];
		while (steps[i] == before)
			usleep(100);
	}
}

static void pauses(void)
{
	unsigned int i, round, before[THREADS];
	pthread_t thread[THREADS];

	machine_pause_init(&pause_state, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
	/* None runs: that is complete at once. */
	machine_pause_begin(&pause_state, 0);
	wait_for_wake();
	EXPECT(machine_pause_is_complete(&pause_state));
	machine_pause_end(&pause_state);
	pause_state.asked = false;
	EXPECT(!machine_pause_is_complete(&pause_state));

	done = false;
	for (i = 0; i < THREADS; i++)
		EXPECT(!pthread_create(&thread[i], NULL, step, &steps[i]));
	wait_for_steps();
	for (round = 0; round < 20; round++) {
		machine_pause_begin(&pause_state, 0);
		wait_for_wake();
		EXPECT(machine_pause_is_complete(&pause_state));
		pause_state.asked = false;
		for (i = 0; i < THREADS; i++)
			before[i] = steps[i];
		usleep(1000);
		for (i = 0; i < THREADS; i++)
			EXPECT_EQ(steps[i], before[i]);
		machine_pause_end(&pause_state);
		wait_for_steps();
	}
	machine_pause_begin(&pause_state, 0);
	wait_for_wake();
	pause_state.asked = false;
	done = true;
	machine_pause_give_up(&pause_state, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	close(pause_state.wake_fd);
	machine_pause_destroy(&pause_state);
}

/* ---- ends ----------------------------------------------------------------------- */

static char folder[] = "/tmp/hvctl-run-XXXXXX";

enum manners { OBEYS, REFUSES, IGNORES, SILENT };

static struct control *control;
static enum manners manners;

static int handle(void *opaque, const char *command, struct json_object *arguments,
		  struct json_object **result)
{
	(void)opaque;
	(void)arguments;
	(void)result;
	if (manners == REFUSES && strcmp(command, "end"))
		return fail("the guest doesn't want to");
	if (manners == OBEYS || (manners == REFUSES && !strcmp(command, "end")))
		done = true;
	return 0;
}

/* A machine in a process of its own. */
static pid_t start_machine(void)
{
	struct sockaddr_un address;
	struct machine_dir dir;
	int fds[2];
	pid_t child;
	char byte;

	EXPECT(!pipe(fds));
	child = fork();
	if (child) {
		close(fds[1]);
		EXPECT_EQ(read(fds[0], &byte, 1), 1);
		close(fds[0]);
		return child;
	}
	done = false;
	if (machine_dir_claim(&dir, "web") || machine_dir_control("web", &address))
		_exit(1);
	control = control_create(&address, "web", handle, NULL);
	if (!control || write(fds[1], "", 1) != 1)
		_exit(1);
	while (manners == SILENT)
		pause();
	while (!done) {
		struct pollfd fd = { .fd = control_fd(control), .events = POLLIN };

		poll(&fd, 1, -1);
		control_serve(control);
	}
	control_destroy(control);
	machine_dir_release(&dir);
	_exit(0);
}

static void expect_end(pid_t child, int status_wanted)
{
	int status = -1;

	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, status_wanted);
	EXPECT(!machine_dir_is_alive("web"));
}

static void ends(void)
{
	const struct end_options politely = { .timeout = 10 }, now = { .force = true };
	const struct end_options impatient = { .timeout = 0 };
	pid_t child;

	EXPECT(mkdtemp(folder));
	machine_dir_base = folder;
	machine_store_base = "/none";
	EXPECT_FAIL(machine_end("web", &now), "there is no machine web");

	manners = OBEYS;
	child = start_machine();
	EXPECT(!machine_end("web", &politely));
	expect_end(child, 0);

	manners = REFUSES;
	child = start_machine();
	EXPECT_FAIL(machine_end("web", &politely), "the guest doesn't want to");
	EXPECT(!machine_end("web", &now));
	expect_end(child, 0);

	manners = IGNORES;
	child = start_machine();
	EXPECT_FAIL(machine_end("web", &impatient), "web has not ended in 0 seconds");
	kill(child, SIGKILL);
	expect_end(child, SIGKILL);

	/* What hangs is killed. */
	manners = SILENT;
	control_patience = 1;
	child = start_machine();
	EXPECT_FAIL(machine_end("web", &politely), "the machine doesn't answer");
	EXPECT(!machine_end("web", &now));
	expect_end(child, SIGKILL);
	control_patience = CONTROL_PATIENCE;
	machine_store_base = NULL;
	machine_dir_base = NULL;
	EXPECT(!rmdir(folder));
}

static const struct test_case cases[] = {
	TEST_CASE(pauses),
	TEST_CASE(ends),
};

TEST_SUITE(machine_pause_suite, "machine_pause", cases);
