// SPDX-License-Identifier: GPL-2.0-only
#include "saved.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

const struct fixed_record fixed_records[FIXED_RECORDS] = {
#define RECORD(type, field)	\
	{ LHV_STATE_##type, sizeof(((struct saved *)0)->field), offsetof(struct saved, field) }
	RECORD(SREGS, sregs), RECORD(TSC, tsc), RECORD(LAPIC, lapic), RECORD(XCRS, xcrs),
	RECORD(REGS, regs), RECORD(DEBUGREGS, debugregs), RECORD(EVENTS, events),
	RECORD(MP, mp),
};

void vcpu_save_record(struct vcpu *vcpu, struct saved *saved, u32 i)
{
	vcpu_get(vcpu, fixed_records[i].type, (u8 *)saved + fixed_records[i].offset,
		 fixed_records[i].length);
}

void vcpu_restore_record(struct vcpu *vcpu, const struct saved *saved, u32 i)
{
	vcpu_set(vcpu, fixed_records[i].type, (const u8 *)saved + fixed_records[i].offset,
		 fixed_records[i].length);
}

/* The MSRs that LHV_MSR_LIST names, in the record. */
static void list_msrs(struct saved *saved)
{
	static u32 list[SAVED_MSRS], count;
	int dev;
	u32 i;

	if (!count) {
		count = SAVED_MSRS;
		dev = dev_open();
		REQUIRE_OK(lhv_list(dev, LHV_MSR_LIST, list, &count));
		close(dev);
	}
	for (i = 0; i < count; i++)
		saved->msrs[i] = (struct lhv_msr){ .index = list[i] };
	saved->msrs_length = count * sizeof(saved->msrs[0]);
}

void vcpu_save(struct vcpu *vcpu, struct saved *saved)
{
	memset(saved, 0, sizeof(*saved));
	saved->cpuid_length = sizeof(saved->cpuid);
	REQUIRE_OK(lhv_get_state_length(vcpu->fd, LHV_STATE_CPUID, saved->cpuid,
					&saved->cpuid_length));
	vcpu_get_sregs(vcpu, &saved->sregs);
	vcpu_get(vcpu, LHV_STATE_TSC, &saved->tsc, sizeof(saved->tsc));
	vcpu_get(vcpu, LHV_STATE_LAPIC, &saved->lapic, sizeof(saved->lapic));
	list_msrs(saved);
	vcpu_get(vcpu, LHV_STATE_MSRS, saved->msrs, saved->msrs_length);
	vcpu_get(vcpu, LHV_STATE_XCRS, &saved->xcrs, sizeof(saved->xcrs));
	saved->xsave_length = sizeof(saved->xsave);
	REQUIRE_OK(lhv_get_state_length(vcpu->fd, LHV_STATE_XSAVE, saved->xsave,
					&saved->xsave_length));
	vcpu_get_regs(vcpu, &saved->regs);
	vcpu_get(vcpu, LHV_STATE_DEBUGREGS, &saved->debugregs, sizeof(saved->debugregs));
	vcpu_get(vcpu, LHV_STATE_EVENTS, &saved->events, sizeof(saved->events));
	vcpu_get(vcpu, LHV_STATE_MP, &saved->mp, sizeof(saved->mp));
}

void vcpu_restore(struct vcpu *vcpu, struct saved *saved)
{
	vcpu_set(vcpu, LHV_STATE_CPUID, saved->cpuid, saved->cpuid_length);
	vcpu_set_sregs(vcpu, &saved->sregs);
	vcpu_set(vcpu, LHV_STATE_TSC, &saved->tsc, sizeof(saved->tsc));
	vcpu_set(vcpu, LHV_STATE_LAPIC, &saved->lapic, sizeof(saved->lapic));
	vcpu_set(vcpu, LHV_STATE_MSRS, saved->msrs, saved->msrs_length);
	vcpu_set(vcpu, LHV_STATE_XCRS, &saved->xcrs, sizeof(saved->xcrs));
	vcpu_set(vcpu, LHV_STATE_XSAVE, saved->xsave, saved->xsave_length);
	vcpu_set_regs(vcpu, &saved->regs);
	vcpu_set(vcpu, LHV_STATE_DEBUGREGS, &saved->debugregs, sizeof(saved->debugregs));
	vcpu_set(vcpu, LHV_STATE_EVENTS, &saved->events, sizeof(saved->events));
	vcpu_set(vcpu, LHV_STATE_MP, &saved->mp, sizeof(saved->mp));
}
