// SPDX-License-Identifier: GPL-2.0-only
/*
 * What udev does in a guest, for resize_host.c: brings each new CPU online, and tells when CPUs and
 * memory have come. It waits for the kernel's events, so that it takes no time of anybody's.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KERNELS_EVENTS	1	/* the netlink group of kobject_uevent() */
#define EVENT_MAX	8192

static void tell_cpus(void)
{
	printf("CPUS %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
}

static void tell_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long kib;

	if (!file || fscanf(file, "MemTotal: %lu", &kib) != 1)
		errx(1, "no MemTotal");
	fclose(file);
	printf("KIB %lu\n", kib);
}

static void bring_online(const char *device)
{
	char path[EVENT_MAX + 16];
	int fd;

	snprintf(path, sizeof(path), "/sys%s/online", device);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "1", 1) != 1)
		err(1, "%s", path);
	close(fd);
}

/* @event is "ACTION@DEVICE", a zero, and then KEY=VALUE, each with a zero. */
static void handle(const char *event)
{
	if (!strncmp(event, "add@/devices/system/cpu/cpu", 27)) {
		bring_online(event + 4);
		tell_cpus();
	} else if (!strncmp(event, "online@/devices/system/memory/", 30)) {
		tell_memory();
	}
}

int main(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = KERNELS_EVENTS };
	int fd = socket(AF_NETLINK, SOCK_DGRAM, NETLINK_KOBJECT_UEVENT);
	char event[EVENT_MAX + 1];
	ssize_t size;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		err(1, "no events");
	tell_memory();
	printf("LISTENS\n");
	while ((size = recv(fd, event, EVENT_MAX, 0)) > 0) {
		event[size] = '\0';
		handle(event);
	}
	err(1, "recv");
}
