// SPDX-License-Identifier: GPL-2.0-only
#include "enter_filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void enter_filter_init(struct enter_filter *f, const char token[static ENTER_TOKEN_SIZE])
{
	*f = (struct enter_filter){ .prefix[0] = ENTER_MARK, .status = -1 };
	memcpy(f->prefix + 1, token, ENTER_TOKEN_SIZE - 1);
	f->prefix[ENTER_TOKEN_SIZE] = ':';
}

/* It goes back to the guest, but as what it is: the name of a terminal. */
static void take_tty(struct enter_filter *f, const char *text)
{
	const char *p = text;

	while (isalnum((unsigned char)*p) || *p == '/')
		p++;
	if (!strncmp(text, "/dev/", 5) && !*p)
		strcpy(f->tty, text);
}

static void take_status(struct enter_filter *f, const char *text)
{
	char *end;
	long status = strtol(text, &end, 10);

	if (isdigit((unsigned char)*text) && !*end && status <= 255)
		f->status = status;
}

/* Marks that aren't known may mean something to others. */
static void take_mark(struct enter_filter *f, const char *text)
{
	if (!strncmp(text, "tty", 3)) {
		f->started = true;
		if (text[3] == ' ')
			take_tty(f, text + 4);
	} else if (!strncmp(text, "end", 3) && f->started) {
		f->ended = true;
		if (text[3] == ' ')
			take_status(f, text + 4);
	}
}

/* What was held is no mark. */
static size_t give_up(struct enter_filter *f, char *out)
{
	size_t count = f->started ? f->held_count : 0;

	memcpy(out, f->held, count);
	f->held_count = 0;
	return count;
}

static size_t pass(struct enter_filter *f, char c, char *out)
{
	size_t count = 0;

	if (f->held_count >= sizeof(f->prefix) && c == ENTER_MARK) {
		f->held[f->held_count] = '\0';
		f->held_count = 0;
		take_mark(f, f->held + sizeof(f->prefix));
		return 0;
	}
	/* Of a mark only the first character can begin another one. */
	if (f->held_count && (f->held_count < sizeof(f->prefix) ?
			      c != f->prefix[f->held_count] :
			      f->held_count == sizeof(f->held) - 1))
		count = give_up(f, out);
	if (f->held_count || c == ENTER_MARK) {
		f->held[f->held_count++] = c;
		return count;
	}
	if (f->started)
		out[count++] = c;
	return count;
}

size_t enter_filter_pass(struct enter_filter *f, const char *in, size_t len, char *out)
{
	size_t i, used = 0;

	for (i = 0; i < len && !f->ended; i++)
		used += pass(f, in[i], out + used);
	return used;
}
