// SPDX-License-Identifier: GPL-2.0-only
#include "work.h"

#include "apic.h"

struct work work[WORK_MAX_CPUS];
struct work_plan work_plan;

/* vCPUs that are ready for others' NMIs; that are through, but go on answering. */
static u64 ready, finished;

static void wait_for_all(u64 *count)
{
	__atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);
	WORK_SPIN_UNTIL(READ_ONCE(*count) == work_plan.cpus);
}

/* Time only goes forward. */
static void check_time(struct work *w)
{
	u64 now = rdtsc();

	GUEST_ASSERT(now > w->tsc);
	w->tsc = now;
}

/* Fills memory, and reads it back in another order. */
static void work_memory(struct work *w)
{
	u64 n = ARRAY_SIZE(w->area), i;

	for (i = 0; i < n; i++)
		w->area[i] ^= work_random();
	for (i = 0; i < n; i++)
		work_mix(w->area[i * 389 % n]);
}

/* All registers at once, for a while. */
static void work_registers(void)
{
	u64 out[3], seed = work_random();

	asm volatile("push %%rbp\n\t"
		     "mov %[seed], %%rax\n\t"
		     "lea 1(%%rax), %%rdx\n\t lea 3(%%rax), %%rsi\n\t lea 5(%%rax), %%rdi\n\t"
		     "lea 7(%%rax), %%rbp\n\t lea 9(%%rax), %%r8\n\t lea 11(%%rax), %%r9\n\t"
		     "lea 13(%%rax), %%r10\n\t lea 15(%%rax), %%r11\n\t lea 17(%%rax), %%r12\n\t"
		     "lea 19(%%rax), %%r13\n\t lea 21(%%rax), %%r14\n\t lea 23(%%rax), %%r15\n\t"
		     "mov $400, %%ecx\n"
		     "1:\timul %%rdx, %%rax\n\t rol $7, %%rdx\n\t adc %%rax, %%rsi\n\t"
		     "xor %%rsi, %%rdi\n\t sbb %%rdi, %%rbp\n\t adc %%rbp, %%r8\n\t"
		     "rol $13, %%r8\n\t xor %%r8, %%r9\n\t adc %%r9, %%r10\n\t"
		     "sbb %%r10, %%r11\n\t xor %%r11, %%r12\n\t adc %%r12, %%r13\n\t"
		     "rol $29, %%r13\n\t xor %%r13, %%r14\n\t adc %%r14, %%r15\n\t"
		     "adc %%r15, %%rax\n\t inc %%rax\n\t dec %%ecx\n\t jnz 1b\n\t"
		     "mov %%rbp, %%rcx\n\t pop %%rbp"
		     : "=a"(out[0]), "=c"(out[1]), "=d"(out[2]) : [seed] "b"(seed)
		     : "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
		       "memory");
	work_mix(out[0]);
	work_mix(out[1]);
	work_mix(out[2]);
}

static void work_cpu(u32 id)
{
	struct work *w = &work[id];
	u64 i;

	w->random = work_plan.seed + id;
	/* For the stacks in the closet */
	asm volatile("ltr %w0" : : "r"(SELECTOR_TSS + 16 * id));
	apic_init(work_plan.x2apic);
	work_state_init();
	work_interrupts_init();
	irq_enable();
	wait_for_all(&ready);
	for (i = 0; i < work_plan.rounds; i++) {
		check_time(w);
		work_memory(w);
		work_registers();
		work_state();
		work_devices();
		work_exceptions();
		work_interrupts();
	}
	wait_for_all(&finished);
}

void work_main(void)
{
	u32 id;

	work_exceptions_init();
	guest_trampoline_entry = work_cpu;
	apic_init(work_plan.x2apic);
	for (id = 1; id < work_plan.cpus; id++)
		apic_start_cpu(id);
	work_cpu(0);
}
