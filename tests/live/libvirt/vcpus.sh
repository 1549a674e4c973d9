#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What virsh and xl-ext say of the same vCPUs, byte for byte, whoever has pinned them.
# lab: --extra libvirt --smp 4 --cpu max,-smap,-rdtscp,-avx,-avx2,vendor=GenuineIntel
# timeout: 900
. "$(dirname "$0")/lib.sh"

same_pins() {
    virsh vcpupin virt >"$scratch/theirs"
    xl-ext vcpu-pin virt >"$scratch/ours"
    if [ -s "$scratch/ours" ] && cmp -s "$scratch/theirs" "$scratch/ours"; then
        ok "$1: virsh vcpupin and xl-ext vcpu-pin show the same, byte for byte"
    else
        not_ok "$1: virsh vcpupin and xl-ext vcpu-pin show the same, byte for byte" "$(diff "$scratch/theirs" "$scratch/ours")"
    fi
}
shown() {
    printf '# %s:\n' "$*"
    "$@" | sed 's/^/#     /'
}

start_libvirtd
define_virt
check "and starts it" virsh start virt
check "it answers" lab-guest wait virt
same_vcpus "after the start"
same_pins "after the start"
check "virsh vcpupin" virsh vcpupin virt 0 1-2
check "of the other one" virsh vcpupin virt 1 3
same_vcpus "pinned by virsh"
same_pins "pinned by virsh"
shown virsh vcpuinfo --pretty virt
shown xl-ext vcpu-info --pretty virt
shown virsh vcpuinfo virt
shown xl-ext vcpu-info virt
check "xl-ext vcpu-pin" xl-ext vcpu-pin virt 0 0
same_vcpus "one pinned by xl-ext"
# virsh vcpupin shows what libvirt itself has pinned, not what others have: vcpuinfo asks Xen.
check "of all" xl-ext vcpu-pin virt all 0,2-3
same_vcpus "all pinned by xl-ext"
check "virsh suspend" virsh suspend virt
same_vcpus "suspended"
check "virsh resume" virsh resume virt
check "of all, anywhere" xl-ext vcpu-pin virt all all
same_vcpus "pinned nowhere any more"
check "virsh vcpupin, of one again" virsh vcpupin virt 0 0
check "and of the other" virsh vcpupin virt 1 0-3
same_vcpus "pinned by virsh after xl-ext"
same_pins "pinned by virsh after xl-ext"
finish
