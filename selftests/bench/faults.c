// SPDX-License-Identifier: GPL-2.0-only
/* What the first access to a page costs, by what the host has there. */
#include <err.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define SMALL_PAGE	0x1000u
#define LARGE_PAGE	0x200000u

static const struct {
	enum row row;
	u32 page;
	int advice;
	bool present;
} faults[] = {
	{ ROW_FAULT_PRESENT, SMALL_PAGE, MADV_NOHUGEPAGE, true },
	{ ROW_FAULT_ABSENT, SMALL_PAGE, MADV_NOHUGEPAGE, false },
	{ ROW_THP_PRESENT, LARGE_PAGE, MADV_HUGEPAGE, true },
	{ ROW_THP_ABSENT, LARGE_PAGE, MADV_HUGEPAGE, false },
};

/* Memory of AREA_BYTES, aligned for large pages; @reserved is what to unmap. */
static u8 *map_area(void **reserved)
{
	uintptr_t address;

	*reserved = mmap(NULL, AREA_BYTES + LARGE_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (*reserved == MAP_FAILED)
		err(2, "%u bytes", AREA_BYTES);
	address = (uintptr_t)*reserved + LARGE_PAGE - 1;
	return (u8 *)(address & ~(uintptr_t)(LARGE_PAGE - 1));
}

static struct sample_set measure_fault(struct backend *backend, u32 page, int advice,
				       bool present)
{
	struct bench_request request = {
		.command = COMMAND_TOUCH, .count = AREA_BYTES / page, .base = AREA_GPA,
		.stride = page,
	};
	struct machine machine;
	struct sample_set set;
	void *reserved;
	u8 *area = map_area(&reserved);

	if (madvise(area, AREA_BYTES, advice))
		err(2, "madvise");
	if (present)
		memset(area, 1, AREA_BYTES);
	machine_boot(&machine, backend);
	backend->set_memory(machine.vm, 1, AREA_GPA, area, AREA_BYTES);
	set = machine_do(&machine, &request);
	machine_destroy(&machine);
	munmap(reserved, AREA_BYTES + LARGE_PAGE);
	return set;
}

void measure_faults(struct backend *backend, struct results *results)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		results->rows[faults[i].row][backend->side] =
			measure_fault(backend, faults[i].page, faults[i].advice,
				      faults[i].present);
}
