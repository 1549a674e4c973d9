#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How long a reservation of 512 MiB takes that ten guests have to give, each at its rate, over the time that their rates
# allow; also when one of the ten creeps and one is stuck.
# timeout: 600
set -eu
. "$(dirname "$0")/../lib/memd-bench.sh"

rate=3072 # KiB/s of each

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# overhead KEY GIVERS: a reservation of 512 MiB more than is free
overhead() {
    local spare begin took
    start_memd 'manage="all"' 'default_min=80'
    calm 5
    spare=$(xl-ext mem-top --once --json | jq '.host | .free_memkb - .claimed_memkb - .reserve_memkb')
    begin=$(now_ms)
    xl-ext mem-reserve -t 120 $((spare + 524288))k -- true
    took=$(($(now_ms) - begin))
    echo "$1: $took ms; at $2 * $rate KiB/s $((524288 * 1000 / rate / $2)) ms"
    figure "$1" "$(awk -v t=$took -v g="$2" -v r=$rate 'BEGIN { print t / (524288 * 1000 / r / g) }')"
    stop_memd
}

each=$((($(xl info free_memory) - 250) / 10))
lab-puppet start give $each $each rate=$rate --count 10
overhead reserve_overhead 10
lab-puppet stop give

lab-puppet start give $each $each rate=$rate --count 8
lab-puppet start creep $each $each creep
lab-puppet start stuck $each $each stuck
overhead reserve_overhead_creep_stuck 8
for p in give creep stuck; do lab-puppet stop $p; done
