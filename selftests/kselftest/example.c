// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program in docs/uapi.md does what the text says. The Makefile takes both
 * out of it.
 */
#define main	example_main
#include "example_program.c"
#undef main

#include <kselftest_harness.h>

asm(".pushsection .rodata\n"
    "example_output: .incbin \"example_output.txt\"\n"
    ".byte 0\n"
    ".popsection\n");
extern const char example_output[];

TEST(prints_what_the_text_says)
{
	char output[4096] = "";
	FILE *file = tmpfile();

	ASSERT_NE(NULL, file);
	fflush(stdout);
	ASSERT_LE(0, dup2(fileno(file), STDOUT_FILENO));
	EXPECT_EQ(0, example_main());
	fflush(stdout);
	rewind(file);
	ASSERT_LT(0, fread(output, 1, sizeof(output) - 1, file));
	EXPECT_STREQ(example_output, output);
}

TEST_HARNESS_MAIN
