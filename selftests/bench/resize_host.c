// SPDX-License-Identifier: GPL-2.0-only
/*
 * resize_host KERNEL INITRD CMDLINE: has a guest, which runs resize_guest.c, take a CPU and 512 MiB
 * more and give them back, some times; prints a table of the ticks that each took.
 */
#include <err.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define ROUNDS		9
#define MORE_KIB	(512 * 1024UL)

typedef unsigned long long u64;

extern char **environ;

static FILE *console;	/* the guest's */

/* ---- hvctl ---------------------------------------------------------------------- */

static pid_t start_hvctl(char *const argv[])
{
	pid_t pid;

	if (posix_spawnp(&pid, "hvctl", NULL, NULL, argv, environ))
		err(1, "can't start hvctl");
	return pid;
}

static void start_machine(const char *kernel, const char *initrd, const char *cmdline)
{
	int ends[2];

	if (pipe(ends))
		err(1, "pipe");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		if (dup2(ends[1], STDOUT_FILENO) < 0)
			err(1, "dup2");
		close(ends[0]);
		close(ends[1]);
		execlp("hvctl", "hvctl", "run", "--name", "web", "--cpus", "1,max=2", "--memory",
		       "256M,max=1G", "--kernel", kernel, "--initrd", initrd, "--cmdline", cmdline,
		       NULL);
		err(1, "can't start hvctl");
	}
	close(ends[1]);
	console = fdopen(ends[0], "r");
	if (!console)
		err(1, "fdopen");
}

/* ---- what the guest says -------------------------------------------------------- */

/* Wait until the guest says @word and a number of @least or more; gives the number. */
static unsigned long await(const char *word, unsigned long least)
{
	unsigned long number;
	char line[512];

	while (fgets(line, sizeof(line), console)) {
		if (strncmp(line, word, strlen(word)))
			continue;
		number = strtoul(line + strlen(word), NULL, 10);
		if (number >= least)
			return number;
	}
	errx(1, "the guest went before it said %s %lu", word, least);
}

/* ---- changes -------------------------------------------------------------------- */

/*
 * Ticks that "hvctl set web @option @value" takes until the guest says @word and @least or, if @word
 * is NULL, until hvctl is through.
 */
static u64 ticks_of(const char *option, const char *value, const char *word, unsigned long least)
{
	char *argv[] = { "hvctl", "set", "web", (char *)option, (char *)value, NULL };
	u64 begun = __rdtsc(), ended = 0;
	pid_t pid = start_hvctl(argv);
	int status;

	if (word) {
		await(word, least);
		ended = __rdtsc();
	}
	if (waitpid(pid, &status, 0) != pid || status)
		errx(1, "hvctl set %s %s failed", option, value);
	return (word ? ended : __rdtsc()) - begun;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static void print_row(const char *name, u64 ticks[ROUNDS])
{
	qsort(ticks, ROUNDS, sizeof(ticks[0]), compare);
	printf("%-48s %12llu %12llu %12llu\n", name, ticks[ROUNDS / 2], ticks[0],
	       ticks[ROUNDS - 1]);
}

int main(int argc, char **argv)
{
	u64 cpu_comes[ROUNDS], cpu_goes[ROUNDS], memory_comes[ROUNDS], memory_goes[ROUNDS];
	unsigned long kib;
	unsigned int i;

	if (argc != 4)
		errx(2, "usage: resize_host KERNEL INITRD CMDLINE");
	start_machine(argv[1], argv[2], argv[3]);
	kib = await("KIB", 1);
	await("LISTENS", 0);
	for (i = 0; i < ROUNDS; i++) {
		cpu_comes[i] = ticks_of("--cpus", "2", "CPUS", 2);
		cpu_goes[i] = ticks_of("--cpus", "1", NULL, 0);
		memory_comes[i] = ticks_of("--memory", "768M", "KIB", kib + MORE_KIB);
		memory_goes[i] = ticks_of("--memory", "256M", NULL, 0);
	}
	printf("%-48s %12s %12s %12s\n", "ticks", "median", "least", "most");
	print_row("set --cpus +1, until it is online in the guest", cpu_comes);
	print_row("set --cpus -1, until the vCPU is destroyed", cpu_goes);
	print_row("set --memory +512M, until MemTotal has it", memory_comes);
	print_row("set --memory -512M, until the host has it", memory_goes);
	return system("hvctl stop web --force") ? 1 : 0;
}
