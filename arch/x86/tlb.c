// SPDX-License-Identifier: GPL-2.0-only
/*
 * INVEPT and INVVPID (SDM 3C 31.3): what a CPU has cached of the guest's
 * address translations
 */
#include <linux/kernel.h>

#include "arch/x86/vmx.h"
#include "arch/x86/vmx_caps.h"

#define INVEPT_SINGLE	1
#define INVEPT_ALL	2
#define INVVPID_SINGLE	1

struct invalidate_descriptor {
	u64 context;
	u64 address;
};

void lhv_flush_ept(u64 eptp)
{
	struct invalidate_descriptor desc = { .context = eptp };
	unsigned long type = lhv_vmx_caps.invept_single ? INVEPT_SINGLE : INVEPT_ALL;
	bool failed = false;

	asm volatile("1: invept %[desc], %[type]\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@ccna" (failed) : [desc] "m" (desc), [type] "r" (type) : "memory");
	if (unlikely(failed))
		lhv_vmcs_error("INVEPT", type);
}

void lhv_flush_vpid(u16 vpid)
{
	struct invalidate_descriptor desc = { .context = vpid };
	bool failed = false;

	/* Without a VPID each entry and exit flushes (SDM 3C 29.3.3.3). */
	if (!vpid)
		return;
	asm volatile("1: invvpid %[desc], %[type]\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@ccna" (failed)
		     : [desc] "m" (desc), [type] "r" ((unsigned long)INVVPID_SINGLE) : "memory");
	if (unlikely(failed))
		lhv_vmcs_error("INVVPID", vpid);
}
