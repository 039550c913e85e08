# SPDX-License-Identifier: GPL-2.0-only
# Sourced by what runs in the lab's host: boots guests with hvctl and prints
# KTAP. Busybox sh.

count=0
failures=0
log=/tmp/guest.log
initrd=/guest/initrd.img
input=/dev/null		# hvctl's stdin

plan() {
	echo "TAP version 13"
	echo "1..$1"
}

ok() {		# NAME STATUS
	count=$((count + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $count $1"
	else
		failures=$((failures + 1))
		echo "not ok $count $1"
		sed 's/^/# /' $log | tail -n 25
	fi
}

# Has guests boot with the drivers of their kernel, and what is in cpio archives besides.
# use_drivers KERNEL [ARCHIVE]...
use_drivers() {
	drivers=/guest/drivers${1#vmlinuz}.img
	shift
	cat /guest/initrd.img "$drivers" "$@" >./initrd.img
	initrd=./initrd.img
}

# The checksum of a file, as "sha256sum <FILE" in a guest begins
sum() {
	sha256sum <"$1" | cut -d' ' -f1
}

# What the lab's own kernels leave out because it takes most of their start (lab/machine.sh),
# guests leave out as well.
skipped=$(grep -oE 'cryptomgr\.notests|initcall_blacklist=[^ ]*' /proc/cmdline | tr '\n' ' ')

# The kernel's arguments for a guest that runs COMMAND. They are 2047 characters at most.
guest_arguments() {	# COMMAND
	echo "console=ttyS0 quiet panic=-1 ${skipped}run64gz=$(echo "$1" | gzip | base64 | tr -d '\n')"
}

# Starts a guest that runs COMMAND; hvctl's process is $machine, its output goes to
# $log, its input is from $input. start_guest KERNEL COMMAND [hvctl option]...
start_guest() {
	kernel=$1 arguments=$(guest_arguments "$2")
	shift 2
	: >$log			# so that nobody finds the last guest's words
	hvctl run --kernel "/guest/$kernel" --initrd "$initrd" "$@" \
		--cmdline "$arguments" >$log 2>&1 <"$input" &
	machine=$!
}

# The same, up to its end; hvctl's status is in $status.
guest() {
	start_guest "$@"
	wait $machine
	status=$?
	tr -d '\r' <$log >$log.clean
	mv $log.clean $log
}

# Waits until a line of $log begins so, or process $2 is gone.
until_said() {
	until grep -qs "^$1" $log; do
		kill -0 "$2" || return 1
		sleep 1
	done
}

# Waits until a command succeeds, or hvctl is gone.
until_true() {
	until "$@" >/dev/null 2>&1; do
		kill -0 $machine 2>/dev/null || return 1
		sleep 0.2
	done
}

# Waits until the guest that prints to $log is up. until_ready PID of its hvctl
until_ready() {
	until_said 'GUEST READY' "$1"
}

# Starts a guest that counts to $1 on both its CPUs, and ends by itself. If there is
# a COMMAND, it runs besides. count_in_guest COUNT [COMMAND]
count_in_guest() {
	start_guest vmlinuz-small "count() { i=0; while [ \$i -lt $1 ]; do i=\$((i + 1)); done; echo COUNTED \$i; }
count & count & ${2-:}; wait" --cpus 2 --memory 128M
	until_ready $machine
}

# It has counted to $1 on both, and powered off.
counted() {
	wait $machine && [ "$(tr -d '\r' <$log | grep -c "^COUNTED $1$")" -eq 2 ]
}

# Waits until the file $1 isn't empty, or process $2 is gone.
until_written() {
	until [ -s "$1" ]; do
		kill -0 "$2" || return 1
		sleep 0.1
	done
}

# A function for hosts and guests: hundredths of a second since the boot
now='now() { sed "s/\.\(..\).*/\1/" /proc/uptime; }'

# Makes what "nc -l -p PORT -e sh receive" receives 1 MiB with: into got.limited; took.limited
# says in how many hundredths of a second.
make_receive() {
	cat >receive <<-END
		$now
		start=\$(now)
		head -c 1048576 >got.limited
		echo \$((\$(now) - start)) >took.limited
	END
}

# The module can go, and leaves VMX to KVM.
module_goes() {
	rmmod lhv && ! grep -q '^lhv ' /proc/modules && modprobe kvm_intel || return
	./hold_kvm >kvm.held &
	until_written kvm.held $!
}

# The line of $log that begins with the word $1, without it.
answer() {
	sed -n "s/^$1 //p" $log
}

# A guest sees the CPUs and the memory that it was given, and powers off.
# boots KERNEL CPUS MEMORY(MiB)
boots() {
	guest "$1" 'echo CPUS $(nproc); echo KIB $(sed -n "s/^MemTotal: *//p" /proc/meminfo)' \
		--cpus "$2" --memory "$3M"
	kib=$(answer KIB | cut -d' ' -f1)
	# What the kernel keeps for itself is never a quarter.
	[ $status -eq 0 ] && [ "$(answer CPUS)" = "$2" ] && grep -q '^GUEST EXIT 0' $log &&
		[ "${kib:-0}" -gt $(($3 * 768)) ] && [ "$kib" -le $(($3 * 1024)) ]
	ok "$1 with $2 CPUs and $3 MiB" $?
}

finish() {
	echo "# $((count - failures)) of $count passed"
	[ $failures -eq 0 ]
	exit
}
