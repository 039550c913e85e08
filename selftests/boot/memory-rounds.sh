#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Memory up and down, again and again. memory-rounds.sh [ROUNDS [KERNEL]]
cd "$(dirname "$0")" || exit
TIMEOUT=7200 ROUNDS=${1:-50} KERNELS=${2:-vmlinuz} exec ./memory.sh
