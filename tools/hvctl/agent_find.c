// SPDX-License-Identifier: GPL-2.0-only
#include "agent_find.h"

#include <stdio.h>
#include <string.h>

#include "control_client.h"
#include "error.h"

static void take_path(struct json_object *status, const char *key, char path[static PATH_MAX])
{
	struct json_object *value;
	const char *text = "";

	if (json_object_object_get_ex(status, key, &value) &&
	    json_object_is_type(value, json_type_string))
		text = json_object_get_string(value);
	*path = '\0';
	if (strlen(text) < PATH_MAX)
		strcpy(path, text);
}

int agent_find(const char *name, struct agent_place *place)
{
	struct json_object *status, *open;

	if (control_ask(name, "status", NULL, &status))
		return -1;
	take_path(status, "agent", place->agent);
	take_path(status, "enter", place->enter);
	place->open = json_object_object_get_ex(status, "agent-open", &open) &&
		      json_object_get_boolean(open);
	json_object_put(status);
	if (*place->agent)
		return 0;
	return fail("the machine %s has no port for a guest agent; run it with --agent auto, and qemu-guest-agent in its guest",
		    name);
}

int agent_fail_silent(const char *name)
{
	struct agent_place place;

	if (agent_find(name, &place))
		return -1;
	if (!place.open)
		return fail("no agent runs in the guest of the machine %s; install qemu-guest-agent there, and start it, or wait until the guest has booted",
			    name);
	return fail("the agent in the guest of the machine %s doesn't answer; the guest may be stopped or very busy, or another program keeps the socket %s",
		    name, place.agent);
}
