# SPDX-License-Identifier: GPL-2.0-only
# Sourced by what runs in the lab's host, after lib.sh: machines that were created. Busybox sh.

# lib.sh has $log and $initrd.
# shellcheck disable=SC2154

# What a machine needs that does nothing
payload="--kernel sleep --memory 6M --console none"

# refused STATUS TEXT COMMAND...: it fails so, with a sentence that has TEXT in it
refused() {
	expected=$1 text=$2
	shift 2
	"$@" >answer 2>&1 </dev/null
	[ $? -eq "$expected" ] && [ "$(wc -l <answer)" -eq 1 ] &&
		grep -q "^hvctl: .*$text" answer && return
	echo "$*:" >>$log
	cat answer >>$log
	return 1
}

state_of() {
	hvctl list -o name,state | sed -n "s/^$1  *//p"
}

# NAME has STATE
is() {
	[ "$(state_of "$1")" = "$2" ] && return
	hvctl list >>$log 2>&1
	return 1
}

# The process of a machine that runs
process_of() {
	hvctl list --json -o name,pid | tr -d ' \n' | sed -n "s/.*\"name\":\"$1\",\"pid\":\([0-9]*\).*/\1/p"
}

# A guest that runs COMMAND. create_guest NAME KERNEL COMMAND [hvctl option]...
create_guest() {
	name=$1 kernel=$2 arguments=$(guest_arguments "$3")
	shift 3
	hvctl create "$name" --kernel "/guest/$kernel" --initrd "$initrd" --cmdline "$arguments" "$@"
}

# Waits until a line of its log begins so, or it doesn't run any more. until_logged NAME TEXT
until_logged() {
	until hvctl log "$1" | tr -d '\r' | grep -q "^$2"; do
		[ "$(state_of "$1")" = stopped ] && return 1
		sleep 0.5
	done
}

# Nothing is left of any machine.
nothing_left() {
	[ "$(hvctl list | wc -l)" -eq 1 ] && [ -z "$(ls -A /var/lib/lhv)" ] &&
		[ "$(ls -A /run/lhv)" = .lock ] && return
	{ hvctl list; ls -AR /var/lib/lhv /run/lhv; } >>$log 2>&1
	return 1
}

# A process' rounds: it has a machine of its own, and fights for one that all have.
# storm NUMBER ROUNDS
storm() {
	for _ in $(seq "$2"); do
		hvctl create "m$1" $payload && hvctl start "m$1" && hvctl suspend "m$1" &&
			hvctl resume "m$1" && hvctl stop "m$1" --force &&
			hvctl set "m$1" --cpus 2 && hvctl restart "m$1" --force &&
			hvctl destroy "m$1" --force && hvctl list >/dev/null || return
		hvctl create common $payload
		hvctl start common
		hvctl destroy --force common
	done 2>>"storm.$1"
	true
}

# That many processes at once; what fails, must be about the common machine. storms NUMBER ROUNDS
storms() {
	pids='' result=0
	for i in $(seq "$1"); do
		storm "$i" "$2" &
		pids="$pids $!"
	done
	for pid in $pids; do
		wait "$pid" || result=1
	done
	hvctl destroy --force common 2>/dev/null
	! grep -v 'machine common' storm.? >>$log && nothing_left && [ $result -eq 0 ]
}
