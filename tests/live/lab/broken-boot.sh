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
# never_up MORE NAME LINE...
never_up() {
    before=$(faults)
    more=$1 name=$2
    shift 2
    lab-guest create --timeout 120 pvh broken 128 128 'kernel="/root/triple-fault"' "$@" 2>"$scratch/err"
    check "$name does not come up" test $? -ne 0
    sed 's/^/# /' "$scratch/err"
    equal 2 "$(once_more)" "two more boots were waited for"
    check "and Xen saw each boot's fault" test $(($(faults) - before)) -ge "$more"
    xl destroy broken 2>/dev/null
}
never_up 3 "a guest that ends by a triple fault in each boot" 'on_reboot="destroy"'
never_up 3 "one that xl itself starts again"
until_true 30 sh -c "! xl domid broken"
before=$(faults)
# busybox as the first program, which asks for a restart.
check "one that ends by itself does not come up either" sh -c "! lab-guest create --timeout 120 \
    --append 'rdinit=/bin/busybox -- reboot -f' pv broken 128 128 'on_reboot=\"destroy\"' 2>$scratch/err"
equal 0 "$(once_more)" "and is not booted again"
equal "$before" "$(faults)" "because Xen saw no triple fault of it"
finish
