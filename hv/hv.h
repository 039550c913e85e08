/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects: VM, vCPU, memory slots, requests
 *
 * What is here is true on any CPU. The CPU's own part is `arch` in each
 * object, declared in arch/x86/x86.h; the functions it provides to hv/ are in
 * hv/arch.h.
 *
 * Locks, outermost first:
 *   vcpu->mutex		LHV_VCPU_RUN and a vCPU's state records
 *   vm->lock		creating and destroying vCPUs, changing slots
 *   vm->eventfd_lock	registering ioeventfds and irqfds; none of the others with it
 *   mmap_lock		taken by the core kernel under either
 *   vm->mmu_lock	EPT: read to map a page, write for all else
 * lhv_srcu is held (read side) wherever a memory slot is looked at outside
 * vm->lock; vCPUs found by id are held by RCU.
 */
#ifndef LHV_HV_H
#define LHV_HV_H

#include <linux/kref.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/rcuwait.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/types.h>
#include <linux/sched/signal.h>
#include <linux/task_work.h>
#include <linux/xarray.h>

#include "hv/compat.h"
#include "include/uapi/lhv.h"
#include "arch/x86/x86.h"

#define LHV_VERSION		"0.1.0"

#define LHV_MAX_VCPUS		1024
#define LHV_MAX_SLOTS		512

typedef u64 gfn_t;	/* guest frame number: GPA >> PAGE_SHIFT */
typedef u64 gpa_t;

/* Sleeping readers of memory slots, of all VMs: see hv/memslot.c. */
extern struct srcu_struct lhv_srcu;

/**
 * struct lhv_memslot - guest-physical range backed by the VMM's memory
 * @base_gfn:	first guest frame
 * @npages:	length, 4 KiB pages
 * @hva:	address in vm->mm of the first page
 * @flags:	LHV_MEM_*
 * @id:		the caller's slot number
 * @dirty:	bitmap of @npages bits if LHV_MEM_LOG_DIRTY, set with atomic bit
 *		operations under vm->mmu_lock (read or write)
 *
 * Immutable once published, but for the bits of @dirty.
 */
struct lhv_memslot {
	gfn_t base_gfn;
	unsigned long npages;
	unsigned long hva;
	u32 flags;
	u32 id;
	unsigned long *dirty;
};

struct lhv_ioeventfds;	/* hv/ioeventfd.c: sorted array, replaced as a whole */

/* Where a guest's write can go that isn't to memory. */
enum lhv_space {
	LHV_SPACE_PIO,
	LHV_SPACE_MMIO,
	LHV_SPACES
};

struct lhv_memslots;	/* hv/memslot.c: sorted array, replaced as a whole */

struct lhv_vm {
	struct mm_struct *mm;
	struct kref ref;
	struct mutex lock;		/* which vCPUs and slots there are */
	bool dead;			/* set by lhv_vm_bug(), never cleared */

	struct xarray vcpus;		/* id -> struct lhv_vcpu, read under RCU */
	unsigned int nr_vcpus;		/* under lock */

	struct lhv_memslots __rcu *memslots;	/* lhv_srcu, written under lock */

	struct mutex eventfd_lock;	/* which ioeventfds and irqfds there are */
	struct lhv_ioeventfds __rcu *ioeventfds[LHV_SPACES];
	struct list_head irqfds;	/* under eventfd_lock */
	struct list_head level_irqfds;	/* some of them, read under RCU */
	unsigned int nr_irqfds;

	rwlock_t mmu_lock;
	struct mmu_notifier notifier;
	/* The notifier's protocol; see hv/mmu_notifier.c. Under mmu_lock. */
	unsigned long mmu_seq;
	unsigned long mmu_invalidating;	/* invalidate_range calls under way */

	u64 tsc_offset;			/* of new vCPUs */
	atomic64_t stats[LHV_VM_STAT_COUNT];

	struct lhv_vm_arch arch;
};

/*
 * Requests to a vCPU: made by anyone with lhv_vcpu_request(), which kicks it
 * out of the guest; taken by the vCPU itself before it enters again.
 */
enum lhv_request {
	LHV_REQ_EVENT,		/* look again at what can be injected */
	LHV_REQ_TLB_FLUSH,	/* drop the EPT's translations on this CPU */
	LHV_REQ_TIMER,		/* the APIC timer fired */
	LHV_REQ_TRIPLE_FAULT,	/* leave with LHV_EXIT_SHUTDOWN */
	LHV_REQ_KICK,		/* no work: just come out once */
};

/* vcpu->mode: written by the vCPU with interrupts off, read by kickers. */
enum lhv_vcpu_mode {
	LHV_OUTSIDE_GUEST,
	LHV_IN_GUEST,
};

struct lhv_vcpu {
	struct lhv_vm *vm;
	u32 id;
	int cpu;			/* where it is loaded, or was last; -1 never */
	struct mutex mutex;		/* running, and the state records */
	struct lhv_run *run;		/* the page shared with userspace */
	struct preempt_notifier preempt;

	/* What others may touch. */
	unsigned long requests;		/* bits of enum lhv_request */
	int mode;			/* enum lhv_vcpu_mode */
	struct task_struct *task;	/* in LHV_VCPU_RUN; read under RCU */
	bool preempted;			/* that thread wants to run but has no CPU */
	struct rcuwait wait;		/* blocked in HLT or waiting for SIPI */

	u32 yielded_to;			/* id; the next search starts behind it */
	struct rcu_head rcu;
	u64 stats[LHV_VCPU_STAT_COUNT];	/* written by the vCPU's thread alone */

	struct lhv_vcpu_arch arch;
};

/* ---- hv/vm.c ---- */
struct lhv_vm *lhv_vm_create(void);
void lhv_vm_get(struct lhv_vm *vm);
void lhv_vm_put(struct lhv_vm *vm);

/* For hv/mmu_notifier.c: the last step of a VM's end. Any context. */
void lhv_vm_free(struct lhv_vm *vm);

/* Module unload: wait until all VMs are freed. */
void lhv_vms_exit(void);

/**
 * lhv_vm_bug - stop a VM for good when lhv itself went wrong
 * @vm: the VM
 * @cond: true if it did
 *
 * Warns once, marks the VM dead and kicks its vCPUs: each later ioctl on it
 * returns -EIO. Any context. Returns @cond.
 */
#define lhv_vm_bug(vm, cond) ({						\
	bool __bug = (cond);						\
									\
	if (WARN_ON_ONCE(__bug))					\
		lhv_vm_kill(vm);					\
	unlikely(__bug);						\
})
void lhv_vm_kill(struct lhv_vm *vm);

static inline void lhv_vm_stat(struct lhv_vm *vm, int stat, long n)
{
	atomic64_add(n, &vm->stats[stat]);
}

/* ---- hv/vcpu.c ---- */
int lhv_vcpus_init(void);
void lhv_vcpus_exit(void);
struct lhv_vcpu *lhv_vcpu_create(struct lhv_vm *vm, u32 id);
void lhv_vcpu_destroy(struct lhv_vcpu *vcpu);
int lhv_vcpu_run(struct lhv_vcpu *vcpu);
void lhv_vcpu_load(struct lhv_vcpu *vcpu);
void lhv_vcpu_put(struct lhv_vcpu *vcpu);

/**
 * lhv_vcpu_block - sleep until lhv_arch_vcpu_has_work() or a signal
 * @vcpu: the vCPU; its thread, loaded
 *
 * Return: true if there is work.
 */
bool lhv_vcpu_block(struct lhv_vcpu *vcpu);

/**
 * lhv_vcpu_yield - the guest spins: let a vCPU run that it may be waiting for
 * @vcpu: the vCPU that spins; its thread
 *
 * Prefers one of the same VM whose thread was preempted. May sleep.
 */
void lhv_vcpu_yield(struct lhv_vcpu *vcpu);

/**
 * lhv_vcpu_kick - make a vCPU notice what was changed for it
 * @vcpu: the vCPU
 *
 * Wakes it if it is blocked, or brings it out of the guest. The caller made
 * its change visible before (a request bit, an IRR bit); the full barrier here
 * pairs with the one in lhv_vcpu_enter_mode(). Any context, interrupts may be
 * off; takes only raw locks.
 */
void lhv_vcpu_kick(struct lhv_vcpu *vcpu);

static inline void lhv_vcpu_set_request(struct lhv_vcpu *vcpu, enum lhv_request req)
{
	/* Pairs with smp_mb__after_atomic() in lhv_vcpu_take_request(). */
	smp_wmb();
	set_bit(req, &vcpu->requests);
}

static inline void lhv_vcpu_request(struct lhv_vcpu *vcpu, enum lhv_request req)
{
	lhv_vcpu_set_request(vcpu, req);
	lhv_vcpu_kick(vcpu);
}

static inline bool lhv_vcpu_take_request(struct lhv_vcpu *vcpu, enum lhv_request req)
{
	if (!test_bit(req, &vcpu->requests))
		return false;
	clear_bit(req, &vcpu->requests);
	/* Pairs with smp_wmb() in lhv_vcpu_set_request(). */
	smp_mb__after_atomic();
	return true;
}

/**
 * lhv_vcpu_by_id - find a vCPU
 * @vm: the VM
 * @id: its id, which is its APIC id
 *
 * Context: under rcu_read_lock() or with interrupts off; the vCPU stays
 * allocated that long, though it may be on its way out.
 * Return: the vCPU or NULL.
 */
static inline struct lhv_vcpu *lhv_vcpu_by_id(struct lhv_vm *vm, u32 id)
{
	return xa_load(&vm->vcpus, id);
}

/**
 * lhv_vm_flush_tlbs - drop all vCPUs' translations through the EPT
 * @vm: the VM
 *
 * When it returns no CPU uses a translation older than the call. vCPUs in the
 * guest are brought out; others flush before they enter. Context: may hold
 * vm->mmu_lock; interrupts on.
 */
void lhv_vm_flush_tlbs(struct lhv_vm *vm);

/*
 * Is there work that is done on the way to userspace only? TIF_NOTIFY_RESUME
 * isn't asked: each preemption sets it for rseq, which can wait for the next
 * return.
 */
static inline bool lhv_must_return(void)
{
	return signal_pending(current) || task_work_pending(current) || lhv_memcg_over_high();
}

/* ---- hv/memslot.c ---- */
int lhv_memslots_init(struct lhv_vm *vm);
void lhv_memslots_destroy(struct lhv_vm *vm);

/* LHV_VM_SET_MEMORY, checked by the caller but for what needs vm->lock. */
int lhv_set_memory(struct lhv_vm *vm, const struct lhv_memory *mem);

/**
 * lhv_find_slot - the slot that holds a guest frame
 * @vm: the VM
 * @gfn: the frame
 *
 * Context: under lhv_srcu (read) or vm->lock. Return: the slot or NULL.
 */
const struct lhv_memslot *lhv_find_slot(struct lhv_vm *vm, gfn_t gfn);

/**
 * lhv_visit_slots_in_hva - call @fn for each slot's part of a host range
 * @vm: the VM
 * @start: first host address
 * @end: address after the last
 * @fn: gets the slot and the guest frames [first, last) that the range backs
 * @arg: for @fn
 *
 * Context: under lhv_srcu. Return: true if any call of @fn did.
 */
bool lhv_visit_slots_in_hva(struct lhv_vm *vm, unsigned long start, unsigned long end,
			    bool (*fn)(struct lhv_vm *vm, const struct lhv_memslot *slot,
				       gfn_t first, gfn_t last, void *arg),
			    void *arg);

/* ---- hv/dirty_log.c ---- */
int lhv_get_dirty_log(struct lhv_vm *vm, u32 slot, void __user *bitmap, u64 bytes);
void lhv_mark_dirty(const struct lhv_memslot *slot, gfn_t gfn);

/* ---- hv/mmu_notifier.c ---- */
int lhv_notifier_register(struct lhv_vm *vm);

/* The end of a VM's use: when no call can be under way any more, lhv_vm_free(). */
void lhv_notifier_put(struct lhv_vm *vm);

/**
 * lhv_notifier_retry - was a host address invalidated since @seq was read?
 * @vm: the VM
 * @seq: vm->mmu_seq, read before the host page was looked up
 *
 * Context: vm->mmu_lock held. Return: true if the page may be stale.
 */
bool lhv_notifier_retry(struct lhv_vm *vm, unsigned long seq);

/* ---- hv/guest_mem.c ---- */

/**
 * lhv_read_guest - copy from guest-physical memory
 * @vm: the VM
 * @gpa: where from; may cross pages and slots
 * @data: where to
 * @len: bytes
 *
 * Context: process context of vm->mm, may sleep; takes lhv_srcu itself.
 * Return: 0, or -EFAULT if some of it is in no slot or not accessible.
 */
int lhv_read_guest(struct lhv_vm *vm, gpa_t gpa, void *data, size_t len);

/* The same for writing; also -EFAULT for a read-only slot. Marks dirty. */
int lhv_write_guest(struct lhv_vm *vm, gpa_t gpa, const void *data, size_t len);

/* Module parameter, arch/x86/init.c: ticks of the VMX-preemption timer, or 0. */
extern unsigned long lhv_heartbeat;

#endif /* LHV_HV_H */
