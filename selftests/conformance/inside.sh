# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: runs each line of plan, NAME FILE CPUS MIB SECONDS [ARGUMENT...],
# and prints "=== begin NAME", what the guest printed, "=== end NAME STATUS".
cd "$(dirname "$0")" || exit 1
while read -r name file cpus mib seconds arguments; do
	printf 'BOOTLOADER=1\nNR_CPUS=%s\nMEMSIZE=%s\nTEST_DEVICE=1\n' "$cpus" "$mib" >env
	echo "=== begin $name"
	{ timeout -s KILL "$seconds" hvctl run --name "$name" --kernel "$file.flat" \
		--cmdline "$arguments" --module env --cpus "$cpus" --memory "${mib}M" \
		--debug-exit 0xf4 --on-reset exit </dev/null 2>&1
	echo $? >status; } | tr -d '\r'
	# Not each of them ends its last line.
	echo
	echo "=== end $name $(cat status)"
done <plan
