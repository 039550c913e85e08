// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's agent that says anything, before and after it has answered guest-sync-delimited;
 * and a guest's terminal, with marks and what looks like them.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent_exec.h"
#include "agent_vcpus.h"
#include "enter_filter.h"
#include "error.h"
#include "fuzz.h"

#define TEXT_MAX	KIB(3)
#define LONG		1000	/* seconds that nobody waits */

/* What JSON is made of; a byte that is small stands for one of these. */
static const char * const words[] = {
	"{\"return\": {\"pid\": 7}}\n", "{\"return\": {\"exited\": true, \"exitcode\": 7",
	"{\"return\": {\"exited\": true, \"signal\": 9", "{\"return\": {\"exited\": false}}\n",
	"{\"return\": [{\"logical-id\": 7, \"online\": false", "}]}\n", "}}\n",
	"\n", "\xff", "{\"return\": ", "}\n", "{\"exited\": ", "true", "false", ", \"exitcode\": ",
	", \"signal\": ", ", \"out-data\": \"", ", \"err-data\": \"", ", \"out-truncated\": ",
	"YWFh", "YQ==", "\"", "{\"error\": {\"desc\": \"", "\"}}\n", "{\"pid\": ", "[", "]", "{", "}",
	"{\"logical-id\": ", ", \"online\": ", "0", "7", "255", "-1", ",", "\\u0000", "\\u0085",
};

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static int listen_fd;

/* Of the input that is tried: what is said before and after that answer */
static char before[TEXT_MAX], after[TEXT_MAX];
static size_t before_len, after_len;

static void remove_socket(void)
{
	unlink(address.sun_path);
}

static void say_bytes(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0)
			return;
		text += n;
		len -= n;
	}
}

/* Answers what comes first, says the rest and no more, and reads on, so that nobody waits. */
static void serve(int fd)
{
	char line[256] = "", answer[64], *id;
	size_t used = 0;
	ssize_t n;

	while (used < sizeof(line) - 1 && !memchr(line, '\n', used)) {
		n = recv(fd, line + used, sizeof(line) - 1 - used, 0);
		if (n <= 0)
			return;
		used += n;
	}
	line[used] = '\0';
	id = strstr(line, "\"id\":");
	MUST(id);
	say_bytes(fd, before, before_len);
	say_bytes(fd, answer, snprintf(answer, sizeof(answer), "\xff{\"return\": %lu}\n",
				       strtoul(id + 5, NULL, 10)));
	say_bytes(fd, after, after_len);
	shutdown(fd, SHUT_WR);
	while (recv(fd, line, sizeof(line), 0) > 0)
		;
}

static void *run(void *opaque)
{
	for (;;) {
		int fd = accept(listen_fd, NULL, NULL);

		serve(fd);
		close(fd);
	}
	return opaque;
}

static void set_up(void)
{
	pthread_t thread;

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/hvctl-agent-fuzz-%d",
		 (int)getpid());
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(!bind(listen_fd, (struct sockaddr *)&address, sizeof(address)));
	MUST(!listen(listen_fd, 4));
	atexit(remove_socket);
	MUST(!pthread_create(&thread, NULL, run, NULL));
}

static size_t make_text(struct fuzz *f, size_t bytes, char *text)
{
	size_t used = 0;

	while (bytes-- && f->left && used < TEXT_MAX - 64) {
		u8 byte = fuzz_u8(f);

		if (byte < ARRAY_SIZE(words)) {
			strcpy(text + used, words[byte]);
			used += strlen(words[byte]);
		} else {
			text[used++] = byte;
		}
	}
	return used;
}

/* What a user is told has no control characters, whatever the agent said. */
static void check_sentence(void)
{
	const char *p;

	for (p = fail_text(); *p; p++)
		MUST((u8)*p >= ' ' && *p != 0x7f);
}

static void talk(struct agent *agent)
{
	static const char * const argv[] = { "x", NULL };
	struct agent_outcome outcome;
	int ret;
	s64 pid;

	ret = agent_exec_start(agent, argv, NULL, 0, false, &pid);
	MUST(ret || pid >= 0);
	while (agent->fd >= 0) {
		ret = agent_exec_poll(agent, 1, &outcome);
		MUST(ret >= -1 && ret <= 1);
		if (ret == 1)
			MUST(outcome.status >= 0 && outcome.status <= 255 &&
			     outcome.out.size < TEXT_MAX && outcome.err.size < TEXT_MAX);
		else
			MUST(!outcome.out.data && !outcome.err.data);
		if (ret < 0)
			check_sentence();
		agent_exec_free(&outcome);
	}
}

/* Nothing is added, and what is shown doesn't depend on how it comes. */
static void filter(const char *in, size_t len, size_t part)
{
	static char out[2][TEXT_MAX + ENTER_HELD_MAX];
	struct enter_filter f[2];
	size_t i, used[2] = { 0 };

	for (i = 0; i < 2; i++)
		enter_filter_init(&f[i], "0123456789abcdef0123456789abcdef");
	used[0] = enter_filter_pass(&f[0], in, len, out[0]);
	for (i = 0; i < len; i += part)
		used[1] += enter_filter_pass(&f[1], in + i, min_u64(part, len - i),
					     out[1] + used[1]);
	MUST(used[0] == used[1] && used[0] <= len && !memcmp(out[0], out[1], used[0]));
	MUST(f[0].started == f[1].started && f[0].ended == f[1].ended);
	MUST(f[0].status == f[1].status && f[0].status >= -1 && f[0].status <= 255);
	MUST(!strcmp(f[0].tty, f[1].tty));
}

/* Bytes that are small stand for what a terminal's marks are made of. */
static void fuzz_filter(struct fuzz *f)
{
	static const char * const parts[] = {
		"\036", "0123456789abcdef0123456789abcdef", ":",
		"\0360123456789abcdef0123456789abcdef:", "tty", " /dev/pts/0", "end", " ", "7", "255",
	};
	static char text[TEXT_MAX];
	size_t used = 0, part = 1 + fuzz_u8(f) % 64;

	while (f->left && used < sizeof(text) - 64) {
		u8 byte = fuzz_u8(f);

		if (byte < ARRAY_SIZE(parts)) {
			memcpy(text + used, parts[byte], strlen(parts[byte]));
			used += strlen(parts[byte]);
		} else {
			text[used++] = byte;
		}
	}
	filter(text, used, part);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct agent agent = AGENT(address.sun_path);
	struct fuzz f = { data, size };
	u8 choice = fuzz_u8(&f);

	if (!listen_fd)
		set_up();
	if (choice % 4 == 0) {
		fuzz_filter(&f);
		return 0;
	}
	before_len = make_text(&f, fuzz_u8(&f), before);
	after_len = make_text(&f, f.left, after);
	if (choice % 4 == 1) {
		if (agent_online_vcpus(address.sun_path, 1, LONG))
			check_sentence();
	} else if (!agent_open(&agent, LONG)) {
		talk(&agent);
	} else {
		/* Only its own end can keep it from finding the answer. */
		MUST(0);
	}
	agent_close(&agent);
	return 0;
}
