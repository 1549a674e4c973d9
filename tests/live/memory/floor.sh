#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The floor of mem-set is one that a guest can live with: docs/memory-floor.md.
# timeout: 400
. "$(dirname "$0")/../../lib/live.sh"

for type in pv pvh; do
    name=floor-$type
    at_end lab-guest destroy "$name"
    check "a $type guest of 256 MiB starts" lab-guest create "$type" "$name" 256 256
    floor_kb=$(xl-ext mem-info --json "$name" | sed -n 's/.*"floor_memkb": *\([0-9]*\).*/\1/p')
    equal 106496 "$floor_kb" "its floor is 104 MiB"
    says 4 "below" "$type: a KiB less is refused" xl-ext mem-set "$name" $((floor_kb - 1))k
    check "$type: it reaches its floor" xl-ext mem-set -w -t 120 "$name" "${floor_kb}k"
    check "$type: and still runs programs" lab-guest exec "$name" ls /
    free_kb=$(lab-guest exec "$name" awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
    echo "# $type: $free_kb KiB available at a target of $floor_kb KiB"
    [ "${free_kb:-0}" -ge 8192 ] && ok "$type: with 8 MiB to spare" || not_ok "$type: with 8 MiB to spare" "$free_kb KiB"
    check "$type: it comes back" xl-ext mem-set -w -t 120 "$name" 256
done
finish
