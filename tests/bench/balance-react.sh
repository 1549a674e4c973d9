#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# memd and ten guests on a full host: how soon it acts on a report, what that costs in messages to xenstored, and what a
# guest costs that reports as fast as it can.
# lab: --copy build/tests/bench/tools/balance-load:/usr/local/bin/balance-load
# timeout: 600
set -eu
. "$(dirname "$0")/../lib/memd-bench.sh"

seconds=${SECONDS_EACH:-30}
own=/local/domain/0/xl-ext/own-target
mib=1024

held() { xl-ext mem-list --json "$1" | jq '.[0].actual_memkb'; }
# report NAME USED-MIB: as balance-load takes it
report() {
    local held
    held=$(held "$1")
    echo "total-memory $((held * 1024)),available-memory $(((held - $2 * mib) * 1024)),"
}

each=$((($(xl info free_memory) - 200) / 10))
lab-puppet start g $each $((each * 2)) instant,answers --count 10
start_memd 'manage="all"' 'default_min=32'
for i in $(seq 10); do
    lab-puppet stats g-$i total-memory=$((each << 20)) available-memory=$(((each - 60) << 20))
done
calm 40

# wants_more NAME: says that it needs more than it has; in microseconds, when memd began to take it from others, and when
# NAME was given some
wants_more() {
    local domid
    domid=$(xl domid "$1")
    balance-load react /local/domain/"$domid"/data/memory-stats "$(report "$1" $(($(held "$1") / mib - 4)))" $own "$domid"
}

firsts=() owns=()
for i in $(seq 7); do
    read -r first own_us < <(wants_more g-$i)
    firsts+=("$first") owns+=("$own_us")
    sleep 4
done
figure react_ms "$(awk -v us="$(median "${firsts[@]}")" 'BEGIN { print us / 1000 }')"
figure react_own_ms "$(awk -v us="$(median "${owns[@]}")" 'BEGIN { print us / 1000 }')"

trace_on
for i in 8 9 10; do
    wants_more g-$i > /dev/null
    sleep 4
done
trace_off
# memd's connection is the one that writes the mark of its targets.
conn=$(sed -n 's/.*\bIN \(0x[0-9a-f]*\).* WRITE (.*own-target.*/\1/p' /tmp/xs-trace | sort -u)
[ "$(echo "$conn" | wc -w)" = 1 ] || { echo "memd's connection is not to be told: '$conn'"; head -5 /tmp/xs-trace; exit 1; }
grep "\bIN $conn" /tmp/xs-trace > /tmp/asked
changed=$(grep -c ' WRITE (.*own-target' /tmp/asked)
all=$(wc -l < /tmp/asked)
# Reports are read, and new ones asked for when somebody is short, whether targets change or not.
reports=$(grep -c -e ' READ (.*\(data/meminfo\|data/memory-stats\|memory/meminfo\)' -e ' WRITE (.*/stats-interval ' /tmp/asked || true)
figure xs_messages_per_changed_target "$(awk -v n=$((all - reports)) -v c="$changed" 'BEGIN { print n / c }')"
figure xs_messages_per_changed_target_with_reports "$(awk -v n="$all" -v c="$changed" 'BEGIN { print n / c }')"
echo "$changed targets changed, $all messages, of these $reports for reports:"
# the kind, and of what has a path its end
sed -E 's/.*[0-9] ([A-Z_]*) \(([^ )]*\/)?([^ \/)]*).*/\1 \3/; s/^(TRANSACTION_[A-Z]*) .*/\1/; s/ [0-9]+$/ DOMID/' /tmp/asked | sort | uniq -c

# Its reports say that it starves and that it has plenty, in turn. What it gets by lying it has after half a minute; from
# then on it costs what reports cost.
domid=$(xl domid g-1)
balance-load spam $((seconds + 50)) /local/domain/"$domid"/data/memory-stats \
    "$(report g-1 60)" "$(report g-1 $(($(held g-1) / mib - 2)))" > /tmp/spammed &
spammer=$!
sleep 40
ticks=$(cpu_ticks)
sleep "$seconds"
figure spam_cpu_share "$(awk -v t=$(($(cpu_ticks) - ticks)) -v s="$seconds" -v hz="$(getconf CLK_TCK)" 'BEGIN { print t / hz / s }')"
wait $spammer
figure spam_writes_per_s "$(cat /tmp/spammed)"
stop_memd
lab-puppet stop g
