# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: what happens to a host while machines run.
. ./lib.sh

plan 8

cpu1=/sys/devices/system/cpu/cpu1/online

count_in_guest 15000
! rmmod lhv 2>/dev/null && grep -q '^lhv ' /proc/modules && counted 15000
ok "the module stays while a machine runs, which goes on" $?

count_in_guest 15000
result=0
for i in 1 2 3 4 5; do
	echo 0 >$cpu1 && sleep 1 && echo 1 >$cpu1 && sleep 1 || result=1
done
counted 15000 && [ $result -eq 0 ]
ok "a host CPU goes and comes while a machine runs" $?

echo 0 >$cpu1
boots vmlinuz-small 2 128
count_in_guest 15000
echo 1 >$cpu1
counted 15000
ok "a host CPU comes that wasn't there when the machine began" $?

count_in_guest 15000
kill -STOP $machine
sleep 3
kill -CONT $machine
counted 15000
ok "hvctl is stopped for a while" $?

boots vmlinuz-small 16 256

# Minimal ones, and all of them are there at the same time.
machines=""
for i in $(seq 64); do
	hvctl run --kernel sleep --memory 4M --console "console.$i" >>$log 2>&1 </dev/null &
	machines="$machines $!"
done
for i in $(seq 64); do
	until [ -s "console.$i" ] || ! kill -0 $machines 2>/dev/null; do sleep 1; done
done
# All of them still run.
kill -0 $machines 2>>$log
ok "64 machines at once" $?

kill -KILL $machines
wait
rmmod lhv && ! grep -q '^lhv ' /proc/modules
ok "all are killed, and the module goes" $?

finish
