#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# hvctl as a tool: large machines, pipes, signals, crashes, refusals.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/crash"
for crash in FETCH UNDECODED SHUTDOWN EMULATE; do
	./payload "$crash" "$work/crash/$crash"
done
gcc -static -o "$work/hold_kvm" hold_kvm.c
../lab/lab --cpus 1 --timeout 1500 --add inside/lib.sh --add inside/tool.sh \
	--add "$work/crash" --add "$work/hold_kvm" -- sh tool.sh
