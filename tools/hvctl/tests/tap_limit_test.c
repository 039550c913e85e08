// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel is asked for, taken apart as the kernel does it. */
#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <stdio.h>

#include "tap_limit.h"
#include "test.h"

#define INDEX	0x123

static struct netlink_request request;

/* The attribute of @type among @len bytes of them; one without data if there is none. */
static const struct rtattr *find(const void *attributes, size_t len, u16 type)
{
	static const struct rtattr none = { .rta_len = RTA_LENGTH(0) };
	const struct rtattr *rta;

	for (rta = attributes; RTA_OK(rta, len); rta = RTA_NEXT(rta, len)) {
		if ((rta->rta_type & NLA_TYPE_MASK) == type)
			return rta;
	}
	EXPECT(!"it is there");
	return &none;
}

static const struct rtattr *find_in(const struct rtattr *rta, u16 type)
{
	return find(RTA_DATA(rta), RTA_PAYLOAD(rta), type);
}

static void copy(const struct rtattr *rta, void *data, size_t size)
{
	EXPECT_EQ(RTA_PAYLOAD(rta), size);
	memset(data, 0, size);
	if (RTA_PAYLOAD(rta) == size)
		memcpy(data, RTA_DATA(rta), size);
}

static void expect_text(const struct rtattr *rta, const char *text)
{
	EXPECT_EQ(RTA_PAYLOAD(rta), strlen(text) + 1);
	EXPECT(!strncmp(RTA_DATA(rta), text, RTA_PAYLOAD(rta)));
}

/* Checks what all of them begin with, and returns the message's attribute of @type. */
static const struct rtattr *attribute(u16 type)
{
	const struct nlmsghdr *header = &request.header;

	EXPECT(!request.overflow);
	EXPECT_EQ(header->nlmsg_flags & (NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE),
		  NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE);
	EXPECT_EQ(((struct tcmsg *)NLMSG_DATA(header))->tcm_ifindex, INDEX);
	return find(TCA_RTA(NLMSG_DATA(header)), NLMSG_PAYLOAD(header, sizeof(struct tcmsg)), type);
}

static u32 parent(void)
{
	return ((struct tcmsg *)NLMSG_DATA(&request.header))->tcm_parent;
}

static void expect_rate(const struct tc_ratespec *rate, u32 value)
{
	EXPECT_EQ(rate->rate, value);
	EXPECT_EQ(rate->linklayer, TC_LINKLAYER_ETHERNET);
	EXPECT_EQ(rate->overhead, 0);
	EXPECT_EQ(rate->mpu, 0);
}

/* ---- towards the guest ------------------------------------------------------------ */

static void expect_shape(u64 bps, u32 rate, u32 burst)
{
	struct tc_tbf_qopt parameters;
	const struct rtattr *options;
	u32 burst_bytes;
	u64 rate64;

	tap_limit_shape(&request, INDEX, bps);
	EXPECT_EQ(request.header.nlmsg_type, RTM_NEWQDISC);
	EXPECT(request.header.nlmsg_flags & NLM_F_REPLACE);
	EXPECT_EQ(parent(), TC_H_ROOT);
	expect_text(attribute(TCA_KIND), "tbf");
	options = attribute(TCA_OPTIONS);
	copy(find_in(options, TCA_TBF_PARMS), &parameters, sizeof(parameters));
	copy(find_in(options, TCA_TBF_BURST), &burst_bytes, sizeof(burst_bytes));
	copy(find_in(options, TCA_TBF_RATE64), &rate64, sizeof(rate64));
	expect_rate(&parameters.rate, rate);
	EXPECT_EQ(rate64, bps);
	EXPECT_EQ(parameters.peakrate.rate, 0);
	EXPECT_EQ(parameters.limit, burst);
	EXPECT_EQ(burst_bytes, burst);
}

static void shapes(void)
{
	expect_shape(KIB(1), 1024, 81920);
	expect_shape(819209, 819209, 81920);
	expect_shape(819210, 819210, 81921);
	expect_shape(MIB(10), 10485760, 1048576);
	/* More than 32 bits */
	expect_shape(UINT32_MAX, UINT32_MAX, 429496729);
	expect_shape(UINT32_MAX + 1ULL, UINT32_MAX, 429496729);
	expect_shape(UINT64_MAX, UINT32_MAX, UINT32_MAX);
}

/* ---- from the guest --------------------------------------------------------------- */

static void ingress(void)
{
	tap_limit_add_ingress(&request, INDEX);
	EXPECT_EQ(request.header.nlmsg_type, RTM_NEWQDISC);
	EXPECT_EQ(parent(), TC_H_INGRESS);
	EXPECT_EQ(((struct tcmsg *)NLMSG_DATA(&request.header))->tcm_handle, 0xffff0000);
	expect_text(attribute(TCA_KIND), "ingress");
}

/* Its first action's options */
static const struct rtattr *police_options(u64 bps)
{
	const struct rtattr *action;

	tap_limit_police(&request, INDEX, bps);
	EXPECT_EQ(request.header.nlmsg_type, RTM_NEWTFILTER);
	EXPECT_EQ(parent(), 0xffff0000);
	/* Priority 1, and all protocols: ETH_P_ALL as the wire has it */
	EXPECT_EQ(((struct tcmsg *)NLMSG_DATA(&request.header))->tcm_info, 0x10300);
	expect_text(attribute(TCA_KIND), "matchall");
	action = find_in(find_in(attribute(TCA_OPTIONS), TCA_MATCHALL_ACT), 1);
	expect_text(find_in(action, TCA_ACT_KIND), "police");
	return find_in(action, TCA_ACT_OPTIONS);
}

/* Times are in units of 64 ns: of the burst, of 512 bytes, and of 128 KiB. */
static void expect_police(u64 bps, u32 rate, u32 burst, u32 first, u32 last)
{
	const struct rtattr *options = police_options(bps);
	struct tc_police police;
	u32 table[256];
	u64 rate64;

	copy(find_in(options, TCA_POLICE_TBF), &police, sizeof(police));
	copy(find_in(options, TCA_POLICE_RATE), table, sizeof(table));
	copy(find_in(options, TCA_POLICE_RATE64), &rate64, sizeof(rate64));
	EXPECT_EQ(police.action, TC_ACT_SHOT);
	EXPECT_EQ(police.mtu, UINT32_MAX);
	EXPECT_EQ(police.peakrate.rate, 0);
	expect_rate(&police.rate, rate);
	EXPECT_EQ(police.rate.cell_log, 9);
	EXPECT_EQ(rate64, bps);
	EXPECT_EQ(police.burst, burst);
	EXPECT_EQ(table[0], first);
	EXPECT_EQ(table[255], last);
}

static void polices(void)
{
	/* 80 s, 0.5 s, 128 s */
	expect_police(KIB(1), 1024, 1250000000, 7812500, 2000000000);
	/* 80 ms, 0.5 ms, 128 ms */
	expect_police(MIB(1) - 24576, 1024000, 1562500, 7812, 2000000);
	/* 100 ms, 50 us, 12.8 ms */
	expect_police(10240000, 10240000, 1562500, 781, 200000);
	/* 100 ms, 100 ns, 25.6 us */
	expect_police(5120000000, UINT32_MAX, 1562500, 1, 400);
	expect_police(UINT64_MAX, UINT32_MAX, 0, 0, 0);
}

/* ---- the kernel ------------------------------------------------------------------- */

static void units(void)
{
	FILE *file = fopen("/proc/net/psched", "re");
	unsigned int us, tick;

	if (!file) {
		test_skip("the host has no /proc/net/psched");
		return;
	}
	EXPECT_EQ(fscanf(file, "%x %x", &us, &tick), 2);
	fclose(file);
	EXPECT_EQ(tick, 64);
}

/* Its answer, to a question that anyone may ask: what is no interface */
static void answers(void)
{
	const struct ifinfomsg body = { .ifi_index = INT32_MAX };

	netlink_begin(&request, RTM_GETLINK, 0, &body, sizeof(body));
	errno = 0;
	EXPECT_EQ(netlink_do(&request), -1);
	EXPECT_EQ(errno, ENODEV);
}

static void overflow(void)
{
	static const u8 zeros[3000];
	size_t opened;

	netlink_begin(&request, RTM_GETLINK, 0, zeros, 16);
	opened = netlink_open(&request, 1);
	netlink_put(&request, 1, zeros, 2048 - 16 - 16 - 4 - 4);
	EXPECT(!request.overflow);
	netlink_put(&request, 1, NULL, 0);
	EXPECT(request.overflow);
	netlink_close(&request, opened);
	EXPECT_EQ(netlink_do(&request), -1);
	EXPECT_EQ(errno, EMSGSIZE);
	netlink_begin(&request, RTM_GETLINK, 0, zeros, sizeof(zeros));
	EXPECT(request.overflow);
}

static const struct test_case cases[] = {
	TEST_CASE(shapes), TEST_CASE(ingress), TEST_CASE(polices), TEST_CASE(units),
	TEST_CASE(answers), TEST_CASE(overflow),
};

TEST_SUITE(tap_limit_suite, "tap_limit", cases);
