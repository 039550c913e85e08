// SPDX-License-Identifier: GPL-2.0-only
/* A machine's cgroup and the limits in it, in a made-up tree of files. */
#include "cgroup.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "machine_dir.h"
#include "machine_limits.h"
#include "test.h"

/* ---- where ---------------------------------------------------------------------- */

static char top[PATH_MAX], home[PATH_MAX];

#define MOUNT(root, at)	"30 24 0:27 " root " " at " rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"

static void places(void)
{
	static const char unified[] =
		"24 1 8:1 / / rw - ext4 /dev/sda rw\n" MOUNT("/", "/sys/fs/cgroup");

	EXPECT(!cgroup_place(unified, "0::/user.slice/a.scope\n", top, home));
	EXPECT(!strcmp(top, "/sys/fs/cgroup"));
	EXPECT(!strcmp(home, "/sys/fs/cgroup/user.slice/a.scope"));
	EXPECT(!cgroup_place(unified, "0::/\n", top, home));
	EXPECT(!strcmp(home, "/sys/fs/cgroup"));
	/* Beside version 1 */
	EXPECT(!cgroup_place("35 32 0:32 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
			     MOUNT("/", "/sys/fs/cgroup/unified"),
			     "4:cpu:/x\n0::/y\n", top, home));
	EXPECT(!strcmp(home, "/sys/fs/cgroup/unified/y"));
	/* In a container */
	EXPECT(!cgroup_place(MOUNT("/box", "/cg\\040\\134x"), "0::/box/a\n", top, home));
	EXPECT(!strcmp(top, "/cg \\x"));
	EXPECT(!strcmp(home, "/cg \\x/a"));
	EXPECT(!cgroup_place(MOUNT("/box", "/cg"), "0::/box\n", top, home));
	EXPECT(!strcmp(home, "/cg"));
	/* What isn't shown there is as good as the top. */
	EXPECT(!cgroup_place(MOUNT("/box", "/cg"), "0::/other\n", top, home));
	EXPECT(!strcmp(home, "/cg"));
}

static void no_places(void)
{
	static char long_path[2 * PATH_MAX];

	EXPECT_FAIL(cgroup_place("24 1 8:1 / / rw - ext4 /dev/sda rw\n", "0::/\n", top, home),
		    "isn't mounted");
	EXPECT_FAIL(cgroup_place("", "", top, home), "mount -t cgroup2");
	EXPECT_FAIL(cgroup_place(MOUNT("/", "/cg"), "4:cpu:/x\n", top, home), "isn't mounted");
	EXPECT_FAIL(cgroup_place(" - cgroup2 ", "0::/\n", top, home), "isn't mounted");
	EXPECT_FAIL(cgroup_place("1 2\n - cgroup2 x", "0::/\n", top, home), "isn't mounted");
	memset(long_path, 'x', sizeof(long_path) - 1);
	memcpy(long_path, "0::/", 4);
	EXPECT_FAIL(cgroup_place(MOUNT("/", "/cg"), long_path, top, home), "too long");
}

/* ---- a made-up host ------------------------------------------------------------- */

static char base[] = "/tmp/hvctl-cgroup-XXXXXX";
static char run_folder[] = "/tmp/hvctl-run-XXXXXX";
static struct machine_dir dir;
static struct machine_limits machine;

static void put(const char *path, const char *text)
{
	char full[PATH_MAX];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", base, path);
	file = fopen(full, "w");
	EXPECT(file);
	if (file) {
		fputs(text, file);
		fclose(file);
	}
}

/* Does the file at @path, below @folder, have @text in it? */
static bool has(const char *path, const char *text)
{
	char full[PATH_MAX], found[256];
	ssize_t n;
	int fd;

	snprintf(full, sizeof(full), "%s/%s", base, path);
	fd = open(full, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, found, sizeof(found) - 1);
	close(fd);
	if (n < 0)
		return false;
	found[n] = '\0';
	if (strcmp(found, text))
		printf("    # %s has '%s'\n", path, found);
	return !strcmp(found, text);
}

static void make_group(const char *path, const char *controllers)
{
	static const struct { const char *name, *text; } files[] = {
		{ "cgroup.procs", "" }, { "cgroup.subtree_control", "" },
		{ "cpuset.cpus.effective", "0-1,5\n" },
	};
	char file[PATH_MAX];
	unsigned int i;

	snprintf(file, sizeof(file), "%s/%s", base, path);
	EXPECT(!mkdir(file, 0755));
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, files[i].name);
		put(file, files[i].text);
	}
	snprintf(file, sizeof(file), "%s/cgroup.controllers", path);
	put(file, controllers);
}

static const char *const values[] = {
	"cpu.weight", "cpu.max", "cpuset.cpus", "memory.max", "memory.high", "memory.oom.group",
	"memory.current", "memory.stat",
};

static void make_values(const char *path)
{
	char file[PATH_MAX];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, values[i]);
		put(file, "");
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* All of a path. */
static void make_folders(const char *path)
{
	char full[PATH_MAX], *slash;

	snprintf(full, sizeof(full), "%s/%s/", base, path);
	for (slash = strchr(full + strlen(base) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
}

/*
 * Root's: the machine's group is there, with files as no mkdir() makes them here, so that it
 * stays, too. false, and the test is skipped, if root isn't who tests.
 */
static bool start(const char *controllers)
{
	if (geteuid()) {
		test_skip("this is for root");
		return false;
	}
	strcpy(base + sizeof(base) - 7, "XXXXXX");
	strcpy(run_folder + sizeof(run_folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(base) && mkdtemp(run_folder));
	cgroup_base = base;
	machine_dir_base = run_folder;
	EXPECT(!machine_dir_claim(&dir, "web"));
	make_folders("proc/self");
	put("proc/self/mountinfo", MOUNT("/", "/cg"));
	put("proc/self/cgroup", "0::/home\n");
	make_folders("sys/devices/system/cpu");
	put("sys/devices/system/cpu/possible", "0-7\n");
	make_group("cg", controllers);
	make_group("cg/home", controllers);
	make_group("cg/lhv", controllers);
	make_group("cg/lhv/web", controllers);
	make_values("cg/lhv/web");
	return true;
}

static void end(void)
{
	machine_dir_release(&dir);
	EXPECT(!rmdir(run_folder));
	EXPECT(!nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS));
	cgroup_base = "";
	machine_dir_base = NULL;
}

static int begin(struct limits *limits)
{
	return machine_limits_begin(&machine, limits, "web", &dir);
}

static bool link_is(const char *wanted)
{
	char path[PATH_MAX + 16], text[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "%s/cgroup", dir.path);
	len = readlink(path, text, sizeof(text) - 1);
	if (len < 0)
		return !wanted;
	text[len] = '\0';
	return wanted && !strcmp(text + strlen(base), wanted);
}

static struct limits parsed(const char *units, const char *percent, const char *cpus,
			    const char *memory)
{
	const char *text[LIMITS] = {
		[LIMIT_CPU_UNITS] = units, [LIMIT_CPU] = percent, [LIMIT_CPU_AFFINITY] = cpus,
		[LIMIT_MEMORY] = memory,
	};
	struct limits limits = { 0 };
	unsigned int i;

	for (i = 0; i < LIMITS; i++)
		EXPECT(!text[i] || !limit_options_parse(&limits, i, text[i]));
	return limits;
}

/* ---- limits --------------------------------------------------------------------- */

static void all_limits(void)
{
	struct limits limits = parsed("2000", "150", "5,0", "64M");
	struct json_object *object = json_object_new_object();

	if (!start("cpuset cpu io memory pids\n"))
		return;
	EXPECT(!begin(&limits));
	EXPECT(has("cg/lhv/web/cgroup.procs", "0"));
	EXPECT(has("cg/cgroup.subtree_control", "+memory"));
	EXPECT(has("cg/lhv/cgroup.subtree_control", "+memory"));
	EXPECT(has("cg/lhv/web/cpu.weight", "200"));
	EXPECT(has("cg/lhv/web/cpu.max", "150000 100000"));
	EXPECT(has("cg/lhv/web/cpuset.cpus", "0,5"));
	EXPECT(has("cg/lhv/web/memory.max", "67108864"));
	EXPECT(has("cg/lhv/web/memory.oom.group", "1"));
	EXPECT(has("cg/lhv/web/memory.high", ""));
	EXPECT(link_is("/cg/lhv/web"));
	machine_limits_soften(&machine);
	EXPECT(has("cg/lhv/web/memory.high", "62914560"));
	machine_limits_describe(&machine, object);
	EXPECT_HAS(json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE),
		   "/cg/lhv/web\",\"cpu-units\":2000,\"cpu-limit\":150,\"cpu-affinity\":\"0,5\",\"memory-limit\":67108864}");
	json_object_put(object);
	machine_limits_end(&machine);
	EXPECT(has("cg/home/cgroup.procs", "0"));
	EXPECT(link_is(NULL));
	end();
}

/* A group that was left behind has values of another. */
static void only_one(void)
{
	struct limits limits = parsed(NULL, "0", NULL, NULL);

	if (!start("cpu memory\n"))
		return;
	put("cg/cgroup.subtree_control", "cpu memory\n");
	put("cg/lhv/cgroup.subtree_control", "cpu memory\n");
	put("cg/lhv/web/memory.max", "1");
	EXPECT(!begin(&limits));
	EXPECT(has("cg/cgroup.subtree_control", "cpu memory\n"));
	EXPECT(has("cg/lhv/web/cpu.weight", "100"));
	EXPECT(has("cg/lhv/web/cpu.max", "max 100000"));
	EXPECT(has("cg/lhv/web/cpuset.cpus", "0-7"));
	EXPECT(has("cg/lhv/web/memory.max", "max"));
	machine_limits_end(&machine);
	/* None are given: there is no group. */
	put("cg/lhv/web/cgroup.procs", "");
	limits.given = 0;
	EXPECT(!begin(&limits));
	EXPECT(has("cg/lhv/web/cgroup.procs", ""));
	EXPECT(link_is(NULL));
	machine_limits_end(&machine);
	end();
}

static void refused_at_start(void)
{
	struct limits limits = parsed(NULL, NULL, "0-2", NULL);

	if (!start("cpu cpuset\n"))
		return;
	EXPECT_FAIL(begin(&limits), "CPU 2 is none that the machine could have; those are 0-1,5");
	EXPECT(has("cg/home/cgroup.procs", "0"));
	EXPECT(link_is(NULL));
	limits = parsed(NULL, NULL, NULL, "64M");
	EXPECT_FAIL(begin(&limits), "no controller 'memory'; cgroup v1");
	EXPECT(link_is(NULL));
	put("proc/self/mountinfo", "");
	EXPECT_FAIL(begin(&limits), "isn't mounted");
	end();
}

static int change(const char *units, const char *percent, const char *cpus, const char *memory)
{
	struct limits limits = parsed(units, percent, cpus, memory);

	return machine_limits_check(&machine, &limits) ? -1 : machine_limits_set(&machine, &limits);
}

static void live(void)
{
	struct limits limits = parsed(NULL, "50", NULL, NULL);

	if (!start("cpu cpuset memory\n"))
		return;
	EXPECT(!begin(&limits));
	EXPECT(!change("500", "0", "1", "64M"));
	EXPECT(has("cg/lhv/web/cpu.weight", "50"));
	EXPECT(has("cg/lhv/web/cpu.max", "max 100000"));
	EXPECT(has("cg/lhv/web/cpuset.cpus", "1"));
	EXPECT(has("cg/lhv/web/memory.max", "67108864"));
	EXPECT(!change(NULL, NULL, "all", "0"));
	EXPECT(has("cg/lhv/web/cpuset.cpus", "0-7"));
	EXPECT(has("cg/lhv/web/memory.max", "max"));
	EXPECT_FAIL(change(NULL, NULL, "9", NULL), "CPU 9 is none");

	/* Caches can go; what else there is can't. */
	put("cg/lhv/web/memory.current", "134217728\n");
	put("cg/lhv/web/memory.stat", "anon 1\ninactive_file 33554432\nactive_file 33554432\n");
	EXPECT(!change(NULL, NULL, NULL, "64M"));
	put("cg/lhv/web/memory.stat", "anon 1\ninactive_file 33550336\nactive_file 33554432\n");
	put("cg/lhv/web/memory.current", "1125899906842624\n");
	EXPECT_FAIL(change(NULL, NULL, NULL, "64M"), "have its balloon take some first");
	EXPECT(!change(NULL, NULL, NULL, "0"));
	machine_limits_end(&machine);
	end();
}

/* A write that fails leaves all as it was. */
static void undone(void)
{
	struct limits limits = parsed("1000", "50", NULL, NULL);
	char path[PATH_MAX];

	if (!start("cpu cpuset memory\n"))
		return;
	EXPECT(!begin(&limits));
	snprintf(path, sizeof(path), "%s/cg/lhv/web/cpu.max", base);
	EXPECT(!unlink(path) && !mkdir(path, 0755));
	EXPECT_FAIL(change("500", "70", NULL, NULL), "--cpu-limit: cannot write '70000 100000' to");
	EXPECT(has("cg/lhv/web/cpu.weight", "100"));
	EXPECT_EQ(machine.now.cpu_percent, 50);
	machine_limits_end(&machine);
	end();
}

/* A machine without limits gets its group when it needs one; its memory is elsewhere. */
static void live_first(void)
{
	struct limits none = { 0 };
	char path[PATH_MAX];

	if (!start("cpu cpuset memory\n"))
		return;
	EXPECT(!begin(&none));
	EXPECT_FAIL(change(NULL, NULL, NULL, "64M"), "started without limits");
	EXPECT(link_is(NULL));
	EXPECT_FAIL(change(NULL, NULL, "9", NULL), "CPU 9 is none");
	EXPECT(link_is(NULL));
	EXPECT(!change("10", NULL, NULL, NULL));
	EXPECT(has("cg/lhv/web/cpu.weight", "1"));
	EXPECT(has("cg/lhv/web/cgroup.procs", "0"));
	EXPECT(link_is("/cg/lhv/web"));
	EXPECT_FAIL(change(NULL, NULL, NULL, "64M"), "started without limits");
	/* Where a controller wasn't to be had when the group was made */
	snprintf(path, sizeof(path), "%s/cg/lhv/web/cpuset.cpus", base);
	EXPECT(!unlink(path));
	EXPECT_FAIL(change(NULL, NULL, "1", NULL), "has no cpuset.cpus");
	EXPECT(link_is("/cg/lhv/web"));
	machine_limits_end(&machine);
	end();
}

/* ---- users ---------------------------------------------------------------------- */

/* As for users, who may divide the group that they are in, if it is delegated. */
static void delegated(void)
{
	struct limits limits = parsed("10", NULL, NULL, NULL);
	char path[PATH_MAX], pid[16];

	if (!start("cpu\n"))
		return;
	snprintf(path, sizeof(path), "%s/cg/home", base);
	if (setxattr(path, "user.delegate", "1", 1, 0)) {
		test_skip("there are no attributes of files");
		end();
		return;
	}
	make_group("cg/home/lhv-web", "cpu\n");
	make_values("cg/home/lhv-web");
	EXPECT(!begin(&limits));
	EXPECT(has("cg/home/lhv-web/cgroup.procs", "0"));
	EXPECT(has("cg/home/lhv-web/cpu.weight", "1"));
	EXPECT(has("cg/home/cgroup.subtree_control", "+cpu"));
	EXPECT(has("cg/cgroup.subtree_control", ""));
	EXPECT(link_is("/cg/home/lhv-web"));
	machine_limits_end(&machine);
	EXPECT(has("cg/home/cgroup.subtree_control", "-memory"));
	EXPECT(has("cg/home/cgroup.procs", "0"));
	limits = parsed(NULL, NULL, NULL, "64M");
	EXPECT_FAIL(begin(&limits), "'memory' isn't delegated to ");

	/* Another process of this program comes along; init doesn't. */
	snprintf(pid, sizeof(pid), "%d", getpid());
	snprintf(path, sizeof(path), "1\n%s\n1\n", pid);
	put("cg/home/cgroup.procs", path);
	limits = parsed("10", NULL, NULL, NULL);
	EXPECT(!begin(&limits));
	EXPECT(has("cg/home/lhv-web/cgroup.procs", pid));
	machine_limits_end(&machine);
	end();
}

/* ---- what is left behind -------------------------------------------------------- */

static void left_behind(void)
{
	struct machine_dir other;
	char path[PATH_MAX], **list;

	if (!start("cpu\n"))
		return;
	snprintf(path, sizeof(path), "%s/cg/lhv/db", base);
	EXPECT(!mkdir(path, 0755));
	EXPECT(!machine_dir_claim(&other, "db"));
	EXPECT(!machine_dir_link_group(&other, path));
	close(other.lock_fd);		/* as when it is killed */
	list = machine_dir_list();
	EXPECT(list && list[0] && !strcmp(list[0], "web") && !list[1]);
	free(list);
	EXPECT(access(path, F_OK));
	EXPECT(access(other.path, F_OK));

	/* The next one of that name, too */
	EXPECT(!mkdir(path, 0755));
	EXPECT(!machine_dir_claim(&other, "db"));
	EXPECT(!machine_dir_link_group(&other, path));
	close(other.lock_fd);
	EXPECT(!machine_dir_claim(&other, "db"));
	EXPECT(access(path, F_OK));
	machine_dir_release(&other);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(places),
	TEST_CASE(no_places),
	TEST_CASE(all_limits),
	TEST_CASE(only_one),
	TEST_CASE(refused_at_start),
	TEST_CASE(live),
	TEST_CASE(undone),
	TEST_CASE(live_first),
	TEST_CASE(delegated),
	TEST_CASE(left_behind),
};

TEST_SUITE(cgroup_suite, "cgroup", cases);
