// SPDX-License-Identifier: GPL-2.0-only
#include <sys/eventfd.h>
#include <unistd.h>

#include "msix.h"
#include "test.h"

#define VECTORS		65

static struct pci_device device;
static struct msix msix;
static struct binding { int fd; u64 address; u32 data; unsigned int binds, unbinds; } last;
static bool refuse;

static int on_bind(void *opaque, int fd, u64 address, u32 data)
{
	struct binding *b = opaque;

	if (refuse)
		return fail("not a message");
	b->fd = fd;
	b->address = address;
	b->data = data;
	b->binds++;
	return 0;
}

static void on_unbind(void *opaque, int fd)
{
	struct binding *b = opaque;

	b->fd = fd;
	b->unbinds++;
}

static const struct msix_host host = { on_bind, on_unbind, &last };

static void start(void)
{
	memset(&last, 0, sizeof(last));
	refuse = false;
	device = (struct pci_device){ 0 };
	EXPECT(!msix_create(&msix, &device, VECTORS, 2, 0x2000, 0x3000));
	msix.host = &host;
}

static void control(u16 value)
{
	pci_set16(&device, msix.capability + PCI_MSIX_FLAGS, value, 0);
	msix_config_written(&msix, &device, msix.capability + PCI_MSIX_FLAGS + 1, 1);
}

static void put(unsigned int vector, unsigned int word, u32 value)
{
	msix_table_ops.write(&msix, vector * 16 + word * 4, 4, value);
}

static u32 pending(unsigned int offset)
{
	return msix_pba_ops.read(&msix, offset, 4);
}

static void capability(void)
{
	start();
	EXPECT_EQ(pci_get16(&device, 0x42), VECTORS - 1);
	EXPECT_EQ(pci_get32(&device, 0x44), 0x2002);
	EXPECT_EQ(pci_get32(&device, 0x48), 0x3002);
	EXPECT_EQ(device.writable[0x43], 0xc0);
	msix_destroy(&msix);
}

static void table(void)
{
	start();
	/* All are masked at first. */
	EXPECT_EQ(msix_table_ops.read(&msix, 64 * 16 + 12, 4), 1);
	put(64, 0, 0xfee01000);
	put(64, 1, 2);
	put(64, 2, 0x41);
	EXPECT_EQ(msix_table_ops.read(&msix, 64 * 16, 4), 0xfee01000);
	EXPECT_EQ(msix_table_ops.read(&msix, 64 * 16 + 2, 2), UINT64_MAX);
	msix_table_ops.write(&msix, 64 * 16 + 8, 2, 0);
	EXPECT_EQ(msix_table_ops.read(&msix, 64 * 16 + 8, 4), 0x41);
	put(64, 3, 0);
	EXPECT_EQ(last.binds, 0);
	control(PCI_MSIX_FLAGS_ENABLE);
	EXPECT_EQ(last.binds, 1);
	EXPECT_EQ(last.fd, msix.vector[64].fd);
	EXPECT_EQ(last.address, 0x2fee01000);
	EXPECT_EQ(last.data, 0x41);
	/* Another message takes effect at once. */
	put(64, 2, 0x42);
	EXPECT_EQ(last.unbinds, 1);
	EXPECT_EQ(last.binds, 2);
	EXPECT_EQ(last.data, 0x42);
	put(64, 3, 0xffffffff);
	EXPECT_EQ(last.unbinds, 2);
	EXPECT_EQ(msix_table_ops.read(&msix, 64 * 16 + 12, 4), 1);
	msix_destroy(&msix);
}

static void masks(void)
{
	start();
	put(0, 3, 0);
	put(1, 3, 0);
	control(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	EXPECT_EQ(last.binds, 0);
	control(PCI_MSIX_FLAGS_ENABLE);
	EXPECT_EQ(last.binds, 2);
	/* Writes elsewhere change nothing. */
	pci_set16(&device, msix.capability + PCI_MSIX_FLAGS, 0, 0);
	msix_config_written(&msix, &device, 0, 4);
	msix_config_written(&msix, &device, msix.capability + 4, 4);
	EXPECT_EQ(last.unbinds, 0);
	control(0);
	EXPECT_EQ(last.unbinds, 2);
	msix_destroy(&msix);
}

static void pending_bits(void)
{
	eventfd_t count;

	start();
	control(PCI_MSIX_FLAGS_ENABLE);
	put(1, 3, 0);
	EXPECT_EQ(last.binds, 1);
	msix_signal(&msix, 0);
	msix_signal(&msix, 1);
	msix_signal(&msix, 33);
	msix_signal(&msix, 64);
	msix_signal(&msix, 65);
	msix_signal(&msix, 0xffff);
	/* What is bound is sent, not pending. */
	EXPECT_EQ(pending(0), BIT(0));
	EXPECT_EQ(pending(4), BIT(1));
	EXPECT_EQ(pending(8), BIT(0));
	EXPECT_EQ(pending(12), 0);
	/* The signal is still in the eventfd when it is bound. */
	put(33, 3, 0);
	EXPECT(!eventfd_read(msix.vector[33].fd, &count));
	EXPECT_EQ(count, 1);
	EXPECT_EQ(pending(4), 0);
	msix_reset(&msix);
	EXPECT_EQ(last.unbinds, 2);
	EXPECT_EQ(pending(0), 0);
	EXPECT_EQ(pending(8), 0);
	EXPECT_EQ(msix_table_ops.read(&msix, 33 * 16 + 12, 4), 1);
	msix_destroy(&msix);
}

/* What is no message isn't bound, until it is one. */
static void no_message(void)
{
	start();
	control(PCI_MSIX_FLAGS_ENABLE);
	refuse = true;
	put(0, 3, 0);
	EXPECT_EQ(last.binds, 0);
	refuse = false;
	put(0, 0, 0xfee00000);
	EXPECT_EQ(last.binds, 1);
	EXPECT_EQ(last.unbinds, 0);
	msix_destroy(&msix);
}

static const struct test_case cases[] = {
	TEST_CASE(capability), TEST_CASE(table), TEST_CASE(masks), TEST_CASE(pending_bits),
	TEST_CASE(no_message),
};
TEST_SUITE(msix_suite, "msix", cases);
