// SPDX-License-Identifier: GPL-2.0-only
/* hvctl exec */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent_exec.h"
#include "agent_find.h"
#include "error.h"
#include "exec_options.h"
#include "verb.h"

struct input {
	char *data;		/* NULL: none */
	size_t size;
};

/* ---- input and output ----------------------------------------------------------- */

/* A terminal's would have to be waited for. -1 with a sentence, and nothing to free */
static int read_input(struct input *input)
{
	const size_t room = AGENT_INPUT_MAX + 1;
	ssize_t n = 1;

	*input = (struct input){ 0 };
	if (isatty(STDIN_FILENO))
		return 0;
	input->data = malloc(room);
	if (!input->data)
		return fail("out of memory");
	while (input->size < room && n) {
		n = read(STDIN_FILENO, input->data + input->size, room - input->size);
		/* Who has no input closed has none. */
		if (n < 0 && errno == EBADF)
			break;
		if (n > 0) {
			input->size += n;
		} else if (n < 0 && errno != EINTR) {
			free(input->data);
			return fail_errno("the command's input can't be read");
		}
	}
	if (input->size < room)
		return 0;
	free(input->data);
	return fail("the command's input is longer than 16 MiB, which is all that goes in this way; use a --share or a --disk");
}

static int write_output(int fd, const struct agent_output *output)
{
	size_t done = 0;

	while (done < output->size) {
		ssize_t n = write(fd, output->data + done, output->size - done);

		if (n < 0 && errno != EINTR)
			return fail_errno("the command's output can't be written");
		if (n > 0)
			done += n;
	}
	return 0;
}

/* ---- the command ---------------------------------------------------------------- */

/* What is missing is no success. */
static int conclude(const struct agent_outcome *outcome)
{
	if (write_output(STDOUT_FILENO, &outcome->out) ||
	    write_output(STDERR_FILENO, &outcome->err))
		return verb_failed();
	if (!outcome->out.truncated && !outcome->err.truncated)
		return outcome->status;
	say("the command's %s was longer than 16 MiB, which is all that the guest's agent keeps; the rest is lost",
	    outcome->out.truncated ? "output" : "error output");
	return outcome->status ? outcome->status : STATUS_FAIL;
}

static int start(struct agent *agent, const struct exec_options *options,
		 const char * const *argv, s64 *pid)
{
	struct input input;
	int ret;

	if (read_input(&input))
		return -1;
	ret = agent_open(agent, AGENT_SECONDS);
	if (ret && agent->timed_out)
		agent_fail_silent(options->name);
	if (!ret)
		ret = agent_exec_start(agent, argv, input.data, input.size, true, pid);
	free(input.data);
	return ret;
}

static int run(const struct exec_options *options, const char * const *argv)
{
	struct agent_outcome outcome;
	struct agent_place place;
	struct agent agent = AGENT(place.agent);
	int ret, status;
	s64 pid;

	if (agent_find(options->name, &place) || start(&agent, options, argv, &pid)) {
		agent_close(&agent);
		return verb_failed();
	}
	ret = agent_exec_wait(&agent, pid, options->timeout, &outcome);
	if (!ret)
		fail("the command has not ended in %llu seconds; it goes on in the guest, as process %lld",
		     (unsigned long long)options->timeout, (long long)pid);
	else if (ret < 0 && agent.timed_out)
		agent_fail_silent(options->name);
	if (ret <= 0)
		return verb_failed();
	status = conclude(&outcome);
	agent_exec_free(&outcome);
	return status;
}

int verb_exec(int argc, char **argv)
{
	struct exec_options options;
	const char **command;
	int status;

	if (exec_options_parse(&options, argc, argv))
		return verb_misused();
	if (options.help) {
		fputs(exec_help, stdout);
		return STATUS_OK;
	}
	command = guest_command_make(&options.command);
	if (!command)
		return verb_misused();
	status = run(&options, command);
	free(command);
	return status;
}
