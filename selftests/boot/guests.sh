#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Guests of all kinds on the lab's default host.
cd "$(dirname "$0")" || exit
exec ../lab/lab --cpus 1 --timeout 1500 --add inside/lib.sh --add inside/guests.sh -- sh guests.sh
