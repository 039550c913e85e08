/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_SAVED_AMOUNT_H
#define HVCTL_SAVED_AMOUNT_H

/*
 * What is to be saved of --cpus or --memory where there was @before ("", or "2,max=8") and
 * "hvctl set" says @now: "4" makes "4,max=8", "max=6" makes "2,max=6", and "3,max=4" that. An
 * amount in place of bounds alone ("min=1G,max=2G") is all there is then. That memory may be
 * more than the host has ("overcommit") isn't saved. free() frees it; NULL: no memory
 */
char *saved_amount_merge(const char *before, const char *now);

#endif
