// SPDX-License-Identifier: GPL-2.0-only
/*
 * scale COUNT PAYLOAD: what machines cost by how many there are already: prints a line for each
 * of COUNT of PAYLOAD, which sleeps, as they come and go:
 *
 *	N create start stop destroy     in ticks
 *	memory N total process kernel   of the host's, in bytes for each of the N - 1 after the
 *		first, which brought what all of them share; what isn't the process' is the kernel's
 */
#include <err.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "free_memory.h"

#define COUNT_MAX	1000
#define ARGS_MAX	16
#define MEMORY		"16M"

typedef unsigned long long u64;

static struct {
	u64 create, start, stop, destroy;
} machine[COUNT_MAX + 1];

static const char *payload;

extern char **environ;

/* ---- processes ------------------------------------------------------------------ */

/* Run hvctl with these arguments, up to NULL; it must succeed. */
static void hvctl(const char *first, ...)
{
	char *argv[ARGS_MAX] = { "hvctl", (char *)first };
	unsigned int count = 2;
	va_list list;
	int status;
	pid_t pid;

	va_start(list, first);
	while (count < ARGS_MAX - 1 && (argv[count] = va_arg(list, char *)))
		count++;
	va_end(list);
	if (posix_spawnp(&pid, "hvctl", NULL, NULL, argv, environ))
		err(1, "can't start hvctl");
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

static u64 lap(u64 *since)
{
	u64 now = __rdtsc(), ticks = now - *since;

	*since = now;
	return ticks;
}

static void begin(unsigned int i)
{
	u64 clock = __rdtsc();

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
	machine[i].stop = lap(&clock);
	hvctl("destroy", name_of(i), NULL);
	machine[i].destroy = lap(&clock);
}

/* ---- memory --------------------------------------------------------------------- */

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(1, "%s", path);
	close(fd);
}

/* What process @pid has, its share of what it shares; in bytes */
static u64 share_of(pid_t pid)
{
	char path[64], line[256];
	u64 kib = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	file = fopen(path, "r");
	if (!file)
		err(1, "%s", path);
	while (fgets(line, sizeof(line), file) && sscanf(line, "Pss: %llu", &kib) != 1)
		;
	fclose(file);
	return kib * 1024;
}

static pid_t pid_of(unsigned int i)
{
	char command[128], line[32] = "";
	FILE *pipe;

	snprintf(command, sizeof(command), "hvctl status %s | sed -n 's/^pid: *//p'", name_of(i));
	pipe = popen(command, "r");
	if (!pipe || !fgets(line, sizeof(line), pipe))
		errx(1, "machine %u has no pid", i);
	pclose(pipe);
	return atoi(line);
}

/* What the processes of @count machines have, what they share counted once; in bytes */
static u64 process_memory(unsigned int count)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 1; i <= count; i++)
		sum += share_of(pid_of(i));
	return sum;
}

/* Of @count machines; first of one, which the others are compared with. */
static void print_memory(unsigned int count)
{
	static u64 free_then, process_then;
	u64 free_now, process_now;
	long long total, process;

	write_to("/proc/sys/vm/drop_caches", "3");
	write_to("/proc/sys/vm/stat_refresh", "1");
	free_now = free_memory();
	process_now = process_memory(count);
	if (count == 1) {
		free_then = free_now;
		process_then = process_now;
		return;
	}
	total = free_then - free_now;
	process = process_now - process_then;
	printf("memory %u %lld %lld %lld\n", count, total / (count - 1), process / (count - 1),
	       (total - process) / (count - 1));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int i, count;

	count = argc == 3 ? atoi(argv[1]) : 0;
	if (!count || count > COUNT_MAX)
		errx(2, "usage: scale COUNT PAYLOAD");
	payload = argv[2];
	/* One before all brings everything to memory that the others find there. */
	begin(0);
	end(0);
	for (i = 1; i <= count; i++) {
		begin(i);
		if (i == 1 || i == 50 || i == count)
			print_memory(i);
	}
	for (i = count; i; i--)
		end(i);
	for (i = 1; i <= count; i++)
		printf("%u %llu %llu %llu %llu\n", i, machine[i].create, machine[i].start,
		       machine[i].stop, machine[i].destroy);
	return 0;
}
