// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guests: their code, how a vCPU starts in it, runs, and its run page while it does
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fail.h"
#include "fault.h"
#include "fuzz.h"
#include "guest.h"
#include "ioctls.h"

/* Offsets in the code's slot; its GPA is LAYOUT_PAYLOAD. */
#define CODE_GDT	0x8000
#define CODE_IDT	0x9000
#define CODE_STACKS	0xa000
#define STACK_BYTES	0x400
#define NR_STACKS	16

/* Access rights in the VMCS' format (SDM 3C table 25-2) */
#define ACCESS_CODE32	0xc09b
#define ACCESS_DATA	0xc093
#define ACCESS_TSS	0x008b
#define ACCESS_LDT	0x0082

extern const u8 fuzz_loop_start[], fuzz_loop_handler[], fuzz_loop_end[];

void guests_init(void)
{
	u8 *code = REQUIRE_SYS(mmap((void *)CODE_AREA, CODE_BYTES, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	u64 handler = LAYOUT_PAYLOAD + (fuzz_loop_handler - fuzz_loop_start);
	u64 *gdt = (u64 *)(code + CODE_GDT), *idt = (u64 *)(code + CODE_IDT);
	unsigned int vector;

	memcpy(code, fuzz_loop_start, fuzz_loop_end - fuzz_loop_start);
	gdt[SELECTOR_DATA / 8] = 0x00cf93000000ffff;
	gdt[SELECTOR_CODE32 / 8] = 0x00cf9b000000ffff;
	/* Of exceptions NMI alone: others end in a triple fault. SDM 3A 6.11 */
	for (vector = VECTOR_NMI; vector < 256; vector = vector < 32 ? 32 : vector + 1)
		idt[vector] = (handler & 0xffff) | SELECTOR_CODE32 << 16 | 0x8e0000000000 |
			      (handler & 0xffff0000) << 32;
}

void vm_fill(struct worker *w, int vm)
{
	doing(w, "vm_fill", vm, 0);
	lhv_set_memory(vm, 0, 0, LAYOUT_PAYLOAD, CODE_BYTES, (void *)CODE_AREA);
	lhv_set_memory(vm, 1, 0, 0x100000, MIB(2), (void *)ARENA_PART(0));
	lhv_set_memory(vm, 2, LHV_MEM_LOG_DIRTY, 0x300000, MIB(1), (void *)ARENA_PART(2));
	lhv_set_memory(vm, 3, LHV_MEM_READONLY, 0x400000, MIB(1), (void *)ARENA_PART(1));
}

static void set_flat(struct lhv_sregs *sregs)
{
	const struct lhv_segment data = {
		.selector = SELECTOR_DATA, .limit = UINT32_MAX, .access = ACCESS_DATA,
	};

	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
	sregs->cs = data;
	sregs->cs.selector = SELECTOR_CODE32;
	sregs->cs.access = ACCESS_CODE32;
	sregs->tr = (struct lhv_segment){ .limit = 0x67, .access = ACCESS_TSS };
	sregs->ldt = (struct lhv_segment){ .access = ACCESS_LDT };
	sregs->gdt = (struct lhv_dtable){ .base = LAYOUT_PAYLOAD + CODE_GDT, .limit = 0xfff };
	sregs->idt = (struct lhv_dtable){ .base = LAYOUT_PAYLOAD + CODE_IDT, .limit = 0x7ff };
	sregs->cr0 = CR0_PE | CR0_ET | CR0_NE;
	sregs->cr4 = 0;
	sregs->efer = 0;
	sregs->apic_base = 0xfee00000 | BIT(11);
}

/* It may have been closed or be another fd meanwhile: then this fails. */
void vcpu_boot(struct worker *w, int fd)
{
	const struct lhv_regs regs = {
		.rip = LAYOUT_PAYLOAD,
		.rsp = LAYOUT_PAYLOAD + CODE_STACKS + (1 + pick(w, NR_STACKS)) * STACK_BYTES,
		.rsi = draw32(w),
		.rflags = FLAGS_FIXED,
	};
	const struct lhv_mp_state mp = { .state = LHV_MP_RUNNABLE };
	const struct lhv_events events = { };
	struct lhv_sregs sregs;

	if (lhv_get_state(fd, LHV_STATE_SREGS, &sregs, sizeof(sregs)))
		return;
	set_flat(&sregs);
	lhv_set_state(fd, LHV_STATE_SREGS, &sregs, sizeof(sregs));
	lhv_set_state(fd, LHV_STATE_EVENTS, &events, sizeof(events));
	lhv_set_state(fd, LHV_STATE_REGS, &regs, sizeof(regs));
	lhv_set_state(fd, LHV_STATE_MP, &mp, sizeof(mp));
}

void run_page_map(struct worker *w, int fd, unsigned int place)
{
	bool fault = w->fault >= 0 && one_in(w, 4);

	if (fault)
		fault_arm(w->fault, 1 + pick(w, 12));
	(void)!mmap((void *)RUN_PAGE(place), GUEST_PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0);
	if (fault)
		fault_disarm(w->fault);
}

static void arm_timer(struct worker *w, u32 usec)
{
	const struct timespec at = { .tv_nsec = usec * 1000L };
	const struct itimerspec setting = { .it_value = at, .it_interval = at };

	REQUIRE_SYS(timer_settime(w->timer, 0, &setting, NULL));
}

/* Of a run that returned; others may have written into the page, or unmapped it. */
static u32 exit_reason(struct worker *w, unsigned int place)
{
	u32 reason = LHV_EXIT_NONE;

	(void)peek(RUN_PAGE(place) + offsetof(struct lhv_run, exit_reason), &reason,
		   sizeof(reason));
	if (reason < NR_EXITS)
		__atomic_add_fetch(&w->round->tally->exits[reason], 1, __ATOMIC_RELAXED);
	return reason;
}

void vcpu_run_a_while(struct worker *w)
{
	const u8 clear = 0;
	u32 i, times = 1 + pick(w, 12), reason = LHV_EXIT_NONE;
	unsigned int place;
	int fd, ret;

	fd = pool_vcpu(w, &place);
	doing(w, "vcpu_run_a_while", fd, times);
	if (!one_in(w, 8))
		(void)poke(RUN_PAGE(place), &clear, sizeof(clear));
	arm_timer(w, (500 + pick(w, 3000)) * w->round->slowness);
	for (i = 0; i < times; i++) {
		ret = lhv_run(fd);
		run_check(w, ret);
		if (ret)
			break;
		reason = exit_reason(w, place);
	}
	arm_timer(w, 0);
	if (!ret && reason > LHV_EXIT_EOI && !one_in(w, 4))
		vcpu_boot(w, fd);
}

void run_page_write(struct worker *w)
{
	unsigned int place, n = 1 + pick(w, 64), at = pick(w, GUEST_PAGE - n), i;
	u8 garbage[64];

	(void)pool_vcpu(w, &place);
	doing(w, "run_page_write", place, at);
	for (i = 0; i < n; i++)
		garbage[i] = draw32(w);
	if (one_in(w, 2)) {
		at = offsetof(struct lhv_run, immediate_exit);
		n = 1;
		garbage[0] &= 1;
	}
	(void)poke(RUN_PAGE(place) + at, garbage, n);
}
