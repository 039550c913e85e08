#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# hvctl run --host-root: commands in a machine with the host's kernel and files.
set -euo pipefail
cd "$(dirname "$0")"

../lab/install qemu-system-common
../lab/lab --cpus 1 --timeout 1200 --add inside/lib.sh --add inside/host-root.sh \
	--add /usr/lib/qemu/virtiofsd:/usr/lib/qemu/virtiofsd -- sh host-root.sh
