# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: hvctl is traced, and killed at any moment of its life.
# host-process.sh [KILLS [SEED]]
. ./lib.sh

kills=${1:-24}
random=${2:-1}

plan 8

# To $number, below $1.
pick() {
	random=$(((random * 1103515245 + 12345) & 0x7fffffff))
	number=$(((random >> 8) % $1))
}

count_in_guest 20000
./tracer disturb $machine >>$log
ok "each thread is stopped and stepped" $?

./tracer hold $machine >held &
tracer=$!
until_written held $tracer
kill -KILL $tracer
ok "all are held, and their tracer is killed" $?

# KVM comes and goes: the kernel has room for only one to be asked when it crashes.
modprobe kvm_intel 2>>$log
rmmod kvm_intel kvm 2>>$log
counted 20000
ok "the machine went on through all this, and while KVM came and went" $?

hvctl run --kernel mailbox --memory 6M --console mailbox.out --on-reset exit >$log 2>&1 </dev/null &
machine=$!
until_written mailbox.out $machine
timeout 60 ./tracer ask $machine 6144 >>$log 2>&1 && wait $machine
ok "a tracer's breakpoint stops hvctl, its writes reach the guest" $?

# ---- kill -9 ----

references() {
	cat /sys/module/lhv/refcnt
}

# What was killed is gone but for what waits for a grace period.
all_gone() {
	for i in $(seq 100); do
		[ "$(references)" -eq 0 ] && return
		sleep 0.1
	done
	return 1
}

# The CPUs' own lists of free pages, some MiB and never the same, count as used elsewhere.
free_kib() {
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemAvailable:/ { kib += $2 } /^ +count:/ { kib += 4 * $2 } END { print kib }' \
		/proc/meminfo /proc/zoneinfo
}

mailbox="hvctl run --kernel mailbox --memory 6M --console none --on-reset exit"

# As many system calls as hvctl makes until its guest runs, about.
calls=$(./tracer kill 1000000 -- hvctl run --kernel reset --memory 6M --console none --on-reset exit)
kill_at_calls() {
	result=0
	for i in $(seq "$1"); do
		pick $((calls))
		./tracer kill $((number + 1)) -- $mailbox --cpus $((i % 4 + 1)) && all_gone || result=1
		[ $result -eq 0 ] || echo "at call $((number + 1)) of $calls" >>$log
	done
	return $result
}

# After up to a second, early moments as likely as late ones.
kill_at_times() {
	result=0
	for i in $(seq "$1"); do
		hvctl run --kernel /guest/vmlinuz-small --initrd /guest/initrd.img \
			--memory 128M --cpus $((i % 4 + 1)) --console none >/dev/null 2>&1 </dev/null &
		machine=$!
		pick 20
		pick $((1 << number))
		usleep $number
		kill -KILL $machine
		wait $machine 2>>$log
		[ $? -eq 137 ] && all_gone || result=1
		[ $result -eq 0 ] || echo "after $number us" >>$log
	done
	return $result
}

kill_at_calls 5 && kill_at_times 5
before=$(free_kib)
kill_at_calls $((kills / 2))
ok "killed at system calls" $?
kill_at_times $((kills / 2))
ok "killed at some time" $?

# A machine takes 35 KiB of the kernel, and 6 or 128 MiB.
after=$(free_kib)
echo "available: $before KiB, then $after KiB" >>$log
[ "$after" -gt $((before - kills * 20)) ] && ! grep -qs hvctl /proc/[0-9]*/cmdline
ok "all that was killed gave its memory back" $?

module_goes
ok "the module goes, and leaves VMX to KVM" $?

finish
