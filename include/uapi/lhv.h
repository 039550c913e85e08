/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * lhv: the interface between lhv.ko and its users
 *
 * /dev/lhv gives a VM fd (LHV_CREATE_VM), a VM fd gives vCPU fds
 * (LHV_VM_CREATE_VCPU). Each is an anonymous inode. A vCPU holds its VM: the
 * VM goes when the last of its fds is closed, in whatever order.
 *
 * Every ioctl but LHV_VCPU_RUN takes a pointer to a struct that starts with
 * @size, the caller's sizeof, and @flags. A struct may grow: a shorter one is
 * read as if its missing tail were zero, a longer one is taken as long as what
 * this module doesn't know of it is zero. All structs have the same layout for
 * 32- and 64-bit callers; addresses travel as __u64.
 *
 * Errors common to all ioctls:
 *   ENOTTY      unknown command for this fd
 *   EFAULT      the struct, or memory it points to, can't be accessed
 *   EINVAL      @size below the command's first version, or a reserved field
 *               that is not zero, or a field outside its range
 *   E2BIG       @size larger than the module's, with a tail that is not zero, or
 *               larger than 4096
 *   EOPNOTSUPP  a bit in @flags that this module doesn't know
 *   EIO         the VM belongs to another process (a VM is bound to the
 *               address space that created it), or was stopped for good by an
 *               internal error
 *   ENOMEM      out of memory; nothing was changed
 * What a command returns beyond these stands with it.
 */
#ifndef _UAPI_LHV_H
#define _UAPI_LHV_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Rises only when a caller of the version before would break. */
#define LHV_API_VERSION		1

#define LHV_IOC_TYPE		0xB9

/* ---- /dev/lhv ---------------------------------------------------------- */

/**
 * struct lhv_info - what this module and this host offer (LHV_INFO)
 * @size:		sizeof(struct lhv_info)
 * @flags:		0
 * @api_version:	LHV_API_VERSION of the module
 * @max_vcpus:		vCPUs per VM; ids are 0 to @max_vcpus - 1
 * @max_slots:		memory slots per VM; numbers are 0 to @max_slots - 1
 * @run_size:		bytes to mmap() from a vCPU fd at offset 0
 * @tsc_khz:		frequency of the time-stamp counter that guests see, kHz
 * @apic_timer_khz:	frequency of the APIC timer's clock before its divider,
 *			kHz (CPUID.15H:ECX is this times 1000)
 * @phys_bits:		width of guest-physical addresses, bits
 * @xsave_size:		largest LHV_STATE_XSAVE payload, bytes
 * @version:		the module's version, NUL-terminated
 *
 * All but @size and @flags is output.
 */
struct lhv_info {
	__u32 size;
	__u32 flags;
	__u32 api_version;
	__u32 max_vcpus;
	__u32 max_slots;
	__u32 run_size;
	__u32 tsc_khz;
	__u32 apic_timer_khz;
	__u32 phys_bits;
	__u32 xsave_size;
	char version[32];
};

/* Capabilities for LHV_CHECK_CAP: what struct lhv_info doesn't say. */
#define LHV_CAP_READONLY_MEM	1	/* LHV_MEM_READONLY: 1 */
#define LHV_CAP_DIRTY_LOG	2	/* LHV_MEM_LOG_DIRTY: 1 */
#define LHV_CAP_EPT_2M		3	/* 2 MiB EPT mappings: 0 or 1 */
#define LHV_CAP_EPT_1G		4	/* 1 GiB EPT mappings: 0 or 1 */
#define LHV_CAP_EPT_AD		5	/* EPT accessed and dirty flags: 0 or 1 */
#define LHV_CAP_VPID		6	/* VPIDs in use: 0 or 1 */
#define LHV_CAP_X2APIC		7	/* x2APIC mode of the local APIC: 1 */
#define LHV_CAP_TSC_DEADLINE	8	/* TSC-deadline timer: 1 */
#define LHV_CAP_PAUSE_EXIT	9	/* PAUSE-loop exiting: 0 or 1 */
#define LHV_CAP_EVENTFD		10	/* LHV_VM_IRQFD, LHV_VM_IOEVENTFD: 1 */

/**
 * struct lhv_check_cap - ask for one capability (LHV_CHECK_CAP)
 * @size:	sizeof(struct lhv_check_cap)
 * @flags:	0
 * @cap:	LHV_CAP_*
 * @reserved:	0
 * @value:	output; 0 for a capability that is missing or unknown
 */
struct lhv_check_cap {
	__u32 size;
	__u32 flags;
	__u32 cap;
	__u32 reserved;
	__u64 value;
};

/**
 * struct lhv_cpuid_entry - one CPUID leaf or sub-leaf
 * @function:	EAX at input
 * @index:	ECX at input, if LHV_CPUID_INDEXED
 * @flags:	LHV_CPUID_INDEXED: the leaf depends on ECX
 * @eax:	output registers of the instruction
 * @ebx:	"
 * @ecx:	"
 * @edx:	"
 * @reserved:	0
 */
struct lhv_cpuid_entry {
	__u32 function;
	__u32 index;
	__u32 flags;
	__u32 eax;
	__u32 ebx;
	__u32 ecx;
	__u32 edx;
	__u32 reserved;
};

#define LHV_CPUID_INDEXED	(1U << 0)
#define LHV_MAX_CPUID_ENTRIES	256

/**
 * struct lhv_list - an array that the module fills (LHV_SUPPORTED_CPUID,
 *	LHV_MSR_LIST)
 * @size:	sizeof(struct lhv_list)
 * @flags:	0
 * @count:	in: elements that @data has room for; out: elements there are
 * @reserved:	0
 * @data:	address of the array: struct lhv_cpuid_entry for
 *		LHV_SUPPORTED_CPUID, __u32 (MSR numbers) for LHV_MSR_LIST
 *
 * Fails with ENOSPC, @count set and nothing stored, if @data is too small.
 */
struct lhv_list {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 reserved;
	__u64 data;
};

/**
 * struct lhv_create_vm - make a VM (LHV_CREATE_VM)
 * @size:	sizeof(struct lhv_create_vm)
 * @flags:	0
 *
 * Returns the VM's fd (close-on-exec). The VM is bound to the caller's
 * address space. Errors: EBUSY another hypervisor holds VMX on this host;
 * EIO VMXON failed; EMFILE, ENFILE no fd left; EINTR a signal came, and there is
 * no VM.
 */
struct lhv_create_vm {
	__u32 size;
	__u32 flags;
};

#define LHV_INFO		_IO(LHV_IOC_TYPE, 0x00)
#define LHV_CHECK_CAP		_IO(LHV_IOC_TYPE, 0x01)
#define LHV_SUPPORTED_CPUID	_IO(LHV_IOC_TYPE, 0x02)
#define LHV_MSR_LIST		_IO(LHV_IOC_TYPE, 0x03)
#define LHV_CREATE_VM		_IO(LHV_IOC_TYPE, 0x04)

/* ---- VM ---------------------------------------------------------------- */

/**
 * struct lhv_create_vcpu - add a vCPU (LHV_VM_CREATE_VCPU)
 * @size:	sizeof(struct lhv_create_vcpu)
 * @flags:	0
 * @id:		the vCPU's id, which is also its APIC id; 0 to max_vcpus - 1
 * @reserved:	0
 *
 * Returns the vCPU's fd (close-on-exec). vCPU 0 starts as LHV_MP_RUNNABLE at
 * the reset vector (SDM 3A 10.1.4), the others as LHV_MP_WAIT_SIPI. Closing
 * the last reference of the fd (its mmap()s hold none) destroys the vCPU, and
 * @id can be used again. Errors: EEXIST @id is in use; EINVAL @id too large;
 * EMFILE, ENFILE.
 */
struct lhv_create_vcpu {
	__u32 size;
	__u32 flags;
	__u32 id;
	__u32 reserved;
};

/**
 * struct lhv_memory - map, change or unmap a memory slot (LHV_VM_SET_MEMORY)
 * @size:	sizeof(struct lhv_memory)
 * @flags:	LHV_MEM_*
 * @slot:	0 to max_slots - 1
 * @reserved:	0
 * @gpa:	guest-physical address of the slot, 4 KiB aligned
 * @bytes:	length, a multiple of 4 KiB; 0 removes the slot
 * @hva:	address in the caller of what backs it, 4 KiB aligned; need not be
 *		mapped yet. 2 MiB and 1 GiB mappings need @gpa and @hva alike
 *		modulo that size
 *
 * Semantics are KVM's: the host's pages are not pinned, and what is mapped at
 * @hva may change at any time. A slot may be moved (@gpa) and its flags
 * changed while vCPUs run; a slot's @bytes and @hva change only by removing
 * it. Guest accesses outside all slots, and writes to an LHV_MEM_READONLY
 * slot, leave the guest as LHV_EXIT_MMIO.
 *
 * When the call returns no vCPU sees the former mapping any more. Errors:
 * EEXIST overlaps another slot; ENOENT @bytes is 0 and there is no such slot;
 * EINVAL alignment, wrap-around, beyond phys_bits, outside the caller's address
 * space, or an attempt to change @bytes, @hva or LHV_MEM_READONLY.
 */
struct lhv_memory {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__u32 reserved;
	__u64 gpa;
	__u64 bytes;
	__u64 hva;
};

#define LHV_MEM_READONLY	(1U << 0)
#define LHV_MEM_LOG_DIRTY	(1U << 1)

/**
 * struct lhv_dirty_log - fetch and clear a slot's dirty log
 *	(LHV_VM_GET_DIRTY_LOG)
 * @size:	sizeof(struct lhv_dirty_log)
 * @flags:	0
 * @slot:	a slot with LHV_MEM_LOG_DIRTY
 * @reserved:	0
 * @bitmap:	address of the result: one bit per 4 KiB page, bit n of byte m is
 *		page 8 * m + n
 * @bytes:	room at @bitmap; must be at least the number of pages / 8,
 *		rounded up to a multiple of 8
 *
 * Reports the pages written since logging began or the last call. Writes by
 * the VMM itself are not logged. Errors: ENOENT no such slot, or it doesn't
 * log; EINVAL @bytes too small. On EFAULT the log is not cleared.
 */
struct lhv_dirty_log {
	__u32 size;
	__u32 flags;
	__u32 slot;
	__u32 reserved;
	__u64 bitmap;
	__u64 bytes;
};

/**
 * struct lhv_msi - send an interrupt message (LHV_VM_SEND_MSI)
 * @size:	sizeof(struct lhv_msi)
 * @flags:	0
 * @data:	message data (SDM 3A 11.11.2): vector, delivery mode, level, trigger
 *		mode. A level-triggered message sets the vector's TMR bit, and
 *		its EOI gives LHV_EXIT_EOI
 * @delivered:	output: how many local APICs took it; 0 if none matches
 * @address:	message address (SDM 3A 11.11.1), 0xFEExxxxx; bits 63:40 hold bits
 *		31:8 of the destination id for ids above 255
 *
 * Any thread may call it. Errors: EINVAL @address isn't a message address, or
 * @data has reserved bits or an undefined delivery mode.
 */
struct lhv_msi {
	__u32 size;
	__u32 flags;
	__u32 data;
	__u32 delivered;
	__u64 address;
};

/**
 * struct lhv_irqfd - let an eventfd send an interrupt message (LHV_VM_IRQFD)
 * @size:	sizeof(struct lhv_irqfd)
 * @flags:	LHV_IRQFD_*
 * @fd:		eventfd
 * @resample_fd: eventfd that is told of EOIs, with LHV_IRQFD_RESAMPLE; else 0
 * @data:	the message, as in struct lhv_msi; 0 with LHV_IRQFD_DEASSIGN
 * @reserved:	0
 * @address:	"
 *
 * Whoever signals @fd, also in the kernel, sends the message at once, and the
 * eventfd's count is consumed. If it is not 0 when @fd is assigned, the message is
 * sent right then. So an MSI-X vector is masked by taking its eventfd away, and
 * unmasked by assigning it anew.
 *
 * LHV_IRQFD_RESAMPLE is for level-triggered interrupts: @data has level and trigger
 * mode set (SDM 3A 11.11.2). Having sent its message an irqfd ignores signals until
 * the EOI of that vector, by any vCPU. The EOI signals @resample_fd and isn't an
 * LHV_EXIT_EOI; a device that still asks for its interrupt signals @fd again. A
 * message that no APIC took waits for the next LHV_IRQFD_UPDATE or signal.
 *
 * LHV_IRQFD_UPDATE gives an assigned @fd another message, and nothing is lost
 * meanwhile; LHV_IRQFD_RESAMPLE is as it was, @resample_fd 0. After
 * LHV_IRQFD_DEASSIGN returns, nothing is sent any more. An eventfd whose last fd is
 * closed is taken away by itself. Errors: EBADF, EINVAL @fd or @resample_fd isn't an
 * eventfd; EBUSY @fd is assigned already; ENOENT it isn't; ENOSPC 4096 are; EINVAL
 * not a message.
 */
struct lhv_irqfd {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__s32 resample_fd;
	__u32 data;
	__u32 reserved;
	__u64 address;
};

#define LHV_IRQFD_DEASSIGN	(1U << 0)
#define LHV_IRQFD_RESAMPLE	(1U << 1)
#define LHV_IRQFD_UPDATE	(1U << 2)

/**
 * struct lhv_ioeventfd - let a guest's write signal an eventfd
 *	(LHV_VM_IOEVENTFD)
 * @size:	sizeof(struct lhv_ioeventfd)
 * @flags:	LHV_IOEVENTFD_*
 * @address:	guest-physical address outside all slots; a port with
 *		LHV_IOEVENTFD_PIO
 * @data:	with LHV_IOEVENTFD_DATAMATCH, only writes of this value; else 0
 * @length:	bytes of the write: 1, 2, 4 or, but for ports, 8; 0, not with
 *		LHV_IOEVENTFD_DATAMATCH: any
 * @fd:		eventfd
 *
 * A write (OUT, OUTS, or an instruction that lhv decodes) at just @address and of
 * just @length, no matter by which vCPU, adds 1 to the eventfd's count and isn't an
 * exit. Reads are exits as before. LHV_IOEVENTFD_DEASSIGN takes what was assigned
 * with the same fields; when it returns no write signals it any more. Errors: EBADF,
 * EINVAL @fd isn't an eventfd; EEXIST one write could mean another one as well;
 * ENOENT none was assigned like that; ENOSPC 1024 were, of ports or of addresses;
 * EINVAL a range that doesn't exist.
 */
struct lhv_ioeventfd {
	__u32 size;
	__u32 flags;
	__u64 address;
	__u64 data;
	__u32 length;
	__s32 fd;
};

#define LHV_IOEVENTFD_DEASSIGN	(1U << 0)
#define LHV_IOEVENTFD_PIO	(1U << 1)
#define LHV_IOEVENTFD_DATAMATCH	(1U << 2)

/**
 * struct lhv_stats - read counters (LHV_VM_GET_STATS, LHV_VCPU_GET_STATS)
 * @size:	sizeof(struct lhv_stats)
 * @flags:	0
 * @count:	in: __u64 that @values has room for; out: counters there are. As
 *		many as fit are stored
 * @reserved:	0
 * @values:	address of the array, indexed by LHV_VM_STAT_* or LHV_VCPU_STAT_*
 *
 * Counters start at 0 with their object and only rise, except where said.
 */
struct lhv_stats {
	__u32 size;
	__u32 flags;
	__u32 count;
	__u32 reserved;
	__u64 values;
};

#define LHV_VM_STAT_EPT_PAGES		0	/* EPT paging structures now held */
#define LHV_VM_STAT_MAPPED_4K		1	/* 4 KiB EPT leaves now present */
#define LHV_VM_STAT_MAPPED_2M		2	/* 2 MiB EPT leaves now present */
#define LHV_VM_STAT_MAPPED_1G		3	/* 1 GiB EPT leaves now present */
#define LHV_VM_STAT_TLB_FLUSHES		4	/* remote flushes of the EPT's TLBs */
#define LHV_VM_STAT_INVALIDATIONS	5	/* MMU notifier invalidations */
#define LHV_VM_STAT_MSIS		6	/* interrupt messages sent */
#define LHV_VM_STAT_COUNT		7

#define LHV_VCPU_STAT_EXITS		0	/* VM exits */
#define LHV_VCPU_STAT_USER_EXITS	1	/* returns of LHV_VCPU_RUN */
#define LHV_VCPU_STAT_IRQ_EXITS		2	/* external-interrupt exits */
#define LHV_VCPU_STAT_IO_EXITS		3	/* I/O instructions */
#define LHV_VCPU_STAT_MMIO_EXITS	4	/* MMIO accesses, APIC page included */
#define LHV_VCPU_STAT_MSR_EXITS		5	/* RDMSR and WRMSR */
#define LHV_VCPU_STAT_CPUID_EXITS	6	/* CPUID */
#define LHV_VCPU_STAT_HLT_EXITS		7	/* HLT */
#define LHV_VCPU_STAT_CR_EXITS		8	/* control-register accesses */
#define LHV_VCPU_STAT_EPT_FAULTS	9	/* EPT violations resolved by mapping */
#define LHV_VCPU_STAT_WINDOW_EXITS	10	/* interrupt and NMI windows */
#define LHV_VCPU_STAT_PAUSE_EXITS	11	/* PAUSE-loop exits */
#define LHV_VCPU_STAT_IRQS_INJECTED	12	/* external interrupts injected */
#define LHV_VCPU_STAT_EXCEPTIONS	13	/* exceptions injected */
#define LHV_VCPU_STAT_NMIS		14	/* NMIs injected */
#define LHV_VCPU_STAT_MIGRATIONS	15	/* moves to another host CPU */
#define LHV_VCPU_STAT_HALT_NS		16	/* time blocked in HLT, ns */
#define LHV_VCPU_STAT_COUNT		17

/**
 * struct lhv_state - read or write one state record (LHV_VM_GET_STATE,
 *	LHV_VM_SET_STATE, LHV_VCPU_GET_STATE, LHV_VCPU_SET_STATE)
 * @size:	sizeof(struct lhv_state)
 * @flags:	0
 * @type:	LHV_STATE_*
 * @version:	the record's version. SET takes every version from 1 up to the
 *		module's own; GET takes 0 for the newest and stores which it is
 * @length:	bytes of payload at @data. GET: in room, out length stored
 * @reserved:	0
 * @data:	address of the payload
 *
 * A vCPU's records are read and written while its LHV_VCPU_RUN isn't running;
 * the call waits for that (it doesn't kick the vCPU). An exit of type IO or
 * MMIO that waits for its completion must be completed before state is saved or
 * REGS are set: run with immediate_exit set until that fails with EINTR (an
 * instruction that reads and writes has two such exits). Completing it stores
 * what was read in a register and moves RIP, over what was set before.
 *
 * SET checks the whole payload before it changes anything. Errors: ENOENT
 * unknown type; EOPNOTSUPP unknown version; ENOSPC GET's @length too small, the
 * needed length is stored in @length; EINVAL SET's @length or a field is wrong.
 */
struct lhv_state {
	__u32 size;
	__u32 flags;
	__u16 type;
	__u16 version;
	__u32 length;
	__u64 reserved;
	__u64 data;
};

/* Record types, of a vCPU where not said otherwise. The payload follows. */
#define LHV_STATE_REGS		1	/* struct lhv_regs */
#define LHV_STATE_SREGS		2	/* struct lhv_sregs */
#define LHV_STATE_XSAVE		3	/* XSAVE area, standard format */
#define LHV_STATE_XCRS		4	/* struct lhv_xcrs */
#define LHV_STATE_DEBUGREGS	5	/* struct lhv_debugregs */
#define LHV_STATE_EVENTS	6	/* struct lhv_events */
#define LHV_STATE_LAPIC		7	/* struct lhv_lapic_state */
#define LHV_STATE_MP		8	/* struct lhv_mp_state */
#define LHV_STATE_MSRS		9	/* array of struct lhv_msr */
#define LHV_STATE_CPUID		10	/* array of struct lhv_cpuid_entry */
#define LHV_STATE_TSC		11	/* struct lhv_tsc */
#define LHV_STATE_CLOCK		64	/* struct lhv_clock; of a VM, GET only */

/*
 * LHV_STATE_CPUID: at most LHV_MAX_CPUID_ENTRIES entries, no two for the same leaf
 * and sub-leaf, in any order; GET gives them sorted by leaf and sub-leaf. The APIC
 * id in leaves 1, 0BH and 1FH is always the vCPU's own. EINVAL also for a physical
 * address width (leaf 80000008H, EAX bits 7:0) outside 32 to 52.
 */

/* General-purpose registers; version 1. */
struct lhv_regs {
	__u64 rax, rcx, rdx, rbx;
	__u64 rsp, rbp, rsi, rdi;
	__u64 r8, r9, r10, r11;
	__u64 r12, r13, r14, r15;
	__u64 rip, rflags;
};

/**
 * struct lhv_segment - a segment register with its hidden part
 * @base:	base address
 * @limit:	limit, bytes
 * @selector:	visible part
 * @reserved0:	0
 * @access:	access rights in the VMCS' format (SDM 3C 25.4.1, table 25-2);
 *		bit 16 set: unusable
 * @reserved1:	0
 */
struct lhv_segment {
	__u64 base;
	__u32 limit;
	__u16 selector;
	__u16 reserved0;
	__u32 access;
	__u32 reserved1;
};

/* Base and limit of GDTR or IDTR. */
struct lhv_dtable {
	__u64 base;
	__u32 limit;
	__u32 reserved;
};

/*
 * Segments, descriptor tables and control registers; version 1. SET fails with
 * EINVAL if a control register or EFER has a bit that the guest's CPU doesn't
 * have, or they contradict each other (SDM 3C 27.3.1.1). cr8 is TPR bits 7:4.
 * With PAE paging outside long mode, the PDPTEs are read from memory again, as by
 * MOV to CR3 (SDM 3A 4.4.1).
 */
struct lhv_sregs {
	struct lhv_segment cs, ds, es, fs, gs, ss, tr, ldt;
	struct lhv_dtable gdt, idt;
	__u64 cr0, cr2, cr3, cr4, cr8;
	__u64 efer;
	__u64 apic_base;
};

/* Extended control registers; version 1. */
struct lhv_xcrs {
	__u64 xcr0;
};

/* Debug registers; version 1. */
struct lhv_debugregs {
	__u64 db[4];
	__u64 dr6;
	__u64 dr7;
};

/**
 * struct lhv_events - events that are pending or under way; version 1
 * @exception_pending:	1: an exception is to be injected at the next entry
 * @exception_vector:	its vector, 0 to 31, not 2
 * @exception_has_error: 1: it pushes @exception_error
 * @exception_soft:	1: it is #BP or #OF from INT3 or INTO; @instruction_length
 * @exception_error:	error code
 * @exception_payload:	CR2 for a page fault, DR6 bits for a debug exception
 * @exception_has_payload: 1: @exception_payload is not yet in CR2 or DR6
 * @interrupt_pending:	1: a vector left the APIC's IRR and is not yet injected
 * @interrupt_vector:	which
 * @interrupt_soft:	1: it is an INTn; its length is @instruction_length
 * @instruction_length:	bytes of the instruction, for software events
 * @shadow:		LHV_SHADOW_*: instruction-boundary blocking
 * @nmi_pending:	NMIs waiting, 0 to 2
 * @nmi_masked:		1: NMIs are blocked until IRET
 * @nmi_injected:	1: an NMI is to be delivered at the next entry
 * @smi_pending:	0
 * @init_pending:	1: an INIT waits
 * @sipi_pending:	1: a start-up IPI waits
 * @sipi_vector:	its vector
 * @triple_fault:	1: the vCPU leaves with LHV_EXIT_SHUTDOWN at the next run
 * @debug_pending:	debug traps that wait for the next instruction boundary without
 *			blocking by MOV SS, in the VMCS' format (SDM 3C 25.4.2): bits
 *			3:0 and 12, breakpoints; bit 14, a single step. With @shadow
 *			and RFLAGS.TF, bit 14 must be set unless only branches trap
 * @keep_pending:	SET: 1 leaves what others send at any time, @nmi_pending,
 *			@init_pending and @sipi_*, as it is then. GET: 0
 * @reserved:		0
 */
struct lhv_events {
	__u8 exception_pending;
	__u8 exception_vector;
	__u8 exception_has_error;
	__u8 exception_soft;
	__u32 exception_error;
	__u64 exception_payload;
	__u8 exception_has_payload;
	__u8 interrupt_pending;
	__u8 interrupt_vector;
	__u8 interrupt_soft;
	__u8 instruction_length;
	__u8 shadow;
	__u8 nmi_pending;
	__u8 nmi_masked;
	__u8 nmi_injected;
	__u8 smi_pending;
	__u8 init_pending;
	__u8 sipi_pending;
	__u8 sipi_vector;
	__u8 triple_fault;
	__u16 debug_pending;
	__u8 keep_pending;
	__u8 reserved[15];
};

#define LHV_SHADOW_STI		(1U << 0)
#define LHV_SHADOW_MOV_SS	(1U << 1)

/**
 * struct lhv_lapic_state - the local APIC; version 1
 * @regs:	register page as xAPIC mode shows it: the register at MMIO offset
 *		16 * n is word 4 * n. In x2APIC mode ICR's high half is word 0xc4,
 *		and ID and LDR are the 32-bit ones
 * @timer_expiry: guest TSC at which the timer fires next, in any of its modes;
 *		0 if it is not armed
 *
 * IA32_APIC_BASE and IA32_TSC_DEADLINE are in sregs and LHV_STATE_MSRS. Write
 * them in this order: CPUID, SREGS, TSC, LAPIC, MSRS. Word 0xa4 holds the errors
 * that the next write of ESR will show.
 */
struct lhv_lapic_state {
	__u32 regs[256];
	__u64 timer_expiry;
};

#define LHV_MP_RUNNABLE		0
#define LHV_MP_HALTED		1	/* in HLT */
#define LHV_MP_WAIT_SIPI	2	/* after INIT */

/* Activity of a vCPU; version 1. */
struct lhv_mp_state {
	__u32 state;		/* LHV_MP_* */
	__u32 reserved;
};

/**
 * struct lhv_msr - one model-specific register
 * @index:	MSR number; GET reads it from the caller's buffer
 * @reserved:	0
 * @value:	its value
 *
 * The payload of LHV_STATE_MSRS is an array of these, of at most 512. GET and
 * SET fail with EINVAL if one is unknown or its value is refused, and then
 * @reserved of the first offender in the caller's buffer is set to 1; a SET has
 * by then written those before it.
 */
struct lhv_msr {
	__u32 index;
	__u32 reserved;
	__u64 value;
};

/**
 * struct lhv_tsc - the vCPU's time-stamp counter; version 1
 * @offset:	guest TSC minus host TSC, modulo 2^64
 * @khz:	its frequency; SET takes only the host's own
 * @reserved:	0
 *
 * All vCPUs of a VM start with the same offset, by which the guest's TSC was 0
 * when its VM was created.
 */
struct lhv_tsc {
	__u64 offset;
	__u32 khz;
	__u32 reserved;
};

/**
 * struct lhv_clock - one instant on several clocks; version 1
 * @host_tsc:		host TSC
 * @tsc_offset:		the VM's default TSC offset
 * @boottime_ns:	CLOCK_BOOTTIME
 * @realtime_ns:	CLOCK_REALTIME
 * @tsc_khz:		TSC frequency
 * @reserved:		0
 */
struct lhv_clock {
	__u64 host_tsc;
	__u64 tsc_offset;
	__u64 boottime_ns;
	__u64 realtime_ns;
	__u32 tsc_khz;
	__u32 reserved;
};

#define LHV_VM_CREATE_VCPU	_IO(LHV_IOC_TYPE, 0x20)
#define LHV_VM_SET_MEMORY	_IO(LHV_IOC_TYPE, 0x21)
#define LHV_VM_GET_DIRTY_LOG	_IO(LHV_IOC_TYPE, 0x22)
#define LHV_VM_SEND_MSI		_IO(LHV_IOC_TYPE, 0x23)
#define LHV_VM_GET_STATS	_IO(LHV_IOC_TYPE, 0x24)
#define LHV_VM_GET_STATE	_IO(LHV_IOC_TYPE, 0x25)
#define LHV_VM_SET_STATE	_IO(LHV_IOC_TYPE, 0x26)
#define LHV_VM_IRQFD		_IO(LHV_IOC_TYPE, 0x27)
#define LHV_VM_IOEVENTFD	_IO(LHV_IOC_TYPE, 0x28)

/* ---- vCPU -------------------------------------------------------------- */

/*
 * LHV_VCPU_RUN: run the vCPU until userspace is needed. Takes no argument; one
 * thread at a time. Returns 0 with run->exit_reason set, or fails with
 *   EINTR   a signal is pending, immediate_exit was set, or the kernel has other
 *           work to do before the thread goes on; the vCPU's state is complete
 *           (an access that userspace had answered is completed first). Calling
 *           again is always right
 *   EIO     see above
 */
#define LHV_VCPU_RUN		_IO(LHV_IOC_TYPE, 0x40)
#define LHV_VCPU_GET_STATE	_IO(LHV_IOC_TYPE, 0x41)
#define LHV_VCPU_SET_STATE	_IO(LHV_IOC_TYPE, 0x42)
#define LHV_VCPU_GET_STATS	_IO(LHV_IOC_TYPE, 0x43)

/* Exit reasons: which member of struct lhv_run's union counts. */
#define LHV_EXIT_NONE		0	/* not run yet */
#define LHV_EXIT_IO		1	/* io: port access to complete */
#define LHV_EXIT_MMIO		2	/* mmio: memory access to complete */
#define LHV_EXIT_EOI		3	/* eoi: end of a level-triggered interrupt */
#define LHV_EXIT_SHUTDOWN	4	/* triple fault; no data */
#define LHV_EXIT_FAIL_ENTRY	5	/* fail_entry: VM entry failed */
#define LHV_EXIT_UNHANDLED	6	/* unhandled: a VM exit without a handler */
#define LHV_EXIT_UNDECODED	7	/* undecoded: an access the module can't decode */
#define LHV_EXIT_MEMORY_FAULT	8	/* memory_fault: no host page to be had */

#define LHV_IO_IN		0
#define LHV_IO_OUT		1

#define LHV_RUN_DATA_OFFSET	1024
#define LHV_RUN_DATA_SIZE	1024

/**
 * struct lhv_run - the page shared with a vCPU (MAP_SHARED of its fd, offset 0)
 * @immediate_exit:	in: not 0 makes LHV_VCPU_RUN return EINTR before it enters
 *			the guest. May be set by a signal handler
 * @reserved0:		not read
 * @exit_reason:	out: LHV_EXIT_*
 * @reserved1:		not read
 * @rip:		out: the guest's RIP. For IO and MMIO that of the access; it
 *			moves past it when the access is completed
 * @io:			@size bytes (1, 2 or 4) at @port, @count times (string
 *			instructions; else 1), moved through @data. OUT: @data
 *			holds what to write. IN: the caller stores there what was
 *			read before it runs the vCPU again
 * @mmio:		@len bytes (1 to 8) at @gpa. As with @io, but through
 *			@mmio.data, little-endian
 * @eoi:		@vector as in the message. Nothing to complete
 * @fail_entry:		@hardware_reason: basic exit reason with bit 31 set (SDM 3C
 *			27.8), or 0 if VMLAUNCH or VMRESUME failed with
 *			@instruction_error (SDM 3C 31.4). @qualification: exit
 *			qualification. @cpu: host CPU. The guest state as it stands
 *			can be read with LHV_VCPU_GET_STATE. The vCPU can run again
 *			once its state was mended
 * @unhandled:		@hardware_reason, @qualification: of the exit;
 *			@interruption_info, @error_code: VM-exit interruption
 *			information, of an exit for an exception
 * @undecoded:		@gpa, the access; @bytes, the first @length bytes of the
 *			instruction (0 if they can't be read). Also for what has more
 *			than one device access in it: MOVS from device to device,
 *			and accesses that cross into another page. The caller may
 *			do the access itself, move RIP, and go on
 * @memory_fault:	@gpa, the access (LHV_MEMORY_FAULT_* @access); @error: the
 *			negative errno with which the host refused the page (EFAULT:
 *			nothing mapped at the slot's address; EHWPOISON)
 * @pad:		room for later exits
 * @data:		see @io
 */
struct lhv_run {
	__u8 immediate_exit;
	__u8 reserved0[7];
	__u32 exit_reason;
	__u32 reserved1;
	__u64 rip;
	union {
		struct {
			__u16 port;
			__u8 size;
			__u8 direction;
			__u32 count;
		} io;
		struct {
			__u64 gpa;
			__u32 len;
			__u32 is_write;
			__u8 data[8];
		} mmio;
		struct {
			__u32 vector;
		} eoi;
		struct {
			__u32 hardware_reason;
			__u32 instruction_error;
			__u64 qualification;
			__u32 cpu;
			__u32 reserved;
		} fail_entry;
		struct {
			__u32 hardware_reason;
			__u32 interruption_info;
			__u64 qualification;
			__u32 error_code;
			__u32 reserved;
		} unhandled;
		struct {
			__u64 gpa;
			__u32 length;
			__u8 bytes[15];
			__u8 reserved;
		} undecoded;
		struct {
			__u64 gpa;
			__u32 access;
			__s32 error;
		} memory_fault;
		__u8 pad[1000];
	};
	__u8 data[LHV_RUN_DATA_SIZE];
};

#define LHV_MEMORY_FAULT_READ	(1U << 0)
#define LHV_MEMORY_FAULT_WRITE	(1U << 1)
#define LHV_MEMORY_FAULT_EXEC	(1U << 2)

#endif /* _UAPI_LHV_H */
