/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The folder of a machine that was created, which lasts until it is destroyed: for root's
 * /var/lib/lhv/NAME, for another user's $XDG_STATE_HOME/lhv/NAME (~/.local/state/lhv/NAME).
 * It has the machine's config and its log. Folders appear and go as a whole, by renaming, and
 * files are replaced so; what a killed hvctl was about to make or to remove has a name that
 * begins with a dot, and goes with the next list.
 * Who changes something holds the machine's lock (machine_lock.h).
 */
#ifndef HVCTL_MACHINE_STORE_H
#define HVCTL_MACHINE_STORE_H

#include <limits.h>

#include "types.h"

#define STORE_DIR	"/var/lib/lhv"	/* root's */
#define STORE_CONFIG	"config"
#define STORE_LOG	"log"
#define STORE_OLD_LOG	"log.1"

/* Where the folders are instead; for tests. */
extern const char *machine_store_base;

/* Where @file of the machine @name is, be there one or not. -1 with a sentence: nowhere */
int machine_store_path(const char *name, const char *file, char path[static PATH_MAX]);

/* Was it created? */
bool machine_store_has(const char *name);

/* Create it with @text as its config. -1 with a sentence: nothing has changed */
int machine_store_create(const char *name, const char *text);

/* All of the config, which free() frees; NULL with a sentence. */
char *machine_store_read(const char *name, size_t *len);

/* Replace the config by @text. -1 with a sentence: it is as it was */
int machine_store_write(const char *name, const char *text);

/* Remove the folder with all that is in it. */
int machine_store_remove(const char *name);

/* Those that were created, as in name_list.h; what killed commands left behind goes. */
char **machine_store_list(void);

#endif
