// SPDX-License-Identifier: GPL-2.0-only
/*
 * One ioctl: its struct, right or wrong or somewhere it shouldn't be, and what the
 * interface says that it may return (include/uapi/lhv.h)
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"
#include "fault.h"
#include "fuzz.h"
#include "ioctls.h"

/**
 * struct command - an ioctl
 * @name:	its name
 * @number:	its number
 * @kind:	of the fds that take it
 * @size:	of its struct
 * @pointer:	where in the struct an address is, or 0
 * @make:	fills in the struct but for size and flags: with what can succeed, mostly
 * @errors:	it may fail with besides those that all have, 0-terminated
 * @check:	the struct after it succeeded
 */
struct command {
	const char *name;
	unsigned long number;
	enum kind kind;
	u32 size;
	u32 pointer;
	void (*make)(struct worker *w, void *arg);
	int errors[5];
	bool (*check)(const void *arg);
};

static const int common_errors[] = {
	EFAULT, EINVAL, E2BIG, EOPNOTSUPP, ENOMEM,
	/* The fd is another one, or none, by now. */
	ENOTTY, EBADF,
};

/* ---- what can succeed ------------------------------------------------------------ */

static void make_check_cap(struct worker *w, void *arg)
{
	((struct lhv_check_cap *)arg)->cap = pick(w, 12);
}

static void make_list(struct worker *w, void *arg)
{
	struct lhv_list *list = arg;

	list->count = one_in(w, 4) ? draw32(w) : pick(w, 2 * LHV_MAX_CPUID_ENTRIES);
	list->data = any_pointer(w);
}

static void make_vcpu(struct worker *w, void *arg)
{
	static const u32 far[] = { 15, 16, 63, 255, 256, 1023, 1024 };
	u32 id = one_in(w, 6) ? far[pick(w, ARRAY_SIZE(far))] : pick(w, 5);

	((struct lhv_create_vcpu *)arg)->id = id;
}

static void make_memory(struct worker *w, void *arg)
{
	struct lhv_memory *memory = arg;
	u32 pages = one_in(w, 3) ? 512 : 1 + pick(w, 128);

	memory->slot = one_in(w, 30) ? draw32(w) % 600 : 1 + pick(w, 7);
	memory->flags = pick(w, 4);
	memory->hva = arena_page(w, pages);
	memory->gpa = 0x100000 + pick(w, 1024) * GUEST_PAGE;
	memory->bytes = one_in(w, 2) ? 0 : pages * GUEST_PAGE;
	if (one_in(w, 4)) {
		memory->hva &= -MIB(2);
		memory->gpa &= -MIB(2);
	}
	/* Those of vm_fill(), moved or with other flags */
	if (one_in(w, 4)) {
		memory->slot = 1 + pick(w, 2);
		memory->flags &= ~LHV_MEM_READONLY;
		memory->hva = ARENA_PART(memory->slot == 1 ? 0 : 2);
		memory->gpa = 0x100000 + pick(w, 8) * MIB(1);
		memory->bytes = memory->slot == 1 ? MIB(2) : MIB(1);
	}
	if (one_in(w, 40)) {
		memory->slot = 500;
		memory->gpa = GIB(1);
		memory->bytes = GIB(1) << pick(w, 7);
		memory->hva = ARENA;
	}
}

static void make_dirty_log(struct worker *w, void *arg)
{
	struct lhv_dirty_log *log = arg;

	log->slot = one_in(w, 2) ? 2 : pick(w, 8);
	log->bitmap = any_pointer(w);
	log->bytes = one_in(w, 4) ? draw32(w) : 64;
}

static void make_msi(struct worker *w, void *arg)
{
	static const u32 modes[] = { 0, 0, 0, 0x100, 0x400, 0x8000, 0xc000, 0x500 };
	struct lhv_msi *msi = arg;

	msi->address = 0xfee00000 | (one_in(w, 2) ? 0xff : pick(w, 5)) << 12 | pick(w, 4) << 2;
	msi->data = (16 + pick(w, 240)) | modes[pick(w, ARRAY_SIZE(modes))];
}

/* A new one that was signalled already, or whatever there is */
static int any_event(struct worker *w)
{
	int fd;

	if (one_in(w, 3))
		return pool_fd(w, KIND_WRONG);
	fd = eventfd(1, EFD_NONBLOCK);
	if (fd >= 0)
		pool_put(w, KIND_WRONG, fd);
	return fd;
}

static void make_irqfd(struct worker *w, void *arg)
{
	struct lhv_irqfd *irqfd = arg;

	irqfd->fd = any_event(w);
	if (one_in(w, 4)) {
		irqfd->flags = LHV_IRQFD_DEASSIGN;
		return;
	}
	irqfd->flags = one_in(w, 4) ? LHV_IRQFD_UPDATE : 0;
	irqfd->address = 0xfee00000 | pick(w, 5) << 12;
	irqfd->data = 16 + pick(w, 240);
	if (one_in(w, 3)) {
		irqfd->data |= 0xc000;
		irqfd->resample_fd = irqfd->flags ? 0 : any_event(w);
		irqfd->flags |= LHV_IRQFD_RESAMPLE;
	}
}

static void make_ioeventfd(struct worker *w, void *arg)
{
	struct lhv_ioeventfd *io = arg;

	io->flags = pick(w, 8);
	io->address = io->flags & LHV_IOEVENTFD_PIO ? pick(w, 0x20) : 0xd0000000 + pick(w, 64);
	io->length = one_in(w, 3) ? 0 : 1 << pick(w, 4);
	io->fd = any_event(w);
	if (!io->length || one_in(w, 2))
		io->flags &= ~LHV_IOEVENTFD_DATAMATCH;
	else if (io->flags & LHV_IOEVENTFD_DATAMATCH)
		io->data = pick(w, 4);
}

static void make_stats(struct worker *w, void *arg)
{
	struct lhv_stats *stats = arg;

	stats->count = one_in(w, 4) ? draw32(w) : pick(w, 64);
	stats->values = any_pointer(w);
}

static void make_vm_state(struct worker *w, void *arg)
{
	struct lhv_state *state = arg;

	state->type = one_in(w, 4) ? draw32(w) : LHV_STATE_CLOCK;
	state->version = pick(w, 2);
	state->length = one_in(w, 4) ? draw32(w) : sizeof(struct lhv_clock);
	state->data = any_pointer(w);
}

static const u32 record_sizes[] = {
	[LHV_STATE_REGS] = sizeof(struct lhv_regs),
	[LHV_STATE_SREGS] = sizeof(struct lhv_sregs),
	[LHV_STATE_XSAVE] = 4096,
	[LHV_STATE_XCRS] = sizeof(struct lhv_xcrs),
	[LHV_STATE_DEBUGREGS] = sizeof(struct lhv_debugregs),
	[LHV_STATE_EVENTS] = sizeof(struct lhv_events),
	[LHV_STATE_LAPIC] = sizeof(struct lhv_lapic_state),
	[LHV_STATE_MP] = sizeof(struct lhv_mp_state),
	[LHV_STATE_MSRS] = 4 * sizeof(struct lhv_msr),
	[LHV_STATE_CPUID] = 40 * sizeof(struct lhv_cpuid_entry),
	[LHV_STATE_TSC] = sizeof(struct lhv_tsc),
};

static void make_vcpu_state(struct worker *w, void *arg)
{
	struct lhv_state *state = arg;

	state->type = one_in(w, 20) ? draw32(w) : 1 + pick(w, LHV_STATE_TSC);
	state->version = 1;
	state->data = one_in(w, 4) ? any_pointer(w) : (uintptr_t)w->data;
	if (one_in(w, 10) || state->type >= ARRAY_SIZE(record_sizes))
		state->length = one_in(w, 2) ? draw32(w) : pick(w, DATA_SIZE);
	else
		state->length = record_sizes[state->type];
}

/* The present record with a few other bits, or just bits */
static void make_vcpu_set(struct worker *w, void *arg)
{
	struct lhv_state *state = arg;
	u32 i, n = pick(w, 4), length = 0;
	unsigned int place;

	make_vcpu_state(w, arg);
	if (state->data != (uintptr_t)w->data)
		return;
	if (state->type == LHV_STATE_XSAVE || state->type == LHV_STATE_CPUID)
		length = DATA_SIZE;
	else if (state->type < ARRAY_SIZE(record_sizes))
		length = record_sizes[state->type];
	if (!lhv_get_state_length(pool_vcpu(w, &place), state->type, w->data, &length) &&
	    length <= DATA_SIZE)
		state->length = length;
	for (i = 0; state->length && i < n; i++)
		w->data[pick(w, state->length) % DATA_SIZE] ^= 1 << pick(w, 8);
}

/* ---- what must be there afterwards ----------------------------------------------- */

static bool check_info(const void *arg)
{
	const struct lhv_info *info = arg;

	return info->api_version == LHV_API_VERSION && info->run_size == GUEST_PAGE;
}

static bool check_list(const void *arg)
{
	return ((const struct lhv_list *)arg)->count > 0;
}

static bool check_msi(const void *arg)
{
	return ((const struct lhv_msi *)arg)->delivered <= 1024;
}

static bool check_vm_stats(const void *arg)
{
	return ((const struct lhv_stats *)arg)->count == LHV_VM_STAT_COUNT;
}

static bool check_vcpu_stats(const void *arg)
{
	return ((const struct lhv_stats *)arg)->count == LHV_VCPU_STAT_COUNT;
}

static bool check_state(const void *arg)
{
	return ((const struct lhv_state *)arg)->version == 1;
}

/* ---- the table -------------------------------------------------------------------- */

#define COMMAND(name, kind, type, pointer, make, check, ...) \
	{ #name, name, kind, sizeof(struct type), pointer, make, { __VA_ARGS__ }, check }
#define AT(type, member)	offsetof(struct type, member)

static const struct command commands[] = {
	COMMAND(LHV_INFO, KIND_DEV, lhv_info, 0, NULL, check_info, 0),
	COMMAND(LHV_CHECK_CAP, KIND_DEV, lhv_check_cap, 0, make_check_cap, NULL, 0),
	COMMAND(LHV_SUPPORTED_CPUID, KIND_DEV, lhv_list, AT(lhv_list, data), make_list,
		check_list, ENOSPC),
	COMMAND(LHV_MSR_LIST, KIND_DEV, lhv_list, AT(lhv_list, data), make_list, check_list,
		ENOSPC),
	COMMAND(LHV_CREATE_VM, KIND_DEV, lhv_create_vm, 0, NULL, NULL, EMFILE, EINTR),
	COMMAND(LHV_VM_CREATE_VCPU, KIND_VM, lhv_create_vcpu, 0, make_vcpu, NULL,
		EEXIST, EMFILE),
	COMMAND(LHV_VM_SET_MEMORY, KIND_VM, lhv_memory, AT(lhv_memory, hva), make_memory, NULL,
		EEXIST, ENOENT),
	COMMAND(LHV_VM_GET_DIRTY_LOG, KIND_VM, lhv_dirty_log, AT(lhv_dirty_log, bitmap),
		make_dirty_log, NULL, ENOENT),
	COMMAND(LHV_VM_SEND_MSI, KIND_VM, lhv_msi, 0, make_msi, check_msi, 0),
	COMMAND(LHV_VM_IRQFD, KIND_VM, lhv_irqfd, 0, make_irqfd, NULL, EBUSY, ENOENT, ENOSPC),
	COMMAND(LHV_VM_IOEVENTFD, KIND_VM, lhv_ioeventfd, 0, make_ioeventfd, NULL,
		EEXIST, ENOENT, ENOSPC),
	COMMAND(LHV_VM_GET_STATS, KIND_VM, lhv_stats, AT(lhv_stats, values), make_stats,
		check_vm_stats, 0),
	COMMAND(LHV_VM_GET_STATE, KIND_VM, lhv_state, AT(lhv_state, data), make_vm_state,
		check_state, ENOENT, ENOSPC),
	COMMAND(LHV_VM_SET_STATE, KIND_VM, lhv_state, AT(lhv_state, data), make_vm_state, NULL,
		ENOENT),
	COMMAND(LHV_VCPU_GET_STATE, KIND_VCPU, lhv_state, AT(lhv_state, data), make_vcpu_state,
		check_state, ENOENT, ENOSPC),
	COMMAND(LHV_VCPU_SET_STATE, KIND_VCPU, lhv_state, AT(lhv_state, data), make_vcpu_set,
		NULL, ENOENT),
	COMMAND(LHV_VCPU_GET_STATS, KIND_VCPU, lhv_stats, AT(lhv_stats, values), make_stats,
		check_vcpu_stats, 0),
};

_Static_assert(ARRAY_SIZE(commands) + 1 == NR_COMMANDS, "struct tally");

/* How often each comes, beside the others */
static const u8 weights[ARRAY_SIZE(commands)] = { 1, 1, 1, 1, 4, 8, 22, 8, 10, 8, 8, 2, 1, 1, 7, 8, 2 };

static const struct command *pick_command(struct worker *w)
{
	u32 i, sum = 0, at;

	for (i = 0; i < ARRAY_SIZE(weights); i++)
		sum += weights[i];
	at = pick(w, sum);
	for (i = 0; at >= weights[i]; i++)
		at -= weights[i];
	return &commands[i];
}

/* ---- calls -------------------------------------------------------------------------- */

/* As a 32-bit program's: 64-bit ones can, too. */
static int ioctl_compat(int fd, u32 number, u32 arg)
{
	int ret;

	asm volatile("int $0x80"
		     : "=a"(ret) : "0"(54 /* ioctl */), "b"(fd), "c"(number), "d"(arg)
		     : "r8", "r9", "r10", "r11", "memory");
	return ret;
}

static int call(struct worker *w, int fd, unsigned long number, u64 arg)
{
	sigset_t all, before;
	bool fault = w->fault >= 0 && one_in(w, 3);
	int ret;

	/* A signal's frame could be what fails. */
	if (fault) {
		sigfillset(&all);
		pthread_sigmask(SIG_BLOCK, &all, &before);
		fault_arm(w->fault, 1 + pick(w, 24));
	}
	if (arg < UINT32_MAX && one_in(w, 10))
		ret = ioctl_compat(fd, number, arg);
	else
		ret = lhv_ioctl(fd, number, (void *)arg);
	if (fault) {
		fault_disarm(w->fault);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	return ret;
}

static bool has_error(const struct command *c, int error)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(common_errors); i++)
		if (common_errors[i] == error)
			return true;
	for (i = 0; i < ARRAY_SIZE(c->errors); i++)
		if (c->errors[i] == error)
			return true;
	return false;
}

/* @index: in struct tally */
static void check_errno(struct worker *w, const struct command *c, u32 index, int ret)
{
	struct tally *tally = w->round->tally;

	if (ret < 0 && !has_error(c, -ret))
		FAIL("%s: %s", c->name, strerror(-ret));
	tally->name[index] = c->name;
	__atomic_add_fetch(ret < 0 ? &tally->refused[index] : &tally->done[index], 1,
			   __ATOMIC_RELAXED);
}

void run_check(struct worker *w, int ret)
{
	static const struct command run = { "LHV_VCPU_RUN", .errors = { EINTR } };

	check_errno(w, &run, NR_COMMANDS - 1, ret);
	if (ret > 0)
		FAIL("%s returns %d", run.name, ret);
}

/* Not so that it points to the fuzzer itself, which is below the arena. */
static void damage(struct worker *w, const struct command *c)
{
	u32 n = 1 + pick(w, 3), size = c->size;
	u8 *arg = w->arg;
	u64 *pointer = (u64 *)(arg + c->pointer);

	while (n--) {
		if (one_in(w, 2))
			arg[pick(w, size)] ^= 1 << pick(w, 8);
		else
			arg[pick(w, size)] = draw32(w);
	}
	if (c->pointer && *pointer < ARENA)
		*pointer = ARENA;
}

/* Into the arena, often before a page's end; or nowhere */
static u64 place_arg(struct worker *w, u32 size)
{
	u64 at;

	if (one_in(w, 8))
		return any_pointer(w);
	at = arena_page(w, 1) + GUEST_PAGE - size;
	if (one_in(w, 3))
		at -= pick(w, GUEST_PAGE - size);
	(void)poke(at, w->arg, size);
	return at;
}

static void keep_vm(struct worker *w, int fd)
{
	vm_fill(w, fd);
	pool_put(w, KIND_VM, fd);
}

static void keep_vcpu(struct worker *w, int fd)
{
	unsigned int place;

	if (!one_in(w, 8))
		vcpu_boot(w, fd);
	place = pool_put(w, KIND_VCPU, fd);
	if (!one_in(w, 8))
		run_page_map(w, fd, place);
}

static void check_result(struct worker *w, const struct command *c, int ret, bool own)
{
	check_errno(w, c, c - commands, ret);
	if (ret < 0)
		return;
	if (c->number == LHV_CREATE_VM)
		keep_vm(w, ret);
	else if (c->number == LHV_VM_CREATE_VCPU)
		keep_vcpu(w, ret);
	else if (ret)
		FAIL("%s returns %d", c->name, ret);
	else if (own && c->check && !c->check(w->arg))
		FAIL("%s: wrong values", c->name);
}

static void one_call(struct worker *w, const struct command *c, int fd)
{
	u32 *header = (u32 *)w->arg, size = c->size;
	u64 arg = (uintptr_t)w->arg;
	bool damaged;

	memset(w->arg, 0, ARG_SIZE);
	if (c->make)
		c->make(w, w->arg);
	if (one_in(w, 20))
		size = one_in(w, 2) ? pick(w, 2 * c->size) : draw32(w);
	header[0] = size;
	damaged = one_in(w, 6);
	if (damaged)
		damage(w, c);
	if (one_in(w, 4))
		arg = place_arg(w, c->size);
	doing(w, c->name, fd, arg);
	check_result(w, c, call(w, fd, c->number, arg),
		     arg == (uintptr_t)w->arg && !damaged && size == c->size);
}

/* Whatever the kernel or the module makes of it */
static void unknown_command(struct worker *w)
{
	unsigned long number = commands[pick(w, ARRAY_SIZE(commands))].number;
	int fd = pool_fd(w, pick(w, NR_KINDS)), ret;

	if (one_in(w, 2))
		number ^= BIT(pick(w, 32));
	else
		number = (number & 0xff00) | (draw32(w) & 0xffff00ff);
	if (number == LHV_VCPU_RUN || (number & 0xff00) != LHV_IOC_TYPE << 8)
		return;
	memset(w->arg, 0, ARG_SIZE);
	doing(w, "unknown_command", fd, number);
	ret = call(w, fd, number, one_in(w, 2) ? (uintptr_t)w->arg : any_pointer(w));
	if (ret > 0)
		close(ret);
	else if (ret == -EIO)
		FAIL("command 0x%lx: %s", number, strerror(-ret));
}

void command_any(struct worker *w)
{
	const struct command *c = pick_command(w);
	int fd = pool_fd(w, c->kind);
	u32 i, times = 1;

	if (one_in(w, 30)) {
		unknown_command(w);
		return;
	}
	/* Else there would soon be nothing left in most guests' memory. */
	if (c->number == LHV_VM_SET_MEMORY && one_in(w, 5)) {
		vm_fill(w, fd);
		return;
	}
	if (c->number == LHV_VM_SEND_MSI)
		times = 1 + pick(w, 30);
	for (i = 0; i < times; i++)
		one_call(w, c, fd);
}
