// SPDX-License-Identifier: GPL-2.0-only
/* The report: a table to read, and JSON. */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

#define SCHEMA		1	/* of the JSON */

/* kvmtool isn't in Debian 12: measured once on KVM in the same emulated host. */
#define KVMTOOL_BOOT	1720000000.0

static const struct {
	const char *name;
	const char *title;
	const char *unit;
	bool mean;	/* compare the mean: one fault may map many pages */
} rows[ROW_COUNT] = {
	[ROW_CPUID] = { "cpuid", "CPUID", "ticks" },
	[ROW_RDMSR] = { "rdmsr", "RDMSR IA32_TSC_ADJUST", "ticks" },
	[ROW_WRMSR] = { "wrmsr", "WRMSR IA32_TSC_ADJUST", "ticks" },
	[ROW_VMCALL] = { "vmcall", "VMCALL, unknown", "ticks" },
	[ROW_SELF_IPI] = { "self_ipi", "x2APIC self-IPI, handler, EOI", "ticks" },
	[ROW_SELF_IPI_HLT] = { "self_ipi_hlt", "same, into STI; HLT", "ticks" },
	[ROW_TIMER] = { "timer", "TSC deadline passed, handler, EOI", "ticks" },
	[ROW_TIMER_HLT] = { "timer_hlt", "TSC deadline wakes HLT: lateness", "ticks" },
	[ROW_OUT] = { "out", "OUT to userspace and back", "ticks" },
	[ROW_IN] = { "in", "IN from userspace", "ticks" },
	[ROW_DOORBELL] = { "doorbell", "MMIO write of a value to an eventfd", "ticks" },
	[ROW_DOORBELL_PORT] = { "doorbell_port", "OUT to an eventfd", "ticks" },
	[ROW_DOORBELL_MSI] = { "doorbell_msi", "MMIO, eventfd, MSI, handler, EOI", "ticks" },
	[ROW_FAULT_PRESENT] = { "fault_present", "EPT fault, 4 KiB page, present", "ticks", true },
	[ROW_FAULT_ABSENT] = { "fault_absent", "EPT fault, 4 KiB page, absent", "ticks", true },
	[ROW_THP_PRESENT] = { "thp_present", "EPT fault, 2 MiB page, present", "ticks" },
	[ROW_THP_ABSENT] = { "thp_absent", "EPT fault, 2 MiB page, absent", "ticks" },
	[ROW_CREATE_FIRST] = { "create_first", "create VM and vCPU, first", "ticks" },
	[ROW_CREATE] = { "create", "create VM and vCPU", "ticks" },
	[ROW_CREATE_BESIDE] = { "create_beside", "same, beside another VM", "ticks" },
	[ROW_CREATE_VCPU] = { "create_vcpu", "create another vCPU", "ticks" },
	[ROW_ADD_SLOT] = { "add_slot", "add a memory slot", "ticks" },
	[ROW_FIRST_RUN] = { "first_run", "first run, to its first exit", "ticks" },
	[ROW_DESTROY] = { "destroy", "destroy VM and vCPU", "ticks" },
	[ROW_DESTROY_BESIDE] = { "destroy_beside", "same, beside another VM", "ticks" },
	[ROW_MEMORY] = { "memory", "kernel memory per VM", "bytes" },
	[ROW_BOOT] = { "boot", "hvctl run, Debian 6.1, 1 vCPU", "ticks" },
};

/* What lhv is compared with: KVM, or what stands for it. */
static struct sample_set yardstick(const struct results *results, enum row row)
{
	return row == ROW_BOOT ? single(KVMTOOL_BOOT) : results->rows[row][SIDE_KVM];
}

static double figure(const struct sample_set *set, enum row row)
{
	return rows[row].mean ? set->mean : set->median;
}

static double ratio(const struct sample_set *lhv, const struct sample_set *kvm, enum row row)
{
	return figure(lhv, row) / figure(kvm, row);
}

/* Ratios of equal work differ by more between runs where the work takes long. */
#define NOISE	0.005

static bool worse(const struct results *results, enum row row)
{
	const struct sample_set *lhv = &results->rows[row][SIDE_LHV];
	struct sample_set kvm = yardstick(results, row);

	return lhv->count && kvm.count && ratio(lhv, &kvm, row) > 1 + NOISE;
}

static void print_figure(const struct sample_set *set, enum row row)
{
	if (set->count)
		printf(" %14.0f", figure(set, row));
	else
		printf(" %14s", "-");
}

static void print_row(const struct results *results, enum row row)
{
	const struct sample_set *lhv = &results->rows[row][SIDE_LHV];
	struct sample_set kvm = yardstick(results, row);

	printf("%-36s", rows[row].title);
	print_figure(lhv, row);
	print_figure(&kvm, row);
	if (lhv->count && kvm.count)
		printf(" %8.3f", ratio(lhv, &kvm, row));
	else
		printf(" %8s", "-");
	printf("  %s%s%s\n", rows[row].unit, row == ROW_BOOT ? " (1)" : "",
	       worse(results, row) ? "  WORSE" : "");
}

int print_table(const struct results *results)
{
	int row, count = 0;

	printf("%-36s %14s %14s %8s  unit\n", "", "lhv", "KVM", "ratio");
	for (row = 0; row < ROW_COUNT; row++) {
		print_row(results, row);
		count += worse(results, row);
	}
	printf("Medians; 4 KiB EPT faults: mean per page. (1) kvmtool's on KVM, measured once.\n");
	return count;
}

static void put_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', file);
		if ((u8)*text >= ' ')
			fputc(*text, file);
	}
	fputc('"', file);
}

static void put_member(FILE *file, const char *name, const char *text)
{
	fprintf(file, "    \"%s\": ", name);
	put_string(file, text);
}

static void put_set(FILE *file, const char *name, const struct sample_set *set)
{
	if (!set->count) {
		fprintf(file, ", \"%s\": null", name);
		return;
	}
	fprintf(file, ", \"%s\": {\"samples\": %zu, \"min\": %.0f", name, set->count, set->min);
	fprintf(file, ", \"median\": %.1f, \"mean\": %.1f}", set->median, set->mean);
}

static void put_row(FILE *file, const struct results *results, enum row row)
{
	const struct sample_set *lhv = &results->rows[row][SIDE_LHV];
	struct sample_set kvm = yardstick(results, row);

	fprintf(file, "    {\"name\": \"%s\", \"title\": \"%s\", \"unit\": \"%s\"", rows[row].name,
		rows[row].title, rows[row].unit);
	put_set(file, "lhv", lhv);
	put_set(file, row == ROW_BOOT ? "kvmtool" : "kvm", &kvm);
	if (lhv->count && kvm.count)
		fprintf(file, ", \"compared\": \"%s\", \"ratio\": %.4f",
			rows[row].mean ? "mean" : "median", ratio(lhv, &kvm, row));
	fprintf(file, ", \"worse\": %s}%s\n", worse(results, row) ? "true" : "false",
		row == ROW_COUNT - 1 ? "" : ",");
}

/* Into @value, of @size bytes: the first line of /proc/cpuinfo named "model name". */
static void cpu_model(char *value, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(value, size, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "model name", 10) || !strchr(line, ':'))
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(value, size, "%s", strchr(line, ':') + 2);
		break;
	}
	if (file)
		fclose(file);
}

static void put_host(FILE *file)
{
	struct utsname name;
	char model[256];

	if (uname(&name))
		err(2, "uname");
	cpu_model(model, sizeof(model));
	fprintf(file, "  \"host\": {\n");
	put_member(file, "kernel", name.release);
	fprintf(file, ",\n");
	put_member(file, "kernel_version", name.version);
	fprintf(file, ",\n");
	put_member(file, "cpu", model);
	fprintf(file, ",\n    \"cpus\": %ld\n  },\n", sysconf(_SC_NPROCESSORS_ONLN));
}

void write_json(const struct results *results, const char *path)
{
	FILE *file = fopen(path, "we");
	int row;

	if (!file)
		err(2, "%s", path);
	fprintf(file, "{\n  \"schema\": %d,\n", SCHEMA);
	put_host(file);
	fprintf(file, "  \"versions\": {\n");
	put_member(file, "lhv", results->versions[SIDE_LHV]);
	fprintf(file, ",\n");
	put_member(file, "kvm", results->versions[SIDE_KVM]);
	fprintf(file, ",\n");
	put_member(file, "revision", results->revision);
	fprintf(file, "\n  },\n  \"rows\": [\n");
	for (row = 0; row < ROW_COUNT; row++)
		put_row(file, results, row);
	fprintf(file, "  ]\n}\n");
	if (fclose(file))
		err(2, "%s", path);
}
