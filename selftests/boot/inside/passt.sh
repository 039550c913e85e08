# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: networks by passt, as a user without privileges.

# passt leaves the root directory that it finds, which an initramfs can't be left, and a
# changed root may not be; so another mount of it takes its place, as switch_root does it.
if [ "$1" != moved ]; then
	mkdir /new && mount -o rbind / /new && cd /new && mount -o move . / || exit
	exec chroot . sh -c 'cd /root && exec sh passt.sh moved'
fi

. ./lib.sh

plan 15

# What passt takes the guest's address and routes from: an interface with a default route
modprobe bridge
ip link set lo up
ip link add lan type bridge
ip addr add 10.77.0.1/24 dev lan
ip link set lan up

# Which passt becomes, started by root.
echo nobody:x:65534:65534::/:/bin/false >>/etc/passwd

# As $user, who looks for passt in $path; in place of the shell that this is
hvctl() {
	set -- /usr/bin/hvctl "$@"
	[ "$user" = root ] || set -- /usr/bin/setpriv --reuid "$user" --regid "$user" --clear-groups "$@"
	PATH=$path
	exec "$@"
}
path=$PATH

# Those that run, once each; a dead one may be there until hvctl looks.
passts() {
	for process in $(pidof passt passt.avx2 | tr ' ' '\n' | sort -u); do
		! grep -q '^State:.[^Z]' "/proc/$process/status" || echo "$process"
	done
}

# ---- refusals ---------------------------------------------------------------------

refused() {	# SENTENCE [hvctl option]...
	sentence=$1
	shift
	(hvctl run --kernel /guest/vmlinuz "$@") >refused 2>&1 </dev/null
	[ $? -eq 1 ] && grep -qF "$sentence" refused || { cat refused >>$log; false; }
}

: >$log
user=root
refused "an address and a default route; it says: " --net passt && [ -z "$(passts)" ]
ok "without a default route, passt's words are told" $?
ip route add default via 10.77.0.254 dev lan
path=/nowhere
refused "install the package passt" --net passt
ok "without passt, its package is named" $?
path=$PATH

# ---- a machine and its host -------------------------------------------------------

dd if=/dev/urandom of=data bs=64k count=16 2>>$log
mkfifo never		# who reads it waits

# The host is the router, as passt has it. The guest asks and sends, loses its link, asks
# once more, and sends with a driver that comes again. Who receives doesn't end its side
# first: passt of 2023 loses data then. Nor does it say that nobody listens.
mkdir -p with/bin
cat >with/bin/talk <<-'END'
	lease() { udhcpc -i eth0 -s /bin/lease -n -q -t 20 2>/dev/null | sed -n "s/^LEASE/$1/p"; }
	modprobe -a virtio_pci virtio_net
	mkfifo /tmp/never
	echo LINK $(cat /sys/class/net/eth0/address) $(cat /sys/class/net/eth0/mtu)
	ip link set eth0 up
	lease ADDRESS
	router=$(cat /tmp/router)
	nc $router 9000 <>/tmp/never >/tmp/data; echo GOT $(sha256sum </tmp/data)
	nc $router 9001 </tmp/data >/dev/null
	cd /sys/class/net/eth0
	before=$(cat carrier_down_count)
	echo SENT
	until [ $(cat carrier_down_count) -gt $before ] && [ $(cat carrier) = 1 ]; do sleep 0.1; done
	echo DOWN $(($(cat carrier_down_count) - before))
	nc $router 9002 <>/tmp/never >/tmp/other; echo GOT2 $(sha256sum </tmp/other)
	cd /sys/bus/virtio/drivers/virtio_net
	device=$(ls -d virtio*)
	echo $device >unbind; echo $device >bind
	ip link set eth0 up
	lease READDRESS
	nc $router 9003 </tmp/data >/dev/null
END
cat >with/bin/lease <<-'END'
	#!/bin/sh
	[ "$1" = bound ] || exit 0
	ip addr add "$ip/$mask" dev "$interface" && ip route add default via "$router"
	echo "$router" >/tmp/router
	echo "LEASE $ip/$mask"
END
chmod +x with/bin/lease

# 1 MiB each way at 512 KiB a second, with 52 that may go at once, and a packet on credit: 1.77
# seconds. Who measures starts late. All that a limit can't be is faster.
least=140
cat >with/bin/slowly <<-END
	$now
	modprobe -a virtio_pci virtio_net
	mkfifo /tmp/never
	ip link set eth0 up
	udhcpc -i eth0 -s /bin/lease -n -q -t 20 >/dev/null 2>&1
	router=\$(cat /tmp/router)
	start=\$(now); nc \$router 9004 <>/tmp/never >/tmp/data; echo TOOK \$((\$(now) - start))
	echo GOT \$(sha256sum </tmp/data)
	nc \$router 9005 </tmp/data >/dev/null
END
(cd with && find . | cpio -o -H newc 2>/dev/null) >talk.cpio

# Send and receive once each.
listen() {
	nc -l -p 9000 <data >/dev/null &
	nc -l -p 9001 <>never >got.first &
	nc -l -p 9002 <data >/dev/null &
	nc -l -p 9003 <>never >got.second &
}

machine_and_host() {	# KERNEL USER
	user=$2
	use_drivers "$1" talk.cpio
	rm -f got.*
	listen
	start_guest "$1" 'sh /bin/talk' --cpus 2 --memory 256M --net passt,mac=02:00:00:12:34:56
	until_true grep -q '^SENT' $log
	first=$(passts)
	owner=$(sed -n 's/^Uid:.\([0-9]*\).*/\1/p' "/proc/$first/status")
	kill -KILL "$first"
	wait $machine
	status=$?
	tr -d '\r' <$log >$log.clean
	mv $log.clean $log
	[ $status -eq 0 ] && [ "$(answer LINK)" = "02:00:00:12:34:56 65520" ] &&
		[ "$(answer ADDRESS)" = 10.77.0.1/24 ]
	ok "$1, $2: an address by DHCP" $?
	[ "$(answer GOT)" = "$(sum data) -" ] && cmp data got.first
	ok "$1, $2: 1 MiB to the guest, and back" $?
	[ "$(answer DOWN)" = 1 ] && [ "$(answer GOT2)" = "$(sum data) -" ]
	ok "$1, $2: passt is killed, and another takes its place" $?
	[ "$(answer READDRESS)" = 10.77.0.1/24 ] && cmp data got.second && [ -z "$(passts)" ]
	ok "$1, $2: the driver comes again; passt goes with its machine" $?
	for process in $(pidof nc); do
		kill "$process"
	done
}

# As a user with nothing but /dev/lhv
chown 1000 /dev/lhv
machine_and_host vmlinuz 1000
[ "$owner" = 1000 ]
ok "passt is the user's" $?
chown 0 /dev/lhv
machine_and_host vmlinuz-6.12 root
[ "$owner" = 65534 ]
ok "of root's, it is nobody's" $?

# ---- a limit ----------------------------------------------------------------------

use_drivers vmlinuz talk.cpio
make_receive
nc -l -p 9004 <data >/dev/null &
nc -l -p 9005 -e sh receive &
guest vmlinuz 'sh /bin/slowly' --memory 256M --net passt,bps=512K
echo "# hundredths of a second: $(answer TOOK) to the guest, $(cat took.limited) from it"
[ $status -eq 0 ] && [ "$(answer GOT)" = "$(sum data) -" ] && [ "$(answer TOOK)" -ge $least ]
ok "1 MiB to a guest, at 512 KiB a second" $?
cmp data got.limited && [ "$(cat took.limited)" -ge $least ]
ok "1 MiB from a guest, at 512 KiB a second" $?

# ---- hvctl is killed --------------------------------------------------------------

initrd=/guest/initrd.img
start_guest vmlinuz 'sleep 1000' --memory 128M --net passt
until_ready $machine
one=$(passts)
kill -KILL $machine
wait $machine 2>/dev/null
tries=0
while [ -n "$(passts)" ] && [ $tries -lt 50 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
[ -n "$one" ] && [ -z "$(passts)" ]
ok "passt goes when hvctl is killed" $?

finish
