#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that a triple fault ends in its boot is booted again, twice at most; one that ends in another way is not.
# lab: --copy build/tests/live/triple-fault:/root/triple-fault
# timeout: 300
. "$(dirname "$0")/../../lib/live.sh"

at_end xl destroy broken
faults() {
    xl dmesg | grep -c "Triple fault"
}
once_more() {
    grep -c "once more" "$scratch/err"
}
check "a guest that ends by a triple fault in each boot does not come up" sh -c "! lab-guest create --timeout 120 \
    pvh broken 128 128 'kernel=\"/root/triple-fault\"' 2>$scratch/err"
sed 's/^/# /' "$scratch/err"
equal 2 "$(once_more)" "it was booted twice more"
equal 3 "$(faults)" "and Xen saw it each time"
# busybox as the first program, which asks for a restart.
check "one that ends by itself does not come up either" sh -c "! lab-guest create --timeout 120 \
    --append 'rdinit=/bin/busybox -- reboot -f' pv broken 128 128 'on_reboot=\"destroy\"' 2>$scratch/err"
equal 0 "$(once_more)" "and is not booted again"
equal 3 "$(faults)" "because Xen saw no triple fault of it"
finish
