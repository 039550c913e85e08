/* SPDX-License-Identifier: GPL-2.0-only */
/* What a machine does for clients of its control socket: the commands of docs/control.md. */
#ifndef HVCTL_MACHINE_CONTROL_H
#define HVCTL_MACHINE_CONTROL_H

struct json_object;

/* A control_handler whose @opaque is a machine; for the thread in machine_run(). */
int machine_control(void *opaque, const char *command, struct json_object *arguments,
		    struct json_object **result);

#endif
