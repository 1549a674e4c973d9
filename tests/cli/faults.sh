#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the program does when its output has no room, when it has no descriptors, and no memory: it says so and fails, and dies of nothing else.
. "$(dirname "$0")/../lib/cli.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
host=$root/tests/fuzz/corpus/mem_plan/two
from=$(dirname "$XL_EXT")/agent-kit

# ---- no room for what it prints ----

for line in help --version "help mem-list" "mem-plan --from $host" "mem-plan --json --from $host" "agent-kit --from $from"; do
    if [ ! -w /dev/full ]; then
        skip "$line on a full disk" "there is no /dev/full"
        continue
    fi
    # shellcheck disable=SC2086 # $line is words
    said=$("$tool" $line 2>&1 >/dev/full)
    equal "1 yes" "$? $(echo "$said" | grep -q "cannot write" && echo yes)" "$line on a full disk is no success"
done

# ---- a disk that gets full in the middle ----

trap '' XFSZ
(
    ulimit -f 1
    "$tool" agent-kit --from "$from" -o "$work/kit.tar" 2>"$work/said"
    echo $? >&3
) 3>"$work/status"
trap - XFSZ
equal "1 yes" "$(cat "$work/status") $(grep -q "cannot write $work/kit.tar: " "$work/said" && echo yes)" "a file that cannot grow is named"

# ---- few descriptors, little memory: from what the loader needs to what the program needs ----

# dies STATUS: by a signal that tells of a fault; out of memory it says so and aborts
dies() {
    [ "$1" -gt 128 ] && { [ "$1" -ne 134 ] || ! grep -q "out of memory" "$work/said"; }
}

# with_less WHAT OPTION FIRST STEP LAST: mem-plan with ever more, until it succeeds
with_less() {
    bad='' worked='' n=$3
    while [ "$n" -le "$5" ] && [ -z "$worked" ]; do
        (
            ulimit "$2" "$n" 2>/dev/null || exit 77
            exec "$XL_EXT" mem-plan --from "$host"
        ) >"$work/out" 2>"$work/said"
        status=$?
        dies $status && bad="$bad $n: status $status, $(head -n 1 "$work/said");"
        [ $status = 0 ] && worked=$n
        [ $status = 0 ] || [ -s "$work/said" ] || bad="$bad $n: status $status without a word;"
        n=$((n + $4))
    done
    equal "" "$bad" "with too few $1 it says so"
    check "and with enough ($worked) it works" test -n "$worked"
}
# libuv itself aborts below that: Debian 12's 1.44 with five, Debian 13's 1.50 with six.
few=6
if pkg-config --atleast-version=1.50 libuv; then few=7; fi
with_less descriptors -n $few 1 64
with_less "KiB of memory" -v 4096 256 262144
finish
