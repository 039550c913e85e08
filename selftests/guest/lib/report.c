// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results, on the serial port; only vCPU 0 prints
 */
#include "report.h"

#include "payload.h"

#define PORT_SERIAL	0x3f8
#define PORT_EXIT	0xf4

enum { EXIT_PASSED, EXIT_FAILED, EXIT_BAILED_OUT };

static u32 cases, failures;

static void print(const char *text)
{
	for (; *text; text++)
		outb(PORT_SERIAL, *text);
}

/* In @base, 10 or 16. */
static void print_number(u64 value, u32 base)
{
	char digits[24];
	int i = sizeof(digits) - 1;

	digits[i] = 0;
	do {
		digits[--i] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	print(base == 16 ? "0x" : "");
	print(digits + i);
}

static void print_hex(const char *before, u64 value)
{
	print(before);
	print_number(value, 16);
}

void check(const char *name, u64 want, u64 got)
{
	cases++;
	print(want == got ? "ok " : "not ok ");
	print(name);
	if (want != got) {
		failures++;
		print_hex(": got ", got);
		print_hex(", want ", want);
	}
	print("\n");
}

void check_skip(const char *name, const char *why)
{
	cases++;
	print("ok ");
	print(name);
	print(" # SKIP ");
	print(why);
	print("\n");
}

const char *joined(const char *first, const char *second)
{
	static char text[128];
	size_t n = 0;

	while (*first && n < sizeof(text) - 1)
		text[n++] = *first++;
	while (*second && n < sizeof(text) - 1)
		text[n++] = *second++;
	text[n] = 0;
	return text;
}

static __attribute__((noreturn)) void leave(u32 status)
{
	outl(PORT_EXIT, status);
	for (;;)
		asm volatile("cli; hlt");
}

void report_end(void)
{
	print("end ");
	print_number(cases, 10);
	print("\n");
	leave(failures ? EXIT_FAILED : EXIT_PASSED);
}

void bail_out(const char *text, u64 value)
{
	print("Bail out! ");
	print(text);
	print_hex(": ", value);
	print("\n");
	leave(EXIT_BAILED_OUT);
}

/* What guest.h's assertions, and exceptions that nobody expects, come to. */
void guest_ucall(u32 command, u64 arg0, u64 arg1, u64 arg2, u64 arg3)
{
	if (command != UCALL_ASSERT)
		return;
	print("Bail out! ");
	print((const char *)arg0);
	print_hex(" ", arg3);
	print(", ");
	print((const char *)arg1);
	print_hex(" ", arg2);
	print("\n");
	leave(EXIT_BAILED_OUT);
}

/* A vCPU whose function has returned. */
void guest_done(void);
void guest_done(void)
{
	for (;;)
		asm volatile("cli; hlt");
}
