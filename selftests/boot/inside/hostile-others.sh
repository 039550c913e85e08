# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: a payload does random things to devices that virtiofsd, passt and
# qemu-storage-daemon serve.

# Two of them leave the root that they find, which can't be a kernel's first one.
if [ "$1" != moved ]; then
	mkdir /new && mount -o rbind / /new && cd /new && mount -o move . / || exit
	exec chroot . sh -c 'cd /root && exec sh hostile-others.sh moved'
fi
. ./lib.sh

plan 3

modprobe bridge
ip link set lo up
ip link add lan type bridge
ip addr add 10.77.0.1/24 dev lan
ip link set lan up
ip route add default via 10.77.0.254 dev lan
echo nobody:x:65534:65534::/:/bin/false >>/etc/passwd

mkdir folder
truncate -s 8M image
# What a driver can break in the daemon is the daemon's: another takes its place.
while sleep 0.1; do
	rm -f disk.socket
	qemu-storage-daemon --blockdev driver=file,node-name=disk,filename=image --export \
		vhost-user-blk,id=disk,node-name=disk,writable=on,num-queues=1,addr.type=unix,addr.path=disk.socket
done >daemon.log 2>&1 &
daemons=$!
until [ -S disk.socket ]; do sleep 0.1; done

hvctl run --memory 64M --cpus 2 --kernel hostile.elf --debug-exit 0xf4 --share folder:files \
	--net passt --disk vhost-user=disk.socket >$log 2>&1 </dev/null
status=$?
kill $daemons
killall qemu-storage-daemon 2>/dev/null
echo "status $status" >>$log
tail -n 5 daemon.log >>$log
# 1 is the payload's 0.
[ $status -eq 1 ] && [ "$(grep -c '^ok a device has' $log)" -eq 3 ] &&
	grep -q '^ok every device starts again' $log
ok "the machine lives, and its devices can be used again" $?
[ -z "$(pidof virtiofsd passt passt.avx2)" ]
ok "no process is left of it" $?
guest vmlinuz-small 'echo NEXT' --memory 128M
[ $status -eq 0 ] && grep -q '^NEXT' $log && rmmod lhv
ok "so does the host live" $?

finish
