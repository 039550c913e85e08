// SPDX-License-Identifier: GPL-2.0-only
/* A whole run of hvctl with a Debian guest. */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define OUTPUT		"/tmp/guest-output"
#define KERNEL		"/guest/vmlinuz"
#define INITRD		"/guest/initrd.img"

static bool guest_said(const char *text)
{
	char line[512];
	bool found = false;
	FILE *file = fopen(OUTPUT, "re");

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, text);
	if (file)
		fclose(file);
	return found;
}

static void run_hvctl(void)
{
	int fd = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
		err(127, OUTPUT);
	execlp("hvctl", "hvctl", "run", "--cpus", "1", "--memory", "256M", "--kernel", KERNEL,
	       "--initrd", INITRD, "--cmdline", "console=ttyS0 run=true", NULL);
	err(127, "hvctl");
}

bool measure_boot(struct results *results)
{
	u64 started, ticks;
	int status;
	pid_t pid;

	started = __rdtsc();
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid)
		run_hvctl();
	if (waitpid(pid, &status, 0) != pid)
		err(2, "waitpid");
	ticks = __rdtsc() - started;
	if (status || !guest_said("GUEST EXIT 0")) {
		warnx("hvctl run: status %#x, the guest didn't get to its end", status);
		return false;
	}
	results->rows[ROW_BOOT][SIDE_LHV] = single(ticks);
	return true;
}
