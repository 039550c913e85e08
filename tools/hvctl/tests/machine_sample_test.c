// SPDX-License-Identifier: GPL-2.0-only
/* Samples, and the rates between two of them. */
#include "machine_sample.h"

#include <stdio.h>

#include "test.h"

static struct machine_sample before, now;

static int take(struct machine_sample *sample, const char *text)
{
	struct json_object *stats = json_tokener_parse(text);
	int ret;

	EXPECT(stats);
	ret = machine_sample_take(sample, stats);
	json_object_put(stats);
	return ret;
}

static void forget(void)
{
	machine_sample_free(&before);
	machine_sample_free(&now);
}

/* Is it, but for what numbers lose? */
static bool near(double value, double expected)
{
	return value > expected - 0.001 && value < expected + 0.001;
}

static void takes(void)
{
	EXPECT(!take(&now, "{\"state\":\"running\",\"pid\":7,\"time\":3000000000,\"uptime\":5,"
		     "\"cpu\":{\"user\":10,\"system\":20,\"guest\":4},"
		     "\"memory\":{\"size\":1000,\"resident\":300},\"vcpus\":[{\"id\":3,\"exits\":12,"
		     "\"reasons\":{\"io\":8,\"other\":4}},{\"id\":1,\"exits\":30}],"
		     "\"disks\":[{\"read-bytes\":1,\"written-bytes\":2},{\"vhost-user\":\"/x\"}],"
		     "\"networks\":[{\"received-bytes\":5,\"sent-bytes\":6}]}"));
	EXPECT(!strcmp(now.state, "running"));
	EXPECT_EQ(now.pid, 7);
	EXPECT_EQ(now.time, 3000000000ULL);
	EXPECT_EQ(now.uptime, 5);
	EXPECT_EQ(now.cpu, 30);
	EXPECT_EQ(now.guest, 4);
	EXPECT_EQ(now.memory, 1000);
	EXPECT_EQ(now.resident, 300);
	EXPECT_EQ(now.vcpu_count, 2);
	EXPECT_EQ(now.vcpu[0].id, 3);
	EXPECT_EQ(now.vcpu[0].reason[REASON_IO], 8);
	EXPECT_EQ(now.vcpu[0].reason[REASON_OTHER], 4);
	EXPECT_EQ(machine_sample_exits(&now), 42);
	EXPECT_EQ(machine_sample_disk(&now), 3);
	EXPECT_EQ(machine_sample_net(&now), 11);
	forget();
}

/* What another version says, or what isn't a machine */
static void takes_anything(void)
{
	static const char * const texts[] = {
		"{}", "{\"vcpus\":7,\"disks\":{},\"networks\":\"x\",\"cpu\":[],\"memory\":null}",
		"{\"vcpus\":[null,7,\"x\",[]],\"disks\":[null,1],\"state\":null,\"pid\":\"x\"}",
		"{\"state\":\"0123456789012345678901234567890123456789\"}",
	};
	char many[4096] = "{\"disks\":[";
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		EXPECT(!take(&now, texts[i]));
		EXPECT_EQ(machine_sample_exits(&now) + machine_sample_disk(&now) + now.pid, 0);
		forget();
	}
	for (i = 0; i < 100; i++)
		strcat(many, i ? ",{\"read-bytes\":1}" : "{\"read-bytes\":1}");
	strcat(many, "]}");
	EXPECT(!take(&now, many));
	EXPECT_EQ(machine_sample_disk(&now), SAMPLE_DEVICES);
	forget();
}

#define SAMPLE(pid, time, cpu, guest, vcpus, disks, nets)				\
	"{\"pid\":" #pid ",\"time\":" #time ",\"cpu\":{\"user\":" #cpu			\
	",\"system\":0,\"guest\":" #guest "},\"vcpus\":[" vcpus "],\"disks\":[" disks "],\"networks\":[" nets "]}"
#define VCPU(id, exits, io, hlt)							\
	"{\"id\":" #id ",\"exits\":" #exits ",\"reasons\":{\"io\":" #io ",\"hlt\":" #hlt "}}"
#define DISK(in, out)	"{\"read-bytes\":" #in ",\"written-bytes\":" #out "}"
#define NET(in, out)	"{\"received-bytes\":" #in ",\"sent-bytes\":" #out "}"

static bool rates(struct machine_rates *r, const char *first, const char *second)
{
	bool known;

	EXPECT(!take(&before, first) && !take(&now, second));
	known = machine_rates_between(&before, &now, r);
	forget();
	return known;
}

static void flows(void)
{
	struct machine_rates r;

	EXPECT(rates(&r, SAMPLE(7, 1000000000, 500000000, 100000000, VCPU(0, 100, 40, 60)
					"," VCPU(1, 5, 5, 0), DISK(100, 0), NET(7, 8)),
		     SAMPLE(7, 3000000000, 3500000000, 1100000000, VCPU(0, 300, 140, 160)
			    "," VCPU(1, 6, 5, 1), DISK(1100, 1000), NET(1007, 8))));
	EXPECT(near(r.cpu, 150));
	EXPECT(near(r.guest, 50));
	EXPECT(near(r.exits, 100.5));
	EXPECT(near(r.reason[REASON_IO], 50));
	EXPECT(near(r.reason[REASON_HLT], 50.5));
	EXPECT(near(r.reason[REASON_CPUID], 0));
	EXPECT(near(r.disk, 1000));
	EXPECT(near(r.net, 500));
}

/* The guest was reset: vCPUs count anew, disks and networks go on. */
static void resets(void)
{
	struct machine_rates r;

	EXPECT(rates(&r, SAMPLE(7, 1000000000, 0, 0, VCPU(0, 100, 40, 60), DISK(100, 0),
				NET(1, 1)),
		     SAMPLE(7, 2000000000, 0, 0, VCPU(0, 50, 45, 5), DISK(150, 0), NET(1, 1))));
	EXPECT(near(r.exits, 50));
	/* One of its reasons has grown all the same. */
	EXPECT(near(r.reason[REASON_IO], 45));
	EXPECT(near(r.reason[REASON_HLT], 5));
	EXPECT(near(r.disk, 50));
	/* A reason alone that is less is none that began anew. */
	EXPECT(rates(&r, SAMPLE(7, 1000000000, 0, 0, VCPU(0, 100, 40, 60), "", ""),
		     SAMPLE(7, 2000000000, 0, 0, VCPU(0, 110, 50, 59), "", "")));
	EXPECT(near(r.reason[REASON_HLT], 0));
	EXPECT(near(r.reason[REASON_IO], 10));
}

/* vCPUs, disks and networks come and go. */
static void comes_and_goes(void)
{
	struct machine_rates r;

	EXPECT(rates(&r, SAMPLE(7, 1000000000, 0, 0, VCPU(0, 100, 40, 60) "," VCPU(1, 900, 0, 0)
				"," VCPU(2, 70, 70, 0), DISK(1, 1), ""),
		     SAMPLE(7, 2000000000, 0, 0, VCPU(0, 101, 41, 60) "," VCPU(2, 80, 80, 0)
			    "," VCPU(5, 3, 3, 0), DISK(1, 1) "," DISK(5, 5), NET(4, 0))));
	EXPECT(near(r.exits, 1 + 10 + 3));
	EXPECT(near(r.reason[REASON_IO], 14));
	EXPECT(near(r.disk, 10));
	EXPECT(near(r.net, 4));
}

/* Another machine of that name, and a clock that stands still, have no rates. */
static void unknown(void)
{
	struct machine_rates r = { .cpu = 1 };

	EXPECT(!rates(&r, SAMPLE(7, 1000000000, 0, 0, "", "", ""),
		      SAMPLE(8, 2000000000, 9000000000, 0, "", "", "")));
	EXPECT(r.cpu == 0);
	EXPECT(!rates(&r, SAMPLE(7, 1000000000, 0, 0, "", "", ""),
		      SAMPLE(7, 1000000000, 9, 0, "", "", "")));
	/* Ticks may have seen the guest more often than it ran. */
	EXPECT(rates(&r, SAMPLE(7, 1000000000, 0, 0, "", "", ""),
		     SAMPLE(7, 2000000000, 5000000, 10000000, "", "", "")));
	EXPECT(near(r.guest, 0.5));
}

static const struct test_case cases[] = {
	TEST_CASE(takes),
	TEST_CASE(takes_anything),
	TEST_CASE(flows),
	TEST_CASE(resets),
	TEST_CASE(comes_and_goes),
	TEST_CASE(unknown),
};

TEST_SUITE(machine_sample_suite, "machine_sample", cases);
