// SPDX-License-Identifier: GPL-2.0-only
#include "terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* For what must restore it without anything at hand. */
static struct termios saved_termios;
static volatile sig_atomic_t terminal_is_raw;
static const char *last_words = "";
static size_t last_words_length;

void terminal_restore(void)
{
	if (terminal_is_raw) {
		terminal_is_raw = 0;
		if (last_words_length && write(STDOUT_FILENO, last_words, last_words_length) < 0)
			last_words_length = 0;	/* nobody is there to hear them */
		tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	}
}

static void on_fatal_signal(int sig)
{
	/* The handler was installed with SA_RESETHAND: the second time is final. */
	terminal_restore();
	raise(sig);
}

void terminal_set_raw(void)
{
	struct termios raw = saved_termios;

	cfmakeraw(&raw);
	/* Keep what hvctl itself prints readable. */
	raw.c_oflag |= OPOST;
	terminal_is_raw = 1;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

bool terminal_is_own(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp() &&
	       !tcgetattr(STDIN_FILENO, &saved_termios);
}

void terminal_take(const char *farewell)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGQUIT };
	struct sigaction sa = {
		.sa_handler = on_fatal_signal,
		.sa_flags = SA_RESETHAND | SA_NODEFER,
	};
	unsigned int i;

	if (farewell) {
		last_words = farewell;
		last_words_length = strlen(farewell);
	}
	for (i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &sa, NULL);
	atexit(terminal_restore);
}

void terminal_size(unsigned int *lines, unsigned int *columns)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		size = (struct winsize){ 0 };
	*lines = size.ws_row ? size.ws_row : 24;
	*columns = size.ws_col ? size.ws_col : 80;
}
