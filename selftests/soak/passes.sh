# SPDX-License-Identifier: GPL-2.0-only
#
# In the lab's host: passes.sh SECONDS PASS SEED STEP: runs ./fuzzer for so long, in
# passes of a seed each, STEP apart, each of its tests PASS seconds, up to the first
# failure.
seconds=$1 pass=$2 seed=$3 step=$4

uptime() {
	cut -d. -f1 /proc/uptime
}

end=$(($(uptime) + seconds))
while :; do
	# A test ends by itself; a limit of this size is for a program that hangs.
	FUZZ_SECONDS=$pass FUZZ_SEED=$seed timeout 600 ./fuzzer >output 2>&1
	status=$?
	sed 's/^/# /' output
	case $status in
	0) echo "ok seed $seed" ;;
	4) echo "ok seed $seed # SKIP"; exit 4 ;;
	*) echo "not ok seed $seed # exit status $status"; exit 1 ;;
	esac
	[ "$(uptime)" -lt "$end" ] || exit 0
	seed=$((seed + step))
done
