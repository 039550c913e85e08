// SPDX-License-Identifier: GPL-2.0-only
/*
 * I/O APIC, after Intel's 82093AA datasheet; the EOI register at 0x40 and the
 * version that announces it are those of the I/OxAPIC in later chipsets.
 */
#include "ioapic.h"

#include <string.h>

#include "layout.h"

#define IOREGSEL		0x00
#define IOWIN			0x10
#define IOEOI			0x40

#define INDEX_ID		0
#define INDEX_VERSION		1
#define INDEX_ARBITRATION	2
#define INDEX_REDIRECT		16

#define IOAPIC_VERSION		0x20

#define REDIR_VECTOR		0xffULL
#define REDIR_MODE_SHIFT	8
#define REDIR_MODE_MASK		7
#define REDIR_LOGICAL		BIT_ULL(11)
#define REDIR_REMOTE_IRR	BIT_ULL(14)
#define REDIR_LEVEL		BIT_ULL(15)
#define REDIR_MASKED		BIT_ULL(16)
#define REDIR_DEST_SHIFT	56
/* Delivery status (always idle here) and remote IRR are read-only. */
#define REDIR_WRITABLE		0xff0000000001afffULL

#define MODE_LOWEST_PRIORITY	1

/* SDM 3A 11.11: the message's address and data. */
#define MSI_DEST_SHIFT		12
#define MSI_REDIRECTION_HINT	BIT(3)
#define MSI_LOGICAL		BIT(2)
#define MSI_MODE_SHIFT		8
#define MSI_ASSERT		BIT(14)
#define MSI_LEVEL		BIT(15)

void ioapic_init(struct ioapic *io, ioapic_send_fn send, void *opaque)
{
	unsigned int pin;

	memset(io, 0, sizeof(*io));
	pthread_mutex_init(&io->lock, NULL);
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		io->redirect[pin] = REDIR_MASKED;
	io->send = send;
	io->opaque = opaque;
}

void ioapic_destroy(struct ioapic *io)
{
	pthread_mutex_destroy(&io->lock);
}

static void send(struct ioapic *io, u64 entry)
{
	u64 mode = entry >> REDIR_MODE_SHIFT & REDIR_MODE_MASK;
	u64 address = LAPIC_BASE | (entry >> REDIR_DEST_SHIFT) << MSI_DEST_SHIFT;
	u32 data = (entry & REDIR_VECTOR) | mode << MSI_MODE_SHIFT;

	if (entry & REDIR_LOGICAL)
		address |= MSI_LOGICAL;
	if (mode == MODE_LOWEST_PRIORITY)
		address |= MSI_REDIRECTION_HINT;
	if (entry & REDIR_LEVEL)
		data |= MSI_LEVEL | MSI_ASSERT;
	io->send(io->opaque, address, data);
}

/* Level pins wait while masked, or until the EOI of the message before. */
static void update_level(struct ioapic *io, unsigned int pin)
{
	u64 *entry = &io->redirect[pin];

	if (!(*entry & REDIR_LEVEL) || *entry & (REDIR_MASKED | REDIR_REMOTE_IRR) ||
	    !(io->lines & BIT(pin)))
		return;
	*entry |= REDIR_REMOTE_IRR;
	send(io, *entry);
}

void ioapic_set_pin(struct ioapic *io, unsigned int pin, bool asserted)
{
	u64 entry;

	pthread_mutex_lock(&io->lock);
	entry = io->redirect[pin];
	if (!asserted) {
		io->lines &= ~BIT(pin);
	} else if (!(io->lines & BIT(pin))) {
		io->lines |= BIT(pin);
		/* An edge at a masked pin is lost (82093AA, 3.2.4, bit 16). */
		if (entry & REDIR_LEVEL)
			update_level(io, pin);
		else if (!(entry & REDIR_MASKED))
			send(io, entry);
	}
	pthread_mutex_unlock(&io->lock);
}

bool ioapic_pin_enabled(struct ioapic *io, unsigned int pin)
{
	bool enabled;

	pthread_mutex_lock(&io->lock);
	enabled = !(io->redirect[pin] & REDIR_MASKED);
	pthread_mutex_unlock(&io->lock);
	return enabled;
}

static void eoi_locked(struct ioapic *io, u8 vector)
{
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		u64 *entry = &io->redirect[pin];

		if ((*entry & REDIR_VECTOR) != vector || !(*entry & REDIR_REMOTE_IRR))
			continue;
		*entry &= ~REDIR_REMOTE_IRR;
		update_level(io, pin);
	}
}

void ioapic_eoi(struct ioapic *io, u8 vector)
{
	pthread_mutex_lock(&io->lock);
	eoi_locked(io, vector);
	pthread_mutex_unlock(&io->lock);
}

static u32 read_register(const struct ioapic *io)
{
	unsigned int pin = (io->index - INDEX_REDIRECT) / 2;

	switch (io->index) {
	case INDEX_ID:
	case INDEX_ARBITRATION:
		return (u32)io->id << 24;
	case INDEX_VERSION:
		return IOAPIC_VERSION | (IOAPIC_PINS - 1) << 16;
	}
	if (io->index < INDEX_REDIRECT || pin >= IOAPIC_PINS)
		return UINT32_MAX;
	return io->index & 1 ? io->redirect[pin] >> 32 : io->redirect[pin];
}

static void write_redirect(struct ioapic *io, unsigned int pin, bool high, u32 value)
{
	u64 *entry = &io->redirect[pin];
	u64 new;

	new = high ? (u64)value << 32 | (u32)*entry : (*entry & ~(u64)UINT32_MAX) | value;
	*entry = (new & REDIR_WRITABLE) | (*entry & REDIR_REMOTE_IRR);
	/* A pin that is edge-triggered waits for no EOI; guests rely on it to clear. */
	if (!(*entry & REDIR_LEVEL))
		*entry &= ~REDIR_REMOTE_IRR;
	update_level(io, pin);
}

static void write_register(struct ioapic *io, u32 value)
{
	unsigned int pin = (io->index - INDEX_REDIRECT) / 2;

	if (io->index == INDEX_ID)
		io->id = value >> 24 & 0xf;
	else if (io->index >= INDEX_REDIRECT && pin < IOAPIC_PINS)
		write_redirect(io, pin, io->index & 1, value);
}

static u64 ioapic_read(void *dev, u64 offset, unsigned int size)
{
	struct ioapic *io = dev;
	u32 value = 0;

	(void)size;
	pthread_mutex_lock(&io->lock);
	if (offset == IOREGSEL)
		value = io->index;
	else if (offset == IOWIN)
		value = read_register(io);
	pthread_mutex_unlock(&io->lock);
	return value;
}

static void ioapic_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct ioapic *io = dev;

	(void)size;
	pthread_mutex_lock(&io->lock);
	if (offset == IOREGSEL)
		io->index = value;
	else if (offset == IOWIN)
		write_register(io, value);
	else if (offset == IOEOI)
		eoi_locked(io, value);
	pthread_mutex_unlock(&io->lock);
}

const struct bus_ops ioapic_ops = {
	.read = ioapic_read,
	.write = ioapic_write,
	.width = 4,
};
