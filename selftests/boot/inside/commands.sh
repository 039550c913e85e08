# SPDX-License-Identifier: GPL-2.0-only
# commands.sh COUNT: in the lab's host: the numbered scripts in docs/commands. Some need
# vhost, some a root that can be left (pivot_root(2)), as in passt.sh.
if [ "$2" != moved ]; then
	mkdir /new && mount -o rbind / /new && cd /new && mount -o move . / || exit
	exec chroot . sh -c 'cd /root && exec sh commands.sh "$1" moved' - "$1"
fi

. ./lib.sh

plan "$1"

modprobe -a vhost_net vhost_vsock bridge
echo nobody:x:65534:65534::/:/bin/false >>/etc/passwd
ip link set lo up
ip link add lan type bridge
ip addr add 10.77.0.1/24 dev lan
ip link set lan up
ip route add default via 10.77.0.254 dev lan
mkdir -p /boot
cp /guest/vmlinuz "/boot/vmlinuz-$(uname -r)"
cd docs || exit
truncate -s 16M disk.img

# What the guest ran succeeded, where it says so; the command of --host-root has status 3.
number=1
while [ $number -le "$1" ]; do
	sh commands/$number >$log 2>&1 </dev/null
	status=$?
	expected=0
	! grep -q -e --host-root commands/$number || expected=3
	[ $status -eq $expected ] && ! grep -q '^GUEST EXIT [^0]' $log
	result=$?
	name=$(grep -oE -e '--(disk|share|net|vsock|rng|balloon|hvc|host-root)' commands/$number | head -n 1)
	ok "$number ${name:-an initial RAM disk}" $result
	tail -n 4 $log | sed 's/^/# /'
	number=$((number + 1))
done

finish
