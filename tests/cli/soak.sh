#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The watch of the soak: it sees what must not be, and nothing in what may be.
. "$(dirname "$0")/../lib/cli.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
soak=$(cd "$(dirname "$0")/../soak" && pwd)

# sees NAME PATTERN LOOK...: looks at the same twice, as a fault that stays; each LOOK is a line of look.c
sees() {
    name=$1 pattern=$2
    shift 2
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$soak python3 - "$work" "$@" >"$work/said" <<'END'
import sys
from watch import Watch
w = Watch(sys.argv[1], 128)
w.minimums["calm"] = 100 * 1024
for _ in range(2):
    w.now_suspects = {}
    w.look_at_domains([line for line in sys.argv[2:] if line.startswith("domain")])
    for line in sys.argv[2:]:
        if line.startswith("host"):
            w.look_at_host(int(line.split()[1]))
    w.suspects = w.now_suspects
print("%d violations" % len(w.violations))
END
    check "$name" grep -q "$pattern" "$work/said"
}

sees 'a guest at its target is well' '^0 violations' 'domain 5 calm 131072 131072 132096 131072 20' 'host 200000'
sees 'a target that somebody else has set is well' '^0 violations' 'domain 5 calm 131072 140000 150000 0 20'
sees 'one that is dying does not count' '^0 violations' 'domain 5 calm 4 131072 8 1 1'
sees "a limit below the target is seen" 'VIOLATION calm: its limit of 8192' 'domain 5 calm 131072 131072 8192 131072 20'
sees "a record that is not the target is seen" "VIOLATION calm: its target is 131072 KiB, memd's record says 4096" 'domain 5 calm 131072 131072 132096 4096 20'
sees 'a guest below its minimum is seen' 'VIOLATION calm holds 65536' 'domain 5 calm 65536 65536 66560 65536 20'
sees 'a host without its reserve is seen' 'VIOLATION the host has 65536 KiB free' 'host 65536'
finish
