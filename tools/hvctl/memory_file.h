/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parts of the guest's memory that are pages of a file, until the guest writes to them: so
 * machines share them. What gives memory back must know of them, as what is given back would
 * else be the file's content again, and not zero.
 */
#ifndef HVCTL_MEMORY_FILE_H
#define HVCTL_MEMORY_FILE_H

#include "image_copy.h"
#include "types.h"

#define MEMORY_FILES_MAX	16

struct guest_memory;

struct memory_files {
	struct { u8 *start, *end; } range[MEMORY_FILES_MAX];
	unsigned int count;
	struct image_copy copy;		/* the file, which is in use as long as that */
};

/* Give @files, which has no ranges yet, the file that they are to be of. */
static inline void memory_files_begin(struct memory_files *files, const struct image_copy *copy)
{
	files->copy = *copy;
}

/*
 * Map @len bytes at @offset of the file to @gpa; all are multiples of 4K, and the guest
 * doesn't run yet. Returns -1 if the memory isn't private, or the host refuses; then nothing
 * has changed, and there is no sentence.
 */
int memory_map_file(struct guest_memory *mem, u64 gpa, u64 len, u64 offset);

/* All that is mapped is zero, and no file is used any more; no guest runs. -1 with errno */
int memory_files_end(struct memory_files *files);

/*
 * What of @len bytes at @at, whole pages, is a file's becomes zero, as the rest will, while
 * the guest runs. Any thread. -1 with errno
 */
int memory_files_discard(const struct memory_files *files, u8 *at, u64 len);

#endif
