// SPDX-License-Identifier: GPL-2.0-only
#include "net_options.h"
#include "test.h"

static struct net_config config;

static void kinds(void)
{
	static const u8 none[ETH_ALEN], mac[ETH_ALEN] = { 0xfe, 0xdc, 0xba, 0x01, 0x23, 0x45 };

	EXPECT(!net_options_parse(&config, "tap=tap0"));
	EXPECT_EQ(config.kind, NET_TAP);
	EXPECT(!strcmp(config.name, "tap0"));
	EXPECT(!memcmp(config.mac, none, sizeof(none)));
	EXPECT_EQ(config.bps, 0);
	EXPECT(!net_options_parse(&config, "mac=Fe:dC:ba:01:23:45,bridge=fifteen-letters"));
	EXPECT_EQ(config.kind, NET_BRIDGE);
	EXPECT(!strcmp(config.name, "fifteen-letters"));
	EXPECT(!memcmp(config.mac, mac, sizeof(mac)));
	/* Nothing stays from the last one. */
	EXPECT(!net_options_parse(&config, "network=16777215"));
	EXPECT_EQ(config.kind, NET_NETWORK);
	EXPECT_EQ(config.network, 0xffffff);
	EXPECT(!memcmp(config.mac, none, sizeof(none)));
	EXPECT(!net_options_parse(&config, "network=0"));
	EXPECT_EQ(config.network, 0);
	EXPECT(!net_options_parse(&config, "passt,mac=fe:dc:ba:01:23:45"));
	EXPECT_EQ(config.kind, NET_PASST);
	EXPECT(!memcmp(config.mac, mac, sizeof(mac)));
}

static void limits(void)
{
	EXPECT(!net_options_parse(&config, "bps=3M,passt"));
	EXPECT_EQ(config.bps, MIB(3));
	EXPECT(!net_options_parse(&config, "tap=tap0,bps=1024"));
	EXPECT_EQ(config.bps, 1024);
	EXPECT(!net_options_parse(&config, "network=1,bps=18446744073709551615"));
	EXPECT_EQ(config.bps, UINT64_MAX);
	/* Nothing stays from the last one. */
	EXPECT(!net_options_parse(&config, "network=1"));
	EXPECT_EQ(config.bps, 0);
}

static void refusals(void)
{
	static const struct { const char *text, *sentence; } bad[] = {
		{ "", "say where the other end is" },
		{ "mac=02:00:00:00:00:01", "say where the other end is" },
		{ "tap0",
		  "'tap0' is none of tap, bridge, network, passt, mac and bps; say for instance" },
		{ "tap", "tap needs a value: tap=NAME" },
		{ "tap=a,bridge=b", "give one of tap, bridge, network and passt" },
		{ "network=1,tap=a", "give one of tap, bridge, network and passt" },
		{ "passt,network=1", "give one of tap, bridge, network and passt" },
		{ "passt=1", "passt takes no value" },
		{ "tap=a,tap=b", "tap is given twice" },
		{ "tap=sixteen-letters-", "'sixteen-letters-' is not an interface's name" },
		{ "bridge=a/b", "bridge: 'a/b' is not an interface's name" },
		{ "tap=a b", "not an interface's name" },
		{ "tap=..", "not an interface's name" },
		{ "tap=a:1", "not an interface's name" },
		{ "network=16777216", "network: '16777216' is not a number from 0 to 16777215" },
		{ "network=one", "'one' is not a number" },
		{ "network=1,mac=02:00:00:00:00", "is not an address such as" },
		{ "network=1,mac=02:00:00:00:00:1", "is not an address such as" },
		{ "network=1,mac=02:00:00:00:00:01:", "is not an address such as" },
		{ "network=1,mac=02:00:00:00:00:0g", "is not an address such as" },
		{ "network=1,mac=02-00-00-00-00-01", "is not an address such as" },
		{ "network=1,mac= 2:00:00:00:00:01", "is not an address such as" },
		{ "network=1,mac=02:00:00:00:00:-1", "is not an address such as" },
		{ "network=1,mac=01:00:00:00:00:01", "whose first byte is even" },
		{ "network=1,mac=00:00:00:00:00:00", "is not one interface's address" },
		{ "bps=1M", "say where the other end is" },
		{ "passt,bps", "bps needs a value: bps=SIZE" },
		{ "passt,bps=1M,bps=2M", "bps is given twice" },
		{ "passt,bps=1.5M", "bps: '1.5M' is not a size" },
		{ "passt,bps=0", "with 0 hardly anything could be sent; give 1K or more" },
		{ "passt,bps=1023", "with 1023 hardly anything could be sent" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_FAIL(net_options_parse(&config, bad[i].text), bad[i].sentence);
}

static const struct test_case cases[] = { TEST_CASE(kinds), TEST_CASE(limits), TEST_CASE(refusals) };

TEST_SUITE(net_options_suite, "net_options", cases);
