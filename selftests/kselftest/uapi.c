// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules that all ioctls have in common, tried on each of them, and the
 * layout of what they take
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "test.h"
#include "uapi_layout.h"

enum fd_kind { DEV, VM, VCPU, NR_FDS };

/* What a command may point to. */
static union {
	u64 values[64];
	struct lhv_cpuid_entry cpuid[LHV_MAX_CPUID_ENTRIES];
	u32 msr[1024];
	struct lhv_regs regs;
	struct lhv_clock clock;
} data;

static void prepare_list(void *arg)
{
	((struct lhv_list *)arg)->count = LHV_MAX_CPUID_ENTRIES;
	((struct lhv_list *)arg)->data = (uintptr_t)&data;
}

static void prepare_vcpu(void *arg)
{
	((struct lhv_create_vcpu *)arg)->id = 1;
}

static void prepare_memory(void *arg)
{
	struct lhv_memory *memory = arg;

	memory->flags = LHV_MEM_LOG_DIRTY;
	memory->bytes = GUEST_PAGE;
	memory->hva = 0x10000000;
}

static void prepare_dirty_log(void *arg)
{
	struct lhv_dirty_log *log = arg;

	log->bitmap = (uintptr_t)&data;
	log->bytes = 8;
}

static void prepare_msi(void *arg)
{
	((struct lhv_msi *)arg)->address = 0xfee00000;
	((struct lhv_msi *)arg)->data = 0x30;
}

static void prepare_stats(void *arg)
{
	((struct lhv_stats *)arg)->count = 64;
	((struct lhv_stats *)arg)->values = (uintptr_t)&data;
}

static void prepare_irqfd(void *arg)
{
	((struct lhv_irqfd *)arg)->fd = -1;
	((struct lhv_irqfd *)arg)->address = 0xfee00000;
}

static void prepare_ioeventfd(void *arg)
{
	((struct lhv_ioeventfd *)arg)->fd = -1;
}

static void prepare_clock(void *arg)
{
	struct lhv_state *state = arg;

	state->type = LHV_STATE_CLOCK;
	state->version = 1;
	state->length = sizeof(struct lhv_clock);
	state->data = (uintptr_t)&data;
}

static void prepare_regs(void *arg)
{
	struct lhv_state *state = arg;

	data.regs.rflags = FLAGS_FIXED;
	state->type = LHV_STATE_REGS;
	state->version = 1;
	state->length = sizeof(struct lhv_regs);
	state->data = (uintptr_t)&data;
}

#define RESERVED(type)	offsetof(struct type, reserved)
#define NONE		0	/* no reserved field; 0 is @size's offset */

/* @ret: what the prepared argument gives; for fds, anything from 0. */
static const struct command {
	const char *name;
	unsigned long command;
	enum fd_kind fd;
	u32 size;
	u32 reserved;
	void (*prepare)(void *arg);
	int ret;
	bool gives_fd;
	u32 flags;	/* that there are */
} commands[] = {
	{ "INFO", LHV_INFO, DEV, sizeof(struct lhv_info), NONE },
	{ "CHECK_CAP", LHV_CHECK_CAP, DEV, sizeof(struct lhv_check_cap),
	  RESERVED(lhv_check_cap) },
	{ "SUPPORTED_CPUID", LHV_SUPPORTED_CPUID, DEV, sizeof(struct lhv_list),
	  RESERVED(lhv_list), prepare_list },
	{ "MSR_LIST", LHV_MSR_LIST, DEV, sizeof(struct lhv_list),
	  RESERVED(lhv_list), prepare_list },
	{ "CREATE_VM", LHV_CREATE_VM, DEV, sizeof(struct lhv_create_vm), NONE,
	  .gives_fd = true },
	{ "CREATE_VCPU", LHV_VM_CREATE_VCPU, VM, sizeof(struct lhv_create_vcpu),
	  RESERVED(lhv_create_vcpu), prepare_vcpu, .gives_fd = true },
	{ "SET_MEMORY", LHV_VM_SET_MEMORY, VM, sizeof(struct lhv_memory),
	  RESERVED(lhv_memory), prepare_memory, .flags = 3 },
	{ "GET_DIRTY_LOG", LHV_VM_GET_DIRTY_LOG, VM, sizeof(struct lhv_dirty_log),
	  RESERVED(lhv_dirty_log), prepare_dirty_log },
	{ "SEND_MSI", LHV_VM_SEND_MSI, VM, sizeof(struct lhv_msi), NONE, prepare_msi },
	{ "IRQFD", LHV_VM_IRQFD, VM, sizeof(struct lhv_irqfd), RESERVED(lhv_irqfd),
	  prepare_irqfd, -EBADF, .flags = 7 },
	{ "IOEVENTFD", LHV_VM_IOEVENTFD, VM, sizeof(struct lhv_ioeventfd), NONE,
	  prepare_ioeventfd, -EBADF, .flags = 7 },
	{ "VM GET_STATS", LHV_VM_GET_STATS, VM, sizeof(struct lhv_stats),
	  RESERVED(lhv_stats), prepare_stats },
	{ "VM GET_STATE", LHV_VM_GET_STATE, VM, sizeof(struct lhv_state),
	  RESERVED(lhv_state), prepare_clock },
	/* No record of a VM can be set: REGS is one of a vCPU. */
	{ "VM SET_STATE", LHV_VM_SET_STATE, VM, sizeof(struct lhv_state),
	  RESERVED(lhv_state), prepare_regs, -ENOENT },
	{ "VCPU GET_STATE", LHV_VCPU_GET_STATE, VCPU, sizeof(struct lhv_state),
	  RESERVED(lhv_state), prepare_regs },
	{ "VCPU SET_STATE", LHV_VCPU_SET_STATE, VCPU, sizeof(struct lhv_state),
	  RESERVED(lhv_state), prepare_regs },
	{ "VCPU GET_STATS", LHV_VCPU_GET_STATS, VCPU, sizeof(struct lhv_stats),
	  RESERVED(lhv_stats), prepare_stats },
};

FIXTURE(uapi) {
	int fd[NR_FDS];
	/* The last bytes of @area can be read; what follows can't. */
	u8 *area;
	u8 *wall;
};

FIXTURE_SETUP(uapi)
{
	self->fd[DEV] = dev_open();
	self->fd[VM] = REQUIRE_OK(lhv_create_vm(self->fd[DEV]));
	self->fd[VCPU] = REQUIRE_OK(lhv_create_vcpu(self->fd[VM], 0));
	self->area = mmap(NULL, 4 * GUEST_PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(self->area != MAP_FAILED);
	self->wall = self->area + 3 * GUEST_PAGE;
	REQUIRE_SYS(mprotect(self->wall, GUEST_PAGE, PROT_NONE));
	/* Slot 0, for GET_DIRTY_LOG. */
	REQUIRE_OK(lhv_set_memory(self->fd[VM], 0, LHV_MEM_LOG_DIRTY, 0, GUEST_PAGE,
				  (void *)0x10000000));
}

FIXTURE_TEARDOWN(uapi)
{
	close(self->fd[VCPU]);
	close(self->fd[VM]);
	close(self->fd[DEV]);
}

/* Fills in the argument with @size bytes and gives the command. */
static int try_command(FIXTURE_DATA(uapi) *self, const struct command *c, void *arg, u32 size)
{
	int ret;

	if (c->prepare)
		c->prepare(arg);
	*(u32 *)arg = size;
	ret = lhv_ioctl(self->fd[c->fd], c->command, arg);
	if (c->gives_fd && ret >= 0) {
		close(ret);
		return 0;
	}
	return ret;
}

/* An argument of @room bytes, zeroed, at the very end of what can be read. */
static void *new_arg(FIXTURE_DATA(uapi) *self, u32 room)
{
	memset(self->area, 0, 3 * GUEST_PAGE);
	return self->wall - room;
}

#define FOR_EACH_COMMAND(c) \
	for (c = commands; c < commands + ARRAY_SIZE(commands); c++)

TEST_F(uapi, each_command_works)
{
	const struct command *c;

	FOR_EACH_COMMAND(c) {
		EXPECT_EQ(c->ret, try_command(self, c, new_arg(self, c->size), c->size))
			TH_LOG("%s", c->name);
	}
}

TEST_F(uapi, size_too_small)
{
	const struct command *c;
	u32 size;

	FOR_EACH_COMMAND(c) {
		for (size = 0; size < c->size; size += 4) {
			EXPECT_EQ(-EINVAL, try_command(self, c, new_arg(self, c->size), size))
				TH_LOG("%s %u", c->name, size);
		}
	}
}

TEST_F(uapi, size_larger)
{
	const struct command *c;
	u8 *arg;

	FOR_EACH_COMMAND(c) {
		EXPECT_EQ(c->ret, try_command(self, c, new_arg(self, c->size + 64), c->size + 64))
			TH_LOG("%s, zeros", c->name);
		EXPECT_EQ(c->ret, try_command(self, c, new_arg(self, GUEST_PAGE), GUEST_PAGE))
			TH_LOG("%s, a page", c->name);
		arg = new_arg(self, c->size + 64);
		arg[c->size] = 1;
		EXPECT_EQ(-E2BIG, try_command(self, c, arg, c->size + 64))
			TH_LOG("%s, first byte", c->name);
		arg = new_arg(self, c->size + 64);
		arg[c->size + 63] = 1;
		EXPECT_EQ(-E2BIG, try_command(self, c, arg, c->size + 64))
			TH_LOG("%s, last byte", c->name);
	}
}

TEST_F(uapi, unknown_flag)
{
	const struct command *c;
	u32 *arg;
	int bit;

	FOR_EACH_COMMAND(c) {
		for (bit = 0; bit < 32; bit++) {
			if (c->flags & BIT(bit))
				continue;
			arg = new_arg(self, c->size);
			if (c->prepare)
				c->prepare(arg);
			arg[0] = c->size;
			arg[1] |= 1U << bit;
			EXPECT_EQ(-EOPNOTSUPP, lhv_ioctl(self->fd[c->fd], c->command, arg))
				TH_LOG("%s, bit %d", c->name, bit);
		}
	}
}

TEST_F(uapi, reserved_field)
{
	const struct command *c;
	u8 *arg;

	FOR_EACH_COMMAND(c) {
		if (c->reserved == NONE)
			continue;
		arg = new_arg(self, c->size);
		arg[c->reserved] = 1;
		EXPECT_EQ(-EINVAL, try_command(self, c, arg, c->size)) TH_LOG("%s", c->name);
		arg = new_arg(self, c->size);
		arg[c->reserved + 3] = 0x80;
		EXPECT_EQ(-EINVAL, try_command(self, c, arg, c->size)) TH_LOG("%s", c->name);
	}
}

TEST_F(uapi, bad_address)
{
	const struct command *c;
	u8 *arg;

	FOR_EACH_COMMAND(c) {
		int fd = self->fd[c->fd];

		EXPECT_EQ(-EFAULT, lhv_ioctl(fd, c->command, NULL)) TH_LOG("%s", c->name);
		EXPECT_EQ(-EFAULT, lhv_ioctl(fd, c->command, self->wall)) TH_LOG("%s", c->name);
		/* A kernel address */
		EXPECT_EQ(-EFAULT, lhv_ioctl(fd, c->command, (void *)(-MIB(16))))
			TH_LOG("%s", c->name);
		/* The struct's end can't be read */
		arg = new_arg(self, c->size - 4);
		*(u32 *)arg = c->size;
		EXPECT_EQ(-EFAULT, lhv_ioctl(fd, c->command, arg)) TH_LOG("%s", c->name);
	}
}

/* What the argument points to can't be reached. */
TEST_F(uapi, bad_address_in_argument)
{
	static const struct {
		unsigned long command;
		u32 offset;
	} pointers[] = {
		{ LHV_SUPPORTED_CPUID, offsetof(struct lhv_list, data) },
		{ LHV_MSR_LIST, offsetof(struct lhv_list, data) },
		{ LHV_VM_GET_DIRTY_LOG, offsetof(struct lhv_dirty_log, bitmap) },
		{ LHV_VM_GET_STATS, offsetof(struct lhv_stats, values) },
		{ LHV_VM_GET_STATE, offsetof(struct lhv_state, data) },
		{ LHV_VCPU_GET_STATE, offsetof(struct lhv_state, data) },
		{ LHV_VCPU_SET_STATE, offsetof(struct lhv_state, data) },
		{ LHV_VCPU_GET_STATS, offsetof(struct lhv_stats, values) },
	};
	const struct command *c;
	unsigned int i;
	u8 *arg;

	for (i = 0; i < ARRAY_SIZE(pointers); i++) {
		FOR_EACH_COMMAND(c) {
			if (c->command != pointers[i].command)
				continue;
			arg = new_arg(self, c->size);
			c->prepare(arg);
			*(u32 *)arg = c->size;
			*(u64 *)(arg + pointers[i].offset) = (uintptr_t)self->wall;
			EXPECT_EQ(-EFAULT, lhv_ioctl(self->fd[c->fd], c->command, arg))
				TH_LOG("%s", c->name);
			*(u64 *)(arg + pointers[i].offset) = -MIB(16);
			EXPECT_EQ(-EFAULT, lhv_ioctl(self->fd[c->fd], c->command, arg))
				TH_LOG("%s, kernel address", c->name);
		}
	}
}

TEST_F(uapi, unknown_command)
{
	const struct command *c;
	int fd;

	FOR_EACH_COMMAND(c) {
		for (fd = DEV; fd < NR_FDS; fd++) {
			if (fd == (int)c->fd)
				continue;
			EXPECT_EQ(-ENOTTY, lhv_ioctl(self->fd[fd], c->command,
						     new_arg(self, GUEST_PAGE)))
				TH_LOG("%s on fd %d", c->name, fd);
		}
	}
	for (fd = DEV; fd < NR_FDS; fd++) {
		EXPECT_EQ(-ENOTTY, lhv_ioctl(self->fd[fd], _IO(LHV_IOC_TYPE, 0xff), NULL));
		EXPECT_EQ(-ENOTTY, lhv_ioctl(self->fd[fd], _IO(LHV_IOC_TYPE - 1, 0), NULL));
		EXPECT_EQ(-ENOTTY, lhv_ioctl(self->fd[fd],
					     _IOR(LHV_IOC_TYPE, 0, struct lhv_info), NULL));
	}
	EXPECT_EQ(-ENOTTY, lhv_run(self->fd[DEV]));
	EXPECT_EQ(-ENOTTY, lhv_run(self->fd[VM]));
}

/* A VM is bound to the address space that made it; /dev/lhv isn't. */
TEST_F(uapi, other_process)
{
	const struct command *c;
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		FOR_EACH_COMMAND(c) {
			int expected = c->fd == DEV ? c->ret : -EIO;

			EXPECT_EQ(expected, try_command(self, c, new_arg(self, c->size), c->size))
				TH_LOG("%s", c->name);
		}
		EXPECT_EQ(-EIO, lhv_run(self->fd[VCPU]));
		_exit(!_metadata->passed);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* And all is well for the owner. */
	FOR_EACH_COMMAND(c) {
		EXPECT_EQ(c->ret, try_command(self, c, new_arg(self, c->size), c->size))
			TH_LOG("%s", c->name);
	}
}

TEST_F(uapi, fds_close_on_exec)
{
	int fd;

	for (fd = VM; fd < NR_FDS; fd++)
		EXPECT_EQ(FD_CLOEXEC, fcntl(self->fd[fd], F_GETFD));
}

TEST_F(uapi, fds_are_not_files)
{
	char byte = 0;
	int fd;

	for (fd = DEV; fd < NR_FDS; fd++) {
		EXPECT_EQ(-1, read(self->fd[fd], &byte, 1));
		EXPECT_EQ(-1, write(self->fd[fd], &byte, 1));
		if (fd == VCPU)
			continue;
		EXPECT_EQ(MAP_FAILED, mmap(NULL, GUEST_PAGE, PROT_READ, MAP_SHARED,
					   self->fd[fd], 0));
	}
}

/* A system call of a 32-bit program, which a 64-bit one can make too. */
static long ioctl32(int fd, unsigned long command, void *arg)
{
	long ret;

	asm volatile("int $0x80"
		     : "=a"(ret)
		     : "a"(54), "b"(fd), "c"(command), "d"(arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

TEST_F(uapi, callers_of_32_bits)
{
	const struct command *c;
	u8 *arg = mmap(NULL, GUEST_PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)arg);
	if (ioctl32(-1, 0, NULL) != -EBADF)
		SKIP(return, "this kernel doesn't run 32-bit programs");
	FOR_EACH_COMMAND(c) {
		memset(arg, 0, GUEST_PAGE);
		if (c->prepare)
			c->prepare(arg);
		*(u32 *)arg = c->size;
		if (c->gives_fd) {
			EXPECT_LE(0, ioctl32(self->fd[c->fd], c->command, arg));
			continue;
		}
		EXPECT_EQ(c->ret, ioctl32(self->fd[c->fd], c->command, arg))
			TH_LOG("%s", c->name);
	}
}

TEST_HARNESS_MAIN
