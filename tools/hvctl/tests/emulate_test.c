// SPDX-License-Identifier: GPL-2.0-only
/* What the emulator does itself: strings, the stack, segments, faults. */
#include "emulate.h"

#include "emulate_rig.h"
#include "test.h"
#include "x86_bits.h"

#define CODE(...)	(const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ })
#define RUN(rig, ...)	emulate(&(rig)->e, CODE(__VA_ARGS__))

#define RIP	0x8000
#define GDT	0x9000
#define LDT	0xa000
#define STACK	(RIG_MMIO + 0x1000)

static struct rig rig;

static void begin(unsigned int bits)
{
	rig_init(&rig, bits);
	rig.e.regs.rip = RIP;
	rig.e.regs.rsp = STACK;
}

static void end(void)
{
	rig_destroy(&rig);
}

static u64 device(u64 offset, unsigned int size)
{
	u64 value = 0;

	memcpy(&value, rig.device + offset, size);
	return value;
}

static void set_device(u64 offset, unsigned int size, u64 value)
{
	memcpy(rig.device + offset, &value, size);
}

#define EXPECT_DONE(length, ...)					\
	do {								\
		u64 rip = rig.e.regs.rip;				\
									\
		EXPECT_EQ(RUN(&rig, __VA_ARGS__), EMULATE_DONE);	\
		EXPECT_EQ(rig.e.regs.rip, rip + (length));		\
	} while (0)

#define EXPECT_FAULT(wanted, code, ...)					\
	do {								\
		struct lhv_regs regs = rig.e.regs;			\
									\
		EXPECT_EQ(RUN(&rig, __VA_ARGS__), EMULATE_FAULT);	\
		EXPECT_EQ(rig.e.exception.vector, wanted);		\
		EXPECT_EQ(rig.e.exception.error, code);			\
		EXPECT(!memcmp(&regs, &rig.e.regs, sizeof(regs)));	\
	} while (0)

#define EXPECT_UNKNOWN(...)						\
	do {								\
		struct lhv_regs regs = rig.e.regs;			\
									\
		EXPECT_EQ(RUN(&rig, __VA_ARGS__), EMULATE_UNKNOWN);	\
		EXPECT(!memcmp(&regs, &rig.e.regs, sizeof(regs)));	\
	} while (0)

/* ---- strings ---- */

static void moves(void)
{
	unsigned int i;

	begin(64);
	for (i = 0; i < 300; i++)
		rig.memory.host[0x10000 + i] = i * 7;
	rig.e.regs.rsi = 0x10000;
	rig.e.regs.rdi = RIG_MMIO + 5;
	rig.e.regs.rcx = 300;
	/* rep movsb: as many at once as are good for the vCPU's events */
	EXPECT_DONE(0, 0xf3, 0xa4);
	EXPECT_EQ(rig.e.regs.rcx, 300 - 256);
	EXPECT_DONE(2, 0xf3, 0xa4);
	EXPECT_EQ(rig.e.regs.rcx, 0);
	EXPECT_EQ(rig.e.regs.rsi, 0x10000 + 300);
	EXPECT_EQ(rig.e.regs.rdi, RIG_MMIO + 305);
	EXPECT(!memcmp(rig.device + 5, rig.memory.host + 0x10000, 300));
	/* movsq from device to device, backwards */
	rig.e.regs.rflags |= RFLAGS_DF;
	set_device(0x800, 8, 0x1122334455667788);
	rig.e.regs.rsi = RIG_MMIO + 0x800;
	rig.e.regs.rdi = RIG_MMIO + 0x900;
	EXPECT_DONE(2, 0x48, 0xa5);
	EXPECT_EQ(device(0x900, 8), 0x1122334455667788);
	EXPECT_EQ(rig.e.regs.rsi, RIG_MMIO + 0x7f8);
	EXPECT_EQ(rig.e.regs.rdi, RIG_MMIO + 0x8f8);
	/* addr32 rep stosw without a count: nothing at all, and RCX keeps its upper half */
	rig.writes = 0;
	rig.e.regs.rcx = 1ULL << 40;
	EXPECT_DONE(4, 0x67, 0xf3, 0x66, 0xab);
	EXPECT_EQ(rig.e.regs.rcx, 1ULL << 40);
	EXPECT_EQ(rig.writes, 0);
	end();
}

static void comparisons(void)
{
	begin(64);
	memset(rig.device, 'a', 100);
	memset(rig.memory.host + 0x10000, 'a', 100);
	rig.device[42] = 'b';
	rig.e.regs.rsi = 0x10000;
	rig.e.regs.rdi = RIG_MMIO;
	rig.e.regs.rcx = 100;
	/* repe cmpsb: 'a' - 'b' borrows */
	EXPECT_DONE(2, 0xf3, 0xa6);
	EXPECT_EQ(rig.e.regs.rcx, 57);
	EXPECT_EQ(rig.e.regs.rdi, RIG_MMIO + 43);
	EXPECT_EQ(rig.e.regs.rsi, 0x10000 + 43);
	EXPECT_EQ(rig.e.regs.rflags, RFLAGS_FIXED | RFLAGS_CF | RFLAGS_AF | RFLAGS_SF | RFLAGS_PF);
	/* repne scasb finds it, too. */
	rig.e.regs.rax = 'b';
	rig.e.regs.rdi = RIG_MMIO;
	rig.e.regs.rcx = 100;
	EXPECT_DONE(2, 0xf2, 0xae);
	EXPECT_EQ(rig.e.regs.rdi, RIG_MMIO + 43);
	EXPECT_EQ(rig.e.regs.rflags, RFLAGS_FIXED | RFLAGS_ZF | RFLAGS_PF);
	/* scasl: 0x80000000 - 1 overflows */
	rig.e.regs.rax = 0x80000000;
	set_device(0, 4, 1);
	rig.e.regs.rdi = RIG_MMIO;
	EXPECT_DONE(1, 0xaf);
	EXPECT_EQ(rig.e.regs.rflags, RFLAGS_FIXED | RFLAGS_OF | RFLAGS_AF | RFLAGS_PF);
	end();
}

static void ports(void)
{
	unsigned int i;

	begin(32);
	rig.e.regs.rdx = RIG_PORT;
	rig.e.regs.rdi = RIG_MMIO + 0xff0;
	rig.e.regs.rcx = 20;
	rig.port = 3;
	/* rep insb, over the end of the page */
	EXPECT_DONE(2, 0xf3, 0x6c);
	for (i = 0; i < 20; i++)
		EXPECT_EQ(rig.device[0xff0 + i], 3 + i);
	set_device(0x20, 4, 0xcafe1234);
	rig.e.regs.rsi = RIG_MMIO + 0x20;
	EXPECT_DONE(1, 0x6f);
	EXPECT_EQ(rig.port, 0xcafe1234);
	/* A program may not. */
	rig.e.sregs.ss.access |= 3 << 5;
	EXPECT_FAULT(VECTOR_GP, 0, 0x6f);
	rig.e.regs.rflags |= RFLAGS_IOPL;
	EXPECT_DONE(1, 0x6e);
	end();
}

/* In real mode: 16-bit registers, and what is beyond the segment's end faults. */
static void real_mode(void)
{
	begin(16);
	rig.e.sregs.cr0 = 0;
	rig.e.sregs.es.base = RIG_MMIO;
	rig.e.sregs.es.limit = 0xffff;
	rig.e.regs.rax = 0x1234;
	rig.e.regs.rdi = 0xabcd0010;
	EXPECT_DONE(1, 0xab);
	EXPECT_EQ(device(0x10, 2), 0x1234);
	EXPECT_EQ(rig.e.regs.rdi, 0xabcd0012);
	rig.e.regs.rdi = 0xffff;
	EXPECT_FAULT(VECTOR_GP, 0, 0xab);
	/* pop %es; POP SS holds off interrupts, POP ES doesn't. */
	rig.e.sregs.ss.base = RIG_MMIO;
	rig.e.regs.rsp = 0x20;
	set_device(0x20, 2, 0x4321);
	EXPECT_DONE(1, 0x07);
	EXPECT_EQ(rig.e.sregs.es.base, 0x43210);
	EXPECT_EQ(rig.e.regs.rsp, 0x22);
	EXPECT_EQ(rig.e.shadow, 0);
	EXPECT(rig.e.sregs_changed);
	end();
}

/* ---- the stack ---- */

static void pushes(void)
{
	begin(64);
	rig.e.regs.rax = 0x1111222233334444;
	EXPECT_DONE(1, 0x50);
	EXPECT_EQ(device(0xff8, 8), 0x1111222233334444);
	EXPECT_DONE(2, 0x6a, 0xf9);
	EXPECT_EQ(device(0xff0, 8), (u64)-7);
	EXPECT_DONE(2, 0x66, 0x50);
	EXPECT_EQ(device(0xfee, 2), 0x4444);
	EXPECT_EQ(rig.e.regs.rsp, STACK - 18);
	/* push (%rbx): both are MMIO */
	set_device(0x100, 8, 0x0123456789abcdef);
	rig.e.regs.rbx = RIG_MMIO + 0x100;
	EXPECT_DONE(2, 0xff, 0x33);
	EXPECT_EQ(device(0xfe6, 8), 0x0123456789abcdef);
	/* push %rsp: as it was */
	EXPECT_DONE(1, 0x54);
	EXPECT_EQ(device(0xfde, 8), STACK - 26);
	rig.e.regs.rflags |= RFLAGS_ZF | RFLAGS_RF;
	EXPECT_DONE(1, 0x9c);
	EXPECT_EQ(device(0xfd6, 8), RFLAGS_FIXED | RFLAGS_ZF);
	/* RF was for one instruction. */
	EXPECT(!(rig.e.regs.rflags & RFLAGS_RF));
	end();
}

static void pops(void)
{
	begin(64);
	set_device(0x1000, 8, 0x1111222233334444);
	set_device(0x1008, 8, 0x5555666677778888);
	/* pop 8(%rsp): RSP counts from behind the POP */
	EXPECT_DONE(4, 0x8f, 0x44, 0x24, 0x08);
	EXPECT_EQ(device(0x1010, 8), 0x1111222233334444);
	EXPECT_DONE(3, 0x66, 0x41, 0x5f);
	EXPECT_EQ(rig.e.regs.r15, 0x8888);
	rig.e.regs.rsp = STACK + 8;
	EXPECT_DONE(1, 0x5c);
	EXPECT_EQ(rig.e.regs.rsp, 0x5555666677778888);
	/* popf, without the right to change IOPL and IF */
	rig.e.regs.rsp = STACK;
	set_device(0x1000, 8, RFLAGS_CF | RFLAGS_IOPL | RFLAGS_IF);
	rig.e.sregs.ss.access |= 3 << 5;
	EXPECT_DONE(1, 0x9d);
	EXPECT_EQ(rig.e.regs.rflags, RFLAGS_FIXED | RFLAGS_CF);
	end();
}

static void branches(void)
{
	begin(64);
	EXPECT_EQ(RUN(&rig, 0xe8, 0x10, 0, 0, 0), EMULATE_DONE);
	EXPECT_EQ(rig.e.regs.rip, RIP + 0x15);
	EXPECT_EQ(device(0xff8, 8), RIP + 5);
	EXPECT_EQ(RUN(&rig, 0xc2, 0x20, 0), EMULATE_DONE);
	EXPECT_EQ(rig.e.regs.rip, RIP + 5);
	EXPECT_EQ(rig.e.regs.rsp, STACK + 0x20);
	/* call *(%rbx), jmp *(%rbx) */
	rig.e.regs.rbx = RIG_MMIO;
	set_device(0, 8, 0x123456);
	EXPECT_EQ(RUN(&rig, 0xff, 0x13), EMULATE_DONE);
	EXPECT_EQ(rig.e.regs.rip, 0x123456);
	EXPECT(rig.e.branched);
	set_device(0, 8, 0x0000800000000000);
	EXPECT_FAULT(VECTOR_GP, 0, 0xff, 0x23);
	/* enter $0x40, $0; leave */
	rig.e.regs.rbp = 0x77;
	rig.e.regs.rsp = STACK;
	EXPECT_DONE(4, 0xc8, 0x40, 0, 0);
	EXPECT_EQ(rig.e.regs.rbp, STACK - 8);
	EXPECT_EQ(rig.e.regs.rsp, STACK - 0x48);
	EXPECT_EQ(device(0xff8, 8), 0x77);
	EXPECT_DONE(1, 0xc9);
	EXPECT_EQ(rig.e.regs.rbp, 0x77);
	EXPECT_EQ(rig.e.regs.rsp, STACK);
	end();
}

/* RSP isn't loaded for computations: it has a deputy. */
static void stack_pointer_as_operand(void)
{
	begin(64);
	rig.e.regs.rbx = RIG_MMIO;
	rig.e.regs.rdi = 5;
	set_device(0, 8, 0x100);
	EXPECT_DONE(3, 0x48, 0x03, 0x23);	/* add (%rbx), %rsp */
	EXPECT_EQ(rig.e.regs.rsp, STACK + 0x100);
	EXPECT_EQ(rig.e.regs.rdi, 5);
	EXPECT_DONE(3, 0x48, 0x89, 0x23);	/* mov %rsp, (%rbx) */
	EXPECT_EQ(device(0, 8), STACK + 0x100);
	EXPECT_DONE(3, 0x40, 0x86, 0x23);	/* xchg %spl, (%rbx) */
	EXPECT_EQ(device(0, 8), STACK + 0x100);
	EXPECT_DONE(2, 0x86, 0x23);		/* xchg %ah, (%rbx) */
	EXPECT_EQ(rig.e.regs.rsp, STACK + 0x100);
	EXPECT_EQ(device(0, 8), (STACK & ~0xffULL) + 0x100);
	end();
}

/* ---- pages ---- */

static void crossing(void)
{
	u64 middle = RIG_VIRTUAL + 0x1000;

	begin(64);
	rig_paging(&rig);
	rig_map(&rig, 0, 0x20000 | PTE_PRESENT | PTE_WRITABLE);
	rig_map(&rig, 1, RIG_MMIO | PTE_PRESENT | PTE_WRITABLE);
	rig.e.regs.rbx = middle - 3;
	rig.e.regs.rax = 0x1122334455667788;
	EXPECT_DONE(3, 0x48, 0x89, 0x03);
	EXPECT_EQ(device(0, 6), 0x1122334455);
	EXPECT(!memcmp(rig.memory.host + 0x20ffd, "\x88\x77\x66", 3));
	/* Accessed and dirty, in all levels what is to be there */
	EXPECT_EQ(rig.memory.host[0x5000], 0x63);
	EXPECT_EQ(rig.memory.host[0x5008], 0x63);
	EXPECT_EQ(rig.memory.host[0x4000], 0x27);
	EXPECT_EQ(rig.memory.host[0x1000], 0x27);
	/* add %rax, (%rbx) reads, too */
	EXPECT_DONE(3, 0x48, 0x01, 0x03);
	EXPECT_EQ(device(0, 5), 0x22446688aa);
	end();
}

static void page_faults(void)
{
	u64 middle = RIG_VIRTUAL + 0x1000;

	begin(64);
	rig_paging(&rig);
	rig_map(&rig, 0, RIG_MMIO | PTE_PRESENT | PTE_WRITABLE);
	rig_map(&rig, 1, 0);
	rig.e.regs.rbx = middle - 3;
	/* The second page isn't there, and the first is neither read nor written. */
	EXPECT_FAULT(VECTOR_PF, PF_WRITE, 0x48, 0x01, 0x03);
	EXPECT_EQ(rig.e.exception.payload, middle);
	EXPECT_EQ(rig.reads + rig.writes, 0);
	rig_map(&rig, 1, RIG_MMIO | PTE_PRESENT);
	EXPECT_FAULT(VECTOR_PF, PF_PRESENT | PF_WRITE, 0x48, 0x89, 0x03);
	EXPECT_DONE(3, 0x48, 0x8b, 0x03);
	rig.e.sregs.cr0 &= ~(u64)CR0_WP;
	EXPECT_DONE(3, 0x48, 0x89, 0x03);
	/* Of a program, and of the kernel to a program's page with SMAP */
	rig.e.sregs.ss.access |= 3 << 5;
	EXPECT_FAULT(VECTOR_PF, PF_PRESENT | PF_USER, 0x48, 0x8b, 0x03);
	EXPECT_EQ(rig.e.exception.payload, middle - 3);
	rig.e.sregs.ss.access &= ~(3 << 5);
	rig_map(&rig, 0, RIG_MMIO | PTE_PRESENT | PTE_WRITABLE | PTE_USER);
	rig.e.sregs.cr4 |= CR4_SMAP;
	EXPECT_FAULT(VECTOR_PF, PF_PRESENT, 0x48, 0x8b, 0x03);
	rig.e.regs.rflags |= RFLAGS_AC;
	EXPECT_DONE(3, 0x48, 0x8b, 0x03);
	/* Reserved: above phys_bits, and NX without EFER.NXE */
	rig_map(&rig, 0, RIG_MMIO | BIT_ULL(40) | PTE_PRESENT);
	EXPECT_FAULT(VECTOR_PF, PF_PRESENT | PF_RESERVED, 0x48, 0x8b, 0x03);
	rig_map(&rig, 0, RIG_MMIO | PTE_NX | PTE_PRESENT);
	EXPECT_FAULT(VECTOR_PF, PF_PRESENT | PF_RESERVED, 0x48, 0x8b, 0x03);
	rig.e.sregs.efer |= EFER_NXE;
	EXPECT_DONE(3, 0x48, 0x8b, 0x03);
	end();
}

/* A string that faults in its middle has done what came before. */
static void fault_within_string(void)
{
	begin(64);
	rig_paging(&rig);
	rig_map(&rig, 0, RIG_MMIO | PTE_PRESENT | PTE_WRITABLE);
	rig_map(&rig, 1, 0);
	rig.e.regs.rdi = RIG_VIRTUAL + 0x1000 - 24;
	rig.e.regs.rcx = 8;
	rig.e.regs.rax = 0x5a;
	EXPECT_EQ(RUN(&rig, 0xf3, 0x48, 0xab), EMULATE_FAULT);
	EXPECT_EQ(rig.e.exception.vector, VECTOR_PF);
	EXPECT_EQ(rig.e.exception.error, PF_WRITE);
	EXPECT_EQ(rig.e.exception.payload, RIG_VIRTUAL + 0x1000);
	EXPECT_EQ(rig.e.regs.rcx, 5);
	EXPECT_EQ(rig.e.regs.rip, RIP);
	EXPECT_EQ(rig.writes, 3);
	end();
}

/* The exit had the bytes up to the page's end. */
static void code_in_two_pages(void)
{
	static const u8 add[] = { 0x81, 0x03, 0x78, 0x56, 0x34, 0x12 };

	begin(64);
	rig.e.regs.rip = RIP - 2;
	memcpy(rig.memory.host + RIP - 2, add, sizeof(add));
	rig.e.regs.rbx = RIG_MMIO;
	EXPECT_EQ(emulate(&rig.e, add, 2), EMULATE_DONE);
	EXPECT_EQ(device(0, 4), 0x12345678);
	EXPECT_EQ(rig.e.regs.rip, RIP + 4);
	end();
}

static void segment_faults(void)
{
	begin(32);
	rig.e.regs.rbx = RIG_MMIO;
	rig.e.sregs.ds.limit = RIG_MMIO + 2;
	EXPECT_FAULT(VECTOR_GP, 0, 0xf7, 0x23);
	rig.e.sregs.ds.limit = RIG_MMIO + 3;
	EXPECT_DONE(2, 0xf7, 0x23);
	rig.e.sregs.ds.access &= ~BIT(1);	/* read-only */
	EXPECT_FAULT(VECTOR_GP, 0, 0x0f, 0xc1, 0x03);
	rig.e.sregs.ss.limit = 0xffff;
	rig.e.regs.rbp = 0x10000;
	EXPECT_FAULT(VECTOR_SS, 0, 0x8f, 0x45, 0x00);
	/* expand-down: what is up to the limit is outside */
	rig.e.sregs.ds.access |= BIT(1) | ACCESS_DOWN;
	EXPECT_FAULT(VECTOR_GP, 0, 0xf7, 0x23);
	rig.e.sregs.ds.limit = RIG_MMIO - 1;
	EXPECT_DONE(2, 0xf7, 0x23);
	end();
	begin(64);
	rig.e.regs.rbx = 0x0000800000000000;
	EXPECT_FAULT(VECTOR_GP, 0, 0xf7, 0x23);
	rig.e.regs.rbp = 0x00007ffffffffffc;
	EXPECT_FAULT(VECTOR_SS, 0, 0x48, 0xf7, 0x65, 0x00);
	end();
}

/* ---- system ---- */

#define DESCRIPTOR(base, limit, access, flags)				\
	(((u64)(base) & 0xff000000) << 32 | ((u64)(base) & 0xffffff) << 16 | \
	 ((limit) & 0xffff) | (u64)(access) << 40 | (u64)(flags) << 52)

static void put_descriptor(u16 selector, u64 descriptor)
{
	memcpy(rig.memory.host + GDT + (selector & ~7), &descriptor, 8);
}

static void begin_with_gdt(unsigned int bits)
{
	begin(bits);
	rig.e.sregs.gdt.base = GDT;
	rig.e.sregs.gdt.limit = 0x4f;
	put_descriptor(0x08, DESCRIPTOR(0, 0xffff, 0x9a, 0xa));	/* 64-bit code */
	put_descriptor(0x10, DESCRIPTOR(0x12345678, 0xffff, 0x92, 0xc));
	put_descriptor(0x18, DESCRIPTOR(0, 0xffff, 0x12, 0xc));	/* not present */
	put_descriptor(0x20, DESCRIPTOR(0x12345678, 0x67, 0x89, 0));
	put_descriptor(0x28, 0xffff8000);
	put_descriptor(0x30, DESCRIPTOR(0x4000, 0x1f, 0x82, 0));
	put_descriptor(0x38, 0);
	put_descriptor(0x40, DESCRIPTOR(0, 0xffff, 0xf2, 0xc));	/* a program's */
	rig.e.regs.rbx = RIG_MMIO;
}

static void segment_registers(void)
{
	begin_with_gdt(64);
	set_device(0, 2, 0x10);
	EXPECT_DONE(2, 0x8e, 0x23);		/* mov (%rbx), %fs */
	EXPECT_EQ(rig.e.sregs.fs.base, 0x12345678);
	EXPECT_EQ(rig.e.sregs.fs.limit, 0xfffffff);
	EXPECT_EQ(rig.e.sregs.fs.access, 0xc093);
	EXPECT_EQ(rig.memory.host[GDT + 0x15], 0x93);
	EXPECT_EQ(rig.e.shadow, 0);
	EXPECT_DONE(2, 0x8e, 0x13);		/* mov (%rbx), %ss */
	EXPECT_EQ(rig.e.sregs.ss.selector, 0x10);
	EXPECT_EQ(rig.e.shadow, LHV_SHADOW_MOV_SS);
	set_device(0, 2, 0);
	EXPECT_DONE(2, 0x8e, 0x13);
	EXPECT_EQ(rig.e.sregs.ss.access, ACCESS_UNUSABLE);
	set_device(0, 2, 3);
	EXPECT_FAULT(VECTOR_GP, 0, 0x8e, 0x13);
	set_device(0, 2, 0x13);
	EXPECT_FAULT(VECTOR_GP, 0x10, 0x8e, 0x13);
	set_device(0, 2, 0x18);
	EXPECT_FAULT(VECTOR_SS, 0x18, 0x8e, 0x13);
	EXPECT_FAULT(VECTOR_NP, 0x18, 0x8e, 0x1b);
	set_device(0, 2, 0x50);
	EXPECT_FAULT(VECTOR_GP, 0x50, 0x8e, 0x1b);
	set_device(0, 2, 0x14);			/* there is no LDT */
	rig.e.sregs.ldt.access = ACCESS_UNUSABLE;
	EXPECT_FAULT(VECTOR_GP, 0x14, 0x8e, 0x1b);
	/* mov %cs, (%rbx) */
	EXPECT_DONE(2, 0x8c, 0x0b);
	EXPECT_EQ(device(0, 4), 0x10);
	/* A program can't have the kernel's. */
	rig.e.sregs.ss.access = 0xc0f3;
	set_device(0, 2, 0x13);
	EXPECT_FAULT(VECTOR_GP, 0x10, 0x8e, 0x1b);
	set_device(0, 2, 0x43);
	EXPECT_DONE(2, 0x8e, 0x1b);
	/* lgs (%rbx), %ecx */
	set_device(0, 4, 0x87654321);
	set_device(4, 2, 0x43);
	EXPECT_DONE(3, 0x0f, 0xb5, 0x0b);
	EXPECT_EQ(rig.e.regs.rcx, 0x87654321);
	EXPECT_EQ(rig.e.sregs.gs.selector, 0x43);
	end();
}

static void system_segments(void)
{
	begin_with_gdt(64);
	set_device(0, 2, 0x20);
	EXPECT_DONE(3, 0x0f, 0x00, 0x1b);	/* ltr (%rbx) */
	EXPECT_EQ(rig.e.sregs.tr.base, 0xffff800012345678);
	EXPECT_EQ(rig.e.sregs.tr.access, 0x8b);
	EXPECT_EQ(rig.memory.host[GDT + 0x25], 0x8b);
	/* It is busy now. */
	EXPECT_FAULT(VECTOR_GP, 0x20, 0x0f, 0x00, 0x1b);
	set_device(0, 2, 0x30);
	EXPECT_DONE(3, 0x0f, 0x00, 0x13);	/* lldt */
	EXPECT_EQ(rig.e.sregs.ldt.base, 0x4000);
	EXPECT_DONE(4, 0x0f, 0x00, 0x43, 0x08);	/* sldt 8(%rbx) */
	EXPECT_DONE(4, 0x0f, 0x00, 0x4b, 0x0a);	/* str 10(%rbx) */
	EXPECT_EQ(device(8, 8), 0x200030);
	rig.e.sregs.ss.access |= 3 << 5;
	EXPECT_FAULT(VECTOR_GP, 0, 0x0f, 0x00, 0x13);
	EXPECT_DONE(3, 0x0f, 0x00, 0x0b);
	rig.e.sregs.cr4 |= CR4_UMIP;
	EXPECT_FAULT(VECTOR_GP, 0, 0x0f, 0x00, 0x0b);
	end();
}

static void far_jump(void)
{
	begin_with_gdt(64);
	set_device(0, 8, 0xffff800000001234);
	set_device(8, 2, 0x08);
	EXPECT_EQ(RUN(&rig, 0x48, 0xff, 0x2b), EMULATE_DONE);
	EXPECT_EQ(rig.e.regs.rip, 0xffff800000001234);
	EXPECT_EQ(rig.e.sregs.cs.selector, 0x08);
	EXPECT_EQ(rig.e.sregs.cs.access, 0xa09b);
	rig.e.regs.rip = RIP;
	set_device(8, 2, 0x10);			/* data */
	EXPECT_FAULT(VECTOR_GP, 0x10, 0x48, 0xff, 0x2b);
	set_device(8, 2, 0);
	EXPECT_FAULT(VECTOR_GP, 0, 0x48, 0xff, 0x2b);
	set_device(8, 2, 0x20);			/* a TSS: a task switch, or nothing */
	EXPECT_UNKNOWN(0x48, 0xff, 0x2b);
	end();
}

static void machine_status(void)
{
	begin_with_gdt(32);
	rig.e.sregs.cr0 = CR0_PE | CR0_PG | BIT(5);
	rig.e.sregs.cr0 &= ~(u64)CR0_PG;
	set_device(0, 8, UINT64_MAX);
	EXPECT_DONE(3, 0x0f, 0x01, 0x23);	/* smsw (%ebx) */
	EXPECT_EQ(device(0, 8), 0xffffffffffff0021);
	set_device(0, 2, 0xfffe & ~0x8);	/* MP and EM; PE can't be cleared */
	EXPECT_DONE(3, 0x0f, 0x01, 0x33);
	EXPECT_EQ(rig.e.sregs.cr0, 0x27);
	rig.e.sregs.idt.base = 0x12345678;
	rig.e.sregs.idt.limit = 0x7ff;
	EXPECT_DONE(3, 0x0f, 0x01, 0x0b);	/* sidt */
	EXPECT_EQ(device(0, 8), 0xffff1234567807ff);
	EXPECT_DONE(3, 0x0f, 0x01, 0x13);	/* lgdt */
	EXPECT_EQ(rig.e.sregs.gdt.base, 0x12345678);
	EXPECT_EQ(rig.e.sregs.gdt.limit, 0x7ff);
	end();
}

/* ---- what ends the instruction ---- */

static void single_step(void)
{
	begin(64);
	rig.e.regs.rbx = RIG_MMIO;
	EXPECT_DONE(2, 0xf7, 0x1b);
	EXPECT(!rig.e.step);
	rig.e.regs.rflags |= RFLAGS_TF | RFLAGS_RF;
	EXPECT_DONE(2, 0xf7, 0x1b);
	EXPECT(rig.e.step);
	EXPECT(!(rig.e.regs.rflags & RFLAGS_RF));
	/* With REP, each element */
	rig.e.regs.rdi = RIG_MMIO;
	rig.e.regs.rcx = 3;
	EXPECT_DONE(0, 0xf3, 0xab);
	EXPECT_EQ(rig.e.regs.rcx, 2);
	EXPECT(rig.e.step);
	/* A POPF that sets it traps only behind the next one. */
	end();
	begin(64);
	set_device(0x1000, 8, RFLAGS_TF);
	EXPECT_DONE(1, 0x9d);
	EXPECT(!rig.e.step);
	EXPECT(rig.e.regs.rflags & RFLAGS_TF);
	end();
}

static void unknown(void)
{
	begin(64);
	rig.e.regs.rbx = RIG_MMIO;
	EXPECT_UNKNOWN(0x0f, 0xae, 0x03);		/* fxsave */
	EXPECT_UNKNOWN(0x66, 0x0f, 0xf7, 0xc1);		/* maskmovdqu */
	EXPECT_UNKNOWN(0x62, 0xf1, 0x7c, 0x48, 0x10, 0x03);	/* with EVEX */
	EXPECT_UNKNOWN(0x0f, 0x01, 0xc1);		/* vmcall */
	EXPECT_UNKNOWN(0x48, 0x01, 0xd8);		/* add %rbx, %rax */
	EXPECT_UNKNOWN(0x0f, 0x10, 0x03);		/* no FPU state to be had */
	/* The local APIC is the kernel's; in x2APIC mode nothing is there. */
	rig.e.regs.rbx = 0xfee00020;
	EXPECT_UNKNOWN(0xf7, 0x23);
	EXPECT_UNKNOWN(0x0f, 0xb1, 0x43, 0xde);
	rig.e.sregs.apic_base |= BIT(10);
	EXPECT_DONE(2, 0xf7, 0x23);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(moves), TEST_CASE(comparisons), TEST_CASE(ports), TEST_CASE(real_mode),
	TEST_CASE(pushes), TEST_CASE(pops), TEST_CASE(branches),
	TEST_CASE(stack_pointer_as_operand), TEST_CASE(crossing), TEST_CASE(page_faults),
	TEST_CASE(fault_within_string), TEST_CASE(code_in_two_pages), TEST_CASE(segment_faults),
	TEST_CASE(segment_registers), TEST_CASE(system_segments), TEST_CASE(far_jump),
	TEST_CASE(machine_status), TEST_CASE(single_step), TEST_CASE(unknown),
};
TEST_SUITE(emulate_suite, "emulate", cases);
