#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# memd's protocol says what QEMU 7.2 said when it was asked: parity cases that need no real guest, against tests/qmp-server.
. "$(dirname "$0")/../lib/cli.sh"

parity=$(dirname "$0")/../parity
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

python3 "$parity/parity.py" record server --program "$(dirname "$tool")/tests/qmp-server" --folder "$scratch" \
    --scenario wire,deviceless,driverless --out "$scratch/server.json" > "$scratch/log" || {
    sed 's/^/# /' "$scratch/log"
    not_ok "every case runs"
}
python3 "$parity/parity.py" compare --tap --qemu "$parity/qemu-7.2.json" --differences "$(dirname "$0")/../../docs/parity-differences.md" \
    "$scratch/server.json" || failures=1
finish
