// SPDX-License-Identifier: GPL-2.0-only
#include "machine_change.h"

#include <stdio.h>
#include <string.h>

#include "error.h"

int machine_change_check(const struct machine_change *change, enum change_part part)
{
	static const char * const name[CHANGE_PARTS] = {
		[CHANGE_CPUS] = "number of vCPUs", [CHANGE_MEMORY] = "memory",
	};
	unsigned int i;

	for (i = 0; i < CHANGE_PARTS; i++) {
		if (change->request[i].pending & BIT(part))
			return fail("the machine's %s is being changed by another command; wait until that has ended",
				    name[part]);
	}
	return 0;
}

void machine_change_begin(struct machine_change *change, u32 parts, control_ticket ticket)
{
	struct change_request *request = change->request;

	/* There is a free one: each of the others has a part of its own. */
	while (request->pending)
		request++;
	*request = (struct change_request){ .ticket = ticket, .pending = parts };
}

static void add_error(struct change_request *request)
{
	size_t used = strlen(request->error);

	snprintf(request->error + used, sizeof(request->error) - used, "%s%s", used ? "; " : "",
		 fail_text());
}

void machine_change_end(struct machine_change *change, struct control *control,
			enum change_part part, int ret)
{
	struct change_request *request = change->request;

	while (!(request->pending & BIT(part)))
		request++;
	request->pending &= ~BIT(part);
	if (ret < 0)
		add_error(request);
	if (!request->pending)
		control_reply(control, request->ticket,
			      *request->error ? fail("%s", request->error) : 0, NULL);
}
