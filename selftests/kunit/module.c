// SPDX-License-Identifier: GPL-2.0-only
/*
 * lhv_test.ko has no init of its own: KUnit runs the suites of each module that
 * is loaded.
 */
#include <linux/module.h>

MODULE_DESCRIPTION("KUnit suites of lhv");
MODULE_LICENSE("GPL");
