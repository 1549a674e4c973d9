#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What can go wrong while a guest with its device model in a stub domain is saved: the guest goes on where it was, or is saved whole.
# lab: --copy build/stubdom/live:/root/stubdom
# timeout: 1800
. "$(dirname "$0")/../../lib/live.sh"
. "$(dirname "$0")/lib.sh"

put_image /root/stubdom/image
# without a serial port: the kernel of the stub domain waits for ever on a console that nobody serves, and the guest with it
counter_cfg count 'serial="none"' >"$scratch/count.cfg"
at_end xl destroy count
before="$(leftovers)"
log=/var/log/xen/qemu-dm-count.log

in_time "the guest starts" xl create "$scratch/count.cfg"
domid=$(xl domid count) stub=$(xl domid count-dm)
console=$(xenstore-read "/local/domain/$stub/image/device-model-pid")
still_counts "it counts"

# ---- the file is not what it should be: found before the guest is let go ----
real=$(command -v xl)
mkdir "$scratch/bin"
cat >"$scratch/bin/xl" <<XL
#!/bin/sh
$real "\$@" || exit
truncate -s -24 "$scratch/saved"
XL
chmod +x "$scratch/bin/xl"
says 1 "does not hold the guest: it ends .*; the guest goes on where it was" "a file that is cut is noticed" \
    env PATH="$scratch/bin:$PATH" xl-ext save count "$scratch/saved"
check "and removed" test ! -e "$scratch/saved"
still_counts "the guest goes on"

# ---- xl is ended in the middle: while the state waits for dom0's QEMU, which is stopped as long ----
saves() {
    pgrep -P "$saver" -f "xl save"
}
is_suspended() {
    xl list count | awk 'NR > 1 { suspended = $5 ~ /ss/ } END { exit !suspended }'
}
for name in INT KILL; do
    xl-ext save count "$scratch/saved" >"$scratch/out" 2>&1 &
    saver=$!
    check "xl saves the guest (SIG$name)" until_true 60 saves
    kill -STOP "$console"
    check "which is suspended" until_true 120 is_suspended
    pkill -$name -P $saver -f "xl save"
    kill -CONT "$console"
    wait $saver
    check "xl-ext save fails when xl gets SIG$name" test $? -eq 1
    check "and wakes the guest" grep -q "it goes on where it was" "$scratch/out"
    still_counts "which counts on after SIG$name"
done

# ---- dom0's QEMU that serves the stub domain's consoles hangs ----
kill -STOP "$console"
says 4 "is stopped" "xl-ext save refuses while the consoles are not served" xl-ext save count "$scratch/saved"
check "xl save fails" sh -c "! timeout 300 xl save count $scratch/saved 2>$scratch/out"
check "and says why" grep -q "does not take the state" "$scratch/out"
still_counts "the guest goes on"
kill -CONT "$console"
check "libxl has removed the state's file" until_true 10 test ! -e "/var/lib/xen/qemu-save.$domid"
still_counts "the guest goes on when the consoles are served again"

# ---- QEMU itself cannot save: its descriptor set is gone ----
xl-ext qmp --device-model count remove-fd fdset-id=1 >"$scratch/out" 2>&1
check "xl-ext save fails when QEMU cannot save" sh -c "! timeout 300 xl-ext save count $scratch/saved"
check "the stub domain's log has QEMU's words" grep -a -q "QEMU cannot save its state" $log
still_counts "the guest goes on"
xl destroy count
nothing_left "nothing is left behind"

# ---- no room for the state ----
mount -t tmpfs -o size=16m,mode=0755 none /var/lib/xen
at_end umount -l /var/lib/xen
in_time "the guest starts again" xl create "$scratch/count.cfg"
domid=$(xl domid count) stub=$(xl domid count-dm)
console=$(xenstore-read "/local/domain/$stub/image/device-model-pid")
dd if=/dev/zero of=/var/lib/xen/filled bs=1M count=14 status=none
says 4 "/var/lib/xen" "xl-ext save refuses when there is no room for the state" xl-ext save count "$scratch/saved"
rm /var/lib/xen/filled
still_counts "the guest goes on"

# ---- put back: libxl removed the file, a later save works all the same ----
rm "/var/lib/xen/qemu-save.$domid"
says 0 "is put back" "a file that libxl has removed is put back" xl-ext save count "$scratch/saved"
saved=$(number_on_disk count)
nothing_left "nothing is left of the saved guest"

# ---- the stub domain is destroyed under the restore ----
xl restore "$scratch/saved" >"$scratch/out" 2>&1 &
restorer=$!
until_true 120 xl domid count-dm
xl destroy count-dm
wait $restorer
check "a restore whose stub domain is destroyed fails" test $? -ne 0
xl destroy count 2>/dev/null
nothing_left "nothing is left of it"
in_time "the guest is still saved" xl restore "$scratch/saved"
still_counts "and goes on"
check "with a number that follows" test "$(number_on_disk count)" -gt "$saved"

# ---- no room for the guest itself ----
mkdir "$scratch/full"
mount -t tmpfs -o size=8m none "$scratch/full"
at_end umount -l "$scratch/full"
for tool in xl xl-ext; do
    check "$tool save fails when the disk is full" sh -c "! $tool save count $scratch/full/saved 2>$scratch/out"
    check "and says why" grep -q "No space left" "$scratch/out"
    still_counts "the guest goes on"
done

# ---- the consoles' QEMU dies: nothing can be saved any more, and the guest goes on ----
console=$(xenstore-read "/local/domain/$(xl domid count-dm)/image/device-model-pid")
xl-ext save count "$scratch/saved2" >"$scratch/out" 2>&1 &
saver=$!
until_true 60 saves
kill -STOP "$console"
check "it is suspended, its state waits for dom0's QEMU" until_true 120 is_suspended
kill -KILL "$console"
wait $saver
check "xl-ext save fails when that dies" test $? -ne 0
still_counts "the guest goes on"
says 4 "has died" "xl-ext save refuses when the consoles' QEMU is dead" xl-ext save count "$scratch/saved2"
check "xl save fails" sh -c "! timeout 300 xl save count $scratch/saved2 2>$scratch/out"
still_counts "the guest goes on"
xl destroy count
nothing_left "nothing is left behind"

# ---- the stub domain is destroyed while it saves: what is left is removed, and an older file is a whole guest still ----
in_time "the saved guest is restored once more" xl restore "$scratch/saved"
xl-ext save count "$scratch/saved2" >"$scratch/out" 2>&1 &
saver=$!
until_true 60 saves
console=$(xenstore-read "/local/domain/$(xl domid count-dm)/image/device-model-pid")
kill -STOP "$console"
check "it is suspended" until_true 120 is_suspended
xl destroy count-dm
kill -CONT "$console"
wait $saver
check "xl-ext save fails when the stub domain is destroyed" test $? -ne 0
tail -n 4 "$scratch/out" | sed 's/^/# /'
xl destroy count
nothing_left "nothing is left behind"
finish
