# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: from one vCPU to eight and back, and memory with it, under load. cpus-rounds.sh ROUNDS KERNEL
. ./cpus-lib.sh

rounds=$1
plan 7
make_initrds
mkdir images && mount -t tmpfs tmpfs images
truncate -s 8M images/disk

# What the host's kernel holds for itself, in KiB. To shrink a cache frees what KASAN's
# quarantine, on the debug host, and slabs that are partly used keep of it.
kernel_memory() {
	sync
	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$cache"
	done
	awk '/^(SUnreclaim|KernelStack|PageTables|Percpu):/ { sum += $2 } END { print sum }' \
		/proc/meminfo
}

# The disk's threads come and go as there is work.
vcpu_threads() {
	cat "/proc/$machine"/task/*/comm | grep -c '^vcpu'
}

start_machine "$2" --cpus 1,max=8 --disk path=images/disk
cpus_become 8 && cpus_become 1
ok "a first round" $?
done_by_guest 'for i in 1 2 3 4; do load $i /dev/vda & done; for i in 5 6; do load $i file.$i & done'
before=$(kernel_memory)
round=0
vcpus=$(vcpu_threads)
cpu1=/sys/devices/system/cpu/cpu1/online
while [ $round -lt "$rounds" ] && cpus_become 8 && cpus_become 1; do
	round=$((round + 1))
	# Every other round, the host has one CPU less.
	echo $((round % 2)) >$cpu1
done
echo 1 >$cpu1
after=$(kernel_memory)
echo "$round rounds, kernel memory $before, then $after KiB" | tee -a $log | sed 's/^/# /'
[ $round -eq "$rounds" ] && [ "$(vcpu_threads)" -eq "$vcpus" ] &&
	[ $((after - before)) -lt 2048 ]
ok "$rounds rounds under load" $?
tell 'touch stop'
until_true sh -c "[ \"\$(grep -c '^LOADED [1-9]' $log)\" -eq 6 ]" && ! grep -q '^BAD' $log
ok "all data was right" $?
tell 'poweroff -f'
wait $machine
ok "it powers off" $?

# ---- both at once, by two callers ----

changes_each=12

# While one's changes go on, the other one is told so, and tries again. change_often STEP
change_often() {
	for i in $(seq $changes_each); do
		case $(((i * $1) % 4)) in
		0) changes='--cpus 4' ;;
		1) changes='--memory 1G' ;;
		2) changes='--cpus 1 --memory 256M' ;;
		3) changes='--cpus 3 --memory 640M' ;;
		esac
		# shellcheck disable=SC2086 # several words
		until hvctl set web $changes >"refusal.$1" 2>&1; do
			grep -q 'is being changed by another command' "refusal.$1" || return
			echo refused >>"refused.$1"
			sleep 0.2
		done
	done
}

# The host's CPU 1 goes and comes until there is the file stop.
cpu1_comes_and_goes() {
	while [ ! -e stop ]; do
		echo 0 >$cpu1
		sleep 0.2
		echo 1 >$cpu1
		sleep 0.2
	done
}

has_both() {	# CPUS MIB
	done_by_guest "await $1; until_total $2" && hvctl status web --json >status &&
		grep -q "\"cpus\":$1," status && grep -q "\"memory\":$(($2 << 20))," status
}

start_machine "$2" --cpus 1,max=4 --memory 256M,max=1G --disk path=images/disk
done_by_guest 'echo online_movable >/sys/devices/system/memory/auto_online_blocks; modprobe virtio_mem'
done_by_guest 'for i in 1 2; do load $i /dev/vda & done; load 3 file.3 & true'
cpu1_comes_and_goes &
other=$!
change_often 1 &
first=$!
change_often 3
second=$?
wait $first && [ $second -eq 0 ]
result=$?
echo "# refused meanwhile: $(cat refused.1 refused.3 2>/dev/null | wc -l) times"
cat refusal.1 refusal.3 >>$log
hvctl set web --cpus 4 --memory 1G && has_both 4 1024 && hvctl set web --cpus 1 --memory 256M &&
	has_both 1 256 && [ $result -eq 0 ]
ok "two callers, $changes_each changes each, while the host's CPU 1 goes and comes" $?
touch stop
wait $other
tell 'touch stop'
until_true sh -c "[ \"\$(grep -c '^LOADED [1-9]' $log)\" -eq 3 ]" && ! grep -q '^BAD' $log
ok "all data was right then, too" $?
tell 'poweroff -f'
wait $machine && rmmod lhv
ok "nothing is left" $?

finish
