#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# memd with 64 domains and 64 clients: what it costs at rest, and how fast it answers. The clock of an answer is that of a
# bare xs_read in the same boot.
# lab: --copy build/tests/bench/tools/qmp-load:/usr/local/bin/qmp-load
# timeout: 600
set -eu

export LC_ALL=C
seconds=${SECONDS_EACH:-20}
runs=${RUNS:-3000}

# ticks of CPU, and how often it was put to sleep and woken
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$memd/stat"; }
wakeups() { awk '/^voluntary_ctxt/ { n += $2 } END { print n }' /proc/$memd/task/*/status; }

# during KEY: what memd costs in the next seconds
during() {
    local ticks woken
    ticks=$(cpu_ticks) woken=$(wakeups)
    sleep "$seconds"
    awk -v t=$(($(cpu_ticks) - ticks)) -v s="$seconds" -v hz="$(getconf CLK_TCK)" -v k="$1" \
        'BEGIN { printf "bench qmp.%s_cpu_share %.4f\n", k, t / hz / s }'
    awk -v w=$(($(wakeups) - woken)) -v s="$seconds" -v k="$1" 'BEGIN { printf "bench qmp.%s_wakeups_per_s %.2f\n", k, w / s }'
}

lab-puppet start q 16 24 instant --count 64
xl-ext memd &
memd=$!
sockets=()
for i in $(seq 64); do sockets+=("/run/xl-ext/qmp/q-$i"); done
for i in $(seq 100); do [ -S "${sockets[63]}" ] && break; sleep 0.2; done
sleep 3
during idle

qmp-load hold "${sockets[@]}" > /tmp/held &
holder=$!
for i in $(seq 100); do grep -q ready /tmp/held && break; sleep 0.2; done
sleep 3
during clients64
echo "bench qmp.rss_kb $(awk '/VmRSS/ { print $2 }' "/proc/$memd/status")"

read -r p50 p99 < <(qmp-load latency "$runs" "${sockets[@]}")
read -r xs50 xs99 < <(qmp-load xs "$runs" /local/domain/0/name)
echo "bench qmp.query_balloon_p50_us $p50"
echo "bench qmp.query_balloon_p99_us $p99"
echo "bench qmp.xs_read_p50_us $xs50"
echo "bench qmp.xs_read_p99_us $xs99"
awk -v a="$p99" -v b="$xs99" 'BEGIN { printf "bench qmp.query_balloon_p99_over_xs_read_p99 %.3f\n", a / b }'
kill $holder
sleep 2

# A guest that writes its statistics as fast as it can, while they are asked for.
domid=$(xl domid q-1)
xl-ext qmp q-1 qom-set path=balloon0 property=guest-stats-polling-interval value=1 > /dev/null
qmp-load spam $((seconds + 10)) "/local/domain/$domid/data/memory-stats" > /tmp/spammed &
spammer=$!
sleep 2
during spam
read -r p50 p99 < <(qmp-load latency 500 "${sockets[@]:1}")
echo "bench qmp.spam_query_balloon_p99_us $p99"
wait $spammer
echo "bench qmp.spam_writes_per_s $(cat /tmp/spammed)"
kill $memd
lab-puppet stop q
