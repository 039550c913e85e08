/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels, in one place. Each LHV_HAVE_ is set by Kbuild,
 * which looks for the feature itself, not for a version.
 */
#ifndef LHV_COMPAT_H
#define LHV_COMPAT_H

#include <linux/eventfd.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <linux/types.h>
#include <asm/fpu/api.h>
#include <asm/mce.h>
#include <asm/reboot.h>

/*
 * VMXOFF when the host crashes: newer kernels ask who switched VMX on; older
 * ones do it themselves on each CPU whose CR4 has VMXE.
 */
#ifdef LHV_HAVE_EMERGENCY_CALLBACK
static inline void lhv_register_emergency_off(void (*off)(void))
{
	cpu_emergency_register_virt_callback(off);
}

static inline void lhv_unregister_emergency_off(void (*off)(void))
{
	cpu_emergency_unregister_virt_callback(off);
}
#else
static inline void lhv_register_emergency_off(void (*off)(void))
{
}

static inline void lhv_unregister_emergency_off(void (*off)(void))
{
}
#endif

/* The guest's FPU state in the standard XSAVE format. It has no PKRU of its own. */
#ifdef LHV_HAVE_FPSTATE_XFEATURES
static inline void lhv_fpu_copy_out(struct fpu_guest *fpu, void *buf, unsigned int size)
{
	fpu_copy_guest_fpstate_to_uabi(fpu, buf, size, fpu->xfeatures, 0);
}
#else
static inline void lhv_fpu_copy_out(struct fpu_guest *fpu, void *buf, unsigned int size)
{
	fpu_copy_guest_fpstate_to_uabi(fpu, buf, size, 0);
}
#endif

/*
 * Syscore operations: newer kernels hand each callback a pointer. Callbacks are
 * declared with LHV_SYSCORE_ARG; LHV_DEFINE_SYSCORE() makes what
 * lhv_register_syscore() takes.
 */
#ifdef LHV_HAVE_SYSCORE_DATA
#define LHV_SYSCORE_ARG		void *unused
#define LHV_DEFINE_SYSCORE(name, ...)					\
	static const struct syscore_ops name##_ops = { __VA_ARGS__ };	\
	static struct syscore name = { .ops = &name##_ops }
#define lhv_register_syscore	register_syscore
#define lhv_unregister_syscore	unregister_syscore
#else
#define LHV_SYSCORE_ARG		void
#define LHV_DEFINE_SYSCORE(name, ...)					\
	static struct syscore_ops name = { __VA_ARGS__ }
#define lhv_register_syscore	register_syscore_ops
#define lhv_unregister_syscore	unregister_syscore_ops
#endif

/*
 * A machine check that hit the guest is for the host to handle, as one of user
 * mode: what can be recovered costs the VMM's process, not the host.
 */
#ifdef CONFIG_X86_MCE
static inline void lhv_machine_check(void)
{
	struct pt_regs regs = { .cs = 3, .flags = X86_EFLAGS_IF };

	do_machine_check(&regs);
}
#else
static inline void lhv_machine_check(void)
{
}
#endif

/* The guest's stay was a quiescent state of RCU's. Preemption off. */
#ifdef LHV_HAVE_RCU_VIRT_NOTE_VOID
static inline void lhv_rcu_note_guest(void)
{
	rcu_virt_note_context_switch();
}
#else
static inline void lhv_rcu_note_guest(void)
{
	rcu_virt_note_context_switch(smp_processor_id());
}
#endif

#ifdef LHV_HAVE_EVENTFD_SIGNAL_ONE
static inline void lhv_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx);
}
#else
static inline void lhv_eventfd_signal(struct eventfd_ctx *ctx)
{
	eventfd_signal(ctx, 1);
}
#endif

/* Did the thread run into memory.high of its cgroup, so that it is to be slowed? */
#ifdef CONFIG_MEMCG
static inline bool lhv_memcg_over_high(void)
{
	return current->memcg_nr_pages_over_high;
}
#else
static inline bool lhv_memcg_over_high(void)
{
	return false;
}
#endif

#endif /* LHV_COMPAT_H */
