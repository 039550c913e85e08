// SPDX-License-Identifier: GPL-2.0-only
#include "disk_options.h"

#include <string.h>
#include <sys/un.h>

#include "error.h"
#include "keyed_option.h"
#include "size.h"

#define IOPS_MAX	1000000000

static int set_path(struct disk_config *disk, const char *key, const char *value, size_t size)
{
	size_t len = strlen(value);

	if (len >= size)
		return fail("--disk: %s: a name of %zu bytes is too long; %zu are allowed", key,
			    len, size - 1);
	memcpy(disk->path, value, len + 1);
	return 0;
}

static int parse_path(void *config, const char *value)
{
	struct disk_config *disk = config;

	return set_path(disk, "path", value, sizeof(disk->path));
}

static int parse_vhost_user(void *config, const char *value)
{
	struct disk_config *disk = config;

	disk->vhost_user = true;
	return set_path(disk, "vhost-user", value,
			sizeof(((struct sockaddr_un *)NULL)->sun_path));
}

static int parse_readonly(void *config, const char *value)
{
	struct disk_config *disk = config;

	(void)value;
	disk->readonly = true;
	return 0;
}

static int parse_cache(void *config, const char *value)
{
	struct disk_config *disk = config;

	if (strcmp(value, "none") && strcmp(value, "writeback"))
		return fail("--disk: cache: '%s' is neither 'none' nor 'writeback'", value);
	disk->direct = !strcmp(value, "none");
	return 0;
}

static int parse_serial(void *config, const char *value)
{
	struct disk_config *disk = config;
	size_t i, len = strlen(value);

	if (len > DISK_SERIAL_MAX)
		goto bad;
	for (i = 0; i < len; i++) {
		if (value[i] < ' ' || value[i] > '~')
			goto bad;
	}
	memcpy(disk->serial, value, len + 1);
	return 0;
bad:
	return fail("--disk: serial: '%s' is not a serial number; use up to %u printable ASCII characters",
		    value, DISK_SERIAL_MAX);
}

static int parse_iops(void *config, const char *value)
{
	struct disk_config *disk = config;

	return parse_number(value, "--disk: iops", 1, IOPS_MAX, &disk->iops);
}

static int parse_bps(void *config, const char *value)
{
	struct disk_config *disk = config;

	if (parse_size(value, "--disk: bps", &disk->bps))
		return -1;
	if (!disk->bps)
		return fail("--disk: bps: with %s nothing could be read; leave bps out for no limit",
			    value);
	return 0;
}

static const struct option_key keys[] = {
	{ "path",	"FILE",			parse_path },
	{ "readonly",	NULL,			parse_readonly },
	{ "cache",	"none or writeback",	parse_cache },
	{ "serial",	"TEXT",			parse_serial },
	{ "iops",	"N",			parse_iops },
	{ "bps",	"SIZE",			parse_bps },
	{ "vhost-user",	"SOCKET",		parse_vhost_user },
};

static const struct keyed_option disk_option = {
	.name = "--disk",
	.hint = "a file is given as path=FILE, without commas in its name",
	.keys = keys,
	.count = ARRAY_SIZE(keys),
};

int disk_options_parse(struct disk_config *config, const char *text)
{
	memset(config, 0, sizeof(*config));
	if (keyed_option_parse(&disk_option, config, text))
		return -1;
	if (config->vhost_user && strchr(text, ','))
		return fail("--disk: vhost-user stands alone; give the other keys' like to what serves the socket");
	if (!*config->path)
		return fail("--disk: say which image with path=FILE, or who serves it with vhost-user=SOCKET");
	return 0;
}
