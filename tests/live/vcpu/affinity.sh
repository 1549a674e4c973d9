#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# vcpu-list, vcpu-info and vcpu-pin on a host with four CPUs: the same as Xen's own answer, and all or nothing.
# live: core
# lab: --smp 4 --dom0-vcpus 2 --copy build/tests/live/pin-override:/root/pin-override
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

# xl's columns without what changes while one looks: CPU, state and time
still() {
    cut -c1-44,66- | sed 's/ *$//'
}

# pictures_of LIST: what xl says of the guest's affinities (NAME ID VCPU HARD / SOFT), as pictures that owe nothing to xl-ext
pictures_of() {
    awk 'function picture(text,   cpu, mark, n, i, m, parts, ends, all) {
        all = ""
        for (cpu = 0; cpu < 4; cpu++) {
            mark = text == "all" ? "y" : "-"
            n = split(text, parts, ",")
            for (i = 1; i <= n && text != "all"; i++) {
                m = split(parts[i], ends, "-")
                if (cpu >= ends[1] + 0 && cpu <= ends[m] + 0) mark = "y"
            }
            all = all mark
        }
        return all
    }
    $1 == "smp" { printf "%s%s/%s", sep, picture($4), picture($6); sep = " " }'
}

# same_as_xl WHEN PICTURES: of the three vCPUs, hard/soft
same_as_xl() {
    theirs=$(xl vcpu-list | still)
    equal "$theirs" "$(xl-ext vcpu-list | still)" "$1: vcpu-list is xl's, blank for blank"
    ours=$(xl-ext vcpu-list --json smp | json '[.[] | .hard.picture + "/" + .soft.picture] | join(" ")')
    equal "$2" "$ours" "$1: the pictures are $2"
    equal "$(printf '%s\n' "$theirs" | pictures_of)" "$ours" "$1: they are what xl says in its words"
}

cat >"$scratch/smp.cfg" <<END
name = "smp"
type = "pv"
kernel = "$(ls /boot/vmlinuz-* | head -1)"
memory = 128
vcpus = 3
END
at_end xl destroy smp
# Left paused: it has not brought up its other vCPUs yet.
check "a guest with three vCPUs is made" xl create -p "$scratch/smp.cfg"

same_as_xl "unpinned" "yyyy/yyyy yyyy/yyyy yyyy/yyyy"
check "xl pins vCPU 0" xl vcpu-pin smp 0 2 0-1
check "xl pins vCPU 1" xl vcpu-pin smp 1 all,^0 3
same_as_xl "pinned by xl" "--y-/yy-- -yyy/---y yyyy/yyyy"
check "a vCPU is pinned" xl-ext vcpu-pin smp 2 0,3
check "a soft affinity alone is set" xl-ext vcpu-pin smp 2 - 1
check "nodes are CPUs" xl-ext vcpu-pin smp 0 nodes:0,^1 all
same_as_xl "pinned by xl-ext" "y-yy/yyyy -yyy/---y y--y/-y--"
check "all vCPUs are pinned at once" xl-ext vcpu-pin smp all 1-2 all
same_as_xl "all pinned" "-yy-/yyyy -yy-/yyyy -yy-/yyyy"
says 0 "smp .* 1-2 / all  *-yy-  yyyy" "the picture stands behind xl's columns" xl-ext vcpu-list -p smp

# ---- virsh's form ----

# The guest is paused, with all but its first vCPU not brought up: virsh shows that one, and has no other word for its state.
equal "VCPU: 0 CPU: N State: offline CPU Affinity: -yy-" \
    "$(xl-ext vcpu-info smp | sed '/^CPU time/d; s/^CPU: .*/CPU: N/' | tr -s ' \n' ' ' | sed 's/ $//')" "vcpu-info has a block for each vCPU that is online"
says 0 "^CPU Affinity:   1-2 (out of 4)" "--pretty is virsh's too" xl-ext vcpu-info --pretty smp

# ---- lists that cannot be ----

before=$(xl vcpu-list | still)
says 2 "there is no CPU 4: this host has CPUs 0-3" "a CPU that is not there" xl-ext vcpu-pin smp all 2-4
says 2 "there is no NUMA node 1" "a node that is not there" xl-ext vcpu-pin smp 0 nodes:1
says 2 "no CPU, range of CPUs" "a list of garbage" xl-ext vcpu-pin smp 0 two
says 2 "cannot stand together" "everything but everything" xl-ext vcpu-pin smp 0 ^all
says 1 "no CPU is left" "an empty list" xl-ext vcpu-pin smp 0 1,^1
says 1 "no CPU is left" "an empty soft list" xl-ext vcpu-pin smp 0 1 ^1
says 1 "there is no vCPU 7: it has vCPUs 0-2" "a vCPU that is not there" xl-ext vcpu-pin smp 7 1
says 2 "no vCPU" "a vCPU that is none" xl-ext vcpu-pin smp first 1
says 1 "there is no domain" "a domain that is not there" xl-ext vcpu-pin nobody 0 1
check "a CPU leaves the pool" xl cpupool-cpu-remove Pool-0 3
says 1 "none of these CPUs is in the domain's CPU pool 0, which has 0-2" "a CPU of no pool" xl-ext vcpu-pin smp all 3
check "and comes back" xl cpupool-cpu-add Pool-0 3
equal "$before" "$(xl vcpu-list | still)" "none of them has changed anything"
says 0 "Hard affinity  2-3" "a dry run shows what would be" xl-ext vcpu-pin -n smp all 2-3
equal "$before" "$(xl vcpu-list | still)" "and changes nothing"

# ---- all or nothing: Xen refuses one vCPU of dom0 in the middle ----

at_end /root/pin-override 1 -1
check "dom0 keeps its vCPU 1 on CPU 1" /root/pin-override 1 1
before=$(xl vcpu-list 0 | still)
says 1 "cannot set the affinity of vCPU 1: Xen or the dom0 kernel keeps it" "pinning all fails at the second" \
    xl-ext vcpu-pin 0 all 0,2 3
says 1 "nothing has been changed" "and says that nothing is changed" xl-ext vcpu-pin 0 all 0,2 3
equal "$before" "$(xl vcpu-list 0 | still)" "every vCPU has what it had"
xl vcpu-pin 0 all 0-2 >/dev/null 2>&1
equal 0 $? "xl, for comparison, reports success then"
equal "0-2 1" "$(xl vcpu-list 0 | still | awk 'NR > 1 { printf "%s%s", sep, $4; sep = " " }')" "with one vCPU left out"
check "--force undoes what holds the vCPU" xl-ext vcpu-pin -f 0 all all all
equal "yyyyyyyy" "$(xl-ext vcpu-list --json 0 | json '.[].hard.picture' | tr -d '\n')" "then all have it"
finish
