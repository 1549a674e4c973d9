#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A guest that takes whatever the hypervisor lets it have, gives nothing and lies in its reports, beside an honest one that
# needs more than there is: for SECONDS_HOSTILE the hostile one gains nothing, the host keeps its reserve, and the honest one
# gets its share. One that claims to need all would be lent what nobody needs yet, and keep it: it is a stranger's guest, to
# whom nothing is lent.
# timeout: 900
# environment: SECONDS_HOSTILE
. "$(dirname "$0")/../../lib/live.sh"

seconds=${SECONDS_HOSTILE:-600}
mib=1024
pools=400 # MiB that are free for both

xl-ext memd >"$scratch/memd.log" 2>&1 &
memd=$!
at_end kill $memd
check "memd listens" until_true 30 test -S /run/xl-ext/control.sock
reserve=$(xl-ext mem-top --once --json | json .host.reserve_memkb)

# KiB that the hypervisor counts, without asking it anything else
held() {
    xl-ext mem-list --json "$1" | json '.[0].actual_memkb'
}
free_memkb() {
    xl-ext mem-top --once --json | json .host.free_memkb
}
knows_use() {
    [ "$(xl-ext mem-why --json "$1" | json .reported_memkb)" -gt 0 ]
}
holds_at_least() {
    [ "$(held "$1")" -ge "$2" ]
}

for behaviour in hostile hungry; do
    other=$(($(xl info free_memory) - reserve / mib - 2 * 300 - pools))
    at_end lab-puppet stop other
    check "the rest of the host is full" lab-puppet start other $other $other instant
    at_end lab-puppet stop honest
    # Its programs use all that it has, and would use more; its kernel does not tell of stalls.
    check "an honest guest of weight 1000" lab-puppet start honest 300 1400 instant,needy
    at_end lab-puppet stop hostile
    check "a $behaviour guest of weight 1" lab-puppet start hostile 300 1400 $behaviour
    # What it took before anybody balanced it is its own.
    first=$(held hostile)
    honest_first=$(held honest)
    # What nobody is known to need is lent to whoever asks: the honest one has spoken before.
    check "the honest guest is balanced" xl-ext mem-range honest 280 1400 1000
    check "memd knows what the honest guest uses" until_true 30 knows_use honest
    lend=all
    [ $behaviour = hostile ] || lend=0
    check "the $behaviour guest is balanced" xl-ext mem-range --lend $lend hostile 280 1400 1

    most=$first least=$reserve samples=0
    end=$(($(date +%s) + seconds / 2))
    while [ "$(date +%s)" -lt $end ]; do
        now=$(held hostile)
        [ "$now" -le "$most" ] || most=$now
        now=$(free_memkb)
        [ "$now" -ge "$least" ] || least=$now
        samples=$((samples + 1))
        sleep 1
    done
    if [ "$most" -le $((first + 64)) ]; then
        ok "$behaviour: of its own doing it gains no more than 64 KiB"
    else
        not_ok "$behaviour: of its own doing it gains no more than 64 KiB" "at first $first KiB, at most $most KiB"
    fi
    if [ "$least" -ge "$reserve" ]; then
        ok "$behaviour: the host keeps its reserve at each of $samples samples"
    else
        not_ok "$behaviour: the host keeps its reserve at each of $samples samples" "of $reserve KiB at least $least KiB"
    fi
    # All that there is, but for what memd keeps ready for others.
    check "$behaviour: the honest guest has its share" holds_at_least honest $((honest_first + (pools - 100) * mib))
    xl-ext mem-top --once | sed 's/^/# /'
    for p in hostile honest other; do lab-puppet stop $p; done
done
tail -n 20 "$scratch/memd.log" | sed 's/^/# memd: /'
finish
