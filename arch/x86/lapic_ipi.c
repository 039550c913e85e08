// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages between local APICs, and from devices: who gets them and what they do
 */
#include <linux/rcupdate.h>

#include "arch/x86/lapic.h"
#include "hv/arch.h"
#include "hv/trace.h"

/* Address of a message (SDM 3A 11.11.1). */
#define MSI_ADDRESS_PREFIX	0xfee
#define MSI_REDIRECT		BIT(3)
#define MSI_LOGICAL		BIT(2)
#define MSI_DATA_RESERVED	(GENMASK(31, 16) | GENMASK(13, 11))

/**
 * struct apic_message - a message on its way
 * @dest:	destination
 * @icr:	vector, delivery mode, level, trigger mode and shorthand, as in ICR
 * @logical:	@dest is logical
 * @wide:	@dest comes from an APIC in x2APIC mode: all 32 bits count
 * @one:	only one of the APICs that match gets it
 */
struct apic_message {
	u32 dest;
	u32 icr;
	bool logical;
	bool wide;
	bool one;
};

/* SDM 3A 11.6.2.2 */
static bool xapic_logical_match(const struct lhv_lapic *lapic, u32 dest)
{
	u32 ldr = GET_APIC_LOGICAL_ID(lhv_lapic_reg(lapic, APIC_LDR));

	switch (lhv_lapic_reg(lapic, APIC_DFR)) {
	case APIC_DFR_FLAT:
		return ldr & dest;
	case APIC_DFR_CLUSTER:
		return ldr >> 4 == dest >> 4 && (ldr & dest & 15);
	default:
		return false;
	}
}

static bool x2apic_logical_match(const struct lhv_lapic *lapic, u32 dest)
{
	u32 ldr = lhv_lapic_x2apic_ldr(lapic);

	return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);
}

/*
 * A destination is in the sender's format. Where sender and receiver are in
 * different modes, an 8-bit one is extended by zeros, so 0xff is then an id.
 */
static bool dest_match(const struct lhv_lapic *lapic, const struct apic_message *msg)
{
	bool x2apic = lhv_lapic_x2apic(lapic);

	if (msg->dest == U32_MAX)
		return true;
	if (msg->dest == APIC_ALL_CPUS && !msg->wide && !x2apic)
		return true;
	if (!msg->logical)
		return msg->dest == lapic->vcpu->id;
	if (x2apic)
		return x2apic_logical_match(lapic, msg->dest);
	return !msg->wide && msg->dest <= APIC_ALL_CPUS &&
	       xapic_logical_match(lapic, msg->dest);
}

static bool match(const struct lhv_lapic *lapic, const struct apic_message *msg,
		  const struct lhv_lapic *source)
{
	if (!lhv_lapic_enabled(lapic->vcpu))
		return false;
	switch (msg->icr & APIC_DEST_ALLBUT) {
	case APIC_DEST_SELF:
		return lapic == source;
	case APIC_DEST_ALLINC:
		return true;
	case APIC_DEST_ALLBUT:
		return lapic != source;
	default:
		return dest_match(lapic, msg);
	}
}

static bool accept_nmi(struct lhv_vcpu *vcpu)
{
	/* One being handled and one that waits is all a processor remembers. */
	atomic_add_unless(&vcpu->arch.nmi_pending, 1, 2);
	lhv_vcpu_request(vcpu, LHV_REQ_EVENT);
	return true;
}

static bool accept_init(struct lhv_lapic *lapic, u32 icr)
{
	/* A level de-assert only matters to processors before the Pentium 4. */
	if ((icr & APIC_INT_LEVELTRIG) && !(icr & APIC_INT_ASSERT))
		return false;
	/* It also ends a SIPI that came before it. */
	atomic_set(&lapic->events, LHV_LAPIC_INIT);
	lhv_vcpu_request(lapic->vcpu, LHV_REQ_EVENT);
	return true;
}

static bool accept_sipi(struct lhv_lapic *lapic, u8 vector)
{
	int old = atomic_read(&lapic->events);
	int new;

	do {
		new = (old & LHV_LAPIC_INIT) | LHV_LAPIC_SIPI |
		      vector << LHV_LAPIC_SIPI_SHIFT;
	} while (!atomic_try_cmpxchg(&lapic->events, &old, new));
	lhv_vcpu_request(lapic->vcpu, LHV_REQ_EVENT);
	return true;
}

/* True if the APIC takes the message. */
static bool accept(struct lhv_lapic *lapic, u32 icr)
{
	u8 vector = icr & APIC_VECTOR_MASK;

	switch (icr & APIC_DM_FIXED_MASK) {
	case APIC_DM_FIXED:
	case APIC_DM_LOWEST:
		return lhv_lapic_deliver(lapic->vcpu, vector, icr & APIC_INT_LEVELTRIG);
	case APIC_DM_NMI:
		return accept_nmi(lapic->vcpu);
	case APIC_DM_INIT:
		return accept_init(lapic, icr);
	case APIC_DM_STARTUP:
		return accept_sipi(lapic, vector);
	default:
		/* No SMM, no PIC behind ExtINT, no remote read. */
		return false;
	}
}

/* The ids among which all receivers are. */
static void candidates(const struct apic_message *msg, unsigned long *first,
		       unsigned long *last)
{
	*first = 0;
	*last = ULONG_MAX;
	if ((msg->icr & APIC_DEST_ALLBUT) || msg->dest == U32_MAX)
		return;
	if (msg->logical && msg->wide) {
		*first = msg->dest >> 16 << 4;
		*last = *first + 15;
	} else if (!msg->logical && (msg->wide || msg->dest != APIC_ALL_CPUS)) {
		*first = msg->dest;
		*last = msg->dest;
	}
}

/* Among those that match, the one whose turn is longest ago. */
static struct lhv_lapic *arbitrate(struct lhv_vm *vm, const struct apic_message *msg,
				   const struct lhv_lapic *source,
				   unsigned long first, unsigned long last)
{
	struct lhv_lapic *winner = NULL;
	struct lhv_vcpu *vcpu;
	unsigned long id;
	u32 turn, latest = 0;

	xa_for_each_range(&vm->vcpus, id, vcpu, first, last) {
		struct lhv_lapic *lapic = vcpu->arch.lapic;

		if (!match(lapic, msg, source) || !lhv_lapic_accepts(lapic))
			continue;
		turn = READ_ONCE(lapic->turn);
		latest = max(latest, turn);
		if (!winner || turn < READ_ONCE(winner->turn))
			winner = lapic;
	}
	if (winner)
		WRITE_ONCE(winner->turn, latest + 1);
	return winner;
}

/* Returns how many took it. Under rcu_read_lock(). */
static int distribute(struct lhv_vm *vm, const struct apic_message *msg,
		      const struct lhv_lapic *source)
{
	struct lhv_lapic *lapic;
	struct lhv_vcpu *vcpu;
	unsigned long id, first, last;
	int taken = 0;

	candidates(msg, &first, &last);
	if (first == last) {
		vcpu = lhv_vcpu_by_id(vm, first);
		return vcpu && match(vcpu->arch.lapic, msg, source) &&
		       accept(vcpu->arch.lapic, msg->icr);
	}
	if (msg->one) {
		lapic = arbitrate(vm, msg, source, first, last);
		return lapic && accept(lapic, msg->icr);
	}
	xa_for_each_range(&vm->vcpus, id, vcpu, first, last) {
		if (match(vcpu->arch.lapic, msg, source) &&
		    accept(vcpu->arch.lapic, msg->icr))
			taken++;
	}
	return taken;
}

static int send(struct lhv_vm *vm, const struct apic_message *msg,
		const struct lhv_lapic *source)
{
	int taken;

	rcu_read_lock();
	taken = distribute(vm, msg, source);
	rcu_read_unlock();
	return taken;
}

static bool has_vector(u32 icr)
{
	u32 mode = icr & APIC_DM_FIXED_MASK;

	return mode == APIC_DM_FIXED || mode == APIC_DM_LOWEST;
}

void lhv_lapic_send_ipi(struct lhv_lapic *lapic, u32 icr, u32 icr2)
{
	bool wide = lhv_lapic_x2apic(lapic);
	struct apic_message msg = {
		.dest = wide ? icr2 : GET_XAPIC_DEST_FIELD(icr2),
		/* IPIs are edge-triggered, but for INIT (SDM table 11-3). */
		.icr = icr,
		.logical = icr & APIC_DEST_LOGICAL,
		.wide = wide,
		.one = (icr & APIC_DM_FIXED_MASK) == APIC_DM_LOWEST,
	};

	if (has_vector(icr)) {
		if (unlikely((icr & APIC_VECTOR_MASK) < 16)) {
			lhv_lapic_error(lapic, APIC_ESR_SENDILL);
			return;
		}
		if ((icr & APIC_DEST_ALLBUT) == APIC_DEST_SELF) {
			lhv_lapic_self_ipi(lapic, icr & APIC_VECTOR_MASK);
			return;
		}
		msg.icr &= ~APIC_INT_LEVELTRIG;
	}
	send(lapic->vcpu->vm, &msg, lapic);
}

/* Delivery modes that a message may have (SDM 3A 11.11.2). */
static bool msi_mode_defined(u32 data)
{
	u32 mode = data & APIC_DM_FIXED_MASK;

	return mode != APIC_DM_REMRD && mode != APIC_DM_STARTUP;
}

bool lhv_arch_msi_valid(u64 address, u32 data)
{
	return (address >> 20 & GENMASK(19, 0)) == MSI_ADDRESS_PREFIX &&
	       !(data & MSI_DATA_RESERVED) && msi_mode_defined(data);
}

bool lhv_arch_msi_is_level(u32 data)
{
	const u32 level = APIC_INT_LEVELTRIG | APIC_INT_ASSERT;

	return (data & level) == level;
}

u8 lhv_arch_msi_vector(u32 data)
{
	return data & APIC_VECTOR_MASK;
}

int lhv_arch_send_msi(struct lhv_vm *vm, u64 address, u32 data)
{
	struct apic_message msg = {
		.dest = (address >> 12 & 0xff) | (upper_32_bits(address) & ~0xffu),
		.icr = data,
		.logical = address & MSI_LOGICAL,
		.one = (data & APIC_DM_FIXED_MASK) == APIC_DM_LOWEST,
	};
	int taken;

	if (!lhv_arch_msi_valid(address, data))
		return -EINVAL;
	if (msg.logical && (address & MSI_REDIRECT) && has_vector(data))
		msg.one = true;
	lhv_vm_stat(vm, LHV_VM_STAT_MSIS, 1);
	taken = send(vm, &msg, NULL);
	trace_lhv_msi(address, data, taken);
	return taken;
}

/* ---- INIT and SIPI, received ---- */

bool lhv_lapic_take_init(struct lhv_vcpu *vcpu)
{
	atomic_t *events = &vcpu->arch.lapic->events;

	if (likely(!(atomic_read(events) & LHV_LAPIC_INIT)))
		return false;
	atomic_andnot(LHV_LAPIC_INIT, events);
	return true;
}

bool lhv_lapic_take_sipi(struct lhv_vcpu *vcpu, u8 *vector)
{
	atomic_t *events = &vcpu->arch.lapic->events;
	int old = atomic_read(events);

	/* Fails if another INIT or SIPI comes, which ends this one. */
	if (likely(!(old & LHV_LAPIC_SIPI)) || (old & LHV_LAPIC_INIT) ||
	    !atomic_try_cmpxchg(events, &old, 0))
		return false;
	*vector = old >> LHV_LAPIC_SIPI_SHIFT;
	return vcpu->arch.mp_state == LHV_MP_WAIT_SIPI;
}

void lhv_lapic_get_events(struct lhv_vcpu *vcpu, struct lhv_events *events)
{
	int now = atomic_read(&vcpu->arch.lapic->events);

	events->init_pending = !!(now & LHV_LAPIC_INIT);
	events->sipi_pending = !!(now & LHV_LAPIC_SIPI);
	events->sipi_vector = now >> LHV_LAPIC_SIPI_SHIFT;
}

void lhv_lapic_set_events(struct lhv_vcpu *vcpu, const struct lhv_events *events)
{
	int new = events->init_pending ? LHV_LAPIC_INIT : 0;

	if (events->sipi_pending)
		new |= LHV_LAPIC_SIPI | events->sipi_vector << LHV_LAPIC_SIPI_SHIFT;
	atomic_set(&vcpu->arch.lapic->events, new);
	lhv_vcpu_set_request(vcpu, LHV_REQ_EVENT);
}
