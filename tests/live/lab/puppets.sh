#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# timeout: 300
# lab-puppet: domains that Xen counts page by page and libxl takes for PVH guests, in every behaviour.

. tests/lib/live.sh

# total_kb NAME: what the hypervisor counts. xl list rounds to MiB, so xenstore's target cannot be compared with it.
total_kb() {
    xl-ext mem-list --json "$1" | json '.[0].actual_memkb'
}

settled() {
    [ "$(total_kb "$1")" = "$2" ]
}

start() {
    at_end lab-puppet stop "$1"
    lab-puppet start "$@"
}

seconds=$(date +%s)
check "64 puppets start" start many 16 32 instant --count 64
seconds=$(($(date +%s) - seconds))
echo "# 64 puppets in $seconds s"
equal 64 "$(xl list | grep -c '^many-')" "xl lists each of them"
equal "16384" "$(total_kb many-64)" "a puppet holds exactly its memory"
equal "pvh" "$(xl-ext mem-list --json many-1 | json '.[0].type')" "a puppet is of type pvh"
free=$(xl info free_memory)
xl mem-set many-1 32
check "an instant puppet follows xl mem-set to the page" until_true 20 settled many-1 32768
check "the hypervisor's free memory has shrunk by it" \
    test $((free - $(xl info free_memory))) -ge 15 -a $((free - $(xl info free_memory))) -le 18
xl destroy many-2
check "xl destroy ends one of them" eval "! xl list many-2"
check "lab-puppet stats writes what an agent would" lab-puppet stats many-3 available-memory=1000000 total-memory=2000000
equal 'available-memory 1000000\ntotal-memory 2000000\n' "$(xenstore-read "/local/domain/$(xl domid many-3)/data/memory-stats")" "one line a figure"
check "stop ends the rest" lab-puppet stop many
check "and leaves no domain" eval "! xl list | grep -q '^many-'"

start stuck 32 64 stuck
xl mem-set stuck 24
sleep 2
equal 32768 "$(total_kb stuck)" "a stuck puppet does not move"

start floor 32 64 floor=24
xl mem-set floor 16
check "a puppet with a floor stops at it" until_true 20 settled floor 24576
sleep 2
equal 24576 "$(total_kb floor)" "and stays there"
xl mem-set floor 40
check "but grows" until_true 20 settled floor 40960

start rate 64 64 rate=4096
begin=$(date +%s%N)
xl mem-set rate 48
check "a puppet with a rate arrives" until_true 60 settled rate 49152
took=$((($(date +%s%N) - begin) / 1000000))
check "not sooner than its rate allows (16 MiB at 4 MiB/s in $took ms)" test "$took" -ge 3800

start creep 32 64 creep
xl mem-set creep 24
sleep 5
moved=$((32768 - $(total_kb creep)))
check "a creeping puppet moves 8 KiB/s ($moved KiB in 5 s and a bit)" test "$moved" -ge 24 -a "$moved" -le 160

start giveup 32 64 giveup,floor=24
xl mem-set giveup 16
check "a puppet that gives up reaches its floor" until_true 20 settled giveup 24576
finish
