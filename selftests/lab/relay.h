/* SPDX-License-Identifier: GPL-2.0-only */
/* What the relay on the build machine is made of. */
#ifndef LAB_RELAY_H
#define LAB_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "frame.h"

/* demux.c */
bool demux_open(const char *directory);
int demux_noise_fd(void);
bool demux_read(int fd);
const struct lab_status *demux_status(void);
void write_all(int fd, const void *data, size_t length);

/* terminal.c */
int terminal_open(char *device, size_t size);
void terminal_raw(void);
void terminal_restore(void);
bool terminal_from_user(void);
bool terminal_from_host(void);

#endif /* LAB_RELAY_H */
