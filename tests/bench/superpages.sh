#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How many of a guest's large pages outlive a restore: by its tables, as tests/live/migrate/superpages.sh counts them.
# lab: --copy build/tests/live/guest-memory:/usr/local/bin/guest-memory
# timeout: 600
set -eu

saved=$(mktemp)
cleanup() {
    xl destroy bench > /dev/null 2>&1 || true
    rm "$saved"
}
trap cleanup EXIT

tables() {
    guest-memory tables "$(xl domid bench)"
}

lab-guest create pvh bench 256 256
before=$(tables)
xl save bench "$saved" > /dev/null 2>&1
xl restore -p "$saved" > /dev/null 2>&1
plain=$(tables)
xl destroy bench
xl-ext restore -p "$saved" > /dev/null 2>&1
ours=$(tables)
echo "tables: $before before, $plain restored by xl, $ours by xl-ext"
echo "bench superpages.kept_ratio $(awk -v a=$((plain - ours)) -v b=$((plain - before)) 'BEGIN { printf "%.3f\n", a / b }')"
