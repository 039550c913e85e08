# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: hvctl run --host-root. /guest/vmlinuz is the kernel of this host.
. ./lib.sh

plan 6

# virtiofsd needs a root that it can leave (pivot_root(2)); the first one of a kernel isn't.
new=/mnt
mkdir -p $new
mount -t tmpfs tmpfs $new
for name in bin etc lib lib64 root sbin usr var; do
	[ ! -e /$name ] || cp -a /$name $new/
done
mkdir -p $new/boot $new/dev $new/proc $new/sys $new/run $new/tmp $new/home/here
cp /guest/vmlinuz "$new/boot/vmlinuz-$(uname -r)"
for name in dev proc sys; do
	mount --bind /$name $new/$name
done

# host_root COMMAND...: in the folder /home/here
host_root() {
	chroot $new sh -c 'cd /home/here && exec "$@"' - hvctl run --memory 384M --host-root "$@"
}

echo 'written by the host' >$new/home/here/file
host_root --cpus 2 -- sh -c 'pwd; nproc; uname -r; cat file; echo by the guest >file; cat file
	echo $VARIABLE; exit 42' >$log 2>&1 </dev/null
status=$?
printf '/home/here\n2\n%s\nwritten by the host\nby the guest\n\n' "$(uname -r)" >expected
[ $status -eq 42 ] && cmp expected $log
ok "a command's output and status come out" $?
[ "$(cat $new/home/here/file)" = 'written by the host' ]
ok "nothing is written to the host" $?

export VARIABLE='of the  host'
printf 'one\ntwo' | host_root -- sh -c 'cat; echo "|$VARIABLE"' >$log 2>&1
[ $? -eq 0 ] && [ "$(cat $log)" = "one
two|of the  host" ]
ok "input to its end, and variables" $?
host_root -- sh -c 'kill -TERM $$' >$log 2>&1 </dev/null
[ $? -eq $((128 + 15)) ]
ok "a signal's status" $?
host_root -- /no/such/command >$log 2>&1 </dev/null
[ $? -eq 127 ] && grep -q 'cannot run /no/such/command: No such file' $log
ok "a command that isn't there" $?
mv "$new/boot/vmlinuz-$(uname -r)" $new/boot/other
host_root -- true >$log 2>&1 </dev/null
[ $? -eq 1 ] && grep -q 'say where it is with --kernel FILE' $log &&
	host_root --kernel /boot/other -- true >$log 2>&1 </dev/null
ok "a kernel elsewhere" $?

finish
