/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMCS: its region, where it is active, and access to its fields
 *
 * Fields have the names of <asm/vmx.h>, which are the SDM's (3D appendix B).
 * An accessor works on the current VMCS and loads none: the vCPU must be
 * loaded (lhv_vcpu_load()). The accessor's width must be the field's.
 */
#ifndef LHV_VMCS_H
#define LHV_VMCS_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/vmx.h>

struct lhv_vcpu;

/* SDM 3C 25.2 */
struct vmcs {
	u32 revision;
	u32 abort;
	char data[];
};

/* Field width: bits 14:13 of the encoding (SDM 3C 25.11.2); bit 0: high half. */
enum vmcs_width { VMCS_16, VMCS_64, VMCS_32, VMCS_NATURAL };

static __always_inline void vmcs_check_width(unsigned long field, enum vmcs_width width)
{
	BUILD_BUG_ON_MSG(__builtin_constant_p(field) &&
			 (((field >> 13) & 3) != width || (field & 1)),
			 "accessor of another width than the VMCS field's");
}

/* A VMREAD or VMWRITE failed: counted, warned of once. Any context. */
void lhv_vmcs_error(const char *instruction, unsigned long field);

/*
 * If VMX was switched off under a vCPU (reboot) the instruction faults: it is
 * passed over, and the run loop stops at lhv_rebooting.
 */
static __always_inline unsigned long __vmcs_read(unsigned long field)
{
	unsigned long value = 0;
	bool failed = false;

	asm volatile("1: vmread %[field], %[value]\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : [value] "+r" (value), "=@ccna" (failed)
		     : [field] "r" (field));
	if (unlikely(failed))
		lhv_vmcs_error("VMREAD", field);
	return value;
}

static __always_inline void __vmcs_write(unsigned long field, unsigned long value)
{
	bool failed;

	asm volatile("1: vmwrite %[value], %[field]\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@ccna" (failed)
		     : [field] "r" (field), [value] "rm" (value));
	if (unlikely(failed))
		lhv_vmcs_error("VMWRITE", field);
}

static __always_inline u16 vmcs_read16(unsigned long field)
{
	vmcs_check_width(field, VMCS_16);
	return __vmcs_read(field);
}

static __always_inline u32 vmcs_read32(unsigned long field)
{
	vmcs_check_width(field, VMCS_32);
	return __vmcs_read(field);
}

static __always_inline u64 vmcs_read64(unsigned long field)
{
	vmcs_check_width(field, VMCS_64);
	return __vmcs_read(field);
}

static __always_inline unsigned long vmcs_read_l(unsigned long field)
{
	vmcs_check_width(field, VMCS_NATURAL);
	return __vmcs_read(field);
}

static __always_inline void vmcs_write16(unsigned long field, u16 value)
{
	vmcs_check_width(field, VMCS_16);
	__vmcs_write(field, value);
}

static __always_inline void vmcs_write32(unsigned long field, u32 value)
{
	vmcs_check_width(field, VMCS_32);
	__vmcs_write(field, value);
}

static __always_inline void vmcs_write64(unsigned long field, u64 value)
{
	vmcs_check_width(field, VMCS_64);
	__vmcs_write(field, value);
}

static __always_inline void vmcs_write_l(unsigned long field, unsigned long value)
{
	vmcs_check_width(field, VMCS_NATURAL);
	__vmcs_write(field, value);
}

/*
 * The control fields that change at run time are cached in struct
 * lhv_vcpu_arch, and written when they change.
 */
static __always_inline void vmcs_set_control(unsigned long field, u32 *cache, u32 value)
{
	if (*cache == value)
		return;
	*cache = value;
	vmcs_write32(field, value);
}

/* ---- arch/x86/vmcs.c ---- */

/**
 * lhv_vmcs_alloc - a VMCS region of this CPU's revision
 *
 * Return: the region, inactive and clear, or NULL. Process context, VMX on.
 */
struct vmcs *lhv_vmcs_alloc(void);
void lhv_vmcs_free(struct vmcs *vmcs);

/**
 * lhv_vmcs_load - make a vCPU's VMCS current and active on this CPU
 * @vcpu: the vCPU
 * @cpu: this CPU
 *
 * If it is active on another CPU it is cleared there first (SDM 3C 25.11.1).
 * Context: preemption off, interrupts on. Return: true if the VMCS comes from
 * another CPU, or none, so that fields that depend on the CPU must be written.
 */
bool lhv_vmcs_load(struct lhv_vcpu *vcpu, int cpu);

/**
 * lhv_vmcs_clear - make a vCPU's VMCS inactive, wherever it is active
 * @vcpu: the vCPU
 *
 * Context: process context, interrupts on.
 */
void lhv_vmcs_clear(struct lhv_vcpu *vcpu);

/* Clear all VMCSs that are active on this CPU, before VMXOFF. Interrupts off. */
void lhv_vmcs_clear_cpu(void);

/* Module load. */
void lhv_vmcs_init_lists(void);

#endif /* LHV_VMCS_H */
