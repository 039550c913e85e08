// SPDX-License-Identifier: GPL-2.0-only
/* What becomes of passts of several kinds, and of the host's own. */
#include <fcntl.h>
#include <net/if_arp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "frame_stream.h"
#include "passt.h"
#include "test.h"

static const struct net_config config = { .kind = NET_PASST, .mac = { 2, 0, 0, 0, 0, 1 } };
static char folder[] = "/tmp/passt-test.XXXXXX", *old_path;
static struct guest_memory memory;

/* The program that PATH leads to from here on; NULL: none */
static void begin(const char *script)
{
	char path[64], list[256];
	FILE *file;

	strcpy(folder + sizeof(folder) - 7, "XXXXXX");
	EXPECT(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/passt", folder);
	old_path = strdup(getenv("PATH"));
	if (script) {
		file = fopen(path, "we");
		fprintf(file, "#!/bin/sh\n%s\n", script);
		fclose(file);
		chmod(path, 0700);
	}
	snprintf(list, sizeof(list), "%s%s", folder, script ? ":/bin:/usr/bin" : "");
	setenv("PATH", list, 1);
	EXPECT(!memory_create(&memory, MIB(2)));
}

static void end(void)
{
	static const char * const names[] = { "passt", "pid", "list", "files" };
	char file[80];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(file, sizeof(file), "%s/%s", folder, names[i]);
		unlink(file);
	}
	rmdir(folder);
	setenv("PATH", old_path, 1);
	free(old_path);
	memory_destroy(&memory);
}

static struct virtio_device *create(void)
{
	fail_say("(no sentence)");
	return virtio_net_stream_create(&config, passt_create(), &memory);
}

static void not_there(void)
{
	begin(NULL);
	EXPECT(!create());
	EXPECT_HAS(fail_text(), "passt is not installed; install the package passt");
	end();
}

static void dies(void)
{
	begin("echo Failed to send 3 bytes to syslog >&2; echo No interface >&2; echo Goodbye >&2; exit 1");
	EXPECT(!create());
	EXPECT_HAS(fail_text(), "it says: No interface; Goodbye");
	EXPECT(!strstr(fail_text(), "syslog"));
	end();
	begin("exit 0");
	EXPECT(!create());
	EXPECT_HAS(fail_text(), "passt ended at once and said nothing");
	end();
	/* Its socket is gone, but it isn't. */
	begin("echo I stay >&2; exec 3>&-; exec sleep 100");
	EXPECT(!create());
	EXPECT_HAS(fail_text(), "it says: I stay");
	end();
}

/* The line that the script wrote to that file, "" if it didn't */
static void read_word(const char *name, char *text, size_t size)
{
	char file_path[80];
	FILE *file;

	snprintf(file_path, sizeof(file_path), "%s/%s", folder, name);
	file = fopen(file_path, "re");
	if (!file || !fgets(text, size, file))
		*text = '\0';
	if (file)
		fclose(file);
}

static pid_t read_pid(void)
{
	char text[16] = "";
	unsigned int i;

	for (i = 0; i < 5000 && !strchr(text, '\n'); i++) {
		usleep(1000);
		read_word("pid", text, sizeof(text));
	}
	return atoi(text);
}

#define TELL_PID "echo $$ >\"${0%/*}/pid\"; "

/* How it is called, with which files, and that it ends with its device. */
static void called(void)
{
	struct virtio_device *device;
	char text[64];
	pid_t pid;
	int leak = fcntl(STDOUT_FILENO, F_DUPFD, 7);	/* what somebody forgot */

	begin("[ \"$*\" = \"--foreground --quiet --fd 3 --mtu 65520\" ] || exit 1\n"
	      "ls /proc/$$/fd >\"${0%/*}/list\"\n"	/* Those above 9 are the shell's. */
	      "grep -v '^..$' \"${0%/*}/list\" | tr '\\n' ' ' >\"${0%/*}/files\"\n" TELL_PID
	      "head -c 64 <&3 >/dev/null; exec sleep 100");
	device = create();
	close(leak);
	EXPECT(device);
	if (!device)
		printf("    # %s\n", fail_text());
	pid = read_pid();
	EXPECT(!kill(pid, 0));
	read_word("files", text, sizeof(text));
	EXPECT_HAS(text, "0 1 2 3 ");
	EXPECT_EQ(strlen(text), 8);
	/* A group of its own, which the terminal's keys don't reach */
	EXPECT_EQ(getsid(pid), pid);
	if (device)
		device->class->destroy(device);
	EXPECT(kill(pid, 0));
	end();
}

/* What writes more than anybody reads isn't kept waiting, nor killed by it. */
static void talks(void)
{
	struct virtio_device *device;

	begin("trap '' PIPE; head -c 300000 /dev/zero >&2 2>/dev/null\n"
	      "head -c 64 <&3 >/dev/null; exec sleep 100");
	device = create();
	EXPECT(device);
	if (device)
		device->class->destroy(device);
	end();
}

/* Is there a process of that number, which isn't dead but for its name? */
static bool lives(pid_t pid)
{
	char name[32], state = 'Z';
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	file = fopen(name, "re");
	if (!file)
		return false;
	if (fscanf(file, "%*d %*s %c", &state) != 1)
		state = 'Z';
	fclose(file);
	return state != 'Z';
}

/* However hvctl ends, its end of the socket is closed. */
static void ends_with_hvctl(void)
{
	unsigned int i;
	pid_t child, pid;

	begin(TELL_PID "exec cat <&3 >/dev/null");
	child = fork();
	if (!child) {
		if (create())
			pause();
		_exit(1);
	}
	pid = read_pid();
	usleep(100000);
	EXPECT(lives(pid));
	kill(child, SIGKILL);
	EXPECT_EQ(waitpid(child, NULL, 0), child);
	for (i = 0; i < 5000 && lives(pid); i++)
		usleep(1000);
	EXPECT(!lives(pid));
	end();
}

/* ---- the host's own -------------------------------------------------------------- */

struct arp_frame {
	struct ethhdr ethernet;
	struct arphdr arp;
	u8 sender[ETH_ALEN], sender_ip[4], target[ETH_ALEN], target_ip[4];
} __packed;

/* Who has 10.9.8.7? passt says that it has. */
static void ask(int fd)
{
	struct arp_frame f = {
		.ethernet = { .h_proto = __builtin_bswap16(ETH_P_ARP) },
		.arp = { .ar_hrd = __builtin_bswap16(ARPHRD_ETHER),
			 .ar_pro = __builtin_bswap16(ETH_P_IP), .ar_hln = ETH_ALEN, .ar_pln = 4,
			 .ar_op = __builtin_bswap16(ARPOP_REQUEST) },
		.sender_ip = { 10, 9, 8, 6 }, .target_ip = { 10, 9, 8, 7 },
	};
	struct iovec iov[] = { { 0 }, { &f, sizeof(f) } };
	struct frame_writer writer = { .start = 0 };

	memset(f.ethernet.h_dest, 0xff, ETH_ALEN);
	memcpy(f.ethernet.h_source, config.mac, ETH_ALEN);
	memcpy(f.sender, config.mac, ETH_ALEN);
	EXPECT_EQ(frame_write(&writer, fd, iov, 2, sizeof(f)), FRAME_DONE);
}

static bool real_runs(void)
{
	struct virtio_device *device;
	bool runs;

	EXPECT(!memory_create(&memory, MIB(2)));
	device = create();
	runs = device;
	if (device)
		device->class->destroy(device);
	else
		EXPECT_HAS(fail_text(), "passt");
	memory_destroy(&memory);
	return runs;
}

static void real(void)
{
	struct net_peer *peer;
	struct arp_frame answer;
	u32 length = 0;
	int fd;

	if (!real_runs()) {
		test_skip("there is no passt, or it doesn't run here");
		return;
	}
	peer = passt_create();
	fd = peer->start(peer);
	EXPECT(fd >= 0);
	ask(fd);
	/* What else it may say comes later. */
	EXPECT_EQ(recv(fd, &length, sizeof(length), MSG_WAITALL), sizeof(length));
	EXPECT_EQ(__builtin_bswap32(length), sizeof(answer));
	EXPECT_EQ(recv(fd, &answer, sizeof(answer), MSG_WAITALL), sizeof(answer));
	EXPECT_EQ(answer.arp.ar_op, __builtin_bswap16(ARPOP_REPLY));
	EXPECT(!memcmp(answer.ethernet.h_dest, config.mac, ETH_ALEN));
	EXPECT(!memcmp(answer.sender_ip, "\x0a\x09\x08\x07", 4));
	peer->destroy(peer);
	close(fd);
}

static const struct test_case cases[] = {
	TEST_CASE(not_there), TEST_CASE(dies), TEST_CASE(called), TEST_CASE(talks),
	TEST_CASE(ends_with_hvctl), TEST_CASE(real),
};

TEST_SUITE(passt_suite, "passt", cases);
