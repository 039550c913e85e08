#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A network by passt, for users without privileges.
set -euo pipefail
cd "$(dirname "$0")"

../lab/install
adds=(--add inside/lib.sh --add inside/passt.sh --add "$(command -v setpriv):/usr/bin/setpriv")
# It is two programs: the other is for CPUs with AVX2.
for program in /usr/bin/passt*; do
	adds+=(--add "$program:$program")
done
exec ../lab/lab --timeout 1500 "${adds[@]}" -- sh passt.sh
