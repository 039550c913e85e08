#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# host-process.sh [--host HOST] [KILLS [SEED]]: hvctl is traced, and killed at
# any moment of its life.
set -euo pipefail
cd "$(dirname "$0")"

host=6.1-cloud
if [[ ${1-} == --host ]]; then
	host=$2
	shift 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
./payload MAILBOX "$work/mailbox"
./payload RESET "$work/reset"
for program in tracer hold_kvm; do
	gcc -static -o "$work/$program" "$program.c"
done
../lab/lab --host "$host" --timeout 1500 --add inside/lib.sh --add inside/host-process.sh \
	--add "$work/mailbox" --add "$work/reset" --add "$work/tracer" --add "$work/hold_kvm" \
	-- sh host-process.sh "$@"
