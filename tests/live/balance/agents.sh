#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The agents that guests have, each in its real order and period, side by side: what memd makes of their reports while the guests'
# needs more than double, how old a report may become, and when it counts no more.
# timeout: 2400
. "$(dirname "$0")/../../lib/live.sh"

mib=1024
agents="xenserver xcp-ng xcp-ng-later xcp-ng-windows xenserver-windows qubes"
started=200
mkdir "$scratch/uses" "$scratch/rounds"

# say NODE VALUE: as the guest
say() {
    xenstore-write "$home/$1" "$2"
}
# two NODE VALUE NODE VALUE: at once, the one after the other
two() {
    xenstore-write "$home/$1" "$2" "$home/$3" "$4"
}
# say, by one that does not write what stands there already.
say_new() {
    [ "$(xenstore-read "$home/$1" 2>/dev/null)" = "$2" ] || say "$@"
}
# used AGENT: KiB that its guest's programs use
used() {
    cat "$scratch/uses/$1"
}
uses() {
    echo $(($2 * mib)) >"$scratch/uses/.$1"
    mv "$scratch/uses/.$1" "$scratch/uses/$1"
}
marks() {
    case $1 in
    xenserver)
        say attr/PVAddons/MajorVersion 8
        say attr/PVAddons/MinorVersion 4
        say attr/PVAddons/BuildVersion 173
        say data/os_uname 6.1.0-18-amd64
        ;;
    xcp-ng)
        say attr/PVAddons/MajorVersion 1
        say attr/PVAddons/BuildVersion proto-0.4.0
        # Of its start, once and for all.
        say data/meminfo_total $((started * mib))
        ;;
    xcp-ng-later)
        say attr/PVAddons/MajorVersion 1
        say attr/PVAddons/BuildVersion 0
        ;;
    xcp-ng-windows)
        say attr/os/class "Windows NT"
        say attr/os/major 10
        say attr/PVAddons/MajorVersion 9
        ;;
    xenserver-windows)
        say attr/os/class "windows NT"
        say attr/os/type 1
        say data/updated 1
        ;;
    esac
}
period() {
    case $1 in
    xenserver-windows) echo 120 ;;
    xenserver | xcp-ng) echo 60 ;;
    xcp-ng-windows) echo 59 ;;
    xcp-ng-later) echo 5 ;;
    qubes) echo 1 ;;
    esac
}
# report AGENT ROUND: as that agent writes
report() {
    [ "$1" = qubes ] || holds=$(actual_of "$domid")
    available=$((holds - $(used "$1")))
    [ $available -gt 0 ] || available=1024
    case $1 in
    xenserver)
        # Memory every second minute, in the order of a hash table; the date last.
        case $(($2 % 4)) in
        1)
            say_new data/meminfo_total "$holds"
            say_new data/meminfo_free $available
            ;;
        3)
            say_new data/meminfo_free $available
            say_new data/meminfo_total "$holds"
            ;;
        esac
        say data/updated "$(date '+%a %b %d %H:%M:%S %Y')"
        [ $(($2 % 2)) = 1 ] || return
        ;;
    xcp-ng) say data/meminfo_free $available ;;
    xcp-ng-later)
        two data/meminfo_free $available data/meminfo_total "$holds"
        ;;
    xcp-ng-windows)
        # What Windows was started with: the balloon is in it.
        two data/meminfo_total $((500 * mib)) data/meminfo_free $available
        say data/updated "$(date +%s)000"
        ;;
    xenserver-windows) two data/meminfo_free $available data/meminfo_total $((500 * mib)) ;;
    qubes) say_new memory/meminfo "$(used qubes)" ;;
    esac
    echo "$2" >"$scratch/rounds/$1"
}
# The agent, until the guest loses it.
agent() {
    domid=$(xl domid "$1")
    home=/local/domain/$domid
    holds=0 round=0
    marks "$1"
    while [ ! -e "$scratch/end-$1" ]; do
        round=$((round + 1))
        report "$1" $round
        sleep "$(period "$1")"
    done
}

why() {
    xl-ext mem-why --json "$1" | json ".$2"
}
# rounds AGENT: in which it has told of memory
rounds() {
    cat "$scratch/rounds/$1" 2>/dev/null || echo 0
}
is_past_round() {
    [ "$(rounds "$1")" -gt "$2" ]
}
# What a guest needs: what it uses, its kernel's part, and a headroom of a fifth or 32 MiB; two MiB for what has moved meanwhile.
needs_right() {
    wants=$(why "$1" reported_memkb)
    low=$(($(used "$1") - 2 * mib))
    high=$(($(used "$1") * 5 / 4 + 72 * mib))
    [ "$wants" -ge $low ] && [ "$wants" -le $high ]
}
holds_enough() {
    [ "$(actual_of "$1")" -ge "$(used "$1")" ]
}
# right WHEN: of all of them
right() {
    for a in $agents; do
        if until_true 300 needs_right $a && until_true 60 holds_enough $a; then
            ok "$a, $1: its guest needs what it uses, and has it"
        else
            not_ok "$a, $1: its guest needs what it uses, and has it" "uses $(used $a), wants $(why $a reported_memkb), holds $(actual_of $a)" "$(xl-ext mem-why $a)"
        fi
    done
}

start_memd
for a in $agents; do
    uses $a 120
    at_end lab-puppet stop $a
    check "a guest with the agent $a" lab-puppet start $a $started 500 rate=65536
    check "is balanced" xl-ext mem-range $a 170 500
done
# Takes what the others do not need, so that nobody holds memory for nothing.
at_end lab-puppet stop rest
check "and one that takes what they leave" lab-puppet start rest 300 1000 rate=65536,needy
check "with a low weight" xl-ext mem-range rest 295 1000 4
began=$(date +%s)
for a in $agents; do
    agent $a &
    at_end kill $!
done
for a in $agents; do
    wanted=${a%-later}
    check "$a is known for what it is" until_true 300 sh -c "[ \$(xl-ext mem-why --json $a | jq -r .agent) = $wanted ]"
done
right "at its start"
for a in $agents; do uses $a 260; done
for a in $agents; do
    at=$(rounds $a)
    [ $a = qubes ] || check "$a reports again" until_true 300 is_past_round $a "$at"
done
right "grown"
# The total of its start says nothing of a guest that has grown since, in the rounds after that, too.
for a in xcp-ng xcp-ng-windows xcp-ng-later; do
    at=$(rounds $a)
    check "$a reports once more" until_true 300 is_past_round $a $((at + 1))
done
right "some reports later"
echo "# after $(($(date +%s) - began)) s:"
xl-ext mem-top --once | sed 's/^/# /'

# ---- agents that end ----

for a in xcp-ng xcp-ng-later xenserver; do touch "$scratch/end-$a"; done
# most AGENT: the age in seconds at which its report still counts, until it counts no more
most() {
    seen=0
    end=$(($(date +%s) + 600))
    # shellcheck disable=SC2046 # two words
    while set -- "$1" $(xl-ext mem-why --json "$1" | json '"\(.report_age_ms) \(.reported_memkb)"') && [ "$3" != null ] &&
        [ "$(date +%s)" -lt $end ]; do
        seen=$(($2 / 1000))
        sleep 1
    done
    echo "$seen"
}
for a in xcp-ng-later xcp-ng xenserver; do
    most $a >"$scratch/most-$a" &
    eval "looks_$(echo $a | tr - _)=$!"
done
# shellcheck disable=SC2154 # set above
wait $looks_xcp_ng_later $looks_xcp_ng $looks_xenserver
for a in xcp-ng-later xcp-ng xenserver; do
    equal null "$(why $a reported_memkb)" "$a has ended: what its guest needs is unknown"
    says 0 "the last report of .* is [0-9]* s old and counts no more" "and mem-why says so" xl-ext mem-why $a
    echo "# $a: seen at most $(cat "$scratch/most-$a") s old"
done
[ "$(cat "$scratch/most-xenserver")" -gt 240 ] && [ "$(cat "$scratch/most-xenserver")" -le 361 ] &&
    ok "xenserver's lives three periods of 120 s" || not_ok "xenserver's lives three periods of 120 s" "$(cat "$scratch/most-xenserver")"
[ "$(cat "$scratch/most-xcp-ng")" -gt 120 ] && [ "$(cat "$scratch/most-xcp-ng")" -le 181 ] &&
    ok "xcp-ng's lives three periods of 60 s" || not_ok "xcp-ng's lives three periods of 60 s" "$(cat "$scratch/most-xcp-ng")"
sed 's/^/# memd: /' "$scratch/memd.log" | tail -20
finish
