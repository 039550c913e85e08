#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A small guest on the debug host, which is too slow for Debian's.
cd "$(dirname "$0")" || exit
exec ../lab/lab --host debug --cpus 1 --timeout 1500 --add inside/lib.sh --add inside/small.sh -- sh small.sh
