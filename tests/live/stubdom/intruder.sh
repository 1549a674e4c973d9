#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a broken-into QEMU could do: a program in its place, with all that QEMU has, tries to get at other domains and at the stub domain's kernel.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

# another domain to get at
at_end lab-puppet stop victim
check "a victim runs beside" lab-puppet start victim 64 128 instant
put_image /root/stubdom/intruder-image
guest_cfg broken >"$scratch/broken.cfg"
at_end xl destroy broken
check "the guest starts with the intruder as its device model" xl create -p "$scratch/broken.cfg"
log=/var/log/xen/qemu-dm-broken.log
check "the intruder has tried everything" until_true 60 grep -q "intruder: end" $log
grep '^intruder' $log | sed 's/^/# /'

# its own guest is what it is there for: these show that the tries work at all
for name in "own guest's xenstore nodes" "own guest's memory" "an event channel device" "device model calls on own guest"; do
    check "it reaches $name" grep -q "intruder: $name: reached" $log
done
reached=$(grep '^intruder: .*: reached' $log | grep -v "own guest's\|an event channel device\|device model calls on own guest")
equal "" "$reached" "it reaches nothing else"
equal 0 "$(grep -c '^intruder: .*: reached.*dom0' $log)" "nothing of dom0"
check "the victim's name is untouched" xl domid victim
xl destroy broken
finish
