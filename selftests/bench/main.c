// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench JSON-FILE REVISION [lhv|kvm|boot]...: measures lhv and KVM (or only what
 * is named) one after the other, prints a table and writes JSON-FILE
 *
 * VMX has one user at a time: a backend's last machine is gone before the next
 * backend's first. Exit status 1: something is worse than KVM's; 2: it failed.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

static void measure(struct backend *backend, struct results *results)
{
	if (!backend->open(backend))
		err(2, "%s: can't open its device", backend->name);
	memcpy(results->versions[backend->side], backend->version, sizeof(backend->version));
	/* First, as it has the very first machine. */
	measure_life(backend, results);
	measure_exits(backend, results);
	measure_doorbells(backend, results);
	measure_faults(backend, results);
	measure_memory(backend, results);
	close(backend->fd);
}

static bool wanted(const char *what, char **list)
{
	if (!*list)
		return true;
	for (; *list; list++)
		if (!strcmp(*list, what))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	static struct results results;
	bool failed = false;
	int count;

	if (argc < 3)
		errx(2, "usage: bench JSON-FILE REVISION [lhv|kvm|boot]...");
	results.revision = argv[2];
	if (wanted("kvm", argv + 3))
		measure(&kvm_backend, &results);
	if (wanted("lhv", argv + 3))
		measure(&lhv_backend, &results);
	if (wanted("boot", argv + 3))
		failed = !measure_boot(&results);

	write_json(&results, argv[1]);
	count = print_table(&results);
	if (count)
		printf("%d row(s) worse than KVM's\n", count);
	return failed ? 2 : count ? 1 : 0;
}
