// SPDX-License-Identifier: GPL-2.0-only
/* The value of --disk, and when a disk's limits let requests begin. */
#include <sys/un.h>

#include "rate_limit.h"
#include "disk_options.h"
#include "error.h"
#include "fuzz.h"

/* ---- the option ---------------------------------------------------------- */

/* A byte below 32 in a text stands for one of these. */
static const char * const words[] = {
	"path=", "readonly", "cache=none", "cache=writeback", "serial=", "iops=", "bps=", "cache=",
	",path=a", ",readonly", ",cache=none", ",serial=S", ",iops=7", ",bps=9k", ",iops=", "0x",
	"1000000000", "18446744073709551615", "4G", "01234567890123456789",
	"vhost-user=", ",vhost-user=s",
};

/* An allocation that it fills, for the sanitizer. */
static char *make_text(struct fuzz *f, size_t len)
{
	char *text = calloc(1, len * 24 + 1);
	char *exact;

	MUST(text);
	while (len-- && f->left) {
		u8 byte = fuzz_u8(f);

		if (byte && byte <= ARRAY_SIZE(words))
			strcat(text, words[byte - 1]);
		else
			strncat(text, (char *)&byte, 1);
	}
	exact = strdup(text);
	MUST(exact);
	free(text);
	return exact;
}

/* How often @key, with or without a value, is in @text. */
static unsigned int count_key(const char *text, const char *key)
{
	size_t len = strlen(key);
	unsigned int count = 0;

	for (; text; text = strchr(text, ','), text = text ? text + 1 : NULL) {
		if (!strncmp(text, key, len) && (!text[len] || strchr("=,", text[len])))
			count++;
	}
	return count;
}

static void check_config(const struct disk_config *config, const char *text)
{
	static const char * const keys[] = {
		"path", "readonly", "cache", "serial", "iops", "bps", "vhost-user",
	};
	unsigned int i, known = 0, parts = 1;
	const char *c;

	MUST(*config->path && strlen(config->path) < sizeof(config->path));
	MUST(!strchr(config->path, ',') && strstr(text, config->path));
	MUST(strlen(config->serial) <= DISK_SERIAL_MAX);
	for (c = config->serial; *c; c++)
		MUST(*c >= ' ' && *c <= '~' && *c != ',');
	MUST(config->iops <= 1000000000);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		MUST(count_key(text, keys[i]) <= 1);
		known += count_key(text, keys[i]);
	}
	for (c = text; *c; c++)
		parts += *c == ',';
	MUST(known == parts);
	MUST(config->vhost_user == count_key(text, "vhost-user"));
	MUST(!config->vhost_user || parts == 1);
	MUST(!config->vhost_user ||
	     strlen(config->path) < sizeof(((struct sockaddr_un *)NULL)->sun_path));
	MUST(config->readonly == count_key(text, "readonly"));
	MUST(!*config->serial == !count_key(text, "serial"));
	MUST(!config->iops == !count_key(text, "iops"));
	MUST(!config->bps == !count_key(text, "bps"));
	MUST(!config->direct || strstr(text, "cache=none"));
}

/* @size is enough for any. */
static void write_down(const struct disk_config *config, char *text, size_t size)
{
	int len;

	if (config->vhost_user) {
		snprintf(text, size, "vhost-user=%s", config->path);
		return;
	}
	len = snprintf(text, size, "cache=%s,path=%s%s", config->direct ? "none" : "writeback",
		       config->path, config->readonly ? ",readonly" : "");
	if (*config->serial)
		len += snprintf(text + len, size - len, ",serial=%s", config->serial);
	if (config->iops)
		len += snprintf(text + len, size - len, ",iops=%llu",
				(unsigned long long)config->iops);
	if (config->bps)
		snprintf(text + len, size - len, ",bps=%llu", (unsigned long long)config->bps);
}

/* What was understood, written down, is understood as the same. */
static void check_again(const struct disk_config *config)
{
	char text[2 * PATH_MAX];
	struct disk_config again;

	write_down(config, text, sizeof(text));
	MUST(!disk_options_parse(&again, text));
	MUST(!memcmp(&again, config, sizeof(again)));
}

static void fuzz_options(struct fuzz *f)
{
	char *text = make_text(f, fuzz_u8(f));
	struct disk_config config;

	fail_say("%s", "");
	if (disk_options_parse(&config, text)) {
		MUST(!strncmp(fail_text(), "--disk: ", 8));
	} else {
		check_config(&config, text);
		check_again(&config);
	}
	free(text);
}

/* ---- the limits ---------------------------------------------------------- */

/* In no span of time begins more than what is in the bucket and the rate gives. */
static void fuzz_limits(struct fuzz *f)
{
	u64 iops = fuzz_u32(f), bps = fuzz_number(f, 5);
	u64 first = 0, last = 0, bytes = 0, requests = 0;
	struct rate_limit limit;
	u64 now = 1;

	rate_limit_init(&limit, iops, bps);
	while (f->left) {
		u64 cost = fuzz_number(f, 3), start;
		unsigned __int128 span;

		now += fuzz_u32(f);
		start = rate_limit_reserve(&limit, now, cost);
		MUST(start >= now && start >= last);
		if (!iops && !bps)
			MUST(start == now);
		if (!first)
			first = start;
		span = start - first + RATE_LIMIT_BURST_NS + 1;
		if (iops)
			MUST(span * iops + 1000000000 >= (unsigned __int128)requests * 1000000000);
		if (bps && cost)
			MUST(span * bps + 1000000000 >= (unsigned __int128)bytes * 1000000000);
		requests++;
		bytes += cost;
		last = start;
	}
	rate_limit_destroy(&limit);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };

	fuzz_options(&f);
	fuzz_limits(&f);
	return 0;
}
