#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Commands and terminals in a stock Debian 12, by its guest agent.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -static -o "$work/pty_run" pty_run.c
../lab/lab --memory 3072 --timeout 1800 --add inside/lib.sh --add inside/agent.sh \
	--add "$work/pty_run" -- sh agent.sh
