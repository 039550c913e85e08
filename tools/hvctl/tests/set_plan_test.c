// SPDX-License-Identifier: GPL-2.0-only
/* What "hvctl set" does to which machine. */
#include "set_plan.h"

#include "column_choice.h"
#include "saved_config.h"
#include "test.h"

static struct set_plan plan;

#define PARSE(...) parse((const char *[]){ "set", ##__VA_ARGS__, NULL })

static int parse(const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return set_plan_parse(&plan, argc, (char **)argv);
}

static void expect_arguments(const char *want)
{
	struct json_object *arguments = NULL;

	EXPECT(!set_plan_arguments(&plan, &arguments));
	EXPECT_HAS(json_object_to_json_string_ext(arguments, JSON_C_TO_STRING_PLAIN |
						  JSON_C_TO_STRING_NOSLASHESCAPE), want);
	json_object_put(arguments);
}

static void expect_saved(bool runs, const char *want)
{
	struct json_object *config = saved_config_create(), *options;

	EXPECT(!set_plan_save(&plan, runs, config));
	EXPECT(json_object_object_get_ex(config, "options", &options));
	EXPECT_HAS(json_object_to_json_string_ext(options, JSON_C_TO_STRING_PLAIN |
						  JSON_C_TO_STRING_NOSLASHESCAPE), want);
	json_object_put(config);
}

static void both(void)
{
	EXPECT(!PARSE("web", "--balloon", "size=64M", "--kernel", "/proc/stat"));
	EXPECT(!strcmp(plan.name, "web"));
	EXPECT(set_plan_is_live(&plan, true) && !set_plan_is_live(&plan, false));
	EXPECT(set_plan_is_saved(&plan, true, true) && !set_plan_is_saved(&plan, true, false));
	EXPECT(!set_plan_check(&plan, true, true) && !set_plan_check(&plan, false, true));
	EXPECT_FAIL(set_plan_check(&plan, true, false), "--kernel can't be changed while");
	EXPECT(!strcmp(set_plan_waits(&plan), "kernel"));
	expect_arguments("{\"balloon\":67108864}");
	expect_saved(true, "{\"balloon\":\"size=64M\",\"kernel\":\"/proc/stat\"}");
	expect_saved(false, "{\"balloon\":\"size=64M\",\"kernel\":\"/proc/stat\"}");

	EXPECT(!PARSE("web", "--balloon", "size=64M", "--live"));
	EXPECT(set_plan_is_live(&plan, true) && !set_plan_is_saved(&plan, true, true));
	EXPECT(!set_plan_check(&plan, true, true) && !set_plan_check(&plan, true, false));
	EXPECT(!set_plan_waits(&plan));
	EXPECT_FAIL(set_plan_check(&plan, false, true), "--live: the machine web doesn't run");

	EXPECT(!PARSE("web", "--balloon", "size=64M", "--save"));
	EXPECT(!set_plan_is_live(&plan, true) && set_plan_is_saved(&plan, true, true));
	EXPECT_FAIL(set_plan_check(&plan, true, false), "--save: the machine web was made by");

	EXPECT(!PARSE("web", "--rng", "--live"));
	EXPECT_FAIL(set_plan_check(&plan, true, true), "--rng can't be changed while the machine runs; leave");
}

/* Larger, or another one. */
static void drives(void)
{
	EXPECT(!PARSE("web", "--disk", "path=/proc/stat,size=1M"));
	EXPECT(set_plan_is_live(&plan, true) && !set_plan_is_saved(&plan, true, true));
	EXPECT(!set_plan_check(&plan, true, true) && !set_plan_check(&plan, true, false));
	EXPECT_FAIL(set_plan_check(&plan, false, true), "--disk: that is for a machine that runs");
	expect_arguments("{\"disks\":[{\"path\":\"/proc/stat\",\"size\":1048576}]}");

	EXPECT(!PARSE("web", "--disk", "path=/proc/stat"));
	EXPECT(set_plan_is_live(&plan, true) && !set_plan_is_saved(&plan, true, true));
	EXPECT(set_plan_is_saved(&plan, false, true));
	expect_saved(false, "{\"disk\":[\"path=/proc/stat\"]}");
	EXPECT(!PARSE("web", "--disk", "path=/proc/stat", "--save"));
	EXPECT(!set_plan_is_live(&plan, true) && set_plan_is_saved(&plan, true, true));
	expect_saved(true, "{\"disk\":[\"path=/proc/stat\"]}");
	EXPECT(!PARSE("web", "--disk", "path=/proc/stat,size=1M", "--save"));
	EXPECT_FAIL(set_plan_check(&plan, true, true), "--disk: that isn't saved");

	EXPECT(!PARSE("web", "--disk", "path=/proc/stat,readonly", "--disk-img=/proc/cmdline"));
	EXPECT(!set_plan_is_live(&plan, true));
	expect_saved(true, "{\"disk\":[\"path=/proc/stat,readonly\",\"path=/proc/cmdline\"]}");
	EXPECT(!strcmp(set_plan_waits(&plan), "disk"));
}

static void others(void)
{
	struct json_object *config = saved_config_create();

	EXPECT(!PARSE("web", "--rng", "--without", "cpus", "--datacenter", "a"));
	saved_config_put(config, "cpus", "3");
	EXPECT(!set_plan_save(&plan, true, config));
	EXPECT_HAS(json_object_to_json_string_ext(config, JSON_C_TO_STRING_PLAIN),
		   "{\"version\":1,\"options\":{\"rng\":true},\"datacenter\":\"a\"}");
	EXPECT_FAIL(set_plan_save(&plan, true, config), "the machine has no cpus");
	EXPECT(!PARSE("--name=web", "--without", "datacenter"));
	EXPECT(!set_plan_save(&plan, true, config));
	EXPECT(!strcmp(saved_config_datacenter(config), ""));
	json_object_put(config);

	EXPECT(!PARSE("web", "--datacenter", "a"));
	EXPECT(!set_plan_waits(&plan));
	EXPECT(!PARSE("--help") && plan.help);
	EXPECT_FAIL(PARSE("web"), "say what is to change");
	EXPECT_FAIL(PARSE("web", "--live"), "say what is to change");
	EXPECT_FAIL(PARSE("web", "--live", "--save", "--rng"), "give one of them");
	EXPECT_FAIL(PARSE("--rng"), "say which machine");
	EXPECT_FAIL(PARSE("web", "--host-root"), "--host-root is for 'hvctl run' alone");
	EXPECT_FAIL(PARSE("web", "--foo"), "unknown or ambiguous option --foo");
}

static void columns(void)
{
	static const char * const names[] = { "name", "state", "cpus" };
	struct column_choice choice;

	EXPECT(!column_choice_parse(&choice, names, 3, "-o", "CPUS,name"));
	EXPECT_EQ(choice.count, 2);
	EXPECT_EQ(choice.column[0], 2);
	EXPECT_EQ(choice.column[1], 0);
	EXPECT_FAIL(column_choice_parse(&choice, names, 3, "-o", "name,foo"),
		    "-o: there is no column 'foo'; there are name,state,cpus");
	EXPECT_FAIL(column_choice_parse(&choice, names, 3, "-o", ""), "no column ''");
	EXPECT_FAIL(column_choice_parse(&choice, names, 3, "-o", "name,cpus,name"),
		    "'name' is given twice");
}

static const struct test_case cases[] = {
	TEST_CASE(both), TEST_CASE(drives), TEST_CASE(others), TEST_CASE(columns),
};

TEST_SUITE(set_plan_suite, "set_plan", cases);
