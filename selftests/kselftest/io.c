// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O: IN and OUT, INS and OUTS in all their sizes
 */
#include <string.h>

#include "test.h"

#define PORT	0x1230

/* Where string instructions read and write; two pages and more. */
#define BUFFER	((u8 *)LAYOUT_FREE)
/* Beyond the 4 GiB that are mapped. */
#define UNMAPPED	0x8000000000

FIXTURE(io) {
	struct vm *vm;
	struct vcpu *vcpu;
};

FIXTURE_SETUP(io)
{
	self->vm = vm_create();
	self->vcpu = vcpu_create(self->vm, 0);
}

FIXTURE_TEARDOWN(io)
{
	vm_close(self->vm);
}

static void guest_out(void)
{
	const u64 value = 0x1122334455667788;

	asm volatile("outb %%al, %%dx" : : "a"(value), "d"(PORT));
	asm volatile("outw %%ax, %%dx" : : "a"(value), "d"(PORT + 1));
	asm volatile("outl %%eax, %%dx" : : "a"(value), "d"(PORT + 2));
	asm volatile("outb %%al, $0x80" : : "a"(value));
	asm volatile("outw %%ax, $0x81" : : "a"(value));
	asm volatile("outl %%eax, $0x82" : : "a"(value));
	asm volatile("outl %%eax, %%dx" : : "a"(value), "d"(0xffff));
}

TEST_F(io, out)
{
	struct vcpu *vcpu = self->vcpu;

	vcpu_set_long(vcpu, guest_out, 0, 0);
	vcpu_run_to_out(vcpu, PORT, 1, 0x88);
	/* No more than the size is told. */
	EXPECT_EQ(0x88, *(u32 *)vcpu->run->data);
	EXPECT_EQ(1, vcpu->run->io.count);
	vcpu_run_to_out(vcpu, PORT + 1, 2, 0x7788);
	EXPECT_EQ(0x7788, *(u32 *)vcpu->run->data);
	vcpu_run_to_out(vcpu, PORT + 2, 4, 0x55667788);
	vcpu_run_to_out(vcpu, 0x80, 1, 0x88);
	vcpu_run_to_out(vcpu, 0x81, 2, 0x7788);
	vcpu_run_to_out(vcpu, 0x82, 4, 0x55667788);
	vcpu_run_to_out(vcpu, 0xffff, 4, 0x55667788);
	vcpu_run_to_done(vcpu);
	EXPECT_LE(8, vcpu_stat(vcpu, LHV_VCPU_STAT_IO_EXITS));
}

static void guest_in(void)
{
	u64 value = 0x1122334455667788;

	asm volatile("inb %%dx, %%al" : "+a"(value) : "d"(PORT));
	GUEST_ASSERT_EQ(0x11223344556677a1, value);
	value = 0x1122334455667788;
	asm volatile("inw %%dx, %%ax" : "+a"(value) : "d"(PORT));
	GUEST_ASSERT_EQ(0x112233445566a2a1, value);
	/* A 32-bit destination clears the upper half. */
	value = 0x1122334455667788;
	asm volatile("inl %%dx, %%eax" : "+a"(value) : "d"(PORT));
	GUEST_ASSERT_EQ(0xa4a3a2a1, value);
	asm volatile("inb $0x80, %%al" : "+a"(value));
	GUEST_ASSERT_EQ(0xa4a3a2a1, value);
}

TEST_F(io, in)
{
	static const u8 data[8] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8 };
	struct vcpu *vcpu = self->vcpu;
	u8 size;

	vcpu_set_long(vcpu, guest_in, 0, 0);
	for (size = 1; size <= 4; size *= 2) {
		vcpu_run_to_io(vcpu, PORT, size, LHV_IO_IN);
		EXPECT_EQ(1, vcpu->run->io.count);
		memcpy(vcpu->run->data, data, sizeof(data));
	}
	vcpu_run_to_io(vcpu, 0x80, 1, LHV_IO_IN);
	vcpu->run->data[0] = 0xa1;
	/* What the caller makes of the rest of the page isn't asked for. */
	vcpu->run->io.size = 4;
	vcpu->run->io.direction = LHV_IO_OUT;
	vcpu->run->io.count = 1000;
	vcpu_run_to_done(vcpu);
}

/* RIP is the access's until it is completed, and EINTR completes it. */
TEST_F(io, completion)
{
	struct vcpu *vcpu = self->vcpu;
	struct lhv_regs regs;
	u64 rip;

	vcpu_set_long(vcpu, guest_in, 0, 0);
	vcpu_run_to_io(vcpu, PORT, 1, LHV_IO_IN);
	vcpu_get_regs(vcpu, &regs);
	rip = regs.rip;
	EXPECT_EQ(rip, vcpu->run->rip);
	EXPECT_EQ(0xec, *(u8 *)guest_memory(vcpu->vm, rip));
	vcpu->run->data[0] = 0xa1;
	vcpu_complete(vcpu);
	vcpu_get_regs(vcpu, &regs);
	EXPECT_EQ(rip + 1, regs.rip);
	EXPECT_EQ(0x11223344556677a1, regs.rax);
	/* Nothing is left to complete. */
	vcpu->run->data[0] = 0;
	vcpu_complete(vcpu);
	vcpu_get_regs(vcpu, &regs);
	EXPECT_EQ(rip + 1, regs.rip);
	EXPECT_EQ(0x11223344556677a1, regs.rax);
}

/* ---- strings ----------------------------------------------------------------- */

/* REP OUTS of 1, 2, 4 bytes, either direction; registers as they end. */
#define OUTS(width, flag, rsi, rcx)					\
	asm volatile(flag "; rep outs" width "; cld"			\
		     : "+S"(rsi), "+c"(rcx) : "d"(PORT) : "memory")
#define INS(width, flag, rdi, rcx)					\
	asm volatile(flag "; rep ins" width "; cld"			\
		     : "+D"(rdi), "+c"(rcx) : "d"(PORT) : "memory")

static void guest_outs(void)
{
	u64 rsi, rcx;
	int i;

	for (i = 0; i < 3 * 4096; i++)
		BUFFER[i] = i * 7;

	asm volatile("outsb" : "=S"(rsi) : "S"(BUFFER), "d"(PORT));
	GUEST_ASSERT_EQ(BUFFER + 1, rsi);
	rsi = (uintptr_t)BUFFER;
	rcx = 5;
	OUTS("b", "cld", rsi, rcx);
	GUEST_ASSERT_EQ(BUFFER + 5, rsi);
	GUEST_ASSERT_EQ(0, rcx);
	/* across a page, more than the run page holds */
	rsi = (uintptr_t)BUFFER + 4090;
	rcx = 1500;
	OUTS("w", "cld", rsi, rcx);
	GUEST_ASSERT_EQ(BUFFER + 4090 + 3000, rsi);
	GUEST_ASSERT_EQ(0, rcx);
	rsi = (uintptr_t)BUFFER + 40;
	rcx = 3;
	OUTS("l", "std", rsi, rcx);
	GUEST_ASSERT_EQ(BUFFER + 28, rsi);
	/* none at all */
	rcx = 0;
	OUTS("l", "cld", rsi, rcx);
	GUEST_ASSERT_EQ(BUFFER + 28, rsi);
	/* addresses of 32 bits: RSI's upper half doesn't count, and goes */
	rsi = (uintptr_t)BUFFER | BIT(40);
	rcx = BIT(36) | 2;
	asm volatile("addr32 rep outsb" : "+S"(rsi), "+c"(rcx) : "d"(PORT) : "memory");
	GUEST_ASSERT_EQ(BUFFER + 2, rsi);
	GUEST_ASSERT_EQ(0, rcx);
	/* GS's base: struct guest_cpu's self pointer */
	rsi = 0;
	asm volatile("gs outsl" : "+S"(rsi) : "d"(PORT));
}

/* Collects the output of @bytes in all, in as many exits as it takes. */
static void expect_outs(struct vcpu *vcpu, u8 size, const u8 *expected, u32 bytes)
{
	struct lhv_run *run = vcpu->run;
	u32 n, done = 0;

	while (done < bytes) {
		vcpu_run_to_io(vcpu, PORT, size, LHV_IO_OUT);
		n = run->io.count * size;
		if (!n || n > LHV_RUN_DATA_SIZE || done + n > bytes)
			FAIL("%u bytes after %u of %u", n, done, bytes);
		if (memcmp(run->data, expected + done, n))
			FAIL("wrong data at %u of %u", done, bytes);
		done += n;
	}
}

TEST_F(io, outs)
{
	struct vcpu *vcpu = self->vcpu;
	u8 pattern[3 * 4096];
	u8 down[12];
	u32 i;

	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = i * 7;
	for (i = 0; i < 3; i++)
		memcpy(down + 4 * i, pattern + 40 - 4 * i, 4);
	vcpu_set_long(vcpu, guest_outs, 0, 0);
	expect_outs(vcpu, 1, pattern, 1);
	expect_outs(vcpu, 1, pattern, 5);
	expect_outs(vcpu, 2, pattern + 4090, 3000);
	expect_outs(vcpu, 4, down, sizeof(down));
	expect_outs(vcpu, 1, pattern, 2);
	vcpu_run_to_out(vcpu, PORT, 4, LAYOUT_CPU);
	vcpu_run_to_done(vcpu);
}

static void guest_ins(void)
{
	u64 rdi, rcx;
	int i;

	rdi = (uintptr_t)BUFFER;
	rcx = 5;
	INS("b", "cld", rdi, rcx);
	GUEST_ASSERT_EQ(BUFFER + 5, rdi);
	GUEST_ASSERT_EQ(0, rcx);
	for (i = 0; i < 5; i++)
		GUEST_ASSERT_EQ((u8)(i * 7), BUFFER[i]);
	GUEST_ASSERT_EQ(0, BUFFER[5]);

	rdi = (uintptr_t)BUFFER + 4090;
	rcx = 1500;
	INS("w", "cld", rdi, rcx);
	GUEST_ASSERT_EQ(BUFFER + 4090 + 3000, rdi);
	for (i = 0; i < 3000; i++)
		GUEST_ASSERT_EQ((u8)(i * 7), BUFFER[4090 + i]);

	rdi = (uintptr_t)BUFFER + 40;
	rcx = 3;
	INS("l", "std", rdi, rcx);
	GUEST_ASSERT_EQ(BUFFER + 28, rdi);
	for (i = 0; i < 12; i++)
		GUEST_ASSERT_EQ((u8)(i * 7), BUFFER[40 - i / 4 * 4 + i % 4]);

	/* one element across two pages */
	rdi = (uintptr_t)BUFFER + 4094;
	asm volatile("insl" : "+D"(rdi) : "d"(PORT) : "memory");
	GUEST_ASSERT_EQ(21 << 24 | 14 << 16 | 7 << 8 | 0, *(volatile u32 *)(BUFFER + 4094));

	/* A page that isn't there: #PF, and nothing was asked of the port. */
	GUEST_ASSERT_EQ(VECTOR_PF, guest_try("insb", : : "D"(UNMAPPED), "d"(PORT) : "memory"));
	GUEST_ASSERT_EQ(PF_WRITE, guest_fault()->error);
	GUEST_ASSERT_EQ(UNMAPPED, guest_fault()->cr2);
	GUEST_ASSERT_EQ(VECTOR_PF, guest_try("outsb", : : "S"(UNMAPPED), "d"(PORT) : "memory"));
	GUEST_ASSERT_EQ(0, guest_fault()->error);
	GUEST_ASSERT_EQ(VECTOR_GP, guest_try("outsb", : : "S"(BIT(63)), "d"(PORT) : "memory"));
}

static void feed_ins(struct vcpu *vcpu, u8 size, u32 bytes)
{
	struct lhv_run *run = vcpu->run;
	u32 i, n, done = 0;

	while (done < bytes) {
		vcpu_run_to_io(vcpu, PORT, size, LHV_IO_IN);
		n = run->io.count * size;
		if (!n || n > LHV_RUN_DATA_SIZE || done + n > bytes)
			FAIL("%u bytes after %u of %u", n, done, bytes);
		for (i = 0; i < n; i++)
			run->data[i] = (done + i) * 7;
		done += n;
	}
}

TEST_F(io, ins)
{
	struct vcpu *vcpu = self->vcpu;

	vcpu_set_long(vcpu, guest_ins, 0, 0);
	feed_ins(vcpu, 1, 5);
	feed_ins(vcpu, 2, 3000);
	feed_ins(vcpu, 4, 12);
	feed_ins(vcpu, 4, 4);
	vcpu_run_to_done(vcpu);
}

/* A fault in the middle: what is before it was done, and the rest starts over. */
static void guest_outs_to_the_edge(void)
{
	volatile u64 *pte = (u64 *)LAYOUT_PD + MIB(14) / MIB(2);
	u64 rsi = MIB(14) - 3, rcx = 6;
	u64 entry = *pte;
	int i;

	for (i = 0; i < 6; i++)
		((volatile u8 *)rsi)[i] = 0x40 + i;
	*pte = 0;
	invlpg((void *)MIB(14));
	GUEST_ASSERT_EQ(VECTOR_PF, guest_try("rep outsb", : "+S"(rsi), "+c"(rcx) : "d"(PORT)
					     : "memory"));
	GUEST_ASSERT_EQ(MIB(14), guest_fault()->cr2);
	GUEST_REPORT2(rsi, rcx);
	*pte = entry;
	asm volatile("rep outsb" : "+S"(rsi), "+c"(rcx) : "d"(PORT) : "memory");
	GUEST_ASSERT_EQ(0, rcx);
}

TEST_F(io, outs_to_the_edge)
{
	static const u8 bytes[] = { 0x40, 0x41, 0x42, 0x43, 0x44, 0x45 };
	struct ucall call;

	vcpu_set_long(self->vcpu, guest_outs_to_the_edge, 0, 0);
	expect_outs(self->vcpu, 1, bytes, 3);
	vcpu_run_to_ucall(self->vcpu, &call);
	ASSERT_EQ(UCALL_REPORT, call.command);
	EXPECT_EQ(MIB(14), call.arg[0]);
	EXPECT_EQ(3, call.arg[1]);
	expect_outs(self->vcpu, 1, bytes + 3, 3);
	vcpu_run_to_done(self->vcpu);
}

TEST_HARNESS_MAIN
