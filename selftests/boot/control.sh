#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What other verbs of hvctl do with machines that run.
cd "$(dirname "$0")" || exit
exec ../lab/lab --cpus 1 --timeout 1500 --add inside/lib.sh --add inside/control.sh -- sh control.sh
