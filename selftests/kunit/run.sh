#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh MODULE: loads MODULE on a kernel with KUnit and prints the results of
# all its suites as one KTAP stream. Fails if a test failed, none was run, or the
# kernel's checkers reported something meanwhile.
#
# The stream comes from the kernel's log, since KUnit of Linux 6.1 keeps only
# 512 bytes of each test's output in debugfs. Which suites there must be, and
# how each ended, is asked of debugfs.

module=${1:?usage: run.sh MODULE}
kunit=/sys/kernel/debug/kunit
mark="lhv-kunit: run $$"
report='^# (BUG|WARNING|UBSAN|INFO|Oops|general protection fault)\>'

bail()
{
	echo "Bail out! $*"
	exit 1
}

# suites: the names of those that debugfs has
suites()
{
	ls "$kunit"
}

# passed SUITE: by the last line of its results
passed()
{
	tail -n 1 "$kunit/$1/results" | grep -q '^ok '
}

# The log since the mark, without time stamps; what isn't KTAP becomes a
# comment, and top-level results get numbers that begin at 1.
ktap()
{
	dmesg | sed 's/^\[ *[0-9]*\.[0-9]*\] //' | awk -v mark="$mark" '
		$0 == mark { on = 1; next }
		!on { next }
		/^(not )?ok [0-9]+ / { sub(/ok [0-9]+/, "ok " ++n) }
		/^ *(KTAP version |1\.\.[0-9]|(not )?ok [0-9]|#)/ { print; next }
		{ print "# " $0 }'
}

[ -d "$kunit" ] || mount -t debugfs none /sys/kernel/debug 2>/dev/null
[ -d "$kunit" ] || bail "this kernel has no KUnit"

before=" $(suites | tr '\n' ' ')"
echo "$mark" > /dev/kmsg
insmod "$module" || bail "cannot load $module"
ran=
for suite in $(suites); do
	case $before in
	*" $suite "*) ;;
	*) ran="$ran$suite " ;;
	esac
done

echo "KTAP version 1"
echo "1..$(echo "$ran" | wc -w)"
ktap
reports=$(ktap | grep -cE "$report")
[ -n "$ran" ] || bail "$module has no suites"

status=0
[ "$reports" -eq 0 ] || { echo "# reports of the kernel: $reports"; status=1; }
for suite in $ran; do
	passed "$suite" || { echo "# failed: $suite"; status=1; }
done
rmmod "$(basename "$module" .ko)" || bail "cannot unload $module"
exit $status
