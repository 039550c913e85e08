#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The walk-through of docs/scaling.md, as it is written there.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Each indented line, with those that it goes on in, is a command.
mkdir "$work/commands"
awk -v folder="$work/commands" '
	/^    / {
		if (!more) name = sprintf("%s/%02d", folder, ++number)
		print substr($0, 5) >name
	}
	{ more = /^    .*\\$/ }' ../../docs/scaling.md
../lab/lab --memory 3072 --timeout 2400 --add inside/lib.sh --add inside/scaling.sh \
	--add "$work/commands" -- sh scaling.sh "$(find "$work/commands" -type f | wc -l)"
