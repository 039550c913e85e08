# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: many machines, and many commands. storms.sh [ROUNDS [KILLS [SEED]]]
. ./lib.sh
. ./machines.sh

rounds=${1:-25}
kills=${2:-200}
random=${3:-1}

plan 5

: >$log

storms 8 "$rounds"
ok "storms of commands from eight processes leave nothing" $?

# To $number, below $1.
pick() {
	random=$(((random * 1103515245 + 12345) & 0x7fffffff))
	number=$(((random >> 8) % $1))
}

# One command after the other on one machine, and each is killed at some time.
kill_at_times() {
	for i in $(seq "$kills"); do
		pick 6
		case $number in
		0) command="create kill $payload" ;;
		1) command='start kill' ;;
		2) command='restart kill --force' ;;
		3) command='set kill --save --cpus 2' ;;
		4) command='stop kill --force' ;;
		5) command='destroy kill --force' ;;
		esac
		hvctl $command >/dev/null 2>&1 </dev/null &
		victim=$!
		pick 17
		pick $((1 << number))
		usleep $number
		kill -KILL $victim 2>/dev/null
		wait $victim 2>/dev/null
		case $(state_of kill) in
		'' | stopped | running | starting | ending) ;;
		*)
			echo "$command, killed after $number us" >>$log
			hvctl list >>$log
			return 1
			;;
		esac
	done
	hvctl destroy --force kill 2>/dev/null
	nothing_left
}
kill_at_times
ok "commands are killed at any time, and the list tells the truth" $?

many() {
	for i in $(seq 300); do
		hvctl create "m$i" $payload && hvctl start "m$i" || return
	done 2>>$log
	[ "$(hvctl list -o state | grep -c running)" -eq 300 ] || return
	for i in $(seq 300); do
		hvctl destroy --force "m$i" || return
	done 2>>$log
	nothing_left
}
many
ok "300 machines are there at once" $?

# Each computes something, and hears its power button.
linux_machines() {
	sum=$(seq 20000 | sha256sum | cut -d' ' -f1)
	for i in $(seq 16); do
		create_guest "m$i" vmlinuz-small 'exec 3</dev/input/event0
			echo SUM $(seq 20000 | sha256sum); head -c 4 <&3 >/dev/null' --cpus 2 --memory 96M &&
			hvctl start "m$i" || return
	done 2>>$log
	for i in $(seq 16); do
		until_logged "m$i" "SUM $sum" || return
	done
	[ "$(hvctl list -o state | grep -c running)" -eq 16 ] || return
	stops=''
	for i in $(seq 16); do
		hvctl stop "m$i" 2>>$log &
		stops="$stops $!"
	done
	for stop in $stops; do
		wait "$stop" || return
	done
	for i in $(seq 16); do
		hvctl destroy "m$i" || return
	done 2>>$log
	nothing_left
}
linux_machines
ok "16 Linux machines are there at once, and power off" $?
rmmod lhv
ok "nothing is left" $?

finish
