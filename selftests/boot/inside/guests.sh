# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: guests of all kinds from power-on to their end.
. ./lib.sh

plan 13

boots vmlinuz-small 1 128
boots vmlinuz-small 2 256
boots vmlinuz-small 4 256
# A Debian kernel that does all of its start
by_others=$skipped skipped=
boots vmlinuz 1 256
skipped=$by_others
boots vmlinuz 4 512
boots vmlinuz-6.12 2 512

guest vmlinuz-small 'exit 7' --cpus 1 --memory 128M
[ $status -eq 0 ] && grep -q '^GUEST EXIT 7' $log
ok "the status of the guest's command is on its console" $?

guest vmlinuz-small 'reboot -f; sleep 100' --cpus 2 --memory 128M --on-reset exit
[ $status -eq 0 ] && [ "$(grep -c '^GUEST READY' $log)" -eq 1 ]
ok "a reset ends the run where that is asked for" $?

# Reboots as long as its clock, which is the host's, is before a given time.
guest vmlinuz-small "[ \$(date +%s) -ge $(($(date +%s) + 8)) ] || { reboot -f; sleep 100; }" \
	--cpus 2 --memory 128M
[ $status -eq 0 ] && [ "$(grep -c '^GUEST READY' $log)" -ge 2 ] && grep -q '^GUEST EXIT 0' $log
ok "a reset restarts the machine" $?

guest vmlinuz-small 'echo c >/proc/sysrq-trigger; sleep 100' --cpus 2 --memory 128M --on-reset exit
[ $status -eq 0 ] && grep -q 'Kernel panic' $log && ! grep -q '^GUEST EXIT' $log
ok "a panic resets the machine" $?

hvctl run --kernel /guest/vmlinuz-small --memory 128M \
	--cmdline "console=ttyS0 quiet panic=-1 reboot=t" >$log 2>&1 </dev/null
[ $? -eq 1 ] && grep -qi 'triple fault' $log && grep -qi 'RIP' $log
ok "a triple fault ends the run with status 1 and says where" $?

passed=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
	guest vmlinuz-small 'nproc' --cpus 2 --memory 128M
	[ $status -eq 0 ] && grep -q '^2$' $log && passed=$((passed + 1))
done
[ $passed -eq 10 ]
ok "ten machines in a row" $?

rmmod lhv && ! grep -q '^lhv ' /proc/modules && [ ! -e /dev/lhv ]
ok "the module goes without a trace" $?

finish
