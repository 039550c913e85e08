#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# hvctl as a tool: large machines, pipes, signals, crashes, refusals.
set -euo pipefail
cd "$(dirname "$0")"

crashes=$(mktemp -d)
trap 'rm -rf "$crashes"' EXIT
for crash in FETCH UNDECODED SHUTDOWN; do
	gcc -m32 -nostdlib -static -Wl,-N,--build-id=none,-Ttext=0x100000 "-D$crash" \
		-o "$crashes/$crash" crash.S
done
../lab/lab --timeout 1500 --add inside/lib.sh --add inside/tool.sh --add "$crashes:crash" -- sh tool.sh
