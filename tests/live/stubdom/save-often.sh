#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Ten times saved and restored in a row: a guest with its device model in a stub domain goes on with the very next number each time, its
# disk has what was written, its serial port speaks, and its screen shows what it showed; with either VGA.
# lab: --copy build/stubdom/live:/root/stubdom
# environment: ROUNDS
# timeout: 3600
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
at_end xl destroy count
before="$(leftovers)"

# one_round NAME
one_round() {
    started=$(now_ms)
    check "saved ($1)" xl save count "$scratch/saved"
    save_ms=$(($(now_ms) - started))
    saved=$(number_on_disk count)
    nothing_left "nothing is left ($1)"
    started=$(now_ms)
    in_time "restored ($1)" xl restore -p "$scratch/saved"
    ok "save $save_ms ms, restore $(($(now_ms) - started)) ms"
    hear_counter count
    says_nothing "unpaused ($1)" xl unpause count
    counts count
    first=$(first_number)
    check "it goes on from $saved (with $first)" test "$first" -eq "$saved" -o "$first" -eq $((saved + 1))
    equal "$picture" "$(screen count)" "its screen shows what it showed ($1)"
}

# often VGA ROUND...
often() {
    vga=$1
    shift
    counter_cfg count "vga=\"$vga\"" >"$scratch/count.cfg"
    in_time "the guest starts with $vga" xl create "$scratch/count.cfg"
    hear_counter count
    counts count
    picture=$(screen count)
    printf '%s\n' "$picture" >"$scratch/picture"
    check "its BIOS has written on the screen" grep -q "Booting from" "$scratch/picture"
    for round; do one_round "$vga, $round"; done
    sed 's/^/# /' "$scratch/picture"
    xl destroy count
    nothing_left "nothing is left of it"
}

# shellcheck disable=SC2046 # numbers
often cirrus $(seq "${ROUNDS:-10}")
often stdvga 1 2
grep -a xl-ext-stubdom /var/log/xen/qemu-dm-count.log | sed 's/^/# /'
finish
