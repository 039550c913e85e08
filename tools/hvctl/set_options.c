// SPDX-License-Identifier: GPL-2.0-only
#include "set_options.h"

#include <stdlib.h>
#include <string.h>

#include "breath_options.h"
#include "cpus_options.h"
#include "error.h"
#include "keyed_option.h"
#include "limit_options.h"
#include "memory_options.h"
#include "size.h"
#include "verb_options.h"

const char set_help[] =
"Usage: hvctl set NAME OPTION...\n"
"Change a machine, as it runs, and what is saved of it; all of it, or nothing if a part is\n"
"refused.\n"
"\n"
"While it runs, and saved if that makes sense:\n"
"  --disk path=FILE[,size=SIZE]\n"
"                     make the image FILE of one of its drives SIZE bytes long, or with K, M\n"
"                     or G; without size= the guest is told what the image or the block\n"
"                     device has grown to; may be repeated\n"
"  --balloon size=SIZE\n"
"                     what its balloon is to hold; 'hvctl status NAME' tells what it holds\n"
"  --cpus N           its number of vCPUs: 1 up to what 'hvctl run --cpus N,max=M' allows;\n"
"                     waits until the guest has taken them, or given them back\n"
"  --memory SIZE[,overcommit]\n"
"                     the memory that its guest has; up to what max= of 'hvctl run --memory'\n"
"                     says, and down, below what it began with only if it has a balloon;\n"
"                     ends when the guest is done; more than the host has left is refused\n"
"                     without overcommit\n"
"  --memory min=A[,max=B]\n"
"                     how much of its memory a guest has that breathes, as 'hvctl run --help'\n"
"                     tells\n"
"  --cpu-units N, --cpu-limit PERCENT, --cpu-affinity LIST, --memory-limit SIZE\n"
"                     what it may take of the host, as 'hvctl run --help' tells\n"
"\n"
"Saved for its next start: all options of 'hvctl create'. One that may be repeated is added, or\n"
"takes the place of the one with the same image, folder, name or network. And:\n"
"  --without OPTION[=VALUE]\n"
"                     what isn't to be there any more: rng, or disk=path=FILE\n"
"\n"
"  --live             change it only as it runs\n"
"  --save             change only what is saved\n"
"  --name NAME        the same as NAME\n"
"  --help             this text\n";

enum {
	OPT_BALLOON = OPT_FIRST,
	OPT_CPUS,
	OPT_DISK,
	OPT_LIMIT,
	OPT_LIMIT_LAST = OPT_LIMIT + LIMITS - 1,
	OPT_MEMORY,
};

const struct option set_long_options[] = {
	{ "balloon",	required_argument,	NULL, OPT_BALLOON },
	{ "cpus",	required_argument,	NULL, OPT_CPUS },
	{ "disk",	required_argument,	NULL, OPT_DISK },
	OPTION_HELP,
	LIMIT_OPTIONS(OPT_LIMIT),
	{ "memory",	required_argument,	NULL, OPT_MEMORY },
	OPTION_NAME,
	{ 0 }
};

/* ---- values --------------------------------------------------------------------- */

static int parse_size_key(struct json_object *object, const char *what, const char *value)
{
	u64 size;

	if (parse_size(value, what, &size))
		return -1;
	json_object_object_add(object, "size", json_object_new_uint64(size));
	return 0;
}

static int parse_path(void *object, const char *value)
{
	char *path = realpath(value, NULL);

	if (!path)
		return fail_errno("--disk: cannot find %s", value);
	json_object_object_add(object, "path", json_object_new_string(path));
	free(path);
	return 0;
}

static int parse_disk_size(void *object, const char *value)
{
	return parse_size_key(object, "--disk: size", value);
}

static int parse_balloon_size(void *object, const char *value)
{
	return parse_size_key(object, "--balloon: size", value);
}

static const struct option_key disk_keys[] = {
	{ "path",	"FILE",	parse_path },
	{ "size",	"10G",	parse_disk_size },
};

static const struct keyed_option disk_option = {
	.name = "--disk",
	.hint = "a drive is changed by path=FILE,size=SIZE",
	.keys = disk_keys,
	.count = ARRAY_SIZE(disk_keys),
};

static const struct option_key balloon_keys[] = {
	{ "size",	"64M",	parse_balloon_size },
};

static const struct keyed_option balloon_option = {
	.name = "--balloon",
	.hint = "a balloon has a size: size=64M",
	.keys = balloon_keys,
	.count = ARRAY_SIZE(balloon_keys),
};

/* ---- options -------------------------------------------------------------------- */

static int add_disk(struct json_object *arguments, const char *text)
{
	struct json_object *disk = json_object_new_object(), *disks;

	if (!json_object_object_get_ex(arguments, "disks", &disks)) {
		disks = json_object_new_array();
		json_object_object_add(arguments, "disks", disks);
	}
	json_object_array_add(disks, disk);
	if (keyed_option_parse(&disk_option, disk, text))
		return -1;
	if (!json_object_object_get_ex(disk, "path", NULL))
		return fail("--disk: say which drive by its image: path=FILE,size=SIZE");
	return 0;
}

static int set_balloon(struct json_object *arguments, const char *text)
{
	struct json_object *balloon = json_object_new_object(), *size;
	int ret = keyed_option_parse(&balloon_option, balloon, text);

	if (!ret && json_object_object_get_ex(balloon, "size", &size))
		json_object_object_add(arguments, "balloon", json_object_get(size));
	json_object_put(balloon);
	return ret;
}

static int set_cpus(struct json_object *arguments, const char *text)
{
	unsigned int number;

	if (cpus_options_parse_number(text, &number))
		return -1;
	json_object_object_add(arguments, "cpus", json_object_new_int(number));
	return 0;
}

static int set_breath(struct json_object *arguments, const char *text)
{
	struct breath_bounds bounds;

	if (breath_options_parse(text, &bounds))
		return -1;
	breath_options_to_json(&bounds, arguments);
	return 0;
}

static int set_memory(struct json_object *arguments, const char *text)
{
	struct set_memory memory;

	if (breath_options_are(text))
		return set_breath(arguments, text);
	if (set_memory_parse(&memory, text))
		return -1;
	json_object_object_add(arguments, "memory", json_object_new_uint64(memory.size));
	if (memory.overcommit)
		json_object_object_add(arguments, "overcommit", json_object_new_boolean(true));
	return 0;
}

static int set_limit(struct json_object *arguments, enum limit limit, const char *text)
{
	struct limits limits = { 0 };

	if (limit_options_parse(&limits, limit, text))
		return -1;
	limit_options_to_json(&limits, arguments);
	return 0;
}

static int parse_option(struct json_object *arguments, int option)
{
	switch (option) {
	case OPT_BALLOON:
		return set_balloon(arguments, optarg);
	case OPT_CPUS:
		return set_cpus(arguments, optarg);
	case OPT_DISK:
		return add_disk(arguments, optarg);
	case OPT_LIMIT ... OPT_LIMIT_LAST:
		return set_limit(arguments, option - OPT_LIMIT, optarg);
	case OPT_MEMORY:
		return set_memory(arguments, optarg);
	default:
		return -1;
	}
}

static int parse_options(struct set_options *options, int argc, char **argv)
{
	struct verb_options o = {
		.argc = argc, .argv = argv, .letters = ":", .options = set_long_options,
	};
	int option;

	verb_options_begin();
	while ((option = verb_options_next(&o)) != OPTIONS_END) {
		if (parse_option(options->arguments, option))
			return -1;
	}
	options->help = o.help;
	if (o.help)
		return 0;
	if (!json_object_object_length(options->arguments))
		return fail("say what is to change; see 'hvctl set --help'");
	return verb_options_name(&o, &options->name);
}

int set_options_parse(struct set_options *options, int argc, char **argv)
{
	int ret;

	*options = (struct set_options){ .arguments = json_object_new_object() };
	ret = parse_options(options, argc, argv);
	if (ret || options->help) {
		json_object_put(options->arguments);
		options->arguments = NULL;
	}
	return ret;
}
