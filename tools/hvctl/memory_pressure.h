/* SPDX-License-Identifier: GPL-2.0-only */
/* Pressure on memory as Linux reports it (PSI): how long tasks waited for it. */
#ifndef HVCTL_MEMORY_PRESSURE_H
#define HVCTL_MEMORY_PRESSURE_H

#define HOST_MEMORY_PRESSURE	"/proc/pressure/memory"

/*
 * A file descriptor on which poll() reports POLLPRI, each two seconds at most, while tasks
 * wait for memory: of the host at HOST_MEMORY_PRESSURE, or of a cgroup at its memory.pressure.
 * POLLERR: the group is no more. -1 with a sentence that @option begins.
 */
int memory_pressure_open(const char *path, const char *option);

#endif
