/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_MACHINE_DESCRIBE_H
#define HVCTL_MACHINE_DESCRIBE_H

#include <json-c/json.h>

/*
 * What there is to tell of the machine @name, as the command "status" has it
 * (docs/control.md), be it one that runs or one that was created; its "state" is "running",
 * "suspended" or "stopped". Besides, "created" tells if it is kept, and "datacenter" is its
 * label, if it has one. NULL with a sentence: there is no such machine, or it doesn't answer
 */
struct json_object *machine_describe(const char *name);

/*
 * The same of one that a list has: its state may be "starting" or "ending", too, "unknown" if it
 * doesn't answer within a second, and "damaged" if its config can't be read, and then there is
 * no more than that, and why. NULL: it is gone by now
 */
struct json_object *machine_describe_briefly(const char *name);

#endif
