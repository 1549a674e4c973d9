#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How soon a guest has memory for 500 MiB that a program starts to use: when the memory was there before, when all targets
# are written by hand at the instant at which the program starts, and when memd finds out. In turn, in one boot; until then
# the memory lies with a neighbour that used as much itself and has been idle for a minute, the rest of the host is full.
# VARIANTS names what is measured, RUNS how often each, IDLE for how many seconds the neighbour has been idle. TYPE is the
# guests' (pvh) but for the variant pv: the emulated CPU breaks a PVH guest once in some of these minutes (lab/README.md).
# timeout: 9000
# environment: VARIANTS RUNS IDLE TYPE
set -euE
. "$(dirname "$0")/../lib/memd-bench.sh"

load=500        # MiB that are touched
least=208       # MiB that a guest has that does nothing
rest=80         # MiB that they have together beyond the least of each and the load
most=800        # MiB, maxmem
bystander=
trap guests_last_words ERR
type=${TYPE:-pvh}
idle=${IDLE:-60} # seconds for which the neighbour has used nothing

target() { echo $(($(xenstore-read "/local/domain/$(xl domid "$1")/memory/target") / 1024)); }
worst() { printf '%s\n' "$@" | sort -n | tail -n 1; }

# A guest that dies ends the benchmark.
guests_last_words() {
    local log
    echo "failed: $BASH_COMMAND"
    xl list
    for log in /var/log/xen/console/guest-*.log; do
        echo "$log:"
        tail -n 25 "$log"
    done
}

# A PVH guest that shares a CPU with a busy dom0 is one that the emulated processor breaks (lab/README.md).
xl vcpu-pin Domain-0 all 0

# create TYPE TAKER...: guests with the agent, the neighbour first; the host is full then, but for memd's reserve
create() {
    local name type=$1
    shift
    takers=("$@")
    share=$((load / $#))
    for name in giver "${takers[@]}"; do
        lab-guest create --agent "$type" "$name" $least $most 'cpus = "1"' 'on_crash = "destroy"' 'on_reboot = "destroy"'
    done
}
# fill_host: of what is free now the guests may have the pool, somebody else has the rest
fill_host() {
    pool=$((least * (${#takers[@]} + 1) + load + rest))
    local other=$(($(xl info free_memory) - 128 - 8 - load - rest))
    lab-puppet start other $other $other instant
}
destroy() {
    local name
    for name in giver "${takers[@]}"; do lab-guest destroy "$name"; done
    lab-puppet stop other
}

# by_hand GIVER TAKER: as targets for mem-set, the giver's and each taker's, MiB
by_hand() {
    local name
    printf 'giver %s ' "$1"
    for name in "${takers[@]}"; do printf '%s %s ' "$name" "$2"; done
}

# settle GIVER TAKER: by hand, until all has moved
settle() {
    # shellcheck disable=SC2046
    xl-ext mem-set -w -t 120 $(by_hand "$1" "$2") > /dev/null || echo "not all has moved after two minutes"
}

# arrive: the takers' programs touch the load all together; $took: milliseconds of their own clock until the last has it
arrive() {
    local name all=()
    for name in "${takers[@]}"; do
        lab-guest exec --timeout 300 "$name" fill $share > "/tmp/took.$name" &
        all+=($!)
    done
    for name in "${all[@]}"; do wait "$name"; done
    took=$(for name in "${takers[@]}"; do cat "/tmp/took.$name"; done | sort -n | tail -n 1)
}

memory_there_before() {
    settle $least $(((pool - least) / ${#takers[@]}))
    arrive
}

# $start_mib: what memd left to a taker
targets_by_hand() {
    local setter
    settle $((pool - start_mib * ${#takers[@]})) "$start_mib"
    # shellcheck disable=SC2046
    xl-ext mem-set $(by_hand $least $(((pool - least) / ${#takers[@]}))) > /dev/null &
    setter=$!
    arrive
    wait $setter
}

# memd_finds_out LINE...: with these lines for a configuration
memd_finds_out() {
    local name
    start_memd "$@"
    for name in giver "${takers[@]}"; do
        # What nobody needs lies with the neighbour.
        xl-ext mem-range "$name" $least $most "$([ "$name" = giver ] && echo 4096 || echo 256)"
        xl-ext mem-range "$name" auto
    done
    if [ "$bystander" ]; then
        xl-ext mem-range bystander 176 512
        xl-ext mem-range bystander auto
        lab-puppet stats bystander total-memory=$((256 << 20)) available-memory=$((224 << 20))
    fi
    lab-guest exec --timeout 300 giver fill -s 10 $load > /dev/null
    sleep "$idle"
    start_mib=$(target "${takers[0]}")
    arrive
    xl-ext mem-top --once
    stop_memd
}

# triples KEY RUNS BOUND LINE...: prints the figures. memd may take BOUND times what it takes by hand, less what it takes
# with the memory there before, and half a second.
triples() {
    local key=$1 runs=$2 bound=$3 before=() hand=() memd_took=() over_hand=() over_memd=() starts=() turn
    shift 3
    for ((turn = 0; turn < runs; turn++)); do
        memd_finds_out "$@"
        starts+=("$start_mib")
        memd_took+=("$took")
        targets_by_hand
        hand+=("$took")
        memory_there_before
        before+=("$took")
        over_hand+=($((hand[turn] - before[turn])))
        over_memd+=($((memd_took[turn] - before[turn])))
        echo "$key: before ${before[turn]} ms, by hand ${hand[turn]} ms, memd ${memd_took[turn]} ms from $start_mib MiB"
    done
    arrival "$key.start_mib" "$(median "${starts[@]}")"
    arrival "$key.before_ms" "$(median "${before[@]}")"
    arrival "$key.by_hand_ms" "$(median "${hand[@]}")"
    arrival "$key.memd_ms" "$(median "${memd_took[@]}")"
    arrival "$key.memd_ms_worst" "$(worst "${memd_took[@]}")"
    arrival "$key.wanted_ms" "$(awk -v h="$(median "${over_hand[@]}")" -v b="$bound" 'BEGIN { print h * b + 500 }')"
    arrival "$key.took_ms" "$(median "${over_memd[@]}")"
    arrival "$key.holds" "$(awk -v h="$(median "${over_hand[@]}")" -v b="$bound" -v m="$(median "${over_memd[@]}")" \
        'BEGIN { print m <= h * b + 500 }')"
}
arrival() { echo "bench arrival.$1 $2"; }

knows_float() {
    start_memd 'float=0'
    xl-ext mem-top --once --json | jq -e '.host | has("float_memkb")' > /dev/null && knows=yes || knows=
    stop_memd
    [ "$knows" ]
}

for variant in ${VARIANTS:-pvh float0 pv two stuck hostile}; do
    runs=${RUNS:-3}
    case $variant in
    pvh)
        create $type taker
        fill_host
        triples pvh "${RUNS:-7}" 1.2
        ;;
    float0)
        knows_float || { echo "float0: skipped, this memd has no float"; continue; }
        create $type taker
        fill_host
        triples float0 "${RUNS:-7}" 1.5 'float=0'
        ;;
    pv)
        create pv taker
        fill_host
        triples pv "$runs" 1.2
        ;;
    two)
        create $type taker taker2
        fill_host
        triples two "$runs" 1.2
        ;;
    stuck | hostile)
        create $type taker
        # A neighbour that says that it has plenty.
        bystander=yes
        lab-puppet start bystander 256 512 "$variant"
        fill_host
        triples "$variant" "$runs" 1.5
        lab-puppet stop bystander
        bystander=
        ;;
    esac
    destroy
done
