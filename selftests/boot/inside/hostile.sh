# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: a payload does random things to devices; its seed is of the clock.
. ./lib.sh

plan 2

modprobe -a vhost_net vhost_vsock bridge
dd if=/dev/zero of=image bs=1M count=8 2>/dev/null
truncate -s 4M other
# What devices write where they are told to may be the payload's own, which then doesn't come
# to its end: that is another try. It is no reason for hvctl to die.
try() {
	hvctl run --memory 64M,max=128M --cpus 2 --kernel hostile.elf --debug-exit 0xf4 --rng \
		--balloon size=8M --hvc hvc.log --port name=lhv,socket=port.sock \
		--disk path=image --disk path=other,readonly --net network=9 --vsock 45 >$log 2>&1 </dev/null
	status=$?
	echo "status $status" >>$log
}
tries=1
try
while [ $status -lt 128 ] && [ $tries -lt 5 ] && ! grep -q '^ok every device starts again' $log; do
	tries=$((tries + 1))
	try
done
echo "# tries: $tries"
# 1 is the payload's 0.
[ $status -eq 1 ] && [ "$(grep -c '^ok a device has' $log)" -eq 8 ] &&
	grep -q '^ok every device starts again' $log
ok "the machine lives, and its devices can be used again" $?
guest vmlinuz-small 'echo NEXT' --memory 128M
[ $status -eq 0 ] && grep -q '^NEXT' $log && rmmod lhv
ok "so does the host, and nothing is left" $?

finish
