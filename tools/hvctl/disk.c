// SPDX-License-Identifier: GPL-2.0-only
/* The image: opening it, and what is to be known of it. disk_queue.c reads and writes it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "disk_impl.h"
#include "error.h"
#include "machine_dir.h"
#include "machine_find.h"
#include "same_file.h"
#include "size.h"

/* ---- opening ----------------------------------------------------------- */

static int open_failed(const struct disk_config *config)
{
	const char *path = config->path;

	switch (errno) {
	case ENOENT:
		return fail("--disk: there is no %s; an empty image is made by 'truncate -s 10G FILE'",
			    path);
	case EBUSY:
		return fail("--disk: %s is mounted, or another program has it for itself; end that, or add 'readonly'",
			    path);
	case EINVAL:
		if (config->direct)
			return fail("--disk: cache=none: the file system of %s has no O_DIRECT; use cache=writeback",
				    path);
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		if (!config->readonly)
			return fail_errno("--disk: cannot open %s for writing; allow it, or add 'readonly'",
					  path);
		break;
	}
	return fail_errno("--disk: cannot open %s", path);
}

/* Looked at before it is opened: that may wait or do things, with a FIFO or a tape. */
static int open_file(struct disk *disk)
{
	const struct disk_config *config = &disk->config;
	int flags = O_CLOEXEC | (config->readonly ? O_RDONLY : O_RDWR);
	struct stat st;

	if (stat(config->path, &st))
		return open_failed(config);
	disk->block_device = S_ISBLK(st.st_mode);
	if (!disk->block_device && !S_ISREG(st.st_mode))
		return fail("--disk: %s is neither a regular file nor a block device", config->path);
	if (config->direct)
		flags |= O_DIRECT;
	/* The kernel then refuses a device that is mounted, or becomes so. */
	if (disk->block_device && !config->readonly)
		flags |= O_EXCL;
	disk->fd = open(config->path, flags);
	return disk->fd < 0 ? open_failed(config) : 0;
}

/* F_OFD_GETLK tells of a conflicting lock, but with -1 for the PID of one like ours. */
static int lock_refused(const struct disk *disk, struct flock *lock)
{
	const char *path = disk->config.path;

	char name[NAME_MAX_LENGTH + 1];
	struct stat st;

	if (!fstat(disk->fd, &st) && machine_find_image(&st, name))
		return fail("--disk: %s is locked by the machine %s; stop that, or give both 'readonly'",
			    path, name);
	lock->l_pid = 0;
	if (fcntl(disk->fd, F_OFD_GETLK, lock) || lock->l_type == F_UNLCK)
		lock->l_type = F_WRLCK;
	if (lock->l_pid > 0)
		return fail("--disk: %s is locked by process %d; end that first", path,
			    (int)lock->l_pid);
	if (lock->l_type == F_RDLCK)
		return fail("--disk: %s is another disk's already, which only reads it; end that ('fuser FILE' tells what has it open), or add 'readonly' here",
			    path);
	return fail("--disk: %s is another disk's already, which may write to it; end that ('fuser FILE' tells what has it open), or give both 'readonly'",
		    path);
}

/*
 * An open file description's lock, and not a process's: it holds between two
 * disks of one process, too, and isn't lost when the file is opened and closed
 * elsewhere in it.
 */
static int lock_image(const struct disk *disk)
{
	struct flock lock = {
		.l_type = disk->config.readonly ? F_RDLCK : F_WRLCK,
		.l_whence = SEEK_SET,
	};

	if (!fcntl(disk->fd, F_OFD_SETLK, &lock))
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return lock_refused(disk, &lock);
	return fail_errno("--disk: cannot lock %s; use a file system that has locks",
			  disk->config.path);
}

/* It would go by itself, but not before the last that uses the file has let go of it. */
static void unlock_image(const struct disk *disk)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	fcntl(disk->fd, F_OFD_SETLK, &lock);
}

/* ---- what it is like ----------------------------------------------------- */

static int read_length(const struct disk *disk, u64 *length)
{
	struct stat st;

	if (disk->block_device && !ioctl(disk->fd, BLKGETSIZE64, length))
		return 0;
	if (!disk->block_device && !fstat(disk->fd, &st)) {
		*length = st.st_size;
		return 0;
	}
	return fail_errno("--disk: cannot tell the size of %s", disk->config.path);
}

/* Does O_DIRECT take blocks of @size, asked by reading one? */
static bool reads_blocks_of(const struct disk *disk, u32 size)
{
	void *block = aligned_alloc(DISK_SAFE_ALIGN, DISK_SAFE_ALIGN);
	bool ok = block && pread(disk->fd, block, size, 0) >= 0;

	free(block);
	return ok;
}

/* What O_DIRECT needs, where the kernel (6.1 on) and the file system tell it. */
static int direct_alignment(struct disk *disk)
{
	struct statx stx;

	disk->memory_align = DISK_SAFE_ALIGN;
	if (!statx(disk->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) &&
	    stx.stx_mask & STATX_DIOALIGN) {
		disk->memory_align = max_u64(1, stx.stx_dio_mem_align);
		disk->block_size = max_u64(disk->block_size, stx.stx_dio_offset_align);
		if (stx.stx_dio_offset_align)
			return 0;
	} else if (reads_blocks_of(disk, disk->block_size)) {
		return 0;
	} else if (reads_blocks_of(disk, DISK_SAFE_ALIGN)) {
		disk->block_size = DISK_SAFE_ALIGN;
		return 0;
	}
	return fail("--disk: cache=none: O_DIRECT doesn't work with %s; use cache=writeback",
		    disk->config.path);
}

static int find_alignment(struct disk *disk)
{
	int logical = DISK_SECTOR;

	/* fallocate() wants whole blocks of a device, even if the page cache doesn't. */
	if (disk->block_device && ioctl(disk->fd, BLKSSZGET, &logical))
		return fail_errno("--disk: cannot tell the block size of %s", disk->config.path);
	disk->block_size = logical;
	disk->memory_align = 1;
	return disk->config.direct ? direct_alignment(disk) : 0;
}

static int find_size(struct disk *disk)
{
	const char *path = disk->config.path;
	u64 length;

	if (read_length(disk, &length))
		return -1;
	if (!length)
		return fail("--disk: %s is empty; give it a size with 'truncate -s 10G FILE'", path);
	if (length % DISK_SECTOR)
		return fail("--disk: %s has %" PRIu64 " bytes, no multiple of %u, so it is no raw image or a damaged one; 'truncate -s %%%u FILE' fills it up",
			    path, length, DISK_SECTOR, DISK_SECTOR);
	if (length % disk->block_size)
		return fail("--disk: cache=none: %s has %" PRIu64 " bytes, no multiple of the %u that O_DIRECT needs; use cache=writeback, or fill it up with 'truncate -s %%%u FILE'",
			    path, length, disk->block_size, disk->block_size);
	disk->size = length;
	return 0;
}

/*
 * Can the device make holes? In a device these are zeros that its fallocate()
 * has it write in a way that costs no space. A partition's disk knows.
 */
static bool device_has_holes(dev_t device)
{
	static const char * const format[] = {
		"/sys/dev/block/%u:%u/queue/write_zeroes_max_bytes",
		"/sys/dev/block/%u:%u/../queue/write_zeroes_max_bytes",
	};
	unsigned long long most = 0;
	FILE *file = NULL;
	unsigned int i;
	char path[96];

	for (i = 0; i < ARRAY_SIZE(format) && !file; i++) {
		snprintf(path, sizeof(path), format[i], major(device), minor(device));
		file = fopen(path, "re");
	}
	if (!file)
		return false;
	if (fscanf(file, "%llu", &most) != 1)
		most = 0;
	fclose(file);
	return most;
}

/* A file system is asked with a byte beyond the end of the file. */
static bool find_discard(const struct disk *disk)
{
	struct stat st;

	if (disk->config.readonly)
		return false;
	if (!disk->block_device)
		return !fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				  disk->size, 1);
	return !fstat(disk->fd, &st) && device_has_holes(st.st_rdev);
}

int disk_open(struct disk **out, const struct disk_config *config)
{
	struct disk *disk;

	disk = aligned_alloc(_Alignof(struct disk), sizeof(*disk));
	if (!disk)
		return fail("out of memory");
	memset(disk, 0, sizeof(*disk));
	disk->config = *config;
	if (open_file(disk))
		goto err_free;
	if (lock_image(disk) || find_alignment(disk) || find_size(disk))
		goto err_close;
	disk->can_discard = find_discard(disk);
	rate_limit_init(&disk->limit, config->iops, config->bps);
	*out = disk;
	return 0;

err_close:
	close(disk->fd);
err_free:
	free(disk);
	return -1;
}

void disk_close(struct disk *disk)
{
	if (!disk)
		return;
	rate_limit_destroy(&disk->limit);
	unlock_image(disk);
	close(disk->fd);
	free(disk);
}

/* ---- asking ------------------------------------------------------------ */

u64 disk_size(const struct disk *disk)
{
	return disk->size;
}

bool disk_readonly(const struct disk *disk)
{
	return disk->config.readonly;
}

const char *disk_serial(const struct disk *disk)
{
	return disk->config.serial;
}

void disk_count(const struct disk *disk, struct disk_counts *counts)
{
	unsigned int op;

	for (op = 0; op < DISK_OPS; op++) {
		counts->requests[op] = counter_read(&disk->counted.requests[op]);
		counts->bytes[op] = counter_read(&disk->counted.bytes[op]);
	}
	counts->errors = counter_read(&disk->counted.errors);
}

u32 disk_block_size(const struct disk *disk)
{
	return disk->block_size;
}

bool disk_can_discard(const struct disk *disk)
{
	return disk->can_discard;
}

bool disk_is_file(const struct disk *disk, const struct stat *st)
{
	struct stat here;

	return !fstat(disk->fd, &here) && same_file(&here, st);
}

/* ---- growing ------------------------------------------------------------ */

int disk_check_growth(const struct disk *disk, u64 size)
{
	const char *path = disk->config.path;
	char text[32];
	u64 length;

	if (disk->block_device)
		return fail("--disk: %s is a block device; make it larger by its own tool, for instance lvextend, and then leave size= out",
			    path);
	if (disk->config.readonly)
		return fail("--disk: %s is read-only for this machine; make it larger yourself, and then leave size= out",
			    path);
	if (size % disk->block_size || size > INT64_MAX)
		return fail("--disk: size: %" PRIu64 " is no multiple of the %u bytes of a block",
			    size, disk->block_size);
	if (read_length(disk, &length))
		return -1;
	length = max_u64(length, disk->size);
	if (size < length)
		return fail("--disk: %s has %s; a drive only grows", path,
			    format_size(length, text, sizeof(text)));
	return 0;
}

int disk_grow(struct disk *disk, u64 size)
{
	const char *path = disk->config.path;
	u64 length, known = disk->size;

	if (size) {
		if (disk_check_growth(disk, size))
			return -1;
		if (ftruncate(disk->fd, size))
			return fail_errno("--disk: cannot make %s larger", path);
	}
	if (read_length(disk, &length))
		return -1;
	length -= length % disk->block_size;
	if (length < known)
		return fail("--disk: %s was made shorter under its machine; give it %" PRIu64 " bytes again",
			    path, known);
	disk->size = length;
	return length > known;
}
