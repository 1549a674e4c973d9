#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The host's own memory: VIRQ_ENOMEM brings help at once, dom0 gives down to its floor, and autoballoon is told of.
# live: core
# timeout: 200
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
free_is() {
    [ "$(xl info free_memory)" -ge "$1" ]
}
dom0_is() {
    t=$(target_of 0)
    [ "$t" -ge $(($1 * mib)) ] && [ "$t" -le $(($2 * mib)) ]
}

# ---- VIRQ_ENOMEM ----

at_end lab-puppet stop give
at_end lab-puppet stop hog
each=$((($(xl info free_memory) - 400) / 2))
check "two guests that can give" lab-puppet start give $each $each instant --count 2
start_memd
for p in give-1 give-2; do
    check "$p is balanced" xl-ext mem-range $p $((each / 2)) $each
    lab-puppet stats $p total-memory=$((each << 20)) available-memory=$((each * 3 / 4 << 20))
done
# A domain that is built takes memory before memd knows of it; the hypervisor says so when less than 64 MiB are free.
sleep 8
both() {
    echo $(($(target_of "$(xl domid give-1)") + $(target_of "$(xl domid give-2)")))
}
before=$(both)
hog=$(($(xl info free_memory) - 48))
check "a domain that nobody balances is built in nearly all that is free" lab-puppet start hog $hog $hog instant
check "the hypervisor says that memory runs out, and memd hears it" \
    until_true 10 grep -q "host memory runs out" "$scratch/memd.log"
check "it takes memory from those who have some" until_true 20 free_is 120
[ "$(both)" -lt "$before" ] && ok "by their targets" || not_ok "by their targets" "$before"
says 0 "hog .*unmanaged" "and leaves the one alone that took it" xl-ext mem-top --once
sed 's/^/# memd: /' "$scratch/memd.log"
kill $memd
wait $memd

# ---- dom0 ----

lab-puppet stop give
hog=$(($(xl info free_memory) - 200))
at_end lab-puppet stop full
check "the host is full" lab-puppet start full $hog $hog instant
printf 'dom0_min = 1280\ndom0_max = 1536\n' >"$scratch/memd.cfg"
start_memd -c "$scratch/memd.cfg"
at_end xl-ext mem-set --force 0 1536
check "dom0 is balanced" until_true 20 sh -c 'xl-ext mem-why 0 | grep -q "1280"'
free=$(xl info free_memory)
check "a reservation is met from dom0's memory" xl-ext mem-reserve -t 60 --lease 30 $((free - 128 + 150))
check "so much is free" free_is $((free + 140))
check "dom0 has given it, and keeps its floor" dom0_is 1280 1420
says 3 "in time" "what lies under the floor is not to be had" xl-ext mem-reserve -t 5 $((free + 400))
check "nor taken in vain" dom0_is 1280 1420
xl-ext mem-top --once | sed 's/^/# /'
xl-ext mem-reserve --release "$(xl-ext mem-reserve --list --json | json '.[0].id')"
check "released, it goes back" until_true 30 dom0_is 1440 1536

# ---- autoballoon ----

cp /etc/xen/xl.conf "$scratch/xl.conf"
at_end cp "$scratch/xl.conf" /etc/xen/xl.conf
echo 'autoballoon="on"' >>/etc/xen/xl.conf
says 0 "autoballoon is on" "mem-reserve says when xl's autoballoon is on" xl-ext mem-reserve -t 10 4 -- true
finish
