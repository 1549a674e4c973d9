# SPDX-License-Identifier: LGPL-2.1-or-later
# For benchmarks of memd as a balancer, in the lab's dom0; sourced.

export LC_ALL=C
memd=
# A benchmark that fails leaves no memd to the next one.
trap '[ -z "$memd" ] || kill "$memd" 2> /dev/null || true' EXIT

# start_memd LINE...: with these lines for a configuration
start_memd() {
    printf '%s\n' "$@" > /tmp/memd.cfg
    xl-ext memd -c /tmp/memd.cfg 2> /tmp/memd.log &
    memd=$!
    # With a thousand domains, on an emulated machine that others slow down, it has much to read first.
    for i in $(seq 3000); do
        xl-ext mem-top --once > /dev/null 2>&1 && return
        sleep 0.2
    done
    echo "memd does not answer"
    exit 1
}

stop_memd() {
    kill "$memd"
    wait "$memd" || true
    memd=
}

# calm SECONDS: waits until it has written no target for so long
calm() {
    local before now
    before=
    for i in $(seq 60); do
        now=$(xenstore-ls /local/domain/0/xl-ext/own-target)
        [ "$now" = "$before" ] && return
        before=$now
        sleep "$1"
    done
    echo "memd does not come to rest"
    exit 1
}

# ticks of CPU, and how often one of its threads was woken
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$memd/stat"; }
wakeups() { awk '/^voluntary_ctxt/ { n += $2 } END { print n }' /proc/$memd/task/*/status; }

# xenstored's own record of what it was asked, and by which connection
trace_on() {
    rm -f /tmp/xs-trace
    xenstore-control logfile /tmp/xs-trace > /dev/null
}
trace_off() { xenstore-control log off > /dev/null; }

median() {
    printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

figure() { awk -v k="$1" -v v="$2" 'BEGIN { printf "bench balance.%s %.3f\n", k, v }'; }
