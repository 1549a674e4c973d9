#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same guest saved by xl and by xl-ext save --compact, in one boot: bytes and time.
# timeout: 900
set -eu

scratch=$(mktemp -d)
cleanup() {
    [ -z "${memd:-}" ] || kill "$memd"
    xl destroy bench > /dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap cleanup EXIT

ratio() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a / b }'
}

# saved COMMAND...: $bytes of the file and $ms
saved() {
    local begin=${EPOCHREALTIME/./}
    "$@" "$scratch/saved" > /dev/null 2>&1
    ms=$(((${EPOCHREALTIME/./} - begin) / 1000))
    bytes=$(stat -c %s "$scratch/saved")
}

lab-guest create --agent pvh bench 384 384
xl-ext memd > /dev/null 2>&1 &
memd=$!
for _ in $(seq 120); do
    [ -S /run/xl-ext/control.sock ] && break
    sleep 0.5
done
xl-ext mem-range bench 384 384 > /dev/null
for _ in $(seq 120); do
    need=$(xl-ext mem-why --json bench | jq .demand_memkb)
    [ "$need" = null ] || break
    sleep 1
done
saved xl save -c bench
plain_bytes=$bytes plain_ms=$ms
saved xl-ext save --compact bench
echo "needs $need KiB; xl: $plain_bytes bytes in $plain_ms ms; --compact: $bytes bytes in $ms ms"
echo "bench compact.bytes_ratio $(ratio "$bytes" "$plain_bytes")"
echo "bench compact.save_ratio $(ratio "$ms" "$plain_ms")"
