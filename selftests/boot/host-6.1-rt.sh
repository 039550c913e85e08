#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A Debian guest on the host 6.1-rt.
cd "$(dirname "$0")" || exit
exec ../lab/lab --host 6.1-rt --cpus 1 --timeout 1500 --add inside/lib.sh --add inside/host.sh -- sh host.sh
