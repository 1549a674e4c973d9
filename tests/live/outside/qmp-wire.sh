#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Our QMP server against a real QEMU 7.2 on the wire: thousands of random inputs, most of them wrong. QEMU's machine does
# not even start.
# timeout: 300
root=$(cd "$(dirname "$0")/../../.." && pwd)
"$root/scripts/need-packages" lab >/dev/null || exit 1
scratch=$(mktemp -d)
qemu-system-x86_64 -accel tcg -display none -nodefaults -S -name parity -m 256 \
    -qmp "unix:$scratch/qemu,server=on,wait=off" -device virtio-balloon-pci,id=balloon0 &
qemu=$!
"$root/build/tests/qmp-server" --no-driver "$scratch/ours" &
ours=$!
trap 'kill $qemu $ours; rm -rf "$scratch"' EXIT
for i in $(seq 200); do [ -S "$scratch/qemu" ] && [ -S "$scratch/ours" ] && break; sleep 0.1; done
python3 "$root/tests/lib/qmp-wire.py" "$scratch/qemu" "$scratch/ours" "${COUNT:-4000}" "${SEED:-1}"
