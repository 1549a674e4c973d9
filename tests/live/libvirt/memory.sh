#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What virsh does to a guest's memory beside memd, and that each of the two daemons goes on without the other.
# lab: --extra libvirt --smp 4 --cpu max,-smap,-rdtscp,-avx,-avx2,vendor=GenuineIntel
# timeout: 900
. "$(dirname "$0")/lib.sh"

start_libvirtd
start_memd
define_virt
check "and starts it" virsh start virt
check "it answers" lab-guest wait virt
check "memd finds it, by its name" xl-ext mem-range virt 128 240
check "and balances it" is managed true
check "virsh setmem" virsh setmem virt 180M
check "pins the guest" until_true 60 is pinned true
says 0 pinned "and mem-why says so" xl-ext mem-why virt
equal $((180 * mib)) "$(target_of "$(xl domid virt)")" "its target is virsh's"
has_settled() {
    [ "$(actual_of virt)" = $((180 * mib)) ]
}
check "which the guest reaches" until_true 60 has_settled
equal "$(virsh dommemstat virt | sed -n 's/^actual //p')" "$(xl-ext mem-stat virt | sed -n 's/^actual //p')" \
    "virsh dommemstat and mem-stat say the same of what it has"
check "auto gives it back" xl-ext mem-range virt auto
check "to be balanced" until_true 60 is pinned false
check "virsh setmem again" virsh setmem virt 180M
check "and setmaxmem, of the running guest" virsh setmaxmem virt 230M --live
equal $((230 * mib)) "$(xl-ext mem-list --json virt | json '.[0].static_max_memkb')" "is its highest target"
check "auto gives it back again" xl-ext mem-range virt auto
check "to be balanced again" until_true 60 is pinned false
has_maximum() {
    [ "$(target_of "$(xl domid virt)")" = $((230 * mib)) ]
}
check "its target rises to that, although its range goes further" until_true 120 has_maximum
# Long enough for many of memd's looks.
sleep 5
check "and no higher" has_maximum
check "virsh setmaxmem below its target is taken for done by virsh" virsh setmaxmem virt 200M --live
equal $((230 * mib)) "$(xl-ext mem-list --json virt | json '.[0].static_max_memkb')" "libxl has refused it"
check "and it answers" lab-guest exec virt true

# ---- daemons ----

stop_libvirtd
check "without libvirtd memd goes on" is managed true
start_libvirtd
check "a new libvirtd knows the guest" sh -c "virsh list --name | grep -qx virt"
same_vcpus "after libvirtd was started again"
range() {
    echo "$(why range_source) $(why min_memkb) $(why max_memkb)"
}
before=$(range)
kill -9 $memd
wait $memd
check "without memd virsh goes on" virsh setmem virt 190M
start_memd
check "a new memd finds the guest as it is, pinned" until_true 60 is pinned true
equal "$before" "$(range)" "with its range"
same_vcpus "after memd was started again"
check "auto" xl-ext mem-range virt auto

# ---- libvirt's autoballoon ----

equal "libvirt-autoballoon true" "$(xl-ext host-info --json | json '.balancers[] | select(.name == "libvirt-autoballoon") | [.name, .running] | join(" ")')" \
    "host-info names libvirt's autoballoon"
kill $memd
wait $memd
at_end rm -f /etc/libvirt/libxl.conf
echo 'autoballoon = 1' >/etc/libvirt/libxl.conf
start_memd
check "memd warns of it where it is on although dom0's size is given" grep -q "libvirt's autoballoon is on" "$scratch/memd.log"
says 0 "libvirt's autoballoon" "so does mem-top" xl-ext mem-top --once
echo 'autoballoon = 0' >/etc/libvirt/libxl.conf
equal "" "$(xl-ext host-info --json | json '.balancers[] | select(.name == "libvirt-autoballoon") | .name')" "off it is none"
tell_logs
finish
