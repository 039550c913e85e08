#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The console device, driven by Debian's kernels.
set -euo pipefail
cd "$(dirname "$0")"
read -ra kernels <<<"${KERNELS:-vmlinuz}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -static -o "$work/port_client" port_client.c
../lab/lab --cpus 1 --timeout 1500 --add inside/lib.sh --add inside/console.sh \
	--add "$work/port_client" -- sh console.sh "${kernels[@]}"
