// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT: the walk through a range of frames
 */
#include <linux/minmax.h>

#include "arch/x86/ept.h"

static void ept_iter_load(struct ept_iter *it)
{
	if (!ept_iter_valid(it))
		return;
	it->ptr = &it->table[it->level][ept_index(it->gfn, it->level)];
	it->entry = ept_read(it->ptr);
}

void ept_iter_start(struct ept_iter *it, struct lhv_ept *ept, gfn_t first, gfn_t last)
{
	it->gfn = first;
	it->last = min(last, EPT_GFN_LIMIT);
	it->level = EPT_ROOT;
	it->table[EPT_ROOT] = ept->root;
	ept_iter_load(it);
}

void ept_iter_next(struct ept_iter *it)
{
	/* The body of the loop may have changed it. */
	struct ept_entry now = ept_read(it->ptr);

	if (ept_is_table(now, it->level)) {
		it->level--;
		it->table[it->level] = ept_table(now);
	} else {
		const struct ept_entry *ptr = it->ptr;
		u64 pages = ept_pages(it->level);

		it->gfn &= ~(pages - 1);
		do {
			it->gfn += pages;
			ptr++;
		} while (ept_index(it->gfn, it->level) && ept_iter_valid(it) &&
			 !ept_read(ptr).val);
		/* Past the end of a table: on with the entry after it, above. */
		while (it->level < EPT_ROOT && !ept_index(it->gfn, it->level))
			it->level++;
	}
	ept_iter_load(it);
}
