#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# storms.sh [ROUNDS [KILLS [SEED]]]: eight processes create, start, stop and destroy machines at once;
# commands and machines are killed at any time; 300 machines are there at once, and 16
# of Linux.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
./payload SLEEP "$work/sleep"
../lab/lab --memory 4096 --timeout 7200 --add inside/lib.sh --add inside/machines.sh \
	--add inside/storms.sh --add "$work/sleep" -- sh storms.sh "$@"
