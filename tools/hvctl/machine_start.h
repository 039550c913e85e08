/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_MACHINE_START_H
#define HVCTL_MACHINE_START_H

/*
 * Run the machine @name, which was created, in the background: in a process of its own, without
 * this terminal. Returns 0 when its guest runs and its control socket is served; or -1 with
 * a sentence, which may be that process's, and then nothing runs. In that process it doesn't
 * return.
 */
int machine_start(const char *name);

#endif
