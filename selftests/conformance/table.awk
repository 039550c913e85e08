# SPDX-License-Identifier: GPL-2.0-only
# From the files tests, plan and output (see run): the table, and one file each.

FILENAME != file { file = FILENAME; nr_file++ }

nr_file == 1 {
	if ($1 == "case")
		excused[$2] = excused[$2] (excused[$2] ? "|" : "") \
			substr($0, length($1 $2) + 3)
	next
}

nr_file == 2 { order[++planned] = $1; next }

$1 == "===" && $2 == "begin" {
	name = $3
	next
}
$1 == "===" && $2 == "end" {
	verdict[name] = judge(name, $4)
	close(out "/" name)
	name = ""
	next
}
name == "" { next }
{ print >(out "/" name) }
/^PASS/ { passed[name]++ }
/^SKIP/ { skips[name]++ }
/^FAIL/ {
	if (excused[name] != "" && $0 ~ excused[name])
		skips[name]++
	else
		failed[name]++
}
/^hvctl: / { crashed[name] = 1 }

# What the debug-exit port made of it; 77 is the suite's word for skipped.
function judge(name, status) {
	if (crashed[name])
		return "CRASH"
	if (status == 137 || status == 143)
		return "TIMEOUT"
	if (status == 77)
		return "SKIP"
	if (status == 1 || (status == 3 && !failed[name] && skips[name]))
		return "PASS"
	return "FAIL"
}

END {
	printf "%-26s %-8s %6s %6s %6s\n", "test", "verdict", "pass", "fail", "skip"
	for (i = 1; i <= planned; i++) {
		name = order[i]
		if (!(name in verdict))
			verdict[name] = "NO END"
		if (verdict[name] != "PASS" && verdict[name] != "SKIP")
			bad++
		printf "%-26s %-8s %6d %6d %6d\n", name, verdict[name], \
			passed[name], failed[name], skips[name]
	}
	while ((getline line <skipped) > 0) {
		split(line, word, " ")
		printf "%-26s %-8s %s\n", word[1], "not run", substr(line, length(word[1]) + 2)
	}
	exit bad > 0 || lab > 0
}
