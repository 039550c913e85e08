// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host short of memory, which swaps and merges pages, while a guest checks each
 * word of its own (guest/keeper.h). Every case sees by the host's counters that
 * the thing happened. lib/fuzz.h has the knobs.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"
#include "host_mm.h"
#include "keep.h"
#include "test.h"

/* How often each test does its thing. */
#define ROUNDS		2

#define SWAP_DEVICE	"/dev/ram0"
#define SWAP_SIZE	MIB(32)
#define CGROUP		"/sys/fs/cgroup/lhv_memory_pressure"

FIXTURE(pressure) {
	struct keep keep;
};

FIXTURE_SETUP(pressure)
{
	keep_create(&self->keep);
}

FIXTURE_TEARDOWN(pressure)
{
	keep_free(&self->keep);
}

/* ---- swap ---------------------------------------------------------------------------------- */

static int run_command(const char *name, const char *arg0, const char *arg1, const char *arg2)
{
	int status;
	pid_t pid = REQUIRE_SYS(fork());

	if (!pid) {
		execlp(name, name, arg0, arg1, arg2, NULL);
		_exit(127);
	}
	REQUIRE_SYS(waitpid(pid, &status, 0));
	return status;
}

/* The header of a swap area: struct swap_header in linux/swap.h. */
static void make_swap(int fd)
{
	static u8 page[GUEST_PAGE];
	u32 *info = (u32 *)(page + 1024);

	info[0] = 1;				/* version */
	info[1] = SWAP_SIZE / GUEST_PAGE - 1;	/* last page */
	memcpy(page + GUEST_PAGE - 10, "SWAPSPACE2", 10);
	REQUIRE(pwrite(fd, page, sizeof(page), 0) == sizeof(page));
	REQUIRE_SYS(fsync(fd));
}

/*
 * The host's own swap, or else a disk in memory; not one that something may have
 * its data on. It stays for the tests that follow.
 */
static bool have_swap(void)
{
	static char text[256];
	int fd = REQUIRE_SYS(open("/proc/swaps", O_RDONLY));

	REQUIRE_SYS(read(fd, text, sizeof(text) - 1));
	close(fd);
	if (strchr(strchr(text, '\n'), '/'))
		return true;
	if (!access("/sys/module/brd", F_OK) || !access(SWAP_DEVICE, F_OK) ||
	    run_command("modprobe", "brd", "rd_nr=1", "rd_size=32768"))
		return false;
	fd = open(SWAP_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	make_swap(fd);
	close(fd);
	return !swapon(SWAP_DEVICE, 0);
}

/* All that is mapped, in each round; the guest brings it back by itself. */
static void swap_out(struct __test_metadata *_metadata, struct keep *k)
{
	u64 out = vmstat("pswpout"), in = vmstat("pswpin");

	keep_start(k);
	fuzz_begin(ROUNDS);
	while (fuzz_goes_on()) {
		keep_hold(k);
		keep_page_out(k);
		keep_release(k);
		keep_wait(k, 0);
	}
	/* Of what was mapped a good part */
	EXPECT_COUNTED(KEEP_PAGES / 2, vmstat("pswpout") - out);
	EXPECT_COUNTED(KEEP_PAGES / 2, vmstat("pswpin") - in);
	keep_stop(k);
}

TEST_F(pressure, swapped_out)
{
	struct keep *k = &self->keep;
	if (!have_swap())
		SKIP(return, "no swap, and no disk in memory to make some");
	keep_map(k, KEEP_AREA, MADV_NOHUGEPAGE);
	swap_out(_metadata, k);
}

TEST_F(pressure, swapped_out_huge_pages)
{
	struct keep *k = &self->keep;
	u64 swapped = vmstat("thp_swpout") + vmstat("thp_swpout_fallback");

	if (!have_swap())
		SKIP(return, "no swap, and no disk in memory to make some");
	if (!huge_pages_enabled())
		SKIP(return, "no transparent huge pages here");
	keep_map(k, KEEP_AREA, MADV_HUGEPAGE);
	memset(k->area, 0, KEEP_AREA);
	ASSERT_EQ(KEEP_AREA, smaps(k->area, "AnonHugePages"));
	swap_out(_metadata, k);
	EXPECT_COUNTED(swapped + 1, vmstat("thp_swpout") + vmstat("thp_swpout_fallback"));
}

/* ---- a memory cgroup that is too small ----------------------------------------------------- */

static bool enter_cgroup(const char *limit)
{
	if (!write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory"))
		return false;
	if (mkdir(CGROUP, 0755) && access(CGROUP, F_OK))
		return false;
	return write_file(CGROUP "/memory.max", limit) &&
	       write_file(CGROUP "/cgroup.procs", "0");
}

static void leave_cgroup(void)
{
	REQUIRE(write_file("/sys/fs/cgroup/cgroup.procs", "0"));
	rmdir(CGROUP);
}

TEST_F(pressure, cgroup_limit)
{
	struct keep *k = &self->keep;
	u64 out = vmstat("pswpout"), in = vmstat("pswpin");

	if (!have_swap())
		SKIP(return, "no swap, and no disk in memory to make some");
	/* What the process has so far isn't charged there. */
	if (!enter_cgroup("3M"))
		SKIP(return, "no memory cgroup");
	keep_map(k, KEEP_AREA, MADV_NOHUGEPAGE);
	keep_start(k);
	fuzz_begin(1);
	while (fuzz_goes_on())
		keep_wait(k, 0);
	EXPECT_COUNTED(KEEP_PAGES / 4, vmstat("pswpout") - out);
	EXPECT_COUNTED(KEEP_PAGES / 4, vmstat("pswpin") - in);
	EXPECT_GE(MIB(3), read_number(CGROUP "/memory.current"));
	keep_stop(k);
	leave_cgroup();
}

/* ---- merging ------------------------------------------------------------------------------- */

TEST_F(pressure, merged_and_written)
{
	struct keep *k = &self->keep;
	const struct keeper_plan plan = { .pages = KEEP_PAGES, .write_every = 16, .alike = 1 };
	u64 before = ksm_read("pages_sharing"), copied = vmstat("cow_ksm");

	if (!ksm_write("sleep_millisecs", "1") || !ksm_write("pages_to_scan", "2000"))
		SKIP(return, "no same-page merging here");
	keep_map(k, KEEP_AREA, MADV_NOHUGEPAGE);
	ASSERT_EQ(0, madvise(k->area, KEEP_AREA, MADV_MERGEABLE));
	keep_start_plan(k, &plan);
	ASSERT_TRUE(ksm_write("run", "1"));
	fuzz_begin(ROUNDS);
	while (fuzz_goes_on()) {
		/* The guest may part its pages by writing faster than a slow host merges them. */
		keep_hold(k);
		WAIT_UNTIL(ksm_read("pages_sharing") >= before + KEEP_PAGES / 2);
		keep_release(k);
		keep_wait(k, 0);
	}
	/* Of the pages that it writes, half and more may not be merged at that time. */
	EXPECT_COUNTED(KEEP_PAGES / 64, vmstat("cow_ksm") - copied);
	/* Parted again by the host; the next scan counts them out. */
	ASSERT_EQ(0, madvise(k->area, KEEP_AREA, MADV_UNMERGEABLE));
	WAIT_UNTIL(ksm_read("pages_sharing") < before + KEEP_PAGES / 16);
	keep_wait(k, 0);
	ASSERT_TRUE(ksm_write("run", "0"));
	keep_stop(k);
}

TEST_HARNESS_MAIN
