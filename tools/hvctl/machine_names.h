/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_MACHINE_NAMES_H
#define HVCTL_MACHINE_NAMES_H

/*
 * All of this user's machines, those that were created and those that run, as in name_list.h.
 * What killed commands left behind goes. NULL with a sentence
 */
char **machine_names(void);

/*
 * -1, with a sentence for who asks for the machine @name, which isn't there, or for one that
 * runs, and it doesn't. The nearest name is told, too.
 */
int fail_no_machine(const char *name);

#endif
