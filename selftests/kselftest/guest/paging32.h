/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where modes.c puts the tables that paging32.S uses
 */
#ifndef LHV_TEST_PAGING32_H
#define LHV_TEST_PAGING32_H

#include "layout.h"

#define PAGING32_PD	(LAYOUT_SCRATCH + 0x0000)
#define PAGING32_PT	(LAYOUT_SCRATCH + 0x1000)
#define PAGING32_PDPT	(LAYOUT_SCRATCH + 0x2000)
#define PAGING32_PD_PAE	(LAYOUT_SCRATCH + 0x3000)
#define PAGING32_PD_TOP	(LAYOUT_SCRATCH + 0x4000)
#define PAGING32_PT_PAE	(LAYOUT_SCRATCH + 0x5000)
#define PAGING32_IDT	(LAYOUT_SCRATCH + 0x6000)
#define PAGING32_DATA	(LAYOUT_SCRATCH + 0x8000)

#endif /* LHV_TEST_PAGING32_H */
