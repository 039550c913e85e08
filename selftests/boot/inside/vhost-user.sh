# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: drives that qemu-storage-daemon serves, and folders that virtiofsd does.

# virtiofsd needs a root that it can leave (pivot_root(2)); the first one of a kernel isn't.
if [ -z "$NEW_ROOT" ]; then
	mkdir -p /new && mount -o rbind / /new || exit
	NEW_ROOT=yes exec chroot /new sh -c 'cd /root && exec sh vhost-user.sh'
fi
. ./lib.sh

plan 14

load='modprobe -a virtio_pci virtio_blk; modprobe virtiofs; mkdir -p /mnt /data /read'

# Files in memory that can have holes, as on a disk
mkdir images && mount -t tmpfs tmpfs images

# ---- the storage daemon -----------------------------------------------------------

# Waits for at most a minute.
soon() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.1
	done
}

# create FILE OPTIONS of blockdev-create
create() {
	: >"images/$1"
	: >said
	{
		echo "{ 'execute': 'qmp_capabilities' }"
		echo "{ 'execute': 'blockdev-create', 'arguments': { 'job-id': 'j', 'options': $2 } }"
		soon grep -q concluded said
		echo "{ 'execute': 'query-jobs' }"
		echo "{ 'execute': 'quit' }"
	} | qemu-storage-daemon --object secret,id=key,data=hidden \
		--blockdev "driver=file,node-name=f,filename=images/$1" \
		--chardev stdio,id=m --monitor chardev=m >said 2>&1
	cat said >>$log
	grep -q concluded said && ! grep -q '"error"' said
}

# serve FILE DRIVER[,OPTIONS]: its process is $daemon
serve() {
	rm -f "$1.socket"
	qemu-storage-daemon --object secret,id=key,data=hidden \
		--blockdev "driver=file,node-name=f,filename=images/$1,discard=unmap" \
		--blockdev "driver=$2,node-name=n,file=f,discard=unmap" \
		--export "vhost-user-blk,id=e,node-name=n,writable=on,num-queues=2,addr.type=unix,addr.path=$1.socket" &
	daemon=$!
	soon test -S "$1.socket"
}

serve_both() {
	serve luks luks,key-secret=key
	luks_daemon=$daemon
	serve qcow2 qcow2
}

end_both() {
	kill -TERM $daemon $luks_daemon
	wait $daemon $luks_daemon 2>/dev/null
}

# ---- drives -----------------------------------------------------------------------

create qcow2 "{ 'driver': 'qcow2', 'file': 'f', 'size': 33554432 }" &&
	create luks "{ 'driver': 'luks', 'file': 'f', 'size': 16777216, 'key-secret': 'key', 'iter-time': 10 }"
ok "a qcow2 and a LUKS image are made" $?

# What is on the drives stays there: for the same machine, and for another one.
make_files="
	make() {
		mke2fs /dev/\$1 >/dev/null && mount -t ext4 /dev/\$1 /mnt || return
		for i in 1 2 3 4; do cp /bin/busybox /mnt/\$i; done
		echo 'nobody may see this' >/mnt/marker
		sha256sum /mnt/[1-4] >/mnt/sums; umount /mnt
	}
	find() {
		echo 3 >/proc/sys/vm/drop_caches
		mount -o ro -t ext4 /dev/\$1 /mnt && sha256sum -c /mnt/sums | grep -c OK\$; umount /mnt
	}
	echo SIZES \$(cat /sys/block/vda/size /sys/block/vdb/size)
	echo QUEUES \$(ls /sys/block/vda/mq | wc -l)"

# It is killed while the guest does nothing with it; the guest's next read waits.
wait_for_it="
	echo BEFORE \$(sha256sum </dev/vda)
	echo 3 >/proc/sys/vm/drop_caches
	echo WAITING; read line
	echo AFTER \$(sha256sum </dev/vda)
	echo 'after that' | dd of=/dev/vda seek=65535 conv=fsync 2>/dev/null; echo WRITTEN \$?"

mkfifo go
exec 3<>go
input=go
use_drivers vmlinuz
serve_both
start_guest vmlinuz "$load; $make_files
	make vda; make vdb; echo FOUND \$(find vda) \$(find vdb); $wait_for_it" \
	--cpus 4 --memory 256M --disk vhost-user=qcow2.socket --disk vhost-user=luks.socket
until_said WAITING $machine
kill -KILL $daemon
wait $daemon 2>/dev/null
sleep 2
echo >&3
sleep 3
grep -q '^AFTER' $log
waited=$?
serve qcow2 qcow2
wait $machine
status=$?
tr -d '\r' <$log >$log.clean
mv $log.clean $log
input=/dev/null
[ $status -eq 0 ] && [ "$(answer SIZES)" = "65536 32768" ] && [ "$(answer QUEUES)" = 2 ]
ok "the drives are as large as they should be, and have queues" $?
[ "$(answer FOUND)" = "4 4" ]
ok "file systems are made, and files read again" $?
[ $waited -ne 0 ] && [ -n "$(answer BEFORE)" ] && [ "$(answer BEFORE)" = "$(answer AFTER)" ] &&
	[ "$(answer WRITTEN)" = 0 ] && grep -q 'hung up. Its device waits' $log &&
	grep -q 'is back' $log
ok "a storage daemon that was killed is waited for" $?
end_both
grep -q 'nobody may see this' images/qcow2 && ! grep -q 'nobody may see this' images/luks
ok "only one of the images can be read by everybody" $?
[ "$(du -k images/qcow2 | cut -f1)" -lt 20000 ]
ok "a qcow2 image is no larger than what is in it" $?

use_drivers vmlinuz-6.12
serve_both
guest vmlinuz-6.12 "$load; $make_files; echo FOUND \$(find vda) \$(find vdb)
	echo TAIL \$(dd if=/dev/vda skip=65535 2>/dev/null | head -n 1)" \
	--cpus 2 --memory 256M --disk vhost-user=qcow2.socket --disk vhost-user=luks.socket
[ $status -eq 0 ] && [ "$(answer FOUND)" = "4 4" ] && [ "$(answer TAIL)" = "after that" ]
ok "the next machine, of kernel 6.12, finds them" $?
end_both

# ---- folders ----------------------------------------------------------------------

mkdir shared closed
dd if=/dev/urandom of=shared/data bs=64k count=64 2>>$log
dd if=/dev/urandom of=closed/data bs=64k count=16 2>>$log

use_files="
	mount -t virtiofs shared /data && mount -t virtiofs other /read; echo MOUNTED \$?
	echo READ \$(sha256sum </data/data) \$(sha256sum </read/data)
	dd if=/dev/urandom of=/data/back bs=64k count=64 conv=fsync 2>/dev/null
	echo MADE \$(sha256sum </data/back)
	mkdir /data/folder && mv /data/back /data/folder/moved && ln -s moved /data/folder/link
	touch /read/new 2>/dev/null; echo TOUCH \$?
	echo no >>/read/data; echo APPEND \$?
	rm -f /read/data 2>/dev/null; echo REMOVE \$?
	mount -o remount,rw /read; touch /read/new 2>/dev/null; echo REMOUNT \$?
	umount /data; umount /read; echo UMOUNTED \$?"

folders() {	# KERNEL
	use_drivers "$1"
	rm -rf shared/folder
	guest "$1" "$load; $use_files" --cpus 2 --memory 256M --share shared \
		--share "closed:other,readonly"
	[ $status -eq 0 ] && [ "$(answer MOUNTED)" = 0 ] && [ "$(answer UMOUNTED)" = 0 ] &&
		[ "$(answer READ)" = "$(sum shared/data) - $(sum closed/data) -" ]
	ok "$1: files of the host's" $?
	[ -n "$(answer MADE)" ] && [ "$(answer MADE)" = "$(sum shared/folder/link) -" ]
	ok "$1: files of the guest's" $?
	[ "$(answer TOUCH)" = 1 ] && [ "$(answer APPEND)" != 0 ] && [ "$(answer REMOVE)" != 0 ] &&
		[ "$(answer REMOUNT)" = 1 ] && [ "$(ls closed)" = data ] &&
		[ "$(wc -c <closed/data)" -eq 1048576 ]
	ok "$1: what is read-only stays as it is" $?
}

folders vmlinuz
folders vmlinuz-6.12

# ---- ends -------------------------------------------------------------------------

no_virtiofsd() {
	! pidof virtiofsd
}

soon no_virtiofsd
gone=$?
start_guest vmlinuz 'sleep 1000' --memory 128M --share shared
until_ready $machine
pidof virtiofsd >/dev/null
there=$?
kill -KILL $machine
wait $machine 2>/dev/null
[ $gone -eq 0 ] && [ $there -eq 0 ] && soon no_virtiofsd
ok "virtiofsd goes with its machine, also one that is killed" $?

finish
