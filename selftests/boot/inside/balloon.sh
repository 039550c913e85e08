# SPDX-License-Identifier: GPL-2.0-only
# balloon.sh KERNEL...: in the lab's host: the balloon, driven by Debian's kernels. The guest says how far it
# is, and waits until its host has looked at hvctl's memory.
. ./lib.sh

plan $((5 * $# + 1))

input=./words

# The balloon has 16384 pages. MemTotal stays: a driver that deflates on OOM counts them.
# "full" leaves 24 MiB, or takes 32 more than there are; "kept" is in nobody's way.
in_guest='modprobe virtio_pci; mkdir /t; mount -t tmpfs -o size=100% tmpfs /t
free() { echo $(($(sed -n "s/^MemFree: *\([0-9]*\).*/\1/p" /proc/meminfo) / 1024)); }
event() { sed -n "s/^balloon_$1 //p" /proc/vmstat; }
say() { echo "$@"; read -r _; }
fill() { dd if=/dev/zero of=/t/full bs=1M count=$1 2>/dev/null; }
inflated() { until [ $(event inflate) -ge $1 ]; do sleep 0.2; done; }
dd if=/dev/urandom of=/t/kept bs=1M count=8 2>/dev/null
sum=$(sha256sum /t/kept)
fill $(($(free) - 24)); say FULL; rm /t/full
had=$(free); modprobe virtio_balloon; inflated 16384
say INFLATED $((had - $(free)))
n=$(($(free) - 24)); [ $n -lt 100 ] || n=100
fill $n; say FILLED $n; rm /t/full; say REMOVED
fill $(($(free) + 32))
say OOM $? $(event deflate) $(dmesg | grep -c Killed); rm /t/full
cd /sys/bus/virtio/drivers/virtio_balloon; d=$(ls -d virtio*)
n=$(event inflate); echo $d >unbind
say UNBOUND $((n - $(event deflate)))
echo $d >bind; inflated $((n + 16384)); say BOUND
[ "$(sha256sum /t/kept)" = "$sum" ] && echo KEPT'

go_on() {
	echo >&3
}

# What the guest said after a word
said() {
	answer "$1" | tr -d '\r'
}

# KiB of hvctl's that are in memory; many if it is gone
resident() {
	kib=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' /proc/$machine/status 2>/dev/null)
	echo "${kib:-999999}"
}

# Waits up to two minutes. until_resident KIB: at most
until_resident() {
	tries=0
	until [ "$(resident)" -le "$1" ]; do
		tries=$((tries + 1))
		[ $tries -lt 480 ] || return 1
		sleep 0.25
	done
}

# The guest's 192 MiB that aren't in the balloon, and hvctl's own
limit=$((200 * 1024))

# balloon KERNEL
balloon() {
	use_drivers "$1"
	# A new one: the last guest may have left words in it.
	rm -f $input
	mkfifo $input
	exec 3<>$input
	start_guest "$1" "$in_guest" --cpus 2 --memory 256M --balloon size=64M

	until_said FULL $machine
	full=$(resident)
	go_on
	until_said INFLATED $machine
	inflated=$(resident)
	echo "# $1: $full KiB were resident, $inflated are with the balloon"
	taken=$(said INFLATED)
	[ "$full" -gt $limit ] && [ "$inflated" -le $limit ] && [ "${taken:-0}" -ge 56 ]
	ok "$1: the host has what is in the balloon" $?
	go_on

	until_said FILLED $machine
	filled=$(resident)
	freed=$(said FILLED)
	freed=$((${freed:-0} * 1024))
	go_on
	until_said REMOVED $machine && [ $freed -gt $((48 * 1024)) ] &&
		until_resident $((filled - freed * 6 / 10))
	status=$?
	echo "# $1: $filled KiB were resident, $(resident) are after $freed were freed"
	ok "$1: the host has what the guest reports as free" $status
	go_on

	until_said OOM $machine
	# shellcheck disable=SC2046	# three numbers
	set -- "$1" $(said OOM)
	[ "${2:-1}" -eq 0 ] && [ "${3:-0}" -gt 0 ] && [ "${4:-1}" -eq 0 ]
	ok "$1: out of memory, the balloon gives some back" $?
	go_on

	until_said UNBOUND $machine
	unbound=$(said UNBOUND)
	go_on
	until_said BOUND $machine
	bound=$(resident)
	echo "# $1: $bound KiB are resident with the next driver"
	[ "$unbound" = 0 ] && [ "$bound" -le $limit ]
	ok "$1: a driver leaves it empty, the next one fills it" $?
	go_on

	wait $machine && grep -q '^KEPT' $log
	ok "$1: the rest of the memory is as it was" $?
}

hvctl run --kernel /guest/vmlinuz --memory 64M --balloon size=64M >$log 2>&1 </dev/null
[ $? -eq 1 ] && grep -q 'a balloon of 64 MiB is too large' $log
ok "a balloon is less than the memory" $?
for kernel; do
	balloon "$kernel"
done

finish
