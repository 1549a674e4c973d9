#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest with its device model in a stub domain is saved and restored by plain xl: it goes on with the very next number.
# live: core
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
counter_cfg count >"$scratch/count.cfg"
at_end xl destroy count
before="$(leftovers)"
in_time "the guest starts" xl create "$scratch/count.cfg"
domid=$(xl domid count) stub=$(xl domid count-dm)
hear_counter count
counts count
equal 1 "$(xenstore-read "/local/domain/$stub/device-model/$domid/xl-ext/save")" "its stub domain says that it can be saved"
started=$(now_ms)
check "xl save works" xl save count "$scratch/saved"
ok "it took $(($(now_ms) - started)) ms"
saved=$(number_on_disk count)
nothing_left "nothing is left of the saved guest"
started=$(now_ms)
in_time "xl restore works" xl restore -p "$scratch/saved"
ok "it took $(($(now_ms) - started)) ms"
hear_counter count
says_nothing "the restored guest is unpaused" xl unpause count
counts count
first=$(first_number)
check "it goes on where it was (saved at $saved, goes on with $first)" test "$first" -eq "$saved" -o "$first" -eq $((saved + 1))
grep -a xl-ext-stubdom /var/log/xen/qemu-dm-count.log | sed 's/^/# /'
finish
