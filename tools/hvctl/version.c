// SPDX-License-Identifier: GPL-2.0-only
/* hvctl --version: of the tool, and of the module if it is there. */
#include <stdio.h>

#include "error.h"
#include "lhv_dev.h"
#include "verb.h"
#include "version.h"

int verb_version(int argc, char **argv)
{
	struct lhv_dev dev;

	(void)argc;
	(void)argv;
	printf("hvctl %s (interface version %d)\n", HVCTL_VERSION, LHV_API_VERSION);
	if (lhv_open(&dev)) {
		printf("lhv.ko: %s\n", fail_text());
		return STATUS_OK;
	}
	printf("lhv.ko %.*s (interface version %u)\n", (int)sizeof(dev.info.version),
	       dev.info.version, dev.info.api_version);
	lhv_close(&dev);
	return STATUS_OK;
}
