// SPDX-License-Identifier: GPL-2.0-only
#include "net_options.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "keyed_option.h"
#include "size.h"

#define MAC_LENGTH	(3 * ETH_ALEN - 1)

static int set_kind(struct net_config *net, enum net_kind kind)
{
	if (net->kind != NET_NONE)
		return fail("--net: an interface has one other end; give one of tap, bridge, network and passt");
	net->kind = kind;
	return 0;
}

/* What dev_valid_name() of the kernel's allows */
static int set_name(struct net_config *net, const char *key, const char *value)
{
	size_t len = strlen(value);

	if (len >= sizeof(net->name) || strpbrk(value, "/: \t\n\v\f\r") || !strcmp(value, ".") ||
	    !strcmp(value, ".."))
		return fail("--net: %s: '%s' is not an interface's name; those have up to %zu characters, without '/', ':' and blanks",
			    key, value, sizeof(net->name) - 1);
	memcpy(net->name, value, len + 1);
	return 0;
}

static int parse_tap(void *config, const char *value)
{
	return set_kind(config, NET_TAP) || set_name(config, "tap", value) ? -1 : 0;
}

static int parse_bridge(void *config, const char *value)
{
	return set_kind(config, NET_BRIDGE) || set_name(config, "bridge", value) ? -1 : 0;
}

static int parse_network(void *config, const char *value)
{
	struct net_config *net = config;

	if (set_kind(net, NET_NETWORK))
		return -1;
	return parse_number(value, "--net: network", 0, NET_NETWORK_MAX, &net->network);
}

static int parse_passt(void *config, const char *value)
{
	(void)value;
	return set_kind(config, NET_PASST);
}

/* Two digits, six times: sscanf() alone takes fewer, and signs and blanks too. */
static bool is_mac(const char *text)
{
	unsigned int i;

	for (i = 0; i < MAC_LENGTH; i++) {
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return !text[MAC_LENGTH];
}

static int parse_mac(void *config, const char *value)
{
	static const u8 none[ETH_ALEN];
	struct net_config *net = config;
	u8 *mac = net->mac;

	if (!is_mac(value) || sscanf(value, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1],
				     &mac[2], &mac[3], &mac[4], &mac[5]) != ETH_ALEN)
		return fail("--net: mac: '%s' is not an address such as 02:00:00:12:34:56", value);
	if (mac[0] & GROUP_ADDRESS || !memcmp(mac, none, sizeof(none)))
		return fail("--net: mac: %s is not one interface's address; give one whose first byte is even, such as 02:00:00:12:34:56",
			    value);
	return 0;
}

static int parse_bps(void *config, const char *value)
{
	struct net_config *net = config;

	if (parse_size(value, "--net: bps", &net->bps))
		return -1;
	if (net->bps < NET_BPS_MIN)
		return fail("--net: bps: with %s hardly anything could be sent; give 1K or more, or leave bps out for no limit",
			    value);
	return 0;
}

static const struct option_key keys[] = {
	{ "tap",	"NAME",			parse_tap },
	{ "bridge",	"NAME",			parse_bridge },
	{ "network",	"ID",			parse_network },
	{ "passt",	NULL,			parse_passt },
	{ "mac",	"02:00:00:12:34:56",	parse_mac },
	{ "bps",	"SIZE",			parse_bps },
};

static const struct keyed_option net_option = {
	.name = "--net",
	.hint = "say for instance network=1, tap=tap0 or passt",
	.keys = keys,
	.count = ARRAY_SIZE(keys),
};

int net_options_parse(struct net_config *config, const char *text)
{
	memset(config, 0, sizeof(*config));
	if (keyed_option_parse(&net_option, config, text))
		return -1;
	if (config->kind == NET_NONE)
		return fail("--net: say where the other end is with tap=NAME, bridge=NAME, network=ID or passt");
	return 0;
}
