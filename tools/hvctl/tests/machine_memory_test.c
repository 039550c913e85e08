// SPDX-License-Identifier: GPL-2.0-only
/* set --memory: what is asked of the guest, when it ends, and what is told then. */
#include "machine_memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "control_client.h"
#include "machine.h"
#include "machine_control.h"
#include "machine_dir.h"
#include "mem_rig.h"
#include "test.h"
#include "virtio_balloon.h"

static struct machine machine;
static struct machine_config config;
static struct machine_dir dir;
static char folder[32];
static int stop_fds[2];
static pthread_t thread;

/* What the guest does each time that the machine looks. */
static void (*guest)(void);

/* The machine's main thread */
static void *serve(void *arg)
{
	char byte;

	while (recv(stop_fds[0], &byte, 1, MSG_DONTWAIT) < 0) {
		control_serve(machine.control);
		if (machine.resize.under_way)
			guest();
		machine_memory_serve(&machine);
	}
	return arg;
}

static void start(bool balloon)
{
	struct sockaddr_un address;

	mem_begin();
	config = (struct machine_config){
		.name = "web", .cpus = 1, .memory = MEM_RAM, .memory_max = MEM_MAX,
		.files.kernel = "/dev/null",
	};
	memset(&machine, 0, sizeof(machine));
	machine.config = &config;
	machine.memory = mem.memory;
	machine.devices.mem = mem.device;
	if (balloon) {
		machine.devices.balloon = virtio_balloon_create(&mem.memory, 0);
		EXPECT(machine.devices.balloon);
		machine.devices.balloon->signal = mem_on_signal;
		machine.devices.balloon->status = VIRTIO_CONFIG_S_DRIVER_OK;
	}
	strcpy(folder, "/tmp/hvctl-run-XXXXXX");
	EXPECT(mkdtemp(folder));
	machine_dir_base = folder;
	EXPECT(!machine_dir_claim(&dir, "web"));
	EXPECT(!machine_dir_control("web", &address));
	machine.control = control_create(&address, "web", machine_control, &machine);
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stop_fds));
	EXPECT(!pthread_create(&thread, NULL, serve, NULL));
}

static void end(void)
{
	close(stop_fds[1]);
	pthread_join(thread, NULL);
	close(stop_fds[0]);
	control_destroy(machine.control);
	machine_dir_release(&dir);
	machine_dir_base = NULL;
	EXPECT(!rmdir(folder));
	if (machine.devices.balloon)
		machine.devices.balloon->class->destroy(machine.devices.balloon);
	mem_end();
}

/* ---- guests --------------------------------------------------------------------- */

static void set_balloon(u64 bytes)
{
	u32 pages = bytes / MEMORY_PAGE;

	machine.devices.balloon->class->write_config(machine.devices.balloon,
						     offsetof(struct virtio_balloon_config, actual),
						     &pages, sizeof(pages));
}

/* A step towards what it's asked for */
static void obeys(void)
{
	unsigned int plugged = virtio_mem_plugged(mem.device) / MEM_BLOCK;
	unsigned int wanted = virtio_mem_requested(mem.device) / MEM_BLOCK;

	if (plugged < wanted)
		EXPECT_EQ(PLUG(plugged, 1), ACK);
	else if (plugged > wanted)
		EXPECT_EQ(UNPLUG(plugged - 1, 1), ACK);
	else if (machine.devices.balloon)
		set_balloon(virtio_balloon_target(machine.devices.balloon));
}

/* Goes no further than to four blocks, and there time passes. */
static void stubborn(void)
{
	if (virtio_mem_plugged(mem.device) == 4 * MEM_BLOCK)
		machine.resize.deadline = 0;
	else
		obeys();
}

/* Gives all it can, and a page of a balloon. */
static void greedy(void)
{
	if (virtio_mem_plugged(mem.device))
		obeys();
	else
		set_balloon(MEMORY_PAGE);
	if (virtio_balloon_actual(machine.devices.balloon))
		machine.resize.deadline = 0;
}

static void is_reset(void)
{
	EXPECT_EQ(PLUG(0, 1), ACK);
	virtio_mem_power_off(mem.device);
	mem.mapped[0] = false;
	machine_memory_reset(&machine);
}

static void is_asked_again(void)
{
	EXPECT_FAIL(machine_memory_check(&machine, MEM_RAM, false),
		    "memory is being changed by another command");
	obeys();
}

/* ---- its host ------------------------------------------------------------------- */

/* @arguments, JSON, or with the number that it's to be */
static int set(const char *arguments)
{
	return control_ask_patiently("web", "set", json_tokener_parse(arguments), NULL, NULL);
}

static int set_memory(u64 size)
{
	char text[64];

	snprintf(text, sizeof(text), "{\"memory\":%llu,\"overcommit\":true}",
		 (unsigned long long)size);
	return set(text);
}

static u64 status_of(const char *key)
{
	struct json_object *object = NULL, *value;
	u64 number = 0;

	EXPECT(!control_ask("web", "status", NULL, &object));
	if (json_object_object_get_ex(object, key, &value))
		number = json_object_get_uint64(value);
	json_object_put(object);
	return number;
}

/* ---- tests ---------------------------------------------------------------------- */

static void up_and_down(void)
{
	guest = obeys;
	start(false);
	EXPECT_EQ(status_of("memory-max"), MEM_MAX);
	EXPECT(!set_memory(MEM_MAX));
	EXPECT_EQ(status_of("memory"), MEM_MAX);
	EXPECT_EQ(status_of("memory-wanted"), 0);
	EXPECT(!set_memory(MEM_RAM + MIB(2)));
	EXPECT_EQ(status_of("memory"), MEM_RAM + MIB(2));
	/* It's that already. */
	EXPECT(!set_memory(MEM_RAM + MIB(2)));
	guest = is_asked_again;
	EXPECT(!set_memory(MEM_RAM));
	EXPECT_EQ(status_of("memory"), MEM_RAM);
	EXPECT_EQ(mem.changes, 64);
	end();
}

static void less_than_asked(void)
{
	guest = stubborn;
	start(false);
	EXPECT_FAIL(set_memory(MEM_MAX),
		    "the guest took 8 MiB of the 64 MiB more that it was offered, and has 16 MiB now");
	EXPECT_EQ(virtio_mem_requested(mem.device), MIB(8));
	EXPECT_EQ(status_of("memory"), MEM_RAM + MIB(8));
	guest = obeys;
	EXPECT(!set_memory(MEM_MAX));
	guest = stubborn;
	EXPECT_FAIL(set_memory(MEM_RAM),
		    "the guest gave back 56 MiB of the 64 MiB that it was asked for, and has 16 MiB now");
	EXPECT_EQ(virtio_mem_requested(mem.device), MIB(8));
	guest = obeys;
	EXPECT(!set_memory(MEM_RAM));
	end();
}

static void below(void)
{
	guest = obeys;
	start(true);
	EXPECT(!set_memory(MEM_RAM + MIB(4)));
	EXPECT(!set_memory(MIB(6)));
	EXPECT_EQ(virtio_balloon_target(machine.devices.balloon), MIB(2));
	EXPECT_EQ(virtio_mem_plugged(mem.device), 0);
	EXPECT_EQ(status_of("memory"), MIB(6));
	EXPECT(!set_memory(MEM_RAM + MIB(4)));
	EXPECT_EQ(virtio_balloon_target(machine.devices.balloon), 0);
	EXPECT_EQ(status_of("memory"), MEM_RAM + MIB(4));
	/* A balloon of its own doesn't count, and stays. */
	EXPECT(!set("{\"balloon\":1048576}"));
	EXPECT(!set_memory(MEM_RAM + MIB(8)));
	EXPECT_EQ(status_of("memory"), MEM_RAM + MIB(8));
	EXPECT_EQ(virtio_balloon_target(machine.devices.balloon), MIB(1));
	set_balloon(0);
	guest = greedy;
	EXPECT_FAIL(set_memory(MIB(6)),
		    "gave back 8196 KiB of the 10 MiB that it was asked for, and has 8188 KiB now");
	EXPECT_EQ(virtio_balloon_target(machine.devices.balloon), MEMORY_PAGE);
	EXPECT_EQ(status_of("memory"), MEM_RAM - MEMORY_PAGE);
	/* A driver that says it gave more than there is */
	set_balloon(MIB(100));
	EXPECT_EQ(status_of("memory"), 0);
	end();
}

static void interrupted(void)
{
	guest = is_reset;
	start(false);
	EXPECT_FAIL(set_memory(MEM_MAX), "the guest was reset meanwhile");
	EXPECT_EQ(status_of("memory"), MEM_RAM);
	EXPECT_EQ(virtio_mem_requested(mem.device), MIB(64));
	guest = obeys;
	EXPECT(!set_memory(MEM_MAX));
	end();
}

static void refused(void)
{
	guest = abort;
	start(false);
	EXPECT_FAIL(set_memory(MEM_MAX + MIB(2)), "74 MiB are more than the machine's max of 72 MiB");
	EXPECT_FAIL(set_memory(UINT64_MAX / 2 & ~0xfffULL), "more than the machine's max");
	EXPECT_FAIL(set_memory(MEM_RAM + MIB(1)), "grows from 8 MiB in steps of 2 MiB");
	EXPECT_FAIL(set_memory(0), "give 2M at least");
	EXPECT_FAIL(set_memory(MIB(2) + 1), "a multiple of 4K");
	EXPECT_FAIL(set_memory(MIB(4)), "as it has no balloon; run it with --balloon size=0");
	EXPECT_FAIL(set("{\"overcommit\":true}"), "no memory that overcommit is for");
	EXPECT_FAIL(set("{\"memory\":8388608,\"overcommit\":1}"), "neither true nor false");
	EXPECT_FAIL(set("{\"memory\":\"8M\"}"), "no number of bytes");
	mem.device->status = 0;
	EXPECT_FAIL(set_memory(MEM_MAX), "no driver for memory that comes and goes");
	EXPECT_EQ(virtio_mem_requested(mem.device), 0);
	/* Nothing is to change, so that nobody is needed. */
	guest = obeys;
	EXPECT(!set_memory(MEM_RAM));
	end();

	guest = abort;
	start(true);
	machine.devices.balloon->status = 0;
	EXPECT_FAIL(set_memory(MIB(4)), "no driver for the balloon");
	EXPECT_FAIL(set("{\"memory\":4194304,\"balloon\":0}"), "give one of them at a time");
	end();
}

static void without_region(void)
{
	guest = abort;
	start(false);
	machine.devices.mem = NULL;
	machine.memory.region = (struct memory_region){ 0 };
	EXPECT_FAIL(set_memory(MEM_MAX), "can't have more than the 8 MiB that it began with");
	EXPECT_EQ(status_of("memory-max"), MEM_RAM);
	end();
}

/* More than any host has */
static void poor_host(void)
{
	guest = abort;
	start(false);
	machine.memory.region.max = 1ULL << 50;
	EXPECT_FAIL(set("{\"memory\":1099520016384}"), "of memory left, and 1024 GiB more are asked for");
	EXPECT_EQ(virtio_mem_requested(mem.device), 0);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(up_and_down), TEST_CASE(less_than_asked), TEST_CASE(below),
	TEST_CASE(interrupted), TEST_CASE(refused), TEST_CASE(without_region),
	TEST_CASE(poor_host),
};

TEST_SUITE(machine_memory_suite, "machine_memory", cases);
