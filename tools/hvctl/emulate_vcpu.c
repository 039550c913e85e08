// SPDX-License-Identifier: GPL-2.0-only
#include "emulate_vcpu.h"

#include <stdlib.h>

#include "cpuid.h"
#include "emulate.h"
#include "lhv_dev.h"
#include "machine.h"
#include "vcpu.h"
#include "x86_bits.h"

#define DR6_BS			BIT(14)
#define MSR_DEBUGCTL		0x1d9
#define DEBUGCTL_BTF		BIT(1)

#define XSAVE_ALIGN		64

static u32 xsave_size(const struct vcpu *vcpu)
{
	return vcpu->machine->dev.info.xsave_size;
}

static bool load_fpu(struct emulate *e)
{
	const struct vcpu *vcpu = e->opaque;
	struct lhv_xcrs xcrs;

	e->fpu = aligned_alloc(XSAVE_ALIGN, align_up(xsave_size(vcpu), XSAVE_ALIGN));
	if (!e->fpu ||
	    lhv_get_state(vcpu->fd, LHV_STATE_XCRS, "XCR0", &xcrs, sizeof(xcrs)) ||
	    lhv_get_state(vcpu->fd, LHV_STATE_XSAVE, "FPU state", e->fpu, xsave_size(vcpu)))
		return false;
	e->fpu_features = xcrs.xcr0;
	return true;
}

/* With BTF only branches trap (SDM 3B 18.4.1). */
static bool steps_branches(int fd)
{
	struct lhv_msr msr = { .index = MSR_DEBUGCTL };

	return !lhv_get_state(fd, LHV_STATE_MSRS, "IA32_DEBUGCTL", &msr, sizeof(msr)) &&
	       msr.value & DEBUGCTL_BTF;
}

static void set_exception(struct lhv_events *events, const struct emulate_exception *x)
{
	bool has_payload = x->vector == VECTOR_PF || x->vector == VECTOR_DB;

	events->exception_pending = 1;
	events->exception_vector = x->vector;
	events->exception_has_error = x->has_error;
	events->exception_error = x->error;
	events->exception_soft = 0;
	events->exception_has_payload = has_payload;
	events->exception_payload = has_payload ? x->payload : 0;
}

/* Exceptions, traps, and what MOV SS and STI hold off until the next instruction */
static int store_events(int fd, const struct emulate *e, enum emulate_result result)
{
	const struct emulate_exception trap = { .vector = VECTOR_DB, .payload = DR6_BS };
	bool step = result == EMULATE_DONE && e->step && (e->branched || !steps_branches(fd));
	struct lhv_events events;
	u8 shadow;

	if (lhv_get_state(fd, LHV_STATE_EVENTS, "events", &events, sizeof(events)))
		return -1;
	shadow = result == EMULATE_DONE ? e->shadow : events.shadow;
	if (result == EMULATE_DONE && !step && shadow == events.shadow)
		return 0;
	events.shadow = shadow;
	events.keep_pending = 1;
	if (step)
		set_exception(&events, &trap);
	if (result == EMULATE_FAULT)
		set_exception(&events, &e->exception);
	return lhv_set_state(fd, LHV_STATE_EVENTS, "events", &events, sizeof(events));
}

static int store(const struct vcpu *vcpu, const struct emulate *e, enum emulate_result result)
{
	int fd = vcpu->fd;

	if (e->fpu_changed &&
	    lhv_set_state(fd, LHV_STATE_XSAVE, "FPU state", e->fpu, xsave_size(vcpu)))
		return -1;
	if (e->sregs_changed &&
	    lhv_set_state(fd, LHV_STATE_SREGS, "system registers", &e->sregs, sizeof(e->sregs)))
		return -1;
	if (lhv_set_state(fd, LHV_STATE_REGS, "registers", &e->regs, sizeof(e->regs)))
		return -1;
	return store_events(fd, e, result);
}

bool emulate_undecoded(struct vcpu *vcpu)
{
	const struct lhv_run *run = vcpu->run;
	struct machine *m = vcpu->machine;
	enum emulate_result result;
	struct emulate e = {
		.memory = &m->memory, .mmio = &m->mmio, .ports = &m->ports,
		.phys_bits = m->dev.info.phys_bits,
		.load_fpu = load_fpu, .opaque = vcpu,
	};
	bool ok = false;

	/* Without bytes it wasn't an instruction, or one that can't be fetched. */
	if (!run->undecoded.length ||
	    lhv_get_state(vcpu->fd, LHV_STATE_REGS, "registers", &e.regs, sizeof(e.regs)) ||
	    lhv_get_state(vcpu->fd, LHV_STATE_SREGS, "system registers", &e.sregs, sizeof(e.sregs)))
		return false;
	result = emulate(&e, run->undecoded.bytes, run->undecoded.length);
	if (result != EMULATE_UNKNOWN)
		ok = !store(vcpu, &e, result);
	free(e.fpu);
	return ok;
}
