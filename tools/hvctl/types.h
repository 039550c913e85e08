/* SPDX-License-Identifier: GPL-2.0-only */
/* Fixed-width types and the few macros that every file uses. */
#ifndef HVCTL_TYPES_H
#define HVCTL_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define __packed		__attribute__((packed))
#define __printf(f, a)		__attribute__((format(printf, f, a)))

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BIT(n)			(1U << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define KIB(n)			((u64)(n) << 10)
#define MIB(n)			((u64)(n) << 20)
#define GIB(n)			((u64)(n) << 30)

/* @a is a power of two; align_up() wraps to 0 beyond the last aligned value. */
static inline u64 align_down(u64 x, u64 a)
{
	return x & ~(a - 1);
}

static inline u64 align_up(u64 x, u64 a)
{
	return align_down(x + a - 1, a);
}

static inline u64 min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64 max_u64(u64 a, u64 b)
{
	return a > b ? a : b;
}

#endif
