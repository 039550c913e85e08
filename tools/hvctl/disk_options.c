// SPDX-License-Identifier: GPL-2.0-only
#include "disk_options.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "size.h"

#define IOPS_MAX	1000000000

static int parse_path(struct disk_config *config, const char *value)
{
	size_t len = strlen(value);

	if (len >= sizeof(config->path))
		return fail("--disk: path: a name of %zu bytes is too long; %zu are allowed",
			    len, sizeof(config->path) - 1);
	memcpy(config->path, value, len + 1);
	return 0;
}

static int parse_readonly(struct disk_config *config, const char *value)
{
	(void)value;
	config->readonly = true;
	return 0;
}

static int parse_cache(struct disk_config *config, const char *value)
{
	if (strcmp(value, "none") && strcmp(value, "writeback"))
		return fail("--disk: cache: '%s' is neither 'none' nor 'writeback'", value);
	config->direct = !strcmp(value, "none");
	return 0;
}

static int parse_serial(struct disk_config *config, const char *value)
{
	size_t i, len = strlen(value);

	if (len > DISK_SERIAL_MAX)
		goto bad;
	for (i = 0; i < len; i++) {
		if (value[i] < ' ' || value[i] > '~')
			goto bad;
	}
	memcpy(config->serial, value, len + 1);
	return 0;
bad:
	return fail("--disk: serial: '%s' is not a serial number; use up to %u printable ASCII characters",
		    value, DISK_SERIAL_MAX);
}

static int parse_iops(struct disk_config *config, const char *value)
{
	return parse_number(value, "--disk: iops", 1, IOPS_MAX, &config->iops);
}

static int parse_bps(struct disk_config *config, const char *value)
{
	if (parse_size(value, "--disk: bps", &config->bps))
		return -1;
	if (!config->bps)
		return fail("--disk: bps: with %s nothing could be read; leave bps out for no limit",
			    value);
	return 0;
}

static const struct key {
	const char *name;
	const char *example;	/* its value in the help, NULL if it has none */
	int (*parse)(struct disk_config *config, const char *value);
} keys[] = {
	{ "path",	"FILE",			parse_path },
	{ "readonly",	NULL,			parse_readonly },
	{ "cache",	"none or writeback",	parse_cache },
	{ "serial",	"TEXT",			parse_serial },
	{ "iops",	"N",			parse_iops },
	{ "bps",	"SIZE",			parse_bps },
};

static const struct key *find_key(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	}
	return NULL;
}

/* @part is "KEY" or "KEY=VALUE"; @seen has a bit for each key that was there before. */
static int parse_part(struct disk_config *config, char *part, unsigned int *seen)
{
	char *value = part;
	const char *name = strsep(&value, "=");
	const struct key *key = find_key(name);

	if (!*name)
		return fail("--disk: there is a comma or '=' with nothing before it; take it out, or name what is missing");
	if (!key)
		return fail("--disk: '%s' is none of path, readonly, cache, serial, iops and bps; a file is given as path=FILE, without commas in its name",
			    name);
	if (*seen & BIT(key - keys))
		return fail("--disk: %s is given twice; give it once", name);
	*seen |= BIT(key - keys);
	if (!key->example && value)
		return fail("--disk: %s takes no value; give it as '%s' alone", name, name);
	if (key->example && (!value || !*value))
		return fail("--disk: %s needs a value: %s=%s", name, name, key->example);
	return key->parse(config, value);
}

int disk_options_parse(struct disk_config *config, const char *text)
{
	unsigned int seen = 0;
	char *copy, *rest, *part;
	int ret = 0;

	memset(config, 0, sizeof(*config));
	copy = strdup(text);
	if (!copy)
		return fail("out of memory");
	rest = *copy ? copy : NULL;
	while (!ret && (part = strsep(&rest, ",")))
		ret = parse_part(config, part, &seen);
	free(copy);
	if (!ret && !*config->path)
		return fail("--disk: say which image with path=FILE");
	return ret;
}
