/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_EMULATE_VCPU_H
#define HVCTL_EMULATE_VCPU_H

#include "types.h"

struct vcpu;

/*
 * Answer LHV_EXIT_UNDECODED: carry out the instruction, or have the vCPU take its
 * exception. Returns false, with the vCPU as it was, if it can't be emulated.
 */
bool emulate_undecoded(struct vcpu *vcpu);

#endif
