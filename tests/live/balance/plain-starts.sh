#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Starts by plain xl on a full host, which memd is not told of: what fits into the float starts; what does not fails at once, and a
# second try finds its memory. The kernel is not compressed: to unpack one takes long here, and memd would make room meanwhile.
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
check "the kernel is unpacked" python3 - "$scratch/vmlinux" <<'END'
import glob, lzma, sys
packed = open(sorted(glob.glob("/boot/vmlinuz-*"))[0], "rb").read()
at = -1
while True:
    at = packed.index(b"\xfd7zXZ\x00", at + 1)
    try:
        unpacked = lzma.LZMADecompressor().decompress(packed[at:])
    except lzma.LZMAError:
        continue
    if unpacked.startswith(b"\x7fELF"):
        break
open(sys.argv[1], "wb").write(unpacked)
END
check "a guest is made, for its configuration" lab-guest create pv first 160 160
lab-guest destroy first
# configuration NAME MIB
configuration() {
    sed "s,^kernel.*,kernel = \"$scratch/vmlinux\",; s/^name.*/name = \"$1\"/; s/^memory.*/memory = $2/; s/^maxmem.*/maxmem = $2/" \
        /run/lab-guest/first.cfg >"$scratch/$1.cfg"
    at_end xl destroy "$1"
}
configuration small 160
configuration large 400

echo 'float = 260' >"$scratch/memd.cfg"
xl-ext memd -c "$scratch/memd.cfg" >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 60 xl-ext mem-reserve --list
# Whole as far as the float: what is free stays so, and the puppets have the rest.
each=$((($(xl info free_memory) - 150) / 2))
at_end lab-puppet stop full
check "puppets that fill the host" lab-puppet start full $each $each rate=65536,answers --count 2
for p in full-1 full-2; do
    check "$p is balanced, and may give much" xl-ext mem-range $p $((each / 2)) $each
    lab-puppet stats $p total-memory=$((each * mib * mib)) available-memory=$((each * mib * mib * 3 / 4))
done
free() {
    xl info free_memory
}
reserve=$(($(xl-ext mem-top --once --json | json .host.reserve_memkb) / mib))
# What the small one needs; the last of the float is left where it is when it would move each guest by little (docs/balance.md).
has_float() {
    [ "$(free)" -ge $((reserve + 190)) ]
}
check "the float has room for a guest, besides the reserve" until_true 180 has_float
echo "# reserve $reserve MiB, free $(free) MiB"
check "plain xl starts what fits into the float, at once" xl create "$scratch/small.cfg"
check "and the guest answers" lab-guest wait small
check "the float has room again" until_true 180 has_float
echo "# free $(free) MiB"
[ "$(free)" -lt 400 ] && ok "the next one does not fit" || not_ok "the next one does not fit" "$(free) MiB are free"
says 3 "xc_dom_boot_mem_init.*Out of memory" "plain xl fails for it" xl create "$scratch/large.cfg"
check "memd notices, and keeps as much free" until_true 60 sh -c '[ "$(xl-ext mem-reserve --list --json | jq length)" = 1 ]'
has_room() {
    [ "$(free)" -ge 410 ]
}
check "the others give" until_true 50 has_room
check "the second try of plain xl succeeds" xl create "$scratch/large.cfg"
check "and the guest answers" lab-guest wait large
check "nothing stays reserved" until_true 120 sh -c '[ "$(xl-ext mem-reserve --list --json | jq length)" = 0 ]'
sed 's/^/# memd: /' "$scratch/memd.log" | tail -20
finish
