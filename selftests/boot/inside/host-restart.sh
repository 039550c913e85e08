# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: it goes to another kernel (kexec), crashes, and restarts,
# while guests have all its CPUs. Each kernel after the first begins with this
# script again: host-restart.sh STAGE COUNT.
. ./lib.sh

stage=${1:-1}
count=${2:-0}

# A guest on each CPU that is in VMX non-root operation for as long as it lives.
take_all_cpus() {
	for cpu in 0 1; do
		taskset $((1 << cpu)) hvctl run --kernel spin --memory 4M --console spin.$cpu &
		until_written spin.$cpu $!
	done
}

# Loads this host's kernel, with an initramfs of what the host has now but for the
# command, and for the kernel itself where that isn't needed again.
load_next() {		# kexec's option, find's arguments
	option=$1
	shift
	printf 'sh\0host-restart.sh\0%s\0%s\0' $((stage + 1)) $count >/lab/argv
	(cd / && find . -xdev "$@" | cpio -o -H newc) >/tmp/initrd 2>/tmp/cpio.log
	./kexec $option /boot/vmlinux /tmp/initrd "$(cat /proc/cmdline)"
}

# VMX was left on each CPU: they came up, and can enter it again.
all_is_well() {
	[ "$(nproc)" -eq 2 ]
	ok "$1, all CPUs come up" $?
	boots vmlinuz-small 2 128
}

case $stage in
1)
	plan 6
	rm -rf /guest/vmlinuz /lib/modules
	load_next -l
	take_all_cpus
	dmesg -n 8
	./kexec -e
	;;
2)
	all_is_well "after kexec"
	load_next -p ! -name vmlinux
	take_all_cpus
	dmesg -n 8
	taskset 1 sh -c 'echo c >/proc/sysrq-trigger'
	;;
3)
	all_is_well "after a crash"
	take_all_cpus
	dmesg -n 8
	reboot -f
	;;
esac
echo "Bail out! the host is still there"
