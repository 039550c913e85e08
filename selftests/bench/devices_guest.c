// SPDX-License-Identifier: GPL-2.0-only
/*
 * What devices cost, in ticks, seen from the guest: disk FILE | net ADDRESS | echo.
 * With echo, it is who answers net's packets, on the host.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/fs.h>
#include <unistd.h>
#include <x86intrin.h>

#define BLOCK		4096
#define MEGABYTE	(1 << 20)
#define ROUNDS		256
#define MEGABYTES	32
#define PORT		7
#define PACKET		64

static int compare(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;

	return x < y ? -1 : x > y;
}

/* The median: a timer of either kernel's may fall into any. */
static void report(const char *name, unsigned long long *ticks, unsigned int count)
{
	qsort(ticks, count, sizeof(ticks[0]), compare);
	printf("%s %llu\n", name, ticks[count / 2]);
}

static void read_at(int fd, void *buffer, size_t size, off_t offset)
{
	if (pread(fd, buffer, size, offset) != (ssize_t)size)
		err(1, "pread");
}

static void measure_disk(const char *path)
{
	static unsigned long long ticks[ROUNDS];
	int fd = open(path, O_RDONLY | O_DIRECT);
	unsigned long long size, start;
	void *buffer;
	unsigned int i;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size))
		err(1, "%s", path);
	if (posix_memalign(&buffer, BLOCK, MEGABYTE))
		errx(1, "out of memory");
	srandom(1);
	for (i = 0; i < ROUNDS; i++) {
		off_t at = random() % (size / BLOCK) * BLOCK;

		start = __rdtsc();
		read_at(fd, buffer, BLOCK, at);
		ticks[i] = __rdtsc() - start;
	}
	report("random_read_4k", ticks, ROUNDS);
	for (i = 0; i < MEGABYTES; i++) {
		start = __rdtsc();
		read_at(fd, buffer, MEGABYTE, (off_t)i * MEGABYTE % size);
		ticks[i] = __rdtsc() - start;
	}
	report("sequential_mib", ticks, MEGABYTES);
}

static int open_socket(struct sockaddr_in *address, const char *text)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(PORT) };
	if (fd < 0 || !inet_aton(text, &address->sin_addr))
		err(1, "%s", text);
	return fd;
}

static void measure_net(const char *text)
{
	static unsigned long long ticks[ROUNDS];
	struct sockaddr_in address;
	int fd = open_socket(&address, text);
	char packet[PACKET] = "";
	unsigned int i;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		err(1, "connect");
	for (i = 0; i < ROUNDS; i++) {
		unsigned long long start = __rdtsc();

		if (send(fd, packet, PACKET, 0) != PACKET || recv(fd, packet, PACKET, 0) != PACKET)
			err(1, "packet %u", i);
		ticks[i] = __rdtsc() - start;
	}
	report("round_trip", ticks, ROUNDS);
}

static void echo(void)
{
	struct sockaddr_in address;
	int fd = open_socket(&address, "0.0.0.0");
	char packet[PACKET];

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		err(1, "bind");
	for (;;) {
		socklen_t size = sizeof(address);
		ssize_t got = recvfrom(fd, packet, PACKET, 0, (struct sockaddr *)&address, &size);

		if (got < 0 || sendto(fd, packet, got, 0, (struct sockaddr *)&address, size) < 0)
			err(1, "echo");
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "disk"))
		measure_disk(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "net"))
		measure_net(argv[2]);
	else if (argc == 2 && !strcmp(argv[1], "echo"))
		echo();
	else
		return 2;
	return 0;
}
