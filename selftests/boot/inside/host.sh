# SPDX-License-Identifier: GPL-2.0-only
# In the lab's host: a Debian guest with four CPUs, and the module's end.
. ./lib.sh

plan 2

boots vmlinuz 4 512
rmmod lhv && ! grep -q '^lhv ' /proc/modules
ok "the module goes" $?

finish
