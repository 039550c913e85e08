#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Memory up and down while a machine runs, by Debian's drivers.
set -euo pipefail
cd "$(dirname "$0")"
read -ra kernels <<<"${KERNELS:-vmlinuz}"
exec ../lab/lab --timeout 3000 --add inside/lib.sh --add inside/memory.sh -- \
	sh memory.sh "${ROUNDS:-3}" "${kernels[@]}"
