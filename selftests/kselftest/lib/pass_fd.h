/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * File descriptors passed over a Unix socket (SCM_RIGHTS): a result, or a negative
 * errno
 */
#ifndef LHV_TEST_PASS_FD_H
#define LHV_TEST_PASS_FD_H

/* With one byte of data. */
int send_fd(int socket, int fd);

/* -ENODATA if the message has none. */
int receive_fd(int socket);

#endif /* LHV_TEST_PASS_FD_H */
