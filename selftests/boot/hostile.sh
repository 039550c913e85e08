#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A driver that means harm, on every device that a machine can have.
set -euo pipefail
cd "$(dirname "$0")"

build=../../build/guest
make -s -C ../guest O="$PWD/$build" >&2
../lab/lab --timeout 900 --add inside/lib.sh --add inside/hostile.sh \
	--add "$build/devices/hostile.elf" -- sh hostile.sh
