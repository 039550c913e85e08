# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: hvctl exec and hvctl enter, in a Debian 12 as it is installed.
. ./lib.sh

plan 13

hvctl run --name web --cpus 2 --memory 512M --kernel /guest/debian-vmlinuz \
	--initrd /guest/debian-initrd.img --cmdline 'root=/dev/vda console=ttyS0 quiet' \
	--disk path=/guest/debian.img --rng --agent auto >$log 2>&1 </dev/null &
machine=$!

# in_guest COMMAND...: its outputs are in out and err, its status in $status.
in_guest() {
	hvctl exec web -- "$@" >out 2>err </dev/null
	status=$?
	echo "status $status: $*" >>$log
	cat out err >>$log
}
agent_open() {
	hvctl status web --json | grep -q '"agent-open":true'
}

until_true hvctl status web
hvctl exec web -- true >out 2>err </dev/null
[ $? -eq 1 ] && grep -q '^hvctl: no agent runs in the guest of the machine web' err
ok "before its agent runs, that is said" $?

until_said 'debian login:' $machine
until_true agent_open
in_guest sh -c 'echo out; echo err >&2; exit 7'
[ $status -eq 7 ] && [ "$(cat out)" = out ] && [ "$(cat err)" = err ]
ok "exec: outputs and status" $?
in_guest sh -c 'kill -KILL $$'
[ $status -eq 137 ]
ok "exec: a signal" $?
dd if=/dev/urandom of=random bs=64k count=16 2>>$log
hvctl exec web -- cat <random >back 2>>$log && cmp random back
ok "exec: 1 MiB of input, and as much output" $?
hvctl exec web --user nobody --env 'A=b c' -- sh -c 'echo $(id -un) "$A"' >out 2>>$log </dev/null
[ "$(cat out)" = 'nobody b c' ]
ok "exec: users and variables" $?

hvctl exec web -- sh -c 'sleep 3; echo one' >one 2>>$log </dev/null &
one=$!
hvctl exec web -- sh -c 'sleep 2; echo two; exit 2' >two 2>>$log </dev/null
status=$?
wait $one && [ $status -eq 2 ] && [ "$(cat one two | tr '\n' ' ')" = 'one two ' ]
ok "exec: two at once" $?
hvctl exec web --timeout 1 -- sleep 1000 >out 2>err </dev/null
[ $? -eq 1 ] && grep -q '^hvctl: the command has not ended in 1 seconds; it goes on' err
in_guest /no/such/program
[ $status -eq 1 ] && grep -q '^hvctl: the guest.s agent refuses guest-exec: .*/no/such/program' err
ok "exec: what takes too long, and what can't be run" $?

# Starts "hvctl enter" on a terminal, on which what is echoed to fd 4 is typed; what it shows
# is in the file screen. enter [ARGUMENT]...
enter() {
	rm -f keys screen
	mkfifo keys
	./pty_run 33 99 hvctl enter web "$@" <keys >screen 2>&1 &
	terminal=$!
	exec 4>keys
}
shows() {	# TEXT
	until grep -q "$1" screen; do
		kill -0 $terminal || break
		sleep 0.2
	done
	grep -q "$1" screen
}
# Waits for its end; its status is in $status.
entered() {
	exec 4>&-
	wait $terminal
	status=$?
	tail -n 20 screen | tr -d '\r' >>$log
}
# No script(1) is left of those who left.
nothing_runs() {
	hvctl exec web -- sh -c 'cat /proc/[0-9]*/comm' </dev/null >running &&
		! grep -qx script running
}

enter
shows 'root@debian' && echo 'stty size; tty; echo $HOME $TERM' >&4 && shows '33 99' &&
	shows /dev/pts/ && shows "/root $TERM" && echo 'sleep 1000' >&4 && shows 'sleep 1000' &&
	sleep 1 && printf '\003' >&4 && echo 'echo $((6 * 7)); exit 5' >&4 && shows 42
said=$?
entered
[ $said -eq 0 ] && [ $status -eq 5 ] && until_true nothing_runs
ok "enter: a shell on a terminal, keys, and its status" $?

enter -- sh -c 'echo begun; read -r x; echo "<$x>"; exit 9'
shows begun && hvctl enter web >out 2>err </dev/null
[ $? -eq 1 ] && grep -q '^hvctl: somebody has entered the machine web already' err
ok "enter: one at a time" $?
echo typed >&4 && shows '<typed>'
entered
[ $status -eq 9 ]
ok "enter: a command" $?

enter -- sh -c 'echo begun; exec yes'
shows begun
printf '\035q' >&4
entered
[ $status -eq 0 ] && until_true nothing_runs
ok "enter: it is left by keys, and what ran is gone" $?

enter
shows 'root@debian'
pid=$(pidof hvctl | tr ' ' '\n' | while read -r pid; do
	! tr '\0' ' ' <"/proc/$pid/cmdline" | grep -q '^hvctl enter' || echo "$pid"
done)
kill -KILL "$pid"
entered
enter -- stty size
shows '33 99'
said=$?
entered
[ $said -eq 0 ] && [ $status -eq 0 ]
ok "enter: after one that was killed" $?

in_guest systemd-run --no-block systemctl stop qemu-guest-agent
until_true sh -c '! hvctl status web --json | grep -q "\"agent-open\":true"'
in_guest true
[ $status -eq 1 ] && grep -q '^hvctl: no agent runs in the guest of the machine web' err &&
	hvctl stop web 2>>$log && wait $machine && [ ! -e /run/lhv/web ]
ok "without its agent, that is said; and nothing is left" $?

finish
