#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# vCPUs that become more and fewer while their machine runs.
set -euo pipefail
cd "$(dirname "$0")"
read -ra kernels <<<"${KERNELS:-vmlinuz}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -static -o "$work/deadline" deadline.c
./payload SLEEP "$work/sleep"
../lab/lab --cpus 1 --timeout 1800 --add inside/lib.sh --add inside/cpus-lib.sh --add inside/cpus-guest \
	--add inside/cpus.sh --add "$work/deadline" --add "$work/sleep" -- \
	sh cpus.sh "${kernels[@]}"
