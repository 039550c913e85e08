# SPDX-License-Identifier: GPL-2.0-only
#
# Adds up a KTAP (or TAP) stream: awk -v status=N -f ktap.awk FILE, where N is
# what the program that printed it exited with. Prints each failure, and last a
# line "PASSED FAILED SKIPPED".
#
# A result that follows results of a deeper level sums those up and is not
# counted again. What went wrong without a "not ok" line counts as one failure:
# results missing from the plan, no plan, "Bail out!", a bad exit status.

function problem(text) {
	print "not ok - " text
	failed++
}

# Ends all levels below @level: their plans must be fulfilled by now.
function close_levels(level,    i) {
	for (i = deepest; i > level; i--) {
		if (i in plan && seen[i] != plan[i])
			problem("planned " plan[i] " results, saw " seen[i] + 0)
		delete plan[i]
		delete seen[i]
	}
	deepest = level
}

{ sub(/\r$/, "") }

match($0, /^ */) { level = RLENGTH; line = substr($0, RLENGTH + 1) }

line ~ /^1\.\.[0-9]+/ {
	if (level < deepest)
		close_levels(level)
	deepest = level
	split(line, range, /\.\.| /)
	plan[level] = range[2] + 0
	failed_before[level] = failed
	planned = 1
	if (line ~ /^1\.\.0 *# *SKIP/) {
		skipped++
		if (status == 4)	# kselftest's word for "skipped"
			status = 0
	}
	next
}

line ~ /^Bail out!/ { problem(line); next }

line ~ /^(not )?ok [0-9]+/ {
	parent = deepest > level && (deepest in seen)
	failures_below = failed - failed_before[level]
	close_levels(level)
	seen[level]++
	if (line ~ /^ok/ && line ~ /# *SKIP/) {
		if (!parent)
			skipped++
	} else if (line ~ /^ok/) {
		if (!parent)
			passed++
	} else if (!parent || !failures_below) {
		print line
		failed++
	}
	failed_before[level] = failed
	next
}

END {
	close_levels(-1)
	if (!planned && !failed)
		problem("no plan: the program ended early or printed no KTAP")
	if (status && !failed)
		problem("exit status " status)
	print passed + 0, failed + 0, skipped + 0
}
