/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_NEAREST_H
#define HVCTL_NEAREST_H

/*
 * Which of @names, which end with NULL, was meant by @name? The one that takes the fewest
 * letters to be put in, left out or changed, and no more than a third of its own; NULL if
 * none is that near.
 */
const char *nearest_name(const char *name, char * const *names);

#endif
