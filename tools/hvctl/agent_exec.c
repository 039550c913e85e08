// SPDX-License-Identifier: GPL-2.0-only
#include "agent_exec.h"

#include <poll.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"

#define BASE64_SIZE(bytes)	(((bytes) + 2) / 3 * 4)

/* Two outputs, and the rest of the reply */
#define STATUS_MAX	(2 * BASE64_SIZE(AGENT_OUTPUT_MAX) + KIB(4))

/* Between two looks at a command: half as long again each time */
#define FIRST_PAUSE_MS	10
#define LAST_PAUSE_MS	1000
#define HANG_UP_MS	200	/* those that are as long are others' turn */
#define SILENCE_MS	60000

/* ---- starting ------------------------------------------------------------------- */

static struct json_object *make_arguments(const char * const *argv)
{
	struct json_object *array = json_object_new_array();

	while (*argv)
		json_object_array_add(array, json_object_new_string(*argv++));
	return array;
}

static int add_input(struct json_object *arguments, const void *input, size_t size)
{
	size_t room = BASE64_SIZE(size) + 1;
	char *text;

	if (!size)
		return 0;
	text = malloc(room);
	if (!text)
		return fail("out of memory");
	b64_ntop(input, size, text, room);
	json_object_object_add(arguments, "input-data", json_object_new_string(text));
	free(text);
	return 0;
}

int agent_exec_start(struct agent *agent, const char * const *argv, const void *input,
		     size_t input_size, bool capture, s64 *pid)
{
	struct json_object *arguments = json_object_new_object(), *result = NULL;
	int ret;

	json_object_object_add(arguments, "path", json_object_new_string(argv[0]));
	json_object_object_add(arguments, "arg", make_arguments(argv + 1));
	json_object_object_add(arguments, "capture-output", json_object_new_boolean(capture));
	if (add_input(arguments, input, input_size)) {
		json_object_put(arguments);
		return -1;
	}
	ret = agent_call(agent, "guest-exec", arguments, AGENT_REPLY_MAX, AGENT_SECONDS, &result);
	if (!ret && agent_number(result, "pid", 0, INT64_MAX, pid))
		ret = fail("the guest's agent doesn't say which process it has started");
	json_object_put(result);
	return ret;
}

/* ---- what became of it ---------------------------------------------------------- */

static int fail_output(const char *what)
{
	return fail("the guest's agent doesn't say what became of the command: %s", what);
}

/*
 * Agents up to QEMU 10 give the flag only where something is missing, and then as false
 * (its value was forgotten); later ones always, with its value.
 */
static bool is_truncated(struct json_object *status, const char *key, size_t size)
{
	struct json_object *flag;

	return json_object_object_get_ex(status, key, &flag) &&
	       (json_object_get_boolean(flag) || size >= AGENT_OUTPUT_MAX);
}

static int take_output(struct json_object *status, const char *data_key, const char *flag_key,
		       struct agent_output *output)
{
	struct json_object *value;
	const char *text;
	size_t len, room;
	int size;

	if (!json_object_object_get_ex(status, data_key, &value))
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return fail_output("its output is no text");
	text = json_object_get_string(value);
	len = json_object_get_string_len(value);
	room = len / 4 * 3 + 1;
	output->data = malloc(room);
	if (!output->data)
		return fail("out of memory");
	size = strlen(text) == len ? b64_pton(text, output->data, room) : -1;
	if (size < 0)
		return fail_output("its output is no base64");
	output->size = size;
	output->truncated = is_truncated(status, flag_key, size);
	return 0;
}

/* One that says neither may be anything's, but no success. */
static int take_status(struct json_object *status)
{
	s64 number;

	if (!agent_number(status, "exitcode", 0, 255, &number))
		return number;
	if (!agent_number(status, "signal", 1, 127, &number))
		return 128 + number;
	return fail_output("it gives neither a status nor a signal");
}

static int take_outcome(struct json_object *status, struct agent_outcome *outcome)
{
	outcome->status = take_status(status);
	if (outcome->status >= 0 &&
	    !take_output(status, "out-data", "out-truncated", &outcome->out) &&
	    !take_output(status, "err-data", "err-truncated", &outcome->err))
		return 1;
	agent_exec_free(outcome);
	return -1;
}

int agent_exec_poll(struct agent *agent, s64 pid, struct agent_outcome *outcome)
{
	struct json_object *arguments = json_object_new_object(), *status = NULL, *exited;
	int ret;

	*outcome = (struct agent_outcome){ 0 };
	json_object_object_add(arguments, "pid", json_object_new_int64(pid));
	if (agent_call(agent, "guest-exec-status", arguments, STATUS_MAX, AGENT_SECONDS, &status)) {
		if (agent->refused)
			fail("the guest's agent doesn't know the command any more; the guest or its agent was started again");
		return -1;
	}
	if (!json_object_is_type(status, json_type_object) ||
	    !json_object_object_get_ex(status, "exited", &exited) ||
	    !json_object_is_type(exited, json_type_boolean))
		ret = fail_output("not even whether it has ended");
	else
		ret = json_object_get_boolean(exited) ? take_outcome(status, outcome) : 0;
	json_object_put(status);
	return ret;
}

void agent_exec_free(struct agent_outcome *outcome)
{
	free(outcome->out.data);
	free(outcome->err.data);
	*outcome = (struct agent_outcome){ 0 };
}

/* ---- waiting -------------------------------------------------------------------- */

/* A look at it, in the conversation that there is, or a new one. */
static int look(struct agent *agent, s64 pid, struct agent_outcome *outcome)
{
	if (agent->fd < 0 && agent_open(agent, AGENT_SECONDS))
		return -1;
	return agent_exec_poll(agent, pid, outcome);
}

static void pause_for(struct agent *agent, u64 ms)
{
	struct pollfd cancel = { .fd = agent->cancel_fd, .events = POLLIN };

	if (ms >= HANG_UP_MS)
		agent_close(agent);
	poll(&cancel, 1, ms);
}

int agent_exec_wait(struct agent *agent, s64 pid, u64 seconds, struct agent_outcome *outcome)
{
	u64 start = clock_ms(), heard = start, pause = FIRST_PAUSE_MS, now;
	u64 end = seconds ? start + 1000 * seconds : UINT64_MAX;
	int ret;

	for (;;) {
		ret = look(agent, pid, outcome);
		now = clock_ms();
		if (!ret)
			heard = now;
		if (ret > 0 || (ret < 0 && (!agent->timed_out || now - heard > SILENCE_MS)))
			break;
		if (now >= end) {
			ret = 0;
			break;
		}
		pause_for(agent, min_u64(pause, end - now));
		pause = min_u64(pause + pause / 2, LAST_PAUSE_MS);
	}
	agent_close(agent);
	return ret;
}
