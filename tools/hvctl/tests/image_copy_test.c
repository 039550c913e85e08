// SPDX-License-Identifier: GPL-2.0-only
/* Kernels whose pages machines share, as files in their memory. */
#include "image_copy.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_image.h"
#include "elf_make.h"
#include "machine_dir.h"
#include "memory.h"
#include "test.h"

#define PAGE		MEMORY_PAGE
#define FILE_SIZE	KIB(64)

/* Text from the middle of a page on, and in the file at no page at all; data; and BSS. */
#define TEXT		(MIB(2) + 0x800)
#define TEXT_SIZE	(4 * PAGE + 0x900)
#define TEXT_OFFSET	0x2c00
#define DATA		(TEXT + TEXT_SIZE)

static char base[] = "/dev/shm/hvctl-copies-XXXXXX";
static char folder[64];
static u8 file[FILE_SIZE];
static const char *path;
static struct guest_memory mem[2];

static unsigned int copies(void)
{
	DIR *dir = opendir(folder);
	unsigned int count = 0;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		count += *entry->d_name != '.';
	if (dir)
		closedir(dir);
	return count;
}

static bool start(void)
{
	static struct elf_make elf;
	unsigned int i;

	strcpy(base + sizeof(base) - 7, "XXXXXX");
	if (!mkdtemp(base)) {
		test_skip("there is no /dev/shm");
		return false;
	}
	snprintf(folder, sizeof(folder), "%s/copies", base);
	for (i = 0; i < sizeof(file); i++)
		file[i] = 1 + i * 13 % 251;
	elf_make_start(&elf, true, TEXT);
	elf_make_segment(&elf, PT_LOAD, TEXT_OFFSET, TEXT, TEXT, TEXT_SIZE, TEXT_SIZE);
	elf_make_segment(&elf, PT_LOAD, 0x9000, DATA, DATA, 2 * PAGE, MIB(1));
	((Elf64_Phdr *)(elf.file + sizeof(Elf64_Ehdr)))[1].p_flags = PF_W;
	memcpy(file, elf.file, 0x1000);
	path = test_file(file, sizeof(file));
	/* What was just written isn't copied. */
	usleep(120000);
	EXPECT(!memory_create(&mem[0], MIB(8)) && !memory_create(&mem[1], MIB(8)));
	return true;
}

static void end(void)
{
	memory_destroy(&mem[0]);
	memory_destroy(&mem[1]);
	EXPECT_EQ(copies(), 0);
	EXPECT(!rmdir(base));
}

static int load(struct guest_memory *to)
{
	const struct boot_files files = { .kernel = path, .copies = folder };
	struct boot boot = { .files = &files, .mem = to };
	struct elf_image elf;
	struct image kernel;
	int ret;

	EXPECT(!image_open(&kernel, path, "kernel"));
	boot.kernel = &kernel;
	ret = elf_read(&kernel, &elf) ? -1 : elf_load(&boot, &elf);
	image_close(&kernel);
	return ret;
}

/* Is all of the kernel there, and nothing else around it? */
static bool is_whole(const struct guest_memory *in)
{
	const u8 *before = in->host + TEXT - 0x800;
	static const u8 zeros[0x800];

	return !memcmp(before, zeros, sizeof(zeros)) &&
	       !memcmp(in->host + TEXT, file + TEXT_OFFSET, TEXT_SIZE) &&
	       !memcmp(in->host + DATA, file + 0x9000, 2 * PAGE) &&
	       !memcmp(in->host + DATA + 2 * PAGE, zeros, sizeof(zeros));
}

static void two_machines(void)
{
	u8 *first;

	if (!start())
		return;
	first = mem[0].host + MIB(2) + PAGE;
	EXPECT(!load(&mem[0]));
	EXPECT_EQ(copies(), 1);
	EXPECT_EQ(mem[0].files.count, 1);
	EXPECT(mem[0].files.range[0].start == first);
	EXPECT_EQ(mem[0].files.range[0].end - first, 4 * PAGE);
	EXPECT(is_whole(&mem[0]));
	EXPECT(!load(&mem[1]));
	EXPECT_EQ(copies(), 1);
	EXPECT_EQ(mem[1].files.count, 1);
	EXPECT(is_whole(&mem[1]));

	/* What a guest writes is its own. */
	*first = 0;
	EXPECT(is_whole(&mem[1]) && !is_whole(&mem[0]));
	/* The first one goes, and the second one's are there; the last one takes the copy away. */
	memory_destroy(&mem[0]);
	EXPECT(is_whole(&mem[1]));
	EXPECT_EQ(copies(), 1);
	EXPECT(!memory_clear(&mem[1]));
	EXPECT_EQ(copies(), 0);
	EXPECT(!memory_create(&mem[0], MIB(8)));
	end();
}

/* A reset clears what is mapped, and the next boot maps it again. */
static void again(void)
{
	static const u8 zeros[TEXT_SIZE];

	if (!start())
		return;
	EXPECT(!load(&mem[0]));
	EXPECT(!memory_clear(&mem[0]));
	EXPECT_EQ(mem[0].files.count, 0);
	EXPECT(!memcmp(mem[0].host + TEXT, zeros, TEXT_SIZE));
	EXPECT(!load(&mem[0]));
	EXPECT_EQ(mem[0].files.count, 1);
	EXPECT(is_whole(&mem[0]));
	end();
}

/* The balloon's pages are zero when they come back, and not the file's again. */
static void discards(void)
{
	u8 *first;

	if (!start())
		return;
	first = mem[0].host + MIB(2) + PAGE;
	EXPECT(!load(&mem[0]));
	EXPECT(!memory_discard(&mem[0], MIB(2) + 2 * PAGE, 2 * PAGE));
	EXPECT(first[0] && first[PAGE - 1] && first[3 * PAGE]);
	EXPECT_EQ(first[PAGE] | first[2 * PAGE] | first[3 * PAGE - 1], 0);
	first[PAGE] = 7;
	EXPECT(!memory_discard(&mem[0], MIB(2), MIB(1)));
	EXPECT_EQ(first[0] | first[PAGE] | first[3 * PAGE] | mem[0].host[DATA], 0);
	EXPECT(!load(&mem[1]));
	EXPECT(is_whole(&mem[1]));
	end();
}

/* Whoever makes the file shorter, or writes to it, does nothing to those that booted it. */
static void file_changes(void)
{
	int fd;

	if (!start())
		return;
	EXPECT(!load(&mem[0]));
	fd = open(path, O_RDWR | O_CLOEXEC);
	EXPECT(!ftruncate(fd, 0));
	EXPECT(is_whole(&mem[0]));
	file[TEXT_OFFSET + 2 * PAGE] ^= 0xff;
	EXPECT_EQ(pwrite(fd, file, sizeof(file), 0), sizeof(file));
	EXPECT(!load(&mem[1]));
	EXPECT_EQ(copies(), 1);
	EXPECT(is_whole(&mem[1]) && !is_whole(&mem[0]));
	EXPECT(!memory_clear(&mem[1]));
	usleep(120000);
	EXPECT(!load(&mem[1]));
	EXPECT_EQ(copies(), 2);
	EXPECT(is_whole(&mem[1]) && !is_whole(&mem[0]));
	close(fd);
	end();
}

/* Without a copy, all goes on as before. */
static void refused(void)
{
	struct guest_memory shared;
	int fd;

	if (!start())
		return;
	/* Others map this memory as a file. */
	EXPECT(!memory_create_shared(&shared, MIB(8)));
	EXPECT(!load(&shared));
	EXPECT(is_whole(&shared));
	EXPECT_EQ(shared.files.count, 0);
	memory_destroy(&shared);
	/* There is no such folder. */
	strcpy(folder, "/proc/copies");
	EXPECT(!load(&mem[0]));
	EXPECT(is_whole(&mem[0]));
	EXPECT_EQ(mem[0].files.count, 0);
	/* Something else has the folder's name. */
	snprintf(folder, sizeof(folder), "%s/copies", base);
	fd = open(folder, O_CREAT | O_CLOEXEC, 0600);
	EXPECT(!load(&mem[1]));
	EXPECT(is_whole(&mem[1]));
	close(fd);
	unlink(folder);
	end();
}

static void sweeps(void)
{
	struct image_copy copy;
	char **list;
	int fd;

	if (!start())
		return;
	EXPECT(!load(&mem[0]));
	image_copy_sweep(folder);
	EXPECT_EQ(copies(), 1);
	/* As when its machine is killed */
	snprintf(copy.path, sizeof(copy.path), "%s/1-2-3", folder);
	fd = open(copy.path, O_CREAT | O_RDONLY | O_CLOEXEC, 0400);
	close(fd);
	EXPECT_EQ(copies(), 2);
	image_copy_sweep(folder);
	EXPECT_EQ(copies(), 1);
	/* So does who lists machines. */
	machine_dir_base = base;
	EXPECT(!machine_dir_copies(copy.path));
	EXPECT(!strcmp(strrchr(copy.path, '/'), "/.copies"));
	EXPECT(!mkdir(copy.path, 0700));
	list = machine_dir_list();
	EXPECT(list && !list[0]);
	free(list);
	EXPECT(access(copy.path, F_OK));
	machine_dir_base = NULL;
	end();
}

/* Many come and go at once; the copy is always whole, and at last there is none. */
static void *come_and_go(void *arg)
{
	const struct image_part part = { .from = TEXT_OFFSET, .len = 4 * PAGE };
	struct image_copy copy;
	unsigned int i, *good = arg;
	struct image img;
	u8 data[64];

	for (i = 0; i < 200; i++) {
		if (image_open(&img, path, "kernel"))
			break;
		if (!image_copy_open(&copy, folder, &img, &part, 1)) {
			*good += pread(copy.fd, data, sizeof(data), 3 * PAGE) == sizeof(data) &&
				 !memcmp(data, file + TEXT_OFFSET + 3 * PAGE, sizeof(data));
			image_copy_close(&copy);
		}
		image_close(&img);
	}
	return NULL;
}

static void storm(void)
{
	unsigned int i, good[4] = { 0 };
	pthread_t thread[4];

	if (!start())
		return;
	for (i = 0; i < ARRAY_SIZE(thread); i++)
		EXPECT(!pthread_create(&thread[i], NULL, come_and_go, &good[i]));
	for (i = 0; i < ARRAY_SIZE(thread); i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(good[i], 200);
	}
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(two_machines),
	TEST_CASE(again),
	TEST_CASE(discards),
	TEST_CASE(file_changes),
	TEST_CASE(refused),
	TEST_CASE(sweeps),
	TEST_CASE(storm),
};

TEST_SUITE(image_copy_suite, "image_copy", cases);
