/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs of the command line, one file each. */
#ifndef HVCTL_VERB_H
#define HVCTL_VERB_H

/* Exit statuses of hvctl itself; a guest's debug-exit port gives any odd one. */
#define STATUS_OK	0
#define STATUS_CRASH	1	/* of the guest */
#define STATUS_FAIL	2	/* wrong usage, or the host's fault */

/* Each gets its own arguments, argv[0] being the verb, and returns a status. */
int verb_run(int argc, char **argv);
int verb_version(int argc, char **argv);

/* Tell the user the sentence that fail() keeps; returns STATUS_FAIL. */
int verb_failed(void);

#endif
