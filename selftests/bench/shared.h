/* SPDX-License-Identifier: GPL-2.0-only */
/* What the driver and the guest payload agree on. */
#ifndef BENCH_SHARED_H
#define BENCH_SHARED_H

#include "types.h"

/* The guest's memory: slot 0, and slot 1 for what is faulted in. */
#define RAM_BYTES	0x400000
#define TABLES_GPA	0x1000		/* page tables: PML4, PDPT, PD */
#define STACK_GPA	0x10000		/* grows down */
#define IMAGE_GPA	0x10000		/* guest.lds has it too */
#define COMMAND_GPA	0x100000
#define SAMPLES_GPA	0x200000
#define MAX_SAMPLES	((RAM_BYTES - SAMPLES_GPA) / sizeof(u32))
#define AREA_GPA	0x10000000
#define AREA_BYTES	0x4000000

#define PORT_DONE	0xf4		/* a byte written here: command completed */
#define PORT_PING	0x10		/* what the port I/O commands access */

/* Doorbells, each an eventfd: for 32 bits and 0, one that comes back as an MSI, a port */
#define BELL		0x20000000
#define BELL_MSI	0x20001000
#define BELL_PORT	0x20
#define BELL_VECTOR	0x40

enum bench_command {
	COMMAND_NOTHING,
	COMMAND_CPUID,
	COMMAND_RDMSR,
	COMMAND_WRMSR,
	COMMAND_VMCALL,
	COMMAND_OUT,
	COMMAND_IN,
	COMMAND_SELF_IPI,
	COMMAND_SELF_IPI_HLT,
	COMMAND_TIMER,
	COMMAND_TIMER_HLT,
	COMMAND_WRITE,
	COMMAND_WRITE_PORT,
	COMMAND_WRITE_MSI,
	COMMAND_TOUCH,
};

/**
 * struct bench_request - what the guest is to do next, at COMMAND_GPA
 * @command:	enum bench_command
 * @count:	how often; each time gives one sample
 * @base:	COMMAND_TOUCH: the first address to write to; COMMAND_WRITE: the one
 * @stride:	COMMAND_TOUCH: from one address to the next
 */
struct bench_request {
	u32 command;
	u32 count;
	u64 base;
	u64 stride;
};

#endif
