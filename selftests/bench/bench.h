/* SPDX-License-Identifier: GPL-2.0-only */
/* The benchmark's driver: results, backends, and the machine they run. */
#ifndef BENCH_H
#define BENCH_H

#include <x86intrin.h>

#include "shared.h"

/* ---- Results ------------------------------------------------------------- */

/**
 * struct sample_set - one figure: samples and what they come to
 * @count:	samples; 0 if this wasn't measured
 * @min:	the least of them
 * @median:	the one in the middle
 * @mean:	their mean
 */
struct sample_set {
	size_t count;
	double min;
	double median;
	double mean;
};

#define MSI_ADDRESS	0xfee00000u	/* APIC id 0 */

enum row {
	ROW_CPUID,
	ROW_RDMSR,
	ROW_WRMSR,
	ROW_VMCALL,
	ROW_SELF_IPI,
	ROW_SELF_IPI_HLT,
	ROW_TIMER,
	ROW_TIMER_HLT,
	ROW_OUT,
	ROW_IN,
	ROW_DOORBELL,
	ROW_DOORBELL_PORT,
	ROW_DOORBELL_MSI,
	ROW_FAULT_PRESENT,
	ROW_FAULT_ABSENT,
	ROW_THP_PRESENT,
	ROW_THP_ABSENT,
	ROW_CREATE_FIRST,
	ROW_CREATE,
	ROW_CREATE_BESIDE,
	ROW_CREATE_VCPU,
	ROW_ADD_SLOT,
	ROW_FIRST_RUN,
	ROW_DESTROY,
	ROW_DESTROY_BESIDE,
	ROW_MEMORY,
	ROW_BOOT,
	ROW_COUNT,
};

enum side { SIDE_LHV, SIDE_KVM, SIDE_COUNT };

/**
 * struct results - all that goes into the report
 * @rows:	by row and side
 * @versions:	of the sides, in words
 * @revision:	of the source tree
 */
struct results {
	struct sample_set rows[ROW_COUNT][SIDE_COUNT];
	char versions[SIDE_COUNT][64];
	const char *revision;
};

/* Sorts @samples. */
struct sample_set summarize(u64 *samples, size_t count);
struct sample_set single(double value);

/* Returns how many rows are worse than KVM's. */
int print_table(const struct results *results);
void write_json(const struct results *results, const char *path);

/* ---- Machines ------------------------------------------------------------ */

struct machine;

/**
 * struct start - where a vCPU begins, in 64-bit mode, interrupts off
 * @rip:	entry point
 * @rsp:	stack pointer
 * @cr3:	page tables
 */
struct start {
	u64 rip;
	u64 rsp;
	u64 cr3;
};

/* 64-bit mode, for both backends. */
#define START_CR0	0x80000031	/* PG, NE, ET, PE */
#define START_CR4	0x20		/* PAE */
#define START_EFER	0x500		/* LMA, LME */
#define START_CS	0x8
#define START_DS	0x10

/**
 * struct doorbell - what the guest writes to
 * @port:	it is a port
 * @address:	where
 * @length:	of the write, bytes; 0: any
 * @match:	only 0 counts
 */
struct doorbell {
	bool port;
	u64 address;
	u32 length;
	bool match;
};

/**
 * struct backend - a hypervisor
 * @name:		for messages
 * @open:		open the device, fill in the rest; false: there is none
 * @create_vm:		returns the VM's fd
 * @create_vcpu:	returns the vCPU's fd
 * @set_memory:		map memory of this process into a slot
 * @start_at:		CPUID and registers
 * @ioeventfd:		let the guest's accesses signal an eventfd
 * @irqfd:		let an eventfd send BELL_VECTOR to vCPU 0
 * @run:		run until the guest accesses a port, and return which. Input
 *			reads as it likes
 * @side:		column of the report
 * @fd:			the device
 * @run_size:		bytes to mmap() from a vCPU's fd
 * @version:		in words
 *
 * What fails ends the program with a message.
 */
struct backend {
	const char *name;
	bool (*open)(struct backend *backend);
	int (*create_vm)(struct backend *backend);
	int (*create_vcpu)(int vm, unsigned int id);
	void (*set_memory)(int vm, unsigned int slot, u64 gpa, void *address, size_t bytes);
	void (*start_at)(int vcpu, const struct start *start);
	void (*ioeventfd)(int vm, int event, const struct doorbell *bell);
	void (*irqfd)(int vm, int event);
	unsigned int (*run)(struct machine *machine);
	enum side side;
	int fd;
	size_t run_size;
	char version[64];
};

extern struct backend kvm_backend, lhv_backend;

/**
 * struct machine - a VM with one vCPU
 * @backend:	whose
 * @vm:		fd
 * @vcpu:	fd
 * @run:	the vCPU's run page
 */
struct machine {
	struct backend *backend;
	int vm;
	int vcpu;
	void *run;
};

/* One for all machines, as no two run at the same time. */
u8 *guest_ram(void);

void machine_create(struct machine *machine, struct backend *backend);
void machine_add_ram(struct machine *machine);
void machine_start(struct machine *machine);
void machine_destroy(struct machine *machine);
/* All of them, up to the guest's first sign of life. */
void machine_boot(struct machine *machine, struct backend *backend);
void machine_run_until_done(struct machine *machine);
struct sample_set machine_do(struct machine *machine, const struct bench_request *request);

/* ---- What is measured ---------------------------------------------------- */

typedef void measurement(struct backend *backend, struct results *results);

measurement measure_exits, measure_doorbells, measure_faults, measure_life, measure_memory;
/* From hvctl's start to its end, with a Debian guest; false if that fails. */
bool measure_boot(struct results *results);

#endif
