// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/lhv: what the module says it offers
 */
#include <cpuid.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "test.h"

/* Well above any supported list. */
#define MANY	4096

static struct lhv_cpuid_entry entries[LHV_MAX_CPUID_ENTRIES + 1];

FIXTURE(dev) {
	int fd;
	struct lhv_info info;
};

FIXTURE_SETUP(dev)
{
	self->fd = dev_open();
	REQUIRE_OK(lhv_info(self->fd, &self->info));
}

FIXTURE_TEARDOWN(dev)
{
	close(self->fd);
}

TEST_F(dev, node)
{
	struct stat st;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	/* Not for everyone. */
	EXPECT_EQ(0, st.st_mode & 0007);
}

TEST_F(dev, info)
{
	u32 eax, ebx, ecx, edx;

	EXPECT_EQ(sizeof(self->info), self->info.size);
	EXPECT_EQ(0, self->info.flags);
	EXPECT_EQ(LHV_API_VERSION, self->info.api_version);
	EXPECT_LE(64, self->info.max_vcpus);
	EXPECT_LE(32, self->info.max_slots);
	EXPECT_LE(sizeof(struct lhv_run), self->info.run_size);
	EXPECT_EQ(0, self->info.run_size % GUEST_PAGE);
	__cpuid(0x80000008, eax, ebx, ecx, edx);
	EXPECT_LE(36, self->info.phys_bits);
	EXPECT_GE(eax & 0xff, self->info.phys_bits);
	/* Legacy region and header are always there; SDM 1 13.4. */
	EXPECT_LE(576, self->info.xsave_size);
	EXPECT_GE(16 * KIB(1), self->info.xsave_size);
	EXPECT_NE(0, self->info.version[0]);
	EXPECT_GT(sizeof(self->info.version),
		  strnlen(self->info.version, sizeof(self->info.version)));
}

/* The TSC's frequency as told, beside the host's clock. */
TEST_F(dev, tsc_khz)
{
	u64 start_ns = now_ns();
	u64 start = rdtsc();
	u64 ns, khz;

	while (now_ns() - start_ns < 100000000)
		;
	khz = rdtsc() - start;
	ns = now_ns() - start_ns;
	khz = khz * 1000000 / ns;
	EXPECT_LT(self->info.tsc_khz * 95ULL / 100, khz);
	EXPECT_GT(self->info.tsc_khz * 105ULL / 100, khz);
	EXPECT_NE(0, self->info.apic_timer_khz);
}

TEST_F(dev, capabilities)
{
	static const struct {
		u32 cap;
		u64 min;
	} caps[] = {
		{ LHV_CAP_READONLY_MEM, 1 },
		{ LHV_CAP_DIRTY_LOG, 1 },
		{ LHV_CAP_EPT_2M, 0 },
		{ LHV_CAP_EPT_1G, 0 },
		{ LHV_CAP_EPT_AD, 0 },
		{ LHV_CAP_VPID, 0 },
		{ LHV_CAP_X2APIC, 1 },
		{ LHV_CAP_TSC_DEADLINE, 1 },
		{ LHV_CAP_EVENTFD, 1 },
		{ LHV_CAP_PAUSE_EXIT, 0 },
	};
	unsigned int i;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		value = ~0ULL;
		EXPECT_EQ(0, lhv_check_cap(self->fd, caps[i].cap, &value));
		EXPECT_GE(1, value);
		EXPECT_LE(caps[i].min, value) TH_LOG("capability %u", caps[i].cap);
	}
	/* Unknown ones aren't an error: old modules are asked for new ones. */
	EXPECT_EQ(0, lhv_check_cap(self->fd, 0, &value));
	EXPECT_EQ(0, value);
	EXPECT_EQ(0, lhv_check_cap(self->fd, 0xffffffff, &value));
	EXPECT_EQ(0, value);
}

static const struct lhv_cpuid_entry *find(u32 count, u32 function, u32 index)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (entries[i].function == function && entries[i].index == index)
			return &entries[i];
	}
	FAIL("CPUID leaf %x.%u isn't offered", function, index);
}

TEST_F(dev, supported_cpuid)
{
	const struct lhv_cpuid_entry *e;
	u32 count = LHV_MAX_CPUID_ENTRIES;
	u32 i, j;

	memset(entries, 0xff, sizeof(entries));
	ASSERT_EQ(0, lhv_list(self->fd, LHV_SUPPORTED_CPUID, entries, &count));
	ASSERT_LT(0, count);
	ASSERT_GE(LHV_MAX_CPUID_ENTRIES, count);
	EXPECT_EQ(~0U, entries[count].function);
	for (i = 0; i < count; i++) {
		EXPECT_EQ(0, entries[i].reserved);
		EXPECT_EQ(0, entries[i].flags & ~LHV_CPUID_INDEXED);
		if (!entries[i].flags)
			EXPECT_EQ(0, entries[i].index);
		for (j = 0; j < i; j++)
			EXPECT_FALSE(entries[i].function == entries[j].function &&
				     entries[i].index == entries[j].index);
	}

	e = find(count, 0, 0);
	EXPECT_LE(0xd, e->eax);
	EXPECT_EQ(0, memcmp(&e->ebx, "Genu", 4));
	EXPECT_EQ(0, memcmp(&e->edx, "ineI", 4));
	EXPECT_EQ(0, memcmp(&e->ecx, "ntel", 4));
	e = find(count, 1, 0);
	EXPECT_FALSE(e->ecx & BIT(5)) TH_LOG("VMX");
	EXPECT_FALSE(e->ecx & BIT(3)) TH_LOG("MONITOR");
	EXPECT_TRUE(e->ecx & BIT(21)) TH_LOG("x2APIC");
	EXPECT_TRUE(e->ecx & BIT(24)) TH_LOG("TSC deadline");
	EXPECT_TRUE(e->edx & BIT(9)) TH_LOG("APIC");
	e = find(count, 0x80000001, 0);
	EXPECT_TRUE(e->edx & BIT(29)) TH_LOG("long mode");
	e = find(count, 0x80000008, 0);
	EXPECT_EQ(self->info.phys_bits, e->eax & 0xff);
}

static void check_no_space(struct __test_metadata *_metadata, int fd, unsigned long command,
			   size_t element)
{
	u8 *room = calloc(MANY, element);
	u32 there = 0, count;
	size_t i;

	REQUIRE(room);
	ASSERT_EQ(-ENOSPC, lhv_list(fd, command, NULL, &there));
	ASSERT_LT(1, there);
	ASSERT_GE(MANY, there);
	count = there - 1;
	EXPECT_EQ(-ENOSPC, lhv_list(fd, command, room, &count));
	EXPECT_EQ(there, count);
	for (i = 0; i < there * element; i++)
		EXPECT_EQ(0, room[i]);
	EXPECT_EQ(0, lhv_list(fd, command, room, &count));
	EXPECT_EQ(there, count);
	count = MANY;
	EXPECT_EQ(0, lhv_list(fd, command, room, &count));
	EXPECT_EQ(there, count);
	for (i = there * element; i < MANY * element; i++)
		EXPECT_EQ(0, room[i]);
	free(room);
}

TEST_F(dev, lists_say_how_much_room_they_need)
{
	check_no_space(_metadata, self->fd, LHV_SUPPORTED_CPUID, sizeof(struct lhv_cpuid_entry));
	check_no_space(_metadata, self->fd, LHV_MSR_LIST, sizeof(u32));
}

TEST_F(dev, msr_list)
{
	u32 msr[512], count = ARRAY_SIZE(msr);
	u32 i, j;

	ASSERT_EQ(0, lhv_list(self->fd, LHV_MSR_LIST, msr, &count));
	for (i = 0; i < count; i++) {
		for (j = 0; j < i; j++)
			EXPECT_NE(msr[i], msr[j]);
	}
	/* The whole list fits in a record. */
	EXPECT_GE(512, count);
}

TEST_HARNESS_MAIN
