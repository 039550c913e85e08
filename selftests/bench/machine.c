// SPDX-License-Identifier: GPL-2.0-only
/* A VM with one vCPU and the payload in it, on either backend. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define PAGE_PRESENT	BIT_ULL(0)
#define PAGE_WRITABLE	BIT_ULL(1)
#define PAGE_LARGE	BIT_ULL(7)
#define TABLE_BYTES	4096
#define TABLE_ENTRIES	512
#define LARGE_PAGE	0x200000ull

extern const u8 guest_image[], guest_image_end[];

/* Identity-maps 1 GiB with 2 MiB pages. */
static void build_page_tables(u8 *ram)
{
	u64 *tables = (u64 *)(ram + TABLES_GPA);
	u64 *directory = tables + 2 * TABLE_ENTRIES;
	int i;

	tables[0] = (TABLES_GPA + TABLE_BYTES) | PAGE_PRESENT | PAGE_WRITABLE;
	tables[TABLE_ENTRIES] = (TABLES_GPA + 2 * TABLE_BYTES) | PAGE_PRESENT | PAGE_WRITABLE;
	for (i = 0; i < TABLE_ENTRIES; i++)
		directory[i] = i * LARGE_PAGE | PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE;
}

u8 *guest_ram(void)
{
	static u8 *ram;

	if (ram)
		return ram;
	ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		err(2, "guest memory");
	madvise(ram, RAM_BYTES, MADV_NOHUGEPAGE);
	/* What the host has to do for its own pages shows in no figure. */
	memset(ram, 0, RAM_BYTES);
	build_page_tables(ram);
	memcpy(ram + IMAGE_GPA, guest_image, guest_image_end - guest_image);
	return ram;
}

void machine_create(struct machine *machine, struct backend *backend)
{
	machine->backend = backend;
	machine->vm = backend->create_vm(backend);
	machine->vcpu = backend->create_vcpu(machine->vm, 0);
	machine->run = mmap(NULL, backend->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			    machine->vcpu, 0);
	if (machine->run == MAP_FAILED)
		err(2, "%s: run page", backend->name);
}

void machine_add_ram(struct machine *machine)
{
	machine->backend->set_memory(machine->vm, 0, 0, guest_ram(), RAM_BYTES);
}

void machine_start(struct machine *machine)
{
	static const struct start start = {
		.rip = IMAGE_GPA, .rsp = STACK_GPA, .cr3 = TABLES_GPA,
	};

	machine->backend->start_at(machine->vcpu, &start);
}

void machine_destroy(struct machine *machine)
{
	munmap(machine->run, machine->backend->run_size);
	close(machine->vcpu);
	close(machine->vm);
}

void machine_run_until_done(struct machine *machine)
{
	unsigned int port;

	do {
		port = machine->backend->run(machine);
		if (port != PORT_DONE && port != PORT_PING)
			errx(2, "%s: the guest accesses port %#x", machine->backend->name, port);
	} while (port != PORT_DONE);
}

void machine_boot(struct machine *machine, struct backend *backend)
{
	static const struct bench_request nothing = { .command = COMMAND_NOTHING };

	machine_create(machine, backend);
	machine_add_ram(machine);
	machine_start(machine);
	machine_run_until_done(machine);
	machine_do(machine, &nothing);
}

struct sample_set machine_do(struct machine *machine, const struct bench_request *request)
{
	const u32 *from = (u32 *)(guest_ram() + SAMPLES_GPA);
	struct sample_set set;
	u64 *samples;
	u32 i;

	if (request->count > MAX_SAMPLES)
		errx(2, "%u samples are too many", request->count);
	*(struct bench_request *)(guest_ram() + COMMAND_GPA) = *request;
	machine_run_until_done(machine);

	samples = calloc(request->count + 1, sizeof(*samples));
	if (!samples)
		err(2, "samples");
	for (i = 0; i < request->count; i++)
		samples[i] = from[i];
	set = summarize(samples, request->count);
	free(samples);
	return set;
}
