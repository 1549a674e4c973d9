#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# guest-stats: what clients are told of what a guest writes. The guest's part is played from dom0.
# timeout: 180
. "$(dirname "$0")/lib.sh"

start_memd
at_end lab-puppet stop qs
check "a puppet starts" lab-puppet start qs 64 64 instant
domid=$(xl domid qs)
until_true 20 test -S $run/$domid
dom=/local/domain/$domid
balloon=/machine/peripheral/balloon0

stats() {
    xl-ext qmp qs qom-get path=$balloon property=guest-stats | json "$1"
}
interval() {
    xl-ext qmp qs qom-set path=$balloon property=guest-stats-polling-interval value=$1
}
last_update_is_fresh() {
    [ "$(stats '.["last-update"]')" -ge "$1" ]
}
report() {
    xenstore-write $dom/data/memory-stats "$(printf "$1")"
}
# told NAME VALUE
is_told() {
    [ "$(stats ".stats[\"stat-$1\"]")" = "$2" ]
}
told() {
    until_true 10 is_told "$1" "$2"
}

# jq would round what QEMU writes for "unset".
unset_is=18446744073709551615
equal 10 "$(xl-ext qmp qs qom-get path=$balloon property=guest-stats | grep -o $unset_is | wc -l)" "before a report all figures are unset"
equal 0 "$(stats '.["last-update"]')" "and there was no update"

check "an interval is set" interval 30
equal 30 "$(xenstore-read $dom/memory/stats-interval)" "the agent is told of it"
sleep 1
before=$(date +%s)
report 'free-memory 1048576\ntotal-memory 8388608\nmajor-faults 7\nswap-in 0\n'
check "a report is told" told free-memory 1048576
equal "8388608 7 0" "$(stats '.stats | "\(.["stat-total-memory"]) \(.["stat-major-faults"]) \(.["stat-swap-in"])"')" "with all its figures"
check "last-update is the host's time" last_update_is_fresh $before
sleep 1
report 'free-memory 2097152\n'
check "the next report is told" told free-memory 2097152
equal 9 "$(xl-ext qmp qs qom-get path=$balloon property=guest-stats | grep -o $unset_is | wc -l)" "what it leaves out is unset again"

for bad in 'free-memory -5\n' 'free-memory 99999999999999999999999\n' 'free-memory 1e6\n' 'free-memory 5 5\n' \
    'total-memory 4096\nfree-memory 8192\n' '\n\n\n' 'free-memory\n'; do
    sleep 1
    report "$bad"'minor-faults 5\n'
    check "nonsense is taken: $(echo "$bad" | tr '\n' ' ')" told minor-faults 5
    equal 1 "$(xl-ext qmp qs qom-get path=$balloon property=guest-stats | grep -c "\"stat-free-memory\": $unset_is")" "  and reads as unset"
    sleep 1
    report 'free-memory 4096\nminor-faults 6\n'
    told minor-faults 6
done
sleep 1
xenstore-write $dom/data/memory-stats "$(head -c 3000 /dev/zero | tr '\0' x)"
sleep 1
check "3000 bytes of it change nothing for others" xl-ext qmp qs query-balloon

check "polling is turned off" interval 0
sleep 1
says 1 . "the agent is told of that" xenstore-read $dom/memory/stats-interval
report 'free-memory 12288\n'
sleep 2
equal 0 "$(xl-ext qmp qs qom-get path=$balloon property=guest-stats | grep -c '"stat-free-memory": 12288')" "a report without polling is not told"

# other agents
xenstore-rm $dom/data/memory-stats
check "polling again" interval 5
xenstore-write $dom/data/meminfo_total 65536 $dom/data/meminfo_free 1000
check "XenServer's agents are understood" told free-memory 1024000
sleep 1
xenstore-rm $dom/data/meminfo_free
xenstore-write $dom/memory/meminfo 60000
check "and Qubes'" told available-memory $(((65536 - 60000) * 1024))

kill -9 $memd
wait $memd 2>/dev/null
xenstore-rm $dom/memory/stats-interval
start_memd
# The socket of the killed one still lies there: that there is one tells nothing.
check "the socket serves again" until_true 60 xl-ext qmp qs query-balloon
equal 5 "$(xl-ext qmp qs qom-get path=$balloon property=guest-stats-polling-interval)" "the interval outlives a memd that is killed"
equal 5 "$(xenstore-read $dom/memory/stats-interval)" "and the agent is asked again"
equal "" "$(dmesg | grep -i segfault)" "no program has crashed"
finish
