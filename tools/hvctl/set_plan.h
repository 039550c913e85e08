/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command line of "hvctl set": what it changes of a machine that runs, and what of its
 * saved config. Most options are one or the other; some are both.
 */
#ifndef HVCTL_SET_PLAN_H
#define HVCTL_SET_PLAN_H

#include "set_options.h"
#include "types.h"

#define SET_CHANGES_MAX	64

struct set_change {
	const char *name;	/* of the option */
	const char *value;	/* NULL: it takes none */
	bool live;		/* a machine that runs can be changed so */
	bool saved;		/* it is kept */
};

struct set_plan {
	const char *name;	/* the machine's */
	bool help;
	bool live_only, save_only;
	struct set_change change[SET_CHANGES_MAX];
	unsigned int count;
};

/* Parse it; argv[0] is the verb. -1 with a sentence */
int set_plan_parse(struct set_plan *plan, int argc, char **argv);

/*
 * Which of it is done to a machine that runs or not (@runs), and is kept or not (@created): -1
 * with a sentence that tells what can't be.
 */
int set_plan_check(const struct set_plan *plan, bool runs, bool created);

/* Is a part of it for the machine that runs, or for its config, after that? */
bool set_plan_is_live(const struct set_plan *plan, bool runs);
bool set_plan_is_saved(const struct set_plan *plan, bool runs, bool created);

/* The arguments of the command "set" for the former. -1 with a sentence */
int set_plan_arguments(const struct set_plan *plan, struct json_object **arguments);

/* Change @config for the latter. -1 with a sentence */
int set_plan_save(const struct set_plan *plan, bool runs, struct json_object *config);

/* Something that is saved, but waits for the machine's next start; NULL: there is none */
const char *set_plan_waits(const struct set_plan *plan);

#endif
