// SPDX-License-Identifier: GPL-2.0-only
#include "machine_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static char folder[] = "/tmp/hvctl-run-XXXXXX";

static void start(void)
{
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	machine_dir_base = folder;
}

static void end(void)
{
	machine_dir_base = NULL;
	EXPECT(!rmdir(folder));
}

static void expect_list(const char *a, const char *b)
{
	char **list = machine_dir_list();

	EXPECT(list);
	if (!list)
		return;
	EXPECT(a ? list[0] && !strcmp(list[0], a) : !list[0]);
	if (a && list[0])
		EXPECT(b ? list[1] && !strcmp(list[1], b) : !list[1]);
	free(list);
}

static void names(void)
{
	EXPECT(!machine_dir_check_name("web-1.a_b", "--name"));
	EXPECT_FAIL(machine_dir_check_name("", "--name"), "--name: '' is not a name");
	EXPECT_FAIL(machine_dir_check_name("..", "NAME"), "NAME: '..' is not a name");
	EXPECT_FAIL(machine_dir_check_name("a/b", "NAME"), "is not a name");
	EXPECT_FAIL(machine_dir_check_name("a\nb", "NAME"), "is not a name");
}

static void alone(void)
{
	struct machine_dir one, two, other;
	struct sockaddr_un address;
	struct stat st;

	start();
	expect_list(NULL, NULL);
	EXPECT(!machine_dir_claim(&one, "web"));
	EXPECT(!stat(one.path, &st));
	EXPECT_EQ(st.st_mode & 07777, 0700);
	EXPECT(machine_dir_is_starting("web"));
	machine_dir_started(&one);
	EXPECT(machine_dir_is_alive("web") && !machine_dir_is_starting("web"));
	EXPECT(!machine_dir_is_starting("db"));
	EXPECT_FAIL(machine_dir_claim(&two, "web"), "there is a machine web already");
	EXPECT(!*two.path);
	machine_dir_release(&two);
	EXPECT(!machine_dir_claim(&other, "db"));
	expect_list("db", "web");
	EXPECT(!machine_dir_control("web", &address));
	EXPECT(!strncmp(address.sun_path, one.path, strlen(one.path)));
	machine_dir_release(&one);
	expect_list("db", NULL);
	EXPECT(!machine_dir_claim(&two, "web"));
	machine_dir_release(&two);
	machine_dir_release(&other);
	expect_list(NULL, NULL);
	end();
}

/* What a killed process leaves is nobody's: the next one takes it, and a list removes it. */
static void left_behind(void)
{
	struct machine_dir dir;
	char path[64];
	pid_t child;
	int status;

	start();
	child = fork();
	if (!child) {
		machine_dir_claim(&dir, "web");
		machine_dir_claim(&dir, "db");
		snprintf(path, sizeof(path), "%s/web/control", folder);
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		snprintf(path, sizeof(path), "%s/db/agent", folder);
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		snprintf(path, sizeof(path), "%s/db/enter", folder);
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
		_exit(0);
	}
	EXPECT_EQ(waitpid(child, &status, 0), child);
	snprintf(path, sizeof(path), "%s/web/control", folder);
	EXPECT(!access(path, F_OK));
	EXPECT(!machine_dir_claim(&dir, "web"));
	EXPECT(access(path, F_OK));
	expect_list("web", NULL);
	machine_dir_release(&dir);
	expect_list(NULL, NULL);
	end();
}

/* Processes that take and give up one name, and list: it is always one's at most. */
static void contested(void)
{
	int i, fds[2], status, taken = 0;
	pid_t child[4];
	char byte;

	start();
	EXPECT(!pipe(fds));
	for (i = 0; i < 4; i++) {
		int round = 0;

		child[i] = fork();
		if (child[i])
			continue;
		while (round < 100) {
			struct machine_dir dir;
			char path[64];
			int fd;

			free(machine_dir_list());
			if (machine_dir_claim(&dir, "web"))
				continue;
			snprintf(path, sizeof(path), "%s/web/control", folder);
			fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
			if (fd < 0 || close(fd) || write(fds[1], "", 1) != 1)
				_exit(1);
			machine_dir_release(&dir);
			round++;
		}
		_exit(0);
	}
	close(fds[1]);
	while (read(fds[0], &byte, 1) == 1)
		taken++;
	close(fds[0]);
	EXPECT_EQ(taken, 400);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(waitpid(child[i], &status, 0), child[i]);
		EXPECT_EQ(status, 0);
	}
	expect_list(NULL, NULL);
	end();
}

static void no_folder(void)
{
	struct machine_dir dir;

	machine_dir_base = "/proc/none";
	EXPECT_FAIL(machine_dir_claim(&dir, "web"), "cannot make the folder /proc/none");
	EXPECT(!*dir.path);
	machine_dir_release(&dir);
	machine_dir_base = NULL;
}

static const struct test_case cases[] = {
	TEST_CASE(names),
	TEST_CASE(alone),
	TEST_CASE(left_behind),
	TEST_CASE(contested),
	TEST_CASE(no_folder),
};

TEST_SUITE(machine_dir_suite, "machine_dir", cases);
