/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LHV_PAYLOAD_REPORT_H
#define LHV_PAYLOAD_REPORT_H

/* Says how many cases there were, and ends the machine. */
void report_end(void) __attribute__((noreturn));

#endif
