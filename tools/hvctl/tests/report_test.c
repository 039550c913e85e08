// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>

#include "report.h"
#include "test.h"

static struct guest_memory mem;
static char text[2048];
static const struct lhv_regs regs = { .rip = 0x1000, .rsp = 0x2000, .rflags = 2 };
static const struct lhv_sregs sregs = {
	.cr0 = 0x11,
	.cs = { .selector = 0x10, .access = 0xc09b },
};

static void report(const struct lhv_run *run)
{
	report_format(run, 3, &mem, &regs, &sregs, text, sizeof(text));
}

static void start(void)
{
	EXPECT(!memory_create(&mem, MIB(2)));
	memcpy(mem.host + 0x1000, "\x0f\x0b\xf4", 3);
}

static void reasons(void)
{
	struct lhv_run run = { .exit_reason = LHV_EXIT_SHUTDOWN };

	start();
	report(&run);
	EXPECT_HAS(text, "triple fault");
	EXPECT_HAS(text, "vCPU 3");
	EXPECT_HAS(text, "RIP 0x1000");
	EXPECT_HAS(text, "32-bit mode");
	EXPECT_HAS(text, " 0f 0b f4 00");

	run.exit_reason = LHV_EXIT_FAIL_ENTRY;
	run.fail_entry.hardware_reason = 0x80000021;
	report(&run);
	EXPECT_HAS(text, "invalid guest state");
	run.fail_entry.hardware_reason = 0;
	run.fail_entry.instruction_error = 7;
	report(&run);
	EXPECT_HAS(text, "invalid control fields");
	EXPECT_HAS(text, "error 7");

	memset(&run, 0, sizeof(run));
	run.exit_reason = LHV_EXIT_UNHANDLED;
	run.unhandled.hardware_reason = 9;
	report(&run);
	EXPECT_HAS(text, "task switch (exit reason 9");
	run.unhandled.hardware_reason = 0xffff;
	run.unhandled.interruption_info = 0x80000b0d;
	report(&run);
	EXPECT_HAS(text, "0x80000b0d");

	memset(&run, 0, sizeof(run));
	run.exit_reason = LHV_EXIT_UNDECODED;
	run.undecoded.gpa = 0xd0000000;
	report(&run);
	EXPECT_HAS(text, "0xd0000000");
	EXPECT_HAS(text, "cannot be read");
	run.undecoded.length = 0xffffffff;
	run.undecoded.bytes[0] = 0xc5;
	report(&run);
	EXPECT_HAS(text, "(c5 00");

	mem.region = (struct memory_region){ .start = GIB(4), .size = MIB(2), .block = MIB(2) };
	run.undecoded.gpa = GIB(4) + MIB(2) - 1;
	report(&run);
	EXPECT_HAS(text, "access to 0x1001fffff, where memory is unplugged, by an");
	run.undecoded.gpa = GIB(4) + MIB(2);
	report(&run);
	EXPECT_HAS(text, "access to 0x100200000, where there is no memory");

	memset(&run, 0, sizeof(run));
	run.exit_reason = LHV_EXIT_MEMORY_FAULT;
	run.memory_fault.access = LHV_MEMORY_FAULT_WRITE;
	run.memory_fault.error = -EFAULT;
	report(&run);
	EXPECT_HAS(text, "write at guest-physical 0x0: Bad address");

	run.exit_reason = 12345;
	report(&run);
	EXPECT_HAS(text, "12345");
	memory_destroy(&mem);
}

static void missing_parts(void)
{
	const struct lhv_run run = { .exit_reason = LHV_EXIT_SHUTDOWN, .rip = 0x77 };
	struct lhv_regs far = regs;
	char tiny[10];
	size_t len;

	start();
	report_format(&run, 0, &mem, NULL, NULL, text, sizeof(text));
	EXPECT_HAS(text, "0x77");
	far.rip = MIB(2);
	report_format(&run, 0, &mem, &far, &sregs, text, sizeof(text));
	EXPECT_HAS(text, "not mapped");
	for (len = 1; len <= sizeof(tiny); len++) {
		report_format(&run, 0, &mem, &regs, &sregs, tiny, len);
		EXPECT_EQ(strlen(tiny), len - 1);
	}
	memory_destroy(&mem);
}

static const struct test_case cases[] = {
	TEST_CASE(reasons), TEST_CASE(missing_parts),
};
TEST_SUITE(report_suite, "report", cases);
