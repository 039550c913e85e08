// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSR bitmap (SDM 3C 25.6.9): MSRs that the guest reads and writes without
 * an exit, because the VMCS or the thread's switching keeps them apart from the
 * host's
 */
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>

#include "arch/x86/msr.h"

unsigned long *lhv_msr_bitmap;

/*
 * In bits: reading 0 to 1FFFH comes first, C0000000H to C0001FFFH from
 * BITMAP_HIGH; the same for writing from BITMAP_WRITE.
 */
#define BITMAP_HIGH	(0x400 * 8)
#define BITMAP_WRITE	(0x800 * 8)

static void pass_read(u32 index)
{
	clear_bit((index & 0x1fff) + (index >> 31 ? BITMAP_HIGH : 0), lhv_msr_bitmap);
}

static void pass_write(u32 index)
{
	clear_bit((index & 0x1fff) + (index >> 31 ? BITMAP_HIGH : 0) + BITMAP_WRITE,
		  lhv_msr_bitmap);
}

int lhv_msr_bitmap_init(void)
{
	static const u32 pass[] = {
		MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_ESP, MSR_IA32_SYSENTER_EIP,
		MSR_IA32_CR_PAT, MSR_EFER, MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE,
	};
	/* Guests write these once. That lhv knows them spares reading them back. */
	static const u32 pass_reads[] = {
		MSR_IA32_TSC, MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SYSCALL_MASK,
	};
	int i;

	lhv_msr_bitmap = (unsigned long *)__get_free_page(GFP_KERNEL);
	if (!lhv_msr_bitmap)
		return -ENOMEM;
	memset(lhv_msr_bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(pass_reads); i++)
		pass_read(pass_reads[i]);
	for (i = 0; i < ARRAY_SIZE(pass); i++) {
		pass_read(pass[i]);
		pass_write(pass[i]);
	}
	if (boot_cpu_has(X86_FEATURE_RDTSCP))
		pass_read(MSR_TSC_AUX);
	return 0;
}

void lhv_msr_bitmap_exit(void)
{
	free_page((unsigned long)lhv_msr_bitmap);
}
