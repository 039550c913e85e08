// SPDX-License-Identifier: GPL-2.0-only
/* Registers, segments and operands of the instruction that is emulated. */
#include <string.h>

#include "emulate_impl.h"
#include "translate.h"

#define PAGE_SIZE	4096

#define APIC_BASE_ENABLED	BIT(11)
#define APIC_BASE_X2APIC	BIT(10)

/* ---- registers ---- */

void gpr_set(struct emulate *e, unsigned int n, unsigned int size, u64 value)
{
	u64 mask = size_mask(size);

	if (size < 4)
		value = (*gpr(e, n) & ~mask) | (value & mask);
	*gpr(e, n) = size == 4 ? (u32)value : value;
}

struct lhv_segment *segment(struct emulate *e, unsigned int seg)
{
	switch (seg) {
	case SEG_ES:
		return &e->sregs.es;
	case SEG_CS:
		return &e->sregs.cs;
	case SEG_SS:
		return &e->sregs.ss;
	case SEG_FS:
		return &e->sregs.fs;
	case SEG_GS:
		return &e->sregs.gs;
	default:
		return &e->sregs.ds;
	}
}

bool is_protected(const struct emulate *e)
{
	return e->sregs.cr0 & CR0_PE && !(e->regs.rflags & RFLAGS_VM);
}

unsigned int code_bits(const struct emulate *e)
{
	if (e->sregs.efer & EFER_LMA && e->sregs.cs.access & ACCESS_LONG)
		return 64;
	return e->sregs.cs.access & ACCESS_DB ? 32 : 16;
}

unsigned int cpl(const struct emulate *e)
{
	if (!(e->sregs.cr0 & CR0_PE))
		return 0;
	return e->regs.rflags & RFLAGS_VM ? 3 : ACCESS_DPL(e->sregs.ss.access);
}

bool is_canonical(const struct emulate *e, u64 linear)
{
	unsigned int unused = 64 - (e->sregs.cr4 & CR4_LA57 ? 57 : 48);

	return (u64)((s64)(linear << unused) >> unused) == linear;
}

/* ---- faults ---- */

enum emulate_result fault(struct emulate *e, u8 vector)
{
	e->exception = (struct emulate_exception){ .vector = vector };
	return EMULATE_FAULT;
}

enum emulate_result fault_error(struct emulate *e, u8 vector, u32 error)
{
	e->exception = (struct emulate_exception){
		.vector = vector, .has_error = true, .error = error,
	};
	return EMULATE_FAULT;
}

static enum emulate_result page_fault(struct emulate *e, u64 linear, u32 error)
{
	fault_error(e, VECTOR_PF, error);
	e->exception.payload = linear;
	return EMULATE_FAULT;
}

/* ---- segments ---- */

/* Offsets up to the limit, or those above it if the segment expands down. */
static bool within_limit(const struct lhv_segment *s, u64 first, u64 last)
{
	u64 top = s->access & ACCESS_DB ? UINT32_MAX : UINT16_MAX;

	if ((s->access & (ACCESS_CODE | ACCESS_DOWN)) == ACCESS_DOWN)
		return first > s->limit && last <= top;
	return last <= s->limit;
}

static bool segment_ok(struct emulate *e, const struct lhv_segment *s, u64 offset,
		       unsigned int size, u8 access)
{
	if (s->access & ACCESS_UNUSABLE || !within_limit(s, offset, offset + size - 1))
		return false;
	if (!is_protected(e))
		return true;
	if (access & ACCESS_WRITE)
		return !(s->access & ACCESS_CODE) && s->access & ACCESS_RW;
	return !(s->access & ACCESS_CODE) || s->access & ACCESS_RW;
}

static enum emulate_result to_linear(struct emulate *e, unsigned int seg, u64 offset,
				     unsigned int size, u8 access, u64 *linear)
{
	const struct lhv_segment *s = segment(e, seg);
	bool ok;

	if (code_bits(e) == 64) {
		*linear = offset + (seg == SEG_FS || seg == SEG_GS ? s->base : 0);
		ok = is_canonical(e, *linear) && is_canonical(e, *linear + size - 1);
	} else {
		*linear = (u32)(s->base + offset);
		ok = segment_ok(e, s, offset, size, access);
	}
	if (!ok)
		return fault_error(e, seg == SEG_SS ? VECTOR_SS : VECTOR_GP, 0);
	return EMULATE_DONE;
}

/* ---- operands ---- */

/* The local APIC is in the kernel, and has no door for this. */
static bool is_lapic(const struct emulate *e, u64 gpa)
{
	u64 base = e->sregs.apic_base;

	return (base & (APIC_BASE_ENABLED | APIC_BASE_X2APIC)) == APIC_BASE_ENABLED &&
	       align_down(gpa, PAGE_SIZE) == align_down(base, PAGE_SIZE);
}

static enum emulate_result prepare_parts(struct emulate *e, struct operand *o,
					 const struct guest_access *access)
{
	u64 linear = o->linear;
	unsigned int i, left = o->size;
	u32 error;

	memset(o->part, 0, sizeof(o->part));
	for (i = 0; left; i++) {
		struct operand_part *part = &o->part[i];

		part->size = min_u64(left, PAGE_SIZE - linear % PAGE_SIZE);
		if (!translate_access(e->memory, &e->sregs, access, linear, &part->gpa, &error))
			return page_fault(e, linear, error);
		part->ram = memory_at(e->memory, part->gpa, part->size);
		if (!part->ram && is_lapic(e, part->gpa))
			return EMULATE_UNKNOWN;
		left -= part->size;
		linear += part->size;
		if (!(e->sregs.efer & EFER_LMA))
			linear = (u32)linear;
	}
	return EMULATE_DONE;
}

enum emulate_result operand_prepare(struct emulate *e, struct operand *o, unsigned int seg,
				    u64 offset, unsigned int size, u8 access)
{
	const struct guest_access how = {
		.access = (access & ACCESS_WRITE ? PF_WRITE : 0) | (cpl(e) == 3 ? PF_USER : 0),
		.smap = e->sregs.cr4 & CR4_SMAP && !(e->regs.rflags & RFLAGS_AC),
		.phys_bits = e->phys_bits,
	};
	enum emulate_result result;

	o->size = size;
	result = to_linear(e, seg, offset, size, access, &o->linear);
	if (result)
		return result;
	return prepare_parts(e, o, &how);
}

enum emulate_result operand_prepare_system(struct emulate *e, struct operand *o, u64 linear,
					   unsigned int size, u8 access)
{
	const struct guest_access how = {
		.access = access & ACCESS_WRITE ? PF_WRITE : 0,
		.smap = e->sregs.cr4 & CR4_SMAP,
		.phys_bits = e->phys_bits,
	};

	o->size = size;
	o->linear = e->sregs.efer & EFER_LMA ? linear : (u32)linear;
	return prepare_parts(e, o, &how);
}

void operand_read(struct emulate *e, const struct operand *o, void *data)
{
	u8 *to = data;
	unsigned int i, done;

	for (i = 0; i < 2; i++) {
		const struct operand_part *part = &o->part[i];

		if (part->ram)
			memcpy(to, part->ram, part->size);
		else
			for (done = 0; done < part->size; done += 8)
				bus_read(e->mmio, part->gpa + done, to + done,
					 min_u64(part->size - done, 8));
		to += part->size;
	}
}

void operand_write(struct emulate *e, const struct operand *o, const void *data)
{
	const u8 *from = data;
	unsigned int i, done;

	for (i = 0; i < 2; i++) {
		const struct operand_part *part = &o->part[i];

		if (part->ram)
			memcpy(part->ram, from, part->size);
		else
			for (done = 0; done < part->size; done += 8)
				bus_write(e->mmio, part->gpa + done, from + done,
					  min_u64(part->size - done, 8));
		from += part->size;
	}
}

u64 operand_value(struct emulate *e, const struct operand *o)
{
	u64 value = 0;

	operand_read(e, o, &value);
	return value;
}

u64 effective_address(struct emulate *e, const struct insn *insn)
{
	u64 address = insn->displacement;

	if (insn->base == GPR_RIP)
		address += e->regs.rip + insn->length;
	else if (insn->base != GPR_NONE)
		address += *gpr(e, insn->base);
	if (insn->index != GPR_NONE)
		address += (u64)*gpr(e, insn->index) << insn->scale;
	return address & size_mask(insn->address_size);
}

enum emulate_result prepare_memory(struct emulate *e, const struct insn *insn, struct operand *o)
{
	return operand_prepare(e, o, insn->segment, effective_address(e, insn), insn->size,
			       insn->access);
}

enum emulate_result fetch_code(struct emulate *e, u8 *bytes, unsigned int *have,
			       unsigned int size)
{
	const struct guest_access how = {
		.access = PF_FETCH | (cpl(e) == 3 ? PF_USER : 0),
		.phys_bits = e->phys_bits,
	};
	struct operand o = { 0 };

	for (; *have < size; ++*have) {
		u64 rip = e->regs.rip + *have;
		u32 error;

		o.linear = code_bits(e) == 64 ? rip : (u32)(e->sregs.cs.base + rip);
		if (!translate_access(e->memory, &e->sregs, &how, o.linear, &o.part[0].gpa, &error))
			return page_fault(e, o.linear, error);
		o.part[0].ram = memory_at(e->memory, o.part[0].gpa, 1);
		if (!o.part[0].ram)
			return EMULATE_UNKNOWN;
		bytes[*have] = *o.part[0].ram;
	}
	return EMULATE_DONE;
}
