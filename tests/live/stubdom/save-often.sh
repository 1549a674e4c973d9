#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ten times saved and restored in a row: a guest with its device model in a stub domain goes on with the very next number each time.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 2400
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
counter_cfg count 'vga="cirrus"' >"$scratch/count.cfg"
at_end xl destroy count
before="$(leftovers)"
in_time "the guest starts" xl create "$scratch/count.cfg"
hear_counter count
counts count
for round in 1 2 3 4 5 6 7 8 9 10; do
    started=$(now_ms)
    check "saved ($round)" xl save count "$scratch/saved"
    save_ms=$(($(now_ms) - started))
    saved=$(number_on_disk count)
    nothing_left "nothing is left ($round)"
    started=$(now_ms)
    in_time "restored ($round)" xl restore -p "$scratch/saved"
    ok "save $save_ms ms, restore $(($(now_ms) - started)) ms"
    hear_counter count
    says_nothing "unpaused ($round)" xl unpause count
    counts count
    first=$(first_number)
    check "it goes on from $saved (with $first)" test "$first" -eq "$saved" -o "$first" -eq $((saved + 1))
done
grep -a xl-ext-stubdom /var/log/xen/qemu-dm-count.log | sed 's/^/# /'
finish
