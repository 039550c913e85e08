# SPDX-License-Identifier: GPL-2.0-only
# network.sh KERNEL...: in the lab's host: network interfaces and sockets, whose queues vhost serves.
. ./lib.sh

plan $((5 * $# + 8))

modprobe -a vhost_net vhost_vsock bridge sch_tbf sch_ingress cls_matchall act_police
# So that nothing needs modprobe later
load='modprobe -a virtio_pci virtio_net vmw_vsock_virtio_transport'
mkdir -p with/bin && cp vsock with/bin/
(cd with && find . | cpio -o -H newc 2>/dev/null) >vsock.cpio

# Who only receives must not end its side before the other one does: nc ends with either.
mkfifo never

# Tries again until the other end listens.
insist='mkfifo /tmp/never; insist() { for try in $(seq 600); do "$@" 2>/dev/null && return; sleep 0.1; done; return 1; }'

# ---- a machine and its host -------------------------------------------------------

dd if=/dev/urandom of=data bs=64k count=16 2>>$log
talk="$load; $insist
	echo MAC \$(cat /sys/class/net/eth0/address)
	ip addr add 10.77.0.2/24 dev eth0; ip link set eth0 up
	insist ping -c 1 -W 1 10.77.0.1 >/dev/null; ping -c 5 10.77.0.1 | sed -n 's/^/PING /p'
	insist nc 10.77.0.1 9000 <>/tmp/never >/tmp/data; echo GOT \$(sha256sum </tmp/data)
	insist nc 10.77.0.1 9001 </tmp/data >/dev/null
	cd /sys/bus/virtio/drivers/virtio_net
	device=\$(ls -d virtio*)
	echo \$device >unbind; ls /sys/class/net | grep -c eth0 | sed 's/^/UNBOUND /'
	echo \$device >bind
	ip addr add 10.77.0.2/24 dev eth0; ip link set eth0 up
	insist nc 10.77.0.1 9002 </tmp/data >/dev/null; echo SENT \$?
	insist vsock connect 2 1000 </dev/null >/tmp/other; echo VSOCK \$(sha256sum </tmp/other)
	vsock listen 1001 </tmp/other"

# Who talks to the guest is started first; the tap is made by hvctl.
host_and_guest() {	# KERNEL
	use_drivers "$1" vsock.cpio
	rm -f got.* from.guest
	start_guest "$1" "$talk" --cpus 2 --memory 256M --net tap=tap0,mac=02:00:00:12:34:56 \
		--vsock 42
	until_true ip addr add 10.77.0.1/24 dev tap0
	nc -l -p 9000 <data >/dev/null &
	nc -l -p 9001 <>never >got.first &
	nc -l -p 9002 <>never >got.second &
	./vsock listen 1000 <data &
	until_true sh -c './vsock connect 42 1001 </dev/null >from.guest'
	wait $machine
	status=$?
	tr -d '\r' <$log >$log.clean
	mv $log.clean $log
	[ $status -eq 0 ] && [ "$(answer MAC)" = 02:00:00:12:34:56 ] &&
		grep -q '^PING 5 packets transmitted, 5 packets received' $log
	ok "$1: the host answers the guest" $?
	[ "$(answer GOT)" = "$(sum data) -" ] && cmp data got.first
	ok "$1: 1 MiB to the guest, and back" $?
	[ "$(answer UNBOUND)" = 0 ] && [ "$(answer SENT)" = 0 ] && cmp data got.second
	ok "$1: the driver is unbound, and bound again" $?
	[ "$(answer VSOCK)" = "$(sum data) -" ] && cmp data from.guest
	ok "$1: 1 MiB by a socket to the guest, and back" $?
	! ip link show tap0 >/dev/null 2>&1
	ok "$1: the tap goes with its machine" $?
}

for kernel; do
	host_and_guest "$kernel"
done

# ---- two machines in a network of their own ----------------------------------------

# The second asks the first for its data, which it made itself.
first="$load; ip addr add 10.78.0.1/24 dev eth0; ip link set eth0 up
	dd if=/dev/urandom of=/tmp/data bs=64k count=16 2>/dev/null
	echo MADE \$(sha256sum </tmp/data)
	nc -l -p 9000 </tmp/data >/dev/null"
second="$load; $insist; ip addr add 10.78.0.2/24 dev eth0; ip link set eth0 up
	insist ping -c 1 -W 1 10.78.0.1 >/dev/null; ping -c 5 10.78.0.1 | sed -n 's/^/PING /p'
	insist nc 10.78.0.1 9000 <>/tmp/never >/tmp/got; echo GOT \$(sha256sum </tmp/got)"

log=/tmp/first.log
use_drivers vmlinuz
start_guest vmlinuz "$first" --memory 192M --net network=7
one=$machine
log=/tmp/second.log
start_guest vmlinuz "$second" --memory 192M --net network=7
until_true test -e /sys/class/net/lhv-net7
apart=$(ip addr show dev lhv-net7 | grep -c inet)
wait $machine
status=$?
wait $one
[ $? -eq 0 ] && [ $status -eq 0 ]
ends=$?
cat /tmp/first.log /tmp/second.log | tr -d '\r' >/tmp/both.log
log=/tmp/both.log
[ $ends -eq 0 ] && grep -q '^PING 5 packets transmitted, 5 packets received' $log &&
	[ -n "$(answer MADE)" ] && [ "$(answer MADE)" = "$(answer GOT)" ]
ok "two machines in a network: they answer, and 1 MiB from one to the other" $?
[ "$apart" -eq 0 ] && [ ! -e /sys/class/net/lhv-net7 ]
ok "the host has no address there, and the network goes with its last machine" $?

# ---- refusals ---------------------------------------------------------------------

refused() {	# SENTENCE [hvctl option]...
	sentence=$1
	shift
	timeout 60 hvctl run --kernel /guest/vmlinuz --cmdline panic=-1 --on-reset exit "$@" \
		>refused 2>&1 </dev/null
	[ $? -eq 1 ] && grep -qF "$sentence" refused || { cat refused >>$log; false; }
}

log=/tmp/guest.log initrd=/guest/initrd.img
start_guest vmlinuz 'sleep 1000' --memory 128M --net tap=tap1 --net network=8 --vsock 43
until_ready $machine
refused "the tap tap1 is another machine's" --net tap=tap1 &&
	refused "the context ID 43 is another machine's" --vsock 43 &&
	refused "there is no bridge nowhere" --net bridge=nowhere &&
	refused "lo is no bridge" --net bridge=lo &&
	refused "no tap for one queue" --net tap=lo
ok "what can't be had is refused" $?
kill -KILL $machine
wait $machine 2>/dev/null
[ -e /sys/class/net/lhv-net8 ] && [ ! -e /sys/class/net/tap1 ]
left=$?
guest vmlinuz 'echo NEXT' --memory 128M --net network=8
[ $left -eq 0 ] && [ $status -eq 0 ] && [ ! -e /sys/class/net/lhv-net8 ]
ok "what a killed hvctl leaves, the network's next user clears away" $?

# ---- a limit ----------------------------------------------------------------------

# At a tap that is there before hvctl, and after it: both ways, or neither
limited() {
	ip link show tap2 | grep -q 'qdisc tbf' && [ "$(cat /sys/module/act_police/refcnt)" -gt 0 ]
}

# The kernel takes its time for the last step.
unlimited() {
	for _ in $(seq 100); do
		! ip link show tap2 | grep -q 'qdisc tbf' &&
			[ "$(cat /sys/module/act_police/refcnt)" -eq 0 ] && return
		sleep 0.1
	done
	return 1
}

tunctl -t tap2 >>$log
start_guest vmlinuz 'sleep 1000' --memory 128M --net tap=tap2,bps=512K
until_ready $machine
limited
made=$?
kill -KILL $machine
wait $machine 2>/dev/null
# Those that ask for the same tap twice get no further than that.
refused "the tap tap2 is another machine's" --net tap=tap2 --net tap=tap2 && limited
left=$?
refused "the tap tap2 is another machine's" --net tap=tap2,bps=1M --net tap=tap2 && unlimited
ends=$?
[ $made -eq 0 ] && [ $left -eq 0 ] && [ $ends -eq 0 ]
ok "a limit that a killed hvctl leaves is the next one's that has a limit, and ends with it" $?

# 1 MiB each way, of which 80 KiB may go at once: 1.84 seconds. Who measures starts late, and
# has another clock than who limits. All that a limit can't be is faster.
least=140
make_receive
slowly="$load; $insist; $now
	ip addr add 10.79.0.2/24 dev eth0; ip link set eth0 up
	insist ping -c 1 -W 1 10.79.0.1 >/dev/null
	start=\$(now); nc 10.79.0.1 9003 <>/tmp/never >/tmp/data; echo TOOK \$((\$(now) - start))
	echo GOT \$(sha256sum </tmp/data)
	nc 10.79.0.1 9004 </tmp/data >/dev/null"

use_drivers vmlinuz
ip addr add 10.79.0.1/24 dev tap2
ip link set tap2 up
nc -l -p 9003 <data >/dev/null &
nc -l -p 9004 -e sh receive &
guest vmlinuz "$slowly" --memory 192M --net tap=tap2,bps=512K
echo "# hundredths of a second: $(answer TOOK) to the guest, $(cat took.limited) from it"
[ $status -eq 0 ] && [ "$(answer GOT)" = "$(sum data) -" ] && [ "$(answer TOOK)" -ge $least ]
ok "1 MiB to a guest, at 512 KiB a second" $?
cmp data got.limited && [ "$(cat took.limited)" -ge $least ]
ok "1 MiB from a guest, at 512 KiB a second" $?
unlimited
ok "the limit goes with its machine, and the tap stays" $?

finish
