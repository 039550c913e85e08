/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks all of this user's machines that run the same, at once: none waits for another, and one
 * that doesn't answer keeps nobody from hearing what the others said.
 */
#ifndef HVCTL_SURVEY_H
#define HVCTL_SURVEY_H

#include <json-c/json.h>

#include "types.h"

struct survey;

/* What one machine said. */
struct surveyed {
	const char *name;
	/* What it answered last, NULL: nothing so far; it is the survey's. */
	struct json_object *result;
	bool fresh;		/* in this round, or just now if it was asked earlier */
	const char *error;	/* why it isn't; "" if nobody knows */
};

/* @command, which has no arguments, is there as long as the survey. NULL with a sentence */
struct survey *survey_create(const char *command);
void survey_destroy(struct survey *survey);

/*
 * A new round: ask those that run now. One that still owes an answer isn't asked again; what it
 * says then counts. Returns -1 with a sentence if nobody knows which run.
 */
int survey_begin(struct survey *survey);

/* What to poll for reading: when it is readable, survey_serve() has something to do. */
int survey_fd(const struct survey *survey);
void survey_serve(struct survey *survey);

/*
 * How many have yet to answer of those that this round asked. Who owes an answer from the last
 * one isn't waited for.
 */
unsigned int survey_pending(const struct survey *survey);

/* Serve until all that are waited for have answered, or @ms milliseconds have passed. */
void survey_wait(struct survey *survey, unsigned int ms);

/* Those that the round was for, in the order of their names; @i is less than the count. */
size_t survey_count(const struct survey *survey);
struct surveyed survey_get(const struct survey *survey, size_t i);

/*
 * Ask once, and wait for a while: an array of results. Of one that doesn't answer there is an
 * object with "name", "state", which is "unknown", and "error". NULL with a sentence
 */
struct json_object *survey_all(const char *command);

#endif
