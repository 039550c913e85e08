/* SPDX-License-Identifier: GPL-2.0-only */
/* The CMOS clock: the host's time in UTC, settable, with 114 bytes of RAM. */
#ifndef HVCTL_RTC_CMOS_H
#define HVCTL_RTC_CMOS_H

#include <pthread.h>
#include <time.h>

#include "bus.h"
#include "types.h"

#define RTC_PORTS	2

struct rtc {
	pthread_mutex_t lock;
	/* Now, CLOCK_REALTIME; tests have their own. */
	void (*now)(struct timespec *ts);
	s64 offset;		/* what the guest set, minus now, seconds */
	u8 index;
	u8 cmos[128];
	struct tm frozen;	/* shown while register B's SET holds the clock */
};

extern const struct bus_ops rtc_ops;

void rtc_init(struct rtc *rtc);
void rtc_destroy(struct rtc *rtc);

#endif
