/* SPDX-License-Identifier: GPL-2.0-only */
/* What happened to a guest that cannot go on, in words. */
#ifndef HVCTL_REPORT_H
#define HVCTL_REPORT_H

#include <lhv.h>
#include <stddef.h>

#include "memory.h"
#include "types.h"

struct vcpu;

/* Write the paragraph for the exit that @vcpu came back with into @text. */
void report_crash(const struct vcpu *vcpu, char *text, size_t len);

/* The same for a guest that touched memory at @gpa which is unplugged, at whatever exit. */
void report_unplugged(const struct vcpu *vcpu, u64 gpa, bool write, char *text, size_t len);

/*
 * The paragraph itself, from the parts. @regs or @sregs may be NULL if they
 * could not be read.
 */
void report_format(const struct lhv_run *run, unsigned int vcpu_id,
		   const struct guest_memory *mem, const struct lhv_regs *regs,
		   const struct lhv_sregs *sregs, char *text, size_t len);

#endif
