// SPDX-License-Identifier: GPL-2.0-only
/* --share: its value, and what virtiofsd does with it. The tests are the guest's FUSE. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/virtio_fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run_options.h"
#include "test.h"
#include "virtio_fs.h"

/* ---- the option ---------------------------------------------------------------------- */

static struct share_config config;

static void values(void)
{
	static const struct { const char *text, *path, *tag; bool readonly; } good[] = {
		{ "/srv/data", "/srv/data", "data", false },
		{ "/srv/data//", "/srv/data//", "data", false },
		{ "data", "data", "data", false },
		{ "/srv/data:files", "/srv/data", "files", false },
		{ "/srv/data:files,readonly", "/srv/data", "files", true },
		{ "/srv/data,readonly", "/srv/data", "data", true },
		{ "/srv/a:b/c", "/srv/a:b/c", "c", false },
		{ "/srv/a:b:c", "/srv/a:b", "c", false },
		{ "/:root", "/", "root", false },
		{ ".:here", ".", "here", false },
		{ "..a", "..a", "..a", false },
		{ "/x:012345678901234567890123456789012345", "/x",
		  "012345678901234567890123456789012345", false },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT(!share_options_parse(&config, good[i].text));
		EXPECT(!strcmp(config.path, good[i].path));
		EXPECT(!strcmp(config.tag, good[i].tag));
		EXPECT_EQ(config.readonly, good[i].readonly);
	}
}

static void refusals(void)
{
	static char path[PATH_MAX + 1];
	static const struct { const char *text, *sentence; } bad[] = {
		{ "", "say which folder" },
		{ ":tag", "say which folder" },
		{ ",readonly", "say which folder" },
		{ "/srv/data:", "there is no tag" },
		{ "/srv/data:,readonly", "there is no tag" },
		{ "/srv/data,ro", "',ro' is not ',readonly'" },
		{ "/srv/data,readonly,readonly", "is not ',readonly'" },
		{ "/srv/data,", "',' is not ',readonly'" },
		{ "/", "no name to be mounted by" },
		{ ".", "no name to be mounted by" },
		{ "/srv/..", "no name to be mounted by" },
		{ "/x:0123456789012345678901234567890123456", "has 37 bytes, and 36 are allowed" },
		{ "/0123456789012345678901234567890123456", "has 37 bytes" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_FAIL(share_options_parse(&config, bad[i].text), bad[i].sentence);
		EXPECT(!strncmp(fail_text(), "--share: ", 9));
	}
	memset(path, 'x', PATH_MAX);
	EXPECT_FAIL(share_options_parse(&config, path), "4096 bytes is too long");
}

static void several(void)
{
	static struct run_options options;
	char *twice[] = { "run", "--kernel", "k", "--share", "/a/x", "--share", "/b:x", NULL };
	char *two[] = { "run", "--kernel", "k", "--share", "/a/x", "--share", "/b/x:y", NULL };

	EXPECT_FAIL(run_options_parse(&options, 7, twice), "the tag 'x' is given twice");
	EXPECT(!run_options_parse(&options, 7, two));
	EXPECT_EQ(options.machine.devices.share_count, 2);
	EXPECT(!strcmp(options.machine.devices.share[1].tag, "y"));
	EXPECT(devices_share_memory(&options.machine.devices));
	options.machine.devices.share_count = 0;
	EXPECT(!devices_share_memory(&options.machine.devices));
	options.machine.devices.disk_count = 1;
	EXPECT(!devices_share_memory(&options.machine.devices));
	options.machine.devices.disk[0].vhost_user = true;
	EXPECT(devices_share_memory(&options.machine.devices));
}

/* ---- the guest ---------------------------------------------------------------------- */

#define DESC		0x10000
#define AVAIL		0x11000
#define USED		0x12000
#define REQUEST		0x20000
#define REPLY		0x30000
#define REPLY_SIZE	0x2000

static struct guest_memory memory;
static struct virtio_device *device;
static int signal_fd;
static u16 offered;
static char folder[] = "/tmp/hvctl-test-XXXXXX", file[64];

static void on_signal(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	(void)vector;
}

static int signal_fd_of(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	return vector == 1 ? signal_fd : -1;
}

static void *at(u64 gpa)
{
	return memory.host + gpa;
}

/* Returns the error, -errno; the reply is at REPLY, behind its head. */
static int ask(u32 opcode, u64 node, const void *data, u32 size)
{
	struct fuse_in_header *in = at(REQUEST);
	struct fuse_out_header *out = at(REPLY);
	struct vring_desc *desc = at(DESC);
	struct pollfd fd = { .fd = signal_fd, .events = POLLIN };
	u16 *avail = at(AVAIL), *used = at(USED);
	eventfd_t count;

	*in = (struct fuse_in_header){
		.len = sizeof(*in) + size, .opcode = opcode, .unique = offered + 1, .nodeid = node,
	};
	memcpy(in + 1, data, size);
	memset(out, 0xee, REPLY_SIZE);
	desc[0] = (struct vring_desc){ REQUEST, in->len, VRING_DESC_F_NEXT, 1 };
	desc[1] = (struct vring_desc){ REPLY, REPLY_SIZE, VRING_DESC_F_WRITE, 0 };
	avail[2 + offered % 16] = 0;
	__atomic_store_n(&avail[1], ++offered, __ATOMIC_RELEASE);
	eventfd_write(device->queue[1].kick_fd, 1);
	while (__atomic_load_n(&used[1], __ATOMIC_ACQUIRE) != offered) {
		if (poll(&fd, 1, 10000) != 1)
			return 1;
		eventfd_read(signal_fd, &count);
	}
	EXPECT_EQ(out->unique, offered);
	return out->error;
}

static void enable(unsigned int n)
{
	struct virtio_queue *q = &device->queue[n];

	q->ring.size = 16;
	q->ring.desc = DESC + !n * 0x4000;
	q->ring.avail = AVAIL + !n * 0x4000;
	q->ring.used = USED + !n * 0x4000;
	q->vector = 1;
	q->enabled = true;
}

/* The driver's probe, and the file system's */
static int start(void)
{
	struct fuse_init_in init = { .major = 7, .minor = 31, .max_readahead = 4096 };

	device->signal = on_signal;
	device->signal_fd = signal_fd_of;
	device->accepted = device->offered & ~BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	memset(at(DESC), 0, 0x8000);
	offered = 0;
	enable(0);
	enable(1);
	atomic_fetch_or(&device->status, VIRTIO_CONFIG_S_DRIVER_OK);
	if (virtio_start(device))
		return -1;
	EXPECT_EQ(ask(FUSE_INIT, 0, &init, sizeof(init)), 0);
	EXPECT_EQ(((struct fuse_init_out *)at(REPLY + 16))->major, 7);
	return 0;
}

static u64 look_up(const char *name)
{
	if (ask(FUSE_LOOKUP, FUSE_ROOT_ID, name, strlen(name) + 1))
		return 0;
	return ((struct fuse_entry_out *)at(REPLY + 16))->nodeid;
}

static bool has(const char *text)
{
	struct fuse_read_in read_in = { .size = 4096 };
	struct fuse_open_in open_in = { .flags = O_RDONLY };
	u64 node = look_up("file");

	if (!node || ask(FUSE_OPEN, node, &open_in, sizeof(open_in)))
		return false;
	read_in.fh = ((struct fuse_open_out *)at(REPLY + 16))->fh;
	return !ask(FUSE_READ, node, &read_in, sizeof(read_in)) &&
	       !memcmp(at(REPLY + 16), text, strlen(text));
}

/* Make a folder in it: returns the error. */
static int make_folder(void)
{
	struct { struct fuse_mkdir_in in; char name[4]; } request = { { 0755, 0 }, "new" };

	return ask(FUSE_MKDIR, FUSE_ROOT_ID, &request, sizeof(request));
}

static bool begin(const char *options)
{
	char text[64];
	int fd;

	if (geteuid() || (access("/usr/libexec/virtiofsd", X_OK) &&
			  access("/usr/lib/qemu/virtiofsd", X_OK))) {
		test_skip("no virtiofsd here, or no right to start it");
		return false;
	}
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder) != NULL);
	snprintf(file, sizeof(file), "%s/file", folder);
	fd = open(file, O_CREAT | O_RDWR, 0644);
	EXPECT_EQ(write(fd, "hello", 5), 5);
	close(fd);
	snprintf(text, sizeof(text), "%s:tag%s", folder, options);
	EXPECT(!share_options_parse(&config, text));
	EXPECT(!memory_create_shared(&memory, MIB(4)));
	signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	device = virtio_fs_create(&config, &memory);
	EXPECT(device != NULL);
	return device;
}

static void end(void)
{
	char path[64];

	device->class->destroy(device);
	memory_destroy(&memory);
	close(signal_fd);
	snprintf(path, sizeof(path), "%s/new", folder);
	rmdir(path);
	unlink(file);
	EXPECT(!rmdir(folder));
}

static void files(void)
{
	struct virtio_fs_config fs;
	struct stat stat_buf;
	char path[64];

	if (!begin(""))
		return;
	EXPECT_EQ(device->class->config_size, 40);
	device->class->read_config(device, 0, &fs, sizeof(fs));
	EXPECT_EQ(fs.num_request_queues, 1);
	EXPECT(!memcmp(fs.tag, "tag\0\0", 5));
	EXPECT(!start());
	EXPECT(has("hello"));
	EXPECT_EQ(look_up("nothing"), 0);
	EXPECT_EQ(make_folder(), 0);
	snprintf(path, sizeof(path), "%s/new", folder);
	EXPECT(!stat(path, &stat_buf) && S_ISDIR(stat_buf.st_mode));
	/* Nothing is above it. */
	EXPECT(look_up("..") != 0);
	EXPECT(!stat(folder, &stat_buf));
	EXPECT_EQ(((struct fuse_entry_out *)at(REPLY + 16))->attr.ino, stat_buf.st_ino);
	/* Another driver, which has a new virtiofsd */
	virtio_reset(device);
	EXPECT(!start());
	EXPECT(has("hello"));
	end();
}

static void readonly(void)
{
	int fd;

	if (!begin(",readonly"))
		return;
	EXPECT(!start());
	EXPECT(has("hello"));
	EXPECT_EQ(make_folder(), -EROFS);
	/* The host may still write. */
	fd = open(file, O_RDWR);
	EXPECT_EQ(write(fd, "HELLO", 5), 5);
	close(fd);
	EXPECT(has("HELLO"));
	end();
}

/* What virtiofsd's own list of options would be cut at */
static void odd_name(void)
{
	char odd[64], text[80];

	if (!begin(""))
		return;
	device->class->destroy(device);
	snprintf(odd, sizeof(odd), "%s/new", folder);
	snprintf(text, sizeof(text), "%s/a,b\\c", folder);
	EXPECT(!mkdir(text, 0755) && !symlink("a,b\\c", odd));
	snprintf(text, sizeof(text), "%s:tag", odd);
	EXPECT(!share_options_parse(&config, text));
	device = virtio_fs_create(&config, &memory);
	EXPECT(device != NULL);
	EXPECT(!start());
	EXPECT_EQ(make_folder(), 0);
	unlink(odd);
	snprintf(text, sizeof(text), "%s/a,b\\c/new", folder);
	EXPECT(!rmdir(text));
	snprintf(text, sizeof(text), "%s/a,b\\c", folder);
	EXPECT(!rmdir(text));
	end();
}

/* The root is one, too. */
static void root(void)
{
	if (!begin(""))
		return;
	device->class->destroy(device);
	EXPECT(!share_options_parse(&config, "/:tag,readonly"));
	device = virtio_fs_create(&config, &memory);
	EXPECT(device != NULL);
	EXPECT(!start());
	EXPECT(look_up("proc") != 0);
	EXPECT_EQ(make_folder(), -EROFS);
	end();
}

/* The only process whose parent @pid is, or 0 */
static pid_t child_of(pid_t pid)
{
	char path[64], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return atoi(text);
}

/*
 * The process of virtiofsd's that serves: in its sandbox it's a child of the one that was started.
 * That is told when its parent dies, but may miss it, as it looks for signals only now and then.
 */
static pid_t server(void)
{
	pid_t pid = child_of(getpid()), next;

	while (pid && (next = child_of(pid)))
		pid = next;
	return pid;
}

/* It goes away, and so does what the guest had open: that is for a new driver. */
static void killed(void)
{
	unsigned int i;

	if (!begin(""))
		return;
	EXPECT(!start());
	EXPECT(server() > 0);
	if (server() > 0)
		kill(server(), SIGKILL);
	for (i = 0; i < 60000 && !(device->status & VIRTIO_CONFIG_S_NEEDS_RESET); i++)
		usleep(1000);
	EXPECT(device->status & VIRTIO_CONFIG_S_NEEDS_RESET);
	virtio_reset(device);
	EXPECT(!start());
	EXPECT(has("hello"));
	end();
	EXPECT_EQ(server(), 0);
}

static void folders(void)
{
	EXPECT(!share_options_parse(&config, "/nowhere/at/all"));
	EXPECT(!virtio_fs_create(&config, &memory));
	EXPECT_HAS(fail_text(), "--share: /nowhere/at/all can't be shared: No such file");
	EXPECT(!share_options_parse(&config, "/dev/null"));
	EXPECT(!virtio_fs_create(&config, &memory));
	EXPECT_HAS(fail_text(), "--share: /dev/null is no folder");
}

static const struct test_case cases[] = {
	TEST_CASE(values), TEST_CASE(refusals), TEST_CASE(several), TEST_CASE(files),
	TEST_CASE(readonly), TEST_CASE(odd_name), TEST_CASE(root),
	TEST_CASE(killed), TEST_CASE(folders),
};
TEST_SUITE(share_suite, "share", cases);
