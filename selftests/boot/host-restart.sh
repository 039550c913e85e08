#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# host-restart.sh [HOST]: a host goes to another kernel, crashes, and restarts,
# while guests have all its CPUs.
set -uo pipefail
cd "$(dirname "$0")" || exit

host=${1:-6.1-cloud}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kernel=$(../lab/kernel "$host")
[[ -e $kernel/vmlinux ]] || ../lab/lab --host "$host" --no-module -- true
./payload SPIN "$work/spin"
gcc -static -o "$work/kexec" kexec.c
../lab/lab --host "$host" --timeout 1500 --log "$work/log" \
	--append "crashkernel=512M reboot=k" --add inside/lib.sh --add inside/host-restart.sh \
	--add "$work/spin" --add "$work/kexec" \
	--add "$kernel/vmlinux:/boot/vmlinux" -- sh host-restart.sh \
	2>"$work/errors"
status=$?

failed=0
result() {		# STATUS NAME
	if [[ $1 -eq 0 ]]; then
		echo "ok $2"
	else
		echo "not ok $2"
		failed=1
		cat "$work/errors" >&2
	fi
}

# The emulator tells of the reset; then the boot ROM finds nothing to boot, and the
# lab ends with 125.
[[ $status -eq 125 ]] && grep -Eq '^0*[1-9][0-9]*i\[SYS +\] .*Reset\(' "$work/log/emulator.log"
result $? "5 the host restarts"

! grep -E 'WARNING: |BUG: |Oops: |general protection|refcount_t: ' \
	"$work"/log/{kernel,console}.log >>"$work/errors"
result $? "6 no kernel had anything to report"
exit $failed
