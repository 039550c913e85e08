// SPDX-License-Identifier: GPL-2.0-only
/*
 * A family is a kind of number that replies have, once or once for each vCPU and the like; if
 * there is a label, several times, as what the label says differs.
 */
#include "metrics_text.h"

#include <string.h>

#include "json_members.h"
#include "machine_sample.h"
#include "proc_stat.h"

enum family_type { COUNTER, GAUGE };

/* What the number is of */
enum family_of { MACHINE, VCPU, DISK, NETWORK };

struct family {
	const char *name;	/* without the prefix; its unit, if it has one, is its end */
	enum family_type type;
	const char *unit;	/* "" */
	const char *help;
	enum family_of of;
	const char *object;	/* which the number is in; NULL: the machine, vCPU, … itself */
	const char *label;	/* NULL: none */
	struct {
		const char *key, *value;	/* the label's */
	} number[REASONS];
};

#define PREFIX		"lhv_"

#define ONE(key)	NULL, { { (key), NULL } }

static const struct family families[] = {
	{ "machine_uptime_seconds", GAUGE, "seconds", "Time since the machine's process began.",
	  MACHINE, NULL, ONE("uptime") },
	{ "cpu_seconds", COUNTER, "seconds",
	  "CPU time of the machine's process; mode user has the guest's, too.",
	  MACHINE, "cpu", "mode", { { "user", "user" }, { "system", "system" } } },
	{ "guest_seconds", COUNTER, "seconds", "CPU time that ran the guest.",
	  MACHINE, "cpu", ONE("guest") },
	{ "memory_size_bytes", GAUGE, "bytes", "Memory that the guest has.",
	  MACHINE, "memory", ONE("size") },
	{ "memory_resident_bytes", GAUGE, "bytes",
	  "Memory of the host that the machine's process has.",
	  MACHINE, "memory", ONE("resident") },
	{ "memory_mapped_bytes", GAUGE, "bytes", "Guest memory that EPT maps.",
	  MACHINE, "memory", ONE("mapped") },
	{ "memory_tables_bytes", GAUGE, "bytes", "EPT paging structures.",
	  MACHINE, "memory", ONE("tables") },
	{ "balloon_size_bytes", GAUGE, "bytes", "What the balloon is to hold.",
	  MACHINE, "balloon", ONE("size") },
	{ "balloon_held_bytes", GAUGE, "bytes", "What the balloon holds.",
	  MACHINE, "balloon", ONE("held") },
	{ "balloon_reported_bytes", COUNTER, "bytes",
	  "Free memory that the guest has reported, and the host took.",
	  MACHINE, "balloon", ONE("reported") },
	{ "interrupt_messages", COUNTER, "", "Interrupt messages sent to local APICs.",
	  MACHINE, "vm", ONE("messages") },
	{ "tlb_flushes", COUNTER, "", "Flushes of the TLBs of all vCPUs.",
	  MACHINE, "vm", ONE("tlb-flushes") },
	{ "invalidations", COUNTER, "", "Changes of the host's to memory that is the guest's.",
	  MACHINE, "vm", ONE("invalidations") },

	{ "vcpu_cpu_seconds", COUNTER, "seconds", "CPU time of the vCPU's thread.",
	  VCPU, NULL, ONE("cpu") },
	{ "vcpu_guest_seconds", COUNTER, "seconds", "CPU time that ran the guest.",
	  VCPU, NULL, ONE("guest") },
	{ "vcpu_halted_seconds", COUNTER, "seconds", "Time that the vCPU waited in HLT.",
	  VCPU, NULL, ONE("halted") },
	{ "vcpu_exits", COUNTER, "", "VM exits by what they were for.", VCPU, "reasons", "reason", {
		{ "interrupt", "interrupt" }, { "io", "io" }, { "mmio", "mmio" },
		{ "msr", "msr" }, { "cpuid", "cpuid" }, { "hlt", "hlt" }, { "cr", "cr" },
		{ "ept", "ept" }, { "window", "window" }, { "pause", "pause" },
		{ "other", "other" },
	} },
	{ "vcpu_user_exits", COUNTER, "", "VM exits that hvctl had to handle.",
	  VCPU, NULL, ONE("user-exits") },
	{ "vcpu_events", COUNTER, "", "Events that were injected into the vCPU.",
	  VCPU, NULL, "kind", {
		{ "interrupts", "interrupt" }, { "exceptions", "exception" }, { "nmis", "nmi" },
	} },
	{ "vcpu_migrations", COUNTER, "", "Moves of the vCPU to another CPU of the host.",
	  VCPU, NULL, ONE("migrations") },

	{ "disk_requests", COUNTER, "", "Requests of the guest that were carried out.",
	  DISK, NULL, "operation", {
		{ "reads", "read" }, { "writes", "write" }, { "flushes", "flush" },
		{ "discards", "discard" }, { "zeroes", "zero" },
	} },
	{ "disk_bytes", COUNTER, "bytes", "Bytes of those requests.", DISK, NULL, "operation", {
		{ "read-bytes", "read" }, { "written-bytes", "write" },
		{ "discarded-bytes", "discard" }, { "zeroed-bytes", "zero" },
	} },
	{ "disk_errors", COUNTER, "", "Requests that failed.", DISK, NULL, ONE("errors") },

	{ "network_packets", COUNTER, "", "Packets that the guest got and sent.",
	  NETWORK, NULL, "direction",
	  { { "received-packets", "in" }, { "sent-packets", "out" } } },
	{ "network_bytes", COUNTER, "bytes", "Bytes of those packets.",
	  NETWORK, NULL, "direction", { { "received-bytes", "in" }, { "sent-bytes", "out" } } },
	{ "network_dropped_packets", COUNTER, "", "Packets that were lost.",
	  NETWORK, NULL, "direction",
	  { { "received-dropped", "in" }, { "sent-dropped", "out" } } },
};

/* ---- labels --------------------------------------------------------------------- */

/* How many bytes the UTF-8 character there has; 0: it is none. */
static unsigned int utf8_length(const unsigned char *at)
{
	unsigned int i, length = *at < 0x80 ? 1 : *at < 0xc2 ? 0 : *at < 0xe0 ? 2 :
				 *at < 0xf0 ? 3 : *at < 0xf5 ? 4 : 0;

	for (i = 1; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	/* What is longer than it need be, a surrogate, or beyond the last one */
	if ((*at == 0xe0 && at[1] < 0xa0) || (*at == 0xed && at[1] >= 0xa0) ||
	    (*at == 0xf0 && at[1] < 0x90) || (*at == 0xf4 && at[1] >= 0x90))
		return 0;
	return length;
}

/* A file's name may be any bytes; the text is UTF-8. */
static void print_label(FILE *out, char before, const char *name, const char *value)
{
	const unsigned char *at = (const unsigned char *)value;

	fprintf(out, "%c%s=\"", before, name);
	while (*at) {
		unsigned int length = utf8_length(at);

		if (*at == '\n')
			fputs("\\n", out);
		else if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else if (length)
			fwrite(at, 1, length, out);
		else
			fputs("\xef\xbf\xbd", out);	/* the replacement character */
		at += length ? length : 1;
	}
	fputc('"', out);
}

static void print_number(FILE *out, const char *name, unsigned int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	print_label(out, ',', name, text);
}

/* Which of the machine's vCPUs, disks or networks it is */
static void print_element(FILE *out, enum family_of of, struct json_object *element,
			  unsigned int i)
{
	const char *other = text_of(element, "vhost-user");

	switch (of) {
	case VCPU:
		print_label(out, ',', "vcpu", text_of(element, "id"));
		break;
	case DISK:
		print_number(out, "disk", i);
		print_label(out, ',', "path", *other ? other : text_of(element, "path"));
		break;
	case NETWORK:
		print_number(out, "network", i);
		print_label(out, ',', "at", text_of(element, "at"));
		break;
	default:
		break;
	}
}

/* ---- samples -------------------------------------------------------------------- */

static void print_head(FILE *out, const struct family *f)
{
	fprintf(out, "# TYPE " PREFIX "%s %s\n", f->name,
		f->type == COUNTER ? "counter" : "gauge");
	if (*f->unit)
		fprintf(out, "# UNIT " PREFIX "%s %s\n", f->name, f->unit);
	fprintf(out, "# HELP " PREFIX "%s %s\n", f->name, f->help);
}

/* Times are in ns. */
static void print_value(FILE *out, const struct family *f, u64 value)
{
	if (!strcmp(f->unit, "seconds"))
		fprintf(out, "} %llu.%09llu\n", (unsigned long long)(value / NS_PER_SECOND),
			(unsigned long long)(value % NS_PER_SECOND));
	else
		fprintf(out, "} %llu\n", (unsigned long long)value);
}

/* The element is the machine itself, or the @i'th one of what it has several of. */
static void print_samples(FILE *out, const struct family *f, const char *machine,
			  struct json_object *element, unsigned int i)
{
	struct json_object *object = f->object ? object_of(element, f->object) : element;
	unsigned int n;

	for (n = 0; n < ARRAY_SIZE(f->number) && f->number[n].key; n++) {
		if (!json_object_object_get_ex(object, f->number[n].key, NULL))
			continue;
		fprintf(out, PREFIX "%s%s", f->name, f->type == COUNTER ? "_total" : "");
		print_label(out, '{', "machine", machine);
		print_element(out, f->of, element, i);
		if (f->label)
			print_label(out, ',', f->label, f->number[n].value);
		print_value(out, f, number_of(object, f->number[n].key));
	}
}

static void print_machine(FILE *out, const struct family *f, struct json_object *stats)
{
	static const char * const several[] = {
		[VCPU] = "vcpus", [DISK] = "disks", [NETWORK] = "networks",
	};
	const char *machine = text_of(stats, "name");
	struct json_object *element;
	unsigned int i;

	if (f->of == MACHINE) {
		print_samples(out, f, machine, stats, 0);
		return;
	}
	for (i = 0; (element = element_of(stats, several[f->of], i)); i++)
		print_samples(out, f, machine, element, i);
}

/* Who answered */
static void print_up(struct json_object *list, FILE *out)
{
	static const struct family up = {
		.name = "machine_up", .type = GAUGE, .unit = "",
		.help = "Whether the machine's process answered.",
	};
	size_t i, count = json_object_array_length(list);

	print_head(out, &up);
	for (i = 0; i < count; i++) {
		struct json_object *stats = json_object_array_get_idx(list, i);

		fprintf(out, PREFIX "%s", up.name);
		print_label(out, '{', "machine", text_of(stats, "name"));
		print_value(out, &up, json_object_object_get_ex(stats, "pid", NULL));
	}
}

void metrics_text_print(struct json_object *list, FILE *out)
{
	size_t i, count = json_object_array_length(list);
	const struct family *f;

	print_up(list, out);
	for (f = families; f < families + ARRAY_SIZE(families); f++) {
		print_head(out, f);
		for (i = 0; i < count; i++)
			print_machine(out, f, json_object_array_get_idx(list, i));
	}
	fputs("# EOF\n", out);
}
