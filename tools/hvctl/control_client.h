/* SPDX-License-Identifier: GPL-2.0-only */
/* The other end of control sockets: what verbs ask of machines that run. */
#ifndef HVCTL_CONTROL_CLIENT_H
#define HVCTL_CONTROL_CLIENT_H

#include <json-c/json.h>

/* A machine that answers later hangs, or its process is stopped. In seconds */
#define CONTROL_PATIENCE	10
extern unsigned int control_patience;

/*
 * Connect to the machine @name, and read its greeting. Returns the connection, or -1 with a
 * sentence: there is no such machine, or it speaks a later version.
 */
int control_connect(const char *name);

/*
 * Have the machine at @connection do @command. @arguments, which may be NULL, is given up.
 * Returns 0, and in @result, unless that is NULL, what it replied, an object that
 * json_object_put() frees; or -1 with a sentence, which may be the machine's.
 */
int control_call(int connection, const char *command, struct json_object *arguments,
		 struct json_object **result);

/* The same all at once, from control_connect() on. */
int control_ask(const char *name, const char *command, struct json_object *arguments,
		struct json_object **result);

/*
 * The same for a command that is replied to when the guest has done its part: wait as long as
 * the machine answers other requests. Meanwhile @tell, which may be NULL, is called with its
 * status once a second.
 */
int control_ask_patiently(const char *name, const char *command, struct json_object *arguments,
			  struct json_object **result, void (*tell)(struct json_object *status));

/*
 * A pidfd of the machine's process at @connection, or of the one that listens for the machine
 * @name, whatever it answers. -1 with a sentence
 */
int control_peer(int connection);
int control_process(const char *name);

#endif
