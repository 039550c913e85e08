# SPDX-License-Identifier: GPL-2.0-only
# cpus.sh KERNEL...: in the lab's host: vCPUs that become more and fewer.
. ./cpus-lib.sh

plan $((17 + $#))
make_initrds

# ---- a guest that does as it is asked ----

start_machine vmlinuz-small --cpus 1,max=8
hvctl status web | grep -qx 'cpus:    1 of 8' && has 1
ok "it begins with one of eight" $?
before="$(threads) $(fds)"
# In hundredths of a second: until the guest has it, and until it's online there
eval "$now"
start=$(now)
hvctl set web --cpus 2 2>>$log
taken=$(now)
has 2
online=$(now)
hvctl set web --cpus 1 2>>$log
echo "# one more: taken after $((taken - start)), online after $((online - start)); given back in $(($(now) - online))"
cpus_become 4 && cpus_become 1 && cpus_become 8 && [ "$(threads) $(fds)" != "$before" ] &&
	cpus_become 1
ok "from 1 to 4, 1, 8 and 1" $?
echo "threads and fds: $before, then $(threads) $(fds)" >>$log
[ "$(threads) $(fds)" = "$before" ]
ok "what is removed is gone" $?
cpus_become 3 && cpus_become 2 && cpus_become 3 && cpus_become 3
ok "removed, and added again" $?
refused 2 "'0' is not a number from 1" hvctl set web --cpus 0 &&
	refused 1 '9 are more than the 8 that the machine may have' hvctl set web --cpus 9 && has 3
ok "none, or too many" $?

# ---- one that refuses ----

done_by_guest letting_go 0
refused 1 "doesn't give vCPU 2 back: it doesn't let go of vCPUs; the machine has 3 vCPUs as before" \
	hvctl set web --cpus 1 && has 3
result=$?
done_by_guest letting_go 1
[ $result -eq 0 ] && cpus_become 1
ok "it lets go of none, until it does" $?

# One that lets go until the last one has gone: that one comes back. It may be late by one.
cpus_become 4 &&
	done_by_guest 'while [ -e /sys/devices/system/cpu/cpu3 ]; do :; done && letting_go 0 & true' &&
	refused 1 "doesn't give vCPU [12] back: it doesn't let .*; the machine has 4 vCPUs as before" \
		hvctl set web --cpus 1 && has 4 && done_by_guest letting_go 1 && cpus_become 1
ok "it lets go of some, and gets them back" $?

# Two nine tenths of a CPU want two.
cpus_become 2 && done_by_guest 'deadline & deadline & sleep 1' &&
	refused 1 "doesn't give vCPU 1 back: it is busy; the machine has 2 vCPUs as before" \
		hvctl set web --cpus 1 && has 2 &&
	done_by_guest 'killall deadline' && cpus_become 1
ok "it can spare none, until it can" $?

# ---- one that doesn't listen ----

events='/sys/bus/platform/drivers/acpi-ged'
done_by_guest "echo ACPI0013:00 >$events/unbind"
refused 1 "hasn't asked in 30 seconds what happened to vCPU 1: .*; the machine has 1 vCPU as before" \
	hvctl set web --cpus 2 && [ "$(threads) $(fds)" = "$before" ]
result=$?
done_by_guest "echo ACPI0013:00 >$events/bind"
[ $result -eq 0 ] && cpus_become 2
ok "it hears nothing, until it does" $?

# ---- one that gives by itself ----

cpus_become 4 && done_by_guest 'echo 1 >/sys/bus/acpi/devices/ACPI0007:02/eject' && has 3 &&
	grep -q '^hvctl: the guest ejected a vCPU' $log && cpus_become 4 && cpus_become 2
ok "it ejects one of its own accord" $?

# ---- resets and ends ----

tell 'reboot -f'
listens_again 2
has 2 && cpus_become 5 && cpus_become 2
ok "after a reset it has as many as before" $?
done_by_guest "echo ACPI0013:00 >$events/unbind"
hvctl set web --cpus 6 2>>$log &
setter=$!
until_true sh -c 'hvctl status web | grep -qx "cpus:    2 of 8, becoming 6"'
refused 1 'is being changed by another command' hvctl set web --cpus 3
result=$?
tell 'reboot -f'
wait $setter && [ $result -eq 0 ] && listens_again 3 && has 6
ok "a reset while it hears nothing brings them all" $?
done_by_guest "echo ACPI0013:00 >$events/unbind"
refused 1 'machine ended before' hvctl set web --cpus 4 &
setter=$!
until_true sh -c 'hvctl status web | grep -q "becoming 4"'
tell 'poweroff -f'
wait $setter && wait $machine
ok "it powers off meanwhile" $?

# ---- other guests ----

hvctl run --name web --memory 4M --cpus 1,max=3 --kernel sleep >$log 2>&1 </dev/null &
machine=$!
until_true hvctl status web
refused 1 "hasn't asked in 30 seconds what happened to vCPU 1" hvctl set web --cpus 3 &&
	refused 1 "hasn't asked in 30 seconds what happened to vCPU 1" hvctl set web --cpus 2
result=$?
hvctl stop web --force && wait $machine && [ $result -eq 0 ]
ok "one that knows no ACPI" $?
start_machine vmlinuz-small --cpus 2
refused 1 'start it with --cpus 2,max=M' hvctl set web --cpus 1 &&
	done_by_guest '[ ! -e /sys/bus/acpi/devices/ACPI0007:00 ]'
result=$?
tell 'poweroff -f'
wait $machine && [ $result -eq 0 ]
ok "one whose number is for good" $?

# What it does to itself is its own affair: a CPU that it uses goes (registers in cpu_hotplug.h).
start_machine vmlinuz-small --cpus 4,max=8
tell 'out 1552 3; out 1556 10'
until_true sh -c 'hvctl status web | grep -qx "cpus:    3 of 8"' &&
	until_true sh -c "[ \$(ls /proc/$machine/task | wc -l) -eq 4 ]" &&
	hvctl stop web --force && wait $machine
ok "one that ejects a CPU which it uses" $?

for debian in "$@"; do
	start_machine $debian --cpus 1,max=8
	cpus_become 4 && cpus_become 1 && cpus_become 8 && cpus_become 2
	result=$?
	tell 'poweroff -f'
	wait $machine && [ $result -eq 0 ]
	ok "$debian: from 1 to 4, 1, 8 and 2" $?
done

rmmod lhv
ok "nothing is left" $?

finish
