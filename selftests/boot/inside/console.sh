# SPDX-License-Identifier: GPL-2.0-only
# console.sh KERNEL...: in the lab's host: the console device, driven by Debian's kernels. One
# guest of each has its answers on the serial port, which is a file; what is typed and shown
# is hvc0's.
. ./lib.sh

plan $((8 * $#))

serial=./serial.log
echo typed >typed
input=typed
dd if=/dev/urandom of=random bs=64k count=16 2>>$log

# The port that is called \$1; what a client's first line says; and bytes that come back,
# until the client leaves. Only that a client has left is an end of file.
guest_functions='
	device() {
		for port in /sys/class/virtio-ports/*; do
			[ "$(cat $port/name 2>/dev/null)" != "$1" ] || echo /dev/${port##*/}
		done
	}
	await() {
		i=0
		until [ -n "$(device $1)" ] || [ $i -eq 300 ]; do i=$((i + 1)); sleep 0.1; done
	}
	hello() {
		until read -r line <&3; do sleep 0.1; done
		echo $1 $line
	}
	modprobe -a virtio_pci virtio_console
	await org.lhv.echo && await org.qemu.guest_agent.0'

# hvc0 shows what it is told, and may before that show some of what was typed.
hvc="
	read -r line </dev/hvc0
	echo HEARD \$line >/dev/hvc0"

talk='
	echo NAMES $(cat /sys/class/virtio-ports/*/name 2>/dev/null)
	exec 3<>$(device org.lhv.echo)
	hello FIRST
	cat <&3 >&3
	echo LEFT
	hello SECOND
	cat <&3 >/tmp/second
	echo REST $(cat /tmp/second)
	exec 3>&-'

# What a guest's agent says whose commands all print "hello", and end with 7
agent='
	while sleep 0.1; do
		while read -r line; do
			case $line in
			*guest-sync-delimited*)
				id=${line##*\"id\":}
				printf "\377{\"return\": %s}\n" ${id%%\}*} ;;
			*guest-exec-status*)
				echo "{\"return\": {\"exited\": true, \"exitcode\": 7, \"out-data\": \"aGVsbG8K\"}}" ;;
			*guest-exec*) echo "{\"return\": {\"pid\": 1}}" ;;
			esac
		done
	done <>$(device org.qemu.guest_agent.0) >&0 &'

rebind='
	cd /sys/bus/virtio/drivers/virtio_console
	device=$(ls -d virtio*)
	echo $device >unbind
	echo GONE $(ls /sys/class/virtio-ports | wc -l)
	echo $device >bind
	await org.lhv.echo
	exec 3<>$(device org.lhv.echo)
	hello THIRD
	cat <&3 >&3'

said() {	# WORD: waits until the guest has said that
	until grep -qs "^$1" $serial; do
		kill -0 $machine || return 1
		sleep 0.2
	done
}

# A client that says the line $1, then FILE $2, and wants as many bytes back.
client() {
	{ echo "$1"; cat "$2"; } |
		timeout 300 ./port_client echo.sock "$(wc -c <"$2")" >back 2>>$log && cmp "$2" back
}

console() {	# KERNEL
	: >$serial
	start_guest "$1" "$guest_functions; $hvc; $agent $talk; $rebind" --cpus 2 --memory 256M \
		--console $serial --hvc stdio \
		--port name=org.lhv.echo,socket=echo.sock --agent agent.sock
	until [ -S agent.sock ]; do
		kill -0 $machine || break
		sleep 0.1
	done
	[ "$(stat -c %a echo.sock)" = 600 ]
	ok "$1: sockets are their owner's" $?
	client hello random
	ok "$1: 1 MiB to the guest and back" $?
	hvctl exec "run-$machine" -- anything >hello 2>>$log </dev/null
	[ $? -eq 7 ] && [ "$(cat hello)" = hello ]
	ok "$1: a command by an agent" $?
	said LEFT
	ok "$1: the guest sees that a client has left" $?
	printf 'again\nrest' | timeout 300 ./port_client echo.sock 0 2>>$log && said REST
	ok "$1: what a client leaves behind is read" $?
	said GONE && client third typed
	ok "$1: a port after its driver was bound again" $?
	wait $machine
	status=$?
	tr -d '\r' <$log >hvc.log
	tr -d '\r' <$serial >>$log
	[ $status -eq 0 ] && grep -q 'HEARD typed' hvc.log
	ok "$1: hvc0 hears and shows" $?
	[ "$(answer NAMES)" = "org.lhv.echo org.qemu.guest_agent.0" ] &&
		[ "$(answer FIRST)" = hello ] && [ "$(answer SECOND)" = again ] &&
		[ "$(answer REST)" = rest ] && [ "$(answer GONE)" = 0 ] &&
		[ "$(answer THIRD)" = third ] && [ ! -e echo.sock ] && [ ! -e agent.sock ]
	ok "$1: ports have names, and their sockets end with hvctl" $?
}

for kernel; do
	use_drivers "$kernel"
	console "$kernel"
done

finish
