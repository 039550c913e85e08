#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What happens on a host while machines run: CPUs go and come, the module is to
# be unloaded, hvctl is stopped, machines are many.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
./payload SLEEP "$work/sleep"
../lab/lab --timeout 1500 --add inside/lib.sh --add inside/host-events.sh \
	--add "$work/sleep" -- sh host-events.sh
