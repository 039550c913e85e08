// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm FILE: runs a payload on KVM, with one vCPU, as "hvctl run --kernel FILE
 * --debug-exit 0xf4" does on lhv, and exits with what that makes of what
 * it writes to the port. Ports that are not there read as ones; of the serial port there are its output
 * and its scratch register.
 */
#include <err.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "bench.h"
#include "boot.h"
#include "error.h"

#define MEMORY		MIB(64)
#define PORT_SERIAL	0x3f8
#define PORT_LINE	0x3fd
#define PORT_SCRATCH	0x3ff
#define PORT_EXIT	0xf4
#define LINE_IDLE	0x60	/* both registers for output are empty */

static void enter_protected(int vcpu, const struct boot_entry *entry)
{
	struct kvm_regs regs = {
		.rip = entry->rip, .rax = entry->rax, .rbx = entry->rbx, .rflags = 2,
	};
	struct kvm_sregs sregs;

	if (entry->mode != BOOT_PROTECTED)
		errx(2, "a payload starts in protected mode");
	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		err(2, "KVM_GET_SREGS");
	sregs.cs.l = 0;
	sregs.cs.db = 1;
	sregs.cr0 = START_CR0 & ~BIT(31);
	sregs.cr3 = 0;
	sregs.cr4 = 0;
	sregs.efer = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs))
		err(2, "KVM_SET_SREGS");
	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		err(2, "KVM_SET_REGS");
}

static void make_machine(struct machine *machine, const char *file)
{
	const struct boot_files files = { .kernel = file, .cmdline = "" };
	const struct start start = { 0 };
	struct guest_memory memory;
	struct boot_entry entry;

	if (memory_create(&memory, MEMORY) || boot_load(&files, &memory, 0, &entry))
		errx(2, "%s", fail_text());
	machine->backend = &kvm_backend;
	if (!kvm_backend.open(&kvm_backend))
		err(2, "/dev/kvm");
	machine->vm = kvm_backend.create_vm(&kvm_backend);
	machine->vcpu = kvm_backend.create_vcpu(machine->vm, 0);
	machine->run = mmap(NULL, kvm_backend.run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			    machine->vcpu, 0);
	if (machine->run == MAP_FAILED)
		err(2, "run page");
	kvm_backend.set_memory(machine->vm, 0, 0, memory.host, memory.low);
	kvm_backend.start_at(machine->vcpu, &start);
	enter_protected(machine->vcpu, &entry);
}

static void in(u16 port, u8 *data, u8 size, u8 scratch)
{
	memset(data, 0xff, size);
	if (port == PORT_LINE)
		data[0] = LINE_IDLE;
	else if (port == PORT_SCRATCH)
		data[0] = scratch;
}

static void out(u16 port, const u8 *data, u8 *scratch)
{
	if (port == PORT_SERIAL)
		putchar(data[0]);
	else if (port == PORT_SCRATCH)
		*scratch = data[0];
	else if (port == PORT_EXIT)
		exit((data[0] & 0x7f) << 1 | 1);
}

int main(int argc, char **argv)
{
	struct machine machine;
	struct kvm_run *run;
	u8 scratch = 0;
	u32 i;

	if (argc != 2)
		errx(2, "usage: kvm FILE");
	make_machine(&machine, argv[1]);
	run = machine.run;
	for (;;) {
		kvm_backend.run(&machine);
		for (i = 0; i < run->io.count; i++) {
			u8 *data = (u8 *)run + run->io.data_offset + i * run->io.size;

			if (run->io.direction == KVM_EXIT_IO_IN)
				in(run->io.port, data, run->io.size, scratch);
			else
				out(run->io.port, data, &scratch);
		}
	}
}
