// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that says anything on a machine's control socket, in parts of any size: each line
 * gets one reply, and a drive and a balloon change as they may only.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control.h"
#include "disk_impl.h"
#include "fuzz.h"
#include "machine.h"
#include "machine_control.h"
#include "virtio_balloon.h"
#include "virtio_blk.h"

#define MEMORY		MIB(4)
#define IMAGE		KIB(16)
#define TEXT_MAX	KIB(3)
#define LINES_SURE	64	/* a socket has room for so many replies */

static struct guest_memory memory = { .low = MEMORY };
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static struct machine_config config = {
	.name = "fuzz", .cpus = 1, .cpus_max = 1, .memory = MEMORY, .memory_max = MEMORY,
	.files.kernel = "/dev/null",
	.devices = { .disk_count = 1, .balloon = true },
};
static struct machine machine;
static struct vcpu vcpu = { .fd = -1 };
static struct control *control;
static int image_fd;

/* What JSON is made of; a byte that isn't 0 and small stands for one of these. */
static const char * const words[] = {
	config.devices.disk[0].path, "\n", "{\"command\":\"set\",\"arguments\":{", "}}\n",
	"{\"command\":\"status\"}\n", "{\"command\":\"stats\"}\n",
	"{\"command\":\"end\"}\n", "\"disks\":[{\"path\":\"",
	"\",\"size\":", "}]", "\"balloon\":", "\"cpus\":", "\"memory\":",
	"\"id\":", "{", "}", "[", "]", ":", ",", "\"", "\\u0000",
	"4096", "16384", "2097152", "4194304", "18446744073709551616", "32768", "-1", "null",
	"true", "1e3", "0x10",
};

static void on_signal(struct virtio_device *dev, u16 vector)
{
	(void)dev;
	(void)vector;
}

static void remove_socket(void)
{
	unlink(address.sun_path);
}

static void set_up(void)
{
	image_fd = memfd_create("image", 0);
	MUST(image_fd >= 0);
	snprintf(config.devices.disk[0].path, sizeof(config.devices.disk[0].path),
		 "/proc/self/fd/%d", image_fd);
	memory.host = aligned_alloc(MEMORY_PAGE, MEMORY);
	MUST(memory.host);
	machine.config = &config;
	machine.cpus.change.number = 1;
	machine.wake_fd = -1;
	machine.vm_fd = -1;
	machine.vcpus = &vcpu;
	pthread_mutex_init(&machine.stop_lock, NULL);
	ioapic_init(&machine.ioapic, NULL, NULL);
	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/hvctl-control-%d", getpid());
	control = control_create(&address, config.name, machine_control, &machine);
	machine.control = control;
	atexit(remove_socket);
	MUST(control && !ftruncate(image_fd, IMAGE));
	machine.devices.disk[0] = virtio_blk_create(&config.devices.disk[0], 1, &memory);
	machine.devices.balloon = virtio_balloon_create(&memory, 0);
	MUST(machine.devices.disk[0] && machine.devices.balloon);
	MUST(!machine_breath_begin(&machine.breath, &config.breath, MEMORY, machine.devices.balloon));
	machine.devices.disk[0]->signal = on_signal;
	machine.devices.balloon->signal = on_signal;
	machine.devices.balloon->status = VIRTIO_CONFIG_S_DRIVER_OK;
}

/* A drive takes longer to make than an input: it is made short again. */
static void start(void)
{
	if (!control)
		set_up();
	MUST(!ftruncate(image_fd, IMAGE));
	((struct disk *)virtio_blk_disk(machine.devices.disk[0]))->size = IMAGE;
	virtio_balloon_resize(machine.devices.balloon, 0);
	machine.stop = STOP_NONE;
}

static void check(void)
{
	struct stat st;
	u64 size = disk_size(virtio_blk_disk(machine.devices.disk[0]));

	MUST(!fstat(image_fd, &st) && size == (u64)st.st_size && size >= IMAGE);
	MUST(!(size % DISK_SECTOR));
	MUST(virtio_balloon_target(machine.devices.balloon) < MEMORY);
	MUST(!machine.cpus.change.active);
}

/* ---- the client ------------------------------------------------------------------ */

/* Of the kind that is asked for, often. */
static struct json_object *make_value(struct fuzz *f)
{
	static const s64 number[] = { 0, 4096, 16384, 16896, 20480, 32768, 1000, -1, INT64_MAX,
					MIB(2), MIB(3), MIB(4), MIB(5) };
	static const char * const path[] = {
		config.devices.disk[0].path, "/dev/null", "/nowhere", "", "4096",
	};
	u8 byte = fuzz_u8(f);

	switch (byte % 8) {
	case 0:
		return json_object_new_int64(fuzz_u64(f));
	case 1:
		return json_object_new_string(path[byte / 8 % ARRAY_SIZE(path)]);
	case 2:
		return json_object_new_string(config.devices.disk[0].path);
	case 3:
		return byte & 64 ? json_object_new_array() : NULL;
	default:
		return json_object_new_int64(number[byte / 8 % ARRAY_SIZE(number)]);
	}
}

static struct json_object *make_disks(struct fuzz *f)
{
	struct json_object *disks = json_object_new_array(), *disk;
	unsigned int count = 1 + fuzz_u8(f) % 3;

	while (count--) {
		u8 byte = fuzz_u8(f);

		disk = json_object_new_object();
		if (byte & 7)
			json_object_object_add(disk, "path", byte & 8 ? make_value(f) :
					       json_object_new_string(config.devices.disk[0].path));
		if (byte & 16)
			json_object_object_add(disk, "size", make_value(f));
		if (byte == 255)
			json_object_object_add(disk, "more", make_value(f));
		json_object_array_add(disks, disk);
	}
	return disks;
}

/* A machine whose limits can't be changed checks them all the same. */
static void add_limits(struct fuzz *f, struct json_object *arguments)
{
	static const char * const key[] = { LIMIT_KEYS, "breath" };
	static const char * const list[] = { "0-3", "8,0-", "all", "8191", "0-8192", "" };
	struct json_object *value;
	u8 byte = fuzz_u8(f);

	if (byte & 1)
		value = json_object_new_string(list[byte / 2 % ARRAY_SIZE(list)]);
	else
		value = make_value(f);
	if (byte & 128) {
		struct json_object *breath = json_object_new_object();

		json_object_object_add(breath, byte & 64 ? "min" : "max", value);
		value = breath;
	}
	json_object_object_add(arguments, key[fuzz_u8(f) % ARRAY_SIZE(key)], value);
}

static size_t make_request(struct fuzz *f, char *text)
{
	static const char * const command[] = {
		"set", "set", "status", "stats", "power-button", "end", "x"
	};
	struct json_object *request = json_object_new_object();
	struct json_object *arguments = json_object_new_object();
	u8 byte = fuzz_u8(f);
	size_t len;

	json_object_object_add(request, "command",
			       json_object_new_string(command[fuzz_u8(f) % ARRAY_SIZE(command)]));
	json_object_object_add(request, "arguments", arguments);
	if (byte & 1)
		json_object_object_add(request, "id", make_value(f));
	if (byte & 2)
		json_object_object_add(arguments, "disks", byte & 64 ? make_value(f) : make_disks(f));
	if (byte & 4)
		json_object_object_add(arguments, "balloon", make_value(f));
	if (byte & 8)
		json_object_object_add(arguments, "cpus", byte & 16 ? make_value(f) :
				       json_object_new_int(1));
	if (byte & 32)
		json_object_object_add(arguments, "memory", make_value(f));
	if (byte & 64)
		json_object_object_add(arguments, "overcommit",
				       json_object_new_boolean(byte & 128));
	if (byte % 3 == 1)
		add_limits(f, arguments);
	if (byte >= 0xf8)
		json_object_object_add(arguments, "more", make_value(f));
	strcpy(text, json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN));
	len = strlen(text);
	text[len++] = '\n';
	json_object_put(request);
	return len;
}

static size_t make_text(struct fuzz *f, char *text)
{
	size_t used = 0;

	while (f->left && used < TEXT_MAX - KIB(1)) {
		u8 byte = fuzz_u8(f);

		if (!byte) {
			used += make_request(f, text + used);
		} else if (byte <= ARRAY_SIZE(words)) {
			strcpy(text + used, words[byte - 1]);
			used += strlen(words[byte - 1]);
		} else {
			text[used++] = byte;
		}
	}
	return used;
}

/* Each line of the answer is an object: the greeting, a result or an error. */
static unsigned int count_replies(char *answer)
{
	unsigned int count = 0;
	char *line;

	for (line = strtok(answer, "\n"); line; line = strtok(NULL, "\n")) {
		struct json_object *object = json_tokener_parse(line);

		MUST(json_object_is_type(object, json_type_object));
		MUST(json_object_object_get_ex(object, "control", NULL) +
		     json_object_object_get_ex(object, "result", NULL) +
		     json_object_object_get_ex(object, "error", NULL) == 1);
		json_object_put(object);
		count++;
	}
	return count;
}

/* Its guest does nothing that takes time: whoever waits for that has waited long enough. */
static void serve(void)
{
	control_serve(control);
	while (machine.resize.under_way) {
		machine.resize.deadline = 0;
		machine_memory_serve(&machine);
		control_serve(control);
	}
}

/* Returns how many lines' ends it sent. */
static unsigned int send_text(int fd, const char *text, size_t len, size_t part)
{
	unsigned int lines = 0;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		n = min_u64(part, len - i);
		/* Who doesn't read is hung up on. */
		if (send(fd, text + i, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
		serve();
	}
	for (i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static char text[TEXT_MAX], answer[MIB(1)];
	struct fuzz f = { data, size };
	size_t len, used = 0, part;
	unsigned int lines;
	ssize_t n;
	int fd;

	start();
	part = 1 + fuzz_u8(&f) * 8;
	len = make_text(&f, text);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	MUST(!connect(fd, (struct sockaddr *)&address, sizeof(address)));
	control_serve(control);
	lines = send_text(fd, text, len, part);
	while ((n = recv(fd, answer + used, sizeof(answer) - 1 - used, MSG_DONTWAIT)) > 0)
		used += n;
	answer[used] = '\0';
	MUST((n < 0 && errno == EAGAIN) || lines > LINES_SURE);
	MUST(count_replies(answer) == 1 + lines || lines > LINES_SURE);
	close(fd);
	serve();
	check();
	return 0;
}
