/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_LISTEN_H
#define HVCTL_LISTEN_H

#include <sys/un.h>

/*
 * A unix stream socket that listens at @address, where nothing is, for this user and root
 * alone. @what says which in the sentence with which this returns -1.
 */
int listen_at(const struct sockaddr_un *address, const char *what, int backlog);

#endif
