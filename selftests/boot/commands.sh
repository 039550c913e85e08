#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The commands of docs/devices.md, as they are written there.
set -euo pipefail
cd "$(dirname "$0")"

../lab/install qemu-system-common qemu-utils
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Each indented piece of text is a script.
mkdir "$work/commands"
awk -v folder="$work/commands" '
	/^    / { if (!inside) number++; print substr($0, 5) >(folder "/" number) }
	{ inside = /^    / }' ../../docs/devices.md
qemu-img create -q -f qcow2 "$work/disk.qcow2" 64M
echo -n hidden >"$work/key"
qemu-img create -q -f luks --object "secret,id=key,file=$work/key" \
	-o key-secret=key,iter-time=10 "$work/disk.luks" 16M
adds=()
for file in /usr/bin/passt* /usr/bin/qemu-storage-daemon /usr/lib/qemu/virtiofsd; do
	adds+=(--add "$file:$file")
done
../lab/lab --timeout 1800 --add inside/lib.sh --add inside/commands.sh --add "$work:docs" \
	"${adds[@]}" -- sh commands.sh "$(find "$work/commands" -type f | wc -l)"
