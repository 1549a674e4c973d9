#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Bad input gets one sentence and the right exit status, and leaves targets alone.
# live: core
# timeout: 240
. "$(dirname "$0")/../../lib/live.sh"

at_end lab-puppet stop bad
check "a puppet starts" lab-puppet start bad 64 128 instant
domid=$(xl domid bad)
memory=/local/domain/$domid/memory
target=$(target_of $domid)

# one line on standard error, not a flood
says_once() {
    want=$1 pattern=$2 name=$3
    shift 3
    says "$want" "$pattern" "$name" "$@"
    lines=$("$@" 2>&1 >/dev/null </dev/null | grep -vc '^usage:')
    equal 1 "$lines" "$name: in one sentence"
}

says_once 1 "no domain 'nobody'" "an unknown domain" xl-ext mem-set nobody 100
says_once 1 "no domain '4711'" "an unknown domid" xl-ext mem-info 4711
says_once 1 "no domain '99999999999999999999'" "an absurd domid" xl-ext mem-info 99999999999999999999
says_once 1 "no domain" "an unknown UUID" xl-ext mem-info 01234567-89ab-cdef-0123-456789abcdef
says_once 2 "'12q': unknown suffix" "a garbage size" xl-ext mem-set bad 12q
says_once 2 "too large" "an overflowing size" xl-ext mem-set bad 99999999999999999999
says_once 2 "too large" "a size beyond any machine" xl-ext mem-set bad 99999999t
says_once 2 "decimal number" "an empty size" xl-ext mem-set bad ""
says_once 2 "no size" "a domain without a size" xl-ext mem-set bad 64 bad2
says_once 2 "too few" "no arguments" xl-ext mem-set
says_once 2 "unknown option" "an unknown option" xl-ext mem-set --hurry bad 64
says_once 2 "decimal number" "a garbage time" xl-ext mem-set -w -t soon bad 64
says_once 2 "same domain" "a domain twice" xl-ext mem-set bad 64 $domid 65
equal "$target" "$(target_of $domid)" "none of them has touched the target"

says_once 1 "above its static-max" "more than static-max" xl-ext mem-set bad 129
says_once 4 "below .* can live with" "less than a guest can live with" xl-ext mem-set bad 10
says_once 4 "below .* can live with" "nothing at all" xl-ext mem-set bad 0
says_once 4 "below .* can live with" "relative below zero" xl-ext mem-set bad -1000
equal "$target" "$(target_of $domid)" "none of them has touched the target either"
check "--force goes below the floor" xl-ext mem-set --force -w bad 10
check "and growing from below the floor needs no force" xl-ext mem-set -w bad 20
check "a typing error in the last pair" sh -c "! xl-ext mem-set bad 64 bad 6x"
equal 20480 "$(target_of $domid)" "leaves the first pair unset"
check "back to where it was" xl-ext mem-set -w bad 64

xenstore-write $memory/target garbage
says_once 1 "holds no number" "a target with garbage" xl-ext mem-set bad 70
equal garbage "$(target_of $domid)" "which is left as it is"
says 0 "unknown" "mem-list shows it as unknown" xl-ext mem-list bad
xenstore-write -- $memory/target -5
says_once 1 "holds no number" "a negative target" xl-ext mem-set bad +1
xenstore-write $memory/target ""
says_once 1 "holds no number" "an empty target, which libxl takes for 0" xl-ext mem-set bad +1
xenstore-rm $memory/target
says_once 1 "is missing" "a missing target" xl-ext mem-set bad 70
xenstore-write $memory/target 65536
xenstore-rm $memory/static-max
says_once 1 "is missing" "a missing static-max" xl-ext mem-set bad 70
xenstore-write $memory/static-max 131072
xenstore-write -- $memory/videoram -1
check "a videoram of -1 counts as none" xl-ext mem-set -w bad 70
equal 71680 "$(target_of $domid)" "and does not shift the target"
xenstore-write $memory/videoram 0

says 1 "does not run on Xen\|/proc/xen\|not dom0" "without /proc/xen the tool says what to do" \
    unshare -m sh -c 'umount /proc/xen; xl-ext mem-list'
says 1 "run as root\|permission" "without permission" setpriv --reuid 65534 --clear-groups xl-ext mem-list
says 1 "xenstored" "without xenstored" \
    unshare -m sh -c 'mount -t tmpfs none /run/xenstored; mount --bind /dev/null /dev/xen/xenbus; mount --bind /dev/null /proc/xen/xenbus; xl-ext mem-list'
says 1 "hypervisor" "without the hypervisor's device" \
    unshare -m sh -c 'mount --bind /dev/null /dev/xen/privcmd; xl-ext mem-list'
says 1 "below" "dom0 has libxl's own floor" xl-ext mem-set 0 100
says 1 "cannot write the output" "a full disk" sh -c 'xl-ext mem-list > /dev/full'
finish
