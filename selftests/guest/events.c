// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on their way to a handler: whose stack is memory that nothing has
 * touched yet (so that delivery leaves the guest), in which order they come, and
 * which instructions hold them back (SDM 3A chapter 6)
 */
#include "rings.h"

#define VECTOR		0x40
#define FLAGS_RF	BIT(16)
#define NON_CANONICAL	BIT(63)
#define UNMAPPED	0x8000000000ULL

/* Each time another 2 MiB, which may be one large page of the host. */
#define FRESH_MEMORY	((u64)MIB(16))
#define FRESH_END	((u64)MIB(60))

static u64 fresh = FRESH_MEMORY;
static struct trap_frame frame_was;
static u64 frame_at;
static u32 came;
static u8 order[8];
static u32 ordered;

static void note(struct trap_frame *frame)
{
	frame_was = *frame;
	frame_at = (u64)frame;
	came++;
	if (ordered < sizeof(order))
		order[ordered++] = frame->vector;
}

static void note_and_eoi(struct trap_frame *frame)
{
	note(frame);
	apic_eoi();
}

/* The faulting instruction is two bytes long. */
static void note_and_skip(struct trap_frame *frame)
{
	note(frame);
	frame->rip += 2;
}

static void note_and_disable_breakpoint(struct trap_frame *frame)
{
	write_register(db7, 0x400);
	note(frame);
}

/* Delivers the vector on IST's stack in fresh memory. Returns the stack's top. */
static u64 on_fresh_stack(u8 vector, void (*handler)(struct trap_frame *frame))
{
	fresh += MIB(2);
	if (fresh >= FRESH_END)
		bail_out("no fresh memory is left", fresh);
	tss_set_ist(1, fresh);
	gate_set_ist(vector, 1);
	guest_handler[vector] = handler;
	came = 0;
	ordered = 0;
	return fresh;
}

static u64 right_place(u64 top)
{
	return frame_at + sizeof(struct trap_frame) == top;
}

static void done(u8 vector)
{
	gate_set_ist(vector, 0);
	guest_handler[vector] = NULL;
}

static void send(u32 icr)
{
	apic_icr(0, icr | ICR_ASSERT);
	asm volatile("" : : : "memory");
}

/* ---- delivery into fresh memory ------------------------------------------------- */

static void software(void)
{
	u64 top = on_fresh_stack(0x30, note);

	asm volatile("int $0x30" : : : "memory");
	check("INT n into fresh memory comes once", 1, came);
	check_true("INT n, the frame's place", right_place(top));
	check("INT n, RIP is behind it", 0x30cd, *(u16 *)(frame_was.rip - 2));
	done(0x30);

	on_fresh_stack(VECTOR_BP, note);
	asm volatile("int3" : : : "memory");
	check("INT3 into fresh memory comes once", 1, came);
	check("INT3, RIP is behind it", 0xcc, *(u8 *)(frame_was.rip - 1));
	done(VECTOR_BP);

	on_fresh_stack(VECTOR_DB, note);
	asm volatile(".byte 0xf1" : : : "memory");
	check("INT1 into fresh memory comes once", 1, came);
	check("INT1, RIP is behind it", 0xf1, *(u8 *)(frame_was.rip - 1));
	done(VECTOR_DB);
}

static void faults(void)
{
	u64 top = on_fresh_stack(VECTOR_UD, note_and_skip);

	asm volatile("ud2" : : : "memory");
	check("#UD into fresh memory comes once", 1, came);
	check_true("#UD, the frame's place", right_place(top));
	check("#UD, RIP is at it", 0x0b0f, *(u16 *)frame_was.rip);
	check("#UD, RF", FLAGS_RF, frame_was.rflags & FLAGS_RF);
	done(VECTOR_UD);

	top = on_fresh_stack(VECTOR_GP, note_and_skip);
	asm volatile("mov %0, %%ds" : : "a"(0x1000) : "memory");	/* 8e d8 */
	check("#GP into fresh memory comes once", 1, came);
	check_true("#GP, the frame's place", right_place(top));
	check("#GP, its error code", 0x1000, frame_was.error);
	check("#GP, RIP is at it", 0xd88e, *(u16 *)frame_was.rip);
	done(VECTOR_GP);

	on_fresh_stack(VECTOR_PF, note_and_skip);
	asm volatile(".byte 0x88, 0x18" : : "a"(UNMAPPED), "b"(0) : "memory"); /* mov %bl, (%rax) */
	check("#PF into fresh memory comes once", 1, came);
	check("#PF, its error code", PF_WRITE, frame_was.error);
	check("#PF, CR2", UNMAPPED, read_register(cr2));
	done(VECTOR_PF);
}

static void interrupts(void)
{
	u64 top = on_fresh_stack(VECTOR, note_and_eoi);

	send(ICR_SELF | VECTOR);
	asm volatile("sti; nop; nop; cli" : : : "memory");
	check("an interrupt into fresh memory comes once", 1, came);
	check_true("an interrupt, the frame's place", right_place(top));
	check("an interrupt, EOI was for it", 0, apic_bit(APIC_ISR, VECTOR));
	done(VECTOR);

	top = on_fresh_stack(VECTOR_NMI, note);
	send(ICR_NMI);
	check("an NMI into fresh memory comes once", 1, came);
	check_true("an NMI, the frame's place", right_place(top));
	on_fresh_stack(VECTOR_NMI, note);
	send(ICR_NMI);
	check("and one more, as it isn't blocked", 1, came);
	done(VECTOR_NMI);

	on_fresh_stack(VECTOR_DB, note_and_disable_breakpoint);
	write_register(db0, (u64)&came);
	write_register(db6, 0xffff0ff0);
	write_register(db7, 0x400 | BIT(1) | 1 << 16 | 3 << 18);
	WRITE_ONCE(came, 0);
	check("#DB into fresh memory comes once", 1, READ_ONCE(came));
	check("#DB, DR6", 0xffff0ff1, read_register(db6));
	done(VECTOR_DB);
}

/* An interrupt's handler on a fresh stack faults there, again into fresh memory. */
static void fault_inside(struct trap_frame *frame)
{
	u64 page = fresh + GUEST_PAGE;

	note(frame);
	*(volatile u64 *)page = 1;
	asm volatile("ud2" : : : "memory");
	apic_eoi();
}

static void nested(void)
{
	on_fresh_stack(VECTOR, fault_inside);
	guest_handler[VECTOR_UD] = note_and_skip;
	send(ICR_SELF | VECTOR);
	asm volatile("sti; nop; nop; cli" : : : "memory");
	check("an interrupt and an exception in it", 2, came);
	check("in that order", VECTOR << 8 | VECTOR_UD, order[0] << 8 | order[1]);
	done(VECTOR);
	done(VECTOR_UD);
}

/* ---- order and blocking ------------------------------------------------------------ */

asm(".pushsection .text\n"
    "events_sti:\n\t"
    "sti\n\t"
    "nop\n"
    "events_behind_sti: nop\n\t"
    "cli\n\t"
    "ret\n"
    "events_popf:\n\t"
    "pushfq\n\t"
    "orl $0x200, (%rsp)\n\t"
    "popfq\n"
    "events_behind_popf: nop\n\t"
    "cli\n\t"
    "ret\n"
    "events_sti_cli:\n\t"
    "sti\n\t"
    "cli\n\t"
    "ret\n"
    "events_sti_mov_ss:\n\t"
    "mov %ss, %eax\n\t"
    "sti\n\t"
    "mov %eax, %ss\n\t"
    "nop\n"
    "events_behind_mov_ss: nop\n\t"
    "cli\n\t"
    "ret\n"
    "events_sti_hlt:\n\t"
    "sti\n\t"
    "hlt\n"
    "events_behind_hlt: nop\n\t"
    "cli\n\t"
    "ret\n"
    ".popsection\n");
void events_sti(void);
void events_popf(void);
void events_sti_cli(void);
void events_sti_mov_ss(void);
void events_sti_hlt(void);
extern const u8 events_behind_sti[], events_behind_popf[], events_behind_mov_ss[];
extern const u8 events_behind_hlt[];

static void start(void)
{
	guest_handler[VECTOR] = note_and_eoi;
	came = 0;
	ordered = 0;
	send(ICR_SELF | VECTOR);
}

static void blocking(void)
{
	start();
	events_sti();
	check("behind STI one instruction is run", (u64)events_behind_sti, frame_was.rip);
	start();
	events_popf();
	check("behind POPF none is", (u64)events_behind_popf, frame_was.rip);
	start();
	events_sti_cli();
	check("between STI and CLI nothing comes", 0, came);
	events_sti_hlt();
	check("an interrupt that waits ends HLT behind STI", (u64)events_behind_hlt,
	      frame_was.rip);
	start();
	events_sti_mov_ss();
	check("MOV SS behind STI comes first", 1, came);
	check("an instruction behind MOV SS may, too", 1,
	      frame_was.rip == (u64)events_behind_mov_ss ||
	      frame_was.rip == (u64)events_behind_mov_ss - 1);
}

static void priorities(void)
{
	guest_handler[VECTOR] = note_and_eoi;
	guest_handler[VECTOR + 0x10] = note_and_eoi;
	guest_handler[VECTOR_NMI] = note;
	came = 0;
	ordered = 0;
	send(ICR_SELF | VECTOR);
	send(ICR_SELF | (VECTOR + 0x10));
	asm volatile("sti; nop" : : : "memory");
	send(ICR_NMI);
	asm volatile("cli" : : : "memory");
	check("two interrupts and an NMI come", 3, came);
	check("the higher interrupt, then the lower", (VECTOR + 0x10) << 8 | VECTOR,
	      order[0] << 8 | order[1]);
	check("the NMI when it was sent", VECTOR_NMI, order[2]);
	/* A software interrupt isn't held back by what waits. */
	guest_handler[0x30] = note;
	came = 0;
	ordered = 0;
	send(ICR_SELF | VECTOR);
	asm volatile("int $0x30" : : : "memory");
	check("INT n with IF clear, an interrupt waits", 0x30, order[0]);
	check("which still waits", 1, came);
	asm volatile("sti; nop; nop; cli" : : : "memory");
	check("and comes then", VECTOR, order[1]);
}

void payload(void)
{
	apic_init(false);
	software();
	faults();
	interrupts();
	nested();
	blocking();
	priorities();
}
