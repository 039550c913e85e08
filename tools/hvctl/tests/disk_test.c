// SPDX-License-Identifier: GPL-2.0-only
/* Opening images: what is refused, who may share one, and what is said of it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk_impl.h"
#include "test.h"

static const u8 data[8192 + 1];

static int open_as(struct disk **disk, const char *path, bool readonly)
{
	struct disk_config config = { .readonly = readonly };

	snprintf(config.path, sizeof(config.path), "%s", path);
	return disk_open(disk, &config);
}

static int open_direct(struct disk **disk, const char *path)
{
	struct disk_config config = { .direct = true };

	snprintf(config.path, sizeof(config.path), "%s", path);
	return disk_open(disk, &config);
}

static void properties(void)
{
	struct disk_config config = { .serial = "S-1", .readonly = true };
	struct disk *disk;

	snprintf(config.path, sizeof(config.path), "%s", test_file(data, 1536));
	EXPECT(!disk_open(&disk, &config));
	memset(&config, 'x', sizeof(config));
	EXPECT_EQ(disk_size(disk), 1536);
	EXPECT(disk_readonly(disk));
	EXPECT(!strcmp(disk_serial(disk), "S-1"));
	EXPECT_EQ(disk_block_size(disk), 512);
	EXPECT(!disk_can_discard(disk));
	disk_close(disk);

	/* In memory, files can have holes. */
	EXPECT(!open_as(&disk, test_file(data, 8192), false));
	EXPECT(!disk_readonly(disk) && disk_can_discard(disk));
	EXPECT(!strcmp(disk_serial(disk), ""));
	EXPECT_EQ(disk_size(disk), 8192);
	disk_close(disk);
	disk_close(NULL);
}

static void refusals(void)
{
	struct disk *disk;

	EXPECT_FAIL(open_as(&disk, "/nowhere/a.img", false),
		    "--disk: there is no /nowhere/a.img; an empty image is made by 'truncate");
	EXPECT_FAIL(open_as(&disk, "/", true), "--disk: / is neither a regular file nor");
	EXPECT_FAIL(open_as(&disk, "/dev/null", false), "/dev/null is neither a regular file");
	EXPECT_FAIL(open_as(&disk, "/proc/version", false), "/proc/version");
	EXPECT_FAIL(open_as(&disk, test_file(data, 0), true), "is empty; give it a size");
	EXPECT_FAIL(open_as(&disk, test_file(data, 511), true),
		    "has 511 bytes, no multiple of 512");
	EXPECT_FAIL(open_as(&disk, test_file(data, 8193), false),
		    "has 8193 bytes, no multiple of 512");
	/* Nothing of a refused image stays locked. */
	EXPECT_FAIL(open_as(&disk, "/proc/self/fd/999999", false), "there is no");
}

/* A FIFO would have open() wait for a writer. */
static void no_waiting(void)
{
	char folder[] = "/tmp/hvctl-test-XXXXXX", path[64];
	struct disk *disk;

	EXPECT(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/fifo", folder);
	EXPECT(!mknod(path, S_IFIFO | 0600, 0));
	EXPECT_FAIL(open_as(&disk, path, true), "is neither a regular file nor a block device");
	EXPECT(!unlink(path) && !rmdir(folder));
}

/* Root may write to anything, so it is somebody else who tries. */
static bool is_read_only_to_others(const char *path)
{
	struct disk *disk;

	if (!geteuid() && (setgid(65534) || setuid(65534)))
		return false;
	if (open_as(&disk, path, false) != -1 ||
	    !strstr(fail_text(), "for writing; allow it, or add 'readonly': Permission denied"))
		return false;
	if (open_as(&disk, path, true))
		return false;
	disk_close(disk);
	return true;
}

static void not_allowed(void)
{
	char folder[] = "/tmp/hvctl-test-XXXXXX", path[64];
	int fd, status;
	pid_t pid;

	EXPECT(mkdtemp(folder));
	EXPECT(!chmod(folder, 0755));
	snprintf(path, sizeof(path), "%s/image", folder);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0444);
	EXPECT(!ftruncate(fd, 512) && !fchmod(fd, 0444));
	pid = fork();
	if (!pid)
		_exit(is_read_only_to_others(path) ? 0 : 1);
	EXPECT(waitpid(pid, &status, 0) == pid);
	EXPECT_EQ(status, 0);
	close(fd);
	EXPECT(!unlink(path) && !rmdir(folder));
}

static void locks(void)
{
	const char *path = test_file(data, 512);
	struct disk *one, *two, *three;

	/* One who writes is alone. */
	EXPECT(!open_as(&one, path, false));
	EXPECT_FAIL(open_as(&two, path, false), "which may write to it");
	EXPECT_FAIL(open_as(&two, path, true), "which may write to it");
	disk_close(one);

	/* Those who read share. */
	EXPECT(!open_as(&one, path, true));
	EXPECT(!open_as(&two, path, true));
	EXPECT_FAIL(open_as(&three, path, false), "which only reads it");
	disk_close(one);
	EXPECT_FAIL(open_as(&three, path, false), "which only reads it");
	disk_close(two);
	EXPECT(!open_as(&three, path, false));
	disk_close(three);
}

/* That the file is opened and closed elsewhere in the process takes no lock away. */
static void locks_last(void)
{
	const char *path = test_file(data, 512);
	struct disk *one, *two;

	EXPECT(!open_as(&one, path, false));
	close(open(path, O_RDWR | O_CLOEXEC));
	EXPECT_FAIL(open_as(&two, path, false), "which may write to it");
	disk_close(one);
}

/* A lock of the old kind has a process that can be named. */
static void foreign_lock(void)
{
	const char *path = test_file(data, 512);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct disk *disk;
	char text[64];

	EXPECT(!fcntl(fd, F_SETLK, &lock));
	snprintf(text, sizeof(text), "is locked by process %d;", (int)getpid());
	EXPECT_FAIL(open_as(&disk, path, false), text);
	close(fd);
	EXPECT(!open_as(&disk, path, false));
	disk_close(disk);
}

static void growth(void)
{
	const char *path = test_file(data, 4096);
	struct disk *disk;

	EXPECT(!open_as(&disk, path, false));
	EXPECT_EQ(disk_grow(disk, 0), 0);
	EXPECT(!truncate(path, 8192 + 100));
	EXPECT_EQ(disk_grow(disk, 0), 1);
	EXPECT_EQ(disk_size(disk), 8192);
	EXPECT_EQ(disk_grow(disk, 0), 0);
	EXPECT(!truncate(path, 8191));
	EXPECT_FAIL(disk_grow(disk, 0), "give it 8192 bytes again");
	EXPECT_EQ(disk_size(disk), 8192);
	EXPECT(!truncate(path, 8192));
	EXPECT_EQ(disk_grow(disk, 0), 0);
	disk_close(disk);
}

static u64 length_of(const char *path)
{
	struct stat st;

	EXPECT(!stat(path, &st));
	return st.st_size;
}

static void made_longer(void)
{
	const char *path = test_file(data, 4096);
	struct disk *disk;

	EXPECT(!open_as(&disk, path, false));
	EXPECT_FAIL(disk_check_growth(disk, 4096 + 100), "no multiple of the 512");
	EXPECT_FAIL(disk_grow(disk, 2048), "has 4 KiB; a drive only grows");
	EXPECT_FAIL(disk_grow(disk, 1ULL << 63), "no multiple");
	EXPECT_EQ(length_of(path), 4096);
	EXPECT(!disk_check_growth(disk, 8192));
	EXPECT_EQ(length_of(path), 4096);
	EXPECT_EQ(disk_grow(disk, 8192), 1);
	EXPECT_EQ(disk_size(disk), 8192);
	EXPECT_EQ(length_of(path), 8192);
	EXPECT_EQ(disk_grow(disk, 8192), 0);
	/* Somebody else has made it longer still: nothing of that is cut off. */
	EXPECT(!truncate(path, 16384));
	EXPECT_FAIL(disk_grow(disk, 12288), "has 16 KiB; a drive only grows");
	EXPECT_EQ(length_of(path), 16384);
	EXPECT_EQ(disk_size(disk), 8192);
	disk_close(disk);

	EXPECT(!open_as(&disk, path, true));
	EXPECT_FAIL(disk_grow(disk, 32768), "read-only for this machine");
	EXPECT(!truncate(path, 32768));
	EXPECT_EQ(disk_grow(disk, 0), 1);
	EXPECT_EQ(disk_size(disk), 32768);
	disk_close(disk);
}

/* The last block of an image must be a whole one. */
static void direct(void)
{
	const char *path = test_file_on_disk(MIB(1));
	struct disk *disk;
	u32 block;

	if (!path)
		return;
	if (open_direct(&disk, path)) {
		EXPECT_HAS(fail_text(), "use cache=writeback");
		test_skip("the file system has no O_DIRECT");
		return;
	}
	block = disk_block_size(disk);
	EXPECT(block >= 512 && !(block & (block - 1)));
	EXPECT_EQ(disk_size(disk), MIB(1));
	disk_close(disk);
	EXPECT(!truncate(path, MIB(1) + 512));
	if (block == 512) {
		EXPECT(!open_direct(&disk, path));
		EXPECT_EQ(disk_size(disk), MIB(1) + 512);
		disk_close(disk);
	} else {
		EXPECT_FAIL(open_direct(&disk, path), "that O_DIRECT needs");
	}
}

static const struct test_case cases[] = {
	TEST_CASE(properties), TEST_CASE(refusals), TEST_CASE(no_waiting), TEST_CASE(not_allowed),
	TEST_CASE(locks), TEST_CASE(locks_last), TEST_CASE(foreign_lock), TEST_CASE(growth),
	TEST_CASE(made_longer), TEST_CASE(direct),
};
TEST_SUITE(disk_suite, "disk", cases);
