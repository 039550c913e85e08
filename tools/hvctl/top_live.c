// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "signals.h"
#include "survey.h"
#include "terminal.h"
#include "top.h"
#include "top_table.h"

/* A machine that takes longer for its answer is shown as unknown. */
#define PATIENCE_MS	1000

/* The other screen without a cursor, and back */
#define ENTER		"\033[?1049h\033[?25l"
#define LEAVE		"\033[?25h\033[?1049l"
#define HOME		"\033[H"
#define END_OF_LINE	"\033[K"
#define END_OF_SCREEN	"\033[J"

#define CTRL(letter)	((letter) & 0x1f)

struct live {
	const struct top_options *options;
	struct survey *survey;
	struct top_table table;
	enum top_order order;
	bool reversed;
	bool asking;		/* and not all have answered */
	u64 patience_ends;	/* ms; what follows, too */
	u64 next_round;
	u64 rounds;		/* that were shown */
	int signal_fd;
	int signal;		/* that is to end the process; 0: none */
	bool done;
};

/* ---- the screen ----------------------------------------------------------------- */

static void write_all(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDOUT_FILENO, text, len);

		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (n > 0) {
			text += n;
			len -= n;
		}
	}
}

/* The lines of @text, cut to the screen's size, over what was there. */
static void show(const char *text, unsigned int lines, unsigned int columns)
{
	char *screen = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&screen, &size);

	if (!out)
		return;
	fputs(HOME, out);
	while (*text && lines--) {
		size_t len = strcspn(text, "\n");

		fprintf(out, "%.*s" END_OF_LINE "%s", (int)min_u64(len, columns), text,
			lines ? "\n" : "");
		text += len + (text[len] == '\n');
	}
	fputs(END_OF_SCREEN, out);
	fclose(out);
	write_all(screen, size);
	free(screen);
}

static void draw(struct live *live)
{
	static const char * const by[TOP_ORDERS] = {
		[TOP_CPU] = "CPU", [TOP_MEMORY] = "memory", [TOP_EXITS] = "exits",
		[TOP_IO] = "I/O", [TOP_NAME] = "name",
	};
	unsigned int lines, columns, others = 4;	/* than machines have */
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	terminal_size(&lines, &columns);
	out = open_memstream(&text, &size);
	if (!out)
		return;
	top_table_sort(&live->table, live->order, live->reversed);
	fprintf(out, "by %s%s, every %g s    c CPU  m memory  e exits  i I/O  n name  r reverse  q quit\n",
		by[live->order], live->reversed ? ", reversed" : "",
		live->options->interval_ms / 1000.0);
	top_table_sum(&live->table, out);
	fputc('\n', out);
	top_table_print(&live->table, out, lines > others ? lines - others : 0, columns);
	fclose(out);
	show(text, lines, columns);
	free(text);
}

/* ---- keys and signals ----------------------------------------------------------- */

static void come_back(struct live *live)
{
	terminal_set_raw();
	write_all(ENTER, strlen(ENTER));
	draw(live);
}

static void pause_here(struct live *live)
{
	terminal_restore();
	kill(getpid(), SIGSTOP);
	come_back(live);
}

static void take_key(struct live *live, char key)
{
	static const char orders[TOP_ORDERS] = {
		[TOP_CPU] = 'c', [TOP_MEMORY] = 'm', [TOP_EXITS] = 'e', [TOP_IO] = 'i',
		[TOP_NAME] = 'n',
	};
	const char *order = memchr(orders, key, sizeof(orders));

	if (key == 'q' || key == CTRL('C'))
		live->done = true;
	else if (key == CTRL('Z'))
		pause_here(live);
	else if (key == 'r')
		live->reversed = !live->reversed;
	else if (key == ' ')
		live->next_round = 0;
	else if (order)
		live->order = order - orders;
}

static void take_keys(struct live *live)
{
	char key[64];
	ssize_t i, n = read(STDIN_FILENO, key, sizeof(key));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0)
		live->done = true;
	for (i = 0; i < n && !live->done; i++) {
		/* What an arrow or the like sends is no letter's. */
		if (key[i] == '\033')
			break;
		take_key(live, key[i]);
	}
	if (!live->done)
		draw(live);
}

static void take_signal(struct live *live)
{
	struct signalfd_siginfo info;

	if (read(live->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGWINCH:
		draw(live);
		break;
	case SIGCONT:
		come_back(live);
		break;
	case SIGTSTP:
		pause_here(live);
		break;
	default:
		live->signal = info.ssi_signo;
		live->done = true;
	}
}

/* ---- rounds --------------------------------------------------------------------- */

static int begin_round(struct live *live)
{
	u64 now = clock_ms();

	if (survey_begin(live->survey))
		return -1;
	live->asking = true;
	live->patience_ends = now + min_u64(PATIENCE_MS, live->options->interval_ms);
	live->next_round = now + live->options->interval_ms;
	return 0;
}

/* Rates are known from the second round on. */
static int end_round(struct live *live)
{
	live->asking = false;
	if (top_table_take(&live->table, live->survey))
		return -1;
	draw(live);
	if (live->options->rounds && live->rounds++ == live->options->rounds)
		live->done = true;
	return 0;
}

static int do_what_is_due(struct live *live)
{
	if (live->asking && (!survey_pending(live->survey) || clock_ms() >= live->patience_ends) &&
	    end_round(live))
		return -1;
	return !live->asking && clock_ms() >= live->next_round ? begin_round(live) : 0;
}

static int loop(struct live *live)
{
	struct pollfd fds[] = {
		{ .fd = live->signal_fd, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = survey_fd(live->survey), .events = POLLIN },
	};

	while (!live->done) {
		u64 now, due;

		if (do_what_is_due(live))
			return -1;
		now = clock_ms();
		due = live->asking ? live->patience_ends : live->next_round;
		if (live->done || poll(fds, ARRAY_SIZE(fds), due > now ? due - now : 0) < 0)
			continue;
		if (fds[0].revents)
			take_signal(live);
		if (fds[1].revents)
			take_keys(live);
		if (fds[2].revents)
			survey_serve(live->survey);
	}
	return 0;
}

int top_live(const struct top_options *options)
{
	static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH };
	struct live live = { .options = options };
	sigset_t old;
	int ret;

	if (!isatty(STDOUT_FILENO) || !terminal_is_own())
		return fail("there is no terminal to show machines at; use --batch for a script or a pipe");
	live.survey = survey_create("stats");
	if (!live.survey)
		return -1;
	live.signal_fd = signals_open(taken, ARRAY_SIZE(taken), &old);
	if (live.signal_fd < 0) {
		survey_destroy(live.survey);
		return -1;
	}
	terminal_take(LEAVE);
	terminal_set_raw();
	write_all(ENTER, strlen(ENTER));
	ret = loop(&live);
	terminal_restore();
	top_table_free(&live.table);
	survey_destroy(live.survey);
	close(live.signal_fd);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (live.signal)
		raise(live.signal);
	return ret;
}

/* ---- for scripts ---------------------------------------------------------------- */

static int batch_round(struct survey *survey, struct top_table *table)
{
	if (survey_begin(survey))
		return -1;
	survey_wait(survey, PATIENCE_MS);
	return top_table_take(table, survey);
}

static void wait_until(u64 ms)
{
	const struct timespec until = {
		.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000,
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

static int batch_rounds(struct survey *survey, struct top_table *table,
			const struct top_options *options)
{
	u64 shown, begun = clock_ms();

	if (batch_round(survey, table))
		return -1;
	for (shown = 0; !options->rounds || shown < options->rounds; shown++) {
		wait_until(begun + options->interval_ms);
		begun = clock_ms();
		if (batch_round(survey, table))
			return -1;
		top_table_sort(table, TOP_CPU, false);
		if (shown)
			putchar('\n');
		top_table_print(table, stdout, SIZE_MAX, 0);
		if (fflush(stdout))
			return fail_errno("cannot write the table");
	}
	return 0;
}

int top_batch(const struct top_options *options)
{
	struct survey *survey = survey_create("stats");
	struct top_table table = { 0 };
	int ret;

	if (!survey)
		return -1;
	ret = batch_rounds(survey, &table, options);
	top_table_free(&table);
	survey_destroy(survey);
	return ret;
}
