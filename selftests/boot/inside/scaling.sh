# SPDX-License-Identifier: GPL-2.0-only
# scaling.sh COUNT: in the lab's host: the numbered commands of the folder commands, in order.
. ./lib.sh

plan $(($1 + 1))

mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
for file in commands/*; do
	{ cat "$file"; sh "$file"; } >$log 2>&1 </dev/null
	ok "$(head -n 1 "$file")" $?
	tail -n 6 $log | sed 's/^/# /'
done
[ "$(hvctl list | wc -l)" -eq 1 ] && rmmod lhv
ok "nothing is left" $?

finish
