// SPDX-License-Identifier: GPL-2.0-only
#include "emulate_rig.h"

#include "test.h"
#include "x86_bits.h"

#define PML4	0x1000ULL
#define PDPT	0x2000ULL
#define PD_LOW	0x3000ULL
#define PD	0x4000ULL
#define PT	0x5000ULL

static u64 device_read(void *dev, u64 offset, unsigned int size)
{
	struct rig *rig = dev;
	u64 value = 0;

	rig->reads++;
	memcpy(&value, rig->device + offset, size);
	return value;
}

static void device_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct rig *rig = dev;

	rig->writes++;
	memcpy(rig->device + offset, &value, size);
}

static const struct bus_ops device_ops = {
	.read = device_read, .write = device_write, .width = 8,
};

static u64 port_read(void *dev, u64 offset, unsigned int size)
{
	struct rig *rig = dev;

	(void)offset;
	(void)size;
	return rig->port++;
}

static void port_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct rig *rig = dev;

	(void)offset;
	(void)size;
	rig->port = value;
}

static const struct bus_ops port_ops = { .read = port_read, .write = port_write, .width = 4 };

void rig_init(struct rig *rig, unsigned int bits)
{
	const struct lhv_segment data = { .selector = 0x18, .limit = UINT32_MAX, .access = 0xc093 };
	struct lhv_sregs *sregs = &rig->e.sregs;

	memset(rig, 0, sizeof(*rig));
	EXPECT(!memory_create(&rig->memory, RIG_RAM));
	EXPECT(!bus_add(&rig->mmio, RIG_MMIO, RIG_MMIO_SIZE, &device_ops, rig));
	EXPECT(!bus_add(&rig->ports, RIG_PORT, 4, &port_ops, rig));
	rig->e.memory = &rig->memory;
	rig->e.mmio = &rig->mmio;
	rig->e.ports = &rig->ports;
	rig->e.phys_bits = 40;
	rig->e.opaque = rig;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = sregs->cs = data;
	sregs->cs.selector = 0x10;
	sregs->cs.access = bits == 64 ? 0xa09b : bits == 32 ? 0xc09b : 0x809b;
	sregs->cr0 = CR0_PE;
	sregs->efer = bits == 64 ? EFER_LME | EFER_LMA : 0;
	sregs->apic_base = 0xfee00900;
	rig->e.regs.rflags = RFLAGS_FIXED;
}

static bool load_fpu(struct emulate *e)
{
	struct rig *rig = e->opaque;

	e->fpu = rig->fpu;
	e->fpu_features = rig->fpu_features;
	return true;
}

void rig_set_fpu(struct rig *rig, void *fpu, u64 features)
{
	rig->fpu = fpu;
	rig->fpu_features = features;
	rig->e.load_fpu = load_fpu;
}

void rig_destroy(struct rig *rig)
{
	memory_destroy(&rig->memory);
}

static void put(struct rig *rig, u64 table, unsigned int index, u64 entry)
{
	memcpy(rig->memory.host + table + 8 * index, &entry, sizeof(entry));
}

void rig_paging(struct rig *rig)
{
	put(rig, PML4, 0, PDPT | 7);
	put(rig, PDPT, 0, PD_LOW | 7);
	put(rig, PDPT, RIG_VIRTUAL >> 30, PD | 7);
	put(rig, PD_LOW, 0, PTE_LARGE | 7);
	put(rig, PD, 0, PT | 7);
	rig->e.sregs.cr3 = PML4;
	rig->e.sregs.cr4 = BIT(5);	/* PAE */
	rig->e.sregs.cr0 |= CR0_PG | CR0_WP;
}

void rig_map(struct rig *rig, unsigned int page, u64 entry)
{
	put(rig, PT, page, entry);
}
