/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest of fuzz_guest.c: its memory, its modes, and the code that is made up
 * for it
 *
 * A program is a sequence of operations, each a few instructions: what loads the
 * registers that it needs with values that matter, and the one that is meant. Its
 * traps and many of its interrupts end in an OUT to FUZZ_PORT_TRAP, where the host
 * has the guest go on with a later operation.
 */
#ifndef LHV_TEST_FUZZ_GUEST_H
#define LHV_TEST_FUZZ_GUEST_H

#include "random.h"
#include "vm.h"

#define FUZZ_PORT_TRAP	0xe3
#define FUZZ_PORT_END	0xe4

#define FUZZ_MAX_VCPUS	4
#define FUZZ_MAX_OPS	48

/* Guest-physical; real mode reaches all of it. */
#define FUZZ_STUBS	0x80000	/* handlers, FUZZ_STUB_SIZE bytes each */
#define FUZZ_CODE	0x81000	/* FUZZ_CODE_SIZE bytes for each vCPU */
#define FUZZ_CODE_SIZE	0x2000
#define FUZZ_PD32	0x90000
#define FUZZ_PDPT	0x91000
#define FUZZ_IDT32	0x92000
#define FUZZ_PT		0x93000	/* 4 KiB pages of FUZZ_RAM's first 2 MiB */
#define FUZZ_LDT	0x94000
#define FUZZ_TABLES_END	0x95000

/* Slots. What is in between is nobody's. */
#define FUZZ_RAM	0x10000000
#define FUZZ_ROM	0x20000000
#define FUZZ_LOGGED	0x30000000
#define FUZZ_MOVING	0x40000000	/* or FUZZ_MOVED */
#define FUZZ_MOVED	0x48000000
#define FUZZ_LOST	0x50000000	/* the host has nothing there */
#define FUZZ_HOST_RO	0x60000000	/* what the host doesn't let be written */
#define FUZZ_SLOT_BYTES	0x8000

/* Descriptors beside those of layout.h */
#define SELECTOR_CODE16		0xb8
#define SELECTOR_DATA16		0xc0
#define SELECTOR_USER_CODE32	(0xc8 | 3)
#define SELECTOR_TASK_GATE	0xd0
#define SELECTOR_TSS32		0xd8
#define SELECTOR_TSS16		0xe0
#define SELECTOR_CALL_GATE	0xe8
#define SELECTOR_LDT		0xf8

enum fuzz_mode {
	FUZZ_REAL, FUZZ_UNREAL, FUZZ_V86, FUZZ_PROT16, FUZZ_FLAT, FUZZ_PAGING32, FUZZ_PAE,
	FUZZ_PAE_USER, FUZZ_COMPAT, FUZZ_LONG, FUZZ_LONG_USER, FUZZ_MODES
};

enum fuzz_stub { STUB_OUT, STUB_IRET, STUB_EOI_XAPIC, STUB_EOI_X2APIC, STUBS };
#define FUZZ_STUB_SIZE	64

/**
 * struct fuzz_code - a program
 * @random:	where what it consists of comes from
 * @base:	its linear address
 * @mode:	that it is in here
 * @length:	of @bytes so far
 * @ops:	how many operations begin in @op
 * @op:		where each begins, and in which mode
 */
struct fuzz_code {
	struct random *random;
	u32 base;
	enum fuzz_mode mode;
	u32 length;
	u32 ops;
	struct {
		u16 offset;
		u16 mode;
	} op[FUZZ_MAX_OPS + 1];
	u8 bytes[FUZZ_CODE_SIZE];
};

void fuzz_make_code(struct fuzz_code *code, struct random *random, u32 vcpu,
		    enum fuzz_mode mode);

/* fuzz_code.c, for fuzz_ops.c */
int fuzz_bits(enum fuzz_mode mode);
void emit(struct fuzz_code *code, const void *bytes, u32 n);
void emit8(struct fuzz_code *code, u8 byte);
void emit16(struct fuzz_code *code, u16 value);
void emit32(struct fuzz_code *code, u32 value);
#define emit_bytes(code, ...) do {					\
	const u8 __bytes[] = { __VA_ARGS__ };				\
									\
	emit(code, __bytes, sizeof(__bytes));				\
} while (0)
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };
void emit_load(struct fuzz_code *code, int reg, u64 value);
void emit_store(struct fuzz_code *code, u64 address, u32 value);
u64 fuzz_value(struct random *random);
u64 fuzz_address(struct random *random);
u64 fuzz_table_entry(struct random *random);
u64 fuzz_descriptor(struct random *random);
u16 fuzz_selector(struct random *random);

/* fuzz_ops.c */
void fuzz_emit_op(struct fuzz_code *code);
/* fuzz_ops_memory.c; RBX points to the operand of the first. */
void fuzz_emit_memory_op(struct fuzz_code *code);
void fuzz_op_memory(struct fuzz_code *code);
void fuzz_op_string(struct fuzz_code *code);
void fuzz_op_port(struct fuzz_code *code);
void fuzz_op_string_port(struct fuzz_code *code);
/* fuzz_ops_apic.c */
void fuzz_op_apic(struct fuzz_code *code);
void fuzz_op_msr(struct fuzz_code *code);
void fuzz_op_storm(struct fuzz_code *code);
void fuzz_op_timer(struct fuzz_code *code);

/* fuzz_state.c: tables and handlers, and a vCPU's way into a mode. */
void fuzz_write_tables(struct vm *vm, struct random *random);
void fuzz_set_mode(struct vcpu *vcpu, struct random *random, enum fuzz_mode mode,
		   u32 code_base, u32 offset);

#endif /* LHV_TEST_FUZZ_GUEST_H */
