# SPDX-License-Identifier: GPL-2.0-only
#
# awk -v lab=STATUS -f verdicts.awk expected plan output: prints KTAP, and exits
# with 1 if anything failed. A payload is a test; its cases, its end and the
# comparison with KVM are the results below.

FILENAME != file { file = FILENAME; part++ }

# --- expected and plan --------------------------------------------------------

part == 1 && ($1 == "kvm" || $1 == "emulator") {
	match($0, /: /)
	split(substr($0, 1, RSTART - 1), words, " ")
	name = substr($0, length(words[1] words[2]) + 3, RSTART - length(words[1] words[2]) - 3)
	why[$1, words[2], name] = substr($0, RSTART + 2)
}
part == 1 { next }

part == 2 {
	payloads[++count] = $1
	on_kvm[$1] = $3 == "kvm"
	next
}

# --- output: verdict[hypervisor, payload, case] is "ok", "not ok" or "skip" ----

/^=== begin / { side = $3; payload = $4; next }
/^=== end / { exit_status[side, payload] = $3; side = ""; next }
!side { next }

/^(not )?ok / {
	line = $0
	result = line ~ /^ok / ? "ok" : "not ok"
	sub(/^(not )?ok /, "", line)
	note = ""
	if (match(line, / # SKIP |: /)) {
		note = substr(line, RSTART)
		line = substr(line, 1, RSTART - 1)
	}
	if (note ~ /^ # SKIP/)
		result = "skip"
	number = ++cases[side, payload]
	wrong[side, payload] += result == "not ok"
	name_of[side, payload, number] = line
	if ((side, payload, line) in verdict)
		twice[side, payload] = line
	verdict[side, payload, line] = result
	notes[side, payload, line] = note
	next
}
/^end / { ended[side, payload] = $2; next }
{ said[side, payload] = said[side, payload] "    # " side ": " $0 "\n" }

# --- results -------------------------------------------------------------------

function print_result(good, text) {
	lines = lines sprintf("    %s %d %s\n", good ? "ok" : "not ok", ++number, text)
	failures += !good
}

# Did it come to its end, with an exit status (hvctl's --debug-exit) that agrees
# with its cases?
function whole(side, payload,    n) {
	n = cases[side, payload]
	return n && ended[side, payload] == n && !((side, payload) in twice) &&
		exit_status[side, payload] == (wrong[side, payload] ? 3 : 1)
}

function report_case(payload, name,    v) {
	v = verdict["lhv", payload, name]
	if (v == "skip")
		print_result(1, name notes["lhv", payload, name])
	else if (v == "not ok" && ("emulator", payload, name) in why)
		print_result(1, name " # SKIP " why["emulator", payload, name])
	else
		print_result(v == "ok", name notes["lhv", payload, name])
}

# The cases that have another verdict on KVM, and no reason for it
function differences(payload,    i, name, text, seen) {
	for (i = 1; i <= cases["lhv", payload] + cases["kvm", payload]; i++) {
		if (i <= cases["lhv", payload])
			name = name_of["lhv", payload, i]
		else
			name = name_of["kvm", payload, i - cases["lhv", payload]]
		if (name in seen || ("kvm", payload, name) in why)
			continue
		seen[name]
		if (verdict["lhv", payload, name] != verdict["kvm", payload, name])
			text = text "    # " name ": KVM says '" verdict["kvm", payload, name] \
				notes["kvm", payload, name] "'\n"
	}
	return text
}

function report_payload(index_, payload,    i, text) {
	lines = ""
	number = failures = 0
	for (i = 1; i <= cases["lhv", payload]; i++)
		report_case(payload, name_of["lhv", payload, i])
	print_result(whole("lhv", payload), "runs to its end")
	if (on_kvm[payload]) {
		text = differences(payload)
		lines = lines text
		print_result(!text && whole("kvm", payload), "same verdicts as KVM's")
	}
	printf "    1..%d\n%s%s", number, said["lhv", payload] said["kvm", payload], lines
	printf "%s %d %s\n", failures ? "not ok" : "ok", index_, payload
	failed += failures
}

END {
	print "TAP version 13"
	print "1.." count
	for (p = 1; p <= count; p++)
		report_payload(p, payloads[p])
	if (lab)
		print "Bail out! the lab ended with status " lab
	exit failed || lab
}
