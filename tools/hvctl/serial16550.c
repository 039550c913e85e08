// SPDX-License-Identifier: GPL-2.0-only
/* After the PC16550D datasheet; register names as in <linux/serial_reg.h>. */
#include "serial16550.h"

#include <linux/serial_reg.h>
#include <string.h>

/* So many reads of LSR in a row are a guest that polls for input. */
#define POLLS_TO_LISTEN		16

#define MSR_LINE_UP		(UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS)
#define IIR_FIFO_ENABLED	0xc0
#define MCR_WRITABLE		0x1f
#define IER_WRITABLE		0x0f

void serial_init(struct serial *s, const struct serial_host *host)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->host = host;
	s->dll = 1;		/* 115200 baud */
	s->thr_interrupt = true;
}

void serial_destroy(struct serial *s)
{
	pthread_mutex_destroy(&s->lock);
}

static bool fifo_enabled(const struct serial *s)
{
	return s->fcr & UART_FCR_ENABLE_FIFO;
}

static unsigned int fifo_size(const struct serial *s)
{
	return fifo_enabled(s) ? SERIAL_FIFO : 1;
}

static unsigned int fifo_trigger(const struct serial *s)
{
	static const u8 level[] = { 1, 4, 8, 14 };

	return fifo_enabled(s) ? level[s->fcr >> 6] : 1;
}

/* The highest-priority interrupt that is enabled and pending, as IIR shows it. */
static u8 pending_interrupt(const struct serial *s)
{
	if (s->ier & UART_IER_RLSI && s->overrun)
		return UART_IIR_RLSI;
	/* What is below the trigger level times out at once: nothing follows. */
	if (s->ier & UART_IER_RDI && s->count)
		return s->count >= fifo_trigger(s) ? UART_IIR_RDI : UART_IIR_RX_TIMEOUT;
	if (s->ier & UART_IER_THRI && s->thr_interrupt)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

/* OUT2 connects the chip to the interrupt controller, on a PC. */
static void update_irq(struct serial *s)
{
	bool irq = s->mcr & UART_MCR_OUT2 && !(s->mcr & UART_MCR_LOOP) &&
		   pending_interrupt(s) != UART_IIR_NO_INT;

	if (irq == s->irq)
		return;
	s->irq = irq;
	s->host->set_irq(s->host->opaque, irq);
}

static void fifo_put(struct serial *s, u8 byte)
{
	if (s->count == fifo_size(s)) {
		s->overrun = true;
		return;
	}
	s->fifo[(s->head + s->count) % SERIAL_FIFO] = byte;
	s->count++;
}

static u8 fifo_get(struct serial *s)
{
	u8 byte = s->fifo[s->head];

	if (!s->count)
		return 0;
	s->head = (s->head + 1) % SERIAL_FIFO;
	s->count--;
	return byte;
}

/*
 * By interrupt or by polling. A driver that only probes IER hasn't set OUT2. One
 * that opens the port enables the interrupt before the FIFO, which empties it: so
 * it listens when the FIFO is on, or, without, when it looks at the chip again.
 */
static bool listening(const struct serial *s)
{
	if (s->mcr & UART_MCR_LOOP)
		return false;
	return (s->ier & UART_IER_RDI && s->mcr & UART_MCR_OUT2 &&
		(fifo_enabled(s) || s->looked)) ||
	       s->polls >= POLLS_TO_LISTEN;
}

static unsigned int room(const struct serial *s)
{
	return listening(s) ? fifo_size(s) - s->count : 0;
}

unsigned int serial_room(struct serial *s)
{
	unsigned int n;

	pthread_mutex_lock(&s->lock);
	n = room(s);
	s->starved = !n;
	pthread_mutex_unlock(&s->lock);
	return n;
}

unsigned int serial_receive(struct serial *s, const u8 *data, unsigned int len)
{
	unsigned int taken;

	pthread_mutex_lock(&s->lock);
	for (taken = 0; taken < len && room(s); taken++)
		fifo_put(s, data[taken]);
	s->starved = taken < len;
	update_irq(s);
	pthread_mutex_unlock(&s->lock);
	return taken;
}

static u8 modem_status(const struct serial *s)
{
	u8 msr = 0;

	if (!(s->mcr & UART_MCR_LOOP))
		return MSR_LINE_UP;
	/* Loopback connects the four outputs to the four inputs. */
	if (s->mcr & UART_MCR_RTS)
		msr |= UART_MSR_CTS;
	if (s->mcr & UART_MCR_DTR)
		msr |= UART_MSR_DSR;
	if (s->mcr & UART_MCR_OUT1)
		msr |= UART_MSR_RI;
	if (s->mcr & UART_MCR_OUT2)
		msr |= UART_MSR_DCD;
	return msr;
}

static u8 read_iir(struct serial *s)
{
	u8 iir = pending_interrupt(s);

	/* To be told is to be acknowledged. */
	if (iir == UART_IIR_THRI)
		s->thr_interrupt = false;
	return iir | (fifo_enabled(s) ? IIR_FIFO_ENABLED : 0);
}

static u8 read_lsr(struct serial *s)
{
	u8 lsr = UART_LSR_THRE | UART_LSR_TEMT;

	if (s->count)
		lsr |= UART_LSR_DR;
	if (s->overrun)
		lsr |= UART_LSR_OE;
	s->overrun = false;
	return lsr;
}

static u8 read_register(struct serial *s, u64 offset)
{
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_RX:
		return dlab ? s->dll : fifo_get(s);
	case UART_IER:
		return dlab ? s->dlm : s->ier;
	case UART_IIR:
		return read_iir(s);
	case UART_LCR:
		return s->lcr;
	case UART_MCR:
		return s->mcr;
	case UART_LSR:
		return read_lsr(s);
	case UART_MSR:
		return modem_status(s);
	default:
		return s->scr;
	}
}

static void transmit(struct serial *s, u8 byte)
{
	if (s->mcr & UART_MCR_LOOP)
		fifo_put(s, byte);
	else
		s->host->transmit(s->host->opaque, byte);
	/* It has left already, so THR is empty once more. */
	s->thr_interrupt = true;
}

static void write_ier(struct serial *s, u8 value)
{
	/* Enabling it with THR empty is itself a reason for the interrupt. */
	if (value & ~s->ier & UART_IER_THRI)
		s->thr_interrupt = true;
	s->ier = value & IER_WRITABLE;
	s->looked = false;
}

static void write_fcr(struct serial *s, u8 value)
{
	/* Switching the FIFO on or off empties it. */
	if (value & UART_FCR_CLEAR_RCVR || (value ^ s->fcr) & UART_FCR_ENABLE_FIFO)
		s->count = 0;
	s->fcr = value & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK);
}

static void write_register(struct serial *s, u64 offset, u8 value)
{
	bool dlab = s->lcr & UART_LCR_DLAB;

	switch (offset) {
	case UART_TX:
		if (dlab)
			s->dll = value;
		else
			transmit(s, value);
		break;
	case UART_IER:
		if (dlab)
			s->dlm = value;
		else
			write_ier(s, value);
		break;
	case UART_FCR:
		write_fcr(s, value);
		break;
	case UART_LCR:
		s->lcr = value;
		break;
	case UART_MCR:
		s->mcr = value & MCR_WRITABLE;
		break;
	case UART_SCR:
		s->scr = value;
		break;
	}
}

/* After any access: the interrupt line, and the input that may be waiting. */
static void finish_access(struct serial *s, u64 offset, bool is_read)
{
	bool ready;

	if (!is_read || offset != UART_LSR)
		s->polls = 0;
	else if (s->polls < POLLS_TO_LISTEN)
		s->polls++;
	if (is_read && (offset == UART_LSR || offset == UART_IIR))
		s->looked = true;
	update_irq(s);
	ready = s->starved && room(s);
	if (ready) {
		s->starved = false;
		s->host->receive_ready(s->host->opaque);
	}
}

static u64 serial_read(void *dev, u64 offset, unsigned int size)
{
	struct serial *s = dev;
	u8 value;

	(void)size;
	pthread_mutex_lock(&s->lock);
	value = read_register(s, offset);
	finish_access(s, offset, true);
	pthread_mutex_unlock(&s->lock);
	return value;
}

static void serial_write(void *dev, u64 offset, unsigned int size, u64 value)
{
	struct serial *s = dev;

	(void)size;
	pthread_mutex_lock(&s->lock);
	write_register(s, offset, value);
	finish_access(s, offset, false);
	pthread_mutex_unlock(&s->lock);
}

const struct bus_ops serial_ops = {
	.read = serial_read,
	.write = serial_write,
	.width = 1,
};
