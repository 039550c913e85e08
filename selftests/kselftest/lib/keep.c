// SPDX-License-Identifier: GPL-2.0-only
#include "keep.h"

#include <sys/mman.h>

void keep_create(struct keep *k)
{
	u32 id;

	*k = (struct keep){ .vm = vm_create() };
	for (id = 0; id < KEEPER_CPUS; id++)
		vcpu_create(k->vm, id);
}

void keep_free(struct keep *k)
{
	vm_close(k->vm);
	if (k->area)
		munmap(k->area, k->bytes);
}

void keep_use(struct keep *k, u8 *area, u64 bytes)
{
	REQUIRE(bytes / GUEST_PAGE <= KEEPER_PAGES);
	k->area = area;
	k->bytes = bytes;
}

void keep_map(struct keep *k, u64 bytes, int advice)
{
	/* What is left over on both sides keeps it a mapping of its own. */
	u8 *start = REQUIRE_SYS((u8 *)mmap(NULL, bytes + 2 * MIB(2), PROT_NONE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	u8 *area = start + MIB(2) - ((uintptr_t)start & (MIB(2) - 1));

	REQUIRE_SYS(mprotect(area, bytes, PROT_READ | PROT_WRITE));
	keep_use(k, area, bytes);
	/* Not all kernels have them. */
	(void)madvise(k->area, bytes, advice);
}

/*
 * Twice: older kernels leave what the guest accessed before the first time, which
 * takes note of that.
 */
void keep_page_out(struct keep *k)
{
	REQUIRE_SYS(madvise(k->area, k->bytes, MADV_PAGEOUT));
	REQUIRE_SYS(madvise(k->area, k->bytes, MADV_PAGEOUT));
}

void keep_start_plan(struct keep *k, const struct keeper_plan *plan)
{
	u32 id;

	vm_set_memory(k->vm, 1, 0, KEEPER_BASE, k->bytes, k->area);
	guest_var(k->vm, keeper_plan) = *plan;
	for (id = 0; id < KEEPER_CPUS; id++) {
		vcpu_set_long(&k->vm->vcpu[id], keeper_main, 0, 0);
		vcpu_thread_start(&k->vm->vcpu[id]);
	}
	for (id = 0; id < KEEPER_CPUS; id++)
		WAIT_UNTIL(guest_var(k->vm, keeper_passes[id]) > 0);
}

void keep_start(struct keep *k)
{
	const struct keeper_plan plan = { .pages = k->bytes / GUEST_PAGE, .write_every = 4 };

	keep_start_plan(k, &plan);
}

void keep_wait(struct keep *k, u64 n)
{
	u64 seen[KEEPER_CPUS];
	u32 id;

	for (id = 0; id < KEEPER_CPUS; id++)
		seen[id] = guest_var(k->vm, keeper_passes[id]);
	for (id = 0; id < KEEPER_CPUS; id++)
		WAIT_UNTIL(guest_var(k->vm, keeper_passes[id]) > seen[id] + n);
}

void keep_hold(struct keep *k)
{
	u32 id;

	guest_var(k->vm, keeper_hold) = 1;
	for (id = 0; id < KEEPER_CPUS; id++)
		WAIT_UNTIL(guest_var(k->vm, keeper_held[id]));
}

void keep_release(struct keep *k)
{
	u32 id;

	guest_var(k->vm, keeper_hold) = 0;
	for (id = 0; id < KEEPER_CPUS; id++)
		WAIT_UNTIL(!guest_var(k->vm, keeper_held[id]));
}

void keep_lose(struct keep *k, u64 first, u64 pages, u8 how)
{
	while (pages--)
		guest_var(k->vm, keeper_lost[first + pages]) = how;
}

u64 keep_zeros(struct keep *k)
{
	return guest_var(k->vm, keeper_zeros[0]) + guest_var(k->vm, keeper_zeros[1]);
}

static void compare(struct keep *k, u64 page)
{
	u32 generation = guest_var(k->vm, keeper_generation[page]);
	const u64 *words = (u64 *)(k->area + page * GUEST_PAGE);
	u64 key, i;

	key = keeper_key(guest_var(k->vm, keeper_plan).alike, page, generation);
	for (i = 0; i < GUEST_PAGE / 8; i++) {
		if (words[i] != keeper_word(key, generation, i))
			FAIL("page %llu of generation %u, word %llu: 0x%llx", page, generation, i,
			     words[i]);
	}
}

void keep_stop(struct keep *k)
{
	u64 page;
	u32 id;

	guest_var(k->vm, keeper_stop) = 1;
	for (id = 0; id < KEEPER_CPUS; id++)
		vcpu_thread_join(&k->vm->vcpu[id]);
	for (page = 0; page < guest_var(k->vm, keeper_plan).pages; page++)
		compare(k, page);
}
