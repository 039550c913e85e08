// SPDX-License-Identifier: GPL-2.0-only
/*
 * What machines, of whatever version, reply to "stats": JSON of any shape, from which samples,
 * rates, tables and metrics are made.
 */
#include <json-c/json.h>

#include "fuzz.h"
#include "machine_sample.h"
#include "metrics_text.h"
#include "proc_stat.h"
#include "stats_text.h"

#define DEPTH_MAX	4
#define MEMBERS_MAX	12

static const char * const keys[] = {
	"name", "state", "pid", "time", "uptime", "cpu", "user", "system", "guest", "memory",
	"size", "resident", "mapped", "tables", "vm", "messages", "tlb-flushes", "vcpus", "id",
	"halted", "exits", "reasons", "io", "hlt", "other", "user-exits", "interrupts",
	"disks", "path", "vhost-user", "reads", "read-bytes", "written-bytes", "errors",
	"networks", "at", "received-packets", "sent-bytes", "balloon", "held", "reported",
};

/* Those whose members are looked at */
static const char * const outer[] = {
	"cpu", "memory", "vm", "vcpus", "disks", "networks", "balloon",
};

static struct json_object *make(struct fuzz *f, unsigned int depth);

static struct json_object *make_object(struct fuzz *f, unsigned int depth)
{
	struct json_object *object = json_object_new_object();
	unsigned int count = fuzz_u8(f) % MEMBERS_MAX;

	while (count--) {
		const char *key = depth ? keys[fuzz_u8(f) % ARRAY_SIZE(keys)] :
					  outer[fuzz_u8(f) % ARRAY_SIZE(outer)];

		json_object_object_add(object, key, make(f, depth + 1));
	}
	return object;
}

static struct json_object *make_array(struct fuzz *f, unsigned int depth)
{
	struct json_object *array = json_object_new_array();
	unsigned int count = fuzz_u8(f) % MEMBERS_MAX;

	while (count--)
		json_object_array_add(array, make(f, depth + 1));
	return array;
}

static struct json_object *make_text(struct fuzz *f)
{
	char text[24];

	fuzz_bytes(f, text, fuzz_u8(f) % sizeof(text));
	text[sizeof(text) - 1] = '\0';
	return json_object_new_string_len(text, strnlen(text, sizeof(text)));
}

static struct json_object *make(struct fuzz *f, unsigned int depth)
{
	switch (depth < DEPTH_MAX && f->left ? fuzz_u8(f) % 8 : 7) {
	case 0:
		return NULL;
	case 1:
		return make_text(f);
	case 2:
		return json_object_new_double(fuzz_u8(f) / 3.0);
	case 3:
	case 4:
		return make_object(f, depth);
	case 5:
		return make_array(f, depth);
	case 6:
		return json_object_new_int64(-(s64)fuzz_u8(f));
	default:
		return json_object_new_uint64(fuzz_u64(f));
	}
}

/* Rates are never below 0, whatever was counted. */
static void check_rates(struct json_object *before, struct json_object *now)
{
	struct machine_sample sample[2];
	struct machine_rates rates;
	unsigned int i;

	MUST(!machine_sample_take(&sample[0], before) && !machine_sample_take(&sample[1], now));
	sample[0].pid = sample[1].pid;
	if (machine_rates_between(&sample[0], &sample[1], &rates)) {
		MUST(rates.cpu >= 0 && rates.guest >= 0 && rates.guest <= rates.cpu);
		MUST(rates.exits >= 0 && rates.disk >= 0 && rates.net >= 0);
		for (i = 0; i < REASONS; i++)
			MUST(rates.reason[i] >= 0);
	}
	machine_sample_free(&sample[0]);
	machine_sample_free(&sample[1]);
}

/* Each line but comments is a sample with one number, whatever labels have in them. */
static void check_metrics(struct json_object *list, FILE *out, char **text)
{
	char *line;

	metrics_text_print(list, out);
	fflush(out);
	for (line = strtok(*text, "\n"); line; line = strtok(NULL, "\n")) {
		const char *space = strrchr(line, ' ');

		MUST(*line == '#' || (!strncmp(line, "lhv_", 4) && space && space[-1] == '}' &&
				      strspn(space + 1, "0123456789.") == strlen(space + 1)));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct json_object *list = json_object_new_array();
	struct proc_stat stat;
	char text[64], *written = NULL;
	size_t length;
	FILE *out = open_memstream(&written, &length);

	json_object_array_add(list, make_object(&f, 0));
	json_object_array_add(list, make_object(&f, 0));
	check_rates(json_object_array_get_idx(list, 0), json_object_array_get_idx(list, 1));
	check_metrics(list, out, &written);
	stats_text_print(json_object_array_get_idx(list, 0), fuzz_u8(&f), out);
	stats_text_list(list, out);
	fclose(out);
	free(written);
	json_object_put(list);
	memset(text, 0, sizeof(text));
	fuzz_bytes(&f, text, sizeof(text) - 1);
	proc_stat_parse(text, 100, &stat);
	return 0;
}
