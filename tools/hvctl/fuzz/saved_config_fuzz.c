// SPDX-License-Identifier: GPL-2.0-only
/* Saved configs: files that may hold anything, and changes of what they say. */
#include "config_changes.h"
#include "error.h"
#include "fuzz.h"
#include "saved_config.h"

/* What a change's first byte stands for. */
static const char * const names[] = {
	"cpus", "memory", "kernel", "disk", "net", "share", "port", "module", "rng", "cmdline",
	"datacenter", "disk-img", "image", "network", "name", "host-root", "foo", "balloon",
};

/* What files are made of; a byte that isn't 0 and small stands for one of these. */
static const char * const words[] = {
	"{\"version\":1,\"options\":{", "}}", "{", "}", "[", "]", ":", ",", "\"", "\\u0000", "null",
	"true", "\"version\":2", "\"kernel\":\"/dev/null\"", "\"disk\":[\"path=", "\"]",
	"\"rng\":true", "\"cpus\":\"2,max=8\"", "\"datacenter\":\"", "path=", "/dev/null", "disk=",
	"\"name\":\"", "name=a,socket=",
};

/* A text up to a zero byte, in a block of its own, for the sanitizer. */
static char *take_text(struct fuzz *f)
{
	char *text = strdup("");

	MUST(text);
	while (f->left && *f->data) {
		u8 byte = fuzz_u8(f);
		const char letter[] = { byte, 0 };
		const char *word = byte <= ARRAY_SIZE(words) ? words[byte - 1] : letter;
		size_t len = strlen(text);
		char *longer = realloc(text, len + strlen(word) + 1);

		MUST(longer);
		text = longer;
		strcpy(text + len, word);
	}
	fuzz_u8(f);
	return text;
}

/* What was accepted is written, and read again as the same. */
static void check_round_trip(struct json_object *config)
{
	const char *text = saved_config_text(config);
	struct json_object *again;

	MUST(!saved_config_parse(text, strlen(text), "x", &again));
	MUST(json_object_equal(config, again));
	json_object_put(again);
}

static void check_machine(struct json_object *config)
{
	struct saved_machine machine;

	fail_say("%s", "");
	if (saved_machine_read(&machine, "web", json_object_get(config))) {
		MUST(*fail_text());
		return;
	}
	MUST(machine.options.machine.files.kernel && !machine.options.help);
	MUST(!machine.options.host_root);
	MUST(!strcmp(machine.options.machine.name, "web"));
	saved_machine_close(&machine);
}

static void change(struct fuzz *f, struct json_object *config)
{
	u8 what = fuzz_u8(f), which = fuzz_u8(f);
	const char *name = names[which % ARRAY_SIZE(names)];
	char *value = take_text(f);
	int ret;

	fail_say("%s", "");
	if (what % 3 == 0)
		ret = config_change_without(config, value);
	else if (what % 3 == 1)
		ret = config_change(config, name, strcmp(name, "rng") ? value : NULL);
	else
		ret = config_add(config, name, strcmp(name, "rng") ? value : NULL);
	MUST(ret == 0 || *fail_text());
	free(value);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	struct json_object *config;
	char *text = take_text(&f);

	fail_say("%s", "");
	if (saved_config_parse(text, strlen(text), "x", &config)) {
		MUST(*fail_text() && !config);
		config = saved_config_create();
	}
	free(text);
	check_round_trip(config);
	while (f.left) {
		change(&f, config);
		check_round_trip(config);
	}
	check_machine(config);
	json_object_put(config);
	return 0;
}
