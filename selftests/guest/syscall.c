// SPDX-License-Identifier: GPL-2.0-only
/*
 * SYSCALL, SYSRET, SYSENTER, SYSEXIT (SDM 2B)
 */
#include "rings.h"

#define MSR_SYSENTER_CS		0x174
#define MSR_SYSENTER_ESP	0x175
#define MSR_SYSENTER_EIP	0x176
#define MSR_CSTAR		0xc0000083

#define FLAGS_CF	BIT(0)
#define FLAGS_DF	BIT(10)
#define FLAGS_NT	BIT(14)
#define FLAGS_RF	BIT(16)

#define NON_CANONICAL	BIT(63)

/*
 * What SYSCALL and SYSENTER come to: they leave what they find here, and go back
 * to ring 3.
 */
static struct {
	u64 cs, ss, rflags, rcx, r11, rsp;
} seen __asm__("syscall_seen") __attribute__((used));

static u64 user_rsp_kept __asm__("syscall_user_rsp") __attribute__((used));
static u64 own_stack[64] __asm__("syscall_stack") __attribute__((used));

asm(".pushsection .text\n"
    "syscall_entry:\n\t"
    "mov %rsp, syscall_seen + 40\n\t"
    "mov %rsp, syscall_user_rsp\n\t"
    "mov $syscall_stack + 512, %esp\n\t"
    "mov %cs, %eax\n\t"
    "mov %rax, syscall_seen\n\t"
    "mov %ss, %eax\n\t"
    "mov %rax, syscall_seen + 8\n\t"
    "pushfq\n\t"
    "popq syscall_seen + 16\n\t"
    "mov %rcx, syscall_seen + 24\n\t"
    "mov %r11, syscall_seen + 32\n\t"
    "mov syscall_user_rsp, %rsp\n\t"
    "sysretq\n"
    "syscall_entry32:\n\t"
    "mov $sysexit_target, %ecx\n\t"
    "mov $3, %r11d\n\t"
    "sysretl\n"
    "sysenter_entry:\n\t"
    "mov %rsp, syscall_seen + 40\n\t"
    "mov %cs, %eax\n\t"
    "mov %rax, syscall_seen\n\t"
    "mov %ss, %eax\n\t"
    "mov %rax, syscall_seen + 8\n\t"
    "pushfq\n\t"
    "popq syscall_seen + 16\n\t"
    "mov $sysexit_target, %edx\n\t"
    "mov $syscall_stack + 256, %ecx\n\t"
    "sysexitq\n"
    "sysexit_target:\n\t"
    "int $0x2f\n"
    "syscall_here: syscall\n"
    "syscall_back:\n\t"
    "int $0x2f\n\t"
    "ret\n"
    ".popsection\n");
void syscall_entry(void);
void syscall_entry32(void);
void sysenter_entry(void);
void sysexit_target(void);
u64 syscall_here(u64 unused);
void syscall_back(void);

static u64 user_syscall(u64 unused)
{
	(void)unused;
	return attempt("syscall", : : : "rax", "rcx", "r11", "memory");
}

static u64 user_sysenter(u64 unused)
{
	(void)unused;
	return attempt("sysenter", : : : "rax", "rcx", "rdx", "memory");
}

static u64 user_sysret(u64 unused)
{
	(void)unused;
	return attempt("sysretq", : : "c"(syscall_back), "r"(0) : "memory");
}

static u64 user_sysexit(u64 unused)
{
	(void)unused;
	return attempt("sysexitq", : : : "memory");
}

COMPAT(compat_syscall, TRY32("syscall"));

static void check_syscall(void)
{
	const u64 flags = FLAGS_FIXED | FLAGS_CF | FLAGS_DF | FLAGS_NT;
	u64 efer = rdmsr(MSR_EFER);

	check("SYSCALL without SCE", FAULT_UD, user_call(user_syscall, 0));
	check("SYSRET without SCE", FAULT_UD,
	      attempt("sysretq", : : "c"(syscall_back) : "memory"));
	wrmsr(MSR_EFER, efer | EFER_SCE);
	wrmsr(MSR_STAR, (u64)(SELECTOR_CODE32 | 3) << 48 | (u64)SELECTOR_CODE64 << 32);
	wrmsr(MSR_LSTAR, (u64)syscall_entry);
	wrmsr(MSR_SYSCALL_MASK, FLAGS_DF | FLAGS_NT | FLAGS_IF);

	user_call_flags(syscall_here, 0, flags);
	check("SYSCALL's CS", SELECTOR_CODE64, seen.cs);
	check("SYSCALL's SS", SELECTOR_CODE64 + 8, seen.ss);
	check("SYSCALL keeps RIP in RCX", (u64)syscall_back, seen.rcx);
	check("SYSCALL keeps RFLAGS in R11", flags, seen.r11);
	check("SYSCALL masks RFLAGS", FLAGS_FIXED | FLAGS_CF, seen.rflags);
	check("SYSCALL leaves RSP", user_left_frame.rsp, seen.rsp);
	check("SYSRET goes to RCX", (u64)syscall_back + 2, user_left_frame.rip);
	check("SYSRET's CS", SELECTOR_USER_CODE64, user_left_frame.cs);
	check("SYSRET's SS", SELECTOR_USER_DATA, user_left_frame.ss);
	check("SYSRET brings RFLAGS back", flags, user_left_frame.rflags);

	check("SYSCALL in compatibility mode", FAULT_UD, compat_attempt(compat_syscall, 0));
	check("SYSRET in ring 3", FAULT_GP, user_call(user_sysret, 0));
	check("SYSRET to what isn't canonical", FAULT_GP,
	      attempt("sysretq", : : "c"(NON_CANONICAL), "r"(0) : "memory"));
	check("LSTAR that isn't canonical", FAULT_GP,
	      attempt_wrmsr(MSR_LSTAR, NON_CANONICAL));
	check("CSTAR that isn't canonical", FAULT_GP,
	      attempt_wrmsr(MSR_CSTAR, NON_CANONICAL));
	wrmsr(MSR_EFER, efer);
}

static void check_sysret32(void)
{
	u64 efer = rdmsr(MSR_EFER);

	wrmsr(MSR_EFER, efer | EFER_SCE);
	wrmsr(MSR_LSTAR, (u64)syscall_entry32);
	user_call(syscall_here, 0);
	check("32-bit SYSRET goes to ECX", (u64)sysexit_target + 2, user_left_frame.rip);
	check("32-bit SYSRET's CS", SELECTOR_CODE32 | 3, user_left_frame.cs);
	check("32-bit SYSRET's SS", SELECTOR_USER_DATA, user_left_frame.ss);
	check("32-bit SYSRET's RFLAGS", FLAGS_FIXED | FLAGS_CF, user_left_frame.rflags);
	wrmsr(MSR_EFER, efer);
}

static void check_sysenter(void)
{
	wrmsr(MSR_SYSENTER_CS, 0);
	wrmsr(MSR_SYSENTER_EIP, (u64)sysenter_entry);
	wrmsr(MSR_SYSENTER_ESP, (u64)own_stack + sizeof(own_stack));
	check("SYSENTER without a CS", FAULT_GP, user_call(user_sysenter, 0));
	check("SYSEXIT without a CS", FAULT_GP, attempt("sysexitq", : : : "memory"));
	wrmsr(MSR_SYSENTER_CS, SELECTOR_CODE64);
	user_call_flags(user_sysenter, 0, FLAGS_FIXED | FLAGS_CF | FLAGS_IF);
	check("SYSENTER's CS", SELECTOR_CODE64, seen.cs);
	check("SYSENTER's SS", SELECTOR_CODE64 + 8, seen.ss);
	check("SYSENTER's RSP", (u64)own_stack + sizeof(own_stack), seen.rsp);
	check("SYSENTER clears IF only", FLAGS_FIXED | FLAGS_CF, seen.rflags);
	check("SYSEXIT's RIP is RDX", (u64)sysexit_target + 2, user_left_frame.rip);
	check("SYSEXIT's RSP is RCX", (u64)own_stack + 256, user_left_frame.rsp);
	check("SYSEXIT's CS", (SELECTOR_CODE64 + 32) | 3, user_left_frame.cs);
	check("SYSEXIT's SS", (SELECTOR_CODE64 + 40) | 3, user_left_frame.ss);
	check("SYSEXIT in ring 3", FAULT_GP, user_call(user_sysexit, 0));
	check("SYSEXIT to what isn't canonical", FAULT_GP,
	      attempt("sysexitq", : : "d"(NON_CANONICAL), "c"(0) : "memory"));
	check("SYSENTER_EIP that isn't canonical", FAULT_GP,
	      attempt_wrmsr(MSR_SYSENTER_EIP, NON_CANONICAL));
	check("SYSENTER_ESP that isn't canonical", FAULT_GP,
	      attempt_wrmsr(MSR_SYSENTER_ESP, NON_CANONICAL));
}

void payload(void)
{
	user_memory(true);
	check_syscall();
	check_sysret32();
	check_sysenter();
}
