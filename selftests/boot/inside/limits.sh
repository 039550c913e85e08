# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: limits by cgroups, memory that breathes, and a kernel that machines share.
# /guest/vmlinuz-small, /guest/vmlinuz, /guest/initrd.img and /guest/drivers.img are there.
. ./lib.sh

plan 15

top=/sys/fs/cgroup
group=$top/lhv/web

# refused STATUS TEXT COMMAND...: it fails with that in its sentence
refused() {
	wanted=$1 text=$2
	shift 2
	"$@" >answer 2>&1 </dev/null
	[ $? -eq "$wanted" ] && [ "$(wc -l <answer)" -eq 1 ] && grep -q "^hvctl: .*$text" answer &&
		return
	cat answer >>$log
	return 1
}

has() {		# FILE of the group, TEXT
	[ "$(cat "$group/$1")" = "$2" ] && return
	echo "$1 has '$(cat "$group/$1")', not '$2'" >>$log
	return 1
}

number_in() {	# FILE of the group, KEY
	sed -n "s/^$2 //p" "$group/$1"
}

spin='for i in 1 2; do while :; do :; done & done; wait'
start_guest vmlinuz-small "$spin" --name web --cpus 2 --memory 128M \
	--cpu-units 500 --cpu-limit 50% --cpu-affinity 1 --memory-limit 300M
web=$machine
until_ready $web
has cpu.weight 50 && has cpu.max '50000 100000' && has cpuset.cpus 1 &&
	has memory.max $((300 << 20)) && has memory.oom.group 1 && has memory.high max &&
	[ "$(readlink /run/lhv/web/cgroup)" = $group ]
ok "limits are in the group's files" $?

[ "$(cat $group/cgroup.procs)" = $web ] &&
	[ "$(wc -l <$group/cgroup.threads)" -ge 3 ] &&
	[ "$(grep -h '^Cpus_allowed_list:' /proc/$web/task/*/status | sort -u | tr -d '\t ')" = \
		Cpus_allowed_list:1 ] &&
	[ "$(cat $group/memory.current)" -gt $((16 << 20)) ] &&
	[ "$(number_in memory.stat pagetables)" -gt 0 ]
ok "all of the machine is in there, with its memory" $?

throttled() {
	[ "$(number_in cpu.stat nr_throttled)" -gt "$1" ]
}
until_true throttled 10
ok "a guest that spins is held back" $?

hvctl status web >status && grep -qx "cgroup:  $group, 500 CPU units, at most 50 % of a CPU, CPUs 1, at most 300 MiB" status
ok "its status" $?

hvctl set web --cpu-units 20000 --cpu-limit 0 --cpu-affinity all --memory-limit 400M &&
	has cpu.weight 2000 && has cpu.max 'max 100000' && has cpuset.cpus "$(cat /sys/devices/system/cpu/possible)" &&
	has memory.max $((400 << 20)) &&
	[ "$(grep -h '^Cpus_allowed_list:' /proc/$web/task/*/status | sort -u | tr -d '\t ')" = \
		Cpus_allowed_list:0-1 ]
ok "they change while it runs" $?

refused 1 'CPU 7 is none that the machine could have; those are 0-1' \
	hvctl set web --cpu-affinity 0,7 --cpu-units 1 && has cpu.weight 2000 &&
	refused 1 'have its balloon take some first' hvctl set web --memory-limit 16M &&
	has memory.max $((400 << 20)) &&
	refused 2 'is not a number from 0 to' hvctl set web --cpu-limit half &&
	refused 1 'CPU 2 is none' hvctl run --kernel /guest/vmlinuz-small --name db --cpu-affinity 2 &&
	refused 2 '16M at least' hvctl run --kernel /guest/vmlinuz-small --memory-limit 1M &&
	[ ! -e $top/lhv/db ] && [ ! -e /run/lhv/db ] && [ "$(ls -d $top/lhv/*/)" = "$group/" ]
ok "what can't be is refused" $?

hvctl stop web --force && wait $web
[ ! -e $group ]
ok "the group goes with its machine" $?

# What a killed one leaves goes with the next command, and with the next one of its name.
start_guest vmlinuz-small 'sleep 10000' --name web --memory 128M --cpu-units 2000
until_ready $machine
kill -KILL $machine
wait $machine 2>/dev/null
[ -e $group ] && [ "$(hvctl list | wc -l)" -eq 1 ] && [ ! -e $group ]
listed=$?
start_guest vmlinuz-small 'sleep 10000' --name web --memory 128M --cpu-units 2000
until_ready $machine
kill -KILL $machine
wait $machine 2>/dev/null
start_guest vmlinuz-small 'sleep 10000' --name web --memory 128M
until_ready $machine
[ $listed -eq 0 ] && [ ! -e $group ]
ok "a killed one's group is removed" $?

refused 1 'started without limits' hvctl set web --memory-limit 400M && [ ! -e $group ] &&
	hvctl set web --cpu-limit 25 && has cpu.max '25000 100000' && has cgroup.procs $machine &&
	hvctl stop web --force && wait $machine && [ ! -e $group ]
ok "a machine without limits gets one" $?

# ---- users --------------------------------------------------------------------------
chmod 666 /dev/lhv
echo 'user:x:1000:1000::/tmp:/bin/sh' >>/etc/passwd
echo 'user:x:1000:' >>/etc/group
mkdir -p /tmp/user /tmp/state $top/user/scope
chown -R 1000:1000 /tmp/user $top/user/scope
chmod 711 /root
cp /guest/vmlinuz-small $initrd /tmp/state/
echo "+cpu +cpuset +memory" >$top/cgroup.subtree_control
echo "+cpu +cpuset" >$top/user/cgroup.subtree_control

# as_user GROUP OPTION...: a machine of user 1000's that is started in GROUP
as_user() {
	: >$log
	(
		read -r self _ </proc/self/stat
		echo $self >$1/cgroup.procs
		shift
		export XDG_RUNTIME_DIR=/tmp/user
		exec start-stop-daemon -S -c 1000:1000 -p /nonexistent \
			-a "$(command -v hvctl)" -- run --name mine --memory 128M \
			--kernel /tmp/state/vmlinuz-small --initrd /tmp/state/initrd.img \
			--cmdline "console=ttyS0 quiet panic=-1 run=\"sleep 10000\"" "$@"
	) >$log 2>&1 </dev/null &
	machine=$!
}

group=$top/user/scope/lhv-mine
as_user $top/user/scope --cpu-limit 25
until_ready $machine && has cpu.max '25000 100000' && has cgroup.procs $machine &&
	[ "$(cat $top/user/scope/cgroup.subtree_control)" = 'cpuset cpu' ] &&
	kill -HUP $machine
# shellcheck disable=SC2181 # all of the above
[ $? -eq 0 ] && { wait $machine; [ ! -e $group ]; } &&
	[ -z "$(cat $top/user/scope/cgroup.subtree_control)" ]
ok "a user's is in a group that is delegated" $?

as_user $top --cpu-limit 25
! wait $machine && grep -q 'may not make cgroups below .*systemd-run --user --scope' $log &&
	as_user $top/user/scope --memory-limit 300M && ! wait $machine &&
	grep -q "'memory' isn't delegated to $top/user/scope" $log && [ ! -e $group ] &&
	{ sleep 10000 & other=$!; echo $other >$top/user/scope/cgroup.procs; } &&
	as_user $top/user/scope --cpu-limit 25 && ! wait $machine &&
	grep -q 'has other processes than hvctl' $log && [ ! -e $group ]
ok "and is told what is missing where it isn't" $?
kill $other

# ---- breathing ----------------------------------------------------------------------
# A guest that fills its memory with what it reads, and would need more than the machine may have.
# For a line on its console, it gives all of that back, and does so again.
group=$top/lhv/web
mkdir images && mount -t tmpfs tmpfs images && truncate -s 400M images/disk
use_drivers vmlinuz
mkfifo lines
exec 3<>lines
input=lines
start_guest vmlinuz 'modprobe -a virtio_pci virtio_blk virtio_balloon
	echo LOADED
	while dd if=/dev/vda of=/dev/null bs=1M 2>/dev/null; do
		echo READ
		read -r line
		echo 3 >/proc/sys/vm/drop_caches
		sleep 5
	done' \
	--name web --memory min=128M,max=320M --memory-limit 256M --disk path=images/disk,readonly
input=/dev/null
until_said LOADED $machine
value() {	# of KEY in the status
	hvctl status web --json | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | tail -n 1
}
held() {	# MIB
	[ "$(value held)" -ge $(($1 << 20)) ]
}
# 320M less 240M, at which the machine would be held back, and less 16M
until_true held 96 && has memory.high $((240 << 20)) && until_said READ $machine &&
	[ "$(cat $group/memory.current)" -le $((256 << 20)) ]
ok "what a limit forbids is the balloon's" $?
# Once it has filled its memory again, that is more than it may have.
echo $(($(cat $group/memory.current) - (16 << 20))) >$group/memory.high
echo >&3
pressed() {
	[ "$(value pressure)" -gt 0 ] && held 110
}
until_true pressed
ok "the balloon grows under pressure" $?
cat $group/memory.pressure $group/memory.events >>$log
hvctl status web >>$log

refused 1 "follows the pressure on the host's memory" hvctl set web --balloon size=0 &&
	hvctl set web --memory min=200M,max=256M &&
	[ "$(value size)" -ge $((96 << 20)) ] && [ "$(value size)" -le $((120 << 20)) ] &&
	hvctl stop web --force && wait $machine
ok "its bounds change" $?

# ---- a kernel that two machines share -----------------------------------------------
initrd=/guest/initrd.img
cp vmlinux /guest/vmlinux
# A file that has only just changed may change again, and isn't shared.
sleep 1
start_guest vmlinux 'echo; sleep 10000' --name one --memory 128M
one=$machine
until_ready $one
start_guest vmlinux 'echo; sleep 10000' --name two --memory 128M
two=$machine
until_ready $two
shared() {	# KIB of the kernel that the process $1 has in common with another
	awk '/^[0-9a-f]+-/ { copy = /\/run\/lhv\/\.copies\// } copy && /^Shared_(Clean|Dirty):/ { n += $2 }
		END { print n + 0 }' "/proc/$1/smaps"
}
echo "shared: $(shared $one) KiB, $(shared $two) KiB; $(ls -s /run/lhv/.copies)" | tee shared >>$log
sed 's/^/# /' shared
: >vmlinux
: >/guest/vmlinux
[ "$(shared $one)" -gt 1024 ] && [ "$(shared $two)" -gt 1024 ] &&
	[ "$(ls /run/lhv/.copies | wc -l)" -eq 1 ] &&
	hvctl stop one --force && wait $one && [ "$(hvctl list | wc -l)" -eq 2 ] &&
	[ "$(ls /run/lhv/.copies | wc -l)" -eq 1 ] && hvctl stop two --force && wait $two &&
	[ ! -e /run/lhv/.copies ] && rmmod lhv
ok "two machines share their kernel's pages" $?

finish
