# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by lab: with LAB_COVERAGE=DIR, which lines of the module CMD executed.

readonly KEPT=/run/coverage	# in the host

# debugfs says that the counters' files are empty, so they are read, not archived.
readonly KEEP_COUNTERS="\"\$@\"
status=\$?
mkdir $KEPT
cd /sys/kernel/debug/gcov && find . -name '*.gcda' | while read -r file; do
	mkdir -p \"$KEPT/\${file%/*}\"
	cat \"\$file\" >\"$KEPT/\$file\"
done
exit \$status"

counts_lines() {
	[[ -n ${LAB_COVERAGE-} ]]
}

# Each run has a folder of its own there.
count_lines() {
	[[ $host == debug ]] || fail "LAB_COVERAGE: only the host 'debug' counts lines"
	mkdir -p "$LAB_COVERAGE"
	counters=$(mktemp -d "$LAB_COVERAGE/XXXXXX")
	command=(sh -c "$KEEP_COUNTERS" sh "${command[@]}")
	gets+=("$KEPT:$counters")
}

# gcov wants the compiler's notes, of which it knows the place, beside the counters.
add_notes() {
	local file object
	find "$counters" -name '*.gcda' | while read -r file; do
		object=${file#"$counters"}
		cp "${object%.gcda}.gcno" "${file%.gcda}.gcno"
	done
}
