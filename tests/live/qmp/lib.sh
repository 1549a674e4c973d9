# SPDX-License-Identifier: LGPL-2.1-or-later
# For the live tests of QMP; sourced.
. "$(dirname "$0")/../../lib/live.sh"

run=/run/xl-ext/qmp

# Starts memd and waits for it; $memd is its process. With arguments: of memd.
start_memd() {
    rm -f "$scratch/ready"
    xl-ext memd "$@" &
    memd=$!
    at_end kill $memd
    until_true 20 test -S $run/0
}

# Bytes that query-balloon tells.
actual() {
    xl-ext qmp "$1" query-balloon | json .actual
}

# becomes DOMAIN BYTES
is_actual() {
    [ "$(actual "$1")" = "$2" ]
}
becomes() {
    until_true 90 is_actual "$1" "$2"
}

# Collects a domain's events in $scratch/events; $listener is the process.
listen() {
    [ -z "$listener" ] || kill "$listener" 2>/dev/null
    xl-ext qmp -e "$1" query-name > "$scratch/events" 2>/dev/null &
    listener=$!
    at_end kill $listener
    until_true 10 test -s "$scratch/events"
}
listener=

last_event_is() {
    [ "$(grep BALLOON_CHANGE "$scratch/events" | tail -n 1 | json .data.actual)" = "$1" ]
}

grew_or_shrank_from() {
    ! last_event_is "$1"
}

# What of the throttle was not kept: pairs of events that were generated... are told no closer than QEMU tells them. The
# time in an event is when it was generated, so only the number of them in the time they span can be checked.
closer_than_a_second() {
    grep BALLOON_CHANGE "$scratch/events" | jq -s '
        (length) as $n | ((last.timestamp.seconds - first.timestamp.seconds) + 3) as $span
        | select($n > $span) | "\($n) events in \($span) s"'
}
