#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# host-power.sh [HOST]: a host sleeps while a guest runs. Its kernel doesn't know
# of IA32_TSC_ADJUST, by which it would have undone that the TSC was reset: the
# emulator has it changed by a reset, real processors don't.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -static -o "$work/hold_kvm" hold_kvm.c
../lab/lab --host "${1:-6.1-cloud}" --timeout 1500 --append clearcpuid=tsc_adjust \
	--add inside/lib.sh --add inside/host-power.sh --add "$work/hold_kvm" -- sh host-power.sh
