// SPDX-License-Identifier: GPL-2.0-only
#include "port_options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "keyed_option.h"

/* In the guest it is part of a path. */
static int parse_name(void *opaque, const char *value)
{
	struct port_config *config = opaque;
	size_t i, len = strlen(value);

	if (!isalnum((unsigned char)value[0]) || len > PORT_NAME_MAX)
		goto bad;
	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)value[i]) && !strchr("-_.", value[i]))
			goto bad;
	}
	memcpy(config->name, value, len + 1);
	return 0;
bad:
	return fail("--port: name: '%s' is not a name; use up to %u letters, digits, '-', '_' and '.', starting with a letter or digit",
		    value, PORT_NAME_MAX);
}

static int set_socket(struct port_config *config, const char *what, const char *path)
{
	size_t len = strlen(path);

	if (len >= sizeof(config->socket))
		return fail("%s: a name of %zu bytes is too long for a socket; %zu are allowed",
			    what, len, sizeof(config->socket) - 1);
	memcpy(config->socket, path, len + 1);
	return 0;
}

static int parse_socket(void *opaque, const char *value)
{
	return set_socket(opaque, "--port: socket", value);
}

static const struct option_key keys[] = {
	{ "name",	"NAME",	parse_name },
	{ "socket",	"PATH",	parse_socket },
};

static const struct keyed_option port_option = {
	.name = "--port",
	.hint = "a port is given as name=NAME,socket=PATH, without commas in them",
	.keys = keys,
	.count = ARRAY_SIZE(keys),
};

static int add(struct port_options *options, const char *option, const struct port_config *config)
{
	unsigned int i;

	if (options->count == PORTS_MAX)
		return fail("%s: more than %u ports", option, PORTS_MAX);
	for (i = 0; i < options->count; i++) {
		if (!strcmp(options->port[i].name, config->name))
			return fail("%s: there is a port %s already; each needs a name of its own",
				    option, config->name);
		if (options->port[i].in_folder == config->in_folder &&
		    !strcmp(options->port[i].socket, config->socket))
			return fail("%s: %s is another port's already; each needs a socket of its own",
				    option, config->socket);
	}
	options->port[options->count++] = *config;
	return 0;
}

int port_options_add(struct port_options *options, const char *text)
{
	struct port_config config = { 0 };

	if (keyed_option_parse(&port_option, &config, text))
		return -1;
	if (!*config.name || !*config.socket)
		return fail("--port: say what the guest calls it, and where it ends: name=NAME,socket=PATH");
	return add(options, "--port", &config);
}

static int add_auto(struct port_options *options)
{
	static const struct port_config agent = {
		.name = AGENT_PORT, .socket = AGENT_SOCKET, .in_folder = true,
	}, enter = {
		.name = ENTER_PORT, .socket = ENTER_SOCKET, .in_folder = true,
	};

	return add(options, "--agent", &agent) || add(options, "--agent", &enter) ? -1 : 0;
}

int port_options_add_agent(struct port_options *options, const char *path)
{
	struct port_config config = { .name = AGENT_PORT };

	if (!strcmp(path, "auto"))
		return add_auto(options);
	if (!*path)
		return fail("--agent: say where its socket is to be");
	if (set_socket(&config, "--agent", path))
		return -1;
	return add(options, "--agent", &config);
}

int port_options_place(struct port_options *options, const char *folder)
{
	unsigned int i;

	for (i = 0; i < options->count; i++) {
		struct port_config *config = &options->port[i];
		char path[sizeof(config->socket)];

		if (!config->in_folder)
			continue;
		if (!*folder)
			return fail("--agent: there is no folder for the machine's sockets; give a path instead of 'auto', or a --name to learn why");
		if (snprintf(path, sizeof(path), "%s/%s", folder, config->socket) >=
		    (int)sizeof(path))
			return fail("--agent: %s makes a path that is too long for a socket; choose a shorter --name",
				    folder);
		strcpy(config->socket, path);
		config->in_folder = false;
	}
	return 0;
}

unsigned int port_options_find(const struct port_options *options, const char *name)
{
	unsigned int i;

	for (i = 0; i < options->count; i++) {
		if (!strcmp(options->port[i].name, name))
			return i + 1;
	}
	return 0;
}
