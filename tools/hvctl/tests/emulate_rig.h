/* SPDX-License-Identifier: GPL-2.0-only */
/* A vCPU to emulate instructions on: RAM, and a device that is memory. */
#ifndef HVCTL_EMULATE_RIG_H
#define HVCTL_EMULATE_RIG_H

#include "emulate.h"
#include "memory.h"

/* What tests map at the same address, ASan leaves free. */
#define RIG_MMIO	0x50000000ULL
#define RIG_MMIO_SIZE	0x4000
#define RIG_RAM		MIB(2)

#define RIG_PORT	0x40

struct rig {
	struct emulate e;
	struct guest_memory memory;
	struct bus mmio, ports;
	u8 device[RIG_MMIO_SIZE];
	unsigned int reads, writes;	/* cycles on the bus */
	u32 port;			/* what was written there, or reads */
	u8 *fpu;
	u64 fpu_features;
};

/* Flat segments at CPL 0 in code of @bits, no paging. */
void rig_init(struct rig *rig, unsigned int bits);
void rig_set_fpu(struct rig *rig, void *fpu, u64 features);
void rig_destroy(struct rig *rig);

/*
 * Page tables for 64-bit mode: 0 to 2 MiB are themselves, then come pages as
 * rig_map() puts them, from RIG_VIRTUAL.
 */
#define RIG_VIRTUAL	0x40000000ULL
void rig_paging(struct rig *rig);
void rig_map(struct rig *rig, unsigned int page, u64 entry);

#endif
