/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels, in one place. Each LHV_HAVE_ is set by Kbuild,
 * which looks for the feature itself, not for a version.
 */
#ifndef LHV_COMPAT_H
#define LHV_COMPAT_H

#include <linux/sched.h>
#include <linux/types.h>
#include <asm/fpu/api.h>
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
