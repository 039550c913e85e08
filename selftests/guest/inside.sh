# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: runs each line of plan, PAYLOAD CPUS KVM, on lhv and, if KVM
# is "kvm", on KVM too. Prints "=== begin HYPERVISOR PAYLOAD", what the guest
# printed, "=== end STATUS".
cd "$(dirname "$0")" || exit 1

SECONDS_EACH=20		# of the host's clock

run() {		# HYPERVISOR PAYLOAD COMMAND...
	echo "=== begin $1 $2"
	shift 2
	{ timeout -s KILL $SECONDS_EACH "$@" </dev/null 2>&1; echo $? >status; } | tr -d '\r'
	echo "=== end $(cat status)"
}

while read -r payload cpus _; do
	run lhv "$payload" hvctl run --kernel "$payload.elf" --cpus "$cpus" --memory 64M \
		--debug-exit 0xf4
done <plan
grep -q ' kvm$' plan || exit 0

# By default, 6.12's takes VMX as long as it is loaded.
modprobe kvm enable_virt_at_load=0 && modprobe kvm_intel || exit 1
while read -r payload _ kvm; do
	[ "$kvm" != kvm ] || run kvm "$payload" ./kvm "$payload.elf"
done <plan
