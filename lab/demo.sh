#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What "make demo" runs in dom0 of the lab: guests are created, listed, and their memory is moved.
set -eu

say() {
    printf '\n\033[1m%s\033[0m\n' "$*"
}

show() {
    printf '\033[36mdom0# %s\033[0m\n' "$*"
    "$@"
}

guest_view() {
    for guest in "$@"; do
        lab-guest exec "$guest" awk -v g="$guest" \
            '/^Mem(Total|Available)/ { printf "%s%s %.0f MiB", n++ ? ", " : g " says: ", $1, $2 / 1024 } END { print "" }' /proc/meminfo
    done
}

say "Two Linux guests, one PV and one PVH"
show lab-guest create pv web 256 256
show lab-guest create pvh db 256 256
show xl-ext mem-list
guest_view web db

say "Memory is moved, and followed until it has settled"
show xl-ext mem-set -w web 128 db 192
show xl-ext mem-list
guest_view web db

say "What a guest could not survive is refused"
show xl-ext mem-set web 20 || echo "(exit status $?)"

say "And back again"
show xl-ext mem-set -w web +96 db +32
show xl-ext mem-info db
lab-guest destroy web
lab-guest destroy db
