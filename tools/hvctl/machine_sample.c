// SPDX-License-Identifier: GPL-2.0-only
#include "machine_sample.h"

#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "json_members.h"

const char * const reason_name[REASONS] = {
	[REASON_INTERRUPT] = "interrupt",
	[REASON_IO] = "io",
	[REASON_MMIO] = "mmio",
	[REASON_MSR] = "msr",
	[REASON_CPUID] = "cpuid",
	[REASON_HLT] = "hlt",
	[REASON_CR] = "cr",
	[REASON_EPT] = "ept",
	[REASON_WINDOW] = "window",
	[REASON_PAUSE] = "pause",
	[REASON_OTHER] = "other",
};

/* ---- a sample ------------------------------------------------------------------- */

static size_t length_of(struct json_object *object, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(object, key, &value) &&
	       json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
}

static void take_vcpu(struct vcpu_sample *vcpu, struct json_object *object)
{
	struct json_object *reasons = object_of(object, "reasons");
	unsigned int i;

	vcpu->id = number_of(object, "id");
	vcpu->exits = number_of(object, "exits");
	for (i = 0; i < REASONS; i++)
		vcpu->reason[i] = number_of(reasons, reason_name[i]);
}

static unsigned int take_devices(struct json_object *stats, const char *key, const char *in,
				 const char *out, u64 bytes[SAMPLE_DEVICES][IO_WAYS])
{
	unsigned int i, count = min_u64(length_of(stats, key), SAMPLE_DEVICES);

	for (i = 0; i < count; i++) {
		struct json_object *device = element_of(stats, key, i);

		bytes[i][IO_IN] = number_of(device, in);
		bytes[i][IO_OUT] = number_of(device, out);
	}
	return count;
}

int machine_sample_take(struct machine_sample *s, struct json_object *stats)
{
	struct json_object *cpu = object_of(stats, "cpu"), *memory = object_of(stats, "memory");
	unsigned int i, vcpus = length_of(stats, "vcpus");

	*s = (struct machine_sample){
		.pid = number_of(stats, "pid"),
		.time = number_of(stats, "time"),
		.uptime = number_of(stats, "uptime"),
		.cpu = number_of(cpu, "user") + number_of(cpu, "system"),
		.guest = number_of(cpu, "guest"),
		.memory = number_of(memory, "size"),
		.resident = number_of(memory, "resident"),
	};
	snprintf(s->state, sizeof(s->state), "%s", text_of(stats, "state"));
	s->vcpu = calloc(vcpus + 1, sizeof(s->vcpu[0]));
	if (!s->vcpu)
		return fail("out of memory");
	s->vcpu_count = vcpus;
	for (i = 0; i < vcpus; i++)
		take_vcpu(&s->vcpu[i], element_of(stats, "vcpus", i));
	s->disks = take_devices(stats, "disks", "read-bytes", "written-bytes", s->disk);
	s->nets = take_devices(stats, "networks", "received-bytes", "sent-bytes", s->net);
	return 0;
}

void machine_sample_free(struct machine_sample *s)
{
	free(s->vcpu);
	*s = (struct machine_sample){ 0 };
}

u64 machine_sample_exits(const struct machine_sample *s)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < s->vcpu_count; i++)
		sum += s->vcpu[i].exits;
	return sum;
}

static u64 sum_of(const u64 bytes[][IO_WAYS], unsigned int count)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < count; i++)
		sum += bytes[i][IO_IN] + bytes[i][IO_OUT];
	return sum;
}

u64 machine_sample_disk(const struct machine_sample *s)
{
	return sum_of(s->disk, s->disks);
}

u64 machine_sample_net(const struct machine_sample *s)
{
	return sum_of(s->net, s->nets);
}

/* ---- rates ---------------------------------------------------------------------- */

static u64 grown(u64 before, u64 now)
{
	return now >= before ? now - before : now;
}

/* They are in the order of their ids in most cases, and most are where they were. */
static const struct vcpu_sample *find_vcpu(const struct machine_sample *s, u32 id,
					   unsigned int likely)
{
	static const struct vcpu_sample none;
	unsigned int i;

	if (likely < s->vcpu_count && s->vcpu[likely].id == id)
		return &s->vcpu[likely];
	for (i = 0; i < s->vcpu_count; i++) {
		if (s->vcpu[i].id == id)
			return &s->vcpu[i];
	}
	return &none;
}

/* If the vCPU has fewer exits than before, it counts anew, whatever its reasons say. */
static void add_vcpu(struct machine_rates *rates, const struct vcpu_sample *was,
		     const struct vcpu_sample *vcpu, double seconds)
{
	static const struct vcpu_sample none;
	unsigned int i;

	if (vcpu->exits < was->exits)
		was = &none;
	rates->exits += (vcpu->exits - was->exits) / seconds;
	for (i = 0; i < REASONS; i++) {
		if (vcpu->reason[i] > was->reason[i])
			rates->reason[i] += (vcpu->reason[i] - was->reason[i]) / seconds;
	}
}

static u64 devices_grown(const u64 before[][IO_WAYS], unsigned int count_before,
			 const u64 now[][IO_WAYS], unsigned int count)
{
	unsigned int i, way;
	u64 sum = 0;

	for (i = 0; i < count; i++) {
		for (way = 0; way < IO_WAYS; way++)
			sum += grown(i < count_before ? before[i][way] : 0, now[i][way]);
	}
	return sum;
}

bool machine_rates_between(const struct machine_sample *before, const struct machine_sample *now,
			   struct machine_rates *rates)
{
	double seconds, percent;
	unsigned int i;

	*rates = (struct machine_rates){ 0 };
	if (before->pid != now->pid || now->time <= before->time)
		return false;
	seconds = (now->time - before->time) / 1e9;
	percent = 100 / (double)(now->time - before->time);
	rates->cpu = grown(before->cpu, now->cpu) * percent;
	rates->guest = grown(before->guest, now->guest) * percent;
	/* Linux counts the guest's time by ticks, and may have seen more than there was. */
	rates->guest = rates->guest < rates->cpu ? rates->guest : rates->cpu;
	for (i = 0; i < now->vcpu_count; i++) {
		const struct vcpu_sample *vcpu = &now->vcpu[i];

		add_vcpu(rates, find_vcpu(before, vcpu->id, i), vcpu, seconds);
	}
	rates->disk = devices_grown(before->disk, before->disks, now->disk, now->disks) / seconds;
	rates->net = devices_grown(before->net, before->nets, now->net, now->nets) / seconds;
	return true;
}
