# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: from one vCPU to eight and back, under load. cpus-rounds.sh ROUNDS KERNEL
. ./cpus-lib.sh

rounds=$1
plan 4
make_initrds
mkdir images && mount -t tmpfs tmpfs images
truncate -s 8M images/disk

# What the host's kernel holds for itself, in KiB
kernel_memory() {
	sync
	awk '/^(SUnreclaim|KernelStack|PageTables|Percpu):/ { sum += $2 } END { print sum }' \
		/proc/meminfo
}

start_machine "$2" --cpus 1,max=8 --disk path=images/disk
cpus_become 8 && cpus_become 1
ok "a first round" $?
done_by_guest 'for i in 1 2 3 4; do load $i /dev/vda & done; for i in 5 6; do load $i file.$i & done'
before=$(kernel_memory) round=0
threads=$(threads)
cpu1=/sys/devices/system/cpu/cpu1/online
while [ $round -lt "$rounds" ] && cpus_become 8 && cpus_become 1; do
	round=$((round + 1))
	# Every other round, the host has one CPU less.
	echo $((round % 2)) >$cpu1
done
echo 1 >$cpu1
echo "$round rounds, kernel memory $before, then $(kernel_memory) KiB" | tee -a $log |
	sed 's/^/# /'
[ $round -eq "$rounds" ] && [ "$(threads)" -eq "$threads" ] &&
	[ $(($(kernel_memory) - before)) -lt 2048 ]
ok "$rounds rounds under load" $?
tell 'touch stop'
until_true sh -c "[ \"\$(grep -c '^LOADED [1-9]' $log)\" -eq 6 ]" && ! grep -q '^BAD' $log
ok "all data was right" $?
tell 'poweroff -f'
wait $machine && rmmod lhv
ok "nothing is left" $?

finish
