// SPDX-License-Identifier: GPL-2.0-only
#include "machine_end.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "clock.h"
#include "control_client.h"
#include "error.h"
#include "machine_dir.h"
#include "machine_names.h"

/* Once it was told to end at once. */
#define FORCED_SECONDS	60

static bool is_gone(int process, u64 seconds)
{
	struct pollfd fd = { .fd = process, .events = POLLIN };
	u64 now = clock_ms(), end = now + 1000 * seconds;

	do {
		if (poll(&fd, 1, min_u64(end - now, 60000)) == 1)
			return true;
		now = clock_ms();
	} while (now < end);
	return false;
}

static int fail_late(const char *name, u64 seconds)
{
	return fail("the machine %s has not ended in %llu seconds; wait, or end it with --force",
		    name, (unsigned long long)seconds);
}

static int press_power_button(const char *name, int connection, int process, u64 seconds)
{
	if (control_call(connection, "power-button", NULL, NULL))
		return -1;
	return is_gone(process, seconds) ? 0 : fail_late(name, seconds);
}

/* Whoever takes no commands is killed: the power is cut so, too. */
static int cut_power(const char *name, int connection, int process)
{
	if (control_call(connection, "end", NULL, NULL) || !is_gone(process, FORCED_SECONDS))
		pidfd_send_signal(process, SIGKILL, NULL, 0);
	if (!is_gone(process, FORCED_SECONDS))
		return fail_late(name, FORCED_SECONDS);
	/* What a killed one leaves goes. */
	machine_dir_is_alive(name);
	return 0;
}

/* It listens, but says nothing. */
static int kill_silent(const char *name)
{
	int ret, process = control_process(name);

	if (process < 0)
		return -1;
	pidfd_send_signal(process, SIGKILL, NULL, 0);
	ret = is_gone(process, FORCED_SECONDS) ? 0 : fail_late(name, FORCED_SECONDS);
	close(process);
	machine_dir_is_alive(name);
	return ret;
}

int machine_end(const char *name, const struct end_options *options)
{
	int ret, connection, process;

	connection = control_connect(name);
	if (connection < 0)
		return options->force ? kill_silent(name) : -1;
	process = control_peer(connection);
	ret = process < 0 ? -1 : options->force ? cut_power(name, connection, process) :
	      press_power_button(name, connection, process, options->timeout);
	if (process >= 0)
		close(process);
	close(connection);
	return ret;
}
