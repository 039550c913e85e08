// SPDX-License-Identifier: GPL-2.0-only
#include "vm.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest_image.h"

/* Access rights in the VMCS' format (SDM 3C table 25-2). */
#define ACCESS_REAL_CODE	0x009b
#define ACCESS_REAL_DATA	0x0093
#define ACCESS_CODE32		0xc09b
#define ACCESS_CODE64		0xa09b
#define ACCESS_DATA		0xc093
#define ACCESS_TSS		0x008b
#define ACCESS_LDT		0x0082

struct vcpu *vcpu_create(struct vm *vm, u32 id)
{
	struct vcpu *vcpu;

	REQUIRE(id < VM_MAX_VCPUS);
	vcpu = &vm->vcpu[id];
	REQUIRE(vcpu->fd < 0);
	vcpu->fd = REQUIRE_OK(lhv_create_vcpu(vm->fd, id));
	vcpu->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	REQUIRE(vcpu->run != MAP_FAILED);
	return vcpu;
}

void vcpu_close(struct vcpu *vcpu)
{
	munmap(vcpu->run, vcpu->vm->run_size);
	close(vcpu->fd);
	vcpu->fd = -1;
}

void vcpu_get(struct vcpu *vcpu, u16 type, void *data, u32 length)
{
	int ret = lhv_get_state(vcpu->fd, type, data, length);

	if (ret)
		FAIL("reading state record %u: %s", type, strerror(-ret));
}

void vcpu_set(struct vcpu *vcpu, u16 type, const void *data, u32 length)
{
	int ret = lhv_set_state(vcpu->fd, type, data, length);

	if (ret)
		FAIL("writing state record %u: %s", type, strerror(-ret));
}

void vcpu_set_mp(struct vcpu *vcpu, u32 state)
{
	struct lhv_mp_state mp = { .state = state };

	vcpu_set(vcpu, LHV_STATE_MP, &mp, sizeof(mp));
}

u64 vcpu_get_msr(struct vcpu *vcpu, u32 index)
{
	struct lhv_msr msr = { .index = index };

	vcpu_get(vcpu, LHV_STATE_MSRS, &msr, sizeof(msr));
	return msr.value;
}

void vcpu_set_msr(struct vcpu *vcpu, u32 index, u64 value)
{
	struct lhv_msr msr = { .index = index, .value = value };

	vcpu_set(vcpu, LHV_STATE_MSRS, &msr, sizeof(msr));
}

u64 vcpu_stat(struct vcpu *vcpu, u32 index)
{
	u64 values[LHV_VCPU_STAT_COUNT];
	u32 count = LHV_VCPU_STAT_COUNT;

	REQUIRE_OK(lhv_get_stats(vcpu->fd, LHV_VCPU_GET_STATS, values, &count));
	REQUIRE(count >= LHV_VCPU_STAT_COUNT);
	return values[index];
}

static void set_data_segments(struct lhv_sregs *sregs, const struct lhv_segment *data)
{
	sregs->ds = *data;
	sregs->es = *data;
	sregs->fs = *data;
	sregs->gs = *data;
	sregs->ss = *data;
}

static void set_entry(struct vcpu *vcpu, const struct lhv_sregs *sregs,
		      const struct lhv_regs *regs)
{
	/* An access that is still to be completed would move the new RIP. */
	vcpu_complete(vcpu);
	vcpu_set_sregs(vcpu, sregs);
	vcpu_set_regs(vcpu, regs);
	vcpu_set_mp(vcpu, LHV_MP_RUNNABLE);
}

void vcpu_set_real(struct vcpu *vcpu, u16 segment, u16 ip)
{
	const struct lhv_segment data = { .limit = 0xffff, .access = ACCESS_REAL_DATA };
	const struct lhv_regs regs = { .rip = ip, .rsp = 0xff0, .rflags = FLAGS_FIXED };
	struct lhv_sregs sregs;

	vcpu_get_sregs(vcpu, &sregs);
	set_data_segments(&sregs, &data);
	sregs.cs = data;
	sregs.cs.access = ACCESS_REAL_CODE;
	sregs.cs.selector = segment;
	sregs.cs.base = segment << 4;
	sregs.idt = (struct lhv_dtable){ .limit = 0x3ff };
	sregs.cr0 = CR0_ET | CR0_NE;
	sregs.cr4 = 0;
	sregs.efer = 0;
	set_entry(vcpu, &sregs, &regs);
}

static void set_protected(struct lhv_sregs *sregs)
{
	const struct lhv_segment data = {
		.selector = SELECTOR_DATA, .limit = UINT32_MAX, .access = ACCESS_DATA,
	};

	set_data_segments(sregs, &data);
	sregs->cs = data;
	sregs->tr = (struct lhv_segment){ .limit = 0x67, .access = ACCESS_TSS };
	sregs->ldt = (struct lhv_segment){ .access = ACCESS_LDT };
	sregs->gdt = (struct lhv_dtable){ .base = LAYOUT_GDT, .limit = 0xfff };
}

void vcpu_set_flat(struct vcpu *vcpu, u32 eip)
{
	const struct lhv_regs regs = {
		.rip = eip,
		.rsp = LAYOUT_STACKS + (vcpu->id + 1) * LAYOUT_STACK,
		.rflags = FLAGS_FIXED,
	};
	struct lhv_sregs sregs;

	vcpu_get_sregs(vcpu, &sregs);
	set_protected(&sregs);
	sregs.cs.selector = SELECTOR_CODE32;
	sregs.cs.access = ACCESS_CODE32;
	sregs.idt = (struct lhv_dtable){ .limit = 0 };
	sregs.cr0 = CR0_PE | CR0_ET | CR0_NE;
	sregs.cr4 = 0;
	sregs.efer = 0;
	set_entry(vcpu, &sregs, &regs);
}

/* As a C function finds it when it is called: guest_return is below. */
static u64 make_stack(struct vcpu *vcpu)
{
	u64 rsp = LAYOUT_STACKS + (vcpu->id + 1) * LAYOUT_STACK - 8;

	*(u64 *)guest_memory(vcpu->vm, rsp) = (uintptr_t)guest_return;
	return rsp;
}

void vcpu_set_long(struct vcpu *vcpu, void *function, u64 arg0, u64 arg1)
{
	const struct lhv_regs regs = {
		.rip = (uintptr_t)function,
		.rsp = make_stack(vcpu),
		.rdi = arg0,
		.rsi = arg1,
		.rflags = FLAGS_FIXED,
	};
	struct lhv_sregs sregs;

	vcpu_get_sregs(vcpu, &sregs);
	set_protected(&sregs);
	sregs.cs.selector = SELECTOR_CODE64;
	sregs.cs.access = ACCESS_CODE64;
	sregs.gs.base = guest_cpu_gpa(vcpu->id);
	sregs.tr.selector = SELECTOR_TSS + 16 * vcpu->id;
	sregs.tr.base = guest_cpu_gpa(vcpu->id) + offsetof(struct guest_cpu, tss);
	sregs.idt = (struct lhv_dtable){ .base = LAYOUT_IDT, .limit = 0xfff };
	sregs.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG;
	sregs.cr3 = LAYOUT_PML4;
	sregs.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	sregs.efer = EFER_LME | EFER_LMA | EFER_NX;
	set_entry(vcpu, &sregs, &regs);
}

struct vcpu *vcpu_start(struct vm *vm, u32 id, void *function, u64 arg0, u64 arg1)
{
	struct vcpu *vcpu = vcpu_create(vm, id);

	vcpu_set_long(vcpu, function, arg0, arg1);
	return vcpu;
}
