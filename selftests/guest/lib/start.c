// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs before and after a payload
 */
#include "guest_image.h"
#include "payload.h"
#include "report.h"

void payload_start(void);
void payload_switch(void);

void payload_start(void)
{
	guest_write_tables(NULL);
	payload_switch();
	payload();
	report_end();
}

bool cpu_has(struct feature feature)
{
	struct cpuid max = cpuid(feature.function & 0x80000000, 0);
	u32 regs[4];
	struct cpuid leaf;

	if (feature.function > max.eax)
		return false;
	leaf = cpuid(feature.function, feature.index);
	regs[REG_EAX] = leaf.eax;
	regs[REG_EBX] = leaf.ebx;
	regs[REG_ECX] = leaf.ecx;
	regs[REG_EDX] = leaf.edx;
	return regs[feature.reg] & BIT(feature.bit);
}
