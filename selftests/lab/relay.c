// SPDX-License-Identifier: GPL-2.0-only
/*
 * relay [-t SECONDS] [-i] -d DIRECTORY -- EMULATOR [ARG...]
 *
 * Runs the emulator and is its only parent: whatever ends the relay ends the
 * emulator. Splits what the emulated host sends (frame.h), leaves logs, the
 * archives of --get and the status in DIRECTORY, and with -i joins the
 * terminal to the host's second serial line.
 *
 * Exit status: 0 if the host reported one of its own, which DIRECTORY/status
 * then holds; 124 on time-out; 125 if the emulator ended without a word from
 * the host; 128 + N on signal N.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay.h"

#define EXIT_TIMEOUT	124
#define EXIT_EMULATOR	125
#define EXIT_ESCAPE	130
#define LEAVE_SECONDS	5	/* for the emulator, to end by itself */

enum { FD_EMULATOR, FD_SIGNAL, FD_TIMER, FD_USER, FD_HOST, FD_COUNT };

static struct pollfd fds[FD_COUNT];
static pid_t emulator;

static int fail(const char *what)
{
	fprintf(stderr, "lab: %s: %s\n", what, strerror(errno));
	return EXIT_EMULATOR;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_DFL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int open_timer(unsigned int seconds)
{
	struct itimerspec when = { .it_value.tv_sec = seconds };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	timerfd_settime(fd, 0, &when, NULL);
	return fd;
}

/* In a process group of its own: a terminal's Ctrl-C is for the relay. */
static void emulator_main(char **argv, int out)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(out, 1);
	dup2(demux_noise_fd(), 2);
	execvp(argv[0], argv);
	_exit(127);
}

static int start_emulator(char **argv)
{
	int out[2];

	if (pipe2(out, O_CLOEXEC))
		return -1;
	fcntl(out[1], F_SETPIPE_SZ, 1 << 20);
	emulator = fork();
	if (emulator < 0)
		return -1;
	if (!emulator)
		emulator_main(argv, out[1]);
	close(out[1]);
	return out[0];
}

/* On SIGINT the emulator writes its registers to its output, and ends. */
static void stop_emulator(bool ask)
{
	if (ask)
		kill(emulator, SIGINT);
	for (int i = 0; ask && i < LEAVE_SECONDS * 10; i++) {
		struct pollfd fd = { .fd = fds[FD_EMULATOR].fd, .events = POLLIN };

		if (poll(&fd, 1, 100) > 0 && !demux_read(fd.fd))
			break;
	}
	kill(emulator, SIGKILL);
	waitpid(emulator, NULL, 0);
}

/* Returns the relay's exit status, once there is one; else -1. */
static int handle_events(void)
{
	if (fds[FD_SIGNAL].revents) {
		struct signalfd_siginfo info = { 0 };

		if (read(fds[FD_SIGNAL].fd, &info, sizeof(info)) == sizeof(info))
			return 128 + info.ssi_signo;
	}
	if (fds[FD_HOST].revents && !terminal_from_host())
		fds[FD_HOST].fd = -1;
	if (fds[FD_USER].revents && !terminal_from_user())
		return EXIT_ESCAPE;
	if (fds[FD_EMULATOR].revents && !demux_read(fds[FD_EMULATOR].fd))
		return demux_status() ? 0 : EXIT_EMULATOR;
	if (demux_status())
		return 0;
	if (fds[FD_TIMER].revents)
		return EXIT_TIMEOUT;
	return -1;
}

static int relay(void)
{
	int status = -1;

	while (status < 0) {
		if (poll(fds, FD_COUNT, -1) < 0 && errno != EINTR)
			return fail("poll");
		status = handle_events();
	}
	/* The last of what the terminal is to show may still be on its way. */
	while (fds[FD_HOST].fd >= 0 && poll(&fds[FD_HOST], 1, 100) > 0)
		if (!terminal_from_host())
			break;
	return status;
}

static int write_status(const char *directory)
{
	const struct lab_status *status = demux_status();
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/status", directory);
	file = fopen(path, "we");
	if (!file)
		return fail(path);
	fprintf(file, "%u %u %" PRIu64 "\n", status->status, status->reports, status->ticks);
	return fclose(file) ? fail(path) : 0;
}

/* Adds the terminal's serial line to the emulator's arguments. */
static char **add_terminal(char **argv, int argc)
{
	static char option[128];
	char device[64];
	char **longer = calloc(argc + 2, sizeof(*longer));

	fds[FD_HOST].fd = terminal_open(device, sizeof(device));
	if (!longer || fds[FD_HOST].fd < 0)
		return NULL;
	snprintf(option, sizeof(option), "com2: enabled=1, mode=term, dev=%s", device);
	memcpy(longer, argv, argc * sizeof(*longer));
	longer[argc] = option;
	fds[FD_USER].fd = 0;
	return longer;
}

int main(int argc, char **argv)
{
	const char *directory = ".";
	unsigned int seconds = 0;
	bool interactive = false;
	int option, status;

	while ((option = getopt(argc, argv, "+t:id:")) != -1) {
		if (option == 't')
			seconds = strtoul(optarg, NULL, 10);
		else if (option == 'i')
			interactive = true;
		else if (option == 'd')
			directory = optarg;
		else
			return EXIT_EMULATOR;
	}
	for (int i = 0; i < FD_COUNT; i++)
		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	argv += optind;
	if (interactive)
		argv = add_terminal(argv, argc - optind);
	if (!argv || !argv[0] || !demux_open(directory))
		return fail("relay");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	fds[FD_SIGNAL].fd = open_signals();
	fds[FD_TIMER].fd = open_timer(seconds);
	fds[FD_EMULATOR].fd = start_emulator(argv);
	if (fds[FD_EMULATOR].fd < 0)
		return fail(argv[0]);
	if (interactive)
		terminal_raw();
	status = relay();
	stop_emulator(status == EXIT_TIMEOUT);
	terminal_restore();
	return status ?: write_status(directory);
}
