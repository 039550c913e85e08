// SPDX-License-Identifier: GPL-2.0-only
/*
 * init of the emulated host: mounts what a host has mounted, loads the modules
 * of /lab/modules, runs the command of /lab/argv, sends the files of /lab/get
 * and the status to the build machine.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

#define PATH	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define LAB_FAILED	125

static const struct {
	const char *type, *target, *options;
} mounts[] = {
	{ "proc", "/proc", "" },
	{ "sysfs", "/sys", "" },
	{ "devtmpfs", "/dev", "" },
	{ "devpts", "/dev/pts", "ptmxmode=666" },
	{ "tmpfs", "/dev/shm", "" },
	{ "tmpfs", "/run", "" },
	{ "tmpfs", "/tmp", "" },
	{ "cgroup2", "/sys/fs/cgroup", "" },
	{ "debugfs", "/sys/kernel/debug", "" },
	{ "tracefs", "/sys/kernel/tracing", "" },
};

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].target, 0755);
		if (mount(mounts[i].type, mounts[i].target, mounts[i].type, 0,
			  mounts[i].options) && errno != EBUSY)
			wire_printf(LAB_CH_KMSG, "lab: mount %s: %m\n", mounts[i].target);
	}
}

static void set_environment(void)
{
	char **list = read_list(LAB_DIR "/env");

	clearenv();
	setenv("PATH", PATH, 1);
	setenv("HOME", "/root", 1);
	for (; list && *list; list++)
		putenv(*list);
	sethostname("lab", 3);
}

/* @line: a module's path and its parameters, if any, after a space. */
static int load_module(char *line)
{
	char *parameters = strchr(line, ' ');
	int fd, error;

	if (parameters)
		*parameters++ = '\0';
	fd = open(line, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = syscall(SYS_finit_module, fd, parameters ?: "", 0) ? -errno : 0;
	close(fd);
	return error == -EEXIST ? 0 : error;
}

static int load_modules(void)
{
	char **list = read_list(LAB_DIR "/modules");
	int error;

	for (; list && *list; list++) {
		error = load_module(*list);
		if (error) {
			wire_printf(LAB_CH_STDERR, "lab: %s: %s; the kernel's log tells why\n",
				    *list, strerror(-error));
			return error;
		}
	}
	return 0;
}

/* Runs "tar -cf - -C DIRECTORY NAME" with its output on the wire. */
static int send_path(char *path)
{
	char *directory = dirname(strdup(path)), *name = basename(strdup(path));
	char buffer[LAB_FRAME_MAX];
	int out[2], status;
	ssize_t length;
	pid_t child;

	if (pipe2(out, O_CLOEXEC))
		return LAB_FAILED;
	child = fork();
	if (!child) {
		wire_disown();
		dup2(out[1], 1);
		execlp("tar", "tar", "-cf", "-", "-C", directory, name, NULL);
		_exit(LAB_FAILED);
	}
	close(out[1]);
	while ((length = read(out[0], buffer, sizeof(buffer))) > 0)
		wire_send(LAB_CH_FILE, buffer, length);
	close(out[0]);
	return waitpid(child, &status, 0) == child && !status ? 0 : LAB_FAILED;
}

/* Each file is a tar stream of its own; an empty frame ends it. */
static int send_files(void)
{
	char **list = read_list(LAB_DIR "/get");
	int status = 0;

	if (chdir("/root"))
		return LAB_FAILED;
	for (; list && *list; list++) {
		if (access(*list, F_OK)) {
			wire_printf(LAB_CH_STDERR, "lab: --get %s: no such file on the host\n",
				    *list);
			status = LAB_FAILED;
		} else if (send_path(*list)) {
			status = LAB_FAILED;
		}
		wire_send(LAB_CH_FILE, "", 0);
	}
	return status;
}

int main(void)
{
	struct lab_result result = { .status = LAB_FAILED };
	struct lab_status status = { 0 };
	int kmsg_fd, sent;

	wire_open();
	mount_all();
	kmsg_fd = kmsg_open();
	set_environment();
	kmsg_watch();
	if (!load_modules())
		result = command_run(read_list(LAB_DIR "/argv"), kmsg_fd);
	sent = send_files();
	kmsg_check_leaks();
	status.status = result.status ?: sent;
	status.ticks = result.ticks;
	status.reports = kmsg_reports();
	wire_send(LAB_CH_STATUS, &status, sizeof(status));
	/* The relay ends the emulator now: neither power-off nor reset does so well. */
	for (;;)
		pause();
}
