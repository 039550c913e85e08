#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What machines may take of their host, and what they have in common.
cd "$(dirname "$0")" || exit
exec ../lab/lab --timeout 1500 --append psi=1 --add inside/lib.sh --add inside/limits.sh \
	--add "$(../lab/kernel guest)/vmlinux:vmlinux" -- sh limits.sh
