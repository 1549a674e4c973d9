#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hosts as they are: other agents, ranges in files, other balancers, starts by plain xl.
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
# why DOMAIN MEMBER
why() {
    xl-ext mem-why --json "$1" | json ".$2"
}
is() {
    [ "$(why "$1" "$2")" = "$3" ]
}

# ---- beside other balancers ----

cp "$(command -v sleep)" "$scratch/squeezed"
"$scratch/squeezed" 60 &
rival=$!
at_end kill $rival
says 4 "squeezed balances this host already (process $rival" "memd does not start beside squeezed" xl-ext memd
equal "squeezed true" "$(xl-ext host-info --json | json '.balancers[] | select(.name == "squeezed") | [.name, .running] | join(" ")')" \
    "host-info names it"
xl-ext memd --force >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "but with --force" until_true 60 xl-ext mem-reserve --list
kill $memd
wait $memd
kill $rival
wait $rival
printf 'import time\ntime.sleep(600)\n' >"$scratch/qmemman_daemon.py"
python3 "$scratch/qmemman_daemon.py" &
rival=$!
at_end kill $rival
says 4 "qmemman balances this host already (process $rival" "nor beside qmemman" xl-ext memd
kill $rival
wait $rival

mkdir -p /etc/xl-ext
rm -f /etc/xl-ext/ranges.cfg
at_end rm -f /etc/xl-ext/ranges.cfg
xl-ext memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 20 test -S /run/xl-ext/control.sock

# ---- ranges in files ----

at_end lab-puppet stop other
check "a guest without an agent of ours" lab-puppet start other 200 400 instant
other=$(xl domid other)
check "its range is saved" xl-ext mem-range --save other 150 300 200
equal 'other = "min=150 max=300 weight=200"' "$(cat /etc/xl-ext/ranges.cfg)" "by its name"
check "and comes from there" is other range_source ranges.cfg
echo 'other = "min=160 max=360"' >/etc/xl-ext/ranges.cfg
kill -HUP $memd
check "memd reads it again on SIGHUP" until_true 10 is other min_memkb $((160 * mib))
echo 'other = "min=12x"' >>/etc/xl-ext/ranges.cfg
kill -HUP $memd
check "a mistake is said with its line" until_true 10 grep -q 'ranges.cfg, line 2:' "$scratch/memd.log"
check "and what stood before counts" is other min_memkb $((160 * mib))
says 2 "line 2:" "the command refuses to write into such a file" xl-ext mem-range --save other 150 300
echo "\"$(xl-ext mem-list --json other | json '.[0].uuid')\" = \"min=165\"" >/etc/xl-ext/ranges.cfg
echo 'other = "min=160 max=360"' >>/etc/xl-ext/ranges.cfg
kill -HUP $memd
check "an entry by UUID counts before one by name" until_true 10 is other min_memkb $((165 * mib))
rm /etc/xl-ext/ranges.cfg
cat >/etc/xen/other.cfg <<END
name = "other"
dynamic_memory_min = 170
END
at_end rm -f /etc/xen/other.cfg
kill -HUP $memd
check "a configuration in /etc/xen gives a range by name" until_true 10 is other range_source config_dirs
check "hold leaves it alone" xl-ext mem-range other hold
check "which shows" is other state migrating
check "until auto" xl-ext mem-range other auto
is_not() {
    ! is "$@"
}
check "and it is left alone no more" until_true 10 is_not other state migrating

# ---- the agents that guests have, each as it writes ----

dom=/local/domain/$other
report() {
    xenstore-write "$@"
    sleep 1
}
# XenServer's: a round in any order, the date last.
report $dom/attr/PVAddons/MajorVersion 8 $dom/attr/PVAddons/MinorVersion 4 $dom/data/os_uname 6.1.0-18-amd64 \
    $dom/data/meminfo_free $((120 * mib)) $dom/data/meminfo_total $((190 * mib)) $dom/data/updated "Thu Nov 26 10:00:00 2026"
sleep 61
report $dom/data/meminfo_free $((110 * mib)) $dom/data/meminfo_total $((190 * mib)) $dom/data/updated "Thu Nov 26 10:02:00 2026"
check "XenServer's agent is known" until_true 10 is other agent xenserver
says 0 "reported by XenServer's agent [0-9]* s ago\|XenServer's agent reported" "mem-why says so in words" xl-ext mem-why other
says 0 "reports  by xenserver" "and how old its word is" xl-ext mem-why other
xenstore-rm $dom/data $dom/attr
sleep 62
# xen-guest-agent: its total is that of its start.
report $dom/attr/PVAddons/BuildVersion proto-0.4.0 $dom/data/meminfo_total $((90 * mib)) $dom/data/meminfo_free $((50 * mib))
check "XCP-ng's agent is known" until_true 10 is other agent xcp-ng
holds=$(why other actual_memkb)
demand=$(why other reported_memkb)
[ "$demand" -ge $((holds - 50 * mib)) ] && ok "and its old total does not make a grown guest look idle" ||
    not_ok "and its old total does not make a grown guest look idle" "holds $holds, wants $demand"
xenstore-rm $dom/data $dom/attr
report $dom/memory/meminfo $((70 * mib))
check "Qubes' number is balanced by" until_true 10 is other agent qubes
xenstore-rm $dom/memory/meminfo

# ---- statistics as virsh shows them ----

lab-puppet stats other total-memory=$((180 * mib * mib)) available-memory=$((90 * mib * mib)) free-memory=$((60 * mib * mib)) \
    swap-in=0 swap-out=2048 minor-faults=17
sleep 1
equal "actual swap_in swap_out minor_fault unused available usable last_update" \
    "$(xl-ext mem-stat other | awk '{ printf "%s%s", separator, $1; separator = " " }')" "mem-stat has dommemstat's names in its order"
equal "swap_out 2 minor_fault 17 unused 61440" \
    "$(xl-ext mem-stat other | awk '/^(swap_out|minor_fault|unused)/ { printf "%s%s %s", separator, $1, $2; separator = " " }')" "in KiB"
says 1 "no domain\|no such" "an unknown domain is none" xl-ext mem-stat nobody

# ---- the same target again ----

standing=$(target_of "$other")
check "xl mem-set to the very target that stands" xl mem-set other "${standing}k"
check "pins it, too" until_true 10 is other pinned true

# ---- starts by plain xl ----

check "a guest is made, for its configuration" lab-guest create pvh fresh 300 300
cp "$(find /run -name fresh.cfg | head -1)" "$scratch/fresh.cfg"
check "and saved, for its state" xl save fresh "$scratch/state"
xl destroy fresh
lab-guest destroy fresh
each=$((($(xl info free_memory) - 200) / 2))
at_end lab-puppet stop full
check "puppets that fill the host" lab-puppet start full $each $each rate=65536 --count 2
for p in full-1 full-2; do
    xl-ext mem-range $p $((each / 2)) $each >/dev/null
    lab-puppet stats $p total-memory=$((each * mib * mib)) available-memory=$((each * mib * mib * 3 / 4))
done
at_end xl destroy fresh
sleep 5
xl info free_memory | sed 's/^/# free: /'
if xl create "$scratch/fresh.cfg" >"$scratch/first" 2>&1; then
    skip "plain xl that fails for memory succeeds the second time" "it fitted at once"
else
    check "memd notices that plain xl failed for memory, and keeps it free" until_true 20 \
        sh -c '[ "$(xl-ext mem-reserve --list --json | jq length)" = 1 ]'
    check "plain xl that fails for memory succeeds the second time" until_true 50 xl create "$scratch/fresh.cfg"
fi
xl destroy fresh
until_true 20 sh -c "! xl domid fresh"
xl-ext mem-reserve --list --json | json '.[].id' | while read -r id; do xl-ext mem-reserve --release "$id"; done
uuid=$(uuidgen 2>/dev/null || cat /proc/sys/kernel/random/uuid)
says 0 "200 MiB are reserved" "memory is kept for a UUID" xl-ext mem-reserve 200 --uuid "$uuid" -t 60
says 2 "is no UUID" "which must be one" xl-ext mem-reserve 200 --uuid web
xl-ext mem-reserve --list --json | json '.[].id' | while read -r id; do xl-ext mem-reserve --release "$id"; done
check "a restore finds its memory" xl-ext restore -t 120 "$scratch/state"
check "the guest is there" xl domid fresh
equal 0 "$(xl-ext mem-reserve --list --json | json length)" "and nothing stays reserved"
sed 's/^/# memd: /' "$scratch/memd.log" | tail -30
finish
