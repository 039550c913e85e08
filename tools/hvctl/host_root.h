/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvctl run --host-root: a command runs in a machine with the host's kernel and, under an
 * overlay that is thrown away, the host's root file system, read-only. hvctl itself is the
 * machine's init: host_root_init.c.
 */
#ifndef HVCTL_HOST_ROOT_H
#define HVCTL_HOST_ROOT_H

#include <limits.h>

#include "machine.h"

/* The share with the host's root. */
#define HOST_ROOT_TAG		"host-root"

struct host_root {
	int initrd_fd;
	char initrd[32];		/* a name of it */
	char kernel[PATH_MAX];
};

/*
 * Have @config be such a machine for @argv, a list that ends with NULL. Its kernel, if it
 * names none yet, is the host's; it must be of the release that runs. @terminal: the
 * command is to have one.
 */
int host_root_create(struct host_root *root, struct machine_config *config, char *const argv[],
		     bool terminal);
void host_root_destroy(struct host_root *root);

/* Is this process the init of such a machine? */
bool host_root_is_init(void);

/* Then: run the command, and end the machine. */
void host_root_init(void) __attribute__((noreturn));

/* ---- between the two: files of the initial RAM disk -------------------------------- */

#define HOST_ROOT_FOLDER	"hvctl"
#define HOST_ROOT_ARGV		HOST_ROOT_FOLDER "/argv"	/* strings, each with its 0 */
#define HOST_ROOT_ENVIRON	HOST_ROOT_FOLDER "/environ"	/* the same */
#define HOST_ROOT_CWD		HOST_ROOT_FOLDER "/cwd"		/* one string */
#define HOST_ROOT_TERMINAL	HOST_ROOT_FOLDER "/terminal"	/* struct winsize, if there is one */
#define HOST_ROOT_MODULE	HOST_ROOT_FOLDER "/module%u"	/* from 0, in their order */

#endif
