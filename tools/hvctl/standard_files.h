/* SPDX-License-Identifier: GPL-2.0-only */
/* Standard input, output and error output, as whoever started hvctl left them. */
#ifndef HVCTL_STANDARD_FILES_H
#define HVCTL_STANDARD_FILES_H

/*
 * Have something in the place of those that are closed, before anything is opened: else a
 * disk may take that place, and what is meant for a user is written there. Input ends at
 * once, output fails. Returns -1 with a sentence if the host has no /dev/null.
 */
int standard_files_fill(void);

/*
 * Has all been written that was printed so far? Returns -1 with a sentence if not. At the end,
 * as a file with half of what a verb tells may be taken for all of it.
 */
int standard_output_flush(void);

#endif
