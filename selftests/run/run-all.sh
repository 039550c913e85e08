# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced: runs tests, two at a time, counts their results, and ends with the line
# "N passed, N failed, N skipped".
#
# The script that sources it says where outputs go ($out), in which repository it
# is ($top), and how a test is run: run_test NAME, whose stdout is KTAP. What that
# writes to fd 3 is seen at once.

readonly AT_ONCE=2	# emulators, and cores of a small CI machine

# Of selftests/boot/, what takes too long for each run of the tests: make soak has them.
readonly LONG_BOOTS="agent balloon commands cpus-rounds debian hostile-others limits memory
	memory-rounds network passt scaling storms vhost-user"

is_long() {	# boot-NAME
	[[ " ${LONG_BOOTS//[[:space:]]/ } " == *" ${1#boot-} "* ]]
}

# Sets tests: what the function LIST prints, or of that what begins with a NAME; if
# a test has that very name, only this.
select_tests() {	# LIST NAME...
	local all test name
	mapfile -t all < <("$1")
	tests=()
	for test in "${all[@]}"; do
		for name in "${@:2}"; do
			[[ $test != "$name" ]] || break
			[[ $test != "$name"* || " ${all[*]} " == *" $name "* ]] || break
			name=
		done
		[[ $# -gt 1 && -z $name ]] || tests+=("$test")
	done
	[[ ${#tests[@]} -gt 0 ]] || { echo "nothing is named so: ${*:2}" >&2; exit 2; }
}

# Leaves in $out/NAME.sum what ktap.awk says, and reports the test in a line. A program
# within a test may go on for long after what failed in it, so that is picked out first.
finish_test() {	# NAME STATUS SECONDS
	local passed failed skipped
	awk -v status="$2" -f "$top/selftests/run/ktap.awk" "$out/$1" >"$out/$1.sum"
	read -r passed failed skipped < <(tail -n 1 "$out/$1.sum")
	echo "$1: $passed passed, $failed failed, $skipped skipped ($3 s)"
	((failed)) || return 0
	sed '$d; s/^/    /' "$out/$1.sum"
	if [[ -s $out/$1.err ]]; then
		grep -aE '(^|[[:space:]])not ok |: expected |Sanitizer: |runtime error: ' "$out/$1.err" |
			head -n 15 | sed 's/^/      /' || true
		echo "    the last it said, more in ${out#"$top/"}/$1 and $1.err:"
		tail -n 15 "$out/$1.err" | sed 's/^/      /'
	fi
}

start_test() {
	(
		SECONDS=0
		status=0
		run_test "$1" 3>&1 >"$out/$1" 2>"$out/$1.err" </dev/null || status=$?
		report=$(finish_test "$1" "$status" "$SECONDS")
		echo "$report"
	) &
}

total() {
	awk '{ passed += $1; failed += $2; skipped += $3 }
	     END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
		   exit failed > 0 }' <(for sum in "$out"/*.sum; do tail -n 1 "$sum"; done)
}

# With job control, each test and all that it started is a process group.
stop() {
	local test
	trap - INT TERM
	for test in $(jobs -p); do
		kill -- "-$test" 2>/dev/null || true
	done
	wait
	exit 1
}

run_all() {	# NAME...
	local name running=0
	rm -rf "$out"
	mkdir -p "$out"
	set -m
	trap stop INT TERM
	for name in "$@"; do
		if ((running == AT_ONCE)); then
			wait -n || true
			running=$((running - 1))
		fi
		start_test "$name"
		running=$((running + 1))
	done
	wait
	total
}
