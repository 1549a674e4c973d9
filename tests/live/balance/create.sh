#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# create: a start on a full host, from memory that others have to give first; and memd killed again and again meanwhile.
# timeout: 600
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
xl-ext memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end 'kill $(cat "$scratch/memd.pid")'
echo $memd >"$scratch/memd.pid"
check "memd listens" until_true 20 test -S /run/xl-ext/control.sock
check "a guest is made, for its configuration" lab-guest create pv fresh 160 160
cfg=/run/lab-guest/fresh.cfg
[ -r "$cfg" ] || cfg=$(find /run -name fresh.cfg | head -1)
cp "$cfg" "$scratch/fresh.cfg"
lab-guest destroy fresh
echo 'dynamic_memory_min = 128' >>"$scratch/fresh.cfg"
echo 'memory_weight = 300' >>"$scratch/fresh.cfg"

# Two puppets take what is free but 250 MiB.
each=$((($(xl info free_memory) - 250) / 2))
at_end lab-puppet stop full
check "puppets that fill the host" lab-puppet start full $each $each rate=65536 --count 2
for p in full-1 full-2; do
    check "$p is balanced" xl-ext mem-range $p $((each / 2)) $each
    lab-puppet stats $p total-memory=$((each * mib * mib)) available-memory=$((each * mib * mib * 3 / 4))
done
at_end xl destroy fresh
check "xl-ext create makes room and starts it" xl-ext create -t 60 "$scratch/fresh.cfg"
domid=$(xl domid fresh)
equal "$((128 * mib))" "$(xenstore-read /local/domain/$domid/memory/dynamic-min)" "its range comes from the configuration"
says 0 "weight 300" "and its weight" xl-ext mem-why fresh
equal 0 "$(xl-ext mem-reserve --list --json | json length)" "nothing stays reserved"
[ "$(xl info free_memory)" -ge 100 ] && ok "and the host keeps its reserve" || not_ok "and the host keeps its reserve" "$(xl info free_memory) MiB"

n=0
while [ $n -lt 50 ]; do
    kill -9 "$(cat "$scratch/memd.pid")"
    xl-ext memd >>"$scratch/memd.log" 2>&1 &
    echo $! >"$scratch/memd.pid"
    used=$((each / 4 + n % 5 * each / 8))
    held=$(actual_of full-1)
    [ $((used * mib)) -lt "$held" ] &&
        lab-puppet stats full-1 total-memory=$((held * mib)) available-memory=$(((held - used * mib) * mib))
    [ "$(xl info free_memory)" -ge 90 ] || { not_ok "host memory stays free after $n kills" "$(xl info free_memory)"; break; }
    n=$((n + 1))
done 2>/dev/null
[ $n = 50 ] && ok "memd killed 50 times during churn: the host never ran dry"
check "and it still answers" until_true 20 xl-ext mem-why full-1
says 0 "balanced\|gets\|keeps" "with nobody pinned" xl-ext mem-why full-1
xl-ext mem-top --once | sed 's/^/# /'
sed 's/^/# memd: /' "$scratch/memd.log" | tail -20
finish
