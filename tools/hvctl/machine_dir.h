/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The folder of a running machine, by which the others know its name:
 * /run/lhv/NAME for root's machines, $XDG_RUNTIME_DIR/lhv/NAME for another user's.
 * In it are a lock, which the machine's process holds, the machine's control socket, and
 * perhaps those of ports (port_options.h).
 * A folder whose lock nobody holds is one that a killed hvctl left behind.
 */
#ifndef HVCTL_MACHINE_DIR_H
#define HVCTL_MACHINE_DIR_H

#include <limits.h>
#include <sys/un.h>

#include "types.h"

#define RUN_DIR		"/run/lhv"	/* root's */
#define NAME_MAX_LENGTH	63

/* Where the folders are instead; for tests. */
extern const char *machine_dir_base;

/* Where this user's machines have their folders. -1 with a sentence: nowhere */
int machine_dir_base_folder(char path[static PATH_MAX]);

/* Make that, if it isn't there. */
int machine_dir_make_base(void);

struct machine_dir {
	char path[PATH_MAX];	/* "": there is none */
	int lock_fd;
};

/*
 * Check that @text is a name: up to NAME_MAX_LENGTH letters, digits, '-', '_' and '.',
 * of which the first is a letter or digit. @what names the option in the error.
 */
int machine_dir_check_name(const char *text, const char *what);

/*
 * Take @name for this process; what a killed hvctl left under it is removed. Returns -1 with
 * a sentence if another machine has it, or if folders can't be made there.
 */
int machine_dir_claim(struct machine_dir *dir, const char *name);

/*
 * Have a link to the machine's cgroup at @path there, so that the group goes with the folder,
 * whoever removes that. -1 with a sentence; without a folder there is nothing to be done.
 */
int machine_dir_link_group(const struct machine_dir *dir, const char *path);
void machine_dir_unlink_group(const struct machine_dir *dir);

/* It has started: until then, machine_dir_is_starting(). */
void machine_dir_started(struct machine_dir *dir);

/* Remove the folder, with the control socket, and give the name up. */
void machine_dir_release(struct machine_dir *dir);

/*
 * Be the one who has the port for terminals of the machine @name, which runs. Returns an fd,
 * which is to be closed afterwards; or -1 with a sentence: somebody else is.
 */
int machine_dir_lock_enter(const char *name);

/* The address of the control socket of the machine @name, be there one or not. */
int machine_dir_control(const char *name, struct sockaddr_un *address);

/* The same of the socket to which "hvctl console" connects. */
int machine_dir_console(const char *name, struct sockaddr_un *address);

/* Does the process of the machine @name live? If not, its folder goes. */
bool machine_dir_is_alive(const char *name);

/* Does it live, and has not started yet? */
bool machine_dir_is_starting(const char *name);

/*
 * The folder in which this user's machines share copies of what they boot (image_copy.h);
 * nothing is made. -1 with a sentence if there can't be one.
 */
int machine_dir_copies(char path[static PATH_MAX]);

/*
 * The names of the machines that run, in order, ending with NULL; free() takes all of it.
 * NULL with a sentence. What killed ones left behind is removed.
 */
char **machine_dir_list(void);

#endif
