# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: hvctl's own behaviour around a guest.
. ./lib.sh

plan 17

boots vmlinuz-small 8 256
# More than the host has, and more than fits below 4 GiB.
boots vmlinuz-small 2 5120

small="--kernel /guest/vmlinuz-small --initrd /guest/initrd.img --memory 128M"

printf 'echo SUM $((6 * 7))\nexit 5\n' |
	hvctl run $small --cmdline "console=ttyS0 quiet panic=-1" >$log 2>&1
[ $? -eq 0 ] && tr -d '\r' <$log | grep -q '^SUM 42' && grep -q '^GUEST EXIT 5' $log
ok "what is piped in reaches the guest's shell" $?

# A guest that stays; hvctl's process is $machine.
stay() {
	start_guest vmlinuz-small 'sleep 10000' --cpus 2 --memory 128M
	until_ready $machine
}

# What is opened first would have their places, and get what is said.
hvctl run $small --cmdline "console=ttyS0 quiet panic=-1" <&- >&- 2>&- &
machine=$!
until_true test -e /proc/$machine/fd/9
places=$(for fd in 0 1 2; do readlink /proc/$machine/fd/$fd; done | sort -u)
kill -KILL $machine
[ "$places" = /dev/null ]
ok "without standard input and outputs" $?

# SIGTERM is first a wish; signals that are sent too fast are one.
for signal in TERM HUP KILL; do
	stay
	while kill -$signal $machine 2>/dev/null; do sleep 0.5; done
	wait $machine
	[ $? -eq $((128 + $(kill -l $signal))) ]
	[ $? -eq 0 ] && rmmod lhv && insmod /lhv/lhv.ko heartbeat=50000
	ok "SIG$signal ends the machine, and nothing is left of it" $?
done

# The guest hears the button, and may take its time.
use_drivers vmlinuz
start_guest vmlinuz 'modprobe -a button evdev
	echo LISTENS; dd if=/dev/input/event0 bs=24 count=1 2>/dev/null | od -An -tu2 -j16 -N4' \
	--memory 192M
initrd=/guest/initrd.img
until_said LISTENS $machine
kill -TERM $machine
wait $machine
# EV_KEY, KEY_POWER
[ $? -eq 0 ] && tr -d '\r' <$log | grep -Eq '^ +1 +116$' && grep -q '^GUEST EXIT 0' $log
ok "SIGTERM presses the power button" $?

# crash NAME PATTERN...: each is in hvctl's report, which has status 1.
crash() {
	name=$1
	hvctl run --kernel "crash/$name" --console none >$log 2>&1 </dev/null
	[ $? -eq 1 ]
	result=$?
	shift
	for pattern; do
		grep -q -- "$pattern" $log || result=1
	done
	ok "a report of a crash: $name" $result
}

crash FETCH 'the guest crashed: ' 'vCPU 0 at RIP 0xe0000000' '32-bit mode' 'cannot be read'
crash UNDECODED 'access to 0xe0000000' '0f ae 05 00 00 00 e0' 'vCPU 0 at RIP 0x1000'
crash SHUTDOWN 'triple fault' 'vCPU 0 at RIP 0x1000' 'The bytes there: 0f 0b'

# The guest ends with 42 if all were right, else with the number of the step that wasn't.
hvctl run --kernel crash/EMULATE --console none --debug-exit 0xf4 >$log 2>&1 </dev/null
status=$?
[ $status -eq 85 ] || echo "# status $status, $(cat $log)"
[ $status -eq 85 ]
ok "instructions that hvctl emulates" $?

# refused NAME STATUS PATTERN COMMAND...: with one line on stderr.
refused() {
	name=$1 expected=$2 pattern=$3
	shift 3
	"$@" >$log.out 2>$log </dev/null
	[ $? -eq "$expected" ] && [ ! -s $log.out ] && [ "$(wc -l <$log)" -eq 1 ] &&
		grep -q "^hvctl: .*$pattern" $log
	ok "$name" $?
}

echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >>/etc/passwd
refused "an ordinary user" 1 "permission denied on /dev/lhv" \
	su nobody -c "hvctl run $small"
refused "more vCPUs than lhv has" 1 "--cpus" hvctl run $small --cpus 4000
refused "a word that is no verb" 2 "'frob' is not a verb" hvctl frob

modprobe kvm_intel
./hold_kvm >held &
until grep -q held held; do sleep 1; done
refused "KVM has a machine" 1 "another hypervisor uses VMX" hvctl run $small
kill $!

rmmod lhv
refused "no module" 1 "insmod lhv.ko" hvctl run $small

finish
