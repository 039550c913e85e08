// SPDX-License-Identifier: GPL-2.0-only
/* Saved configs: what they say, how they change, and what is none. */
#include "saved_config.h"

#include <stdlib.h>
#include <unistd.h>

#include "config_changes.h"
#include "create_options.h"
#include "option_paths.h"
#include "saved_amount.h"
#include "test.h"

static struct json_object *config;

static const char *plain(struct json_object *object)
{
	return json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
						      JSON_C_TO_STRING_NOSLASHESCAPE);
}

static void expect(const char *text)
{
	EXPECT_HAS(plain(config), text);
	EXPECT_EQ(strlen(plain(config)), strlen(text));
}

static int parse(const char *text)
{
	return saved_config_parse(text, strlen(text), "config", &config);
}

/* ---- reading -------------------------------------------------------------------- */

static void round_trip(void)
{
	static const char text[] =
		"{\"version\":1,\"options\":{\"kernel\":\"/k\",\"rng\":true,\"disk\":[\"path=/a\",\"path=/b,readonly\"]},\"datacenter\":\"hel-1\"}";
	struct saved_machine machine;
	struct json_object *again;
	const char *pretty;

	EXPECT(!parse(text));
	expect(text);
	EXPECT(!strcmp(saved_config_datacenter(config), "hel-1"));
	pretty = saved_config_text(config);
	EXPECT(!saved_config_parse(pretty, strlen(pretty), "config", &again));
	EXPECT(json_object_equal(config, again));
	json_object_put(config);

	EXPECT(!saved_machine_read(&machine, "web", again));
	EXPECT(!strcmp(machine.options.machine.name, "web"));
	EXPECT(!strcmp(machine.options.machine.files.kernel, "/k"));
	EXPECT(machine.options.machine.devices.rng);
	EXPECT_EQ(machine.options.machine.devices.disk_count, 2);
	EXPECT(!strcmp(machine.options.machine.devices.disk[0].path, "/a"));
	EXPECT(machine.options.machine.devices.disk[1].readonly);
	saved_machine_close(&machine);
}

static void damaged(void)
{
	static const struct {
		const char *text, *sentence;
	} refused[] = {
		{ "", "config: " },
		{ "{\"version\":1,\"options\":{", "config: " },
		{ "{\"version\":1,\"options\":{}} x", "config: " },
		{ "[1]", "it is no object" },
		{ "{\"options\":{}}", "it has no version" },
		{ "{\"version\":\"1\",\"options\":{}}", "it has no version" },
		{ "{\"version\":0,\"options\":{}}", "it has no version" },
		{ "{\"version\":2,\"options\":{}}", "of version 2, and this hvctl knows 1; use the later" },
		{ "{\"version\":1}", "it has no options" },
		{ "{\"version\":1,\"options\":[]}", "'options' that makes no sense" },
		{ "{\"version\":1,\"options\":{},\"more\":1}", "'more' that makes no sense" },
		{ "{\"version\":1,\"options\":{},\"datacenter\":1}", "'datacenter' that makes no" },
		{ "{\"version\":1,\"options\":{},\"datacenter\":\"a b\"}", "'a b' is no label" },
		{ "{\"version\":1,\"options\":{\"cpu\":\"1\"}}", "no option 'cpu'" },
		{ "{\"version\":1,\"options\":{\"name\":\"a\"}}", "no option 'name'" },
		{ "{\"version\":1,\"options\":{\"help\":true}}", "no option 'help'" },
		{ "{\"version\":1,\"options\":{\"host-root\":true}}", "no option 'host-root'" },
		{ "{\"version\":1,\"options\":{\"cpus\":1}}", "'cpus' is no string" },
		{ "{\"version\":1,\"options\":{\"cpus\":\"1\\u0000\"}}", "'cpus' is no string" },
		{ "{\"version\":1,\"options\":{\"cpus\":null}}", "'cpus' is no string" },
		{ "{\"version\":1,\"options\":{\"rng\":false}}", "'rng' is not true" },
		{ "{\"version\":1,\"options\":{\"disk\":\"path=/a\"}}", "'disk' is no array" },
		{ "{\"version\":1,\"options\":{\"disk\":[]}}", "'disk' is no array" },
		{ "{\"version\":1,\"options\":{\"disk\":[null]}}", "'disk' is no array" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		EXPECT_FAIL(parse(refused[i].text), refused[i].sentence);
		EXPECT(!config);
	}
}

/* It's JSON as it should be, but nothing that can be run. */
static void cannot_run(void)
{
	struct saved_machine machine;

	EXPECT(!parse("{\"version\":1,\"options\":{\"kernel\":\"/k\",\"cpus\":\"0\"}}"));
	EXPECT_FAIL(saved_machine_read(&machine, "web", config), "--cpus");
	EXPECT(!machine.argv && !machine.config);
	EXPECT_FAIL(saved_machine_read(&machine, "web", saved_config_create()), "--kernel FILE");
	EXPECT_FAIL(saved_machine_read(&machine, "/", saved_config_create()), "'/' is not a name");
}

/* ---- changing ------------------------------------------------------------------- */

static void single(void)
{
	config = saved_config_create();
	saved_config_put(config, "kernel", "/a");
	saved_config_put(config, "kernel", "/b");
	saved_config_put(config, "rng", NULL);
	saved_config_put(config, "cpus", "2,max=8");
	saved_config_put(config, "cpus", "4");
	saved_config_put(config, "memory", "1G");
	saved_config_put(config, "memory", "2G,max=4G");
	saved_config_put(config, "memory", "3G");
	saved_config_put(config, "cmdline", "a,b");
	saved_config_put(config, "cmdline", "c");
	expect("{\"version\":1,\"options\":{\"kernel\":\"/b\",\"rng\":true,\"cpus\":\"4,max=8\",\"memory\":\"3G,max=4G\",\"cmdline\":\"c\"}}");
	saved_config_put(config, "cpus", "2,max=3");
	EXPECT(!saved_config_take(config, "rng", NULL));
	EXPECT(!saved_config_take(config, "memory", NULL));
	EXPECT_FAIL(saved_config_take(config, "rng", NULL), "the machine has no rng");
	EXPECT_FAIL(saved_config_take(config, "foo", NULL), "there is no option 'foo'");
	EXPECT_FAIL(saved_config_take(config, "cpus", "2"), "--without cpus: it takes no value");
	expect("{\"version\":1,\"options\":{\"kernel\":\"/b\",\"cpus\":\"2,max=3\",\"cmdline\":\"c\"}}");
	EXPECT(!saved_config_set_datacenter(config, "x"));
	EXPECT(!saved_config_set_datacenter(config, "yy"));
	EXPECT(!strcmp(saved_config_datacenter(config), "yy"));
	EXPECT(!saved_config_set_datacenter(config, ""));
	EXPECT(!strcmp(saved_config_datacenter(config), ""));
	json_object_put(config);
}

static void amounts(void)
{
	static const struct {
		const char *before, *now, *after;
	} merges[] = {
		{ "", "4", "4" },
		{ "2", "4", "4" },
		{ "2,max=8", "4", "4,max=8" },
		{ "2,max=8", "4,max=5", "4,max=5" },
		{ "2,max=8", "max=5", "2,max=5" },
		{ "1G", "2G,overcommit", "2G" },
		{ "1G,max=4G", "2G,overcommit", "2G,max=4G" },
		{ "min=1G,max=2G", "max=3G", "min=1G,max=3G" },
		{ "min=1G,max=2G", "max=3G,min=2G", "max=3G,min=2G" },
		{ "min=1G,max=2G", "4G", "4G" },
		{ "2G,min=1G", "min=512M", "2G,min=512M" },
		{ "", "min=1,max=2", "min=1,max=2" },
		{ "maxi=1,max=2", "max=3", "maxi=1,max=3" },
		{ ",,", ",", "" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(merges); i++) {
		char *text = saved_amount_merge(merges[i].before, merges[i].now);

		EXPECT(text);
		if (text)
			EXPECT_HAS(text, merges[i].after);
		if (text)
			EXPECT_EQ(strlen(text), strlen(merges[i].after));
		free(text);
	}
}

static void repeated(void)
{
	config = saved_config_create();
	saved_config_put(config, "disk", "path=/a,readonly");
	saved_config_put(config, "disk", "iops=9,path=/b");
	saved_config_put(config, "disk", "path=/a");
	saved_config_put(config, "disk", "vhost-user=/a");
	saved_config_put_first(config, "disk", "path=/z");
	saved_config_put(config, "disk", "path=/b,serial=1");
	expect("{\"version\":1,\"options\":{\"disk\":[\"path=/z\",\"path=/a\",\"path=/b,serial=1\",\"vhost-user=/a\"]}}");
	EXPECT_FAIL(saved_config_take(config, "disk", NULL), "say which one, for instance disk=path=/z");
	EXPECT_FAIL(saved_config_take(config, "disk", "path=/"), "none with 'path=/'");
	EXPECT(!saved_config_take(config, "disk", "path=/a"));
	EXPECT(!saved_config_take(config, "disk", "vhost-user=/a"));
	EXPECT(!saved_config_take(config, "disk", "path=/z"));
	EXPECT(!saved_config_take(config, "disk", "path=/b"));
	expect("{\"version\":1,\"options\":{}}");
	saved_config_put(config, "share", "/a:x");
	saved_config_put(config, "share", "/a:y,readonly");
	saved_config_put(config, "net", "network=1,bps=1M");
	saved_config_put(config, "net", "network=1");
	saved_config_put(config, "net", "network=11");
	saved_config_put_last(config, "net", "network=1");
	saved_config_put(config, "port", "socket=/s,name=p");
	saved_config_put(config, "port", "name=p,socket=/t");
	expect("{\"version\":1,\"options\":{\"share\":[\"/a:y,readonly\"],\"net\":[\"network=1\",\"network=11\",\"network=1\"],\"port\":[\"name=p,socket=/t\"]}}");
	json_object_put(config);
}

/* ---- command lines -------------------------------------------------------------- */

static void expect_path(const char *name, const char *value, const char *want)
{
	char *got = option_paths_absolute(name, value);

	EXPECT(got);
	if (got)
		EXPECT_HAS(got, want);
	if (got)
		EXPECT_EQ(strlen(got), strlen(want));
	free(got);
}

static void paths(void)
{
	char *here = getcwd(NULL, 0);

	EXPECT(here && !chdir("/proc"));
	expect_path("kernel", "cmdline", "/proc/cmdline");
	expect_path("kernel", "/proc/cmdline", "/proc/cmdline");
	expect_path("disk", "readonly,path=stat,serial=a/b", "readonly,path=/proc/stat,serial=a/b");
	expect_path("disk", "vhost-user=x", "vhost-user=/proc/x");
	expect_path("disk", "serial=path", "serial=path");
	expect_path("share", "sys:a,readonly", "/proc/sys:a,readonly");
	expect_path("share", "sys", "/proc/sys");
	expect_path("port", "name=a,socket=b", "name=a,socket=/proc/b");
	expect_path("agent", "x", "/proc/x");
	expect_path("agent", "auto", "auto");
	expect_path("console", "stdio", "stdio");
	expect_path("hvc", "none", "none");
	expect_path("hvc", "out", "/proc/out");
	expect_path("cmdline", "root=x", "root=x");
	EXPECT_FAIL(option_paths_absolute("kernel", "nothing") ? 0 : -1,
		    "--kernel: cannot find nothing");
	EXPECT_FAIL(option_paths_absolute("disk", "path=nothing,readonly") ? 0 : -1,
		    "--disk: cannot find nothing");
	EXPECT(!chdir(here));
	free(here);
}

static struct create_options options;

#define CREATE(...) create((const char *[]){ "create", ##__VA_ARGS__, NULL })

static int create(const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return create_options_parse(&options, argc, (char **)argv);
}

static void create_line(void)
{
	EXPECT(!CREATE("web", "--kernel", "/proc/stat", "--disk-img=/proc/stat", "--cpus", "2",
		       "--network", "7", "--image", "/proc/cmdline", "--datacenter", "a-1",
		       "--rng", "--network=7"));
	EXPECT(!strcmp(options.name, "web"));
	config = options.config;
	expect("{\"version\":1,\"options\":{\"kernel\":\"/proc/stat\",\"disk\":[\"path=/proc/cmdline\",\"path=/proc/stat\"],\"cpus\":\"2\",\"net\":[\"network=7\",\"network=7\"],\"rng\":true},\"datacenter\":\"a-1\"}");
	json_object_put(config);
	EXPECT(!CREATE("--help"));
	EXPECT(options.help && !options.config);
	EXPECT_FAIL(CREATE("web"), "--kernel FILE");
	EXPECT_FAIL(CREATE("--kernel=/proc/stat"), "say which machine");
	EXPECT_FAIL(CREATE("a", "b", "--kernel=/proc/stat"), "unexpected argument 'b'");
	EXPECT_FAIL(CREATE("a", "--host-root"), "--host-root is for 'hvctl run' alone");
	EXPECT_FAIL(CREATE("a", "--kernel=/proc/stat", "--cpus=x"), "--cpus");
	EXPECT_FAIL(CREATE("a", "--json"), "unknown or ambiguous option --json");
	EXPECT_FAIL(CREATE("a", "--network=x", "--kernel=/proc/stat"), "--net: network");
	EXPECT_FAIL(CREATE("a", "--datacenter=a\tb", "--kernel=/proc/stat"), "is no label");
	EXPECT_FAIL(CREATE("a", "--kernel=/proc/stat", "--cmdline=\xe4"), "--cmdline: its value has bytes that aren't UTF-8");
	EXPECT(!options.config);
}

static const struct test_case cases[] = {
	TEST_CASE(round_trip), TEST_CASE(damaged), TEST_CASE(cannot_run), TEST_CASE(single),
	TEST_CASE(amounts),	TEST_CASE(repeated), TEST_CASE(paths), TEST_CASE(create_line),
};

TEST_SUITE(saved_config_suite, "saved_config", cases);
