#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Starts by plain xl on a full host, which memd is not told of: what fits into half the float starts; what does not fails at once, and a
# second try finds its memory. The kernel is not compressed: to unpack one takes long here, and memd would make room meanwhile.
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
check "the kernel is unpacked" python3 - "$scratch/vmlinux" <<'END'
import glob, lzma, subprocess, sys

def of_xz(packed):
    try:
        return lzma.LZMADecompressor().decompress(packed)
    except lzma.LZMAError:
        return b""

def of_zstd(packed):
    # What follows in the file is no zstd: it complains, and has said all before.
    return subprocess.run(["zstd", "-dcq"], input=packed, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout

def unpack(packed):
    for magic, unpacked_of in ((b"\xfd7zXZ\0", of_xz), (b"\x28\xb5\x2f\xfd", of_zstd)):
        at = packed.find(magic)
        while at >= 0:
            unpacked = unpacked_of(packed[at:])
            if unpacked.startswith(b"\x7fELF"):
                return unpacked
            at = packed.find(magic, at + 1)
    sys.exit("neither xz nor zstd")

unpacked = unpack(open(sorted(glob.glob("/boot/vmlinuz-*"))[0], "rb").read())
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
configuration large 600

echo 'float = 360' >"$scratch/memd.cfg"
start_memd -c "$scratch/memd.cfg"
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
# Half of the float may be missing for long (docs/balance.md).
has_float() {
    [ "$(free)" -ge $((reserve + 180)) ]
}
check "half the float is free at least, besides the reserve" until_true 180 has_float
echo "# reserve $reserve MiB, free $(free) MiB"
check "plain xl starts what fits into half the float, at once" xl create "$scratch/small.cfg"
check "and the guest answers" lab-guest wait small
check "and so it is again soon" until_true 180 has_float
echo "# free $(free) MiB"
[ "$(free)" -lt 600 ] && ok "the next one does not fit" || not_ok "the next one does not fit" "$(free) MiB are free"
says 3 "xc_dom_boot_mem_init.*Out of memory" "plain xl fails for it" xl create "$scratch/large.cfg"
check "memd notices, and keeps as much free" until_true 60 sh -c '[ "$(xl-ext mem-reserve --list --json | jq length)" = 1 ]'
has_room() {
    [ "$(free)" -ge 610 ]
}
check "the others give" until_true 50 has_room
check "the second try of plain xl succeeds" xl create "$scratch/large.cfg"
check "and the guest answers" lab-guest wait large
check "nothing stays reserved" until_true 120 sh -c '[ "$(xl-ext mem-reserve --list --json | jq length)" = 0 ]'
sed 's/^/# memd: /' "$scratch/memd.log" | tail -20
finish
