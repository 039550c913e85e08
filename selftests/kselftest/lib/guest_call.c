// SPDX-License-Identifier: GPL-2.0-only
/*
 * How guest code talks to the test program
 */
#include "guest.h"

/* Not inlined: the registers are what the ABI says. */
__attribute__((noinline))
void guest_ucall(u32 command, u64 arg0, u64 arg1, u64 arg2, u64 arg3)
{
	asm volatile("outl %%eax, %0"
		     : : "N"(UCALL_PORT), "a"(command), "D"(arg0), "S"(arg1), "d"(arg2), "c"(arg3)
		     : "memory");
}

void guest_done(void);
void guest_done(void)
{
	for (;;)
		guest_ucall(UCALL_DONE, 0, 0, 0, 0);
}
