// SPDX-License-Identifier: GPL-2.0-only
#include "memory_file.h"

#include <sys/mman.h>

#include "memory.h"

/* As all of the guest's memory is. */
static int map_zeros(u8 *at, u64 len)
{
	if (mmap(at, len, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		return -1;
	madvise(at, len, MADV_HUGEPAGE);
	madvise(at, len, MADV_DONTDUMP);
	return 0;
}

int memory_map_file(struct guest_memory *mem, u64 gpa, u64 len, u64 offset)
{
	struct memory_files *files = &mem->files;
	u8 *at = memory_at(mem, gpa, len);

	if (!at || mem->shared || files->count == MEMORY_FILES_MAX)
		return -1;
	if (mmap(at, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED,
		 files->copy.fd, offset) == MAP_FAILED)
		return -1;
	madvise(at, len, MADV_DONTDUMP);
	files->range[files->count].start = at;
	files->range[files->count].end = at + len;
	files->count++;
	return 0;
}

int memory_files_end(struct memory_files *files)
{
	while (files->count) {
		unsigned int last = files->count - 1;

		if (map_zeros(files->range[last].start,
			      files->range[last].end - files->range[last].start))
			return -1;
		files->count--;
	}
	image_copy_close(&files->copy);
	return 0;
}

int memory_files_discard(const struct memory_files *files, u8 *at, u64 len)
{
	unsigned int i;

	for (i = 0; i < files->count; i++) {
		u8 *start = files->range[i].start > at ? files->range[i].start : at;
		u8 *end = files->range[i].end < at + len ? files->range[i].end : at + len;

		if (start < end && map_zeros(start, end - start))
			return -1;
	}
	return 0;
}
