// SPDX-License-Identifier: GPL-2.0-only
#include "agent_vcpus.h"

#include <poll.h>

#include "agent_client.h"
#include "agent_find.h"
#include "clock.h"
#include "error.h"

#define LOOK_MS		100	/* between two looks for CPUs that are yet to be found */
#define TAKE_SECONDS	5

/* How many of @vcpus, an array as guest-get-vcpus returns, are online; the others' @offline. */
static int sort(struct json_object *vcpus, struct json_object *offline)
{
	size_t i;
	int online = 0;

	for (i = 0; i < json_object_array_length(vcpus); i++) {
		struct json_object *vcpu = json_object_array_get_idx(vcpus, i), *flag, *change;
		s64 id;

		if (agent_number(vcpu, "logical-id", 0, INT32_MAX, &id) ||
		    !json_object_object_get_ex(vcpu, "online", &flag))
			return fail("the guest's agent doesn't say which CPUs are online");
		if (json_object_get_boolean(flag)) {
			online++;
			continue;
		}
		change = json_object_new_object();
		json_object_object_add(change, "logical-id", json_object_new_int64(id));
		json_object_object_add(change, "online", json_object_new_boolean(true));
		json_object_array_add(offline, change);
	}
	return online;
}

/* Bring those online that are offline, all of which can be. Returns how many were online. */
static int bring_online(struct agent *agent, unsigned int seconds)
{
	struct json_object *vcpus = NULL, *offline, *arguments;
	int online;

	if (agent_call(agent, "guest-get-vcpus", NULL, MIB(1), seconds, &vcpus))
		return -1;
	if (!json_object_is_type(vcpus, json_type_array)) {
		json_object_put(vcpus);
		return fail("the guest's agent doesn't say which CPUs there are");
	}
	offline = json_object_new_array();
	online = sort(vcpus, offline);
	json_object_put(vcpus);
	if (online < 0 || !json_object_array_length(offline)) {
		json_object_put(offline);
		return online;
	}
	arguments = json_object_new_object();
	json_object_object_add(arguments, "vcpus", offline);
	return agent_call(agent, "guest-set-vcpus", arguments, AGENT_REPLY_MAX, seconds,
			  NULL) ? -1 : online;
}

int agent_online_vcpus(const char *path, unsigned int cpus, unsigned int seconds)
{
	struct agent agent = AGENT(path);
	u64 end = clock_ms() + 1000ULL * seconds;
	int online = agent_open(&agent, seconds);

	/* What was asked for is seen in the next look. */
	while (online >= 0) {
		online = bring_online(&agent, seconds);
		if (online < 0 || online >= (int)cpus)
			break;
		if (clock_ms() >= end) {
			online = fail("of the guest's CPUs only %d are online, of %u; look into its kernel's log",
				      online, cpus);
			break;
		}
		poll(NULL, 0, LOOK_MS);
	}
	agent_close(&agent);
	return online < 0 ? -1 : 0;
}

void agent_take_vcpus(const char *name, unsigned int cpus)
{
	struct agent_place place;

	if (agent_find(name, &place) || !place.open)
		return;
	if (agent_online_vcpus(place.agent, cpus, TAKE_SECONDS))
		say("new CPUs may be offline in the guest: %s", fail_text());
}
