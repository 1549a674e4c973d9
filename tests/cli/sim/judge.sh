#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The simulator itself: what it answers when something does not hold, and that it sees what it is there to see.
# A daemon that is killed in the middle frees nothing.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
. "$(dirname "$0")/../../lib/cli.sh"
sim=$BUILD/tests/xl-ext-sim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# world NAME GUESTS REST: a scenario file on a full host of 2 GiB
world() {
    printf '{"name": "%s", "seconds": 120, "host": {"total_mib": 2176, "reserve_mib": 128}, "guests": [%s]%s}\n' "$1" "$2" "$3" >"$work/$1.json"
}

idle='{"name": "a", "used_mib": 100}, {"name": "b", "used_mib": 100}'
world holds "$idle" ''
world too-much "$idle" ', "expect": {"held": [{"guest": "a", "low_mib": 2000}]}'
world too-little-free "$idle" ', "expect": {"free_mib": 1024}'
world unknown "$idle" ', "expect": {"hold": []}'
world no-such-way '{"name": "a", "kind": ["rate", "sulks"]}' ''
world hungry '{"name": "a", "used_mib": 100}, {"name": "b", "used_mib": 100}' ', "events": [{"at": 30, "do": "load", "guest": "a", "mib": 1500}]'
world slow '{"name": "a", "used_mib": 100}, {"name": "b", "used_mib": 100, "rate_mib_s": 2}' \
    ', "events": [{"at": 30, "do": "load", "guest": "a", "mib": 1500}], "expect": {"starved_ratio": 0.01}'

command_says 0 '^ok - holds' 'what holds is ok' "$sim" "$work/holds.json"
command_says 1 'a: holds .* expected 2000' 'what a guest holds at the end is compared' "$sim" "$work/too-much.json"
command_says 1 'host free was .* expected never below 1024' "the host's free memory is compared" "$sim" "$work/too-little-free.json"
command_says 2 'is no scenario' 'a member that is not known makes no scenario' "$sim" "$work/unknown.json"
command_says 2 'is no scenario' 'a behaviour that is not known makes no scenario' "$sim" "$work/no-such-way.json"
command_says 1 'lacked .* expected at most 0.01' 'what starves is compared with foresight' "$sim" "$work/slow.json"
command_says 0 'starved [1-9]' 'a policy that looks every 10 s starves who needs memory at once' "$sim" --policy squeezed "$work/hungry.json"
command_says 0 '^hungry	[0-9]*	[0-9]*	[0-9.]*	[1-9][0-9]*	[0-9]*	[1-9][0-9]*$' 'figures are by tabs' "$sim" --figures "$work/hungry.json"
command_says 2 'usage' 'a policy that is not known is refused' "$sim" --policy hope "$work/holds.json"
first=$("$sim" --strict --random 17) || :
check 'two runs of a scenario are the same' test "$first" = "$("$sim" --strict --random 17)"
finish
