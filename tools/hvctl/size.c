// SPDX-License-Identifier: GPL-2.0-only
#include "size.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"

static int unit_shift(char unit)
{
	switch (toupper((unsigned char)unit)) {
	case '\0':
		return 0;
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return -1;
	}
}

int parse_size(const char *text, const char *what, u64 *size)
{
	unsigned long long value;
	char *end;
	int shift;

	/* strtoull() would take a sign or leading blanks. */
	if (!isdigit((unsigned char)text[0]))
		goto bad;
	errno = 0;
	value = strtoull(text, &end, 10);
	shift = unit_shift(*end);
	if (shift < 0 || (*end && end[1]))
		goto bad;
	if (errno == ERANGE || value > UINT64_MAX >> shift)
		return fail("%s: %s is too large", what, text);
	*size = (u64)value << shift;
	return 0;
bad:
	return fail("%s: '%s' is not a size; give a number and K, M or G, for instance 512M",
		    what, text);
}

int parse_number(const char *text, const char *what, u64 min, u64 max, u64 *value)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, hex ? 16 : 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno == ERANGE ||
	    number < min || number > max)
		return fail("%s: '%s' is not a number from %" PRIu64 " to %" PRIu64,
			    what, text, min, max);
	*value = number;
	return 0;
}

const char *format_short(u64 value, unsigned int step, char buf[static SHORT_LENGTH])
{
	static const char unit[] = "\0KMGTPE";
	u64 rest = 0;
	unsigned int n = 0;

	for (; value >= step; n++) {
		rest = value % step;
		value /= step;
	}
	if (n && value < 10)
		snprintf(buf, SHORT_LENGTH, "%u.%u%c", (unsigned int)value,
			 (unsigned int)(rest * 10 / step), unit[n]);
	else
		snprintf(buf, SHORT_LENGTH, "%u%c", (unsigned int)value, unit[n]);
	return buf;
}

const char *format_size(u64 size, char *buf, size_t len)
{
	static const char * const unit[] = { "bytes", "KiB", "MiB", "GiB" };
	unsigned int n = 0;

	while (n + 1 < ARRAY_SIZE(unit) && size >= 1024 && (size % 1024 == 0 || size >= 10240)) {
		size /= 1024;
		n++;
	}
	snprintf(buf, len, "%" PRIu64 " %s", size, unit[n]);
	return buf;
}
