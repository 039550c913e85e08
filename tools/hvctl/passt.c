// SPDX-License-Identifier: GPL-2.0-only
#include "passt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"

/* Its socket, as its command line names it */
#define SOCKET_FD	3

#define LAST_WORDS_MS	1000

struct passt {
	struct net_peer peer;
	pid_t pid;		/* 0: none */
	int words_fd;		/* what it says; -1: none */
};

/* ---- start ----------------------------------------------------------------------- */

static int set_files(posix_spawn_file_actions_t *files, int socket, int words)
{
	return posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDWR, 0) ||
	       posix_spawn_file_actions_adddup2(files, STDIN_FILENO, STDOUT_FILENO) ||
	       posix_spawn_file_actions_adddup2(files, words, STDERR_FILENO) ||
	       posix_spawn_file_actions_adddup2(files, socket, SOCKET_FD) ||
	       posix_spawn_file_actions_addclosefrom_np(files, SOCKET_FD + 1);
}

/* Keys that end or stop hvctl are not meant for it, and what hvctl ignores it does not. */
static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t none, ignored;

	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
					POSIX_SPAWN_SETSIGDEF) ||
	       posix_spawnattr_setsigmask(attributes, &none) ||
	       posix_spawnattr_setsigdefault(attributes, &ignored);
}

/* Not by fork(), which would copy the guest's page tables. As root, it makes itself nobody. */
static int spawn(struct passt *passt, int socket, int words)
{
	char socket_text[12], mtu_text[12];
	char *const argv[] = {
		"passt", "--foreground", "--quiet", "--fd", socket_text, "--mtu", mtu_text, NULL,
	};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	int error = ENOMEM;

	snprintf(socket_text, sizeof(socket_text), "%d", SOCKET_FD);
	snprintf(mtu_text, sizeof(mtu_text), "%d", NET_STREAM_MTU);
	if (posix_spawn_file_actions_init(&files))
		goto out;
	if (posix_spawnattr_init(&attributes))
		goto out_files;
	if (!set_files(&files, socket, words) && !set_attributes(&attributes))
		error = posix_spawnp(&passt->pid, argv[0], &files, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
out_files:
	posix_spawn_file_actions_destroy(&files);
out:
	if (!error)
		return 0;
	passt->pid = 0;
	if (error == ENOENT)
		return fail("--net: passt is not installed; install the package passt");
	errno = error;
	return fail_errno("--net: cannot start passt");
}

static void end(struct passt *passt)
{
	if (passt->pid) {
		kill(passt->pid, SIGKILL);
		waitpid(passt->pid, NULL, 0);
	}
	passt->pid = 0;
	if (passt->words_fd >= 0)
		close(passt->words_fd);
	passt->words_fd = -1;
}

/* A passt that says much, and isn't read, must neither wait nor die. */
static int open_words(int words[2])
{
	return pipe2(words, O_CLOEXEC | O_NONBLOCK);
}

static int start(struct net_peer *peer)
{
	struct passt *passt = (struct passt *)peer;
	int sockets[2], words[2], ret;

	end(passt);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return fail_errno("cannot make a socket for passt");
	if (open_words(words)) {
		ret = fail_errno("cannot make a pipe for passt");
		goto err;
	}
	ret = spawn(passt, sockets[1], words[1]);
	close(words[1]);
	passt->words_fd = words[0];
	if (ret)
		goto err;
	close(sockets[1]);
	return sockets[0];
err:
	close(sockets[0]);
	close(sockets[1]);
	return ret;
}

/* ---- its words ------------------------------------------------------------------- */

/* What it says always, or of what hvctl doesn't need */
static bool is_noise(const char *line)
{
	static const char * const noise[] = {
		"Failed to send ", "Don't run as root.", "Started as root,",
	};
	unsigned int i;

	if (!*line)
		return true;
	for (i = 0; i < ARRAY_SIZE(noise); i++) {
		if (!strncmp(line, noise[i], strlen(noise[i])))
			return true;
	}
	return false;
}

/* Lines as one, in @all */
static void join(char *text, char *all, size_t size)
{
	size_t used = 0;
	char *line;

	*all = '\0';
	while ((line = strsep(&text, "\n"))) {
		if (!is_noise(line) && used < size)
			used += snprintf(all + used, size - used, "%s%s", used ? "; " : "", line);
	}
}

static void tell_end(struct net_peer *peer)
{
	struct passt *passt = (struct passt *)peer;
	struct pollfd words = { .fd = passt->words_fd };
	char text[2048], all[256];
	ssize_t len;

	/* Its socket may be closed before it has said the last. */
	poll(&words, 1, LAST_WORDS_MS);
	len = read(passt->words_fd, text, sizeof(text) - 1);
	text[len > 0 ? len : 0] = '\0';
	join(text, all, sizeof(all));
	if (*all)
		fail("--net: passt does not run on this host, which must have an address and a default route; it says: %s",
		     all);
	else
		fail("--net: passt ended at once and said nothing; try 'passt --foreground'");
}

/* ---- all ------------------------------------------------------------------------- */

static void destroy(struct net_peer *peer)
{
	struct passt *passt = (struct passt *)peer;

	end(passt);
	free(passt);
}

struct net_peer *passt_create(void)
{
	struct passt *passt = malloc(sizeof(*passt));

	if (!passt) {
		fail("out of memory");
		return NULL;
	}
	*passt = (struct passt){
		.peer = { "passt", start, tell_end, destroy },
		.words_fd = -1,
	};
	return &passt->peer;
}
