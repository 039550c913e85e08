// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's kernel log: sent to the build machine as it grows, and searched
 * for reports of defects.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

#define KMEMLEAK	"/sys/kernel/debug/kmemleak"
#define KMEMLEAK_AGE	6	/* seconds; no younger object is reported */

static int kmsg_fd = -1;
static bool watching, lhv_seen;
static unsigned int reports;

/* How the kernel's reports begin, after a subsystem's own prefix if any. */
static const char * const signs[] = {
	"WARNING: ", "BUG: ", "BUG ", "kernel BUG at ", "UBSAN: ", "Oops: ",
	"general protection fault", "invalid opcode: ", "divide error: ",
	"stack segment: ", "double fault: ", "Kernel panic",
	"INFO: rcu", "INFO: task ", "INFO: possible ", "INFO: suspicious ",
	"INFO: trying to register non-static key",
	"unchecked MSR access error", "NMI watchdog: Watchdog detected",
	"page allocation failure", "refcount_t: ",
};

static const char * const prefixes[] = { "watchdog: ", "rcu: ", "[ ", "------------[ " };

static bool is_report(const char *text)
{
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i]);

		if (!strncmp(text, prefixes[i], length)) {
			text += length;
			break;
		}
	}
	for (i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (!strncmp(text, signs[i], strlen(signs[i])))
			return true;
	return false;
}

int kmsg_open(void)
{
	kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return kmsg_fd;
}

/* A record: "priority,sequence,microseconds,flags;text\n KEY=value\n...". */
static void relay_record(char *record)
{
	unsigned long long microseconds = 0;
	unsigned int priority = 0;
	char *text, *end;

	sscanf(record, "%u,%*u,%llu", &priority, &microseconds);
	text = strchr(record, ';');
	if (!text)
		return;
	text++;
	end = strchr(text, '\n');
	if (end)
		*end = '\0';
	wire_printf(LAB_CH_KMSG, "[%5llu.%06llu] %s\n", microseconds / 1000000,
		    microseconds % 1000000, text);
	if (!watching || priority >> 3)	/* not the kernel's own words */
		return;
	if (!strncmp(text, "lhv: ", 5))
		lhv_seen = true;
	if (is_report(text)) {
		reports++;
		wire_printf(LAB_CH_KMSG, LAB_REPORT "the line above\n");
	}
}

void kmsg_relay(void)
{
	char record[8192];
	ssize_t length;

	for (;;) {
		length = read(kmsg_fd, record, sizeof(record) - 1);
		if (length > 0) {
			record[length] = '\0';
			relay_record(record);
		} else if (!length || errno != EPIPE) {
			return;
		}
	}
}

/* From here on, reports count. */
void kmsg_watch(void)
{
	kmsg_relay();
	watching = true;
}

/* A host on which lhv never was can't have a report of lhv's making. */
unsigned int kmsg_reports(void)
{
	kmsg_relay();
	return lhv_seen ? reports : 0;
}

static void kmemleak_scan(void)
{
	int fd = open(KMEMLEAK, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "scan", 4) != 4)
		wire_printf(LAB_CH_KMSG, "lab: kmemleak: %m\n");
	close(fd);
}

/*
 * A backtrace that ran through lhv names it, or, once lhv is unloaded, shows
 * a bare address where modules live.
 */
static bool leak_is_lhvs(const char *entry)
{
	return strstr(entry, "[lhv") || strstr(entry, "] 0xffffffff");
}

static void count_leaks(FILE *file)
{
	char *entry = NULL, *next;
	size_t size = 0;

	/* Each entry begins with "unreferenced object". */
	if (getdelim(&entry, &size, '\0', file) > 0) {
		for (char *at = entry; at && *at; at = next) {
			next = strstr(at + 1, "unreferenced object");
			if (next)
				next[-1] = '\0';
			if (!leak_is_lhvs(at))
				continue;
			wire_printf(LAB_CH_KMSG, LAB_REPORT "a leak\n%s\n", at);
			reports++;
		}
	}
	free(entry);
}

static time_t uptime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/*
 * kmemleak reports an object that two scans in a row find unchanged and
 * unreferenced, and that is some seconds old.
 */
void kmsg_check_leaks(void)
{
	time_t begun = uptime(), age;
	FILE *file;

	kmsg_relay();
	if (!lhv_seen || access(KMEMLEAK, W_OK))
		return;
	kmemleak_scan();
	age = uptime() - begun;
	if (age < KMEMLEAK_AGE)
		sleep(KMEMLEAK_AGE - age);
	kmemleak_scan();
	file = fopen(KMEMLEAK, "re");
	if (!file)
		return;
	count_leaks(file);
	fclose(file);
}
