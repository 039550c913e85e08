# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: what guests did is what is counted.
. ./lib.sh

plan 13

# run_payload NAME FILE: a machine that writes to NAME.out; its process is $payload.
run_payload() {
	hvctl run --name "$1" --kernel "$2" --console "$1.out" --memory 16M >>$log 2>&1 </dev/null &
	payload=$!
	until_written "$1.out" $payload
}

# The first number that is called so: number NAME FILE
number() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$2" | head -n 1
}

: >$log
run_payload count COUNT
resting=$payload

# ---- known numbers ------------------------------------------------------------------

# The vCPU rests as soon as it has written its letter.
vcpu=$(grep -l '^vcpu0$' /proc/"$resting"/task/*/comm)
switches() {
	sed -n 's/^\(non\)\?voluntary_ctxt_switches:.//p' "${vcpu%comm}status" | tr '\n' ' '
}
until hvctl stats count --json >first && [ "$(number hlt first)" = 1 ]; do sleep 0.2; done
cat first >>$log
# The letter is one more.
[ "$(number io first)" = 1001 ] && [ "$(number cpuid first)" = 1000 ] &&
	[ "$(number pid first)" = "$resting" ] && [ "$(number size first)" = 16777216 ] &&
	[ "$(number resident first)" -gt 0 ] && [ "$(number mapped first)" -ge 4096 ]
ok "exits of a payload are counted" $?
sum=0
for reason in interrupt io mmio msr cpuid hlt cr ept window pause other; do
	sum=$((sum + $(number $reason first)))
done
[ $sum -eq "$(number exits first)" ]
ok "each has one reason" $?

before=$(switches)
for _ in 1 2 3 4 5; do
	hvctl stats count >/dev/null && hvctl stats count --json >last || break
done
{ echo "switches: $before, then $(switches)"; cat last; } >>$log
[ -n "$before" ] && [ "$(switches)" = "$before" ] && [ "$(number exits last)" = "$(number exits first)" ] &&
	[ "$(number user-exits last)" = "$(number user-exits first)" ] &&
	[ "$(number time last)" -gt "$(number time first)" ]
ok "asking wakes no vCPU" $?

all_switches() {
	sed -n 's/^.*voluntary_ctxt_switches:.//p' /proc/"$resting"/task/*/status | tr '\n' ' '
}
# What was asked last may not be all done yet.
for _ in $(seq 60); do
	before=$(all_switches)
	sleep 1
	[ "$(all_switches)" != "$before" ] || break
done
sleep 5
echo "switches: $before, then $(all_switches)" >>$log
[ -n "$before" ] && [ "$(all_switches)" = "$before" ]
ok "a machine at rest takes nothing of its host's time" $?

hvctl stats count >text && cat text >>$log && grep -q '^state:    running, for 00:0' text &&
	grep -q ' io .*cpuid .*hlt' text
ok "for people" $?
hvctl stats count --json --pss >pss && [ "$(number share pss)" -gt 0 ] &&
	[ "$(number share pss)" -le "$(($(number resident pss) + 65536))" ]
ok "its own share of memory" $?

# ---- a guest with devices -------------------------------------------------------------

modprobe -a vhost_net tun
mkdir images && mount -t tmpfs tmpfs images
truncate -s 8M images/disk
use_drivers vmlinuz
start_guest vmlinuz 'modprobe -a virtio_pci virtio_blk virtio_net virtio_balloon
	ip addr add 10.77.0.2/24 dev eth0; ip link set eth0 up
	until ping -c 1 -W 1 10.77.0.1 >/dev/null; do sleep 0.1; done
	ping -c 5 10.77.0.1 >/dev/null && echo PINGED
	dd if=/dev/vda of=/dev/null bs=64k count=32 2>/dev/null
	dd if=/dev/zero of=/dev/vda bs=64k count=16 conv=fsync 2>/dev/null
	echo WORKED
	while :; do
		echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vda of=/dev/null bs=64k count=16 2>/dev/null
	done' --name web --cpus 2 --memory 256M --disk path=images/disk --balloon size=0 \
	--net tap=tap0
web=$machine
until_true ip addr add 10.77.0.1/24 dev tap0
until_said WORKED $web
hvctl stats web --json >web.first
cat web.first >>$log
[ "$(number read-bytes web.first)" -ge 2097152 ] && [ "$(number reads web.first)" -ge 2 ] &&
	[ "$(number written-bytes web.first)" -ge 1048576 ] &&
	[ "$(number flushes web.first)" -ge 1 ] && [ "$(number errors web.first)" = 0 ]
ok "what a drive did" $?
grep -q '^PINGED' $log && grep -q '"at":"tap0"' web.first &&
	[ "$(number sent-packets web.first)" -ge 6 ] &&
	[ "$(number received-packets web.first)" -ge 6 ] && [ "$(number sent-bytes web.first)" -ge 588 ]
ok "what a network did" $?
more() {
	hvctl stats web --json >web.last
	[ "$(number read-bytes web.last)" -gt "$(number read-bytes web.first)" ] &&
		[ "$(number exits web.last)" -gt "$(number exits web.first)" ] &&
		[ "$(number guest web.last)" -gt "$(number guest web.first)" ] &&
		[ "$(number user web.last)" -gt "$(number user web.first)" ]
}
until_true more
ok "it goes on" $?

# ---- all of them ------------------------------------------------------------------------

run_payload deaf SPIN
deaf=$payload
hvctl top -b -n 2 -i 1 >top 2>>$log
cat top >>$log
# A loop has one of the host's two CPUs, or shares them. Who rests just answers.
[ "$(grep -c '^NAME ' top)" -eq 2 ] && [ "$(grep -c '^count ' top)" -eq 2 ] &&
	[ "$(awk '$1 == "deaf" && $2 == "running" && $4 > 20 && $5 > 10' top | wc -l)" -eq 2 ] &&
	[ "$(awk '$1 == "web" && $2 == "running" && $4 > 1 && $8 != "0" && $9 ~ /[KM]$/' top | wc -l)" -eq 2 ] &&
	[ "$(awk '$1 == "count" && $4 < 5 && $8 == "0"' top | wc -l)" -eq 2 ]
ok "top" $?

# One that doesn't answer
kill -STOP $deaf
hvctl stats >all && cat all >>$log && grep -q '^deaf *unknown' all && grep -q '^web *running' all &&
	grep -q '^count *running' all && hvctl top --once -i 0.5 >top && grep -q '^deaf *unknown' top &&
	grep -q '^web *running' top
ok "one that doesn't answer keeps nobody from being told of" $?

hvctl metrics >metrics && cat metrics >>$log && [ "$(tail -n 1 metrics)" = "# EOF" ] &&
	awk '/^# TYPE / { type[$3] = $4; family = $3; next }
	     /^# (HELP|UNIT) / { if ($3 != family) exit bad = 1; next }
	     /^# EOF$/ { next }
	     { name = $0; sub(/[{ ].*/, "", name)
	       if (type[family] == "counter" && !sub(/_total$/, "", name)) exit bad = 1
	       if (name != family || !match($0, /^[a-z0-9_]+[{][a-z]+="[^"]*"(,[a-z]+="[^"]*")*[}] [0-9.]+$/))
	       exit bad = 1 }
	     END { exit bad }' metrics &&
	grep -qF 'lhv_vcpu_exits_total{machine="count",vcpu="0",reason="cpuid"} 1000' metrics &&
	grep -qF 'lhv_machine_up{machine="deaf"} 0' metrics &&
	grep -q '^lhv_disk_bytes_total{machine="web",disk="0",path="/.*/images/disk",operation="write"}' metrics &&
	[ "$(hvctl metrics count | grep -c 'machine="web"')" -eq 0 ]
ok "metrics" $?
kill -CONT $deaf

for name in web count deaf; do
	hvctl stop $name --force
done
wait && [ "$(hvctl stats | wc -l)" -eq 1 ] && [ "$(hvctl metrics | grep -vc '^#')" -eq 0 ]
ok "nothing is left" $?

finish
