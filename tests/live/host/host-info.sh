#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# host-info in dom0 and inside PV, PVH and HVM guests: each knows what it is.
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

field() {
    json ".$1"
}

info=$(xl-ext host-info --json)
equal "xen dom0 pv" "$(printf '%s' "$info" | json '[.hypervisor, .role, .guest_type] | join(" ")')" "dom0 knows that it is one"
equal "$(xl info xen_version)" "$(printf '%s' "$info" | field version)" "with Xen's version"
for word in $(xl info virt_caps | sed 's/gnttab[^ ]*//g'); do
    says 0 "capabilities .*\\<$word\\>" "the capability $word that xl shows" xl-ext host-info
done
equal "usable" "$(printf '%s' "$info" | json '.toolstacks[] | select(.name == "libxl").state')" "libxl is usable"
equal "$(xl info nr_cpus)" "$(printf '%s' "$info" | field host.cpus)" "the CPUs are xl's"
# Xen's command line in the lab has dom0_mem=.
equal "false" "$(printf '%s' "$info" | field host.autoballoon)" "xl's autoballoon is off with dom0_mem="
conf=/etc/xen/xl.conf
cp $conf "$scratch/xl.conf"
echo 'autoballoon="on"' >>$conf
says 0 "autoballoon *on: .*dom0_mem=" "and told of, with what to do, when it is on" xl-ext host-info
says 0 "autoballoon.*true" "in JSON, too" xl-ext host-info --json
cp "$scratch/xl.conf" $conf
equal "xend libxl qemu containers" "$(printf '%s' "$info" | json '[.toolstacks[].name] | join(" ")')" "in the order that matters"
equal "0" "$(printf '%s' "$info" | json '[.parts[] | select((.works | not) and (.name | test("memory|vCPU|migration")))] | length')" \
    "what needs a dom0 works in one"

# ---- inside: the tool and its libraries come on a disk ----

tree=$scratch/tree
tool=$(command -v xl-ext)
mkdir -p "$tree/root"
for file in "$tool" $(ldd "$tool" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p'); do
    mkdir -p "$tree$(dirname "$file")"
    cp -L "$file" "$tree$file"
done
mv "$tree$tool" "$tree/root/xl-ext" # alone: it needs none of the libraries of xl-ext and Xen
tar cf "$scratch/disk" -C "$tree" .
truncate -s %1M "$scratch/disk"

for type in pv pvh hvm; do
    at_end lab-guest destroy "in-$type"
    check "$type: a guest boots" lab-guest create $type "in-$type" 128 128 \
        "disk=['format=raw,vdev=xvdb,access=rw,target=$scratch/disk']"
    check "$type: xl-ext is put into it" lab-guest exec "in-$type" "modprobe -q xen-blkfront
        i=0; while [ ! -e /dev/xvdb ] && [ \$i -lt 50 ]; do sleep 0.2; i=\$((i + 1)); done; tar xf /dev/xvdb -C /"
    info=$(lab-guest exec "in-$type" "/root/xl-ext host-info --json")
    equal "xen guest $type" "$(printf '%s' "$info" | json '[.hypervisor, .role, .guest_type] | join(" ")')" \
        "$type: the guest knows what it is"
    equal "absent" "$(printf '%s' "$info" | json '.toolstacks[] | select(.name == "libxl").state')" "$type: and has no toolstack"
    equal "dom0: this is a guest" "$(printf '%s' "$info" | json '.parts[0].missing')" "$type: memory commands need dom0"
    says 0 "This is a $type guest of xen 4\.[0-9]" "$type: in words" lab-guest exec "in-$type" "/root/xl-ext host-info"
    lab-guest destroy "in-$type"
done
finish
