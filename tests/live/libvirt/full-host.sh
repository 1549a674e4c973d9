#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Starts and restores by virsh on a full host, without and with xl-ext's hook, with and without memd.
# lab: --extra libvirt --smp 4 --cpu max,-smap,-rdtscp,-avx,-avx2,vendor=GenuineIntel
# timeout: 900
. "$(dirname "$0")/lib.sh"

start_libvirtd
start_memd
check "the lab's initramfs is made" lab-guest create pv initramfs 128 128
lab-guest destroy initramfs
at_end lab-puppet stop full
at_end virsh undefine second
at_end xl destroy second
fill 150
definition second 66666666-7777-8888-9999-000000000000 400 >"$scratch/second.xml"
check "virsh defines a guest that does not fit" virsh define "$scratch/second.xml"
says 1 "" "without the hook virsh start fails" virsh start second
printf '%s\n' "$says_output" | sed 's/^/# /'
# What memd keeps now for a second try is not the hook's doing.
xl-ext mem-reserve --list --json | json '.[].id' | while read -r id; do xl-ext mem-reserve --release "$id"; done
sleep 5
check "the hook is put in place" install -D -m 755 "$hooks/libvirt" /etc/libvirt/hooks/libxl.d/xl-ext
at_end rm -rf /etc/libvirt/hooks
stop_libvirtd
start_libvirtd
check "with it virsh start finds the memory" virsh start second
check "and the guest answers" lab-guest wait second
check "virsh save" virsh save second "$scratch/second.save"
full_again() {
    [ "$(xl info free_memory)" -lt 350 ]
}
check "the others take what it had" until_true 120 full_again
check "virsh restore on the full host" virsh restore "$scratch/second.save"
check "finds it, too" lab-guest exec second true
check "virsh destroy" virsh destroy second
check "it is gone" until_true 60 gone second
kill $memd
wait $memd
lab-puppet stop full
check "with the hook and without memd a start goes on as before" virsh start second
check "and the guest answers" lab-guest wait second
tell_logs
finish
