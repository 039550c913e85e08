#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The module on a CPU of the oldest generation that it is for, and on an older one.
set -uo pipefail
cd "$(dirname "$0")" || exit

readonly MODELS=(corei5_arrandale_m520 corei5_lynnfield_750)

echo "TAP version 13"
echo "1..${#MODELS[@]}"
number=0 failed=0
for model in "${MODELS[@]}"; do
	number=$((number + 1))
	if ../lab/lab --timeout 1500 --no-load --cpu-model "$model" --add inside/lib.sh \
		--add inside/cpu-models.sh -- sh cpu-models.sh "$model" | sed 's/^/  /'; then
		echo "ok $number $model"
	else
		echo "not ok $number $model"
		failed=1
	fi
done
exit $failed
