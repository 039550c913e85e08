#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Memory up and down, fifty times.
cd "$(dirname "$0")" || exit
TIMEOUT=7200 ROUNDS=50 KERNELS=${KERNELS:-vmlinuz} exec ./memory.sh
