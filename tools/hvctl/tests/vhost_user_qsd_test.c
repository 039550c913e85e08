// SPDX-License-Identifier: GPL-2.0-only
/* vhost-user drives with a back-end that others wrote: qemu-storage-daemon. */
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blk_rig.h"
#include "test.h"
#include "vhost_user_blk.h"
#include "vhost_user_message.h"

#define DAEMON		"/usr/bin/qemu-storage-daemon"
#define SECTORS		2048

static char folder[] = "/tmp/hvctl-test-XXXXXX", path[64], raw[64], qcow2[64];
static pid_t daemon_pid;

/* ---- the daemon ------------------------------------------------------------------- */

/* Its stdout and stdin are @pipe's, if that isn't NULL. */
static pid_t run_daemon(char **argv, int *out, int *in)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	null = open("/dev/null", O_RDWR);
	dup2(in ? in[0] : null, 0);
	dup2(out ? out[1] : null, 1);
	dup2(null, 2);
	execv(DAEMON, argv);
	_exit(127);
}

/* It listens, as far as it can be seen without connecting. */
static void start_daemon(const char *format, const char *file)
{
	char node[128], export[160], image[128];
	char *argv[] = { "qemu-storage-daemon", "--blockdev", image, "--blockdev", node,
			 "--export", export, NULL };
	unsigned int i;

	snprintf(image, sizeof(image), "driver=file,node-name=f,filename=%s,discard=unmap", file);
	snprintf(node, sizeof(node), "driver=%s,node-name=n,file=f,discard=unmap", format);
	snprintf(export, sizeof(export),
		 "vhost-user-blk,id=e,node-name=n,writable=on,num-queues=2,addr.type=unix,addr.path=%s",
		 path);
	unlink(path);
	daemon_pid = run_daemon(argv, NULL, NULL);
	for (i = 0; i < 10000 && access(path, F_OK); i++)
		usleep(1000);
	usleep(50000);
}

static void kill_daemon(void)
{
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
}

/* hvctl says one thing more. */
static void wait_until_said(unsigned int before)
{
	unsigned int i;

	for (i = 0; i < 60000 && said == before; i++)
		usleep(1000);
	EXPECT_EQ(said, before + 1);
}

/* Kill it while a device has it: hvctl sees that it is gone, and says so. */
static void take_daemon_away(void)
{
	unsigned int before = said;

	kill_daemon();
	wait_until_said(before);
}

/* That it is back hvctl says after all is set; requests may be done before that. */
static void bring_daemon_back(void)
{
	unsigned int before = said;

	start_daemon("raw", raw);
	wait_until_said(before);
}

static const char create_commands[] =
"{ 'execute': 'qmp_capabilities' }\n"
"{ 'execute': 'blockdev-create', 'arguments': { 'job-id': 'j',\n"
"  'options': { 'driver': 'qcow2', 'file': 'f', 'size': 1048576 } } }\n";

/* By the daemon, too: qemu-img may not be there. */
static void create_qcow2(void)
{
	char image[128], answers[16384] = "";
	char *argv[] = { "qemu-storage-daemon", "--blockdev", image,
			 "--chardev", "stdio,id=m", "--monitor", "chardev=m", NULL };
	size_t len = 0;
	ssize_t got;
	int out[2], in[2];
	pid_t pid;

	snprintf(image, sizeof(image), "driver=file,node-name=f,filename=%s", qcow2);
	EXPECT(!pipe2(out, O_CLOEXEC) && !pipe2(in, O_CLOEXEC));
	EXPECT_EQ(write(in[1], create_commands, strlen(create_commands)), strlen(create_commands));
	pid = run_daemon(argv, out, in);
	close(out[1]);
	while (!strstr(answers, "concluded") && len < sizeof(answers) - 1) {
		got = read(out[0], answers + len, sizeof(answers) - 1 - len);
		if (got <= 0)
			break;
		len += got;
	}
	EXPECT_HAS(answers, "concluded");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(out[0]);
	close(in[0]);
	close(in[1]);
}

/* ---- rigs -------------------------------------------------------------------------- */

static bool make_files(void)
{
	if (access(DAEMON, X_OK)) {
		test_skip("there is no " DAEMON);
		return false;
	}
	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(raw, sizeof(raw), "%s/raw", folder);
	snprintf(qcow2, sizeof(qcow2), "%s/qcow2", folder);
	close(open(qcow2, O_CREAT | O_RDWR, 0600));
	close(open(raw, O_CREAT | O_RDWR, 0600));
	EXPECT(!truncate(raw, SECTORS * 512));
	return true;
}

static bool begin(const char *format, unsigned int queues)
{
	bool is_raw = !strcmp(format, "raw");

	if (!make_files())
		return false;
	if (!is_raw)
		create_qcow2();
	start_daemon(format, is_raw ? raw : qcow2);
	blk_begin();
	blk.device = vhost_user_blk_create(path, queues, &blk.memory);
	EXPECT(blk.device != NULL);
	return blk.device;
}

static void end(void)
{
	blk_end();
	kill_daemon();
	unlink(path);
	unlink(raw);
	unlink(qcow2);
	rmdir(folder);
}

static void fill(u8 byte, u32 sectors)
{
	memset(blk_at(BLK_DATA), byte, sectors * 512);
}

static bool is_filled(u8 byte, u32 sectors)
{
	const u8 *data = blk_at(BLK_DATA);

	return data[0] == byte && !memcmp(data, data + 1, sectors * 512 - 1);
}

/* ---- tests ------------------------------------------------------------------------- */

static void configuration(void)
{
	struct virtio_blk_config config;

	if (!begin("raw", 4))
		return;
	blk.device->class->read_config(blk.device, 0, &config, blk.device->class->config_size);
	EXPECT_EQ(config.capacity, SECTORS);
	EXPECT_EQ(config.num_queues, 2);
	EXPECT_EQ(blk.device->queue_count, 2);
	EXPECT(blk.device->offered & BIT_ULL(VIRTIO_BLK_F_MQ));
	EXPECT(blk.device->offered & BIT_ULL(VIRTIO_BLK_F_FLUSH));
	EXPECT(blk.device->offered & BIT_ULL(VIRTIO_F_VERSION_1));
	EXPECT(!(blk.device->offered & BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE)));
	EXPECT(!(blk.device->offered & BIT_ULL(VU_F_PROTOCOL)));
	EXPECT(!(blk.device->offered & BIT_ULL(VIRTIO_BLK_F_RO)));
	end();
}

static void read_and_write(void)
{
	unsigned int i;

	EXPECT(!blk_start());
	for (i = 0; i < blk.device->queue_count; i++) {
		blk.queue = i;
		fill(0x50 + i, 4);
		EXPECT_EQ(blk_request(VIRTIO_BLK_T_OUT, 100 * i, 4 * 512, false), VIRTIO_BLK_S_OK);
	}
	EXPECT_EQ(blk_request(VIRTIO_BLK_T_FLUSH, 0, 0, false), VIRTIO_BLK_S_OK);
	for (i = 0; i < blk.device->queue_count; i++) {
		blk.queue = i;
		EXPECT_EQ(blk_read(100 * i, 4), VIRTIO_BLK_S_OK);
		EXPECT(is_filled(0x50 + i, 4));
		EXPECT_EQ(blk_read(1000, 1), VIRTIO_BLK_S_OK);
		EXPECT(is_filled(0, 1));
	}
	EXPECT_EQ(blk_read(SECTORS, 1), VIRTIO_BLK_S_IOERR);
	/* And again, by a driver that begins anew; more requests than the ring has room for */
	blk_reset();
	EXPECT(!blk_start());
	blk.queue = 0;
	for (i = 0; i < 100; i++)
		EXPECT_EQ(blk_read(0, 4), VIRTIO_BLK_S_OK);
	EXPECT(is_filled(0x50, 4));
	EXPECT(!(blk.device->status & VIRTIO_CONFIG_S_NEEDS_RESET));
}

static void raw_image(void)
{
	u8 byte = 0;
	int fd;

	if (!begin("raw", 2))
		return;
	read_and_write();
	fd = open(raw, O_RDONLY);
	EXPECT_EQ(pread(fd, &byte, 1, 100 * 512 + 4 * 512 - 1), 1);
	EXPECT_EQ(byte, 0x51);
	close(fd);
	end();
}

static void qcow2_image(void)
{
	if (!begin("qcow2", 1))
		return;
	EXPECT_EQ(blk.device->queue_count, 1);
	read_and_write();
	end();
}

/* Requests wait for the next daemon. */
static void killed(void)
{
	unsigned int i;

	if (!begin("raw", 2))
		return;
	EXPECT(!blk_start());
	for (i = 0; i < 3; i++) {
		fill(0x60 + i, 1);
		EXPECT_EQ(blk_request(VIRTIO_BLK_T_OUT, i, 512, false), VIRTIO_BLK_S_OK);
		/* Nothing was in flight. */
		take_daemon_away();
		fill(0x70 + i, 1);
		blk_offer(VIRTIO_BLK_T_OUT, 10 + i, 512, false);
		EXPECT(!blk_done(100));
		bring_daemon_back();
		EXPECT_EQ(blk_wait(), VIRTIO_BLK_S_OK);
		EXPECT_EQ(blk_read(i, 1), VIRTIO_BLK_S_OK);
		EXPECT(is_filled(0x60 + i, 1));
		EXPECT_EQ(blk_read(10 + i, 1), VIRTIO_BLK_S_OK);
		EXPECT(is_filled(0x70 + i, 1));
	}
	EXPECT(!(blk.device->status & VIRTIO_CONFIG_S_NEEDS_RESET));
	/* It may be reset meanwhile, and started while nobody is there. */
	kill_daemon();
	blk_reset();
	EXPECT(!blk_start());
	blk_offer(VIRTIO_BLK_T_IN, 12, 512, true);
	start_daemon("raw", raw);
	EXPECT_EQ(blk_wait(), VIRTIO_BLK_S_OK);
	EXPECT(is_filled(0x72, 1));
	end();
}

/* What comes back isn't what was there. */
static void grown(void)
{
	if (!begin("raw", 2))
		return;
	EXPECT(!blk_start());
	EXPECT_EQ(blk_read(0, 1), VIRTIO_BLK_S_OK);
	take_daemon_away();
	EXPECT(!truncate(raw, SECTORS * 512 * 2));
	start_daemon("raw", raw);
	EXPECT(blk_signalled(blk.config_fd, 10000));
	EXPECT_EQ(blk_read(SECTORS, 1), VIRTIO_BLK_S_OK);
	EXPECT(!(blk.device->status & VIRTIO_CONFIG_S_NEEDS_RESET));
	end();
}

static void nobody(void)
{
	EXPECT(!vhost_user_blk_create("/nowhere/at/all", 1, NULL));
	EXPECT_HAS(fail_text(), "the back-end at /nowhere/at/all isn't there");
	EXPECT(!vhost_user_blk_create("/dev/null", 1, NULL));
	EXPECT_HAS(fail_text(), "/dev/null");
}

static const struct test_case cases[] = {
	TEST_CASE(configuration), TEST_CASE(raw_image), TEST_CASE(qcow2_image),
	TEST_CASE(killed), TEST_CASE(grown), TEST_CASE(nobody),
};
TEST_SUITE(vhost_user_qsd_suite, "vhost_user_qsd", cases);
