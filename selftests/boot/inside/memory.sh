# SPDX-License-Identifier: GPL-2.0-only
# memory.sh ROUNDS KERNEL...: in the lab's host: memory up and down while a guest runs, by the drivers of Debian's
# kernels. The guest does what it is told on its console.
. ./lib.sh

rounds=$1
shift
plan $((12 * $# + 4))

input=./words
mkdir images && mount -t tmpfs tmpfs images
modprobe -a vhost_net bridge
mkfifo never

# The guest tells its MemTotal, in MiB, whenever that changes.
shell='stty -echo; modprobe virtio_pci
total() { echo $(($(sed -n "s/^MemTotal: *\([0-9]*\).*/\1/p" /proc/meminfo) / 1024)); }
mkdir /t; mount -t tmpfs -o size=2g tmpfs /t
(had=0; while sleep 0.1; do now=$(total); [ $now = $had ] || echo TOTAL $now; had=$now; done) &
say() { echo "$@"; }
fill() { dd if=/dev/zero of=/t/full bs=1M count=$1 2>/dev/null; say FILLED $?; }
online() { echo online_$1 >/sys/devices/system/memory/auto_online_blocks; }
# What is kept, and written to the drive and read again, in memory that comes and goes
begin() {
	head -c 1048576 /dev/urandom >/t/part; cat /t/part /t/part /t/part /t/part >/t/kept
	sum=$(md5sum </t/kept); wrong=0
}
check() {
	cp /t/kept /t/copy; [ "$(md5sum </t/copy)" = "$sum" ] || wrong=$((wrong + 1))
	dd if=/t/copy of=/dev/vda bs=1M conv=fsync 2>/dev/null; echo 1 >/proc/sys/vm/drop_caches
	[ "$(head -c 4194304 /dev/vda | md5sum)" = "$sum" ] || wrong=$((wrong + 1))
}
work() { n=0; while [ ! -e /stop ]; do check; n=$((n + 1)); done; say WORKED $n $wrong; }
say UP
while read -r line; do eval "$line"; done'

# Has the guest do it.
tell() {
	echo "$1" >&3
}

# start_machine KERNEL [hvctl option]...; until it takes orders
start_machine() {
	kernel=$1
	shift
	use_drivers "$kernel"
	rm -f $input
	mkfifo $input
	exec 3<>$input
	start_guest "$kernel" "$shell" --name mem --cpus 2 "$@"
	until_said UP $machine
}

# The guest's last word after this one
last() {
	tr -d '\r' <$log | sed -n "s/^$1 //p" | tail -n 1
}

# Waits until the guest's MemTotal is from $1 to $2.
until_total() {
	until [ "$(last TOTAL)" -ge "$1" ] && [ "$(last TOTAL)" -le "$2" ]; do
		kill -0 $machine 2>/dev/null || return 1
		sleep 0.1
	done
}

# How often it said that
said() {
	grep -c "^$1" $log
}

# Has the guest do $2, after which it says $1 once more.
do_and_say() {
	had=$(said "$1")
	tell "$2"
	until [ "$(said "$1")" -gt "$had" ]; do
		kill -0 $machine 2>/dev/null || return 1
		sleep 0.1
	done
}

# KiB of hvctl's that are in memory
resident() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' /proc/$machine/status
}

# refused TEXT [what 'hvctl set mem' is given]...: it fails with that in its sentence
refused() {
	text=$1
	shift
	hvctl set mem "$@" >answer 2>&1 </dev/null
	[ $? -eq 1 ] && [ "$(wc -l <answer)" -eq 1 ] && grep -q "^hvctl: .*$text" answer && return
	cat answer >>$log
	return 1
}

has() {		# KEY VALUE: what status says
	hvctl status mem --json | grep -q "\"$1\":$2\b"
}

# Hundredths of a second since the boot, and ticks in one
now() {
	sed 's/\.\(..\).*/\1/' /proc/uptime | cut -d' ' -f1
}
mhz=$(sed -n 's/^cpu MHz[^0-9]*\([0-9]*\).*/\1/p' /proc/cpuinfo | head -n 1)

# ---- up and down ------------------------------------------------------------------

grows() {	# KERNEL
	refused 'no driver for memory' --memory 512M && has memory 268435456
	ok "$1: without a driver, it's refused" $?
	tell 'online movable; modprobe -a virtio_mem virtio_balloon virtio_blk; say LOADED'
	until_said LOADED $machine
	begun=$(now)
	hvctl set mem --memory 768M
	status=$?
	replied=$(now)
	until_total 680 768
	total=$(now)
	echo "# $1: +512M: the reply came after $((replied - begun))0 ms, MemTotal after $((total - begun))0 ms:" \
		"$(((total - begun) * mhz / 100)) million ticks"
	[ $status -eq 0 ] && has memory 805306368 && [ "$(last TOTAL)" -ge 680 ]
	ok "$1: 512 MiB more" $?
	hvctl set mem --memory 1G && until_total 920 1024
	ok "$1: up to its max" $?
	refused "more than the machine's max of 1 GiB" --memory 1028M &&
		refused 'in steps of 4 MiB' --memory 1022M && refused 'give 2M at least' --memory 1M &&
		refused 'one of them at a time' --memory 512M --balloon size=0 && has memory 1073741824
	ok "$1: what can't be is refused" $?
}

shrinks() {	# KERNEL
	begun=$(now)
	do_and_say FILLED 'fill 300'
	full=$(resident)
	echo "# $1: filled in $(($(now) - begun))0 ms; $(sed -n 's/^AnonHugePages: *//p' /proc/$machine/smaps_rollup) of huge pages"
	tell 'rm /t/full'
	begun=$(now)
	hvctl set mem --memory 256M
	status=$?
	until_total 128 256
	echo "# $1: -768M took $(($(now) - begun))0 ms; $full KiB were resident, $(resident) are with 256 MiB"
	[ $status -eq 0 ] && [ "$full" -gt $((300 * 1024)) ] && [ "$(resident)" -lt $((272 * 1024)) ]
	ok "$1: down again, and the host has it" $?
}

# Up and down while the guest works; a second command at once is refused.
rounds() {	# KERNEL
	tell 'begin; work &'
	i=0
	while [ $i -lt "$rounds" ] && hvctl set mem --memory 1G && hvctl set mem --memory 256M; do
		i=$((i + 1))
	done
	do_and_say WORKED ': >/stop'
	echo "# $1: $i times; checked: $(last WORKED)"
	# shellcheck disable=SC2046	# two numbers
	set -- "$1" $(last WORKED)
	[ $i -eq "$rounds" ] && [ "$2" -gt 0 ] && [ "$3" -eq 0 ] && until_total 128 256
	ok "$1: $rounds times under load" $?
}

two_at_once() {	# KERNEL
	hvctl set mem --memory 1G &
	first=$!
	until_true has memory-wanted 1073741824
	status=$?
	refused 'being changed by another command' --memory 512M
	again=$?
	wait $first && [ $status -eq 0 ] && [ $again -eq 0 ] && ! has memory-wanted '.*'
	ok "$1: one change at a time" $?
}

below() {	# KERNEL
	hvctl set mem --memory 256M && hvctl set mem --memory 192M && has memory 201326592 && has held 67108864 &&
		[ "$(resident)" -lt $((208 * 1024)) ] && hvctl set mem --memory 192M
	ok "$1: less than at the start, by the balloon" $?
	hvctl set mem --memory 512M && has held 0 && has memory 536870912
	ok "$1: and up by both" $?
}

# The machine is the same afterwards, and its next driver takes what was asked for.
resets() {	# KERNEL
	do_and_say UP 'reboot -f'
	has memory 268435456
	status=$?
	do_and_say LOADED 'online movable; modprobe virtio_mem; say LOADED'
	[ $status -eq 0 ] && until_true has memory 536870912 && until_total 430 512 &&
		hvctl set mem --memory 256M
	ok "$1: a reset unplugs all, and the next driver plugs it" $?
}

# Memory above 4 GiB that nobody has plugged; the kernel lets /dev/mem there without a driver.
touches() {	# KERNEL
	do_and_say UP 'reboot -f'
	tell 'devmem 0x100001000'
	wait $machine
	[ $? -eq 1 ] && grep -q 'the guest crashed: read at guest-physical 0x100001000, where memory is unplugged' \
		$log && grep -q '^on vCPU [01] at RIP' $log
	ok "$1: who touches what is unplugged is stopped" $?
	sed -n '/the guest crashed/,$s/^/# /p' $log
}

for kernel; do
	truncate -s 8M images/disk
	start_machine "$kernel" --memory 256M,max=1G --balloon size=0 --disk path=images/disk
	grows "$kernel"
	shrinks "$kernel"
	rounds "$kernel"
	two_at_once "$kernel"
	below "$kernel"
	resets "$kernel"
	touches "$kernel"
	[ "$(hvctl list | wc -l)" -eq 1 ]
	ok "$kernel: it's gone" $?
done

# ---- devices in plugged memory ------------------------------------------------------

# Where it is the kernel's, a driver that is loaded then has its rings and buffers there.
start_machine vmlinuz --memory 192M,max=1G --net tap=tap0 --disk path=images/disk
tell 'online kernel; modprobe virtio_mem; say LOADED'
until_said LOADED $machine
hvctl set mem --memory 1G && until_total 850 1024
dd if=/dev/urandom of=data bs=64k count=32 2>>$log
cp data images/other
dd if=data of=images/disk conv=notrunc 2>/dev/null
until_true ip addr add 10.77.0.1/24 dev tap0
ip link set tap0 up
nc -l -p 9000 <data >/dev/null &
nc -l -p 9001 <>never >got &
tell 'modprobe -a virtio_blk virtio_net; echo READ $(head -c 2097152 /dev/vda | sha256sum)
mkfifo /tmp/never; ip addr add 10.77.0.2/24 dev eth0; ip link set eth0 up
insist() { for try in $(seq 600); do "$@" 2>/dev/null && return; sleep 0.1; done; }
insist nc 10.77.0.1 9000 <>/tmp/never >/t/data; echo GOT $(sha256sum </t/data)
insist nc 10.77.0.1 9001 </t/data >/dev/null; echo SENT
say DONE'
until_said DONE $machine
[ "$(last READ)" = "$(sum data) -" ]
ok "a drive's data" $?
[ "$(last GOT)" = "$(sum data) -" ] && until_true cmp data got
ok "what vhost sends and receives" $?

# What the kernel itself uses can't be moved, its rings and buffers for instance.
refused 'gave back [0-9]* MiB of the 832 MiB that it was asked for, and has [0-9]* MiB now' --memory 192M
status=$?
sed 's/^/# /' answer
do_and_say AGAIN 'echo 3 >/proc/sys/vm/drop_caches; say AGAIN $(head -c 2097152 /dev/vda | sha256sum)'
[ $status -eq 0 ] && ! has memory-wanted '.*' && [ "$(last AGAIN)" = "$(sum data) -" ]
ok "a guest that gives back less is told of" $?
hvctl stop mem --force
wait $machine
rmmod lhv
ok "nothing is left" $?

finish
