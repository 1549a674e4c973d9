#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# memd with 100 balanced domains at rest: what it asks of xenstored, and how often it wakes up.
# timeout: 600
set -eu
. "$(dirname "$0")/../lib/memd-bench.sh"

seconds=${SECONDS_EACH:-120}

lab-puppet start idle 12 16 instant --count 100
start_memd 'manage="all"' 'default_min=8'
lab-puppet stats idle total-memory=$((12 << 20)) available-memory=$((6 << 20))
# Demands fall for 30 s after the first reports.
calm 40

woken=$(wakeups)
sleep "$seconds"
woken=$(($(wakeups) - woken))
figure idle_wakeups_per_min "$(awk -v n="$woken" -v s="$seconds" 'BEGIN { print n * 60 / s }')"

# All that anybody asks of xenstored, but for the request that ends the record.
trace_on
sleep "$seconds"
trace_off
asked=$(grep -c '\bIN 0x' /tmp/xs-trace || true)
ours=$(grep '\bIN 0x' /tmp/xs-trace | grep -c CONTROL || true)
figure idle_xs_messages_per_min "$(awk -v n=$((asked - ours)) -v s="$seconds" 'BEGIN { print n * 60 / s }')"
grep '\bIN 0x' /tmp/xs-trace | grep -v CONTROL | cut -c 1-150 | sort | uniq -c | sort -rn | head -5

# The record does record.
[ "$ours" -ge 1 ]
stop_memd
lab-puppet stop idle
