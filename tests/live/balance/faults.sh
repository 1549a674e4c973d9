#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks that are full, a guest that has used up its quota in xenstore, and a clock that jumps: nothing is half done, and when there is room again
# all goes on.
# timeout: 900
. "$(dirname "$0")/../../lib/live.sh"

# ---- a disk that is full ----

# small FOLDER OPTIONS: a file system with little room
small() {
    mkdir -p "$1"
    mount -t tmpfs -o "mode=0755,$2" small "$1"
    at_end umount -l "$1"
}
# fill FOLDER
fill_disk() {
    dd if=/dev/zero of="$1/rest" bs=4k 2>/dev/null
}

at_end lab-puppet stop p
check "a guest" lab-puppet start p 100 200 instant
small "$scratch/disk" size=64k
echo 'other = "min=100"' >"$scratch/disk/ranges.cfg"
fill_disk "$scratch/disk"
says 1 "cannot write $scratch/disk/ranges.cfg: No space left" "a range that cannot be kept is no success" \
    xl-ext mem-range --save --file "$scratch/disk/ranges.cfg" p 90 180
equal 'other = "min=100"' "$(cat "$scratch/disk/ranges.cfg")" "what stood there stands there"
equal "ranges.cfg rest" "$(ls -A "$scratch/disk" | tr '\n' ' ' | sed 's/ $//')" "and nothing beside it"

lab-guest create pv fresh 160 160 >/dev/null
cp /run/lab-guest/fresh.cfg "$scratch/fresh.cfg"
lab-guest destroy fresh
at_end xl destroy fresh
head -c 3000 /dev/zero | tr '\0' '#' | fold -w 100 >>"$scratch/fresh.cfg"
trap '' XFSZ
says 1 "from standard input" "a configuration on standard input that there is no room for is no success" \
    bash -c "ulimit -f 1; xl-ext create /dev/stdin < '$scratch/fresh.cfg'"
trap - XFSZ
check "and nothing is started" eval "! xl domid fresh"

# ---- memd in a folder that is full ----

run=$scratch/run
small "$run" size=256k,nr_inodes=20
# fill_inodes: no file more
fill_inodes() {
    for i in $(seq 20); do : >"$run/rest$i"; done 2>/dev/null
}
fill_inodes
says 1 "No space left" "memd does not start without room for its sockets" xl-ext memd --run-folder "$run"
rm -f "$run"/rest*
xl-ext memd --run-folder "$run" 2>"$scratch/memd.log" &
memd=$!
at_end kill $memd
check "with room it does" until_true 60 test -S "$run/qmp/$(xl domid p)"
fill_inodes
at_end lab-puppet stop late
check "a guest comes when there is no room" lab-puppet start late 50 100 instant
check "memd says that it has no monitor" until_true 30 grep -q "cannot serve QMP on $run/qmp/$(xl domid late): No space left" "$scratch/memd.log"
rm -f "$run"/rest*
check "it gets its monitor when there is room again" until_true 120 test -S "$run/qmp/$(xl domid late)"
check "and the link by its name" until_true 10 test -S "$run/qmp/late"
mkdir -p "$scratch/full"
small "$scratch/full" size=4k
fill_disk "$scratch/full"
says 1 "cannot write $scratch/full/p.svg" "a picture that there is no room for is no success" \
    env XL_EXT_RUN_FOLDER="$run" xl-ext mem-history --svg "$scratch/full/p.svg" p
kill $memd
wait $memd
lab-puppet stop late
lab-puppet stop p

# ---- a guest that has used up its quota in xenstore ----

start_memd
at_end lab-guest destroy full
check "a guest with the agent boots" lab-guest create --agent pv full 160 320
home=/local/domain/$(xl domid full)
# As if its programs had written them: the owner of the folder pays.
for i in $(seq 11); do
    # shellcheck disable=SC2046
    xenstore-write $(seq -f "$home/data/many$i-%g x" 100)
done
check "it is balanced" xl-ext mem-range full 130 300
sleep 5
check "it cannot report" eval "! xenstore-exists $home/data/memory-stats"
says 0 "" "memd goes on, and knows nothing of its need" xl-ext mem-why full
agent_known() {
    [ "$(xl-ext mem-why --json full | json .demand_memkb)" != null ]
}
check "which it says" eval "! agent_known"
# shellcheck disable=SC2046
xenstore-rm $(xenstore-list "$home/data" | grep '^many' | sed "s|^|$home/data/|")
check "when it has room again it reports" until_true 120 xenstore-exists "$home/data/memory-stats"
check "and memd knows its need" until_true 60 agent_known

# ---- a clock that jumps ----

at_end lab-puppet stop stuck
check "a guest that gives nothing" lab-puppet start stuck 160 200 stuck
began=$(cut -d. -f1 /proc/uptime)
xl-ext mem-set -w -t 20 stuck 130 >/dev/null 2>&1 &
setter=$!
xl-ext mem-reserve --lease 30 16 >/dev/null
for step in 100000 -200000 100000; do
    sleep 2
    date -s "@$(($(date +%s) + step))" >/dev/null
done
wait $setter
equal 3 $? "a wait does not end early or late because the clock was set"
took=$(($(cut -d. -f1 /proc/uptime) - began))
check "but as long as it should ($took s)" test $took -ge 15 -a $took -le 120
lease_over() {
    [ "$(xl-ext mem-reserve --list --json | json length)" = 0 ]
}
check "a lease ends when it should" until_true 60 lease_over
check "guests report on" agent_known
check "memd was there all the time" kill -0 $memd
sed 's/^/# memd: /' "$scratch/memd.log" | tail -20
finish
