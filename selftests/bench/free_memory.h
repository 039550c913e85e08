/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_FREE_MEMORY_H
#define BENCH_FREE_MEMORY_H

/*
 * The host's free memory in bytes, with what each CPU keeps at hand, which MemFree of
 * /proc/meminfo leaves out. Waits first for what the kernel frees later.
 */
unsigned long long free_memory(void);

#endif
