#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Networks and sockets between machines, and between them and their host, by vhost.
set -euo pipefail
cd "$(dirname "$0")"
read -ra kernels <<<"${KERNELS:-vmlinuz}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
gcc -static -o "$work/vsock" vsock.c
../lab/lab --timeout 1500 --add inside/lib.sh --add inside/network.sh --add "$work/vsock" -- \
	sh network.sh "${kernels[@]}"
