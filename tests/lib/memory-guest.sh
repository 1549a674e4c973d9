# SPDX-License-Identifier: LGPL-2.1-or-later
# What mem-set, mem-list and mem-info must do with one Linux guest, of any type; sourced after live.sh.

field() {
    xl-ext mem-list --json "$1" | json ".[0].$2"
}

# memory_guest_tests TYPE OFFSET [THERE]: boots a guest of that type, whose settled offset is OFFSET KiB with Xen 4.17 and Linux
# 6.1, and THERE with Xen 4.20 and Linux 6.12 (not given: not measured yet)
memory_guest_tests() {
    type=$1
    offset=$2
    there=${3-}
    at_end lab-guest destroy "mem-$type"
    # with the VGA card that "lab-guest create" leaves out: its memory counts; PV and PVH guests have none
    check "$type: a guest boots" lab-guest create "$type" "mem-$type" 256 256 'vga="cirrus"'
    name=mem-$type
    domid=$(xl domid $name)
    videoram=$(field $name videoram_memkb)

    equal $type "$(field $name type)" "$type: mem-list tells the type"
    before=$(lab-guest exec $name awk '/MemTotal/ { print $2 }' /proc/meminfo)
    says 0 settled "$type: mem-set -w comes back when the guest has settled" xl-ext mem-set -w $name 160
    equal $((160 * 1024 - videoram)) "$(target_of $domid)" "$type: the target is that of xl (video memory subtracted)"
    equal "$(target_of $domid)" "$(($(field $name actual_memkb) - $(field $name offset_memkb)))" \
        "$type: actual is target plus offset, exactly"
    equal true "$(field $name offset_calibrated)" "$type: the offset is calibrated then"
    equal settled "$(field $name state)" "$type: mem-list says settled"
    after=$(lab-guest exec $name awk '/MemTotal/ { print $2 }' /proc/meminfo)
    if [ $((before - after)) -gt 60000 ]; then
        ok "$type: the guest itself sees less memory"
    else
        not_ok "$type: the guest itself sees less memory" "MemTotal before: $before, after: $after"
    fi
    target=$(target_of $domid)
    check "$type: a leading - is relative" xl-ext mem-set -w $name -16
    equal $((target - 16384)) "$(target_of $domid)" "$type: by that much"
    check "$type: a leading + is relative" xl-ext mem-set -w -t 30 $name +16m
    equal "$target" "$(target_of $domid)" "$type: and back again"
    limit=$(field $name max_memkb)
    equal $((target + videoram + 1024)) "$limit" "$type: the hypervisor's limit follows the target, as with xl"
    check "$type: a domain is found by domid" xl-ext mem-info $domid
    check "$type: and by UUID" xl-ext mem-info "$(field $name uuid)"
    equal settled "$(xl-ext mem-info --json $name | json .state)" "$type: mem-info --json says settled"
    # It depends on Xen and on the guest's kernel (docs/xen-versions.md).
    [ "$(xl info xen_minor)" = 17 ] || offset=$there
    if [ "$offset" ]; then
        equal "$offset" "$(field $name offset_memkb)" "$type: its offset is $offset KiB"
    else
        check "$type: its offset, $(field $name offset_memkb) KiB, is a driver's" test "$(field $name offset_memkb)" -le 128
    fi
}
