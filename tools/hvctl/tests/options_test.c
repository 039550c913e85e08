// SPDX-License-Identifier: GPL-2.0-only
#include "run_options.h"
#include "test.h"

static struct run_options options;

#define PARSE(...) parse((const char *[]){ "run", ##__VA_ARGS__, NULL })

static int parse(const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return run_options_parse(&options, argc, (char **)argv);
}

static void defaults(void)
{
	EXPECT(!PARSE("--kernel", "k"));
	EXPECT(!strcmp(options.machine.files.kernel, "k"));
	EXPECT(!options.machine.files.initrd);
	EXPECT(!strcmp(options.machine.files.cmdline, ""));
	EXPECT(!strcmp(options.console, "stdio"));
	EXPECT_EQ(options.machine.cpus, 1);
	EXPECT_EQ(options.machine.cpus_max, 1);
	EXPECT_EQ(options.machine.memory, MIB(512));
	EXPECT_EQ(options.machine.memory_max, MIB(512));
	EXPECT_EQ(options.machine.debug_exit_port, DEBUG_EXIT_NONE);
	EXPECT(!options.machine.name);
	EXPECT(!options.machine.exit_on_reset && !options.help);
	EXPECT(!devices_wanted(&options.machine.devices));
}

static void everything(void)
{
	EXPECT(!PARSE("--name", "web-1.a_b", "--cpus", "4", "--memory=1G", "--kernel", "k",
		      "--initrd", "i", "--module", "m1", "--module", "m2", "--cmdline",
		      "console=ttyS0 quiet", "--console", "none", "--debug-exit", "0xf4",
		      "--on-reset", "exit", "--balloon", "size=64M", "--hvc", "stdio",
		      "--agent", "a.sock", "--port", "name=p,socket=p.sock"));
	EXPECT(!strcmp(options.machine.name, "web-1.a_b"));
	EXPECT_EQ(options.machine.cpus, 4);
	EXPECT_EQ(options.machine.cpus_max, 4);
	EXPECT(!options.machine.cpus_change);
	EXPECT_EQ(options.machine.memory, GIB(1));
	EXPECT(!strcmp(options.machine.files.initrd, "i"));
	EXPECT_EQ(options.machine.files.module_count, 2);
	EXPECT(!strcmp(options.machine.files.modules[1], "m2"));
	EXPECT(!strcmp(options.machine.files.cmdline, "console=ttyS0 quiet"));
	EXPECT_EQ(options.machine.debug_exit_port, 0xf4);
	EXPECT(options.machine.exit_on_reset);
	EXPECT(!strcmp(options.machine.devices.ports.hvc, "stdio"));
	EXPECT_EQ(options.machine.devices.ports.count, 2);
	EXPECT(!strcmp(options.machine.devices.ports.port[1].socket, "p.sock"));
	EXPECT(options.machine.devices.balloon);
	EXPECT_EQ(options.machine.devices.balloon_size, MIB(64));
	EXPECT(!PARSE("--kernel", "k", "--balloon=size=0"));
	EXPECT(devices_wanted(&options.machine.devices));
	EXPECT(options.machine.devices.balloon);
	EXPECT_EQ(options.machine.devices.balloon_size, 0);
	EXPECT(!PARSE("--kernel", "k", "--memory", "256M,max=1G"));
	EXPECT_EQ(options.machine.memory, MIB(256));
	EXPECT_EQ(options.machine.memory_max, GIB(1));
	EXPECT(devices_wanted(&options.machine.devices));
	EXPECT(!PARSE("--help"));
	EXPECT(options.help);
}

static void refusals(void)
{
	EXPECT_FAIL(PARSE(), "--kernel FILE");
	EXPECT_FAIL(PARSE("--kernel"), "--kernel needs a value");
	EXPECT_FAIL(PARSE("--kernel", "k", "--frobnicate"), "--frobnicate");
	EXPECT_FAIL(PARSE("--kernel", "k", "-x"), "unknown option -x;");
	EXPECT_FAIL(PARSE("--kernel", "k", "-xy"), "unknown option -x;");
	EXPECT_FAIL(PARSE("extra", "-xy", "--kernel", "k"), "'extra'");
	EXPECT_FAIL(PARSE("--kernel", "k", "--help=x"), "option --help=x;");
	EXPECT_FAIL(PARSE("--kernel", "k", "extra"), "'extra'");
	EXPECT_FAIL(PARSE("--kernel", "k", "--memory", "12Q"), "--memory: '12Q' is not a size");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "0"), "--cpus");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "two"), "--cpus");
	EXPECT_FAIL(PARSE("--kernel", "k", "--debug-exit", "0xfffd"), "--debug-exit");
	EXPECT_FAIL(PARSE("--kernel", "k", "--on-reset", "x"), "--on-reset");
	EXPECT_FAIL(PARSE("--kernel", "k", "--balloon", "64M"), "'64M' is not size=SIZE");
	EXPECT_FAIL(PARSE("--kernel", "k", "--balloon", ""), "--balloon: '' is not size=SIZE");
	EXPECT_FAIL(PARSE("--kernel", "k", "--balloon", "size="), "--balloon: size: '' is not");
	EXPECT_FAIL(PARSE("--kernel", "k", "--balloon", "size=1M,x"), "'1M,x' is not a size");
	EXPECT_FAIL(PARSE("--kernel", "k", "--balloon"), "--balloon needs a value");
	EXPECT_FAIL(PARSE("--kernel", "k", "--name", ""), "--name");
	EXPECT_FAIL(PARSE("--kernel", "k", "--name", "../x"), "--name");
	EXPECT_FAIL(PARSE("--kernel", "k", "--name", "a/b"), "--name");
	EXPECT_FAIL(PARSE("--kernel", "k", "--name",
			  "0123456789012345678901234567890123456789012345678901234567890123"),
		    "--name");
}

/* The terminal is the serial port's, or hvc0's. */
static void consoles(void)
{
	const char **hvc = &options.machine.devices.ports.hvc;

	EXPECT(!PARSE("--kernel", "k", "--hvc", "stdio"));
	EXPECT(!strcmp(options.console, "none"));
	EXPECT(!PARSE("--kernel", "k", "--hvc", "log"));
	EXPECT(!strcmp(options.console, "stdio") && !strcmp(*hvc, "log"));
	EXPECT(!PARSE("--kernel", "k", "--hvc", "stdio", "--console", "log"));
	EXPECT(!strcmp(options.console, "log"));
	EXPECT(!PARSE("--kernel", "k", "--hvc", "none", "--console", "none"));
	EXPECT(!*hvc);
	EXPECT(!devices_wanted(&options.machine.devices));
	EXPECT_FAIL(PARSE("--kernel", "k", "--console", "stdio", "--hvc", "stdio"),
		    "--console and --hvc: both are stdio");
	EXPECT_FAIL(PARSE("--kernel", "k", "--hvc", "log", "--console", "log"), "both are log");
	EXPECT_FAIL(PARSE("--kernel", "k", "--port", "name=a"), "--port: say");
	EXPECT_FAIL(PARSE("--kernel", "k", "--agent", ""), "--agent: say");
}

/* What follows the first word is the command's own. */
static void host_root(void)
{
	EXPECT(!PARSE("--cpus", "3", "--host-root", "--", "ls", "--cpus", "-l"));
	EXPECT(options.host_root && !options.machine.files.kernel);
	EXPECT_EQ(options.machine.cpus, 3);
	EXPECT(!strcmp(options.command[0], "ls") && !strcmp(options.command[1], "--cpus"));
	EXPECT(!strcmp(options.command[2], "-l") && !options.command[3]);
	EXPECT(!PARSE("--host-root", "--kernel", "k", "true", "--help"));
	EXPECT(!options.help && !strcmp(options.command[1], "--help"));
	EXPECT_FAIL(PARSE("--host-root"), "say what to run");
	EXPECT_FAIL(PARSE("--host-root", "--cmdline", "x", "--", "ls"), "leave --initrd,");
	EXPECT_FAIL(PARSE("--host-root", "--initrd", "x", "--", "ls"), "leave --initrd,");
	EXPECT_FAIL(PARSE("--host-root", "--module", "x", "--", "ls"), "leave --initrd,");
	EXPECT_FAIL(PARSE("--host-root", "--debug-exit", "1", "--", "ls"), "leave --initrd,");
	EXPECT_FAIL(PARSE("--host-root", "--console", "none", "--", "ls"), "leave --console and --hvc out");
}

static void networks(void)
{
	EXPECT(!PARSE("--kernel", "k", "--net", "tap=a", "--net", "network=5", "--vsock", "3"));
	EXPECT_EQ(options.machine.devices.net_count, 2);
	EXPECT_EQ(options.machine.devices.net[1].network, 5);
	EXPECT_EQ(options.machine.devices.vsock_cid, 3);
	EXPECT_FAIL(PARSE("--kernel", "k", "--vsock", "2"), "--vsock: '2' is not a number from 3");
	EXPECT_FAIL(PARSE("--kernel", "k", "--vsock", "4294967295"), "--vsock");
	EXPECT_FAIL(PARSE("--kernel", "k", "--net", "network=1", "--net", "network=1", "--net",
			  "network=1", "--net", "network=1", "--net", "network=1", "--net",
			  "network=1", "--net", "network=1", "--net", "network=1", "--net",
			  "network=1"), "more than 8 network interfaces");
}

static void cpus(void)
{
	EXPECT(!PARSE("--kernel", "k", "--cpus", "2,max=8"));
	EXPECT_EQ(options.machine.cpus, 2);
	EXPECT_EQ(options.machine.cpus_max, 8);
	EXPECT(options.machine.cpus_change);
	EXPECT(!PARSE("--kernel", "k", "--cpus", "4,max=4"));
	EXPECT(options.machine.cpus_change);
	/* There is nothing to change. */
	EXPECT(!PARSE("--kernel", "k", "--cpus", "1,max=1"));
	EXPECT(!options.machine.cpus_change);
	/* What is given last counts, all of it. */
	EXPECT(!PARSE("--kernel", "k", "--cpus", "2,max=8", "--cpus", "3"));
	EXPECT_EQ(options.machine.cpus_max, 3);
	EXPECT(!options.machine.cpus_change);
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "0,max=4"), "--cpus: '0' is not a number from 1");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "4,max=2"), "max=2 is less than the 4 at the start");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "4,max=0"), "--cpus: max: '0' is not");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "4,max="), "max needs a value: max=8");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "4,max=5000"), "--cpus: max");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "4,most=8"), "the number comes first");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "max=8"), "--cpus: 'max=8' is not a number");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "4,"), "--cpus");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", ""), "--cpus");
	EXPECT_FAIL(PARSE("--kernel", "k", "--cpus", "11111111111111111111111111111111111111,max=8"),
		    "is not a number of vCPUs");
}

static void many_modules(void)
{
	const char *argv[2 * BOOT_MODULES_MAX + 6] = { "run", "--kernel", "k" };
	unsigned int i;

	for (i = 0; i <= BOOT_MODULES_MAX; i++) {
		argv[3 + 2 * i] = "--module";
		argv[4 + 2 * i] = "m";
	}
	EXPECT_FAIL(parse(argv), "more than 32 modules");
}

static const struct test_case cases[] = {
	TEST_CASE(defaults), TEST_CASE(everything), TEST_CASE(refusals), TEST_CASE(consoles),
	TEST_CASE(host_root), TEST_CASE(networks), TEST_CASE(cpus), TEST_CASE(many_modules),
};
TEST_SUITE(options_suite, "run_options", cases);
