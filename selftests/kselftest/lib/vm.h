/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMs and vCPUs for tests. What fails in here fails the test, so there is
 * nothing to check; ioctls.h has the raw tier.
 *
 * A VM made by vm_create() has one slot of memory from guest-physical 0, and
 * page tables that map the low 4 GiB one to one. The test program itself is in
 * it at its own address (programs are static and not relocatable), as it was
 * when vm_create() copied it: a guest in long mode calls its C functions and
 * sees its variables, in a copy of its own, which the host reaches by
 * guest_var().
 */
#ifndef LHV_TEST_VM_H
#define LHV_TEST_VM_H

#include <lhv.h>
#include <pthread.h>

#include "fail.h"
#include "guest.h"
#include "ioctls.h"
#include "types.h"

#define VM_MEMORY	MIB(16)
#define VM_MAX_VCPUS	LAYOUT_MAX_CPUS

struct vm;

struct vcpu {
	struct vm *vm;
	u32 id;
	int fd;
	struct lhv_run *run;
	pthread_t thread;
	bool runs;	/* in @thread */
};

struct vm {
	int fd;
	u32 run_size;
	u8 *memory;
	u64 bytes;
	struct vcpu vcpu[VM_MAX_VCPUS];
};

int dev_open(void);

/* A VM with nothing in it, and one that can run guest functions. */
struct vm *vm_create_empty(void);
struct vm *vm_create(void);
void vm_close(struct vm *vm);

/* Slot 0, from guest-physical 0, and the program and tables in it. */
void vm_add_memory(struct vm *vm, u64 bytes);

void vm_set_memory(struct vm *vm, u32 slot, u32 flags, u64 gpa, u64 bytes, const void *hva);
u64 vm_stat(struct vm *vm, u32 index);
/* How often guest_count_irq() handled the vector on a vCPU. */
u32 vm_irq_count(struct vm *vm, u32 id, u8 vector);

struct vcpu *vcpu_create(struct vm *vm, u32 id);
void vcpu_close(struct vcpu *vcpu);

void vcpu_get(struct vcpu *vcpu, u16 type, void *data, u32 length);
void vcpu_set(struct vcpu *vcpu, u16 type, const void *data, u32 length);
void vcpu_set_mp(struct vcpu *vcpu, u32 state);
u64 vcpu_get_msr(struct vcpu *vcpu, u32 index);
void vcpu_set_msr(struct vcpu *vcpu, u32 index, u64 value);
u64 vcpu_stat(struct vcpu *vcpu, u32 index);

#define vcpu_get_regs(vcpu, regs)	vcpu_get(vcpu, LHV_STATE_REGS, regs, sizeof(*(regs)))
#define vcpu_set_regs(vcpu, regs)	vcpu_set(vcpu, LHV_STATE_REGS, regs, sizeof(*(regs)))
#define vcpu_get_sregs(vcpu, sregs)	vcpu_get(vcpu, LHV_STATE_SREGS, sregs, sizeof(*(sregs)))
#define vcpu_set_sregs(vcpu, sregs)	vcpu_set(vcpu, LHV_STATE_SREGS, sregs, sizeof(*(sregs)))

/* A segment register holds nothing: in access rights, SDM 3C 25.4.1 */
#define ACCESS_UNUSABLE	0x10000
/* Of LHV_EXIT_FAIL_ENTRY: invalid guest state, SDM 3C 27.8 */
#define ENTRY_FAILED_GUEST_STATE	(BIT(31) | 33)

/*
 * Ways to start: real mode; 32-bit flat without paging; long
 * mode as guest_entry.S describes, at @function with up to two arguments. Each
 * makes the vCPU runnable. vcpu_start() is vcpu_create() and the last.
 */
void vcpu_set_real(struct vcpu *vcpu, u16 segment, u16 ip);
void vcpu_set_flat(struct vcpu *vcpu, u32 eip);
void vcpu_set_long(struct vcpu *vcpu, void *function, u64 arg0, u64 arg1);
struct vcpu *vcpu_start(struct vm *vm, u32 id, void *function, u64 arg0, u64 arg1);

/* Assembly of guest/, written to run at LAYOUT_PAYLOAD, goes there. */
void vm_copy_payload(struct vm *vm, const u8 *start, const u8 *end);

/* The host's address of guest-physical memory in slot 0. */
static inline void *guest_memory(struct vm *vm, u64 gpa)
{
	REQUIRE(gpa < vm->bytes);
	return vm->memory + gpa;
}

/* The guest's copy of a variable of the program, for the host. */
#define guest_var(vm, variable) \
	(*(volatile __typeof__(variable) *)guest_memory(vm, (uintptr_t)&(variable)))

/* LHV_VCPU_RUN that must succeed; and give this exit. */
void vcpu_run(struct vcpu *vcpu);
void vcpu_run_to(struct vcpu *vcpu, u32 exit_reason);
void vcpu_run_to_io(struct vcpu *vcpu, u16 port, u8 size, u8 direction);
/* An OUT of this value. */
void vcpu_run_to_out(struct vcpu *vcpu, u16 port, u8 size, u32 value);
/* Completes the access that the vCPU waits for: LHV_VCPU_RUN gives EINTR. */
void vcpu_complete(struct vcpu *vcpu);

/* "vCPU 0: exit 4 at rip 0x..." with the exit's data, for messages. */
const char *vcpu_describe(struct vcpu *vcpu);

/**
 * struct ucall - what the guest says (guest.h)
 * @command:	UCALL_*
 * @arg:	its arguments
 */
struct ucall {
	u32 command;
	u64 arg[4];
};

/* Does the exit hold a call? A failed GUEST_ASSERT() fails the test. */
bool vcpu_get_ucall(struct vcpu *vcpu, struct ucall *call);
/* Runs until the guest reports or is done; EINTR goes on. */
void vcpu_run_to_ucall(struct vcpu *vcpu, struct ucall *call);
/* Runs until the guest reports, which must be @value. */
void vcpu_run_to_report(struct vcpu *vcpu, u64 value);
/* Runs until the guest is done; reports are passed over. */
void vcpu_run_to_done(struct vcpu *vcpu);

/* vcpu_run_to_done() in a thread of its own. */
void vcpu_thread_start(struct vcpu *vcpu);
void vcpu_thread_join(struct vcpu *vcpu);
/* A signal with an empty handler and no SA_RESTART, to a vCPU's thread. */
#define KICK_SIGNAL	SIGUSR1
void kick_signal_init(void);

/* Start @function as guest on vCPU 0 of a new VM and run it to its end. */
void run_guest(void *function, u64 arg0, u64 arg1);

/* A fresh VM, its vCPU 0 ready to run @function. */
struct vcpu *new_guest(void *function, u64 arg0, u64 arg1);

/*
 * Wait, giving the CPU away, until the condition holds: that it does is what
 * the test expects, and only a hang needs the deadline.
 */
#define WAIT_SECONDS	60
#define WAIT_UNTIL(condition) do {					\
	u64 __end = now_ns() + WAIT_SECONDS * 1000000000ULL;		\
									\
	while (!(condition)) {						\
		if (now_ns() > __end)					\
			FAIL("waited in vain for: %s", #condition);	\
		pause_a_little();					\
	}								\
} while (0)

u64 now_ns(void);
void pause_a_little(void);

#endif /* LHV_TEST_VM_H */
