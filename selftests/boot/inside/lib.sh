# SPDX-License-Identifier: GPL-2.0-only
# Sourced by what runs in the lab's host: boots guests with hvctl and prints
# KTAP. Busybox sh.

count=0
failures=0
log=/tmp/guest.log

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

# Boots a guest that runs COMMAND; hvctl's status is in $status, its output in
# $log. guest KERNEL COMMAND [hvctl option]...
guest() {
	kernel=$1
	encoded=$(echo "$2" | base64 | tr -d '\n')
	shift 2
	hvctl run --kernel "/guest/$kernel" --initrd /guest/initrd.img "$@" \
		--cmdline "console=ttyS0 quiet panic=-1 run64=$encoded" >$log 2>&1 </dev/null
	status=$?
	tr -d '\r' <$log >$log.clean
	mv $log.clean $log
}

# Waits until the guest that prints to $log is up. until_ready PID of its hvctl
until_ready() {
	until grep -qs '^GUEST READY' $log; do
		kill -0 "$1" || return 1
		sleep 1
	done
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
