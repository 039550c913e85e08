# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: a small guest with two CPUs, and the module's end.
. ./lib.sh

plan 2

boots vmlinuz-small 2 128
rmmod lhv && ! grep -q '^lhv ' /proc/modules
ok "the module goes" $?

finish
