# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host, which has the CPU model $1: does the module load, and if not,
# does it say why?
. ./lib.sh

# refused WORD...: it doesn't load, and says each of these.
refused() {
	insmod /lhv/lhv.ko 2>$log
	[ $? -ne 0 ] && [ ! -e /dev/lhv ]
	ok "the module doesn't load" $?
	for words; do
		dmesg >$log
		grep -qF "lhv: this CPU $words" $log
		ok "it says: this CPU $words" $?
	done
}

case $1 in
corei5_arrandale_m520)	# Westmere
	plan 2
	insmod /lhv/lhv.ko heartbeat=50000 2>$log
	ok "the module loads" $?
	boots vmlinuz-small 2 128
	;;
corei5_lynnfield_750)	# Nehalem
	plan 2
	refused 'lacks the secondary processor-based VM-execution control "unrestricted guest"'
	;;
esac
finish
