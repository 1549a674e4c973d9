#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# xl-ext against xl, in one boot, alternated; xl is the real binary, not Debian's shell wrapper.
# lab: --copy build/tests/bench/tools/when-settled:/usr/local/bin/when-settled
# timeout: 900
set -eu

xl=$(echo /usr/lib/xen-*/bin/xl)
[ -x "$xl" ] || { echo "no xl in /usr/lib/xen-*/bin"; exit 1; }
runs=${RUNS:-21}
export LC_ALL=C

now_us() {
    echo "${EPOCHREALTIME/./}"
}

# time_us COMMAND...: microseconds of wall time, in $took
time_us() {
    local begin end
    begin=${EPOCHREALTIME/./}
    "$@" > /dev/null
    end=${EPOCHREALTIME/./}
    took=$((end - begin))
}

median() {
    printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

ratio() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a / b }'
}

# alternate OURS... -- THEIRS...: the medians in $ours_us and $theirs_us
alternate() {
    local ours=() theirs=() a=() b=() i
    while [ "$1" != -- ]; do ours+=("$1"); shift; done
    shift
    theirs=("$@")
    "${ours[@]}" > /dev/null
    "${theirs[@]}" > /dev/null
    for ((i = 0; i < runs; i++)); do
        time_us "${ours[@]}"
        a+=("$took")
        time_us "${theirs[@]}"
        b+=("$took")
    done
    ours_us=$(median "${a[@]}")
    theirs_us=$(median "${b[@]}")
}

lab-guest create pv bench-pv 256 256
lab-puppet start bench 64 128 instant --count 2

# Values alternate too, so that each call has something to change.
set_ours() { n=$((${n:-0} + 1)); xl-ext mem-set bench-1 $((80 + n % 32)); }
set_theirs() { n=$((${n:-0} + 1)); "$xl" mem-set bench-1 $((80 + n % 32)); }
alternate set_ours -- set_theirs
echo "bench mem_set.single_ms $(ratio "$ours_us" 1000)"
echo "bench mem_set.xl_single_ms $(ratio "$theirs_us" 1000)"
echo "bench mem_set.single_ratio $(ratio "$ours_us" "$theirs_us")"

# dom0, a guest and two puppets: 4 domains
[ "$("$xl" list | wc -l)" = 5 ]
alternate xl-ext mem-list -- "$xl" list
echo "bench list.single_ms $(ratio "$ours_us" 1000)"
echo "bench list.xl_single_ms $(ratio "$theirs_us" 1000)"
echo "bench list.single_ratio $(ratio "$ours_us" "$theirs_us")"

# From a guest's settling to mem-set -w coming back.
overheads=()
for size in 200 240 190 230 180 220 170 210 160 250; do
    rm -f /tmp/when.ready
    goal=$((size * 1024 + $(xl-ext mem-list --json bench-pv | jq '.[0].offset_memkb')))
    when-settled "$(xl-ext mem-list --json bench-pv | jq '.[0].domid')" $goal > /tmp/when &
    watcher=$!
    until [ -e /tmp/when.ready ]; do sleep 0.1; done
    xl-ext mem-set -w bench-pv $size > /dev/null
    end=$(now_us)
    wait $watcher
    overheads+=($((end - $(cat /tmp/when))))
done
echo "bench settle.overhead_ms $(ratio "$(median "${overheads[@]}")" 1000)"

lab-puppet stop bench
lab-puppet start many 24 32 instant --count 64
args=() other=()
for ((i = 1; i <= 64; i++)); do
    args+=("many-$i" 30)
    other+=("many-$i" 26)
done
each_with_xl() {
    local i
    for ((i = 1; i <= 64; i++)); do "$xl" mem-set "many-$i" 28; done
}
ours=() theirs=()
for ((k = 0; k < 3; k++)); do
    time_us xl-ext mem-set "${args[@]}"
    ours+=("$took")
    time_us each_with_xl
    theirs+=("$took")
    xl-ext mem-set "${other[@]}"
done
echo "bench mem_set.batch64_ms $(ratio "$(median "${ours[@]}")" 1000)"
echo "bench mem_set.batch64_speedup $(ratio "$(median "${theirs[@]}")" "$(median "${ours[@]}")")"
runs=7
alternate xl-ext mem-list -- "$xl" list
echo "bench list.ratio_66 $(ratio "$ours_us" "$theirs_us")"
lab-puppet stop many
lab-guest destroy bench-pv
