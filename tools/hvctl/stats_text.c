// SPDX-License-Identifier: GPL-2.0-only
#include "stats_text.h"

#include <string.h>

#include "json_members.h"
#include "machine_sample.h"
#include "proc_stat.h"
#include "size.h"
#include "table.h"

static size_t count_of(struct json_object *object, const char *key)
{
	size_t count = 0;

	while (element_of(object, key, count))
		count++;
	return count;
}

static const char *bytes_of(struct json_object *object, const char *key,
			    char text[static SHORT_LENGTH])
{
	return format_short(number_of(object, key), 1024, text);
}

static double seconds_of(struct json_object *object, const char *key)
{
	return number_of(object, key) / 1e9;
}

/* "3 days, 04:05:06" */
static void print_duration(FILE *out, u64 ns)
{
	u64 s = ns / NS_PER_SECOND, days = s / 86400;

	if (days)
		fprintf(out, "%llu day%s, ", (unsigned long long)days, days > 1 ? "s" : "");
	fprintf(out, "%02u:%02u:%02u", (unsigned int)(s / 3600 % 24), (unsigned int)(s / 60 % 60),
		(unsigned int)(s % 60));
}

/* ---- one machine ---------------------------------------------------------------- */

static void print_memory(struct json_object *stats, u64 share, FILE *out)
{
	struct json_object *memory = object_of(stats, "memory");
	char text[4][SHORT_LENGTH];

	fprintf(out, "memory:   %s, %s resident", bytes_of(memory, "size", text[0]),
		bytes_of(memory, "resident", text[1]));
	if (share)
		fprintf(out, " (%s its own share)", format_short(share, 1024, text[2]));
	if (json_object_object_get_ex(memory, "mapped", NULL))
		fprintf(out, "; %s mapped by %s of tables", bytes_of(memory, "mapped", text[2]),
			bytes_of(memory, "tables", text[3]));
	fputc('\n', out);
}

static void print_machine(struct json_object *stats, u64 share, FILE *out)
{
	struct json_object *cpu = object_of(stats, "cpu"), *vm = object_of(stats, "vm");
	struct json_object *balloon = object_of(stats, "balloon");
	char text[3][SHORT_LENGTH];

	fprintf(out, "name:     %s\n", text_of(stats, "name"));
	fprintf(out, "state:    %s, for ", text_of(stats, "state"));
	print_duration(out, number_of(stats, "uptime"));
	fprintf(out, "\ncpu:      %.2f s user, of which %.2f s guest; %.2f s system\n",
		seconds_of(cpu, "user"), seconds_of(cpu, "guest"), seconds_of(cpu, "system"));
	print_memory(stats, share, out);
	if (vm)
		fprintf(out, "vm:       %s interrupt messages, %s TLB flushes, %s invalidations\n",
			text_of(vm, "messages"), text_of(vm, "tlb-flushes"),
			text_of(vm, "invalidations"));
	if (balloon)
		fprintf(out, "balloon:  %s of %s; %s reported free so far\n",
			bytes_of(balloon, "held", text[0]), bytes_of(balloon, "size", text[1]),
			bytes_of(balloon, "reported", text[2]));
}

static void print_table(struct table *t, FILE *out)
{
	fputc('\n', out);
	table_print(t, out, TABLE_ALL, 0);
	table_destroy(t);
}

/* Times in seconds; reasons that no vCPU ever had are left out. */
static void print_vcpus(struct json_object *stats, FILE *out)
{
	static const char * const fixed[] = {
		"VCPU", "CPU", "GUEST", "HALTED", "IRQS", "EXITS", "TO-USER",
	};
	struct table_column column[ARRAY_SIZE(fixed) + REASONS];
	unsigned int i, reason, columns = ARRAY_SIZE(fixed), used[REASONS], count = 0;
	struct json_object *vcpu;
	struct table *t;

	for (i = 0; i < columns; i++)
		column[i] = (struct table_column){ fixed[i], TABLE_RIGHT, 0 };
	for (reason = 0; reason < REASONS; reason++) {
		for (i = 0; (vcpu = element_of(stats, "vcpus", i)); i++) {
			if (!number_of(object_of(vcpu, "reasons"), reason_name[reason]))
				continue;
			column[columns++] = (struct table_column){
				reason_name[reason], TABLE_RIGHT, 0,
			};
			used[count++] = reason;
			break;
		}
	}
	t = table_create(column, columns);
	for (i = 0; t && (vcpu = element_of(stats, "vcpus", i)); i++) {
		table_add(t, "%s", text_of(vcpu, "id"));
		table_add(t, "%.2f", seconds_of(vcpu, "cpu"));
		table_add(t, "%.2f", seconds_of(vcpu, "guest"));
		table_add(t, "%.2f", seconds_of(vcpu, "halted"));
		table_add(t, "%s", text_of(vcpu, "interrupts"));
		table_add(t, "%s", text_of(vcpu, "exits"));
		table_add(t, "%s", text_of(vcpu, "user-exits"));
		for (reason = 0; reason < count; reason++)
			table_add(t, "%s", text_of(object_of(vcpu, "reasons"),
						   reason_name[used[reason]]));
	}
	if (t)
		print_table(t, out);
}

static void print_disks(struct json_object *stats, FILE *out)
{
	static const struct table_column column[] = {
		{ "READS", TABLE_RIGHT, 0 }, { "READ", TABLE_RIGHT, 0 },
		{ "WRITES", TABLE_RIGHT, 0 }, { "WRITTEN", TABLE_RIGHT, 0 },
		{ "FLUSHES", TABLE_RIGHT, 0 }, { "DISCARDS", TABLE_RIGHT, 0 },
		{ "ZEROES", TABLE_RIGHT, 0 }, { "ERRORS", TABLE_RIGHT, 0 },
		{ "DISK", TABLE_LEFT, 0 },
	};
	static const char * const key[] = {
		"reads", "read-bytes", "writes", "written-bytes", "flushes", "discards", "zeroes",
		"errors",
	};
	struct table *t = table_create(column, ARRAY_SIZE(column));
	struct json_object *disk;
	char text[SHORT_LENGTH];
	unsigned int i, k;

	for (i = 0; t && (disk = element_of(stats, "disks", i)); i++) {
		const char *other = text_of(disk, "vhost-user");

		for (k = 0; k < ARRAY_SIZE(key); k++)
			table_add(t, "%s", *other ? "-" : strstr(key[k], "bytes") ?
				  bytes_of(disk, key[k], text) : text_of(disk, key[k]));
		table_add(t, "%s%s", *other ? "vhost-user=" : "",
			  *other ? other : text_of(disk, "path"));
	}
	if (t)
		print_table(t, out);
}

static void print_nets(struct json_object *stats, FILE *out)
{
	static const struct table_column column[] = {
		{ "PACKETS-IN", TABLE_RIGHT, 0 }, { "IN", TABLE_RIGHT, 0 },
		{ "DROPPED", TABLE_RIGHT, 0 }, { "PACKETS-OUT", TABLE_RIGHT, 0 },
		{ "OUT", TABLE_RIGHT, 0 }, { "DROPPED", TABLE_RIGHT, 0 },
		{ "NETWORK", TABLE_LEFT, 0 },
	};
	struct table *t = table_create(column, ARRAY_SIZE(column));
	struct json_object *net;
	char text[SHORT_LENGTH];
	unsigned int i;

	for (i = 0; t && (net = element_of(stats, "networks", i)); i++) {
		table_add(t, "%s", text_of(net, "received-packets"));
		table_add(t, "%s", bytes_of(net, "received-bytes", text));
		table_add(t, "%s", text_of(net, "received-dropped"));
		table_add(t, "%s", text_of(net, "sent-packets"));
		table_add(t, "%s", bytes_of(net, "sent-bytes", text));
		table_add(t, "%s", text_of(net, "sent-dropped"));
		table_add(t, "%s", text_of(net, "at"));
	}
	if (t)
		print_table(t, out);
}

void stats_text_print(struct json_object *stats, u64 share, FILE *out)
{
	print_machine(stats, share, out);
	print_vcpus(stats, out);
	if (count_of(stats, "disks"))
		print_disks(stats, out);
	if (count_of(stats, "networks"))
		print_nets(stats, out);
}

/* ---- several -------------------------------------------------------------------- */

static void add_machine(struct table *t, struct json_object *stats)
{
	struct machine_sample s;
	char text[SHORT_LENGTH];

	table_add(t, "%s", text_of(stats, "name"));
	table_add(t, "%s", text_of(stats, "state"));
	if (!json_object_object_get_ex(stats, "pid", NULL) || machine_sample_take(&s, stats)) {
		unsigned int i;

		for (i = 0; i < 8; i++)
			table_add(t, "-");
		return;
	}
	table_add(t, "%u", s.vcpu_count);
	table_add(t, "%.2f", s.cpu / 1e9);
	table_add(t, "%.2f", s.guest / 1e9);
	table_add(t, "%s", format_short(s.resident, 1024, text));
	table_add(t, "%s", format_short(s.memory, 1024, text));
	table_add(t, "%s", format_short(machine_sample_exits(&s), 1000, text));
	table_add(t, "%s", format_short(machine_sample_disk(&s), 1024, text));
	table_add(t, "%s", format_short(machine_sample_net(&s), 1024, text));
	machine_sample_free(&s);
}

void stats_text_list(struct json_object *list, FILE *out)
{
	static const struct table_column column[] = {
		{ "NAME", TABLE_LEFT, 0 }, { "STATE", TABLE_LEFT, 0 }, { "CPUS", TABLE_RIGHT, 0 },
		{ "CPU", TABLE_RIGHT, 0 }, { "GUEST", TABLE_RIGHT, 0 }, { "RSS", TABLE_RIGHT, 0 },
		{ "SIZE", TABLE_RIGHT, 0 }, { "EXITS", TABLE_RIGHT, 0 },
		{ "DISK", TABLE_RIGHT, 0 }, { "NET", TABLE_RIGHT, 0 },
	};
	struct table *t = table_create(column, ARRAY_SIZE(column));
	size_t i;

	if (!t)
		return;
	for (i = 0; i < json_object_array_length(list); i++)
		add_machine(t, json_object_array_get_idx(list, i));
	table_print(t, out, TABLE_ALL, 0);
	table_destroy(t);
}
