# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: it sleeps while a guest runs.
. ./lib.sh

levels=""
[ ! -e /sys/power/pm_test ] || levels="freezer devices platform processors core"
plan $(($(echo $levels | wc -w) + 3))

# A guest that counts, and whose timers tick.
count_and_tick() {
	count_in_guest 8000 'for i in 1 2 3 4 5; do
	sleep 0.3; echo TICK $(cut -d" " -f1 /proc/uptime); done'
	until grep -q '^TICK' $log; do
		kill -0 $machine || return 1
		sleep 0.1
	done
}

# It has counted to the end, and its clock neither stood still nor leapt: what the
# host slept isn't in it.
went_on() {
	counted 8000 && tr -d '\r' <$log | awk '$1 == "TICK" {
			if (n++ && ($2 < last + 0.3 || $2 > last + 2))
				bad = 1
			last = $2
		} END { exit bad || n != 5 }'
}

# S3: the emulator resets the processors and wakes at once.
go_to_sleep() {
	echo deep >/sys/power/mem_sleep && echo mem >/sys/power/state
}

# A part of the way there, and back.
go_to_level() {
	echo 1 >/sys/module/suspend/parameters/pm_test_delay
	result=1
	echo "$1" >/sys/power/pm_test && echo mem >/sys/power/state && result=0
	echo none >/sys/power/pm_test
	return $result
}

for level in $levels; do
	count_and_tick && go_to_level $level && went_on
	ok "the host goes to the level \"$level\" while a machine runs" $?
done

count_and_tick && go_to_sleep && go_to_sleep && went_on
ok "the host sleeps twice while a machine runs" $?

go_to_sleep
boots vmlinuz-small 2 128

module_goes
ok "the module goes, and leaves VMX to KVM" $?

finish
