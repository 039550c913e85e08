// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale run|verbs COUNT PAYLOAD: what machines cost by how many there are already: prints a
 * line for each of COUNT of PAYLOAD, which says a letter and sleeps, as they come and go:
 *
 *	N create start stop destroy     in ticks, 0 where there is no such verb
 *	memory N total process kernel   of the host's, in bytes for each of N machines
 *
 * With "run" a machine is "hvctl run"; with "verbs" it is created, started, stopped and
 * destroyed by those.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define COUNT_MAX	1000
#define ARGS_MAX	16
#define SETTLE_USEC	300000	/* for what the kernel frees later */
#define MEMORY		"16M"

typedef unsigned long long u64;

static struct {
	pid_t pid;
	u64 create, start, stop, destroy;
} machine[COUNT_MAX + 1];

static const char *payload;
static bool with_verbs;

extern char **environ;

/* ---- processes ------------------------------------------------------------------ */

/* Start hvctl with these arguments, up to NULL; its output goes to @out. */
static pid_t spawn(int out, const char *first, va_list list)
{
	char *argv[ARGS_MAX] = { "hvctl", (char *)first };
	posix_spawn_file_actions_t actions;
	unsigned int count = 2;
	pid_t pid;

	while (count < ARGS_MAX - 1 && (argv[count] = va_arg(list, char *)))
		count++;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (posix_spawnp(&pid, "hvctl", &actions, NULL, argv, environ))
		err(1, "can't start hvctl");
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static pid_t hvctl_start(int out, const char *first, ...)
{
	va_list list;
	pid_t pid;

	va_start(list, first);
	pid = spawn(out, first, list);
	va_end(list);
	return pid;
}

/* The same, up to its end, which must be a good one. */
static void hvctl(const char *first, ...)
{
	va_list list;
	int status;
	pid_t pid;

	va_start(list, first);
	pid = spawn(2, first, list);
	va_end(list);
	if (waitpid(pid, &status, 0) != pid || status)
		errx(1, "hvctl %s failed", first);
}

/* ---- one machine ---------------------------------------------------------------- */

static const char *name_of(unsigned int i)
{
	static char name[16];

	snprintf(name, sizeof(name), "m%u", i);
	return name;
}

/* Up to the letter that its guest says. */
static void run_machine(unsigned int i)
{
	int pipe_fd[2];
	char letter;

	if (pipe2(pipe_fd, O_CLOEXEC))
		err(1, "pipe");
	machine[i].pid = hvctl_start(pipe_fd[1], "run", "--name", name_of(i), "--memory", MEMORY,
				     "--kernel", payload, NULL);
	close(pipe_fd[1]);
	if (read(pipe_fd[0], &letter, 1) != 1)
		errx(1, "machine %u says nothing", i);
}

static u64 lap(u64 *since)
{
	u64 now = __rdtsc(), ticks = now - *since;

	*since = now;
	return ticks;
}

static void begin(unsigned int i)
{
	u64 clock = __rdtsc();

	if (!with_verbs) {
		run_machine(i);
		machine[i].start = lap(&clock);
		return;
	}
	hvctl("create", name_of(i), "--memory", MEMORY, "--kernel", payload, "--console", "none",
	      NULL);
	machine[i].create = lap(&clock);
	hvctl("start", name_of(i), NULL);
	machine[i].start = lap(&clock);
}

static void end(unsigned int i)
{
	u64 clock = __rdtsc();

	hvctl("stop", name_of(i), "--force", NULL);
	if (!with_verbs && waitpid(machine[i].pid, NULL, 0) != machine[i].pid)
		err(1, "machine %u", i);
	machine[i].stop = lap(&clock);
	if (!with_verbs)
		return;
	hvctl("destroy", name_of(i), NULL);
	machine[i].destroy = lap(&clock);
}

/* ---- memory --------------------------------------------------------------------- */

/* The number behind @key in the file at @path, which is in KiB there; in bytes. */
static u64 bytes_in(const char *path, const char *key)
{
	char line[256];
	u64 kib = 0;
	FILE *file = fopen(path, "r");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, key, strlen(key)))
			sscanf(line + strlen(key), "%llu", &kib);
	}
	fclose(file);
	return kib * 1024;
}

static u64 free_memory(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd < 0 || write(fd, "3", 1) != 1)
		err(1, "drop_caches");
	close(fd);
	usleep(SETTLE_USEC);
	return bytes_in("/proc/meminfo", "MemFree:");
}

/* What verbs started isn't our child: its process is in its lock, as /proc knows. */
static pid_t pid_of(unsigned int i)
{
	char command[128], line[32] = "";
	FILE *pipe;

	if (!with_verbs)
		return machine[i].pid;
	snprintf(command, sizeof(command), "hvctl status %s | sed -n 's/^pid: *//p'", name_of(i));
	pipe = popen(command, "r");
	if (!pipe || !fgets(line, sizeof(line), pipe))
		errx(1, "machine %u has no pid", i);
	pclose(pipe);
	return atoi(line);
}

/* Of @count machines, where @before was free without any. */
static void print_memory(unsigned int count, u64 before)
{
	u64 total = before - free_memory(), process = 0;
	char path[64];
	unsigned int i;

	for (i = 1; i <= count; i++) {
		snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid_of(i));
		process += bytes_in(path, "Pss:");
	}
	printf("memory %u %llu %llu %llu\n", count, total / count, process / count,
	       (total - process) / count);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int i, count;
	u64 before;

	count = argc == 4 ? atoi(argv[2]) : 0;
	if (!count || count > COUNT_MAX)
		errx(2, "usage: scale run|verbs COUNT PAYLOAD");
	with_verbs = !strcmp(argv[1], "verbs");
	payload = argv[3];
	/* One before all brings everything to memory that the others find there. */
	begin(0);
	end(0);
	before = free_memory();
	for (i = 1; i <= count; i++) {
		begin(i);
		if (i == 1 || i == 50 || i == count)
			print_memory(i, before);
	}
	for (i = count; i; i--)
		end(i);
	for (i = 1; i <= count; i++)
		printf("%u %llu %llu %llu %llu\n", i, machine[i].create, machine[i].start,
		       machine[i].stop, machine[i].destroy);
	return 0;
}
