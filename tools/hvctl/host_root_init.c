// SPDX-License-Identifier: GPL-2.0-only
/* The init of a machine that hvctl run --host-root made. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "host_root.h"
#include "host_root_ports.h"
#include "verb.h"

#define CONSOLE		"/dev/ttyS0"
#define ARGUMENTS_MAX	4096

/* What shells give a command that can't be run. */
#define STATUS_NOT_FOUND	127
#define STATUS_SIGNAL		128

/* The status goes to hvctl's port, and the machine with it. */
static void __attribute__((noreturn)) end(int status)
{
	sync();
	if (!ioperm(HOST_ROOT_STATUS, 1, 1))
		outb(status, HOST_ROOT_STATUS);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "hvctl: in the machine: %s: %s\n", what, strerror(errno));
	end(STATUS_FAIL);
}

/* ---- the machine ------------------------------------------------------------------ */

static void mount_at(const char *source, const char *target, const char *type,
		     unsigned long flags, const char *data)
{
	if (mount(source, target, type, flags, data))
		die(target);
}

static void load_modules(void)
{
	char path[40];
	unsigned int i;
	int fd;

	for (i = 0; ; i++) {
		snprintf(path, sizeof(path), "/" HOST_ROOT_MODULE, i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
			die(path);
		close(fd);
	}
}

static void make_root(void)
{
	mount_at(HOST_ROOT_TAG, "/host", "virtiofs", MS_RDONLY, NULL);
	mount_at("tmpfs", "/over", "tmpfs", 0, NULL);
	if (mkdir("/over/upper", 0755) || mkdir("/over/work", 0755))
		die("/over");
	mount_at("overlay", "/root", "overlay", 0,
		 "lowerdir=/host,upperdir=/over/upper,workdir=/over/work");
	mount_at("devtmpfs", "/root/dev", "devtmpfs", 0, NULL);
	mount_at("proc", "/root/proc", "proc", 0, NULL);
	mount_at("sysfs", "/root/sys", "sysfs", 0, NULL);
	/* What the host's daemons keep there is not of this machine. */
	mount_at("tmpfs", "/root/run", "tmpfs", 0, "mode=755");
	if (!mkdir("/root/dev/pts", 0755) || errno == EEXIST)
		mount("devpts", "/root/dev/pts", "devpts", 0, NULL);
	if (!mkdir("/root/dev/shm", 01777) || errno == EEXIST)
		mount("tmpfs", "/root/dev/shm", "tmpfs", 0, NULL);
}

/* ---- the command ------------------------------------------------------------------ */

/* All of a small file, with a 0 behind it. */
static char *read_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *data;

	if (fd < 0 || fstat(fd, &st))
		die(path);
	data = calloc(1, st.st_size + 1);
	if (!data || read(fd, data, st.st_size) != st.st_size)
		die(path);
	close(fd);
	*size = st.st_size;
	return data;
}

/* The list of the strings in a file, which ends with NULL. */
static char **read_strings(const char *path)
{
	unsigned int count = 0;
	char **list = calloc(ARGUMENTS_MAX, sizeof(*list));
	char *at, *data;
	size_t size;

	data = read_file(path, &size);
	for (at = data; list && at < data + size; at += strlen(at) + 1) {
		if (count == ARGUMENTS_MAX - 1)
			break;
		list[count++] = at;
	}
	if (!list || at < data + size) {
		errno = E2BIG;
		die("arguments and variables");
	}
	return list;
}

/* Without a terminal at its other end, bytes pass as they are. */
static void set_terminal(const struct winsize *size)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t))
		return;
	if (size) {
		ioctl(STDIN_FILENO, TIOCSWINSZ, size);
	} else {
		t.c_oflag &= ~OPOST;
		t.c_lflag &= ~(ECHO | ISIG);
		t.c_iflag &= ~(ICRNL | IXON);
	}
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static void let_input_come(void)
{
	if (!ioperm(HOST_ROOT_INPUT, 1, 1))
		outb(1, HOST_ROOT_INPUT);
}

static void open_console(void)
{
	int fd = open(CONSOLE, O_RDWR);

	if (fd < 0)
		end(STATUS_FAIL);
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* In the child: its own session, with the console as its terminal. */
static void run_command(char **argv, char **variables, const char *cwd)
{
	setsid();
	ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	environ = variables;
	if (chroot("/root") || chdir(cwd)) {
		fprintf(stderr, "hvctl: cannot enter %s: %s\n", cwd, strerror(errno));
		_exit(STATUS_NOT_FOUND);
	}
	execvp(argv[0], argv);
	fprintf(stderr, "hvctl: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(STATUS_NOT_FOUND);
}

/* Init inherits, and buries, whoever loses its parent. */
static int wait_for(pid_t child)
{
	int status;
	pid_t pid;

	do {
		pid = wait(&status);
	} while (pid != child && (pid >= 0 || errno == EINTR));
	return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_SIGNAL + WTERMSIG(status);
}

bool host_root_is_init(void)
{
	return getpid() == 1 && !access("/" HOST_ROOT_ARGV, F_OK);
}

void host_root_init(void)
{
	char **argv = read_strings("/" HOST_ROOT_ARGV);
	char **variables = read_strings("/" HOST_ROOT_ENVIRON);
	struct winsize *size = NULL;
	size_t length;
	pid_t child;

	mount_at("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	open_console();
	if (!access("/" HOST_ROOT_TERMINAL, F_OK))
		size = (struct winsize *)read_file("/" HOST_ROOT_TERMINAL, &length);
	set_terminal(size);
	let_input_come();
	load_modules();
	make_root();
	child = fork();
	if (child < 0)
		die("fork");
	if (!child)
		run_command(argv, variables, read_file("/" HOST_ROOT_CWD, &length));
	end(wait_for(child));
}
