#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The balloon, driven by Debian's kernels.
cd "$(dirname "$0")" || exit
read -ra kernels <<<"${KERNELS:-vmlinuz}"
exec ../lab/lab --timeout 1500 --add inside/lib.sh --add inside/balloon.sh -- \
	sh balloon.sh "${kernels[@]}"
