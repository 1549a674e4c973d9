#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a broken-into QEMU could do: a program in its place, with all that QEMU has, tries to get at other domains and at the stub domain's
# kernel, as QEMU starts and when the guest may run.
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

# what WHEN reached: a name on each line
reached() {
    sed -n "s/^intruder: $1: \(.*\): reached.*/\1/p" $log
}

# What it is there for. A QEMU that starts builds its machine by hypercalls of its own, and no guest runs that could break into it: that
# these tries succeed shows that they work at all.
equal "own guest's xenstore nodes
own guest's memory
the stub domain's kernel's memory
a hypercall
device model calls on own guest
opening the hypervisor
an event channel device
opening xenstore
the grant device" "$(reached starting)" "while it starts it reaches its guest, its own domain, and nothing else"
# From before the guest runs.
equal "own guest's memory
device model calls on own guest" "$(reached restricted)" "as soon as it has started it reaches its guest alone, not even its own kernel"
equal running "$(xenstore-read "/local/domain/$(xl domid broken-dm)/device-model/$(xl domid broken)/state")" \
    "init tells libxl that the machine runs, in the place of a QEMU that cannot"
check "the victim's name is untouched" xl domid victim
xl destroy broken
finish
