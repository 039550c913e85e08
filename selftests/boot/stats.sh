#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What machines have done, and do: stats, top, metrics.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for payload in COUNT SPIN; do
	./payload $payload "$work/$payload"
done
../lab/lab --cpus 1 --timeout 1500 --add inside/lib.sh --add inside/stats.sh \
	--add "$work/COUNT" --add "$work/SPIN" -- sh stats.sh
