// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints: each is there, and tells what happened. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apic.h"
#include "test.h"

#define TRACING		"/sys/kernel/tracing/"
#define ENABLE		TRACING "events/lhv/enable"
#define TEXT_MAX	(1 << 20)
#define FAR_AWAY	MIB(12)		/* nothing else of the guest's is near */
#define VECTOR		0x40

/* What the guest does is at these labels. */
extern const u8 trace_cpuid[], trace_store[];

__attribute__((noinline, noclone))
static void guest_traced(void)
{
	u32 eax = 0, ebx, ecx = 0, edx;

	asm volatile("trace_cpuid: cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	asm volatile("trace_store: movl $1, (%0)" : : "r"(FAR_AWAY) : "memory");
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try_wrmsr(MSR_LSTAR, BIT(62)));
	guest_handler[VECTOR] = guest_count_irq;
	apic_init(true);
	GUEST_REPORT(1);
	GUEST_HALT_UNTIL(guest_count(VECTOR));
}

FIXTURE(trace) {
	struct vm *vm;
	struct vcpu *vcpu;
	char *text;
};

static void write_file(const char *path, const char *text)
{
	int fd = REQUIRE_SYS(open(path, O_WRONLY | O_TRUNC));

	REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

FIXTURE_SETUP(trace)
{
	self->text = malloc(TEXT_MAX);
	REQUIRE(self->text);
	self->vm = vm_create();
	self->vcpu = vcpu_start(self->vm, 0, guest_traced, 0, 0);
	write_file(TRACING "trace", "\n");
	write_file(ENABLE, "1");
}

FIXTURE_TEARDOWN(trace)
{
	write_file(ENABLE, "0");
	write_file(TRACING "trace", "\n");
	vm_close(self->vm);
	free(self->text);
}

static void read_trace(FIXTURE_DATA(trace) *self)
{
	int fd = REQUIRE_SYS(open(TRACING "trace", O_RDONLY));
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, self->text + length, TEXT_MAX - 1 - length)) > 0)
		length += n;
	REQUIRE(!n);
	self->text[length] = '\0';
	close(fd);
}

/* A line of the trace ends so. */
__attribute__((format(printf, 2, 3)))
static bool traced(FIXTURE_DATA(trace) *self, const char *format, ...)
{
	char line[160];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	strcat(line, "\n");
	return strstr(self->text, line);
}

TEST_F(trace, says_what_happened)
{
	struct lhv_regs regs;

	vcpu_get_regs(self->vcpu, &regs);
	vcpu_run_to_report(self->vcpu, 1);
	EXPECT_EQ(0, lhv_send_msi(self->vm->fd, MSI_ADDRESS(5), VECTOR));
	EXPECT_EQ(1, lhv_send_msi(self->vm->fd, MSI_ADDRESS(0), VECTOR));
	vcpu_run_to_done(self->vcpu);
	read_trace(self);

	EXPECT_TRUE(traced(self, ": lhv_entry: vcpu 0 rip 0x%llx", regs.rip));
	/* SDM 3D appendix C: 10 is CPUID. */
	EXPECT_TRUE(traced(self, ": lhv_exit: vcpu 0 reason 10 rip %p qualification 0x0",
			   trace_cpuid));
	EXPECT_TRUE(traced(self, ": lhv_entry: vcpu 0 rip %p", trace_cpuid + 2));
	EXPECT_TRUE(traced(self, ": lhv_page_fault: vcpu 0 gpa 0x%llx w rip %p", FAR_AWAY,
			   trace_store));
	/* SDM 3C table 25-15: type 3 is an exception, 0 an interrupt. */
	EXPECT_TRUE(traced(self, ": lhv_inject: vcpu 0 vector 13 type 3 error 0x0"));
	EXPECT_TRUE(traced(self, ": lhv_inject: vcpu 0 vector 64 type 0 error 0x0"));
	EXPECT_TRUE(traced(self, ": lhv_msi: address 0xfee05000 data 0x40 delivered 0"));
	EXPECT_TRUE(traced(self, ": lhv_msi: address 0xfee00000 data 0x40 delivered 1"));
}

TEST_F(trace, says_nothing_when_off)
{
	write_file(ENABLE, "0");
	vcpu_run_to_report(self->vcpu, 1);
	read_trace(self);
	EXPECT_EQ(NULL, strstr(self->text, "lhv_"));
}

int main(int argc, char **argv)
{
	if (access(ENABLE, W_OK)) {
		ksft_print_header();
		ksft_exit_skip("no tracing here\n");
	}
	return test_harness_run(argc, argv);
}
