/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LHV_TEST_TYPES_H
#define LHV_TEST_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

#define BIT(n)			(1ULL << (n))
#define KIB(n)			((u64)(n) << 10)
#define MIB(n)			((u64)(n) << 20)
#define GIB(n)			((u64)(n) << 30)
#define GUEST_PAGE		4096ULL

/* kselftest.h has it too. */
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#endif

#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))

#endif /* LHV_TEST_TYPES_H */
