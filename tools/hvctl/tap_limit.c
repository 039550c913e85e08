// SPDX-License-Identifier: GPL-2.0-only
#include "tap_limit.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <string.h>

#include "error.h"

#define NS_PER_SECOND	1000000000ULL
/* In which the kernel takes times here: see /proc/net/psched */
#define TICK_NS		64

/*
 * What may go at once is a tenth of a second's, but no less than the largest packet that is
 * to be cut up: it counts with the headers of its segments.
 */
#define BURSTS_PER_SECOND	10
#define BURST_MIN		KIB(80)

/* The police's table of times for 256 lengths, which are so far apart: 128 KiB in all */
#define CELL_LOG	9

static u64 burst_of(u64 bps)
{
	return min_u64(max_u64(bps / BURSTS_PER_SECOND, BURST_MIN), UINT32_MAX);
}

static u32 ticks_of(u64 bytes, u64 bps)
{
	unsigned __int128 ns = (unsigned __int128)bytes * NS_PER_SECOND / bps;

	return min_u64(ns / TICK_NS, UINT32_MAX);
}

/* Of a larger one than fits, the kernel is told besides. */
static struct tc_ratespec ratespec_of(u64 bps)
{
	return (struct tc_ratespec){
		.cell_log = CELL_LOG,
		.linklayer = TC_LINKLAYER_ETHERNET,
		.rate = min_u64(bps, UINT32_MAX),
	};
}

/* ---- requests -------------------------------------------------------------------- */

static void begin(struct netlink_request *request, u16 type, u16 flags, struct tcmsg body,
		  const char *kind)
{
	netlink_begin(request, type, flags, &body, sizeof(body));
	if (kind)
		netlink_put_text(request, TCA_KIND, kind);
}

/* As much may wait as may go at once; what comes then is dropped. */
void tap_limit_shape(struct netlink_request *request, unsigned int index, u64 bps)
{
	const struct tc_tbf_qopt parameters = {
		.rate = ratespec_of(bps), .limit = burst_of(bps),
	};
	u32 burst = burst_of(bps);
	size_t options;

	begin(request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE,
	      (struct tcmsg){ .tcm_ifindex = index, .tcm_parent = TC_H_ROOT }, "tbf");
	options = netlink_open(request, TCA_OPTIONS);
	netlink_put(request, TCA_TBF_PARMS, &parameters, sizeof(parameters));
	netlink_put(request, TCA_TBF_BURST, &burst, sizeof(burst));
	netlink_put(request, TCA_TBF_RATE64, &bps, sizeof(bps));
	netlink_close(request, options);
}

void tap_limit_add_ingress(struct netlink_request *request, unsigned int index)
{
	begin(request, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL,
	      (struct tcmsg){ .tcm_ifindex = index, .tcm_parent = TC_H_INGRESS,
			      .tcm_handle = TC_H_MAJ(TC_H_INGRESS) }, "ingress");
}

static void put_police(struct netlink_request *request, u64 bps)
{
	const struct tc_police parameters = {
		.action = TC_ACT_SHOT,		/* of what is too much */
		.burst = ticks_of(burst_of(bps), bps),
		.mtu = UINT32_MAX,
		.rate = ratespec_of(bps),
	};
	u32 table[TC_RTAB_SIZE / sizeof(u32)];
	size_t options;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		table[i] = ticks_of((i + 1ULL) << CELL_LOG, bps);
	netlink_put_text(request, TCA_ACT_KIND, "police");
	options = netlink_open(request, TCA_ACT_OPTIONS);
	netlink_put(request, TCA_POLICE_TBF, &parameters, sizeof(parameters));
	netlink_put(request, TCA_POLICE_RATE, table, sizeof(table));
	netlink_put(request, TCA_POLICE_RATE64, &bps, sizeof(bps));
	netlink_close(request, options);
}

/* A filter that takes all packets, and has an action: the first of its list */
void tap_limit_police(struct netlink_request *request, unsigned int index, u64 bps)
{
	u32 info = TC_H_MAKE(1U << 16, __builtin_bswap16(ETH_P_ALL));
	size_t options, actions, first;

	begin(request, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL,
	      (struct tcmsg){ .tcm_ifindex = index, .tcm_parent = TC_H_MAJ(TC_H_INGRESS),
			      .tcm_info = info }, "matchall");
	options = netlink_open(request, TCA_OPTIONS);
	actions = netlink_open(request, TCA_MATCHALL_ACT);
	first = netlink_open(request, 1);
	put_police(request, bps);
	netlink_close(request, first);
	netlink_close(request, actions);
	netlink_close(request, options);
}

/* Of @kind; NULL: of any */
static int remove_qdisc(unsigned int index, u32 parent, const char *kind)
{
	struct netlink_request request;

	begin(&request, RTM_DELQDISC, 0,
	      (struct tcmsg){ .tcm_ifindex = index, .tcm_parent = parent }, kind);
	return netlink_do(&request);
}

/* ---- the limit ------------------------------------------------------------------- */

static int shape(unsigned int index, u64 bps)
{
	struct netlink_request request;

	tap_limit_shape(&request, index, bps);
	return netlink_do(&request);
}

/* One that is there can't be replaced, and would keep its filters. */
static int police(unsigned int index, u64 bps)
{
	struct netlink_request request;

	remove_qdisc(index, TC_H_INGRESS, NULL);
	tap_limit_add_ingress(&request, index);
	if (netlink_do(&request))
		return -1;
	tap_limit_police(&request, index, bps);
	return netlink_do(&request);
}

static int fail_limit(const char *name)
{
	switch (errno) {
	case EPERM:
	case EACCES:
		return fail("only root may limit the tap %s, whosever it is; run hvctl as root, or leave bps out and have root limit it with tc",
			    name);
	case ENOENT:
	case EOPNOTSUPP:
		return fail("this host's kernel lacks what limits the tap %s; load it with 'modprobe -a sch_tbf sch_ingress cls_matchall act_police'",
			    name);
	default:
		return fail_errno("cannot limit the tap %s", name);
	}
}

int tap_limit_set(unsigned int index, const char *name, u64 bps)
{
	if (shape(index, bps))
		return fail_limit(name);
	if (police(index, bps)) {
		fail_limit(name);
		tap_limit_clear(index);
		return -1;
	}
	return 0;
}

void tap_limit_clear(unsigned int index)
{
	remove_qdisc(index, TC_H_ROOT, "tbf");
	remove_qdisc(index, TC_H_INGRESS, "ingress");
}
