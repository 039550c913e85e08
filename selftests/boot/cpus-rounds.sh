#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# From one vCPU to eight and back, again and again, under a load that verifies what it computes
# and what it reads from a drive; and memory besides. cpus-rounds.sh [ROUNDS [KERNEL]]
set -euo pipefail
cd "$(dirname "$0")"

../lab/lab --timeout 7200 --add inside/lib.sh --add inside/cpus-lib.sh --add inside/cpus-guest \
	--add inside/cpus-rounds.sh -- sh cpus-rounds.sh "${1:-100}" "${2:-vmlinuz}"
