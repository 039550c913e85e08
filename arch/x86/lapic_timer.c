// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC timer: one-shot, periodic, TSC-deadline
 *
 * All belongs to the vCPU but the hrtimer, which changes nothing: when it
 * expires it makes a request, and the vCPU delivers the interrupt and starts
 * the next period. So a vCPU that doesn't run costs no host interrupts, and its
 * state is the same whether or not the hrtimer just expired.
 */
#include <linux/ktime.h>
#include <linux/math64.h>
#include <asm/msr.h>

#include "arch/x86/lapic.h"

#define TIMER_MODE		GENMASK(18, 17)

/* As in KVM: a guest may not make the host do more than 5,000 a second. */
#define MIN_PERIOD_USEC		200

/*
 * CLOCK_MONOTONIC runs a little faster or slower than the TSC where NTP steers
 * it. It takes longer than this to get into the guest, so firing that much
 * early isn't seen; what is earlier sleeps again.
 */
#define SLACK_NSEC		500

/* Longest sleep at a stretch; keeps the conversion to ns within 64 bits. */
#define MAX_SLEEP_SEC		3600

/* Farther than any count: a TSC deadline beyond it is treated as if at it. */
#define NEVER			BIT_ULL(62)

static u32 timer_mode(const struct lhv_lapic *lapic)
{
	return lhv_lapic_reg(lapic, APIC_LVTT) & TIMER_MODE;
}

static bool deadline_mode(const struct lhv_lapic *lapic)
{
	return timer_mode(lapic) == APIC_LVT_TIMER_TSCDEADLINE;
}

/* TSC ticks per count are 1 << this: SDM figure 11-10. */
static u32 divider_shift(const struct lhv_lapic *lapic)
{
	u32 tdcr = lhv_lapic_reg(lapic, APIC_TDCR);

	return ((tdcr & 3) + (tdcr >> 1 & 4) + 1) & 7;
}

/* TSC ticks of the initial count. */
static u64 timer_period(const struct lhv_lapic *lapic)
{
	u64 period = (u64)lhv_lapic_reg(lapic, APIC_TMICT) << divider_shift(lapic);

	if (timer_mode(lapic) == APIC_LVT_TIMER_PERIODIC)
		period = max(period, (u64)tsc_khz * MIN_PERIOD_USEC / USEC_PER_MSEC);
	return period;
}

/* TSC ticks until the timer fires, negative if it should have. */
static s64 ticks_left(const struct lhv_lapic *lapic)
{
	return lapic->expiry - lhv_host_tsc();
}

/* Rounds up. @ticks isn't negative. */
static u64 ticks_to_ns(u64 ticks)
{
	ticks = min(ticks, (u64)tsc_khz * MSEC_PER_SEC * MAX_SLEEP_SEC);
	return mul_u64_u32_div(ticks, NSEC_PER_MSEC, tsc_khz) + 1;
}

/* Is there more left than what may be taken for nothing? */
static bool too_early(s64 left)
{
	return left > 0 && ticks_to_ns(left) > SLACK_NSEC;
}

static enum hrtimer_restart timer_expired(struct hrtimer *timer)
{
	struct lhv_lapic *lapic = container_of(timer, struct lhv_lapic, timer);
	/* Once: meanwhile it may become negative. */
	s64 left = ticks_left(lapic);

	if (too_early(left)) {
		hrtimer_set_expires(timer, ktime_add_ns(ktime_get(), ticks_to_ns(left)));
		return HRTIMER_RESTART;
	}
	lhv_vcpu_request(lapic->vcpu, LHV_REQ_TIMER);
	return HRTIMER_NORESTART;
}

static void timer_start(struct lhv_lapic *lapic)
{
	/* Read before the TSC: an interruption between them makes it early. */
	ktime_t now = ktime_get();
	s64 left = ticks_left(lapic);

	lapic->armed = true;
	if (left <= 0)
		lhv_vcpu_set_request(lapic->vcpu, LHV_REQ_TIMER);
	else
		hrtimer_start(&lapic->timer, ktime_add_ns(now, ticks_to_ns(left)),
			      HRTIMER_MODE_ABS_PINNED_HARD);
}

/*
 * The hrtimer reads @expiry: that isn't changed before it is cancelled. It isn't
 * active unless @armed.
 */
static void timer_disarm(struct lhv_lapic *lapic)
{
	if (!lapic->armed)
		return;
	hrtimer_cancel(&lapic->timer);
	lapic->armed = false;
}

void lhv_lapic_timer_stop(struct lhv_lapic *lapic)
{
	timer_disarm(lapic);
	lapic->tsc_deadline = 0;
}

static void start_count(struct lhv_lapic *lapic)
{
	timer_disarm(lapic);
	if (!lhv_lapic_reg(lapic, APIC_TMICT))
		return;
	lapic->expiry = lhv_host_tsc() + timer_period(lapic);
	timer_start(lapic);
}

static void start_deadline(struct lhv_lapic *lapic, u64 deadline)
{
	u64 now = lhv_host_tsc();
	u64 guest_now = now + lapic->vcpu->arch.tsc_offset;

	timer_disarm(lapic);
	lapic->tsc_deadline = deadline;
	if (!deadline)
		return;
	lapic->expiry = now;
	if (deadline > guest_now)
		lapic->expiry += min(deadline - guest_now, NEVER);
	timer_start(lapic);
}

u32 lhv_lapic_timer_count(const struct lhv_lapic *lapic)
{
	u32 initial = lhv_lapic_reg(lapic, APIC_TMICT);
	u32 shift = divider_shift(lapic);
	s64 left = ticks_left(lapic);
	u64 period = timer_period(lapic);

	if (!lapic->armed || deadline_mode(lapic))
		return 0;
	if (left <= 0) {
		if (timer_mode(lapic) != APIC_LVT_TIMER_PERIODIC)
			return 0;
		left = period - (u64)-left % period;
	}
	/* Rounded up: it is the initial count at first, and 0 only at the end. */
	return min((left + BIT_ULL(shift) - 1) >> shift, (u64)initial);
}

static void write_lvtt(struct lhv_lapic *lapic, u32 value)
{
	bool was_deadline = deadline_mode(lapic);

	lhv_lapic_set_reg(lapic, APIC_LVTT, value);
	/* Into and out of TSC-deadline mode it is disarmed (SDM 3A 11.5.4.1). */
	if (deadline_mode(lapic) != was_deadline) {
		lhv_lapic_timer_stop(lapic);
		lhv_lapic_set_reg(lapic, APIC_TMICT, 0);
	}
}

/* The count goes on from where it is, at the new speed. */
static void write_divider(struct lhv_lapic *lapic, u32 value)
{
	u32 count = lhv_lapic_timer_count(lapic);

	lhv_lapic_set_reg(lapic, APIC_TDCR, value);
	if (!count)
		return;
	timer_disarm(lapic);
	lapic->expiry = lhv_host_tsc() + ((u64)count << divider_shift(lapic));
	timer_start(lapic);
}

void lhv_lapic_timer_write(struct lhv_lapic *lapic, u32 offset, u32 value)
{
	switch (offset) {
	case APIC_LVTT:
		write_lvtt(lapic, value);
		break;
	case APIC_TMICT:
		if (deadline_mode(lapic))
			break;
		lhv_lapic_set_reg(lapic, APIC_TMICT, value);
		start_count(lapic);
		break;
	case APIC_TDCR:
		write_divider(lapic, value);
		break;
	}
}

u64 lhv_lapic_get_tsc_deadline(struct lhv_vcpu *vcpu)
{
	return vcpu->arch.lapic->tsc_deadline;
}

void lhv_lapic_set_tsc_deadline(struct lhv_vcpu *vcpu, u64 deadline)
{
	if (deadline_mode(vcpu->arch.lapic))
		start_deadline(vcpu->arch.lapic, deadline);
}

void lhv_lapic_tsc_changed(struct lhv_vcpu *vcpu)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;

	if (lapic->tsc_deadline)
		start_deadline(lapic, lapic->tsc_deadline);
}

/* On to the next expiry in the future; what was missed is lost, as in IRR. */
static void next_period(struct lhv_lapic *lapic)
{
	u64 period = timer_period(lapic);
	s64 left = ticks_left(lapic);

	lapic->expiry += period;
	if (left < 0)
		lapic->expiry += (u64)-left / period * period;
	timer_start(lapic);
}

void lhv_lapic_timer_deliver(struct lhv_vcpu *vcpu)
{
	struct lhv_lapic *lapic = vcpu->arch.lapic;

	if (!lapic->armed)
		return;
	/* The timer was set anew since, or this CPU's TSC lags the other's. */
	if (too_early(ticks_left(lapic))) {
		if (!hrtimer_is_queued(&lapic->timer))
			timer_start(lapic);
		return;
	}
	lhv_lapic_timer_stop(lapic);
	lhv_lapic_deliver_lvt(lapic, APIC_LVTT);
	if (timer_mode(lapic) == APIC_LVT_TIMER_PERIODIC)
		next_period(lapic);
}

void lhv_lapic_timer_migrate(struct lhv_vcpu *vcpu)
{
	struct hrtimer *timer = &vcpu->arch.lapic->timer;

	if (hrtimer_cancel(timer))
		hrtimer_start_expires(timer, HRTIMER_MODE_ABS_PINNED_HARD);
}

u64 lhv_lapic_timer_get_expiry(const struct lhv_lapic *lapic)
{
	if (!lapic->armed)
		return 0;
	if (deadline_mode(lapic))
		return lapic->tsc_deadline;
	/* 0 would say that it isn't armed. */
	return lapic->expiry + lapic->vcpu->arch.tsc_offset ?: 1;
}

void lhv_lapic_timer_set_expiry(struct lhv_lapic *lapic, u64 expiry)
{
	s64 period;

	if (deadline_mode(lapic)) {
		start_deadline(lapic, expiry);
		return;
	}
	lhv_lapic_timer_stop(lapic);
	if (!expiry)
		return;
	period = timer_period(lapic);
	lapic->expiry = expiry - lapic->vcpu->arch.tsc_offset;
	/* The TSC went back: it fires no later than a full count from now. */
	if (ticks_left(lapic) > period)
		lapic->expiry = lhv_host_tsc() + period;
	timer_start(lapic);
}

void lhv_lapic_timer_init(struct lhv_lapic *lapic)
{
	hrtimer_init(&lapic->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	lapic->timer.function = timer_expired;
}
