/* SPDX-License-Identifier: GPL-2.0-only */
/* Makes the header of small bzImages. */
#ifndef HVCTL_BZIMAGE_MAKE_H
#define HVCTL_BZIMAGE_MAKE_H

#include <asm/bootparam.h>

#include "types.h"

/* The setup header (Documentation/arch/x86/boot.rst) of the image at @image. */
struct setup_header *bzimage_header(u8 *image);

/*
 * Fill it in, in zeroed memory: a relocatable 64-bit kernel of protocol 2.15. How
 * large it is and where it wants to be is left to the caller: setup_sects, syssize,
 * kernel_alignment, pref_address and init_size. Returns the header.
 */
struct setup_header *bzimage_make(u8 *image);

#endif
