#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Virtio devices, driven by Debian's kernels.
cd "$(dirname "$0")" || exit
read -ra kernels <<<"${KERNELS:-vmlinuz}"
exec ../lab/lab --cpus 1 --timeout 1500 --add inside/lib.sh --add inside/devices.sh -- \
	sh devices.sh "${kernels[@]}"
