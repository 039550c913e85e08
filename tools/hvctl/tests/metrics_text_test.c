// SPDX-License-Identifier: GPL-2.0-only
/*
 * OpenMetrics text, checked against the grammar and the rules of its specification, version 1.0.0
 * (exposition format), as far as there are counters and gauges.
 */
#include "metrics_text.h"

#include <ctype.h>
#include <stdlib.h>

#include "test.h"

#define FAMILIES_MAX	64
#define SAMPLES_MAX	1024

/* ---- a parser of its own ---------------------------------------------------------- */

struct parser {
	char *at;
	/* The family whose lines these are */
	char family[64];
	char type[16];
	char unit[16];
	char past[FAMILIES_MAX][64];	/* families, each of which is in one place */
	unsigned int families;
	char *series[SAMPLES_MAX];	/* names with labels, each of which is there once */
	unsigned int samples;
};

static bool is_name(char c, bool first)
{
	return isalpha((unsigned char)c) || c == '_' || c == ':' ||
	       (!first && isdigit((unsigned char)c));
}

/* Copies a name; false if there is none. */
static bool take_name(struct parser *p, char *to, size_t size)
{
	size_t n = 0;

	while (is_name(*p->at, !n) && n < size - 1)
		to[n++] = *p->at++;
	to[n] = '\0';
	return n;
}

static bool take_text(struct parser *p, const char *text)
{
	if (strncmp(p->at, text, strlen(text)))
		return false;
	p->at += strlen(text);
	return true;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

/* The metadata of a family come before its samples, and each once. */
static bool take_metadata(struct parser *p)
{
	char kind[8], family[64];
	unsigned int i;

	if (!take_text(p, "# ") || !take_name(p, kind, sizeof(kind)) || !take_text(p, " ") ||
	    !take_name(p, family, sizeof(family)) || !take_text(p, " "))
		return false;
	if (!strcmp(kind, "TYPE")) {
		for (i = 0; i < p->families; i++) {
			if (!strcmp(p->past[i], family))
				return false;
		}
		strcpy(p->past[p->families++], family);
		strcpy(p->family, family);
		*p->unit = '\0';
		return take_name(p, p->type, sizeof(p->type)) && take_text(p, "\n") &&
		       (!strcmp(p->type, "counter") || !strcmp(p->type, "gauge"));
	}
	if (strcmp(family, p->family))
		return false;
	if (!strcmp(kind, "UNIT")) {
		if (!take_name(p, p->unit, sizeof(p->unit)) || !take_text(p, "\n"))
			return false;
		return ends_with(family, p->unit) &&
		       family[strlen(family) - strlen(p->unit) - 1] == '_';
	}
	if (strcmp(kind, "HELP"))
		return false;
	p->at += strcspn(p->at, "\n");
	return take_text(p, "\n");
}

/* In quotes, with \\, \" and \n as the only escapes */
static bool take_value(struct parser *p)
{
	if (!take_text(p, "\""))
		return false;
	while (*p->at != '"') {
		if (*p->at == '\\' && !strchr("\\\"n", *++p->at))
			return false;
		if (!*p->at || *p->at == '\n')
			return false;
		p->at++;
	}
	p->at++;
	return true;
}

static bool take_labels(struct parser *p)
{
	char names[8][32];
	unsigned int i, n = 0;

	if (!take_text(p, "{"))
		return true;
	do {
		if (n == ARRAY_SIZE(names) || !take_name(p, names[n], sizeof(names[n])) ||
		    strchr(names[n], ':') || !take_text(p, "=") || !take_value(p))
			return false;
		for (i = 0; i < n; i++) {
			if (!strcmp(names[i], names[n]))
				return false;
		}
		n++;
	} while (take_text(p, ","));
	return take_text(p, "}");
}

static bool take_number(struct parser *p)
{
	char *end;
	double value;

	if (!isdigit((unsigned char)*p->at))
		return false;
	value = strtod(p->at, &end);
	p->at = end;
	return value >= 0;
}

static bool take_sample(struct parser *p)
{
	char *start = p->at, name[80];
	unsigned int i;

	if (!take_name(p, name, sizeof(name)))
		return false;
	if (!strcmp(p->type, "counter")) {
		if (!ends_with(name, "_total"))
			return false;
		name[strlen(name) - strlen("_total")] = '\0';
	}
	if (strcmp(name, p->family) || !take_labels(p) || *p->at != ' ' ||
	    p->samples == SAMPLES_MAX)
		return false;
	*p->at++ = '\0';
	for (i = 0; i < p->samples; i++) {
		if (!strcmp(p->series[i], start))
			return false;
	}
	p->series[p->samples++] = start;
	return take_number(p) && take_text(p, "\n");
}

/* "" or what isn't right, from about there on */
static const char *what_is_wrong(const char *text)
{
	static char wrong[80];
	struct parser *p = calloc(1, sizeof(*p));
	char *copy = strdup(text);
	bool ok = true;

	p->at = copy;
	while (ok && strcmp(p->at, "# EOF\n"))
		ok = *p->at == '#' ? take_metadata(p) : take_sample(p);
	snprintf(wrong, sizeof(wrong), "%s%s", ok ? "" : "at: ", ok ? "" : p->at);
	free(copy);
	free(p);
	return wrong;
}

/* ---- replies ---------------------------------------------------------------------- */

static char *metrics_of(const char *list)
{
	struct json_object *array = json_tokener_parse(list);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	EXPECT(array);
	metrics_text_print(array, out);
	fclose(out);
	json_object_put(array);
	EXPECT_HAS("", what_is_wrong(text));
	return text;
}

/* The parser itself sees what is wrong. */
static void checks(void)
{
	static const char * const bad[] = {
		"", "# EOF", "x 1\n# EOF\n", "# TYPE a gauge\na 1\n",
		"# TYPE a gauge\na\n# EOF\n", "# TYPE a counter\na 1\n# EOF\n",
		"# TYPE a gauge\nb 1\n# EOF\n", "# TYPE a gauge\na 1\na 2\n# EOF\n",
		"# TYPE a gauge\n# TYPE a gauge\n# EOF\n", "# TYPE a gauge\na{b=\"x} 1\n# EOF\n",
		"# TYPE a gauge\n# UNIT a seconds\n# EOF\n", "# TYPE a gauge\na{} 1\n# EOF\n",
		"# TYPE a gauge\na{b=\"\\x\"} 1\n# EOF\n", "# TYPE a gauge\na{b=\"\n\"} 1\n# EOF\n",
		"# TYPE a gauge\na{b=\"1\",b=\"2\"} 1\n# EOF\n", "# TYPE a gauge\na x\n# EOF\n",
		"# TYPE a gauge\na 1 \n# EOF\n", "# TYPE a gauge\na 1\n# EOF\nx",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_HAS(what_is_wrong(bad[i]), "at: ");
}

static const char web[] =
	"{\"name\":\"web\",\"state\":\"running\",\"pid\":7,\"uptime\":1000000001,"
	"\"cpu\":{\"user\":1500000000,\"system\":250000000,\"guest\":5},"
	"\"memory\":{\"size\":268435456,\"resident\":134217728,\"mapped\":1048576,\"tables\":16384},"
	"\"vm\":{\"messages\":12,\"tlb-flushes\":3,\"invalidations\":4},"
	"\"vcpus\":[{\"id\":0,\"cpu\":1000000000,\"guest\":900000000,\"halted\":500000000,"
	"\"exits\":110,\"reasons\":{\"interrupt\":1,\"io\":100,\"cpuid\":0,\"hlt\":10},"
	"\"user-exits\":99,\"interrupts\":5,\"exceptions\":6,\"nmis\":7,\"migrations\":8},"
	"{\"id\":3,\"exits\":2,\"reasons\":{\"io\":18446744073709551615}}],"
	"\"disks\":[{\"path\":\"/a\\\"b\\\\c\\nd\",\"reads\":3,\"read-bytes\":4096,\"errors\":9},"
	"{\"vhost-user\":\"/sock\"}],"
	"\"networks\":[{\"at\":\"lhv0\",\"received-packets\":5,\"sent-bytes\":600}],"
	"\"balloon\":{\"size\":67108864,\"held\":33554432,\"reported\":4096}}";

static void one(void)
{
	char list[sizeof(web) + 3], *text;

	snprintf(list, sizeof(list), "[%s]", web);
	text = metrics_of(list);
	EXPECT_HAS(text, "# TYPE lhv_machine_up gauge\n");
	EXPECT_HAS(text, "\nlhv_machine_up{machine=\"web\"} 1\n");
	EXPECT_HAS(text, "# TYPE lhv_cpu_seconds counter\n# UNIT lhv_cpu_seconds seconds\n");
	EXPECT_HAS(text, "\nlhv_machine_uptime_seconds{machine=\"web\"} 1.000000001\n");
	EXPECT_HAS(text, "\nlhv_cpu_seconds_total{machine=\"web\",mode=\"user\"} 1.500000000\n");
	EXPECT_HAS(text, "\nlhv_guest_seconds_total{machine=\"web\"} 0.000000005\n");
	EXPECT_HAS(text, "\nlhv_memory_resident_bytes{machine=\"web\"} 134217728\n");
	EXPECT_HAS(text, "\nlhv_balloon_reported_bytes_total{machine=\"web\"} 4096\n");
	EXPECT_HAS(text, "\nlhv_interrupt_messages_total{machine=\"web\"} 12\n");
	EXPECT_HAS(text, "\nlhv_vcpu_halted_seconds_total{machine=\"web\",vcpu=\"0\"} 0.500000000\n");
	EXPECT_HAS(text, "\nlhv_vcpu_exits_total{machine=\"web\",vcpu=\"0\",reason=\"cpuid\"} 0\n");
	EXPECT_HAS(text, "\nlhv_vcpu_exits_total{machine=\"web\",vcpu=\"3\",reason=\"io\"} 18446744073709551615\n");
	EXPECT_HAS(text, "\nlhv_vcpu_events_total{machine=\"web\",vcpu=\"0\",kind=\"nmi\"} 7\n");
	EXPECT_HAS(text, "\nlhv_disk_bytes_total{machine=\"web\",disk=\"0\",path=\"/a\\\"b\\\\c\\nd\",operation=\"read\"} 4096\n");
	EXPECT_HAS(text, "\nlhv_network_packets_total{machine=\"web\",network=\"0\",at=\"lhv0\",direction=\"in\"} 5\n");
	/* What isn't there is no 0. */
	EXPECT(!strstr(text, "path=\"/sock\"") && !strstr(text, "operation=\"write\"") &&
	       !strstr(text, "lhv_vcpu_cpu_seconds_total{machine=\"web\",vcpu=\"3\"}"));
	free(text);
}

/* All lines of a family stand together, whichever machines they are of. */
static void several(void)
{
	char list[3 * sizeof(web)], *text;

	snprintf(list, sizeof(list),
		 "[%s,{\"name\":\"x\",\"state\":\"unknown\",\"error\":\"it doesn't answer\"},"
		 "{\"name\":\"y\",\"pid\":1,\"uptime\":0,\"vcpus\":[{\"id\":0,\"reasons\":{\"io\":1}}]}]", web);
	text = metrics_of(list);
	EXPECT_HAS(text, "lhv_machine_up{machine=\"web\"} 1\nlhv_machine_up{machine=\"x\"} 0\n"
			 "lhv_machine_up{machine=\"y\"} 1\n");
	EXPECT_HAS(text, "lhv_vcpu_exits_total{machine=\"y\",vcpu=\"0\",reason=\"io\"} 1\n");
	free(text);
	text = metrics_of("[]");
	EXPECT_HAS(text, "# EOF\n");
	EXPECT(!strchr(text, '{'));
	free(text);
}

/* A path is any bytes but 0; what isn't UTF-8 isn't told. */
static void odd_paths(void)
{
	static const struct {
		const char *path, *told;
	} paths[] = {
		{ "/\xc3\xa4", "/\xc3\xa4\"" }, { "/\xff", "/\xef\xbf\xbd\"" },
		{ "/\xc3", "/\xef\xbf\xbd\"" }, { "/\xc0\xaf", "/\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "/\xe2\x82\xac", "/\xe2\x82\xac\"" },
		{ "/\xe2\x82", "/\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "/\xed\xa0\x80", "/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "/\xf0\x9f\x98\x80", "/\xf0\x9f\x98\x80\"" },
		{ "/\xf4\x90\x80\x80", "/\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		struct json_object *list = json_tokener_parse("[{\"name\":\"w\",\"disks\":[{\"reads\":1}]}]");
		struct json_object *disks;
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		json_object_object_get_ex(json_object_array_get_idx(list, 0), "disks", &disks);
		json_object_object_add(json_object_array_get_idx(disks, 0), "path",
				       json_object_new_string(paths[i].path));
		metrics_text_print(list, out);
		fclose(out);
		EXPECT_HAS(text, paths[i].told);
		json_object_put(list);
		free(text);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(checks),
	TEST_CASE(one),
	TEST_CASE(several),
	TEST_CASE(odd_paths),
};

TEST_SUITE(metrics_text_suite, "metrics_text", cases);
