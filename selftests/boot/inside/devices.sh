# SPDX-License-Identifier: GPL-2.0-only
# devices.sh KERNEL...: in the lab's host: virtio devices, driven by Debian's kernels. Few
# guests, which do much each, on small disks: boots and checksums are what takes time.
. ./lib.sh

plan $((7 + 4 * $#))

load='modprobe -a virtio_pci virtio_blk virtio-rng; mkdir -p /mnt'

# Files in memory that can have holes, as on a disk
mkdir images && mount -t tmpfs tmpfs images

random_image() {	# NAME MIB
	dd if=/dev/urandom of="images/$1" bs=1M count="$2" 2>>$log
}

# Entropy, and its driver is unbound and bound again.
entropy="
	read_one() { dd if=/dev/hwrng bs=32 count=1 2>/dev/null; }
	cd /sys/bus/virtio/drivers/virtio_rng
	device=\$(ls -d virtio*)
	read_one >/tmp/1; read_one >/tmp/2
	echo \$device >unbind && ! read_one >/tmp/none && echo \$device >bind
	read_one >/tmp/3
	echo CURRENT \$(cat /sys/class/misc/hw_random/rng_current)
	echo SIZES \$(cat /tmp/1 /tmp/2 /tmp/3 | wc -c) \$(wc -c </tmp/none)
	echo DIFFERENT \$(sha256sum /tmp/[123] | cut -d' ' -f1 | sort -u | wc -l)"

# A drive that is read by as many queues as there are CPUs, and written.
drive="
	echo SIZE \$(cat /sys/block/vda/size) \$(cat /sys/block/vda/ro)
	echo SERIAL \$(cat /sys/block/vda/serial)
	echo QUEUES \$(ls /sys/block/vda/mq | wc -l)
	echo BEFORE \$(sha256sum </dev/vda)
	dd if=/dev/vda of=/tmp/part bs=4k skip=100 count=50 2>/dev/null
	dd if=/tmp/part of=/dev/vda bs=4k seek=200 conv=notrunc,fsync 2>/dev/null
	echo 3 >/proc/sys/vm/drop_caches
	echo AFTER \$(sha256sum </dev/vda)"

make_files="
	mke2fs /dev/vdb >/dev/null && mount -t ext4 /dev/vdb /mnt || exit
	for i in 1 2 3 4; do head -c \$((i * 100000)) /bin/busybox >/mnt/\$i; done
	sha256sum /mnt/[1-4] >/mnt/sums; umount /mnt && echo MADE"

# A machine with entropy, an image, and a file system. devices KERNEL
devices() {
	random_image raw 2
	before=$(sum images/raw)
	guest "$1" "$load; ($entropy); $drive; $make_files" --cpus 4 --memory 256M --rng \
		--disk path=images/raw,serial=lhv-7 --disk path=images/fs
	[ $status -eq 0 ] && [ "$(answer CURRENT | cut -d. -f1)" = virtio_rng ] &&
		[ "$(answer SIZES)" = "96 0" ] && [ "$(answer DIFFERENT)" = 3 ]
	ok "$1: random numbers" $?
	[ "$(answer SIZE)" = "4096 0" ] && [ "$(answer SERIAL)" = lhv-7 ] &&
		[ "$(answer QUEUES)" = 4 ] && [ "$(answer BEFORE)" = "$before -" ] &&
		[ "$(answer AFTER)" != "$before -" ] && [ "$(answer AFTER)" = "$(sum images/raw) -" ]
	ok "$1: a raw image, read and written" $?
	dd if=images/raw bs=4k skip=100 count=50 2>/dev/null >part
	dd if=images/raw bs=4k skip=200 count=50 2>/dev/null | cmp - part
	ok "$1: what was written is in its place" $?
	grep -q '^MADE' $log
	ok "$1: a file system is made" $?
}

for kernel in "$@"; do
	truncate -s 0 images/fs && truncate -s 4M images/fs
	use_drivers "$kernel"
	devices "$kernel"
done

# A block device past the page cache; space that is given back; a file system of another
# machine's; and all of it is there again after a reset.
use_drivers vmlinuz
modprobe brd rd_nr=1 rd_size=2048
random_image copy 2
dd if=images/copy of=/dev/ram0 bs=1M 2>>$log
dd if=/dev/zero of=images/copy bs=1M seek=1 count=1 conv=notrunc 2>>$log
random_image hole 2
guest vmlinuz "$load
	if [ \"\$(head -c 4 /dev/vda)\" = done ]; then
		echo AGAIN \$(head -c 8 /dev/hwrng | wc -c) \$(sha256sum </dev/vda)
		exit
	fi
	dd if=/dev/zero of=/dev/vda bs=1M seek=1 count=1 conv=fsync 2>/dev/null
	echo SUM \$(sha256sum </dev/vda)
	mount -o ro -t ext4 /dev/vdd /mnt && echo FOUND \$(sha256sum -c /mnt/sums | grep -c OK\$)
	blkdiscard -o 524288 -l 1048576 /dev/vdb; echo DISCARD \$?
	began=\$(cut -d. -f1 /proc/uptime)
	dd if=/dev/vdc of=/dev/null bs=64k count=32 2>/dev/null
	echo SECONDS \$((\$(cut -d. -f1 /proc/uptime) - began))
	printf done | dd of=/dev/vda conv=fsync 2>/dev/null; reboot -f; sleep 100" \
	--cpus 1 --memory 256M --rng --disk path=/dev/ram0,cache=none --disk path=images/hole \
	--disk path=images/copy,readonly,bps=512K --disk path=images/fs,readonly
[ $status -eq 0 ] && [ "$(answer SUM)" = "$(sum images/copy) -" ]
ok "a block device without the page cache" $?
[ "$(answer FOUND)" = 4 ]
ok "the next machine finds what is in a file system" $?
[ "$(answer SECONDS)" -ge 3 ]
ok "2 MiB at 512 KiB a second take that long" $?
[ "$(answer DISCARD)" = 0 ] && [ "$(du -k images/hole | cut -f1)" -le 1024 ] &&
	dd if=images/hole bs=512k skip=1 count=2 2>/dev/null | cmp -n 1048576 - /dev/zero
ok "discarded space is given back" $?
[ "$(grep -c '^GUEST READY' $log)" -eq 2 ] && [ "$(answer AGAIN)" = "8 $(sum /dev/ram0) -" ]
ok "devices work again after a reset" $?

# What the guest was told is on the disk is there, though hvctl died. The guest tells a
# number only when its write was flushed.
truncate -s 1M images/sudden
start_guest vmlinuz "$load
	i=0; while :; do i=\$((i + 1))
		printf '%08d' \$i | dd of=/dev/vda bs=512 seek=\$((i % 2000)) conv=fsync 2>/dev/null
		echo WROTE \$i
	done" --cpus 2 --memory 256M --disk path=images/sudden
until_said 'WROTE 30' $machine
hvctl run --kernel /guest/vmlinuz --disk path=images/sudden >refused 2>&1 </dev/null
[ $? -eq 1 ] && grep -q "images/sudden is locked by the machine run-$machine;" refused
ok "an image is one machine's alone" $?
kill -KILL $machine
wait $machine 2>/dev/null
last=$(tr -d '\r' <$log | sed -n 's/^WROTE \([0-9]*\)$/\1/p' | tail -n 1)
lost=0 i=1
while [ $i -le "${last:-0}" ]; do
	[ "$(dd if=images/sudden bs=512 skip=$i count=1 2>/dev/null | head -c 8)" = "$(printf '%08d' $i)" ] ||
		lost=$((lost + 1))
	i=$((i + 1))
done
echo "$last writes were told, $lost are lost" >>$log
[ "${last:-0}" -ge 30 ] && [ $lost -eq 0 ]
ok "nothing that was flushed is lost when hvctl dies" $?

finish
