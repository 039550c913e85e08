/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the fuzzing harnesses: taking an input apart, and saying what must be
 * true. Each input starts from nothing, so that a crash repeats from its input.
 */
#ifndef HVCTL_FUZZ_H
#define HVCTL_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types.h"

/* What libFuzzer calls. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define MUST(cond)							\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "%s:%d: not true: %s\n",	\
				__FILE__, __LINE__, #cond);		\
			abort();					\
		}							\
	} while (0)

/* What is left of an input. */
struct fuzz {
	const u8 *data;
	size_t left;
};

/* The next @len bytes; an input that is too short ends in zeros. */
static inline void fuzz_bytes(struct fuzz *f, void *buf, size_t len)
{
	size_t n = min_u64(len, f->left);

	memset(buf, 0, len);
	if (n)
		memcpy(buf, f->data, n);
	f->data += n;
	f->left -= n;
}

static inline u64 fuzz_number(struct fuzz *f, unsigned int size)
{
	u64 value = 0;

	fuzz_bytes(f, &value, size);
	return value;
}

static inline u8 fuzz_u8(struct fuzz *f)
{
	return fuzz_number(f, 1);
}

static inline u16 fuzz_u16(struct fuzz *f)
{
	return fuzz_number(f, 2);
}

static inline u32 fuzz_u32(struct fuzz *f)
{
	return fuzz_number(f, 4);
}

static inline u64 fuzz_u64(struct fuzz *f)
{
	return fuzz_number(f, 8);
}

#endif
