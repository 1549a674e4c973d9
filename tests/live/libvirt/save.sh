#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# virsh save, restore and managedsave beside memd: the guest is left alone meanwhile, and finds its range again.
# lab: --extra libvirt --smp 4 --cpu max,-smap,-rdtscp,-avx,-avx2,vendor=GenuineIntel
# timeout: 900
. "$(dirname "$0")/lib.sh"

start_libvirtd
start_memd
define_virt
check "and starts it" virsh start virt
check "it answers" lab-guest wait virt
check "it is balanced" xl-ext mem-range virt 128 240
range() {
    echo "$(why range_source) $(why min_memkb) $(why max_memkb)"
}
has_range() {
    [ "$(range)" = "$1" ]
}
has_more_than() {
    [ "$(actual_of virt)" -gt "$1" ]
}
before=$(range)
# left_alone NAME COMMAND...: COMMAND succeeds, and memd leaves the guest alone while it goes on
left_alone() {
    left_alone_name=$1
    shift
    "$@" >"$scratch/command.log" 2>&1 &
    command=$!
    seen=no
    while kill -0 $command 2>/dev/null; do
        is state migrating && seen=yes
    done
    wait $command
    equal "0 yes" "$? $seen" "$left_alone_name, and memd leaves the guest alone meanwhile"
    sed 's/^/# /' "$scratch/command.log"
}

# It restores with the size that it knows: the hook tells it.
check "memd has given it more than libvirt knows" until_true 90 has_more_than $((200 * mib))
check "libvirt is told of it" "$hooks/libvirt-sizes" virt
held=$(actual_of virt)
left_alone "virsh save" virsh save virt "$scratch/virt.save"
check "it is gone" until_true 60 gone virt
check "virsh restore" virsh restore "$scratch/virt.save"
check "it answers" lab-guest exec virt true
equal "$held" "$(actual_of virt)" "it has what it had"
check "its range is what it was" until_true 60 has_range "$before"
check "and it is balanced again" until_true 90 is pinned false
same_vcpus "restored"
check "libvirt is told of the size of all" "$hooks/libvirt-sizes"
left_alone "virsh managedsave" virsh managedsave virt
check "it is gone" until_true 60 gone virt
check "virsh start takes it from there" virsh start virt
check "it answers" lab-guest exec virt true
check "its range is what it was" until_true 60 has_range "$before"
same_vcpus "after managedsave"
tell_logs
finish
