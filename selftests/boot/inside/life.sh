# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: the life of named machines. life.sh [ROUNDS]
. ./lib.sh
. ./machines.sh

rounds=${1:-3}

plan 24

: >$log

# ---- one machine's life ----

use_drivers vmlinuz
create_guest web vmlinuz 'modprobe -a button evdev
	head -c 4 /dev/input/event0 >/dev/null && echo PRESSED && poweroff -f &
	echo UP
	while read -r line; do echo "GOT $line"; done' --cpus 2 --memory 256M --datacenter hel-1 2>>$log &&
	is web stopped && hvctl status web | grep -qx 'memory:  256 MiB' &&
	[ "$(stat -c %a /var/lib/lhv /var/lib/lhv/web /var/lib/lhv/web/config | tr '\n' ' ')" = "700 700 600 " ]
ok "a machine is created" $?

refused 1 'there is a machine web already' hvctl create web --kernel /guest/vmlinuz-small &&
	refused 1 'a machine web already, which was created' hvctl run --name web --kernel /guest/vmlinuz-small &&
	refused 1 "machine web doesn't run; 'hvctl start web' starts it" hvctl stop web &&
	refused 1 'no machine webs; perhaps web is meant' hvctl start webs &&
	refused 1 'no machine nobody' hvctl destroy nobody &&
	refused 2 'cannot find none' hvctl create other --kernel none &&
	refused 2 "'a/b' is not a name" hvctl create a/b --kernel /guest/vmlinuz-small &&
	refused 1 'has no port for a guest agent' hvctl start web --wait &&
	[ "$(hvctl list | wc -l)" -eq 2 ]
ok "what can't be is refused, and nothing is left of it" $?

hvctl start web 2>>$log && is web running && refused 1 'machine web runs already' hvctl start web &&
	refused 1 'web runs; stop it first' hvctl destroy web
ok "it is started in the background" $?

until_logged web UP
mkfifo nothing
hvctl console --name web <>nothing >viewer.1 &
viewer=$!
echo hello | hvctl console web >viewer.2 &
until grep -q 'GOT hello' viewer.1 && grep -q 'GOT hello' viewer.2; do
	[ "$(state_of web)" = running ] || break
	sleep 0.2
done
grep -q '^UP' viewer.1 && grep -q 'GOT hello' viewer.2
ok "its console is seen by several, from before they came" $?

hvctl set web --rng 2>answer && cat answer >>$log &&
	grep -q 'rng is saved; the machine has it from its next start' answer &&
	hvctl set web --save --memory 320M --cpus 1 2>>$log &&
	refused 1 "can't be changed while the machine runs; leave --live out" \
		hvctl set web --live --kernel /guest/vmlinuz &&
	refused 1 '--cpus' hvctl set web --save --cpus 0 &&
	hvctl status web | grep -qx 'memory:  256 MiB'
ok "what is saved waits for the next start" $?

before=$(process_of web)
hvctl restart web 2>>$log && [ "$(process_of web)" != "$before" ] && is web running &&
	hvctl status web | grep -qx 'memory:  320 MiB' && hvctl log web | tr -d '\r' | grep -q '^PRESSED'
ok "it is restarted, by its power button, as it was saved" $?
wait $viewer 2>/dev/null
ok "who looked at its console sees the end" $?

hvctl stop web --force 2>>$log && is web stopped && hvctl destroy web && nothing_left
ok "it is stopped and destroyed" $?

# ---- suspended ----

initrd=/guest/initrd.img
create_guest count vmlinuz-small 'i=0
	while :; do i=$((i + 1)); echo COUNT $i; sleep 0.1; done' --cpus 2 --memory 128M
counts() {
	hvctl log count | grep -c '^COUNT'
}
hvctl start count && until_logged count COUNT && hvctl suspend count 2>>$log && is count suspended
ok "a machine is suspended" $?
# What its vCPUs took, in user and kernel mode
ticks() {
	cat /proc/"$(process_of count)"/task/*/stat | sed -n 's/.*(vcpu[0-9]*) //p' | cut -d' ' -f12,13
}
before=$(counts)
took=$(ticks)
sleep 2
[ "$(counts)" -eq "$before" ] && [ -n "$took" ] && [ "$(ticks)" = "$took" ]
ok "its guest stands still, and takes no time" $?
hvctl suspend count && refused 1 'is suspended; resume it first' hvctl stop count &&
	hvctl resume count && hvctl resume count && is count running &&
	until_logged count "COUNT $((before + 3))"
ok "it goes on when it is resumed" $?
result=0
for i in $(seq 20); do
	hvctl suspend count && hvctl resume count || result=1
done
before=$(counts)
[ $result -eq 0 ] && until_logged count "COUNT $((before + 3))"
ok "time and again" $?
hvctl suspend count && hvctl destroy count --force && nothing_left
ok "it is destroyed while it is suspended" $?

# ---- an agent ----

create_guest guest vmlinuz-small 'sleep 1; echo NONE' --memory 128M --agent agent.sock
hvctl start guest --wait --timeout 600 >answer 2>&1
[ $? -eq 1 ] && grep -q 'ended before its guest was up' answer && hvctl destroy guest
ok "who waits for a guest hears of its end" $?

use_drivers vmlinuz
# What waits in the port is a question, by which the answer is known.
create_guest guest vmlinuz 'modprobe -a virtio_pci virtio_console
	until [ -e /dev/vport0p1 ]; do sleep 0.1; done
	exec 3<>/dev/vport0p1
	while read -r line <&3; do
		id=$(echo "$line" | sed -n "s/.*\"id\": *\([0-9]*\).*/\1/p")
		if [ "$id" ]; then
			printf "\377{\"return\": %s}\n" "$id" >&3
		else
			echo ASKED
			echo "{\"return\": {}}" >&3
		fi
	done' --memory 256M --agent auto
hvctl start guest --wait --timeout 400 2>>$log && hvctl log guest | grep -q '^ASKED'
ok "start waits until the guest agent answers" $?
hvctl destroy guest --force
initrd=/guest/initrd.img

# ---- what can't start ----

head -c 100000 /dev/zero >no-kernel
hvctl create bad --kernel no-kernel && refused 1 "no-kernel" hvctl start bad && is bad stopped &&
	[ ! -e /run/lhv/bad ] && hvctl log bad | grep -q 'hvctl: starts at' &&
	echo '{"version":2,"options":{}}' >/var/lib/lhv/bad/config && is bad damaged &&
	refused 1 'of version 2, and this hvctl knows 1' hvctl start bad && hvctl destroy bad
ok "what can't be started says why, and is as it was" $?

# ---- killed ----

hvctl create spin --kernel spin --memory 6M
hvctl start spin && kill -KILL "$(process_of spin)"
until [ -z "$(process_of spin)" ]; do :; done
is spin stopped && [ ! -e /run/lhv/spin ] && hvctl start spin && hvctl destroy --force spin
ok "a machine that was killed is stopped, and starts again" $?

# Each command is killed at each of its system calls, in some steps: the next ones make sense.
truth() {
	state=$(hvctl list -o name,state | sed -n 's/^kill  *//p')
	case $state in
	'')
		hvctl create kill $payload && hvctl destroy kill
		;;
	stopped)
		{ hvctl start kill || is kill running; } && hvctl stop kill --force &&
			hvctl destroy kill
		;;
	running)
		hvctl status kill >/dev/null && hvctl destroy --force kill
		;;
	starting)	# whoever was to hear of it is gone, and it goes on
		until [ "$(state_of kill)" = running ]; do :; done
		hvctl destroy --force kill
		;;
	ending)
		until [ "$(state_of kill)" = stopped ]; do :; done
		hvctl destroy kill
		;;
	*)
		false
		;;
	esac >>$log 2>&1 && nothing_left && return
	echo "then it was $state" >>$log
	return 1
}
# kill_at STEP BEFORE COMMAND...: BEFORE is run first, each time
kill_at() {
	step=$1 before=$2 number=1
	shift 2
	while :; do
		$before >/dev/null || return
		./tracer kill $number -- "$@" >calls 2>/dev/null </dev/null
		result=$?
		truth || { echo "killed at call $number: $*" >>$log; return 1; }
		[ $result -eq 1 ] && return
		number=$((number + step))
	done
}
made() {
	hvctl create kill $payload
}
runs() {
	made && hvctl start kill
}
kill_at 7 true hvctl create kill $payload
ok "create is killed anywhere" $?
kill_at 7 made hvctl start kill
ok "start is killed anywhere" $?
kill_at 11 made hvctl set kill --cpus 2 && kill_at 11 made hvctl destroy kill &&
	kill_at 11 runs hvctl destroy kill --force
ok "set and destroy are killed anywhere" $?

# ---- at once ----

made
for i in 1 2 3 4; do
	hvctl start kill >start.$i 2>&1 &
done
wait
[ "$(cat start.? | grep -c 'machine kill runs already')" -eq 3 ] && is kill running &&
	hvctl destroy --force kill
ok "of several that start it, one does" $?

storms 4 "$rounds"
ok "storms of commands leave nothing" $?

# ---- an ordinary user ----

hvctl create roots $payload && hvctl start roots
echo 'user:x:1000:1000::/tmp/user:/bin/sh' >>/etc/passwd
printf 'lhv:x:101:user\nuser:x:1000:\n' >>/etc/group
chgrp 101 /dev/lhv && chmod 660 /dev/lhv
mkdir -p /tmp/user /tmp/runtime && cp sleep /tmp/user && chmod 755 /tmp/user/sleep
chown 1000:1000 /tmp/user /tmp/runtime && chmod 700 /tmp/runtime
as_user() {
	su user -c "cd; export XDG_RUNTIME_DIR=/tmp/runtime; $*"
}
as_user 'hvctl create mine --kernel sleep --memory 6M && hvctl start mine &&
	hvctl list' >list 2>>$log && [ "$(sed 1d list | cut -d' ' -f1)" = mine ] &&
	[ "$(stat -c %U:%a /tmp/user/.local/state/lhv/mine)" = user:700 ] &&
	[ "$(ps -o user,args | grep -c '^user .*hvctl start mine')" -eq 1 ]
ok "an ordinary user has machines of his own" $?
refused 1 'no machine roots' as_user hvctl stop --force roots &&
	refused 1 'no machine mine' hvctl stop --force mine && is roots running &&
	[ "$(hvctl list | wc -l)" -eq 2 ] &&
	! as_user 'cat /var/lib/lhv/roots/config || ls /run/lhv/roots' >>$log 2>&1 &&
	as_user hvctl destroy --force mine && hvctl destroy --force roots &&
	[ -z "$(ls -A /tmp/user/.local/state/lhv)" ] && rmmod lhv
ok "neither he nor root sees the other's" $?

finish
