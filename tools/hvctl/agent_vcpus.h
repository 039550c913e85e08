/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest's CPUs, as its agent has them. */
#ifndef HVCTL_AGENT_VCPUS_H
#define HVCTL_AGENT_VCPUS_H

/*
 * Have the agent at the socket @path bring CPUs online until @cpus are, waiting up to
 * @seconds for those that the guest has not found yet. 0 if so many are online; -1 with a
 * sentence.
 */
int agent_online_vcpus(const char *path, unsigned int cpus, unsigned int seconds);

/*
 * The same for the machine @name, which has got CPUs; its agent is found by its status. Is there
 * none, then nothing happens, as a guest may do it by itself (udev). That it fails is only
 * said to the user.
 */
void agent_take_vcpus(const char *name, unsigned int cpus);

#endif
