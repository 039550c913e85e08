# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: machines that are listed, changed and stopped while they run.
. ./lib.sh

plan 11

mkdir images && mount -t tmpfs tmpfs images
truncate -s 8M images/disk
use_drivers vmlinuz
start_guest vmlinuz 'modprobe -a virtio_pci virtio_blk virtio_balloon button evdev
	head -c 4 /dev/input/event0 >/dev/null && echo PRESSED && poweroff -f &
	size=0
	while sleep 0.2; do
		now=$(cat /sys/block/vda/size)
		[ $now = $size ] || echo SIZE $now
		size=$now
	done' --name web --cpus 2 --memory 256M --disk path=images/disk --balloon size=0
web=$machine
until_said 'SIZE 16384' $web

hvctl list >list
[ "$(sed 1d list | tr -s ' ')" = "web running $web 2 256 MiB" ]
ok "it is listed" $?
hvctl status web >status && grep -qx "disk:    $PWD/images/disk, 8 MiB" status &&
	grep -q '^balloon: 0 bytes of 0 bytes' status && grep -qx 'kernel:  /guest/vmlinuz' status
ok "its status" $?

# refused TEXT COMMAND...: it fails with that in its sentence
refused() {
	text=$1
	shift
	"$@" >answer 2>&1 </dev/null
	[ $? -eq 1 ] && [ "$(wc -l <answer)" -eq 1 ] && grep -q "^hvctl: .*$text" answer && return
	cat answer >>$log
	return 1
}

small="--kernel /guest/vmlinuz-small --console none"
refused 'there is a machine web already' hvctl run --name web $small &&
	refused 'is locked by the machine web' hvctl run $small --disk path=images/disk
ok "its name and its drive are its own" $?

# A driver reads the size again when it is told to.
hvctl set web --disk path=images/disk,size=16M && until_said 'SIZE 32768' $web &&
	truncate -s 24M images/disk && hvctl set web --disk path=images/disk &&
	until_said 'SIZE 49152' $web
ok "its drive grows" $?
refused 'has 24 MiB; a drive only grows' hvctl set web --disk path=images/disk,size=8M \
	--balloon size=64M && refused 'no drive with' hvctl set web --disk path=/bin/sh &&
	refused 'no machine nobody' hvctl set nobody --balloon size=0
ok "what can't be is refused" $?

held() {	# SIZE
	hvctl status web --json | grep -q "\"held\":$1"
}
free_in_guest() {
	hvctl status web --json | sed -n 's/.*"free":\([0-9]*\).*/\1/p'
}
# Statistics that the guest was asked for come after that.
until_true sh -c "hvctl status web --json | grep -q '\"free\"'"
before=$(free_in_guest)
hvctl set web --balloon size=64M && until_true held 67108864
after=$(free_in_guest)
while [ "$after" = "$before" ] && kill -0 $web; do
	sleep 0.2
	after=$(free_in_guest)
done
echo "free: $before, then $after" >>$log
[ $((before - after)) -gt $((48 << 20)) ]
ok "its balloon grows, and it has less free" $?
hvctl set web --balloon size=0 && until_true held 0
ok "its balloon is empty again" $?

hvctl stop web
[ $? -eq 0 ] && wait $web && tr -d '\r' <$log | grep -q '^PRESSED' &&
	[ "$(hvctl list | wc -l)" -eq 1 ] && [ ! -e /run/lhv/web ]
ok "it stops as by its power button" $?

# One that knows no power button; nobody gave it a name.
initrd=/guest/initrd.img
start_guest vmlinuz-small 'sleep 10000' --memory 128M
until_ready $machine
refused "not ended in 1 seconds\|doesn't take its power button" \
	hvctl stop run-$machine --timeout 1 && hvctl stop --name run-$machine --force && wait $machine
ok "another one is ended by force" $?

# What a killed one leaves is cleared away, and its name can be had.
start_guest vmlinuz-small 'sleep 10000' --memory 128M --name web
until_ready $machine
kill -KILL $machine
wait $machine 2>/dev/null
[ -e /run/lhv/web ] && [ "$(hvctl list | wc -l)" -eq 1 ] && [ ! -e /run/lhv/web ]
ok "a killed one is not listed" $?
start_guest vmlinuz-small 'exit 0' --memory 128M --name web
wait $machine && rmmod lhv
ok "nothing is left" $?

finish
