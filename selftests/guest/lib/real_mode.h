/* SPDX-License-Identifier: GPL-2.0-only */
/* What real_mode.S notes, by place in its table; also for assembly. */
#ifndef LHV_PAYLOAD_REAL_MODE_H
#define LHV_PAYLOAD_REAL_MODE_H

#include "layout.h"

#define REAL_SEGMENT	(LAYOUT_PAYLOAD >> 4)
#define REAL_RESULTS	0x70000
#define REAL_VECTOR	0x50

#define REAL_PE		0
#define REAL_CS		1
#define REAL_FLAGS	2
#define REAL_ADDRESS	3
#define REAL_A20	4
#define REAL_CALLS	5
#define REAL_INT	6
#define REAL_DE		7
#define REAL_UD		8
#define REAL_GP_LIMIT	9
#define REAL_GP_32	10
#define REAL_OF		11
#define REAL_BR		12
#define REAL_BR_NOT	13
#define REAL_BP		14
#define REAL_SS		15
#define REAL_DAA	16
#define REAL_AAD	17
#define REAL_AAM	18
#define REAL_POPA	19
#define REAL_ENTER	20
#define REAL_LEAVE	21
#define REAL_MOVS	22
#define REAL_MOVS_DI	23
#define REAL_CMPS	24
#define REAL_SCAS	25
#define REAL_MUL_LOW	26
#define REAL_MUL_HIGH	27
#define REAL_CWDE	28
#define REAL_LOOP	29
#define REAL_XLAT	30
#define REAL_LES	31
#define REAL_CPUID	32
#define REAL_IN		33
#define REAL_INS	34
#define REAL_RDMSR	35
#define REAL_CR0	36
#define REAL_CR2	37
#define REAL_UNREAL	38
#define REAL_INTERRUPT	39

#endif /* LHV_PAYLOAD_REAL_MODE_H */
