// SPDX-License-Identifier: GPL-2.0-only
/* What machines do for the clients of their control sockets. */
#include "machine_control.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "machine.h"
#include "machine_dir.h"
#include "machine_find.h"
#include "set_options.h"
#include "test.h"
#include "virtio_balloon.h"
#include "virtio_blk.h"

static struct machine_config config;
static struct machine machine;
static struct guest_memory memory;
static unsigned int changes;
static char image[2][64];

static void on_signal(struct virtio_device *dev, u16 vector)
{
	(void)vector;
	EXPECT(dev == machine.devices.disk[0] || dev == machine.devices.balloon);
	changes++;
}

static void attach(struct virtio_device *dev)
{
	dev->signal = on_signal;
	dev->config_vector = 0;
	dev->status = VIRTIO_CONFIG_S_DRIVER_OK;
}

/* Two drives, of which the second is read-only, and a balloon; nothing runs. */
static bool start(void)
{
	static const u8 data[8192];
	unsigned int i;

	EXPECT(!memory_create(&memory, MIB(4)));
	config = (struct machine_config){
		.name = "web", .cpus = 2, .cpus_max = 2, .memory = MIB(4), .files.kernel = "/dev/null",
		.devices = { .disk_count = 2, .disk[1].readonly = true, .balloon = true },
	};
	memset(&machine, 0, sizeof(machine));
	machine.config = &config;
	machine.cpus.change.number = config.cpus;
	pthread_mutex_init(&machine.stop_lock, NULL);
	for (i = 0; i < 2; i++) {
		strcpy(image[i], test_file(data, sizeof(data)));
		strcpy(config.devices.disk[i].path, image[i]);
		machine.devices.disk[i] = virtio_blk_create(&config.devices.disk[i], 1, &memory);
		if (!machine.devices.disk[i]) {
			EXPECT_HAS(fail_text(), "io_uring");
			test_skip("this host refuses io_uring");
			memory_destroy(&memory);
			return false;
		}
		attach(machine.devices.disk[i]);
	}
	machine.devices.balloon = virtio_balloon_create(&memory, MIB(1));
	attach(machine.devices.balloon);
	changes = 0;
	return true;
}

static void end(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		machine.devices.disk[i]->class->destroy(machine.devices.disk[i]);
	machine.devices.balloon->class->destroy(machine.devices.balloon);
	pthread_mutex_destroy(&machine.stop_lock);
	memory_destroy(&memory);
}

/* @arguments is JSON, in which %s is the first image, or NULL. */
static int call(const char *command, const char *arguments, struct json_object **result)
{
	struct json_object *unused = NULL, *object = NULL;
	char text[256];
	int ret;

	if (arguments) {
		snprintf(text, sizeof(text), arguments, image[0]);
		object = json_tokener_parse(text);
		EXPECT(object);
	}
	ret = machine_control(&machine, command, object, result ? result : &unused);
	json_object_put(unused);
	json_object_put(object);
	return ret;
}

static u64 length_of(const char *path)
{
	struct stat st;

	EXPECT(!stat(path, &st));
	return st.st_size;
}

static void tells(void)
{
	struct json_object *result = NULL;
	char wanted[256];
	const char *text;

	if (!start())
		return;
	EXPECT(!call("status", NULL, &result));
	text = json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN |
						      JSON_C_TO_STRING_NOSLASHESCAPE);
	EXPECT_HAS(text, "{\"name\":\"web\",\"state\":\"running\",\"pid\":");
	EXPECT_HAS(text, "\"cpus\":2,\"cpus-max\":2,\"memory\":4194304,\"memory-max\":4194304,"
			 "\"kernel\":\"/dev/null\",\"disks\":[");
	snprintf(wanted, sizeof(wanted), "{\"path\":\"%s\",\"size\":8192,\"readonly\":true}],",
		 image[1]);
	EXPECT_HAS(text, wanted);
	EXPECT_HAS(text, "\"balloon\":{\"size\":1048576,\"held\":0,\"guest\":{}}}");
	json_object_put(result);
	EXPECT_FAIL(call("status", "{\"x\":1}", NULL), "have no 'x'");
	EXPECT_FAIL(call("dance", NULL, NULL), "doesn't know the command 'dance'");
	end();
}

/* What is asked for by its path in the object: "cpu.user", "disks.0.reads" */
static u64 number_at(struct json_object *object, const char *path)
{
	char text[64], *key, *rest = text;

	snprintf(text, sizeof(text), "%s", path);
	while ((key = strsep(&rest, "."))) {
		if (json_object_is_type(object, json_type_array))
			object = json_object_array_get_idx(object, atoi(key));
		else
			EXPECT(json_object_object_get_ex(object, key, &object));
	}
	EXPECT(json_object_is_type(object, json_type_int));
	return json_object_get_uint64(object);
}

/* There is no module here: of its counters none are told. */
static void counts(void)
{
	struct json_object *result = NULL;
	/* No vCPUs to the ioctl; and one that isn't there at all */
	struct vcpu vcpus[3] = {
		{ .fd = STDIN_FILENO, .id = 0 }, { .fd = STDIN_FILENO, .id = 5 }, { .fd = -1 },
	};
	u64 time;

	if (!start())
		return;
	machine.vm_fd = -1;
	machine.vcpus = vcpus;
	config.cpus_max = ARRAY_SIZE(vcpus);
	vcpus[1].thread = pthread_self();
	vcpus[1].tid = gettid();
	EXPECT(!call("stats", NULL, &result));
	EXPECT_HAS(json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN),
		   "{\"name\":\"web\",\"state\":\"running\",\"pid\":");
	time = number_at(result, "time");
	EXPECT(number_at(result, "cpu.user") + number_at(result, "cpu.system"));
	EXPECT(number_at(result, "uptime"));
	EXPECT_EQ(number_at(result, "memory.size"), MIB(4));
	EXPECT(number_at(result, "memory.resident"));
	EXPECT_EQ(number_at(result, "vcpus.0.id"), 0);
	EXPECT_EQ(number_at(result, "vcpus.1.id"), 5);
	EXPECT(number_at(result, "vcpus.1.cpu"));
	EXPECT_HAS(json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN),
		   "\"vcpus\":[{\"id\":0},{\"id\":5,\"cpu\":");
	EXPECT_EQ(number_at(result, "disks.1.read-bytes"), 0);
	EXPECT_EQ(number_at(result, "disks.0.errors"), 0);
	EXPECT_EQ(number_at(result, "balloon.size"), MIB(1));
	EXPECT_EQ(number_at(result, "balloon.reported"), 0);
	json_object_put(result);
	EXPECT(!call("stats", NULL, &result));
	EXPECT(number_at(result, "time") > time);
	json_object_put(result);
	EXPECT_FAIL(call("stats", "{\"x\":1}", NULL), "have no 'x'");
	end();
}

static void grows(void)
{
	if (!start())
		return;
	EXPECT(!call("set", "{\"disks\":[{\"path\":\"%s\",\"size\":16384}]}", NULL));
	EXPECT_EQ(length_of(image[0]), 16384);
	EXPECT_EQ(disk_size(virtio_blk_disk(machine.devices.disk[0])), 16384);
	EXPECT_EQ(changes, 1);
	/* What has not changed is no news. */
	EXPECT(!call("set", "{\"disks\":[{\"path\":\"%s\"}]}", NULL));
	EXPECT_EQ(changes, 1);
	EXPECT(!truncate(image[0], 32768));
	EXPECT(!call("set", "{\"disks\":[{\"path\":\"%s\"}],\"balloon\":2097152}", NULL));
	EXPECT_EQ(disk_size(virtio_blk_disk(machine.devices.disk[0])), 32768);
	EXPECT_EQ(virtio_balloon_target(machine.devices.balloon), MIB(2));
	EXPECT_EQ(changes, 3);
	end();
}

/* Whichever part is refused, nothing changes. */
static void all_or_nothing(void)
{
	static const struct {
		const char *arguments, *sentence;
	} refused[] = {
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384}],\"balloon\":4194304}", "too large" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384}],\"balloon\":1}", "multiple of 4K" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384},{\"path\":\"%1$s\"}]}", "given twice" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384},{\"path\":\"/dev/zero\"}]}",
		  "no drive with /dev/zero" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384},{\"path\":\"/none\"}]}",
		  "cannot find /none" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384},{}]}", "no path" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384},null]}", "no path" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384},7]}", "no object" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384}],\"more\":2}", "have no 'more'" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384}],\"cpus\":0}", "one vCPU at least" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384}],\"cpus\":1}",
		  "start it with --cpus 2,max=M" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":16384}],\"cpus\":-1}", "cpus is no number" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":-1}]}", "no number of bytes" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":\"16384\"}]}", "no number of bytes" },
		{ "{\"disks\":[{\"path\":\"%s\",\"size\":4096}]}", "only grows" },
		{ "{\"disks\":{\"path\":\"%s\"}}", "no array" },
	};
	unsigned int i;

	if (!start())
		return;
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		EXPECT_FAIL(call("set", refused[i].arguments, NULL), refused[i].sentence);
	EXPECT_EQ(length_of(image[0]), 8192);
	EXPECT_EQ(virtio_balloon_target(machine.devices.balloon), MIB(1));
	EXPECT_EQ(changes, 0);
	end();
}

static void send_nothing(void *opaque, u64 address, u32 data)
{
	(void)opaque;
	(void)address;
	(void)data;
}

static void ends(void)
{
	if (!start())
		return;
	/* After a reset, all pins are masked. */
	ioapic_init(&machine.ioapic, send_nothing, NULL);
	EXPECT_FAIL(call("power-button", NULL, NULL), "doesn't take its power button");
	machine.wake_fd = -1;
	EXPECT(!call("end", NULL, NULL));
	EXPECT_EQ(machine.stop, STOP_QUIT);
	ioapic_destroy(&machine.ioapic);
	end();
}

/* ---- who has an image ------------------------------------------------------------ */

static struct control *control;
static int stop_fds[2];

static void *serve(void *arg)
{
	char byte;

	/* Clients wait for their answers, so this one need not wait for them. */
	while (recv(stop_fds[0], &byte, 1, MSG_DONTWAIT) < 0)
		control_serve(control);
	return arg;
}

static void locked_by(void)
{
	char folder[] = "/tmp/hvctl-run-XXXXXX", name[NAME_MAX_LENGTH + 1];
	struct sockaddr_un address;
	struct machine_dir dir;
	struct disk *disk;
	pthread_t thread;
	struct stat st;

	if (!start())
		return;
	EXPECT(mkdtemp(folder));
	machine_dir_base = folder;
	EXPECT(!machine_dir_claim(&dir, "web"));
	EXPECT(!machine_dir_control("web", &address));
	control = control_create(&address, "web", machine_control, &machine);
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stop_fds));
	EXPECT(!pthread_create(&thread, NULL, serve, NULL));

	EXPECT_FAIL(disk_open(&disk, &config.devices.disk[0]), "is locked by the machine web;");
	EXPECT(!stat("/dev/null", &st));
	EXPECT(!machine_find_image(&st, name));

	close(stop_fds[1]);
	pthread_join(thread, NULL);
	close(stop_fds[0]);
	control_destroy(control);
	machine_dir_release(&dir);
	machine_dir_base = NULL;
	EXPECT(!rmdir(folder));
	end();
}

/* ---- hvctl set ------------------------------------------------------------------- */

static struct set_options options;

#define PARSE(...) parse((const char *[]){ "set", ##__VA_ARGS__, NULL })

static int parse(const char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return set_options_parse(&options, argc, (char **)argv);
}

static void command_line(void)
{
	EXPECT(!PARSE("web", "--disk", "path=/dev/../dev/null,size=1G", "--balloon", "size=64M",
		      "--disk", "path=/"));
	EXPECT(!strcmp(options.name, "web"));
	EXPECT(!strcmp(json_object_to_json_string_ext(options.arguments,
						      JSON_C_TO_STRING_PLAIN |
						      JSON_C_TO_STRING_NOSLASHESCAPE),
		       "{\"disks\":[{\"path\":\"/dev/null\",\"size\":1073741824},{\"path\":\"/\"}],\"balloon\":67108864}"));
	json_object_put(options.arguments);
	EXPECT(!PARSE("--balloon=size=0", "--name=web"));
	EXPECT(!strcmp(options.name, "web"));
	json_object_put(options.arguments);
	EXPECT(!PARSE("web", "--memory", "1G,overcommit"));
	EXPECT(!strcmp(json_object_to_json_string_ext(options.arguments, JSON_C_TO_STRING_PLAIN),
		       "{\"memory\":1073741824,\"overcommit\":true}"));
	json_object_put(options.arguments);
	EXPECT(!PARSE("--help"));
	EXPECT(options.help && !options.arguments);
	EXPECT(!PARSE("web", "--cpus", "4"));
	EXPECT(!strcmp(json_object_to_json_string_ext(options.arguments, JSON_C_TO_STRING_PLAIN),
		       "{\"cpus\":4}"));
	json_object_put(options.arguments);
	EXPECT_FAIL(PARSE("web", "--cpus", "0"), "--cpus: '0' is not a number from 1");
	EXPECT_FAIL(PARSE("web", "--cpus", "2,max=4"), "--cpus: '2,max=4' is not a number");
	EXPECT_FAIL(PARSE("web"), "say what is to change");
	EXPECT_FAIL(PARSE("--balloon=size=0"), "say which machine");
	EXPECT_FAIL(PARSE("a", "b", "--balloon=size=0"), "unexpected argument 'b'");
	EXPECT_FAIL(PARSE("a", "--name=b", "--balloon=size=0"), "unexpected argument 'a'");
	EXPECT_FAIL(PARSE("/a", "--balloon=size=0"), "'/a' is not a name");
	EXPECT_FAIL(PARSE("a", "--balloon=64M"), "--balloon");
	EXPECT_FAIL(PARSE("a", "--disk=size=64M"), "say which drive");
	EXPECT_FAIL(PARSE("a", "--disk=path=/none"), "cannot find /none");
	EXPECT_FAIL(PARSE("a", "--disk=path=/,size=x"), "--disk: size");
	EXPECT_FAIL(PARSE("a", "--fast=4"), "--fast=4");
}

/* The guest has to do its part of a change, which it can't while it is suspended. */
static void suspended_later(void)
{
	if (!start())
		return;
	machine_change_begin(&machine.change, BIT(CHANGE_MEMORY), 1);
	EXPECT_FAIL(call("suspend", NULL, NULL), "memory is being changed by another command");
	EXPECT(!machine_pause_wanted(&machine.pause));
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(tells),
	TEST_CASE(counts),
	TEST_CASE(grows),
	TEST_CASE(all_or_nothing),
	TEST_CASE(ends),
	TEST_CASE(locked_by),
	TEST_CASE(suspended_later),
	TEST_CASE(command_line),
};

TEST_SUITE(machine_control_suite, "machine_control", cases);
