// SPDX-License-Identifier: GPL-2.0-only
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Thread_local char text[512];

void fail_say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
}

void fail_say_errno(const char *fmt, ...)
{
	const char *why = strerror(errno);
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(text))
		snprintf(text + len, sizeof(text) - len, ": %s", why);
}

const char *fail_text(void)
{
	return text;
}

bool say_nothing;
atomic_uint said;

/* The console may have the terminal in raw mode, where a new line isn't a return. */
void say(const char *fmt, ...)
{
	char line[sizeof(text)];
	va_list args;

	said++;
	if (say_nothing)
		return;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	fprintf(stderr, "hvctl: %s%s\n", line, isatty(STDERR_FILENO) ? "\r" : "");
}
