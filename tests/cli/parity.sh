#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# memd's protocol says what QEMU 7.2 and 10.0 said when they were asked: parity cases that need no real guest, against
# tests/qmp-server.
. "$(dirname "$0")/../lib/cli.sh"

parity=$(dirname "$0")/../parity
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

for version in 7.2 10.0; do
    python3 "$parity/parity.py" record server --program "$(dirname "$tool")/tests/qmp-server" --folder "$scratch" \
        --qemu-version $version --scenario wire,deviceless,driverless --out "$scratch/server.json" > "$scratch/log" || {
        sed 's/^/# /' "$scratch/log"
        not_ok "every case of QEMU $version runs"
    }
    python3 "$parity/parity.py" compare --tap --qemu "$parity/qemu-$version.json" --golden "$parity/qemu-7.2.json" \
        --differences "$(dirname "$0")/../../docs/parity-differences.md" "$scratch/server.json" > "$scratch/tap" || failures=1
    sed -e "s/ on server$/ as QEMU $version/" -e 's/^QEMU itself/# &/' "$scratch/tap"
done
finish
