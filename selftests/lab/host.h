/* SPDX-License-Identifier: GPL-2.0-only */
/* What the emulated host's init is made of: the wire, the kernel log, the run. */
#ifndef LAB_HOST_H
#define LAB_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#define LAB_DIR	"/lab"	/* where the lab puts what it asks of this host */

/* wire.c */
void wire_open(void);
void wire_disown(void);
void wire_send(enum lab_channel channel, const void *data, size_t length);
void wire_printf(enum lab_channel channel, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* kmsg.c */
#define LAB_REPORT	"lab: report: "	/* marks what counts in the log; lab shows it */

int kmsg_open(void);
void kmsg_relay(void);
void kmsg_watch(void);
unsigned int kmsg_reports(void);
void kmsg_check_leaks(void);

/* command.c */
struct lab_result {
	int status;
	uint64_t ticks;
};

char **read_list(const char *path);
struct lab_result command_run(char **argv, int kmsg_fd);

#endif /* LAB_HOST_H */
