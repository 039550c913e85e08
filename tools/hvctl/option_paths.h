/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HVCTL_OPTION_PATHS_H
#define HVCTL_OPTION_PATHS_H

/*
 * The value @value of the option @name of "hvctl run" with absolute paths in place of those that
 * start in the current directory, so that it means the same anywhere; free() frees it. Files
 * and folders that the machine reads or serves must be there. NULL with a sentence.
 */
char *option_paths_absolute(const char *name, const char *value);

#endif
