// SPDX-License-Identifier: GPL-2.0-only
#include "host_root.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpio.h"
#include "error.h"
#include "kernel_modules.h"

/*
 * So that nothing else of the kernel's is printed where the command prints; and
 * without the tests of its ciphers, which take long in Debian's kernels.
 */
#define CMDLINE		"console=ttyS0 quiet loglevel=1 panic=-1 rdinit=/init cryptomgr.notests"

static const char * const modules[] = { "virtio_pci", "virtiofs", "overlay" };

/* ---- modules -------------------------------------------------------------------- */

static const char *decompressor(const char *path)
{
	static const struct { const char *suffix, *program; } all[] = {
		{ ".xz", "xz" }, { ".zst", "zstd" }, { ".gz", "gzip" },
	};
	const char *suffix = strrchr(path, '.');
	unsigned int i;

	for (i = 0; suffix && i < ARRAY_SIZE(all); i++) {
		if (!strcmp(suffix, all[i].suffix))
			return all[i].program;
	}
	return NULL;
}

/* "PROGRAM -dc PATH" to @fd */
static int run_decompressor(const char *program, const char *path, int fd)
{
	char *argv[] = { (char *)program, "-dc", (char *)path, NULL };
	posix_spawn_file_actions_t actions;
	int ret, status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
	ret = posix_spawnp(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (ret) {
		errno = ret;
		return fail_errno("cannot run %s to decompress %s", program, path);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status)
		return fail("%s could not decompress %s", program, path);
	return 0;
}

/* The new kernel may not be able to decompress it. */
static int add_module(struct cpio *c, const char *name, const char *path)
{
	const char *program = decompressor(path);
	char plain[32];
	int fd, ret;

	if (!program)
		return cpio_add_file(c, name, 0400, path);
	fd = memfd_create("module", MFD_CLOEXEC);
	if (fd < 0)
		return fail_errno("cannot create a file in memory");
	snprintf(plain, sizeof(plain), "/proc/self/fd/%d", fd);
	ret = run_decompressor(program, path, fd);
	if (!ret)
		ret = cpio_add_file(c, name, 0400, plain);
	close(fd);
	return ret;
}

static int add_listed(struct cpio *c, const struct kernel_modules *list, const char *folder)
{
	char name[32], path[PATH_MAX];
	unsigned int i;

	for (i = 0; i < list->count; i++) {
		snprintf(name, sizeof(name), HOST_ROOT_MODULE, i);
		snprintf(path, sizeof(path), "%s/%s", folder, list->path[i]);
		if (add_module(c, name, path))
			return -1;
	}
	return 0;
}

static int add_modules(struct cpio *c, const char *release)
{
	struct kernel_modules list = { 0 };
	unsigned int i;
	char folder[96];
	int ret = 0;

	snprintf(folder, sizeof(folder), "/lib/modules/%s", release);
	for (i = 0; !ret && i < ARRAY_SIZE(modules); i++)
		ret = kernel_modules_add(&list, folder, modules[i]);
	if (!ret)
		ret = add_listed(c, &list, folder);
	kernel_modules_free(&list);
	return ret;
}

/* ---- what the command is given ------------------------------------------------------ */

static void add_strings(struct cpio *c, const char *name, char *const *strings)
{
	char *data = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&data, &size);

	if (!file)
		return;
	for (; *strings; strings++)
		fwrite(*strings, 1, strlen(*strings) + 1, file);
	fclose(file);
	cpio_add(c, name, 0400, data, size);
	free(data);
}

static int add_command(struct cpio *c, char *const argv[], bool terminal)
{
	struct winsize size = { 0 };
	char *cwd = getcwd(NULL, 0);

	if (!cwd)
		return fail_errno("cannot find the current directory");
	cpio_add(c, HOST_ROOT_CWD, 0400, cwd, strlen(cwd) + 1);
	free(cwd);
	add_strings(c, HOST_ROOT_ARGV, argv);
	add_strings(c, HOST_ROOT_ENVIRON, environ);
	if (terminal) {
		ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
		cpio_add(c, HOST_ROOT_TERMINAL, 0400, &size, sizeof(size));
	}
	return 0;
}

static int fill_initrd(struct cpio *c, char *const argv[], bool terminal, const char *release)
{
	static const char * const folders[] = {
		"dev", "proc", "host", "over", "root", HOST_ROOT_FOLDER,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(folders); i++)
		cpio_add_folder(c, folders[i]);
	if (cpio_add_file(c, "init", 0500, "/proc/self/exe") ||
	    add_command(c, argv, terminal) || add_modules(c, release))
		return -1;
	return cpio_end(c);
}

static int make_initrd(struct host_root *root, char *const argv[], bool terminal,
		       const char *release)
{
	struct cpio c;
	FILE *file;
	int ret;

	root->initrd_fd = memfd_create("initrd", MFD_CLOEXEC);
	if (root->initrd_fd < 0)
		return fail_errno("cannot create a file in memory");
	file = fdopen(dup(root->initrd_fd), "w");
	if (!file) {
		ret = fail_errno("cannot create a file in memory");
		goto out;
	}
	cpio_start(&c, file);
	ret = fill_initrd(&c, argv, terminal, release);
	fclose(file);
out:
	if (ret)
		close(root->initrd_fd);
	return ret;
}

/* ---- the kernel ------------------------------------------------------------------- */

/* Where distributions keep it */
static int find_kernel(struct host_root *root, const char *release)
{
	static const char * const places[] = { "/boot/vmlinuz-%s", "/lib/modules/%s/vmlinuz" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		snprintf(root->kernel, sizeof(root->kernel), places[i], release);
		if (!access(root->kernel, R_OK))
			return 0;
	}
	return fail("the kernel that this host runs is neither /boot/vmlinuz-%s nor /lib/modules/%s/vmlinuz, or may not be read; say where it is with --kernel FILE",
		    release, release);
}

static int share_root(struct devices_config *devices)
{
	if (devices->share_count == SHARES_MAX)
		return fail("--share: more than %u folders, one of which is --host-root's",
			    SHARES_MAX);
	return share_options_parse(&devices->share[devices->share_count++],
				   "/:" HOST_ROOT_TAG ",readonly");
}

int host_root_create(struct host_root *root, struct machine_config *config, char *const argv[],
		     bool terminal)
{
	struct boot_files *files = &config->files;
	struct utsname host;

	uname(&host);
	if (share_root(&config->devices))
		return -1;
	if (!files->kernel) {
		if (find_kernel(root, host.release))
			return -1;
		files->kernel = root->kernel;
	}
	if (make_initrd(root, argv, terminal, host.release))
		return -1;
	snprintf(root->initrd, sizeof(root->initrd), "/proc/self/fd/%d", root->initrd_fd);
	files->initrd = root->initrd;
	files->cmdline = CMDLINE;
	config->host_root = true;
	return 0;
}

void host_root_destroy(struct host_root *root)
{
	close(root->initrd_fd);
}
