// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulated host's end of the wire. A byte written to port 0xe9 costs one
 * emulated instruction and comes out of the emulator's stdout; the serial line
 * would cost 4,340 ticks for each.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <unistd.h>

#include "host.h"

/* Ports above 0x3ff are out of ioperm()'s reach on old kernels, so iopl(). */
void wire_open(void)
{
	if (iopl(3))
		perror("lab: iopl");
}

/* A child must not be able to write to the wire. */
void wire_disown(void)
{
	iopl(0);
}

/* glibc's outsb() does not tell the compiler that it reads memory. */
static void wire_write(const void *data, size_t length)
{
	asm volatile("rep outsb"
		     : "+S"(data), "+c"(length)
		     : "d"(LAB_PORT_FRAME)
		     : "memory");
}

void wire_send(enum lab_channel channel, const void *data, size_t length)
{
	const char *at = data;

	do {
		size_t piece = length < LAB_FRAME_MAX ? length : LAB_FRAME_MAX;
		struct lab_frame frame = {
			.channel = channel,
			.length = piece,
		};

		memcpy(frame.magic, LAB_FRAME_MAGIC, sizeof(frame.magic));
		wire_write(&frame, sizeof(frame));
		wire_write(at, piece);
		at += piece;
		length -= piece;
	} while (length);
}

void wire_printf(enum lab_channel channel, const char *format, ...)
{
	char text[1024];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;
	wire_send(channel, text, length);
}

