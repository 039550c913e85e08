#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A stock Debian 12, from its boot to its power button.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -static -o "$work/port_client" port_client.c
../lab/lab --memory 3072 --timeout 1800 --add inside/lib.sh --add inside/debian.sh \
	--add "$work/port_client" -- sh debian.sh
