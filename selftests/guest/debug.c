// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers, breakpoints and single steps (SDM 3B chapter 18)
 */
#include "rings.h"

#define DR6_INIT	0xffff0ff0ULL
#define DR6_BD		BIT(13)
#define DR6_BS		BIT(14)
#define DR7_INIT	BIT(10)
#define DR7_GD		BIT(13)
#define DR7_L(n)	BIT(2 * (n))
#define DR7_G(n)	BIT(2 * (n) + 1)
#define DR7_ON(n, type, length)	(DR7_G(n) | (type) << (16 + 4 * (n)) | \
				 (u64)(length) << (18 + 4 * (n)))
enum { EXECUTE, WRITE, PORT, ACCESS };
enum { LENGTH_1, LENGTH_2, LENGTH_8, LENGTH_4 };

#define FLAGS_RF	BIT(16)
#define PORT_NOTHING	0x500

#define MAX_TRAPS	32

/* Volatile: any access to what is watched may change them. */
static volatile u64 trap_rip[MAX_TRAPS], trap_dr6[MAX_TRAPS], trap_dr7[MAX_TRAPS];
static volatile u64 trap_flags[MAX_TRAPS];
static volatile u32 traps;
static u64 variable[2] __attribute__((aligned(16)));

static void on_debug(struct trap_frame *frame)
{
	if (traps < MAX_TRAPS) {
		trap_rip[traps] = frame->rip;
		trap_dr7[traps] = read_register(db7);
		trap_dr6[traps] = read_register(db6);
		trap_flags[traps] = frame->rflags;
	}
	traps++;
	write_register(db6, DR6_INIT);
	frame->rflags |= FLAGS_RF;
}

/* How many #DB there were since, and forget them; the first one's data remain. */
static u32 take_traps(void)
{
	u32 n = traps;

	traps = 0;
	return n;
}

static void breakpoint(int n, volatile void *address, u64 dr7)
{
	switch (n) {
	case 0:
		write_register(db0, address);
		break;
	case 1:
		write_register(db1, address);
		break;
	case 2:
		write_register(db2, address);
		break;
	default:
		write_register(db3, address);
	}
	write_register(db7, DR7_INIT | dr7);
	take_traps();
	trap_dr6[0] = 0;
}

static u64 user_dr(u64 unused)
{
	(void)unused;
	return attempt("mov %%db0, %%rax", : : : "rax", "memory");
}

static void registers(void)
{
	u64 cr4 = read_register(cr4);

	check("DR6 at first", DR6_INIT, read_register(db6));
	check("DR7 at first", DR7_INIT, read_register(db7));
	write_register(db0, 0x123456789abcdef0);
	check("DR0 holds 64 bits", 0x123456789abcdef0, read_register(db0));
	write_register(db3, ~0ULL);
	check("DR3 holds 64 bits", ~0ULL, read_register(db3));
	check("DR6's high half", FAULT_GP, attempt_write_register(db6, BIT(32)));
	check("DR7's high half", FAULT_GP, attempt_write_register(db7, BIT(32)));
	write_register(db7, 0);
	check("DR7's bit 10 is 1", DR7_INIT, read_register(db7));
	write_register(db7, DR7_INIT | BIT(11) | BIT(12) | BIT(14) | BIT(15));
	check("DR7's reserved bits are 0", DR7_INIT, read_register(db7) & ~BIT(11));
	write_register(db6, 0);
	check("DR6's reserved bits", DR6_INIT, read_register(db6) | BIT(16) | BIT(11));
	write_register(db6, DR6_INIT);
	check("DR4 is DR6 without DE", DR6_INIT, read_register(db4));
	write_register(cr4, cr4 | CR4_DE);
	check("DR4 with DE", FAULT_UD, attempt("mov %%db4, %%rax", : : : "rax", "memory"));
	check("DR5 with DE", FAULT_UD, attempt("mov %%rax, %%db5", : : : "memory"));
	write_register(cr4, cr4);
	user_memory(true);
	check("MOV from DR0 in ring 3", FAULT_GP, user_call(user_dr, 0));
	user_memory(false);
}

static void data_breakpoints(void)
{
	volatile u8 *bytes = (u8 *)variable, *to = bytes;
	u64 n = sizeof(variable);

	breakpoint(0, variable, DR7_ON(0, WRITE, LENGTH_8));
	(void)READ_ONCE(variable[0]);
	check("a read of what is watched for writes", 0, take_traps());
	WRITE_ONCE(variable[0], 1);
	check("a write of it", 1, take_traps());
	check("DR6 of that", DR6_INIT | BIT(0), trap_dr6[0]);
	check("a data breakpoint doesn't push RF", 0, trap_flags[0] & FLAGS_RF);
	bytes[7] = 1;
	check("a write to its last byte", 1, take_traps());
	bytes[8] = 1;
	check("a write behind it", 0, take_traps());
	breakpoint(0, bytes + 4, DR7_ON(0, WRITE, LENGTH_2));
	bytes[3] = 1;
	check("a write before two bytes", 0, take_traps());
	WRITE_ONCE(variable[0], 2);
	check("a larger write across two bytes", 1, take_traps());
	breakpoint(1, bytes + 4, DR7_ON(1, ACCESS, LENGTH_4));
	(void)READ_ONCE(variable[0]);
	check("a read of what is watched for accesses", 1, take_traps());
	check("DR6 names breakpoint 1", DR6_INIT | BIT(1), trap_dr6[0]);
	breakpoint(3, bytes, DR7_L(3) | (u64)WRITE << 28);
	bytes[0] = 1;
	check("a local breakpoint", 1, take_traps());
	check("DR6 names breakpoint 3", DR6_INIT | BIT(3), trap_dr6[0]);
	breakpoint(3, bytes, (u64)WRITE << 28);
	bytes[0] = 1;
	check("a breakpoint that isn't on", 0, take_traps());
	breakpoint(2, bytes, DR7_ON(2, WRITE, LENGTH_1));
	asm volatile("cld; rep stosb" : "+D"(to), "+c"(n) : "a"(0) : "memory");
	check("REP STOSB across it", 1, take_traps());
	write_register(db7, DR7_INIT);
}

asm(".pushsection .text\n"
    "debug_function: nop\n"
    "debug_second: nop\n\t"
    "ret\n"
    ".popsection\n");
void debug_function(void);
void debug_second(void);

static void instruction_breakpoints(void)
{
	breakpoint(0, debug_second, DR7_ON(0, EXECUTE, LENGTH_1));
	debug_function();
	check("an instruction breakpoint", 1, take_traps());
	check("it's a fault, by RIP", (u64)debug_second, trap_rip[0]);
	check("an instruction breakpoint pushes RF", FLAGS_RF, trap_flags[0] & FLAGS_RF);
	check("DR6 of that fault", DR6_INIT | BIT(0), trap_dr6[0]);
	write_register(db7, DR7_INIT | DR7_ON(0, EXECUTE, LENGTH_1) | DR7_ON(1, EXECUTE, LENGTH_1));
	write_register(db1, (u64)debug_function);
	debug_function();
	check("two of them", 2, take_traps());
	check("the second one's RIP", (u64)debug_second, trap_rip[1]);
	check("the second one's DR6", DR6_INIT | BIT(0), trap_dr6[1]);
	write_register(db7, DR7_INIT);
}

static void port_breakpoints(void)
{
	u64 cr4 = read_register(cr4);

	write_register(cr4, cr4 | CR4_DE);
	breakpoint(0, (void *)PORT_NOTHING, DR7_ON(0, PORT, LENGTH_1));
	outb(PORT_NOTHING, 1);
	check("an OUT to a port that is watched", 1, take_traps());
	check("DR6 of that OUT", DR6_INIT | BIT(0), trap_dr6[0]);
	inl(PORT_NOTHING);
	check("an IN from a port that is watched", 1, take_traps());
	outb(PORT_NOTHING + 1, 1);
	check("an OUT to another port", 0, take_traps());
	write_register(db7, DR7_INIT);
	write_register(cr4, cr4);
}

/* ---- single steps: each instruction has a label, and so has the one behind them - */

asm(".pushsection .text\n"
    "debug_stepped:\n\t"
    "push %rbx\n\t"
    "pushfq\n\t"
    "orq $0x100, (%rsp)\n\t"
    "popfq\n\t"
    "nop\n"
    "dstep0: xor %eax, %eax\n"
    "dstep1: cpuid\n"
    "dstep2: mov $0x1b, %ecx\n"
    "dstep3: rdmsr\n"
    "dstep4: out %al, $0x80\n"
    "dstep5: mov $3, %ecx\n"
    "dstep6: mov $debug_buffer, %edi\n"
    "dstep7: rep stosb\n"
    "dstep8: mov %cr0, %rax\n"
    "dstep9: mov %rax, %cr0\n"
    "dstep10: pushfq\n"
    "dstep11: andq $~0x100, (%rsp)\n"
    "dstep12: popfq\n"
    "dstep13: pop %rbx\n\t"
    "ret\n"
    "debug_labels:\n\t"
    ".quad dstep0, dstep1, dstep2, dstep3, dstep4, dstep5, dstep6, dstep7, dstep7, dstep7\n\t"
    ".quad dstep8, dstep9, dstep10, dstep11, dstep12, dstep13\n"
    ".popsection\n");
void debug_stepped(void);
extern const u64 debug_labels[];
static u8 step_buffer[8] __asm__("debug_buffer") __attribute__((used));
#define NR_STEPS	16

static void single_steps(void)
{
	u32 wrong_rip = 0, wrong_dr6 = 0, i;

	take_traps();
	debug_stepped();
	for (i = 0; i < NR_STEPS; i++) {
		wrong_rip += trap_rip[i] != debug_labels[i];
		wrong_dr6 += trap_dr6[i] != (DR6_INIT | DR6_BS);
	}
	check("single steps", NR_STEPS, take_traps());
	check("each is behind an instruction or iteration", 0, wrong_rip);
	check("each has BS only", 0, wrong_dr6);
}

/* With TF and a breakpoint on the same instruction there is one exception. */
static void step_and_breakpoint(void)
{
	breakpoint(0, variable, DR7_ON(0, WRITE, LENGTH_8));
	asm volatile("pushfq; orl $0x100, (%%rsp); popfq; movq $1, %0;"
		     "pushfq; andl $~0x100, (%%rsp); popfq" : "=m"(variable[0]) : : "memory");
	check("a step over a write that is watched", DR6_INIT | DR6_BS | BIT(0), trap_dr6[0]);
	take_traps();
	write_register(db7, DR7_INIT);
}

static u64 steps_in_handler;

static void count_in_handler(struct trap_frame *frame)
{
	(void)frame;
	steps_in_handler = traps;
}

static void step_and_interrupt(void)
{
	guest_handler[0x30] = count_in_handler;
	take_traps();
	asm volatile("pushfq; orl $0x100, (%%rsp); popfq; int $0x30;"
		     "pushfq; andl $~0x100, (%%rsp); popfq" : : : "memory");
	check("no step in the handler of INT n", 0, steps_in_handler);
	check("steps go on behind it", 3, take_traps());
}

static void general_detect(void)
{
	u64 dr7;

	take_traps();
	write_register(db7, DR7_INIT | DR7_GD);
	asm volatile("mov %%db7, %0" : "=r"(dr7) : : "memory");
	check("with GD a MOV from DR7 faults", 1, take_traps());
	check("DR6 of that MOV", DR6_INIT | DR6_BD, trap_dr6[0]);
	check("GD is off in the handler", DR7_INIT, trap_dr7[0]);
	check("and then it is run", DR7_INIT, dr7);
}

void payload(void)
{
	guest_handler[VECTOR_DB] = NULL;
	registers();
	guest_handler[VECTOR_DB] = on_debug;
	data_breakpoints();
	instruction_breakpoints();
	port_breakpoints();
	single_steps();
	step_and_breakpoint();
	step_and_interrupt();
	general_detect();
}
