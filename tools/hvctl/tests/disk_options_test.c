// SPDX-License-Identifier: GPL-2.0-only
#include "disk_options.h"
#include "test.h"

static struct disk_config config;

static void defaults(void)
{
	EXPECT(!disk_options_parse(&config, "path=a.img"));
	EXPECT(!strcmp(config.path, "a.img"));
	EXPECT(!strcmp(config.serial, ""));
	EXPECT(!config.readonly && !config.direct);
	EXPECT_EQ(config.iops, 0);
	EXPECT_EQ(config.bps, 0);
}

static void everything(void)
{
	EXPECT(!disk_options_parse(&config, "bps=10M,iops=0x64,serial=a b=~ 0123456789_-.!,"
				   "cache=none,readonly,path=/dev/x=y"));
	EXPECT(!strcmp(config.path, "/dev/x=y"));
	EXPECT(!strcmp(config.serial, "a b=~ 0123456789_-.!"));
	EXPECT(config.readonly && config.direct);
	EXPECT_EQ(config.iops, 100);
	EXPECT_EQ(config.bps, MIB(10));
	/* Nothing stays from the last one. */
	EXPECT(!disk_options_parse(&config, "path=b,cache=writeback,iops=1000000000,bps=1"));
	EXPECT(!config.readonly && !config.direct && !*config.serial);
	EXPECT_EQ(config.iops, 1000000000);
	EXPECT_EQ(config.bps, 1);
}

static void refusals(void)
{
	static const struct { const char *text, *sentence; } bad[] = {
		{ "", "say which image with path=FILE" },
		{ "path=a,", "nothing before it" },
		{ ",path=a", "nothing before it" },
		{ "path=a,,readonly", "nothing before it" },
		{ "=a", "nothing before it" },
		{ "readonly", "say which image with path=FILE" },
		{ "a.img", "'a.img' is none of path, " },
		{ "path=a,b.img", "'b.img' is none of path, " },
		{ "path=a,Readonly", "'Readonly' is none of path, " },
		{ "path=a, readonly", "' readonly' is none of path, " },
		{ "path=a,path=a", "path is given twice" },
		{ "readonly,path=a,readonly", "readonly is given twice" },
		{ "path=a,iops=5,iops=5", "iops is given twice" },
		{ "path", "path needs a value: path=FILE" },
		{ "path=", "path needs a value: path=FILE" },
		{ "path=a,cache=", "cache needs a value: cache=none or writeback" },
		{ "path=a,serial=", "serial needs a value" },
		{ "path=a,iops", "iops needs a value" },
		{ "path=a,bps=", "bps needs a value" },
		{ "path=a,readonly=on", "readonly takes no value" },
		{ "path=a,readonly=", "readonly takes no value" },
		{ "path=a,cache=unsafe", "'unsafe' is neither 'none' nor 'writeback'" },
		{ "path=a,cache=non", "'non' is neither" },
		{ "path=a,serial=012345678901234567890", "up to 20 printable ASCII" },
		{ "path=a,serial=\x7f", "printable ASCII" },
		{ "path=a,serial=\t", "printable ASCII" },
		{ "path=a,serial=\xc3\xa9", "printable ASCII" },
		{ "path=a,iops=0", "iops: '0' is not a number from 1 to 1000000000" },
		{ "path=a,iops=1000000001", "iops: '1000000001' is not" },
		{ "path=a,iops=1k", "iops: '1k' is not" },
		{ "path=a,iops=-1", "iops: '-1' is not" },
		{ "path=a,bps=0", "leave bps out" },
		{ "path=a,bps=0G", "leave bps out" },
		{ "path=a,bps=1T", "bps: '1T' is not a size" },
		{ "path=a,bps=17179869184G", "too large" },
		{ "vhost-user", "vhost-user needs a value: vhost-user=SOCKET" },
		{ "vhost-user=s,path=a", "vhost-user stands alone" },
		{ "readonly,vhost-user=s", "vhost-user stands alone" },
		{ "cache=writeback,vhost-user=s", "vhost-user stands alone" },
		{ "vhost-user=s,serial=x", "vhost-user stands alone" },
		{ "vhost-user=s,vhost-user=t", "given twice" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_FAIL(disk_options_parse(&config, bad[i].text), bad[i].sentence);
		EXPECT(!strncmp(fail_text(), "--disk: ", 8));
	}
}

static void long_paths(void)
{
	static char text[5 + PATH_MAX + 1] = "path=";

	memset(text + 5, 'x', PATH_MAX - 1);
	EXPECT(!disk_options_parse(&config, text));
	EXPECT_EQ(strlen(config.path), PATH_MAX - 1);
	text[5 + PATH_MAX - 1] = 'x';
	EXPECT_FAIL(disk_options_parse(&config, text), "4096 bytes is too long; 4095");
}

static void vhost_user(void)
{
	static char text[11 + 109] = "vhost-user=";

	EXPECT(!disk_options_parse(&config, "vhost-user=/run/a.sock"));
	EXPECT(config.vhost_user);
	EXPECT(!strcmp(config.path, "/run/a.sock"));
	/* As long as a socket's address may be */
	memset(text + 11, 'x', 107);
	EXPECT(!disk_options_parse(&config, text));
	EXPECT_EQ(strlen(config.path), 107);
	text[11 + 107] = 'x';
	EXPECT_FAIL(disk_options_parse(&config, text), "vhost-user: a name of 108 bytes is too long; 107");
	EXPECT(!disk_options_parse(&config, "path=a"));
	EXPECT(!config.vhost_user);
}

static const struct test_case cases[] = {
	TEST_CASE(defaults), TEST_CASE(everything), TEST_CASE(refusals), TEST_CASE(long_paths),
	TEST_CASE(vhost_user),
};
TEST_SUITE(disk_options_suite, "disk_options", cases);
