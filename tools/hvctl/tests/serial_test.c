// SPDX-License-Identifier: GPL-2.0-only
#include <linux/serial_reg.h>

#include "serial16550.h"
#include "test.h"

static struct serial uart;
static u8 out[64];
static unsigned int out_count, edges, wakes;
static bool line;

static void on_transmit(void *opaque, u8 byte)
{
	(void)opaque;
	out[out_count++ % sizeof(out)] = byte;
}

static void on_irq(void *opaque, bool asserted)
{
	(void)opaque;
	EXPECT(asserted != line);
	line = asserted;
	edges += asserted;
}

static void on_ready(void *opaque)
{
	(void)opaque;
	wakes++;
}

static const struct serial_host host = { on_transmit, on_irq, on_ready, NULL };

static void start(void)
{
	out_count = 0;
	edges = 0;
	wakes = 0;
	line = false;
	serial_init(&uart, &host);
}

static void put(unsigned int reg, u8 value)
{
	serial_ops.write(&uart, reg, 1, value);
}

static u8 get(unsigned int reg)
{
	return serial_ops.read(&uart, reg, 1);
}

static void registers(void)
{
	start();
	EXPECT_EQ(get(UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	EXPECT_EQ(get(UART_IIR), UART_IIR_NO_INT);
	EXPECT_EQ(get(UART_MSR), 0xb0);
	put(UART_SCR, 0x5a);
	EXPECT_EQ(get(UART_SCR), 0x5a);
	put(UART_IER, 0xff);
	EXPECT_EQ(get(UART_IER), 0x0f);
	put(UART_IER, 0);
	put(UART_MCR, 0xff);
	EXPECT_EQ(get(UART_MCR), 0x1f);
	put(UART_MCR, 0);
	put(UART_LCR, UART_LCR_DLAB | 3);
	put(UART_DLL, 0x0c);
	put(UART_DLM, 0x34);
	EXPECT_EQ(get(UART_DLL), 0x0c);
	EXPECT_EQ(get(UART_DLM), 0x34);
	put(UART_LCR, 3);
	EXPECT_EQ(get(UART_LCR), 3);
	EXPECT_EQ(get(UART_IER), 0);
	EXPECT_EQ(out_count, 0);
	/* A 16550A shows both bits once its FIFO is on. */
	put(UART_FCR, UART_FCR_ENABLE_FIFO);
	EXPECT_EQ(get(UART_IIR), 0xc0 | UART_IIR_NO_INT);
	put(UART_FCR, 0);
	EXPECT_EQ(get(UART_IIR), UART_IIR_NO_INT);
	serial_destroy(&uart);
}

static void transmitting(void)
{
	start();
	put(UART_MCR, UART_MCR_OUT2);
	put(UART_TX, 'a');
	EXPECT_EQ(out_count, 1);
	EXPECT_EQ(out[0], 'a');
	EXPECT(!line);
	/* Enabling the interrupt with THR empty raises it; IIR acknowledges. */
	put(UART_IER, UART_IER_THRI);
	EXPECT(line);
	EXPECT_EQ(get(UART_IIR), UART_IIR_THRI);
	EXPECT(!line);
	EXPECT_EQ(get(UART_IIR), UART_IIR_NO_INT);
	put(UART_TX, 'b');
	EXPECT(line);
	EXPECT_EQ(edges, 2);
	/* A driver that fills the FIFO in one go gets one interrupt for it. */
	EXPECT_EQ(get(UART_IIR), UART_IIR_THRI);
	put(UART_TX, 'c');
	put(UART_TX, 'd');
	EXPECT_EQ(edges, 3);
	/* Disabled and enabled again, as Linux does to test for it. */
	put(UART_IER, 0);
	EXPECT(!line);
	get(UART_IIR);
	put(UART_IER, UART_IER_THRI);
	EXPECT_EQ(get(UART_IIR), UART_IIR_THRI);
	/* Without OUT2 the line doesn't reach the interrupt controller. */
	put(UART_TX, 'e');
	put(UART_MCR, 0);
	EXPECT(!line);
	put(UART_MCR, UART_MCR_OUT2);
	EXPECT(line);
	EXPECT(!memcmp(out, "abcde", 5));
	serial_destroy(&uart);
}

static void receiving(void)
{
	static const u8 text[] = "0123456789abcdefghij";
	unsigned int i;

	start();
	put(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	/* Nobody listens yet, also not who looks which bits IER has. */
	put(UART_IER, 0x0f);
	EXPECT_EQ(serial_room(&uart), 0);
	put(UART_IER, 0);
	/* Linux enables the interrupt first, then the FIFO. */
	put(UART_FCR, 0);
	put(UART_MCR, UART_MCR_OUT2);
	put(UART_IER, UART_IER_RDI);
	EXPECT_EQ(serial_room(&uart), 0);
	EXPECT_EQ(wakes, 0);
	/* A driver that leaves the FIFO off */
	get(UART_IIR);
	EXPECT_EQ(serial_room(&uart), 1);
	put(UART_IER, 0);
	put(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	EXPECT_EQ(serial_room(&uart), 0);
	EXPECT_EQ(serial_receive(&uart, text, 4), 0);
	wakes = 0;
	put(UART_IER, UART_IER_RDI);
	EXPECT_EQ(wakes, 1);
	EXPECT_EQ(serial_room(&uart), 16);
	EXPECT_EQ(serial_receive(&uart, text, 4), 4);
	EXPECT(line);
	EXPECT_EQ(get(UART_IIR), 0xc0 | UART_IIR_RX_TIMEOUT);
	EXPECT_EQ(serial_receive(&uart, text + 4, 16), 12);
	EXPECT_EQ(get(UART_IIR), 0xc0 | UART_IIR_RDI);
	EXPECT_EQ(serial_room(&uart), 0);
	EXPECT_EQ(wakes, 1);
	for (i = 0; i < 16; i++) {
		EXPECT(get(UART_LSR) & UART_LSR_DR);
		EXPECT_EQ(get(UART_RX), text[i]);
	}
	EXPECT_EQ(wakes, 2);
	EXPECT(!(get(UART_LSR) & UART_LSR_DR));
	EXPECT(!line);
	EXPECT_EQ(get(UART_RX), 0);

	/* Without FIFO there is room for one. */
	put(UART_FCR, 0);
	EXPECT_EQ(serial_receive(&uart, text, 4), 1);
	EXPECT_EQ(get(UART_IIR), UART_IIR_RDI);
	put(UART_FCR, UART_FCR_ENABLE_FIFO);
	EXPECT(!line);
	serial_receive(&uart, text, 4);
	put(UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	EXPECT(!(get(UART_LSR) & UART_LSR_DR));
	serial_destroy(&uart);
}

/* A guest without interrupts reads LSR until there is something. */
static void polling(void)
{
	unsigned int i;

	start();
	EXPECT_EQ(serial_room(&uart), 0);
	for (i = 0; i < 100; i++) {
		get(UART_LSR);
		put(UART_TX, '.');
	}
	EXPECT_EQ(wakes, 0);	/* that one only waits to send */
	for (i = 0; i < 100; i++)
		get(UART_LSR);
	EXPECT_EQ(wakes, 1);
	EXPECT_EQ(serial_receive(&uart, (const u8 *)"x", 1), 1);
	EXPECT(get(UART_LSR) & UART_LSR_DR);
	EXPECT_EQ(get(UART_RX), 'x');
	serial_destroy(&uart);
}

static void loopback(void)
{
	unsigned int i;

	start();
	put(UART_FCR, UART_FCR_ENABLE_FIFO);
	put(UART_IER, UART_IER_RLSI | UART_IER_RDI);
	put(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	EXPECT_EQ(get(UART_MSR) & 0xf0, 0x90);
	put(UART_MCR, UART_MCR_LOOP | UART_MCR_DTR | UART_MCR_OUT1);
	EXPECT_EQ(get(UART_MSR) & 0xf0, 0x60);
	EXPECT_EQ(serial_room(&uart), 0);
	for (i = 0; i < 17; i++)
		put(UART_TX, i);
	EXPECT_EQ(out_count, 0);
	EXPECT_EQ(get(UART_IIR), 0xc0 | UART_IIR_RLSI);
	EXPECT(get(UART_LSR) & UART_LSR_OE);
	EXPECT(!(get(UART_LSR) & UART_LSR_OE));
	for (i = 0; i < 16; i++)
		EXPECT_EQ(get(UART_RX), i);
	EXPECT_EQ(edges, 0);
	serial_destroy(&uart);
}

static void any_access(void)
{
	unsigned int i;

	start();
	for (i = 0; i < 100000; i++) {
		u32 r = test_random();

		if (r & 1)
			put(r >> 1 & 7, r >> 8);
		else
			get(r >> 1 & 7);
		if (!(r & 0xf0))
			serial_receive(&uart, out, serial_room(&uart) + 1);
		EXPECT(uart.count <= SERIAL_FIFO);
	}
	serial_destroy(&uart);
}

static const struct test_case cases[] = {
	TEST_CASE(registers), TEST_CASE(transmitting), TEST_CASE(receiving),
	TEST_CASE(polling), TEST_CASE(loopback), TEST_CASE(any_access),
};
TEST_SUITE(serial_suite, "serial16550", cases);
