/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each test program includes, once
 */
#ifndef LHV_TEST_H
#define LHV_TEST_H

#include <kselftest_harness.h>

#include "vm.h"

/* Seconds; the debug host is several times slower. Only a hang needs it. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	120

#endif /* LHV_TEST_H */
