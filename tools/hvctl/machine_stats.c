// SPDX-License-Identifier: GPL-2.0-only
#include "machine_stats.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "control_arguments.h"
#include "json_members.h"
#include "machine.h"
#include "proc_stat.h"
#include "virtio_balloon.h"
#include "virtio_blk.h"
#include "virtio_net.h"
#include "virtio_net_stream.h"

static void add(struct json_object *object, const char *key, struct json_object *member)
{
	json_object_object_add(object, key, member);
}

static u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	return clock_gettime(clock, &now) ? 0 : now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* ---- the process ---------------------------------------------------------------- */

static u64 timeval_ns(const struct timeval *time)
{
	return time->tv_sec * NS_PER_SECOND + time->tv_usec * 1000;
}

static struct json_object *describe_cpu(const struct proc_stat *stat)
{
	struct json_object *object = json_object_new_object();
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	add_number(object, "user", timeval_ns(&usage.ru_utime));
	add_number(object, "system", timeval_ns(&usage.ru_stime));
	add_number(object, "guest", stat->guest);
	return object;
}

static u64 mapped_bytes(const u64 vm[static LHV_VM_STAT_COUNT])
{
	return vm[LHV_VM_STAT_MAPPED_4K] * KIB(4) + vm[LHV_VM_STAT_MAPPED_2M] * MIB(2) +
	       vm[LHV_VM_STAT_MAPPED_1G] * GIB(1);
}

static struct json_object *describe_memory(struct machine *m, const u64 *vm)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "size", machine_memory_size(m));
	add_number(object, "resident", proc_resident());
	if (vm) {
		add_number(object, "mapped", mapped_bytes(vm));
		add_number(object, "tables", vm[LHV_VM_STAT_EPT_PAGES] * KIB(4));
	}
	return object;
}

static struct json_object *describe_vm(const u64 vm[static LHV_VM_STAT_COUNT])
{
	struct json_object *object = json_object_new_object();

	add_number(object, "messages", vm[LHV_VM_STAT_MSIS]);
	add_number(object, "tlb-flushes", vm[LHV_VM_STAT_TLB_FLUSHES]);
	add_number(object, "invalidations", vm[LHV_VM_STAT_INVALIDATIONS]);
	return object;
}

/* ---- vCPUs ---------------------------------------------------------------------- */

/* No exit is of two kinds; what is none of these is "other". */
static struct json_object *describe_exits(struct vcpu *vcpu,
					  const u64 stat[static LHV_VCPU_STAT_COUNT])
{
	static const struct {
		const char *name;
		unsigned int stat;
	} reasons[] = {
		{ "interrupt", LHV_VCPU_STAT_IRQ_EXITS },
		{ "io", LHV_VCPU_STAT_IO_EXITS },
		{ "mmio", LHV_VCPU_STAT_MMIO_EXITS },
		{ "msr", LHV_VCPU_STAT_MSR_EXITS },
		{ "cpuid", LHV_VCPU_STAT_CPUID_EXITS },
		{ "hlt", LHV_VCPU_STAT_HLT_EXITS },
		{ "cr", LHV_VCPU_STAT_CR_EXITS },
		{ "ept", LHV_VCPU_STAT_EPT_FAULTS },
		{ "window", LHV_VCPU_STAT_WINDOW_EXITS },
		{ "pause", LHV_VCPU_STAT_PAUSE_EXITS },
	};
	struct json_object *object = json_object_new_object();
	u64 other = stat[LHV_VCPU_STAT_EXITS];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		u64 n = stat[reasons[i].stat];

		add_number(object, reasons[i].name, n);
		other -= min_u64(n, other);
	}
	/* The vCPU goes on while they are read one by one; yet what is told only rises. */
	vcpu->other_exits = max_u64(vcpu->other_exits, other);
	add_number(object, "other", vcpu->other_exits);
	return object;
}

/* While the thread runs, Linux asks its CPU, and nobody else. */
static void add_thread(struct json_object *object, const struct vcpu *vcpu)
{
	pid_t tid = vcpu->tid;
	struct proc_stat stat;
	clockid_t clock;

	/* It may have ended. */
	if (!tid || !proc_stat_read(tid, &stat) || pthread_getcpuclockid(vcpu->thread, &clock))
		return;
	add_number(object, "cpu", clock_ns(clock));
	add_number(object, "guest", stat.guest);
}

static struct json_object *describe_vcpu(struct vcpu *vcpu)
{
	struct json_object *object = json_object_new_object();
	u64 stat[LHV_VCPU_STAT_COUNT];

	add_number(object, "id", vcpu->id);
	add_thread(object, vcpu);
	if (!lhv_vcpu_stats(vcpu->fd, stat))
		return object;
	add_number(object, "halted", stat[LHV_VCPU_STAT_HALT_NS]);
	add_number(object, "exits", stat[LHV_VCPU_STAT_EXITS]);
	add(object, "reasons", describe_exits(vcpu, stat));
	add_number(object, "user-exits", stat[LHV_VCPU_STAT_USER_EXITS]);
	add_number(object, "interrupts", stat[LHV_VCPU_STAT_IRQS_INJECTED]);
	add_number(object, "exceptions", stat[LHV_VCPU_STAT_EXCEPTIONS]);
	add_number(object, "nmis", stat[LHV_VCPU_STAT_NMIS]);
	add_number(object, "migrations", stat[LHV_VCPU_STAT_MIGRATIONS]);
	return object;
}

/* ---- devices -------------------------------------------------------------------- */

static struct json_object *describe_disk(struct machine *m, unsigned int i)
{
	static const struct {
		const char *requests, *bytes;
	} ops[DISK_OPS] = {
		[DISK_READ] = { "reads", "read-bytes" },
		[DISK_WRITE] = { "writes", "written-bytes" },
		[DISK_FLUSH] = { "flushes", NULL },
		[DISK_DISCARD] = { "discards", "discarded-bytes" },
		[DISK_WRITE_ZEROES] = { "zeroes", "zeroed-bytes" },
	};
	const struct disk_config *config = &m->config->devices.disk[i];
	struct json_object *object = json_object_new_object();
	struct disk_counts counts;
	unsigned int op;

	add_path(object, config->vhost_user ? "vhost-user" : "path", config->path);
	if (config->vhost_user)
		return object;
	disk_count(virtio_blk_disk(m->devices.disk[i]), &counts);
	for (op = 0; op < DISK_OPS; op++) {
		add_number(object, ops[op].requests, counts.requests[op]);
		if (ops[op].bytes)
			add_number(object, ops[op].bytes, counts.bytes[op]);
	}
	add_number(object, "errors", counts.errors);
	return object;
}

static struct json_object *describe_net(struct machine *m, unsigned int i)
{
	struct json_object *object = json_object_new_object();
	struct virtio_device *net = m->devices.net[i];
	struct net_counts counts;

	if (m->config->devices.net[i].kind == NET_PASST) {
		virtio_net_stream_count(net, &counts);
		add_string(object, "at", "passt");
	} else {
		add_string(object, "at", virtio_net_count(net, &counts));
	}
	add_number(object, "received-packets", counts.packets[NET_RECEIVE]);
	add_number(object, "received-bytes", counts.bytes[NET_RECEIVE]);
	add_number(object, "received-dropped", counts.dropped[NET_RECEIVE]);
	add_number(object, "sent-packets", counts.packets[NET_SEND]);
	add_number(object, "sent-bytes", counts.bytes[NET_SEND]);
	add_number(object, "sent-dropped", counts.dropped[NET_SEND]);
	return object;
}

static struct json_object *describe_balloon(struct virtio_device *balloon)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "size", virtio_balloon_target(balloon));
	add_number(object, "held", virtio_balloon_actual(balloon));
	add_number(object, "reported", virtio_balloon_reported(balloon));
	return object;
}

static void add_devices(struct json_object *object, struct machine *m)
{
	struct json_object *disks = json_object_new_array(), *nets = json_object_new_array();
	unsigned int i;

	for (i = 0; i < m->config->devices.disk_count; i++)
		json_object_array_add(disks, describe_disk(m, i));
	add(object, "disks", disks);
	for (i = 0; i < m->config->devices.net_count; i++)
		json_object_array_add(nets, describe_net(m, i));
	add(object, "networks", nets);
	if (m->devices.balloon)
		add(object, "balloon", describe_balloon(m->devices.balloon));
}

int machine_stats(struct machine *m, struct json_object *arguments, struct json_object **result)
{
	struct json_object *object, *vcpus;
	u64 vm[LHV_VM_STAT_COUNT];
	struct proc_stat stat;
	unsigned int i;
	bool counted;

	if (control_no_arguments(arguments))
		return -1;
	proc_stat_read(0, &stat);
	counted = lhv_vm_stats(m->vm_fd, vm);
	object = json_object_new_object();
	add_string(object, "name", m->config->name);
	add_string(object, "state", machine_state(m));
	add_number(object, "pid", getpid());
	add_number(object, "time", clock_ns(CLOCK_MONOTONIC));
	add_number(object, "uptime", clock_ns(CLOCK_BOOTTIME) - stat.started);
	add(object, "cpu", describe_cpu(&stat));
	add(object, "memory", describe_memory(m, counted ? vm : NULL));
	if (counted)
		add(object, "vm", describe_vm(vm));
	vcpus = json_object_new_array();
	for (i = 0; i < m->config->cpus_max; i++) {
		if (m->vcpus[i].fd >= 0)
			json_object_array_add(vcpus, describe_vcpu(&m->vcpus[i]));
	}
	add(object, "vcpus", vcpus);
	add_devices(object, m);
	*result = object;
	return 0;
}
