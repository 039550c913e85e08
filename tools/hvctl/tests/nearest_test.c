// SPDX-License-Identifier: GPL-2.0-only
#include "nearest.h"
#include "test.h"

static char *names[] = { "db", "web", "web-1", "build-server", NULL };
static char *none[] = { NULL };

#define NEAREST(name)	nearest_name(name, names)

static void found(void)
{
	EXPECT(!strcmp(NEAREST("web"), "web"));
	EXPECT(!strcmp(NEAREST("wep"), "web"));
	EXPECT(!strcmp(NEAREST("webb"), "web"));
	EXPECT(!strcmp(NEAREST("web1"), "web"));
	EXPECT(!strcmp(NEAREST("weeb-1"), "web-1"));
	EXPECT(!strcmp(NEAREST("d"), "db"));
	EXPECT(!strcmp(NEAREST("buildserver"), "build-server"));
	EXPECT(!strcmp(NEAREST("bld-srver"), "build-server"));
}

static void too_far(void)
{
	EXPECT(!NEAREST("ewb"));
	EXPECT(!NEAREST("x"));
	EXPECT(!NEAREST("mail"));
	EXPECT(!NEAREST("b-s"));
	EXPECT(!NEAREST(""));
	EXPECT(!nearest_name("web", none));
}

static const struct test_case cases[] = {
	TEST_CASE(found), TEST_CASE(too_far),
};

TEST_SUITE(nearest_suite, "nearest", cases);
