// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs in the guest besides the test's own functions
 */
#include "guest.h"

#include "apic.h"

_Static_assert(offsetof(struct guest_cpu, recover) == GUEST_CPU_RECOVER, "guest_try()");
_Static_assert(sizeof(struct guest_cpu) <= GUEST_PAGE, "LAYOUT_CPU");

void (*guest_handler[256])(struct trap_frame *frame);

/* Where vCPUs go that the guest starts by itself; see guest_entry.S. */
void (*guest_trampoline_entry)(u32 id);

void guest_count_irq(struct trap_frame *frame)
{
	(void)frame;
	apic_eoi();
}

static void recover(struct guest_cpu *cpu, struct trap_frame *frame)
{
	cpu->fault.error = frame->error;
	cpu->fault.rip = frame->rip;
	cpu->fault.rflags = frame->rflags;
	cpu->fault.cr2 = read_register(cr2);
	cpu->fault.dr6 = read_register(dr6);
	WRITE_ONCE(cpu->fault.vector, frame->vector);
	frame->rip = cpu->recover;
	cpu->recover = 0;
}

void guest_trap(struct trap_frame *frame);
void guest_trap(struct trap_frame *frame)
{
	struct guest_cpu *cpu = guest_cpu();

	WRITE_ONCE(cpu->count[frame->vector], cpu->count[frame->vector] + 1);
	if (guest_handler[frame->vector]) {
		guest_handler[frame->vector](frame);
	} else if (frame->vector < 32 && cpu->recover) {
		recover(cpu, frame);
	} else {
		guest_ucall(UCALL_ASSERT, (uintptr_t)"no handler for vector",
			    (uintptr_t)"guest, at RIP and with error code", frame->rip,
			    frame->vector | frame->error << 32);
	}
}

/*
 * What the compiler calls by itself: libc's may use registers that the guest
 * hasn't switched on.
 */
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	void *ret = to;

	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return ret;
}

void *memset(void *to, int c, size_t n)
{
	void *ret = to;

	asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
	return ret;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x < *y ? -1 : 1;
	}
	return 0;
}
