#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A driver that means harm, on the devices that other processes serve.
set -euo pipefail
cd "$(dirname "$0")"

../lab/install qemu-system-common
build=../../build/guest
make -s -C ../guest O="$PWD/$build" >&2
adds=(--add inside/lib.sh --add inside/hostile-others.sh --add "$build/devices/hostile.elf"
      --add /usr/lib/qemu/virtiofsd:/usr/lib/qemu/virtiofsd
      --add /usr/bin/qemu-storage-daemon:/usr/bin/qemu-storage-daemon)
for program in /usr/bin/passt*; do
	adds+=(--add "$program:$program")
done
../lab/lab --timeout 1800 "${adds[@]}" -- sh hostile-others.sh
