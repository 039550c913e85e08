// SPDX-License-Identifier: GPL-2.0-only
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "error.h"
#include "size.h"

/* Sealed, as hvctl would die of reading what isn't there any more. */
static int create_file(u64 size)
{
	int fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (ftruncate(fd, size) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What is mapped at mem->host becomes a file's. */
static int map_file(struct guest_memory *mem, u64 size)
{
	mem->fd = create_file(size);
	if (mem->fd < 0)
		return -1;
	if (mmap(mem->host, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
		 mem->fd, 0) == MAP_FAILED) {
		close(mem->fd);
		return -1;
	}
	return 0;
}

static int check_size(u64 size)
{
	char text[32];

	if (size < MEMORY_MIN)
		return fail("--memory: %s is too small; a guest needs 2M at least",
			    format_size(size, text, sizeof(text)));
	if (size % MEMORY_PAGE)
		return fail("--memory: give a multiple of 4K");
	return 0;
}

/* Reserve @size bytes at mem->host. */
static int map(struct guest_memory *mem, u64 size)
{
	u64 huge = MIB(2);
	char text[32];
	u8 *map;

	/* One huge page more than needed, to have both ends where we want them. */
	errno = ENOMEM;
	map = size > SIZE_MAX - huge ? MAP_FAILED :
	      mmap(NULL, size + huge, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return fail_errno("cannot reserve %s of memory for the guest",
				  format_size(size, text, sizeof(text)));

	mem->host = (u8 *)align_up((uintptr_t)map, huge);
	if (mem->host != map)
		munmap(map, mem->host - map);
	munmap(mem->host + size, map + huge - mem->host);
	mem->mapped = size;
	return 0;
}

int memory_create_growing(struct guest_memory *mem, u64 size, u64 max, bool shared)
{
	const struct memory_region *region = &mem->region;
	char text[32];

	if (check_size(size) || memory_region_plan(&mem->region, size, max) ||
	    map(mem, region->size ? region->offset + region->size : size))
		return -1;
	mem->shared = shared;
	mem->fd = -1;
	mem->files.count = 0;
	*mem->files.copy.path = '\0';
	if (shared && map_file(mem, mem->mapped)) {
		fail_errno("cannot make a file of %s for the guest's memory",
			   format_size(mem->mapped, text, sizeof(text)));
		munmap(mem->host, mem->mapped);
		return -1;
	}
	mem->low = min_u64(size, LOW_MEMORY_END);
	mem->high = size - mem->low;
	/* A host without huge pages refuses the advice, and runs without them. */
	madvise(mem->host, mem->mapped, MADV_HUGEPAGE);
	madvise(mem->host, mem->mapped, MADV_DONTDUMP);
	return 0;
}

int memory_create(struct guest_memory *mem, u64 size)
{
	return memory_create_growing(mem, size, size, false);
}

int memory_create_shared(struct guest_memory *mem, u64 size)
{
	return memory_create_growing(mem, size, size, true);
}

void memory_destroy(struct guest_memory *mem)
{
	munmap(mem->host, mem->mapped);
	image_copy_close(&mem->files.copy);
	if (mem->shared)
		close(mem->fd);
	mem->host = NULL;
}

/* What is a file's is given back as holes in it. */
static int give_back(const struct guest_memory *mem, u8 *at, u64 len)
{
	if (memory_files_discard(&mem->files, at, len))
		return -1;
	return madvise(at, len, mem->shared ? MADV_REMOVE : MADV_DONTNEED);
}

int memory_clear(struct guest_memory *mem)
{
	const struct memory_region *region = &mem->region;

	if (memory_files_end(&mem->files) || give_back(mem, mem->host, mem->low + mem->high) ||
	    (region->size && give_back(mem, mem->host + region->offset, region->size)))
		return fail_errno("cannot clear the guest's memory");
	return 0;
}

/* Apart from memory_at(), which is asked for RAM nearly always. */
static __attribute__((noinline)) void *region_at(const struct guest_memory *mem, u64 gpa, u64 len)
{
	const struct memory_region *region = &mem->region;

	if (!memory_region_plugged(region, gpa, len))
		return NULL;
	return mem->host + region->offset + (gpa - region->start);
}

void *memory_at(const struct guest_memory *mem, u64 gpa, u64 len)
{
	u64 offset = gpa - HIGH_MEMORY_START;

	if (gpa < mem->low)
		return len <= mem->low - gpa ? mem->host + gpa : NULL;
	if (gpa < HIGH_MEMORY_START)
		return NULL;
	if (offset < mem->high)
		return len <= mem->high - offset ? mem->host + mem->low + offset : NULL;
	return region_at(mem, gpa, len);
}

u64 memory_gpa(const struct guest_memory *mem, const void *host)
{
	u64 offset = (const u8 *)host - mem->host;

	if (offset < mem->low)
		return offset;
	if (mem->region.size && offset >= mem->region.offset)
		return offset - mem->region.offset + mem->region.start;
	return offset - mem->low + HIGH_MEMORY_START;
}

int memory_discard(const struct guest_memory *mem, u64 gpa, u64 len)
{
	/* Pages of the guest's are pages of the host's: the mapping is aligned. */
	u64 skip = align_up(gpa, MEMORY_PAGE) - gpa;
	u8 *at = memory_at(mem, gpa, len);

	if (!at)
		return fail("cannot give %llu bytes at 0x%llx back, which are not wholly in RAM",
			    (unsigned long long)len, (unsigned long long)gpa);
	if (len < skip + MEMORY_PAGE)
		return 0;
	if (give_back(mem, at + skip, align_down(len - skip, MEMORY_PAGE)))
		return fail_errno("cannot give the guest's memory back");
	return 0;
}

int memory_discard_blocks(const struct guest_memory *mem, unsigned int first, unsigned int count)
{
	if (give_back(mem, memory_block_at(mem, first), count * mem->region.block))
		return fail_errno("cannot give the guest's memory back");
	return 0;
}

unsigned int memory_parts(const struct guest_memory *mem,
			  struct memory_part part[static MEMORY_PARTS_MAX])
{
	const struct memory_region *region = &mem->region;
	unsigned int n = 0;

	part[n++] = (struct memory_part){ 0, mem->low, 0 };
	if (mem->high)
		part[n++] = (struct memory_part){ HIGH_MEMORY_START, mem->high, mem->low };
	if (region->size)
		part[n++] = (struct memory_part){ region->start, region->size, region->offset };
	return n;
}

unsigned int memory_map(const struct guest_memory *mem,
			struct memory_range map[static MEMORY_MAP_MAX])
{
	unsigned int n = 0;

	map[n++] = (struct memory_range){ 0, EBDA_START, true };
	map[n++] = (struct memory_range){ EBDA_START, MIB(1) - EBDA_START, false };
	map[n++] = (struct memory_range){ MIB(1), mem->low - MIB(1), true };
	if (mem->high)
		map[n++] = (struct memory_range){ HIGH_MEMORY_START, mem->high, true };
	return n;
}
