# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: hvctl run --host-root. /guest/vmlinuz is the kernel of this host.
# virtiofsd leaves the root directory that it finds (pivot_root(2)), which an initramfs can't
# be left; so another mount of it takes its place, as switch_root does it.
if [ "$1" != moved ]; then
	mkdir /new && mount -o rbind / /new && cd /new && mount -o move . / || exit
	exec chroot . sh -c 'cd /root && exec sh host-root.sh moved'
fi

. ./lib.sh

plan 6

mkdir -p /boot /home/here
cp /guest/vmlinuz "/boot/vmlinuz-$(uname -r)"

# host_root COMMAND...: in the folder /home/here
host_root() {
	(cd /home/here && exec hvctl run --memory 384M --host-root "$@")
}

echo 'written by the host' >/home/here/file
host_root --cpus 2 -- sh -c 'pwd; nproc; uname -r; cat file; echo by the guest >file; cat file
	echo $VARIABLE; exit 42' >$log 2>&1 </dev/null
status=$?
printf '/home/here\n2\n%s\nwritten by the host\nby the guest\n\n' "$(uname -r)" >expected
[ $status -eq 42 ] && cmp expected $log
ok "a command's output and status come out" $?
[ "$(cat /home/here/file)" = 'written by the host' ]
ok "nothing is written to the host" $?

export VARIABLE='of the  host'
printf 'one\ntwo' | host_root -- sh -c 'cat; echo "|$VARIABLE"; kill -TERM $$' >$log 2>&1
status=$?
[ "$(cat $log)" = "one
two|of the  host" ]
ok "input to its end, and variables" $?
[ $status -eq $((128 + 15)) ]
ok "a signal's status" $?

mv "/boot/vmlinuz-$(uname -r)" /boot/other
host_root -- true >$log 2>&1 </dev/null
[ $? -eq 1 ] && grep -q 'say where it is with --kernel FILE' $log
ok "a kernel that isn't found" $?
host_root --kernel /boot/other -- /no/such/command >$log 2>&1 </dev/null
[ $? -eq 127 ] && grep -q 'cannot run /no/such/command: No such file' $log
ok "a kernel elsewhere, and a command that isn't there" $?

finish
