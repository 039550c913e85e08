# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: a Debian 12 as it is installed, with its own kernel.
. ./lib.sh

plan 5

image=/guest/debian.img

# Asks the guest agent, and prints its answer. ask COMMAND [ARGUMENTS]
ask() {
	printf '{"execute":"%s","arguments":%s}\n' "$1" "${2:-{\}}" |
		timeout 300 ./port_client agent.sock 10 2>>$log
}

hvctl run --name debian --cpus 2,max=4 --memory 512M --kernel /guest/debian-vmlinuz \
	--initrd /guest/debian-initrd.img --cmdline 'root=/dev/vda console=ttyS0 quiet' \
	--disk path=$image --rng --agent agent.sock >$log 2>&1 </dev/null &
machine=$!
until_said 'debian login:' $machine
ok "it boots to a login" $?

# A client that comes before the agent waits for it.
answer=$(ask guest-ping)
[ "$answer" = '{"return": {}}' ]
ok "its agent answers" $?
# What a command in the guest prints. in_guest COMMAND, without quotes in it
in_guest() {
	started=$(ask guest-exec "{\"path\":\"sh\",\"arg\":[\"-c\",\"$1\"],\"capture-output\":true}")
	pid=$(echo "$started" | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p')
	tries=0 result=
	while [ $tries -lt 100 ] && [ "${result#*'"exited": true'}" = "$result" ]; do
		sleep 0.5
		result=$(ask guest-exec-status "{\"pid\":$pid}")
		tries=$((tries + 1))
	done
	echo "$result" >>$log
	echo "$result" | sed -n 's/.*"out-data": *"\([^"]*\)".*/\1/p' | base64 -d
}
[ "$(in_guest 'systemctl is-active multi-user.target')" = active ]
ok "it has come to multi-user.target" $?

# The rule of docs/control.md brings a new CPU online; without quotes, as that would be JSON's.
rule="SUBSYSTEM==@cpu@, ACTION==@add@, TEST==@online@, ATTR{online}!=@1@, ATTR{online}=@1@"
in_guest "echo '$rule' | tr @ '\\\\042' >/etc/udev/rules.d/40-cpus.rules; udevadm control --reload"
hvctl set debian --cpus 4 2>>$log
[ $? -eq 0 ] && [ "$(in_guest 'udevadm settle; until [ $(nproc) = 4 ]; do sleep 1; done; nproc')" = 4 ] &&
	hvctl set debian --cpus 2 2>>$log && [ "$(in_guest nproc)" = 2 ]
ok "its udev brings new CPUs online" $?

kill -TERM $machine
wait $machine
status=$?
# Without "needs recovery" (ext4's incompatible feature 4), the file system was unmounted.
features=$(dd if=$image bs=4 skip=$(((1024 + 96) / 4)) count=1 2>/dev/null | od -An -tu4)
[ $status -eq 0 ] && [ $((features & 4)) -eq 0 ]
ok "the power button shuts it down in order" $?

finish
