// SPDX-License-Identifier: GPL-2.0-only
#include "cpu_list.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool has(const struct cpu_list *list, unsigned int cpu)
{
	return list->bits[cpu / 64] >> cpu % 64 & 1;
}

static bool parse_cpu(const char **text, unsigned int *cpu)
{
	const char *at = *text;

	*cpu = 0;
	if (!isdigit((unsigned char)*at))
		return false;
	for (; isdigit((unsigned char)*at); at++) {
		*cpu = *cpu * 10 + (*at - '0');
		if (*cpu >= CPU_LIST_MAX)
			return false;
	}
	*text = at;
	return true;
}

bool cpu_list_parse(struct cpu_list *list, const char *text)
{
	unsigned int first, last;

	memset(list, 0, sizeof(*list));
	if (!*text || *text == '\n')
		return true;
	for (;;) {
		if (!parse_cpu(&text, &first))
			return false;
		last = first;
		if (*text == '-' && (text++, !parse_cpu(&text, &last)))
			return false;
		if (last < first)
			return false;
		for (; first <= last; first++)
			list->bits[first / 64] |= BIT_ULL(first % 64);
		if (*text != ',')
			return !*text || (*text == '\n' && !text[1]);
		text++;
	}
}

const char *cpu_list_format(const struct cpu_list *list, char text[static CPU_LIST_TEXT])
{
	unsigned int first, last;
	size_t used = 0;

	*text = '\0';
	for (first = 0; first < CPU_LIST_MAX; first = last + 1) {
		last = first;
		if (!has(list, first))
			continue;
		while (last + 1 < CPU_LIST_MAX && has(list, last + 1))
			last++;
		used += snprintf(text + used, CPU_LIST_TEXT - used, "%s%u", used ? "," : "", first);
		if (last > first)
			used += snprintf(text + used, CPU_LIST_TEXT - used, "-%u", last);
	}
	return text;
}

bool cpu_list_is_empty(const struct cpu_list *list)
{
	static const struct cpu_list none;

	return !memcmp(list, &none, sizeof(none));
}

int cpu_list_first_beyond(const struct cpu_list *list, const struct cpu_list *all)
{
	unsigned int cpu;

	for (cpu = 0; cpu < CPU_LIST_MAX; cpu++) {
		if (has(list, cpu) && !has(all, cpu))
			return cpu;
	}
	return -1;
}
