// SPDX-License-Identifier: GPL-2.0-only
/* AML: ACPI 6.3, chapter 20 */
#include "acpi_cpus.h"

#include <stdio.h>
#include <string.h>

/* cpus_aml_code[], made by iasl from cpus.asl. */
#include "cpus.hex"

#define HEADER_SIZE		36
#define HEADER_LENGTH		4	/* where the table's length is */
#define HEADER_CHECKSUM		9

/* What stands for a processor's id and its device's name in cpus.asl */
#define ID_SIZE			2
static const u8 id_pattern[] = { 0x0b, 0x5a, 0x5a };	/* WordPrefix */
static const char name_pattern[] = "C000";

#define SCOPE_OP_SIZE		1
#define DEVICE_OP_SIZE		2
#define METHOD_OP_SIZE		1
/* Behind a method's PkgLength: \_SB.CPUS.TELL, and flags */
#define METHOD_NAME_SIZE	16

/* A term with a PkgLength: 20.2.4 */
struct term {
	const u8 *at;
	u32 size;	/* from its opcode to its end */
	u32 head;	/* of that, opcode and PkgLength */
};

static struct term parse_term(const u8 *at, u32 op_size)
{
	u32 more = at[op_size] >> 6;
	u32 length = at[op_size] & (more ? 0x0f : 0x3f);
	u32 i;

	for (i = 0; i < more; i++)
		length |= at[op_size + 1 + i] << (4 + 8 * i);
	return (struct term){ .at = at, .size = op_size + length, .head = op_size + 1 + more };
}

/* As long as any: three bytes, for up to 1 MiB with themselves */
#define LONG_LENGTH_SIZE	3

static u8 *put_long_length(u8 *to, u32 length)
{
	*to++ = 2 << 6 | (length & 0x0f);
	*to++ = length >> 4;
	*to++ = length >> 12;
	return to;
}

struct parts {
	u32 common;		/* the header, and what is once there */
	struct term device;	/* a processor's */
	struct term method;	/* in which each processor has an If */
	struct term branch;	/* that If */
};

static struct parts find_parts(void)
{
	struct parts p;
	const u8 *at = cpus_aml_code + HEADER_SIZE;

	p.common = HEADER_SIZE + parse_term(at, SCOPE_OP_SIZE).size;
	p.device = parse_term(cpus_aml_code + p.common, DEVICE_OP_SIZE);
	p.method = parse_term(p.device.at + p.device.size, METHOD_OP_SIZE);
	p.branch = parse_term(p.method.at + p.method.head + METHOD_NAME_SIZE, METHOD_OP_SIZE);
	return p;
}

/* @term once for each processor */
static u8 *put_each(u8 *to, const struct term *term, unsigned int max)
{
	u32 id_at = (u8 *)memmem(term->at, term->size, id_pattern, sizeof(id_pattern)) + 1 -
		    term->at;
	u32 name_at = (u8 *)memmem(term->at, term->size, name_pattern, strlen(name_pattern)) -
		      term->at;
	unsigned int i;

	for (i = 0; i < max; i++) {
		char name[sizeof(name_pattern)];
		u16 id = i;

		snprintf(name, sizeof(name), "C%03X", i & 0xfff);
		memcpy(to, term->at, term->size);
		memcpy(to + id_at, &id, ID_SIZE);
		memcpy(to + name_at, name, strlen(name_pattern));
		to += term->size;
	}
	return to;
}

u64 acpi_cpus_size(unsigned int max)
{
	const struct parts p = find_parts();

	return p.common + METHOD_OP_SIZE + LONG_LENGTH_SIZE + METHOD_NAME_SIZE +
	       (u64)max * (p.device.size + p.branch.size);
}

void acpi_cpus_write(u8 *table, unsigned int max)
{
	const struct parts p = find_parts();
	u32 size = acpi_cpus_size(max);
	u8 *at = table, sum = 0;

	memcpy(at, cpus_aml_code, p.common);
	at = put_each(at + p.common, &p.device, max);
	*at++ = *p.method.at;
	at = put_long_length(at, LONG_LENGTH_SIZE + METHOD_NAME_SIZE + max * p.branch.size);
	memcpy(at, p.method.at + p.method.head, METHOD_NAME_SIZE);
	at = put_each(at + METHOD_NAME_SIZE, &p.branch, max);

	memcpy(table + HEADER_LENGTH, &size, sizeof(size));
	table[HEADER_CHECKSUM] = 0;
	while (at > table)
		sum += *--at;
	table[HEADER_CHECKSUM] = -sum;
}
