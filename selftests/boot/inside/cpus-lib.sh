# SPDX-License-Identifier: GPL-2.0-only
# Sourced in the lab's host: guests that are told what to do, and how many CPUs they have.
. ./lib.sh

mkfifo console
exec 3<>console
input=console
asked=0

# What the guests' initial RAM disks have besides
make_initrds() {
	mkdir -p with/bin && chmod +x cpus-guest && cp cpus-guest with/bin/ &&
		{ [ ! -e deadline ] || cp deadline with/bin/; } && (cd with && find . | cpio -o -H newc 2>/dev/null) >with.cpio
}

# start_machine KERNEL [hvctl option]...
start_machine() {
	if [ "$1" = vmlinuz-small ]; then
		cat /guest/initrd.img with.cpio >initrd-small && initrd=./initrd-small
	else
		use_drivers "$1" with.cpio
	fi
	booted=$1
	shift
	start_guest "$booted" 'modprobe -a virtio_pci virtio_blk 2>/dev/null; cpus-guest' \
		--name web --memory 256M "$@"
	until_said LISTENS $machine
}

# Waits until it was there for the Nth time, having been reset. listens_again N
listens_again() {
	until_true sh -c "[ \"\$(grep -c '^LISTENS' $log)\" -eq $1 ]"
}

tell() {
	echo "$*" >&3
}

# Waits until the guest has come to what it is told now.
done_by_guest() {	# COMMAND
	asked=$((asked + 1))
	tell "$*; echo DONE $asked"
	until_said "DONE ${asked}[^0-9]" $machine
}

# Sets how many it shall have, and waits until they are online, or offline.
cpus_become() {	# CPUS
	hvctl set web --cpus "$1" 2>>$log && has "$1"
}

has() {		# CPUS
	done_by_guest "await $1" && hvctl status web --json | grep -q "\"cpus\":$1,"
}

threads() {
	ls "/proc/$machine/task" | wc -l
}

fds() {
	ls "/proc/$machine/fd" | wc -l
}

# Fails with a sentence. refused STATUS TEXT COMMAND...
refused() {
	wanted=$1 text=$2
	shift 2
	"$@" >answer 2>&1 </dev/null
	[ $? -eq "$wanted" ] && [ "$(grep -c '^hvctl: ' answer)" -eq 1 ] &&
		grep -q "^hvctl: .*$text" answer && return
	cat answer >>$log
	return 1
}
