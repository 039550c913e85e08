#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# life.sh [ROUNDS]: machines are created, started, suspended, changed, stopped and destroyed by
# several commands at once, by others than root, and by commands that are killed.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
./payload SLEEP "$work/sleep"
./payload SPIN "$work/spin"
gcc -static -o "$work/tracer" tracer.c
../lab/lab --cpus 1 --timeout 3000 --add inside/lib.sh --add inside/machines.sh --add inside/life.sh \
	--add "$work/sleep" --add "$work/spin" --add "$work/tracer" -- sh life.sh "$@"
