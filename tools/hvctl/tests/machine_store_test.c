// SPDX-License-Identifier: GPL-2.0-only
/* The folders of machines that were created, and locks of names. */
#include "machine_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine_dir.h"
#include "machine_lock.h"
#include "machine_log.h"
#include "machine_names.h"
#include "name_list.h"
#include "test.h"

static char folder[] = "/tmp/hvctl-store-XXXXXX";
static char runtime[64], store[64];

static void start(void)
{
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	snprintf(runtime, sizeof(runtime), "%s/run", folder);
	snprintf(store, sizeof(store), "%s/a/lhv", folder);
	machine_dir_base = runtime;
	machine_store_base = store;
}

static void end(void)
{
	char file[128];

	snprintf(file, sizeof(file), "%s/.lock", runtime);
	unlink(file);
	rmdir(runtime);
	rmdir(store);
	snprintf(file, sizeof(file), "%s/a", folder);
	rmdir(file);
	EXPECT(!rmdir(folder));
	machine_dir_base = NULL;
	machine_store_base = NULL;
}

/* Of files and folders in the store, but for "." and "..". */
static unsigned int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned int count = 0;

	while (dir && (entry = readdir(dir)))
		count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	if (dir)
		closedir(dir);
	return count;
}

static void expect_names(char **list, const char *a, const char *b)
{
	EXPECT(list);
	if (!list)
		return;
	EXPECT(a ? list[0] && !strcmp(list[0], a) : !list[0]);
	if (a && list[0])
		EXPECT(b ? list[1] && !strcmp(list[1], b) && !list[2] : !list[1]);
	free(list);
}

static void life(void)
{
	char path[PATH_MAX], *text;
	struct stat st;
	size_t len;

	start();
	expect_names(machine_store_list(), NULL, NULL);
	EXPECT(!machine_store_has("web"));
	EXPECT(!machine_store_create("web", "one"));
	EXPECT(!machine_store_create("db", "two"));
	EXPECT_FAIL(machine_store_create("web", "three"), "there is a machine web already");
	EXPECT(machine_store_has("web"));
	expect_names(machine_store_list(), "db", "web");
	EXPECT(!stat(store, &st));
	EXPECT_EQ(st.st_mode, S_IFDIR | 0700);
	EXPECT(!machine_store_path("web", "", path) && !stat(path, &st));
	EXPECT_EQ(st.st_mode, S_IFDIR | 0700);
	EXPECT(!machine_store_path("web", STORE_CONFIG, path) && !stat(path, &st));
	EXPECT_EQ(st.st_mode, S_IFREG | 0600);
	text = machine_store_read("web", &len);
	EXPECT(text && !strcmp(text, "one\n"));
	EXPECT_EQ(len, 4);
	free(text);
	EXPECT(!machine_store_write("web", "four"));
	text = machine_store_read("web", &len);
	EXPECT(text && !strcmp(text, "four\n"));
	free(text);
	EXPECT_FAIL(machine_store_read("none", &len) ? 0 : -1, "cannot read the config");
	EXPECT_FAIL(machine_store_write("none", "x"), "cannot open the folder");
	EXPECT_FAIL(machine_store_remove("none"), "cannot open the folder");
	EXPECT(!machine_store_remove("web"));
	EXPECT(!machine_store_has("web"));
	EXPECT(!machine_store_remove("db"));
	EXPECT_EQ(count_entries(store), 0);
	end();
}

/* What is on the way in or out when its process is killed goes with the next list. */
static void left_behind(void)
{
	char path[128], file[160];
	int fd;

	start();
	EXPECT(!machine_store_create("web", "one"));
	snprintf(path, sizeof(path), "%s/.passing-0123456789abcdef", store);
	EXPECT(!mkdir(path, 0700));
	snprintf(file, sizeof(file), "%s/config", path);
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	snprintf(file, sizeof(file), "%s/.unknown", store);
	EXPECT(!mkdir(file, 0700));
	expect_names(machine_store_list(), "web", NULL);
	EXPECT(access(path, F_OK) && !access(file, F_OK));
	rmdir(file);

	/* One without a config is none that could be run, but it can be removed, or replaced. */
	snprintf(path, sizeof(path), "%s/db", store);
	EXPECT(!mkdir(path, 0700));
	EXPECT(machine_store_has("db"));
	EXPECT(!machine_store_create("db", "two"));
	EXPECT(!machine_store_remove("db"));
	fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	EXPECT(!symlinkat("/etc", fd, "link"));
	EXPECT_FAIL(machine_store_write("link", "x"), "cannot open the folder");
	EXPECT_FAIL(machine_store_remove("link"), "cannot open the folder");
	unlinkat(fd, "link", 0);
	close(fd);
	EXPECT(!machine_store_remove("web"));
	end();
}

/* Processes that create and destroy one machine, with lists: each time it is one's alone. */
static void contested(void)
{
	int i, round, fds[2], status, made = 0;
	pid_t child[4];
	char byte;

	start();
	EXPECT(!pipe(fds));
	for (i = 0; i < 4; i++) {
		child[i] = fork();
		if (child[i])
			continue;
		for (round = 0; round < 50; round++) {
			free(machine_store_list());
			if (machine_store_create("web", "text"))
				continue;
			if (write(fds[1], "", 1) != 1 || machine_store_remove("web"))
				_exit(1);
		}
		_exit(0);
	}
	close(fds[1]);
	while (read(fds[0], &byte, 1) == 1)
		made++;
	close(fds[0]);
	EXPECT(made >= 50 && made <= 200);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(waitpid(child[i], &status, 0), child[i]);
		EXPECT_EQ(status, 0);
	}
	EXPECT_EQ(count_entries(store), 0);
	end();
}

/* ---- locks ---------------------------------------------------------------------- */

/* A child that wants the lock: does it get it within a second? */
static bool can_be_had(const char *name)
{
	pid_t child = fork();
	int status;

	if (!child) {
		alarm(1);
		_exit(machine_lock(name) < 0);
	}
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT(!status || status == SIGALRM);
	return !status;
}

static void locks(void)
{
	int fd, status, fds[2];
	pid_t child;
	char byte;

	start();
	EXPECT(can_be_had("web"));
	fd = machine_lock("web");
	EXPECT(fd >= 0 && !can_be_had("web") && can_be_had("we"));
	EXPECT(!pipe(fds));
	child = fork();
	if (!child) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) != 0);
	}
	/* The child has it, too. */
	close(fd);
	EXPECT(!can_be_had("web"));
	close(fds[1]);
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
	close(fds[0]);
	EXPECT(can_be_had("web"));
	end();
}

/* Increments of a number in a file by several processes, each with the lock. */
static void one_at_a_time(void)
{
	int i, round, fd, status, number = 0;
	char file[128];
	pid_t child[4];

	start();
	snprintf(file, sizeof(file), "%s/number", folder);
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	EXPECT_EQ(pwrite(fd, &number, sizeof(number), 0), sizeof(number));
	for (i = 0; i < 4; i++) {
		child[i] = fork();
		if (child[i])
			continue;
		for (round = 0; round < 100; round++) {
			int lock = machine_lock("web");

			if (pread(fd, &number, sizeof(number), 0) != sizeof(number))
				_exit(1);
			number++;
			if (pwrite(fd, &number, sizeof(number), 0) != sizeof(number))
				_exit(1);
			close(lock);
		}
		_exit(0);
	}
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(waitpid(child[i], &status, 0), child[i]);
		EXPECT_EQ(status, 0);
	}
	EXPECT_EQ(pread(fd, &number, sizeof(number), 0), sizeof(number));
	EXPECT_EQ(number, 400);
	close(fd);
	unlink(file);
	end();
}

/* ---- names ---------------------------------------------------------------------- */

static void all_names(void)
{
	struct machine_dir dir, other;

	start();
	EXPECT(!machine_store_create("webserver", "x"));
	EXPECT(!machine_dir_claim(&dir, "run-7"));
	expect_names(machine_names(), "run-7", "webserver");
	EXPECT(!machine_dir_claim(&other, "webserver"));
	expect_names(machine_names(), "run-7", "webserver");
	machine_dir_release(&other);
	EXPECT_FAIL(fail_no_machine("webserver"), "the machine webserver doesn't run; 'hvctl start");
	EXPECT_FAIL(fail_no_machine("websever"), "no machine websever; perhaps webserver is meant");
	EXPECT_FAIL(fail_no_machine("run-8"), "no machine run-8; perhaps run-7 is meant");
	EXPECT_FAIL(fail_no_machine("x"), "no machine x; 'hvctl list' tells");
	machine_dir_release(&dir);
	EXPECT(!machine_store_remove("webserver"));
	end();
}

/* ---- logs ----------------------------------------------------------------------- */

static u64 size_of(const char *file)
{
	char path[PATH_MAX];
	struct stat st;

	return machine_store_path("web", file, path) || stat(path, &st) ? 0 : st.st_size;
}

static void logs(void)
{
	static char text[KIB(64)];
	struct machine_log log;
	unsigned int i;

	start();
	EXPECT_FAIL(machine_log_open(&log, "web"), "cannot write to");
	EXPECT(!machine_store_create("web", "x"));
	EXPECT(!machine_log_open(&log, "web"));
	for (i = 0; i < 16; i++)
		machine_log_write(&log, text, sizeof(text));
	EXPECT_EQ(size_of(STORE_LOG), MIB(1));
	EXPECT_EQ(size_of(STORE_OLD_LOG), 0);
	machine_log_write(&log, text, 1);
	EXPECT_EQ(size_of(STORE_LOG), 1);
	EXPECT_EQ(size_of(STORE_OLD_LOG), MIB(1));
	for (i = 0; i < 16; i++)
		machine_log_write(&log, text, sizeof(text));
	EXPECT_EQ(size_of(STORE_LOG), KIB(64));
	EXPECT_EQ(size_of(STORE_OLD_LOG), 1 + 15 * KIB(64));
	machine_log_close(&log);
	EXPECT(!machine_log_open(&log, "web"));
	machine_log_write(&log, "abc", 3);
	EXPECT_EQ(size_of(STORE_LOG), KIB(64) + 3);
	machine_log_close(&log);
	EXPECT(!machine_store_remove("web"));
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(life), TEST_CASE(left_behind), TEST_CASE(contested), TEST_CASE(locks),
	TEST_CASE(one_at_a_time), TEST_CASE(all_names), TEST_CASE(logs),
};

TEST_SUITE(machine_store_suite, "machine_store", cases);
