#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Drives and folders that other processes serve by vhost-user: QEMU's.
set -euo pipefail
cd "$(dirname "$0")"

../lab/install qemu-system-common
../lab/lab --timeout 1800 --add inside/lib.sh --add inside/vhost-user.sh \
	--add /usr/bin/qemu-storage-daemon:/usr/bin/qemu-storage-daemon \
	--add /usr/lib/qemu/virtiofsd:/usr/lib/qemu/virtiofsd -- sh vhost-user.sh
