#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A restored guest is made of large pages again, and its memory is the same, byte for byte.
# lab: --copy build/tests/live/guest-memory:/usr/local/bin/guest-memory
# timeout: 600
. "$(dirname "$0")/../../lib/live.sh"

tables() {
    guest-memory tables "$(xl domid large)"
}
# gone NAME
gone() {
    xl destroy "$1"
    until_true 60 sh -c "! xl domid $1"
}
at_end xl destroy large
at_end xl destroy large-2

check "a guest" lab-guest create pvh large 256 256
check "in which something is written" lab-guest exec large 'dd if=/dev/urandom of=/run/random bs=1M count=24'
running=$(tables)
check "it is saved" xl save large "$scratch/state"
check "and built anew, as it was at its start" xl create -p /run/lab-guest/large.cfg
built=$(tables)
gone large

check "plain xl restores it" xl restore -p "$scratch/state"
plain=$(tables)
check "from small pages ($built tables when it was built, $running when it ran, $plain now)" test "$plain" -ge $((built + 100))
check "plain xl's guest is put aside" xl rename large large-2
check "xl-ext restores it" xl-ext restore -p "$scratch/state"
ours=$(tables)
kept=$(((plain - ours) * 100 / (plain - running)))
check "from large ones, where they were ($ours tables: $kept of 100 kept)" test $kept -ge 95
check "the memory of both is the same, byte for byte" guest-memory same "$(xl domid large)" "$(xl domid large-2)" 256
gone large-2
says_unpaused() {
    xl unpause large && lab-guest wait --timeout 120 large
}
check "it goes on" says_unpaused
check "with all that was written" lab-guest exec large 'test $(wc -c < /run/random) = 25165824'
gone large

# ---- plain xl with the helper, and a helper that somebody chose ----

helper=/usr/local/libexec/xl-ext/save-helper
[ -x $helper ] || helper=/usr/libexec/xl-ext/save-helper
check "plain xl with the helper" env LIBXL_SAVE_HELPER=$helper xl restore -p "$scratch/state"
check "restores it from large pages, too" test "$(tables)" -le $((ours + 2))
gone large
cat >"$scratch/helper" <<'HELPER'
#!/bin/sh
touch "$0.ran"
exec /usr/lib/xen-4.*/bin/libxl-save-helper "$@"
HELPER
chmod +x "$scratch/helper"
check "with a helper of the user's own" env LIBXL_SAVE_HELPER="$scratch/helper" xl-ext restore -p "$scratch/state"
check "that one is run" test -e "$scratch/helper.ran"
finish
