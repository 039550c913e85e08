/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_SIZE_H
#define HVCTL_SIZE_H

#include "types.h"

/*
 * Read a size: decimal digits and then K, M, G (in either case) or nothing for
 * bytes. @what names the option in the error.
 */
int parse_size(const char *text, const char *what, u64 *size);

/* Read a decimal, or with 0x a hexadecimal, number from @min to @max. */
int parse_number(const char *text, const char *what, u64 min, u64 max, u64 *value);

/* Write @size into @buf as people read it, rounded down: "512 MiB". */
const char *format_size(u64 size, char *buf, size_t len);

/*
 * Write @value into @buf in five characters at most, rounded down, with a unit that is the power
 * of @step: 1024 for bytes, 1000 for what is counted. "1.5G"
 */
#define SHORT_LENGTH	16
const char *format_short(u64 value, unsigned int step, char buf[static SHORT_LENGTH]);

#endif
