// SPDX-License-Identifier: GPL-2.0-only
/*
 * After the MC146818A datasheet. There is no interrupt: alarm, periodic and
 * update interrupts can be enabled, and never come.
 */
#include "rtc_cmos.h"

#include <string.h>

#define RTC_SECONDS		0x00
#define RTC_MINUTES		0x02
#define RTC_HOURS		0x04
#define RTC_WEEKDAY		0x06
#define RTC_DAY			0x07
#define RTC_MONTH		0x08
#define RTC_YEAR		0x09
#define RTC_A			0x0a
#define RTC_B			0x0b
#define RTC_C			0x0c
#define RTC_D			0x0d
#define RTC_CENTURY		0x32	/* as the FADT says */

#define A_UPDATE_IN_PROGRESS	BIT(7)
#define A_DIVIDER_32KHZ		0x26	/* time base 32.768 kHz, rate 1024 Hz */
#define B_SET			BIT(7)
#define B_BINARY		BIT(2)
#define B_24_HOURS		BIT(1)
#define D_VALID			BIT(7)
#define HOURS_PM		BIT(7)

/* An update is announced 244 us ahead. */
#define UPDATE_NOTICE_NS	244000

static void realtime(struct timespec *ts)
{
	clock_gettime(CLOCK_REALTIME, ts);
}

void rtc_init(struct rtc *rtc)
{
	memset(rtc, 0, sizeof(*rtc));
	pthread_mutex_init(&rtc->lock, NULL);
	rtc->now = realtime;
	rtc->cmos[RTC_A] = A_DIVIDER_32KHZ;
	rtc->cmos[RTC_B] = B_24_HOURS;
}

void rtc_destroy(struct rtc *rtc)
{
	pthread_mutex_destroy(&rtc->lock);
}

static u8 encode(const struct rtc *rtc, unsigned int value)
{
	return rtc->cmos[RTC_B] & B_BINARY ? value : (value / 10) << 4 | value % 10;
}

static unsigned int decode(const struct rtc *rtc, u8 value)
{
	return rtc->cmos[RTC_B] & B_BINARY ? value : (value >> 4) * 10 + (value & 15);
}

static u8 encode_hours(const struct rtc *rtc, unsigned int hours)
{
	if (rtc->cmos[RTC_B] & B_24_HOURS)
		return encode(rtc, hours);
	return encode(rtc, hours % 12 ? hours % 12 : 12) | (hours >= 12 ? HOURS_PM : 0);
}

static unsigned int decode_hours(const struct rtc *rtc, u8 value)
{
	if (rtc->cmos[RTC_B] & B_24_HOURS)
		return decode(rtc, value);
	return decode(rtc, value & ~HOURS_PM) % 12 + (value & HOURS_PM ? 12 : 0);
}

/* The registers hold four digits of a year. The calendar repeats after as many. */
static int four_digits(int year)
{
	return (year % 10000 + 10000) % 10000;
}

static void guest_time(const struct rtc *rtc, struct tm *tm)
{
	struct timespec ts;
	time_t t;

	if (rtc->cmos[RTC_B] & B_SET) {
		*tm = rtc->frozen;
		return;
	}
	rtc->now(&ts);
	t = ts.tv_sec + rtc->offset;
	gmtime_r(&t, tm);
	tm->tm_year = four_digits(tm->tm_year + 1900) - 1900;
}

static u8 read_a(const struct rtc *rtc)
{
	struct timespec ts;
	u8 value = rtc->cmos[RTC_A];

	rtc->now(&ts);
	if (!(rtc->cmos[RTC_B] & B_SET) && ts.tv_nsec >= 1000000000 - UPDATE_NOTICE_NS)
		value |= A_UPDATE_IN_PROGRESS;
	return value;
}

static u8 read_cmos(const struct rtc *rtc)
{
	struct tm tm;

	switch (rtc->index) {
	case RTC_A:
		return read_a(rtc);
	case RTC_C:
		return 0;
	case RTC_D:
		return D_VALID;
	}
	guest_time(rtc, &tm);
	switch (rtc->index) {
	case RTC_SECONDS:
		return encode(rtc, tm.tm_sec);
	case RTC_MINUTES:
		return encode(rtc, tm.tm_min);
	case RTC_HOURS:
		return encode_hours(rtc, tm.tm_hour);
	case RTC_WEEKDAY:
		return encode(rtc, tm.tm_wday + 1);
	case RTC_DAY:
		return encode(rtc, tm.tm_mday);
	case RTC_MONTH:
		return encode(rtc, tm.tm_mon + 1);
	case RTC_YEAR:
		return encode(rtc, (tm.tm_year + 1900) % 100);
	case RTC_CENTURY:
		return encode(rtc, (tm.tm_year + 1900) / 100);
	default:
		return rtc->cmos[rtc->index];
	}
}

/* Change one field of the time; returns false if the register isn't one. */
static bool set_field(const struct rtc *rtc, struct tm *tm, u8 value)
{
	int year = tm->tm_year + 1900;

	switch (rtc->index) {
	case RTC_SECONDS:
		tm->tm_sec = decode(rtc, value);
		return true;
	case RTC_MINUTES:
		tm->tm_min = decode(rtc, value);
		return true;
	case RTC_HOURS:
		tm->tm_hour = decode_hours(rtc, value);
		return true;
	case RTC_WEEKDAY:
		return true;		/* follows from the date */
	case RTC_DAY:
		tm->tm_mday = decode(rtc, value);
		return true;
	case RTC_MONTH:
		tm->tm_mon = (int)decode(rtc, value) - 1;
		return true;
	case RTC_YEAR:
		tm->tm_year = year - year % 100 + (int)decode(rtc, value) % 100 - 1900;
		return true;
	case RTC_CENTURY:
		tm->tm_year = (int)decode(rtc, value) % 100 * 100 + year % 100 - 1900;
		return true;
	default:
		return false;
	}
}

static void set_time(struct rtc *rtc, const struct tm *tm)
{
	struct tm copy = *tm;
	struct timespec ts;

	rtc->now(&ts);
	rtc->offset = timegm(&copy) - ts.tv_sec;
}

static void write_b(struct rtc *rtc, u8 value)
{
	u8 changed = value ^ rtc->cmos[RTC_B];
	struct tm tm;

	/* Read the clock by the old mode, then hold it or let it go. */
	guest_time(rtc, &tm);
	rtc->cmos[RTC_B] = value;
	if (!(changed & B_SET))
		return;
	if (value & B_SET)
		rtc->frozen = tm;
	else
		set_time(rtc, &tm);
}

static void write_cmos(struct rtc *rtc, u8 value)
{
	struct tm tm;

	switch (rtc->index) {
	case RTC_A:
		rtc->cmos[RTC_A] = value & ~A_UPDATE_IN_PROGRESS;
		return;
	case RTC_B:
		write_b(rtc, value);
		return;
	case RTC_C:
	case RTC_D:
		return;
	}
	guest_time(rtc, &tm);
	if (!set_field(rtc, &tm, value)) {
		rtc->cmos[rtc->index] = value;
		return;
	}
	if (rtc->cmos[RTC_B] & B_SET)
		rtc->frozen = tm;
	else
		set_time(rtc, &tm);
}

static u64 rtc_read(void *dev, u64 offset, unsigned int size)
{
	struct rtc *rtc = dev;
	u8 value = 0xff;	/* the index can't be read back */

	(void)size;
	pthread_mutex_lock(&rtc->lock);
	if (offset == 1)
		value = read_cmos(rtc);
	pthread_mutex_unlock(&rtc->lock);
	return value;
}

static void rtc_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct rtc *rtc = dev;

	(void)size;
	pthread_mutex_lock(&rtc->lock);
	if (offset == 0)
		rtc->index = value & 0x7f;	/* bit 7 is the NMI mask */
	else
		write_cmos(rtc, value);
	pthread_mutex_unlock(&rtc->lock);
}

const struct bus_ops rtc_ops = {
	.read = rtc_read,
	.write = rtc_write,
	.width = 1,
};
