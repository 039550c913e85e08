// SPDX-License-Identifier: GPL-2.0-only
/* What is told to people of replies to "stats". */
#include "stats_text.h"

#include <stdlib.h>

#include "test.h"

static const char web[] =
	"{\"name\":\"web\",\"state\":\"running\",\"pid\":7,\"time\":1,\"uptime\":93784000000000,"
	"\"cpu\":{\"user\":1500000000,\"system\":250000000,\"guest\":1250000000},"
	"\"memory\":{\"size\":268435456,\"resident\":134217728,\"mapped\":1048576,\"tables\":16384},"
	"\"vm\":{\"messages\":12,\"tlb-flushes\":3,\"invalidations\":4},"
	"\"vcpus\":[{\"id\":0,\"cpu\":1000000000,\"guest\":900000000,\"halted\":500000000,"
	"\"exits\":110,\"reasons\":{\"io\":100,\"cpuid\":0,\"hlt\":10},\"user-exits\":99,"
	"\"interrupts\":5},{\"id\":3,\"exits\":2,\"reasons\":{\"io\":0,\"hlt\":2}}],"
	"\"disks\":[{\"path\":\"/a b\",\"reads\":3,\"read-bytes\":4096,\"writes\":2,"
	"\"written-bytes\":1048576,\"flushes\":1,\"discards\":0,\"zeroes\":0,\"errors\":9},"
	"{\"vhost-user\":\"/sock\"}],"
	"\"networks\":[{\"at\":\"lhv0\",\"received-packets\":5,\"received-bytes\":2048,"
	"\"received-dropped\":0,\"sent-packets\":6,\"sent-bytes\":600,\"sent-dropped\":1}],"
	"\"balloon\":{\"size\":67108864,\"held\":33554432,\"reported\":4096}}";

static char *one(const char *json, u64 share)
{
	struct json_object *stats = json_tokener_parse(json);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	EXPECT(stats);
	stats_text_print(stats, share, out);
	fclose(out);
	json_object_put(stats);
	return text;
}

static void all_of_one(void)
{
	char *text = one(web, MIB(100));

	EXPECT_HAS(text, "name:     web\nstate:    running, for 1 day, 02:03:04\n");
	EXPECT_HAS(text, "cpu:      1.50 s user, of which 1.25 s guest; 0.25 s system\n");
	EXPECT_HAS(text, "memory:   256M, 128M resident (100M its own share); 1.0M mapped by 16K of tables\n");
	EXPECT_HAS(text, "vm:       12 interrupt messages, 3 TLB flushes, 4 invalidations\n");
	EXPECT_HAS(text, "balloon:  32M of 64M; 4.0K reported free so far\n");
	/* Of the reasons, those that there were. */
	EXPECT_HAS(text, "\nVCPU  CPU GUEST HALTED IRQS EXITS TO-USER  io hlt\n"
			 "   0 1.00  0.90   0.50    5   110      99 100  10\n"
			 "   3 0.00  0.00   0.00          2           0   2\n");
	EXPECT_HAS(text, "\nREADS READ WRITES WRITTEN FLUSHES DISCARDS ZEROES ERRORS DISK\n"
			 "    3 4.0K      2    1.0M       1        0      0      9 /a b\n"
			 "    -    -      -       -       -        -      -      - vhost-user=/sock\n");
	EXPECT_HAS(text, "\nPACKETS-IN   IN DROPPED PACKETS-OUT OUT DROPPED NETWORK\n"
			 "         5 2.0K       0           6 600       1 lhv0\n");
	free(text);
}

static void little_of_one(void)
{
	char *text = one("{\"name\":\"db\",\"state\":\"running\",\"uptime\":0,\"vcpus\":[]}", 0);

	EXPECT_HAS(text, "state:    running, for 00:00:00\n");
	EXPECT_HAS(text, "memory:   0, 0 resident\n");
	EXPECT(!strstr(text, "vm:") && !strstr(text, "balloon:") && !strstr(text, "DISK") &&
	       !strstr(text, "NETWORK"));
	free(text);
}

static void several(void)
{
	struct json_object *list = json_object_new_array();
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	json_object_array_add(list, json_tokener_parse(web));
	json_object_array_add(list, json_tokener_parse("{\"name\":\"x\",\"state\":\"unknown\"}"));
	stats_text_list(list, out);
	fclose(out);
	json_object_put(list);
	EXPECT(!strcmp(text, "NAME STATE   CPUS  CPU GUEST  RSS SIZE EXITS DISK  NET\n"
			     "web  running    2 1.75  1.25 128M 256M   112 1.0M 2.5K\n"
			     "x    unknown    -    -     -    -    -     -    -    -\n"));
	free(text);
}

static const struct test_case cases[] = {
	TEST_CASE(all_of_one),
	TEST_CASE(little_of_one),
	TEST_CASE(several),
};

TEST_SUITE(stats_text_suite, "stats_text", cases);
