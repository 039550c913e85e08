// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arena: memory of the guests and of calls' structs, in which anything can happen
 * to any page at any time. So nothing here touches it but through the kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fail.h"
#include "fuzz.h"

#define FILE_BYTES	MIB(4)
#define ARENA_PAGES	(ARENA_BYTES / GUEST_PAGE)

#ifndef MADV_COLD
#define MADV_COLD	20
#define MADV_PAGEOUT	21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ	22
#define MADV_POPULATE_WRITE	23
#endif

static int files[2];

static void map(u64 address, u64 bytes, int prot, int flags, int fd, u64 offset)
{
	(void)!mmap((void *)address, bytes, prot, flags | MAP_FIXED | MAP_NORESERVE, fd, offset);
}

void memory_init(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		files[i] = own_fd(REQUIRE_SYS(memfd_create("fuzz", MFD_CLOEXEC)));
		REQUIRE_SYS(ftruncate(files[i], FILE_BYTES));
	}
	map(ARENA, ARENA_BYTES, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	map(ARENA_PART(2), MIB(2), rw, MAP_SHARED, files[0], 0);
	map(ARENA_PART(3), MIB(2), rw, MAP_SHARED, files[1], 0);
	map(ARENA_PART(5), MIB(2), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	(void)madvise((void *)ARENA_PART(1), MIB(2), MADV_NOHUGEPAGE);
}

/* Also the run pages, but not as often as there are of them. */
u64 arena_page(struct worker *w, u32 pages)
{
	u64 page = pick(w, ARENA_PAGES - pages + 1);

	if (page >= 6 * 512 && page < 7 * 512)
		page = 6 * 512 + page % 64;
	return ARENA + page * GUEST_PAGE;
}

u64 any_pointer(struct worker *w)
{
	switch (pick(w, 12)) {
	case 0:
		return 0;
	case 1:
		return 0xffff888000000000 + pick(w, 1 << 30);
	case 2:
		return 0x8000000000000000 | draw32(w);
	case 3:
		return 0x7ffffffff000 - pick(w, 64);
	case 4:
		return arena_page(w, 1) + GUEST_PAGE - pick(w, 64);
	case 5:
	case 6:
		return (uintptr_t)w->data;
	default:
		return arena_page(w, 1) + 8 * pick(w, 512);
	}
}

int poke(u64 address, const void *data, size_t length)
{
	const struct iovec from = { (void *)data, length }, to = { (void *)address, length };

	return process_vm_writev(getpid(), &from, 1, &to, 1, 0) < 0 ? -errno : 0;
}

int peek(u64 address, void *data, size_t length)
{
	const struct iovec to = { data, length }, from = { (void *)address, length };

	return process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0 ? -errno : 0;
}

static void map_anew(struct worker *w, u64 address, u64 bytes)
{
	static const int prots[] = {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE,
		PROT_READ | PROT_WRITE | PROT_EXEC,
	};
	int prot = prots[pick(w, ARRAY_SIZE(prots))];
	u64 offset = pick(w, 2 * FILE_BYTES / GUEST_PAGE) * GUEST_PAGE;
	int file = files[pick(w, ARRAY_SIZE(files))];
	unsigned int place;
	int vcpu;

	switch (pick(w, 6)) {
	case 0:
	case 1:
		map(address, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		break;
	case 2:
		map(address, bytes, prot, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		break;
	case 3:
		map(address, bytes, prot, MAP_SHARED, file, offset);
		break;
	case 4:
		map(address, bytes, prot, MAP_PRIVATE, file, offset);
		break;
	case 5:
		vcpu = pool_vcpu(w, &place);
		map(address, one_in(w, 4) ? bytes : GUEST_PAGE, prot,
		    one_in(w, 8) ? MAP_PRIVATE : MAP_SHARED, vcpu,
		    one_in(w, 8) ? offset : 0);
		break;
	}
}

/* A while without read or write, perhaps for good */
static void protect(struct worker *w, u64 address, u64 bytes)
{
	static const int prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_EXEC };

	(void)mprotect((void *)address, bytes, prots[pick(w, ARRAY_SIZE(prots))]);
	if (!one_in(w, 4))
		(void)mprotect((void *)address, bytes, PROT_READ | PROT_WRITE);
}

static void move(struct worker *w, u64 address, u64 bytes)
{
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
	u64 old = bytes, to;

	switch (pick(w, 6)) {
	case 0:
		flags |= MREMAP_DONTUNMAP;
		break;
	case 1:
		old = 0;	/* a second mapping of what is shared */
		break;
	case 2:
		old = GUEST_PAGE;
		break;
	}
	to = arena_page(w, bytes / GUEST_PAGE);
	(void)!mremap((void *)address, old, bytes, flags, to);
}

static void advise(struct worker *w, u64 address, u64 bytes)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_DONTNEED, MADV_REMOVE, MADV_FREE, MADV_COLD, MADV_PAGEOUT,
		MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_MERGEABLE, MADV_UNMERGEABLE,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_DONTFORK, MADV_DOFORK,
		MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_WILLNEED,
	};

	(void)madvise((void *)address, bytes, advice[pick(w, ARRAY_SIZE(advice))]);
}

static void change_file(struct worker *w)
{
	int file = files[pick(w, ARRAY_SIZE(files))];
	u64 at = pick(w, FILE_BYTES / GUEST_PAGE) * GUEST_PAGE;

	switch (pick(w, 3)) {
	case 0:
		(void)!ftruncate(file, at + pick(w, GUEST_PAGE));
		if (!one_in(w, 4))
			(void)!ftruncate(file, FILE_BYTES);
		break;
	case 1:
		(void)fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
				(1 + pick(w, 64)) * GUEST_PAGE);
		break;
	case 2:
		(void)fallocate(file, 0, at, (1 + pick(w, 64)) * GUEST_PAGE);
		break;
	}
}

void memory_change(struct worker *w)
{
	u64 pages = one_in(w, 8) ? 512 : 1 + pick(w, 32);
	u64 address = arena_page(w, pages), bytes = pages * GUEST_PAGE;
	u32 what = pick(w, 12);

	if (one_in(w, 4)) {
		address = ARENA_PART(pick(w, ARENA_PARTS));
		bytes = MIB(2);
	}
	doing(w, "memory_change", what, address);
	switch (what) {
	case 0:
	case 1:
	case 2:
		map_anew(w, address, bytes);
		break;
	case 3:
		(void)munmap((void *)address, bytes);
		break;
	case 4:
	case 5:
		protect(w, address, bytes);
		break;
	case 6:
		move(w, address, bytes);
		break;
	case 7:
	case 8:
	case 9:
		advise(w, address, bytes);
		break;
	case 10:
		change_file(w);
		break;
	case 11:
		(void)mlock((void *)address, bytes);
		(void)munlock((void *)address, bytes);
		break;
	}
}
