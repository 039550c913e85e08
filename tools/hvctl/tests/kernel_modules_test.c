// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kernel_modules.h"
#include "test.h"

static const char dep[] =
	"kernel/fs/fuse/fuse.ko:\n"
	"kernel/fs/fuse/virtiofs.ko: kernel/fs/fuse/fuse.ko kernel/drivers/virtio/virtio.ko\n"
	"kernel/drivers/virtio/virtio.ko:\n"
	"kernel/drivers/virtio/virtio_pci.ko.xz: kernel/drivers/virtio/virtio-modern.ko "
	"kernel/drivers/virtio/virtio.ko\n"
	"kernel/drivers/virtio/virtio-modern.ko: kernel/drivers/virtio/virtio.ko\n"
	"kernel/over.ko.extra/overlay2.ko:\n"
	"no colon\n";
static const char builtin[] = "kernel/fs/overlayfs/overlay.ko\nkernel/lib/last.ko";

static char folder[] = "/tmp/hvctl-modules.XXXXXX";
static char path[64];
static struct kernel_modules list;

static void put_file(const char *name, const char *text)
{
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	EXPECT(file);
	fputs(text, file);
	fclose(file);
}

static void start(void)
{
	strcpy(strrchr(folder, '.'), ".XXXXXX");
	EXPECT(mkdtemp(folder));
	put_file("modules.dep", dep);
	put_file("modules.builtin", builtin);
}

static void end(void)
{
	kernel_modules_free(&list);
	EXPECT_EQ(list.count, 0);
	snprintf(path, sizeof(path), "%s/modules.dep", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/modules.builtin", folder);
	unlink(path);
	rmdir(folder);
}

static void order(void)
{
	start();
	EXPECT(!kernel_modules_add(&list, folder, "virtiofs"));
	EXPECT_EQ(list.count, 3);
	EXPECT(!strcmp(list.path[0], "kernel/drivers/virtio/virtio.ko"));
	EXPECT(!strcmp(list.path[1], "kernel/fs/fuse/fuse.ko"));
	EXPECT(!strcmp(list.path[2], "kernel/fs/fuse/virtiofs.ko"));
	/* Dashes are underscores, and what is there isn't added. */
	EXPECT(!kernel_modules_add(&list, folder, "virtio-pci"));
	EXPECT_EQ(list.count, 5);
	EXPECT(!strcmp(list.path[3], "kernel/drivers/virtio/virtio-modern.ko"));
	EXPECT(!strcmp(list.path[4], "kernel/drivers/virtio/virtio_pci.ko.xz"));
	EXPECT(!kernel_modules_add(&list, folder, "virtio_modern"));
	EXPECT(!kernel_modules_add(&list, folder, "fuse"));
	EXPECT_EQ(list.count, 5);
	end();
}

static void built_in(void)
{
	start();
	EXPECT(!kernel_modules_add(&list, folder, "overlay"));
	EXPECT(!kernel_modules_add(&list, folder, "last"));
	EXPECT_EQ(list.count, 0);
	end();
}

static void refusals(void)
{
	start();
	EXPECT_FAIL(kernel_modules_add(&list, folder, "virtio_p"), "has no module virtio_p");
	EXPECT_FAIL(kernel_modules_add(&list, folder, "over"), "has no module over");
	EXPECT_FAIL(kernel_modules_add(&list, folder, ""), "has no module");
	EXPECT_EQ(list.count, 0);
	EXPECT_FAIL(kernel_modules_add(&list, "/nowhere", "fuse"),
		    "cannot read /nowhere/modules.dep");
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(order), TEST_CASE(built_in), TEST_CASE(refusals),
};

TEST_SUITE(kernel_modules_suite, "kernel_modules", cases);
