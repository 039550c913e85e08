// SPDX-License-Identifier: GPL-2.0-only
/* Running CMD on the emulated host: its streams, its status, its ticks. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <x86intrin.h>

#include "host.h"

#define INTERACTIVE_TTY	"/dev/ttyS1"

/* Reads a file of NUL-terminated words; NULL if there is none. */
char **read_list(const char *path)
{
	FILE *file = fopen(path, "re");
	char **list = NULL, *word = NULL;
	size_t count = 0, size = 0;

	if (!file)
		return NULL;
	do {
		list = realloc(list, (count + 1) * sizeof(*list));
		if (!list)
			abort();
		list[count] = NULL;
		if (getdelim(&word, &size, '\0', file) < 0)
			break;
		list[count++] = strdup(word);
	} while (1);
	free(word);
	fclose(file);
	return list;
}

/* Gives the child a terminal of the size of the build machine's. */
static void take_terminal(const char *size)
{
	struct winsize winsize = { .ws_row = 24, .ws_col = 80 };
	struct termios termios;
	int fd;

	sscanf(size, "%hu %hu", &winsize.ws_row, &winsize.ws_col);
	fd = open(INTERACTIVE_TTY, O_RDWR);
	if (fd < 0)
		_exit(125);
	ioctl(fd, TIOCSCTTY, 0);
	tcgetattr(fd, &termios);
	termios.c_iflag = ICRNL | IXON | IUTF8;
	termios.c_oflag = OPOST | ONLCR;
	termios.c_lflag = ISIG | ICANON | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE;
	termios.c_cflag = B115200 | CS8 | CREAD | CLOCAL | HUPCL;
	tcsetattr(fd, TCSANOW, &termios);
	ioctl(fd, TIOCSWINSZ, &winsize);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
}

static void take_pipes(int out, int err)
{
	int in = open(LAB_DIR "/stdin", O_RDONLY);

	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (in > 2)
		close(in);
}

static void child_main(char **argv, int out, int err, uint64_t *started)
{
	char **tty = read_list(LAB_DIR "/tty");
	sigset_t none;

	wire_disown();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (tty)
		take_terminal(tty[0]);
	else
		take_pipes(out, err);
	if (chdir("/root"))
		_exit(125);
	*started = __rdtsc();
	execvp(argv[0], argv);
	dprintf(2, "lab: %s: %s\n", argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Returns false when the stream has ended. */
static bool relay_stream(int fd, enum lab_channel channel)
{
	char buffer[LAB_FRAME_MAX];
	ssize_t length = read(fd, buffer, sizeof(buffer));

	if (length > 0)
		wire_send(channel, buffer, length);
	return length > 0 || (length < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Reaps what has died; returns true once @child is among it. */
static bool reap(pid_t child, int *wait_status)
{
	bool done = false;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != child)
			continue;
		*wait_status = status;
		done = true;
	}
	return done;
}

/*
 * Relays until the child has died and its streams are silent. A process that
 * it left behind may hold them open for ever, so their end is not waited for.
 */
static uint64_t relay_until_dead(pid_t child, struct pollfd *fds, int *wait_status)
{
	uint64_t ended = 0;

	for (;;) {
		int ready = poll(fds, 4, ended ? 0 : -1);

		if (ready <= 0 && ended)
			return ended;
		if (fds[0].revents) {
			struct signalfd_siginfo info;

			if (read(fds[0].fd, &info, sizeof(info)) > 0 &&
			    reap(child, wait_status))
				ended = __rdtsc();
		}
		if (fds[1].revents && !relay_stream(fds[1].fd, LAB_CH_STDOUT))
			fds[1].fd = -1;
		if (fds[2].revents && !relay_stream(fds[2].fd, LAB_CH_STDERR))
			fds[2].fd = -1;
		if (fds[3].revents)
			kmsg_relay();
	}
}

static int sigchld_fd(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

struct lab_result command_run(char **argv, int kmsg_fd)
{
	struct lab_result result = { .status = 125 };
	int out[2], err[2], wait_status = 0;
	struct pollfd fds[4];
	uint64_t *started;
	pid_t child;

	started = mmap(NULL, sizeof(*started), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (started == MAP_FAILED || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return result;
	fds[0] = (struct pollfd){ .fd = sigchld_fd(), .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = err[0], .events = POLLIN };
	fds[3] = (struct pollfd){ .fd = kmsg_fd, .events = POLLIN };

	child = fork();
	if (!child)
		child_main(argv, out[1], err[1], started);
	close(out[1]);
	close(err[1]);
	if (child < 0)
		return result;
	result.ticks = relay_until_dead(child, fds, &wait_status) - *started;
	result.status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) :
						 128 + WTERMSIG(wait_status);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(fds[0].fd);
	return result;
}
