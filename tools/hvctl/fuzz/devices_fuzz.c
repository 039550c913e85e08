// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices on their buses. An input is a sequence of what the guest and the
 * host may do to them.
 */
#include <linux/serial_reg.h>

#include "debug_exit.h"
#include "fuzz.h"
#include "i8042_reset.h"
#include "layout.h"
#include "machine.h"
#include "power.h"

#define DEBUG_EXIT	0xf4
#define IOWIN		0x10

#define RTC_HOURS	0x04
#define RTC_B		0x0b
#define B_SET		BIT(7)
#define B_BINARY	BIT(2)
#define B_24_HOURS	BIT(1)
#define HOURS_PM	BIT(7)

#define REDIR_REMOTE_IRR	BIT(14)
#define REDIR_LEVEL		BIT(15)
#define REDIR_MASKED		BIT(16)
#define REDIR_RESERVED		0x00fffffffffe1000ULL

static struct machine m;
static struct timespec clock_now;
static unsigned int wakes;
static bool line;

/* ---- the host ---------------------------------------------------------- */

static void on_transmit(void *opaque, u8 byte)
{
	(void)opaque;
	(void)byte;
}

static void on_irq(void *opaque, bool asserted)
{
	(void)opaque;
	MUST(asserted != line);
	line = asserted;
	ioapic_set_pin(&m.ioapic, PIN_SERIAL, asserted);
}

static void on_ready(void *opaque)
{
	(void)opaque;
	wakes++;
}

/* Such a message goes to a local APIC, and to no other address. */
static void on_message(void *opaque, u64 address, u32 data)
{
	(void)opaque;
	MUST((address & ~0xfffffULL) == LAPIC_BASE);
	MUST(!(data & ~0xc7ffU));
}

static void now(struct timespec *ts)
{
	*ts = clock_now;
}

static const struct serial_host host = { on_transmit, on_irq, on_ready, NULL };

static void start(void)
{
	memset(&m, 0, sizeof(m));
	pthread_mutex_init(&m.stop_lock, NULL);
	m.wake_fd = -1;
	line = false;
	ioapic_init(&m.ioapic, on_message, NULL);
	serial_init(&m.serial, &host);
	rtc_init(&m.rtc);
	m.rtc.now = now;
	clock_now = (struct timespec){ 1795298709, 0 };
	MUST(!bus_add(&m.ports, PORT_SERIAL, SERIAL_PORTS, &serial_ops, &m.serial));
	MUST(!bus_add(&m.ports, PORT_CMOS, RTC_PORTS, &rtc_ops, &m.rtc));
	MUST(!bus_add(&m.ports, PORT_I8042_COMMAND, 1, &i8042_reset_ops, &m));
	MUST(!bus_add(&m.ports, PORT_SLEEP_CONTROL, 3, &power_ops, &m));
	MUST(!bus_add(&m.ports, DEBUG_EXIT, DEBUG_EXIT_PORTS, &debug_exit_ops, &m));
	MUST(!bus_add(&m.ports, DEBUG_PINS_PORT, DEBUG_PINS_PORTS, &debug_pins_ops, &m.ioapic));
	MUST(!bus_add(&m.mmio, IOAPIC_BASE, IOAPIC_SIZE, &ioapic_ops, &m.ioapic));
}

static void end(void)
{
	rtc_destroy(&m.rtc);
	serial_destroy(&m.serial);
	ioapic_destroy(&m.ioapic);
	pthread_mutex_destroy(&m.stop_lock);
}

/* ---- what must be true after each step ---------------------------------- */

static void check_serial(void)
{
	struct serial *s = &m.serial;
	unsigned int fifo = s->fcr & UART_FCR_ENABLE_FIFO ? SERIAL_FIFO : 1;
	bool starved = s->starved;
	bool pending = (s->ier & UART_IER_RLSI && s->overrun) ||
		       (s->ier & UART_IER_RDI && s->count) ||
		       (s->ier & UART_IER_THRI && s->thr_interrupt);
	unsigned int room = serial_room(s);

	s->starved = starved;
	MUST(s->count <= fifo);
	MUST(room <= fifo - s->count);
	/* Whoever waits for room has been called when there is some. */
	MUST(!starved || !room);
	MUST(line == (pending && s->mcr & UART_MCR_OUT2 && !(s->mcr & UART_MCR_LOOP)));
}

static void check_ioapic(void)
{
	unsigned int pin;

	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		u64 entry = m.ioapic.redirect[pin];
		bool asserted = m.ioapic.lines & BIT(pin);

		MUST(!(entry & REDIR_RESERVED));
		if (!(entry & REDIR_LEVEL))
			MUST(!(entry & REDIR_REMOTE_IRR));
		else if (asserted && !(entry & REDIR_MASKED))
			MUST(entry & REDIR_REMOTE_IRR);
	}
	MUST(!(m.ioapic.lines >> IOAPIC_PINS));
}

static unsigned int read_clock(u8 index)
{
	u8 old = m.rtc.index;
	u8 value;

	m.rtc.index = index;
	bus_read(&m.ports, PORT_CMOS + 1, &value, 1);
	m.rtc.index = old;
	return value;
}

/* A field of the clock, in the mode that it is in; @mask has its bits. */
static void check_field(u8 index, u8 mask, unsigned int min, unsigned int max)
{
	unsigned int value = read_clock(index) & mask;

	if (!(m.rtc.cmos[RTC_B] & B_BINARY)) {
		MUST((value & 15) <= 9);
		value = (value >> 4) * 10 + (value & 15);
	}
	MUST(value >= min && value <= max);
}

static void check_clock(void)
{
	/* While the guest holds the clock, it shows what the guest wrote. */
	if (m.rtc.cmos[RTC_B] & B_SET)
		return;
	check_field(0x00, 0xff, 0, 59);
	check_field(0x02, 0xff, 0, 59);
	if (m.rtc.cmos[RTC_B] & B_24_HOURS)
		check_field(RTC_HOURS, 0xff, 0, 23);
	else
		check_field(RTC_HOURS, (u8)~HOURS_PM, 1, 12);
	check_field(0x06, 0xff, 1, 7);
	check_field(0x07, 0xff, 1, 31);
	check_field(0x08, 0xff, 1, 12);
	check_field(0x09, 0xff, 0, 99);
	check_field(0x32, 0xff, 0, 99);
}

/* ---- steps ------------------------------------------------------------- */

static bool has_device(const struct bus *bus, u64 addr)
{
	unsigned int i;

	for (i = 0; i < bus->count; i++) {
		if (addr >= bus->range[i].start &&
		    addr - bus->range[i].start < bus->range[i].size)
			return true;
	}
	return false;
}

static void access_bus(struct fuzz *f, const struct bus *bus, u64 addr)
{
	u8 kind = fuzz_u8(f);
	unsigned int i, size = (kind & 7) + 1;
	bool starved = m.serial.starved;
	unsigned int woken = wakes;
	u8 data[16];

	memset(data, 0xa5, sizeof(data));
	if (kind & 8) {
		fuzz_bytes(f, data, size);
		bus_write(bus, addr, data, size);
	} else {
		bus_read(bus, addr, data, size);
		for (i = 0; i < size; i++)
			MUST(has_device(bus, addr + i) || data[i] == 0xff);
		for (; i < sizeof(data); i++)
			MUST(data[i] == 0xa5);
	}
	if (starved && !m.serial.starved)
		MUST(wakes > woken);
}

/* Any port, or more often one at or beside a device. */
static u16 choose_port(struct fuzz *f)
{
	u8 choice = fuzz_u8(f);

	if (choice >= 0xf0)
		return fuzz_u16(f);
	return m.ports.range[choice % m.ports.count].start - 2 + fuzz_u8(f) % 12;
}

/* Few registers are there in so many addresses. */
static u64 choose_mmio(struct fuzz *f)
{
	u8 choice = fuzz_u8(f);

	if (choice >= 0xf0)
		return IOAPIC_BASE - 8 + fuzz_u16(f) % (IOAPIC_SIZE + 16);
	return IOAPIC_BASE + (choice & 0x53);
}

static void access_ioapic(struct fuzz *f)
{
	u32 index = fuzz_u8(f) % 0x44;
	u32 value = fuzz_u32(f), back;

	bus_write(&m.mmio, IOAPIC_BASE, &index, 4);
	bus_write(&m.mmio, IOAPIC_BASE + IOWIN, &value, 4);
	bus_read(&m.mmio, IOAPIC_BASE + IOWIN, &back, 4);
	/* What differs is read-only or reserved, but not the vector or the mask. */
	if (index >= 0x10 && index < 0x10 + 2 * IOAPIC_PINS && !(index & 1))
		MUST(!((value ^ back) & (REDIR_MASKED | REDIR_LEVEL | 0xff)));
}

static void access_clock(struct fuzz *f)
{
	static const u8 registers[] = { 0, 2, 4, 6, 7, 8, 9, 0x0a, RTC_B, RTC_B, 0x32 };
	u8 choice = fuzz_u8(f);
	u8 index = choice < 0x80 ? registers[choice % ARRAY_SIZE(registers)] : choice;
	u8 value = fuzz_u8(f);

	bus_write(&m.ports, PORT_CMOS, &index, 1);
	bus_write(&m.ports, PORT_CMOS + 1, &value, 1);
	bus_read(&m.ports, PORT_CMOS + 1, &value, 1);
}

static void set_pin(u8 choice)
{
	ioapic_set_pin(&m.ioapic, choice % IOAPIC_PINS, choice & 0x80);
}

static void receive(struct fuzz *f)
{
	u8 data[2 * SERIAL_FIFO];
	unsigned int len = fuzz_u8(f) % (sizeof(data) + 1);
	unsigned int room = serial_room(&m.serial);

	fuzz_bytes(f, data, len);
	MUST(serial_receive(&m.serial, data, len) == min_u64(len, room));
}

static void pass_time(struct fuzz *f)
{
	clock_now.tv_sec += fuzz_u32(f);
	/* An update of the clock is announced in the last part of a second. */
	clock_now.tv_nsec = fuzz_u8(f) & 1 ? 999999999 : 0;
}

static void step(struct fuzz *f)
{
	switch (fuzz_u8(f) % 9) {
	case 0:
		access_bus(f, &m.ports, choose_port(f));
		break;
	case 1:
		access_bus(f, &m.ports, PORT_SERIAL + fuzz_u8(f) % SERIAL_PORTS);
		break;
	case 2:
		access_bus(f, &m.mmio, choose_mmio(f));
		break;
	case 3:
		access_ioapic(f);
		break;
	case 4:
		set_pin(fuzz_u8(f));
		break;
	case 5:
		ioapic_eoi(&m.ioapic, fuzz_u8(f));
		break;
	case 6:
		receive(f);
		break;
	case 7:
		access_clock(f);
		break;
	case 8:
		pass_time(f);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz f = { data, size };
	enum stop_reason stop = STOP_NONE;

	start();
	while (f.left) {
		step(&f);
		check_serial();
		check_ioapic();
		check_clock();
		/* The first reason to stop is the one that counts. */
		MUST(stop == STOP_NONE || m.stop == stop);
		stop = m.stop;
		MUST(m.stop_value >= 0 && m.stop_value <= 0x7f);
	}
	end();
	return 0;
}
