/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs of the command line, one file each. */
#ifndef HVCTL_VERB_H
#define HVCTL_VERB_H

/* Exit statuses of hvctl itself; a guest's debug-exit port gives any odd one. */
#define STATUS_OK	0
#define STATUS_FAIL	1	/* the guest crashed, or it could not be run */
#define STATUS_USAGE	2	/* hvctl was called in a wrong way */

/* Each gets its own arguments, argv[0] being the verb, and returns a status. */
int verb_console(int argc, char **argv);
int verb_create(int argc, char **argv);
int verb_destroy(int argc, char **argv);
int verb_enter(int argc, char **argv);
int verb_exec(int argc, char **argv);
int verb_list(int argc, char **argv);
int verb_log(int argc, char **argv);
int verb_metrics(int argc, char **argv);
int verb_restart(int argc, char **argv);
int verb_resume(int argc, char **argv);
int verb_run(int argc, char **argv);
int verb_set(int argc, char **argv);
int verb_start(int argc, char **argv);
int verb_stats(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_stop(int argc, char **argv);
int verb_suspend(int argc, char **argv);
int verb_top(int argc, char **argv);
int verb_version(int argc, char **argv);

/* Tell the user the sentence that fail() keeps; returns STATUS_FAIL. */
int verb_failed(void);

/* The same, for a command line that can't be right; returns STATUS_USAGE. */
int verb_misused(void);

/*
 * For a verb that takes a NAME and no options but common ones: either it goes on, with the
 * name, or it is over with the status that this returns.
 */
#define VERB_GOES_ON	(-1)
int verb_take_name(int argc, char **argv, const char *help, const char **name);

#endif
