#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that a triple fault ends in its boot is booted again, twice at most; one that ends in another way is not.
# timeout: 600
. "$(dirname "$0")/../../lib/live.sh"

at_end xl destroy broken
faults() {
    xl dmesg | grep -c "Triple fault"
}
# The kernel's restart by a triple fault, and busybox as the first program that asks for it.
check "a guest that ends by a triple fault in each boot does not come up" sh -c "! lab-guest create --timeout 120 \
    --append 'rdinit=/bin/busybox reboot=triple -- reboot -f' pvh broken 128 128 'on_reboot=\"destroy\"' 2>$scratch/err"
sed 's/^/# /' "$scratch/err"
equal 2 "$(grep -c "once more" "$scratch/err")" "it was booted twice more"
equal 3 "$(faults)" "and Xen saw it each time"
before=$(faults)
check "one that ends by itself does not come up either" sh -c "! lab-guest create --timeout 120 \
    --append 'rdinit=/bin/busybox -- reboot -f' pv broken 128 128 'on_reboot=\"destroy\"' 2>$scratch/err"
equal 0 "$(grep -c "once more" "$scratch/err")" "and is not booted again"
equal "$before" "$(faults)" "because Xen saw no triple fault of it"
finish
