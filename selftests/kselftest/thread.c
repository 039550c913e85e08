// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that runs a vCPU keeps its segment registers and their bases, which a
 * VM exit doesn't bring back (SDM 3C 28.5.2, 28.5.3): selectors become null, and
 * with them goes what a program with an LDT of its own relies on.
 */
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test.h"

#define MARK_GS		0x1122334455667788ULL
#define MARK_FS		0x99aabbccddeeff00ULL

static u64 marks[2] = { MARK_FS, MARK_GS };

static void guest_count_to_ten(void)
{
	u64 i;

	/* Its own selectors and bases are others than the thread's. */
	for (i = 0; i < 10; i++)
		outl(0x10, i);
}

FIXTURE(thread) {
	struct vcpu *vcpu;
};

FIXTURE_SETUP(thread)
{
	self->vcpu = new_guest(guest_count_to_ten, 0, 0);
	/* The first run has its own way in. */
	vcpu_run_to_out(self->vcpu, 0x10, 4, 0);
}

FIXTURE_TEARDOWN(thread)
{
	vm_close(self->vcpu->vm);
}

/* Descriptor @entry of the process's LDT: data, writable, from @base on. */
static u16 set_ldt(u32 entry, const void *base)
{
	struct user_desc desc = {
		.entry_number = entry, .base_addr = (uintptr_t)base, .limit = 0xfffff,
		.seg_32bit = 1, .limit_in_pages = 1, .useable = 1,
	};

	REQUIRE_SYS(syscall(SYS_modify_ldt, 1, &desc, sizeof(desc)));
	return entry << 3 | 4 | 3;	/* LDT, privilege level 3 */
}

/**
 * struct selectors - what is loaded, and read again
 * @ds:	and so on
 * @at_fs:	what is at the beginning of the segment
 * @at_gs:	the same
 */
struct selectors {
	u16 ds, es, fs, gs;
	u64 at_fs, at_gs;
};

/*
 * LHV_VCPU_RUN with these loaded. FS is where the C library has its thread's data,
 * so that nothing of it may be called before that is back.
 */
static long run_with(int fd, const struct selectors *set, struct selectors *seen)
{
	long rax = SYS_ioctl, rdi = fd, rsi = LHV_VCPU_RUN, ret;
	unsigned long fs_base, none = 0;

	REQUIRE(!syscall(SYS_arch_prctl, ARCH_GET_FS, &fs_base));
	asm volatile("mov %[ds], %%ds\n\t"
		     "mov %[es], %%es\n\t"
		     "mov %[fs], %%fs\n\t"
		     "mov %[gs], %%gs\n\t"
		     "syscall\n\t"
		     "mov %%ds, %[seen_ds]\n\t"
		     "mov %%es, %[seen_es]\n\t"
		     "mov %%fs, %[seen_fs]\n\t"
		     "mov %%gs, %[seen_gs]\n\t"
		     "mov %%fs:0, %%rcx\n\t"
		     "mov %%rcx, %[at_fs]\n\t"
		     "mov %%gs:0, %%rcx\n\t"
		     "mov %%rcx, %[at_gs]\n\t"
		     "mov %[none], %%ds\n\t"
		     "mov %[none], %%es\n\t"
		     "mov %[none], %%fs\n\t"
		     "mov %[none], %%gs\n\t"
		     /* arch_prctl(ARCH_SET_FS, fs_base) */
		     "mov %%rax, %%rbx\n\t"
		     "mov %[arch_prctl], %%eax\n\t"
		     "mov %[set_fs], %%edi\n\t"
		     "mov %[fs_base], %%rsi\n\t"
		     "syscall\n\t"
		     : "=&b"(ret), "+a"(rax), "+D"(rdi), "+S"(rsi),
		       [seen_ds] "=m"(seen->ds), [seen_es] "=m"(seen->es), [seen_fs] "=m"(seen->fs),
		       [seen_gs] "=m"(seen->gs),
		       [at_fs] "=m"(seen->at_fs), [at_gs] "=m"(seen->at_gs)
		     : "d"(0L), [ds] "m"(set->ds), [es] "m"(set->es), [fs] "m"(set->fs),
		       [gs] "m"(set->gs), [none] "m"(none), [fs_base] "m"(fs_base),
		       [arch_prctl] "i"(SYS_arch_prctl), [set_fs] "i"(ARCH_SET_FS)
		     : "rcx", "r11", "memory");
	return ret;
}

TEST_F(thread, keeps_selectors_of_an_ldt)
{
	const struct selectors set = {
		.ds = set_ldt(0, NULL), .es = set_ldt(1, NULL),
		.fs = set_ldt(2, &marks[0]), .gs = set_ldt(3, &marks[1]),
	};
	struct selectors seen;
	int i;

	for (i = 1; i < 4; i++) {
		ASSERT_EQ(0, run_with(self->vcpu->fd, &set, &seen));
		EXPECT_EQ(i, *(u32 *)self->vcpu->run->data);
		EXPECT_EQ(set.ds, seen.ds);
		EXPECT_EQ(set.es, seen.es);
		EXPECT_EQ(set.fs, seen.fs);
		EXPECT_EQ(set.gs, seen.gs);
		EXPECT_EQ(MARK_FS, seen.at_fs);
		EXPECT_EQ(MARK_GS, seen.at_gs);
	}
}

/* As a 64-bit program has it. */
TEST_F(thread, keeps_bases)
{
	unsigned long base;
	u64 at_gs;
	u32 i;

	REQUIRE(!syscall(SYS_arch_prctl, ARCH_SET_GS, &marks[1]));
	for (i = 1; i < 4; i++) {
		vcpu_run_to_out(self->vcpu, 0x10, 4, i);
		asm volatile("mov %%gs:0, %0" : "=r"(at_gs) : : "memory");
		EXPECT_EQ(MARK_GS, at_gs);
		REQUIRE(!syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
		EXPECT_EQ((uintptr_t)&marks[1], base);
	}
}

TEST_HARNESS_MAIN
