# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: one guest each. /guest/drivers.img has what it loads.
modprobe -a kvm_intel vhost_net

mkdir -p with/bin disk && cp measure with/bin/
(cd with && find . | cpio -o -H newc 2>/dev/null) | cat /guest/initrd.img /guest/drivers.img - >initrd
mount -t tmpfs tmpfs disk
dd if=/dev/urandom of=disk/image bs=1M count=64 2>/dev/null
command='modprobe -a virtio_pci virtio_blk virtio_net
	measure disk /dev/vda
	ip addr add 10.79.0.2/24 dev eth0; ip link set eth0 up
	until ping -c 1 -W 1 10.79.0.1 >/dev/null; do :; done
	measure net 10.79.0.1'
cmdline="console=ttyS0 quiet panic=-1 run64=$(echo "$command" | base64 | tr -d '\n')"

./measure echo &
host_side() {	# of the tap $1, once it is there
	until ip addr add 10.79.0.1/24 dev "$1" 2>/dev/null; do sleep 0.1; done
	ip link set "$1" up
}

host_side tap0 &
hvctl run --memory 256M --kernel /guest/vmlinuz --initrd initrd --cmdline "$cmdline" \
	--disk path=disk/image --net tap=tap0 >lhv.log 2>&1 </dev/null
wait $!
tunctl -t tap1 >/dev/null
host_side tap1
qemu-system-x86_64 -M q35 -enable-kvm -cpu host -m 256 -nodefaults -display none -no-reboot \
	-serial stdio -kernel /guest/vmlinuz -initrd initrd -append "$cmdline" \
	-drive file=disk/image,if=none,id=disk,format=raw,aio=io_uring \
	-device virtio-blk-pci,drive=disk \
	-netdev tap,id=net,ifname=tap1,script=no,downscript=no,vhost=on \
	-device virtio-net-pci,netdev=net,romfile= >qemu.log 2>&1 </dev/null

figure() {	# of FILE
	tr -d '\r' <"$1" | sed -n "s/^$name //p"
}

result=0
printf '%-20s %12s %12s %6s\n' ticks lhv QEMU ratio
for name in random_read_4k sequential_mib round_trip; do
	lhv=$(figure lhv.log) qemu=$(figure qemu.log)
	if [ -n "$lhv" ] && [ -n "$qemu" ]; then
		printf '%-20s %12s %12s %6s\n' $name "$lhv" "$qemu" "$(awk "BEGIN { printf \"%.2f\", $lhv / $qemu }")"
	else
		result=1
	fi
done
[ $result -eq 0 ] || tail -n 20 lhv.log qemu.log
exit $result
