/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors are told once, at the top: whoever finds one leaves a sentence here
 * and returns -1; every caller unwinds and passes the -1 on; main() prints it.
 * The sentence belongs to the thread that failed.
 */
#ifndef HVCTL_ERROR_H
#define HVCTL_ERROR_H

#include <stdatomic.h>

#include "types.h"

/*
 * Keep the sentence, and be -1, so that a function can end in "return fail(…)".
 * A macro, because then the compiler knows the value too.
 */
#define fail(...)	({ fail_say(__VA_ARGS__); -1; })

/* The same, followed by what errno means. */
#define fail_errno(...)	({ fail_say_errno(__VA_ARGS__); -1; })

void fail_say(const char *fmt, ...) __printf(1, 2);
void fail_say_errno(const char *fmt, ...) __printf(1, 2);

/* The sentence of the last fail(), "" if there was none. */
const char *fail_text(void);

/* Tell the user what ends nothing, without a full stop. Any thread, at any time. */
void say(const char *fmt, ...) __printf(1, 2);

/* For tests: there is no user; and how often something was to be said. */
extern bool say_nothing;
extern atomic_uint said;

#endif
